//! A service over memory, with a clock and randomness of its own.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use object_engine::{
    blobs::memory::MemoryBlobs,
    catalog::memory::MemoryCatalog,
    clock::{Clock, Timestamp},
    engine::{Backends, EngineOptions, ObjectEngine, SESSION_EXPIRY_DEFAULT, Sharing},
    entropy::Entropy,
    model::{AccessKey, Account, AccountId, BucketName, Versioning},
};
use s3_front::{
    identity::{RootCredentials, WithRoot},
    service::{
        NewBucketSseC, ObjectOwnership, Profile, RootAccount, S3Service, ServiceOptions,
        SignatureV2, StoredAccessKeys,
    },
};
use sealed_format::{MasterKey, Randomness};
use sealed_store::{CopyMode, SealedStore};

use crate::{
    client::Ask,
    counted::{CountedBlobs, CountedCatalog, Counts},
};

/// When everything happens, in seconds: 2026-01-02T03:04:05Z.
pub(crate) const NOW: u64 = 1_767_323_045;
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
pub(crate) const ROOT_ID: &str = "root-canonical-id";

/// Distinct bytes at every draw, always the same sequence.
#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl Counting {
    fn draw(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let next = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&next.to_be_bytes()[..chunk.len()]);
        }
    }
}

impl Randomness for Counting {
    fn fill(&self, out: &mut [u8]) {
        self.draw(out);
    }
}

impl Entropy for Counting {
    fn fill(&self, out: &mut [u8]) {
        self.draw(out);
    }
}

/// A clock that stands.
#[derive(Debug)]
struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp(i64::try_from(NOW).unwrap() * 1_000)
    }
}

/// The server's key.
pub(crate) fn master_key() -> MasterKey {
    MasterKey::filled_by(|key| key.fill(0x4d))
}

/// A service and its store.
pub(crate) struct World {
    pub(crate) service: S3Service,
    pub(crate) store: SealedStore,
    pub(crate) region: String,
    pub(crate) counts: Arc<Counts>,
}

/// What a service under test is set to.
#[derive(Clone, Copy, Default)]
struct Kind {
    profile: Profile,
    copy_mode: CopyMode,
    new_bucket_sse_c: NewBucketSseC,
    signature_v2: SignatureV2,
    new_bucket_object_ownership: ObjectOwnership,
}

/// Stores in memory that count what is asked of them.
fn counted() -> (Backends, Arc<Counts>, Arc<Counting>) {
    let counts = Arc::new(Counts::default());
    let random = Arc::new(Counting::default());
    let backends = Backends {
        catalog: Arc::new(CountedCatalog::new(MemoryCatalog::default(), &counts)),
        blobs: Arc::new(CountedBlobs::new(MemoryBlobs::default(), &counts)),
        clock: Arc::new(Standing),
        entropy: random.clone(),
    };
    (backends, counts, random)
}

impl World {
    /// A service in us-east-1 with the bucket `bkt`, owned by root.
    pub(crate) async fn new() -> Self {
        let world = Self::in_region("us-east-1").await;
        world.ask("PUT", "/bkt").send().await.expect_status(200);
        world
    }

    /// As `new`, following another vendor's ways.
    pub(crate) async fn under(profile: Profile) -> Self {
        let world = Self::with("us-east-1", Kind { profile, ..Kind::default() }).await;
        world.ask("PUT", "/bkt").send().await.expect_status(200);
        world
    }

    /// As `under`, with this object ownership of new buckets.
    pub(crate) async fn under_with(profile: Profile, ownership: ObjectOwnership) -> Self {
        let new_bucket_object_ownership = ownership;
        let kind = Kind { profile, new_bucket_object_ownership, ..Kind::default() };
        Self::with("us-east-1", kind).await
    }

    /// A service without buckets.
    pub(crate) async fn in_region(region: &str) -> Self {
        Self::with(region, Kind::default()).await
    }

    /// A service with `bkt` in which every copy is sealed anew.
    pub(crate) async fn reencrypting() -> Self {
        let kind = Kind { copy_mode: CopyMode::Reencrypt, ..Kind::default() };
        let world = Self::with("us-east-1", kind).await;
        world.ask("PUT", "/bkt").send().await.expect_status(200);
        world
    }

    /// A service without buckets, whose new buckets take SSE-C or block it.
    pub(crate) async fn with_new_buckets(region: &str, new_bucket_sse_c: NewBucketSseC) -> Self {
        Self::with(region, Kind { new_bucket_sse_c, ..Kind::default() }).await
    }

