//! The service that is measured, over a directory of its own.
//!
//! Guarantees: the directory goes with the world; nothing outside of it is written.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use object_engine::{
    blobs::{
        buffers::BufferPool,
        files::{FileBlobs, FileOptions},
    },
    catalog::lmdb::{LmdbCatalog, LmdbOptions},
    clock::{Clock, Timestamp},
    engine::{Backends, EngineOptions, ObjectEngine},
    entropy::Entropy,
    model::AccountId,
};
use s3_front::{
    identity::{RootCredentials, WithRoot},
    service::{
        ConnectionInfo, NewBucketSseC, ObjectOwnership, Profile, RootAccount, S3Service,
        ServiceOptions, SignatureV2, StoredAccessKeys,
    },
};
use sealed_format::{MasterKey, Randomness, layout};
use sealed_store::{CopyMode, SealedStore};
use tempfile::TempDir;

use crate::requests::{ACCESS_KEY_ID, NOW_SECONDS, REGION, SECRET};

/// Objects up to this many bytes stand in the catalog: the server's default.
const INLINE_BYTES_MAX: u64 = 16 << 10;
/// Address space of the catalog: valgrind cannot map the terabyte that the server reserves.
const MAP_BYTES: usize = 1 << 30;

/// A service with an empty store.
#[derive(Debug)]
pub struct World {
    service: S3Service,
    _directory: TempDir,
}

impl World {
    /// Opens a new store below the directory for temporary files.
    pub async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory for temporary files");
        let buffers = BufferPool::default();
        let (catalog, blobs) = (directory.path().join("catalog"), directory.path().join("blobs"));
        for path in [&catalog, &blobs] {
            std::fs::create_dir(path).expect("the directory is new and ours");
        }
        let random = Arc::new(Counting::default());
        let catalog_options = LmdbOptions { map_bytes: MAP_BYTES, ..LmdbOptions::default() };
        let file_options = FileOptions { buffers: buffers.clone(), ..FileOptions::default() };
        let backends = Backends {
            catalog: Arc::new(
                LmdbCatalog::open(&catalog, catalog_options).expect("a new catalog opens"),
            ),
            blobs: Arc::new(FileBlobs::open(&blobs, file_options).expect("new blobs open")),
            clock: Arc::new(Standing),
            entropy: random.clone(),
        };
        let inline_bytes_max = usize::try_from(layout::sealed_length(INLINE_BYTES_MAX))
            .expect("16 KiB and a little fit any address");
        let options = EngineOptions { inline_bytes_max, buffers, ..EngineOptions::default() };
        let engine = ObjectEngine::open(backends, options).await.expect("a new store opens");
        let master = Arc::new(MasterKey::filled_by(|key| key.fill(0x4d)));
        let store = SealedStore::new(engine, master, random.clone());
        Self { service: service(store, random), _directory: directory }
    }

    /// Has one request answered, and drops the answer's body frame by frame as a connection would.
    ///
    /// Panics unless the answer is a success: what is refused is not measured.
    pub async fn answer(&self, request: Request<Full<Bytes>>) {
        let from = ConnectionInfo { peer: ([127, 0, 0, 1], 1).into(), secure: true };
        let (head, mut body) = self.service.handle(request, from).await.into_parts();
        assert!(head.status.is_success(), "answered {}", head.status);
        while let Some(frame) = body.frame().await {
            drop(frame.expect("what was written can be read"));
        }
    }
}

fn service(store: SealedStore, entropy: Arc<Counting>) -> S3Service {
    let secret = SECRET.as_bytes().to_vec().into();
    let root = RootCredentials { access_key_id: ACCESS_KEY_ID.into(), secret };
    S3Service::new(ServiceOptions {
        store: store.clone(),
        region: REGION.into(),
        domains: Vec::new(),
        clock: Arc::new(Standing),
        entropy,
        access_keys: Arc::new(WithRoot::new(Some(root), StoredAccessKeys::new(store))),
        root: RootAccount { id: AccountId("root-id".into()), display_name: "root".into() },
        profile: Profile::Aws,
        copy_mode: CopyMode::Share,
        new_bucket_sse_c: NewBucketSseC::Allowed,
        signature_v2: SignatureV2::default(),
        new_bucket_object_ownership: ObjectOwnership::default(),
    })
}

/// Distinct bytes at every draw, always the same sequence.
#[derive(Debug, Default)]
pub struct Counting(AtomicU64);

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
        Timestamp(NOW_SECONDS as i64 * 1_000)
    }
}