    /// A service with `bkt`, whose new buckets have this object ownership, and with the accounts alice and
    /// bob.
    pub(crate) async fn owning(ownership: ObjectOwnership) -> Self {
        let kind = Kind { new_bucket_object_ownership: ownership, ..Kind::default() };
        let world = Self::with("us-east-1", kind).await;
        world.ask("PUT", "/bkt").send().await.expect_status(200);
        world.add_user("alice").await;
        world.add_user("bob").await;
        world
    }

    /// A service with `bkt` that takes version 2 of signatures.
    pub(crate) async fn taking_version_2(profile: Profile) -> Self {
        let kind = Kind { profile, signature_v2: SignatureV2::On, ..Kind::default() };
        let world = Self::with("us-east-1", kind).await;
        world.ask("PUT", "/bkt").send().await.expect_status(200);
        world
    }

    async fn with(region: &str, kind: Kind) -> Self {
        let (backends, counts, random) = counted();
        Self::over(backends, EngineOptions::default(), (region, kind), (counts, random)).await
    }

    /// Two services over the same stores, with the bucket `bkt`.
    pub(crate) async fn pair() -> (Self, Self) {
        let (backends, counts, random) = counted();
        let sharing = Sharing::Several { expiry: SESSION_EXPIRY_DEFAULT };
        let options = EngineOptions { sharing, ..EngineOptions::default() };
        let open = async || {
            let (backends, options) = (backends.clone(), options.clone());
            let drawn = (counts.clone(), random.clone());
            Self::over(backends, options, ("us-east-1", Kind::default()), drawn).await
        };
        let (one, two) = (open().await, open().await);
        one.ask("PUT", "/bkt").send().await.expect_status(200);
        (one, two)
    }

    async fn over(
        backends: Backends,
        options: EngineOptions,
        (region, kind): (&str, Kind),
        (counts, random): (Arc<Counts>, Arc<Counting>),
    ) -> Self {
        let engine = ObjectEngine::open(backends, options).await.unwrap();
        let master = Arc::new(master_key());
        let store = SealedStore::new(engine, master, random.clone());
        let root = RootCredentials {
            access_key_id: "root".into(),
            secret: SECRET.as_bytes().to_vec().into(),
        };
        let service = S3Service::new(ServiceOptions {
            store: store.clone(),
            region: region.to_owned(),
            domains: vec!["s3.example.com".into()],
            clock: Arc::new(Standing),
            entropy: random,
            access_keys: Arc::new(WithRoot::new(Some(root), StoredAccessKeys::new(store.clone()))),
            root: RootAccount { id: AccountId(ROOT_ID.into()), display_name: "root".into() },
            profile: kind.profile,
            copy_mode: kind.copy_mode,
            new_bucket_sse_c: kind.new_bucket_sse_c,
            signature_v2: kind.signature_v2,
            new_bucket_object_ownership: kind.new_bucket_object_ownership,
        });
        Self { service, store, region: region.to_owned(), counts }
    }

    /// A request by root over TLS.
    pub(crate) fn ask(&self, method: &str, target: &str) -> Ask<'_> {
        Ask::new(self, method, target)
    }

    /// Adds an account whose access key id is its name.
    pub(crate) async fn add_user(&self, name: &str) {
        let account = Account {
            id: AccountId(format!("{name}-id")),
            name: name.into(),
            display_name: name.to_uppercase(),
            email: Some(format!("{name}@example.com")),
            policy: None,
        };
        let key = AccessKey {
            id: name.into(),
            account: name.into(),
            sealed_secret: self.store.seal_user_secret(name, SECRET.as_bytes()),
            enabled: true,
        };
        self.store.engine().put_account(&account, Some(&key)).await.unwrap();
    }

    /// Sets the versioning of `bkt`.
    pub(crate) async fn set_versioning(&self, versioning: Versioning) {
        let name = BucketName::parse("bkt").unwrap();
        let bucket = self.store.engine().bucket(&name).await.unwrap().unwrap();
        assert!(self.store.engine().set_versioning(&bucket, versioning).await.unwrap());
    }

    /// Puts a plain object.
    pub(crate) async fn put(&self, target: &str, body: &str) {
        self.ask("PUT", target).body(body.to_owned()).send().await.expect_status(200);
    }
}
