//! The one place that knows every crate.
//!
//! Guarantees: nothing else in this crate names the engine, the store or the S3 service.
//! Does not: decide anything that a setting could; what is joined here is the embedded form, one
//! directory with an LMDB catalog and files for blobs.

use std::{sync::Arc, time::Duration};

use http::{HeaderName, Request, Response};
use object_engine::{
    blobs::{
        buffers::BufferPool,
        files::{FileBlobs, FileOptions},
    },
    catalog::lmdb::{LmdbCatalog, LmdbOptions},
    clock::SystemClock,
    engine::{Backends, EngineOptions, ObjectEngine},
    entropy::Entropy,
    error::EngineError,
    model::{AccessKey, Account, AccountId},
};
use s3_front::{
    identity::{RootCredentials, WithRoot},
    policy::IdentityPolicy,
    request::customer_key,
    response::ResponseBody,
    service::{
        ConnectionInfo, NewBucketSseC, Profile, RootAccount, S3Service, ServiceOptions,
        StoredAccessKeys,
    },
};
use sealed_format::{MasterKey, Randomness, layout};
use sealed_store::{CopyMode, KeyName, KeyRing, SealedStore};
use zeroize::Zeroizing;

use crate::{
    activity::RequestBody,
    cli,
    config::Config,
    credentials::Credentials,
    data_dir::{DataDir, cannot},
    failure::Failure,
    handler::{Connection, Handler},
    kms::{Key, Keys},
    users::{Accounts, AddUser, User},
};

/// How the store is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoreOptions {
    /// Objects up to this many bytes are kept in the catalog.
    pub(crate) inline_bytes_max: usize,
}

/// An opened store. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Store(SealedStore);

/// Opens the store of a data directory.
pub(crate) async fn open_store(
    data: &DataDir,
    master_key: Zeroizing<[u8; 32]>,
    options: &StoreOptions,
) -> Result<Store, Failure> {
    let buffers = BufferPool::default();
    let catalog = open_catalog(data)?;
    let blobs = open_blobs(data, buffers.clone())?;
    let backends = Backends {
        catalog: Arc::new(catalog),
        blobs: Arc::new(blobs),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemRandom),
    };
    let sealed_bytes = layout::sealed_length(options.inline_bytes_max as u64);
    let inline_bytes_max = usize::try_from(sealed_bytes).unwrap_or(usize::MAX);
    let options = EngineOptions { inline_bytes_max, buffers, ..EngineOptions::default() };
    let engine = ObjectEngine::open(backends, options)
        .await
        .map_err(|error| cannot("recover the store in", data.path(), error))?;
    let master = MasterKey::filled_by(|key| key.copy_from_slice(&*master_key));
    Ok(Store(SealedStore::new(engine, Arc::new(master), Arc::new(SystemRandom))))
}

fn open_catalog(data: &DataDir) -> Result<LmdbCatalog, Failure> {
    let path = data.catalog()?;
    LmdbCatalog::open(&path, LmdbOptions::default())
        .map_err(|error| cannot("open the catalog", &path, error))
}

fn open_blobs(data: &DataDir, buffers: BufferPool) -> Result<FileBlobs, Failure> {
    let path = data.blobs()?;
    FileBlobs::open(&path, FileOptions { buffers, ..FileOptions::default() })
        .map_err(|error| cannot("open the blobs", &path, error))
}

impl Store {
    /// Its users.
    pub(crate) fn accounts(&self) -> StoredAccounts {
        StoredAccounts(self.0.clone())
    }

    /// The named keys of its ring.
    pub(crate) fn keys(&self) -> StoredKeys {
        StoredKeys(self.0.key_ring())
    }

    /// Sweeps once and then deletes what deferred deletions allow, until dropped.
    pub(crate) async fn keep_house(self) {
        let engine = self.0.engine();
        note("sweep", engine.sweep().await);
        loop {
            tokio::time::sleep(RECLAIM_INTERVAL).await;
            note("reclaim", engine.reclaim().await);
        }
    }

    /// Gives the engine's leases back.
    pub(crate) async fn close(&self) -> Result<(), Failure> {
        let unclosed =
            |error| Failure::failed("cannot close the store in good order").detail(error);
        self.0.engine().close().await.map_err(unclosed)
    }
}

/// Housekeeping that fails is tried again at the next round; nothing waits for it.
fn note(verb: &'static str, done: Result<usize, EngineError>) {
    match done {
        Ok(0) => {}
        Ok(blobs) => tracing::debug!(verb, blobs, "deleted blobs"),
        Err(error) => tracing::warn!(verb, %error, "housekeeping failed"),
    }
}

/// Refuses a user's policy now rather than at the user's first request, which a policy that cannot be
/// read would deny.
pub(crate) fn check_identity_policy(policy: &str) -> Result<(), String> {
    let parsed = IdentityPolicy::parse(policy);
    parsed.map(drop).map_err(|error| format!("the policy is not valid: {error}"))
}

/// The S3 service over a store.
pub(crate) fn service(config: &Config, store: &Store, root: &Credentials) -> Service {
    let secret = Zeroizing::new(root.secret_key.as_bytes().to_vec());
    let root = RootCredentials { access_key_id: root.access_key.clone(), secret };
    let accounts = StoredAccessKeys::new(store.0.clone());
    Service(S3Service::new(ServiceOptions {
        store: store.0.clone(),
        region: config.region.clone(),
        domains: config.domains.clone(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemRandom),
        access_keys: Arc::new(WithRoot::new(Some(root), accounts)),
        root: RootAccount { id: AccountId(ROOT_ID.to_owned()), display_name: ROOT_NAME.to_owned() },
        profile: match config.profile {
            cli::Profile::Aws => Profile::Aws,
            cli::Profile::Ovh => Profile::Ovh,
            cli::Profile::Ibm => Profile::Ibm,
            cli::Profile::Obs => Profile::Obs,
        },
        copy_mode: match config.copy_mode {
            cli::CopyMode::Share => CopyMode::Share,
            cli::CopyMode::Reencrypt => CopyMode::Reencrypt,
        },
        new_bucket_sse_c: match config.new_bucket_sse_c {
            cli::NewBucketSseC::Allowed => NewBucketSseC::Allowed,
            cli::NewBucketSseC::Blocked => NewBucketSseC::Blocked,
        },
    }))
}

/// Answers S3 requests.
#[derive(Clone, Debug)]
pub(crate) struct Service(S3Service);

impl Handler for Service {
    type Body = ResponseBody;

    fn is_secret(name: &HeaderName) -> bool {
        customer_key::is_secret(name)
    }

    async fn handle(
        &self,
        request: Request<RequestBody>,
        from: Connection,
    ) -> Response<ResponseBody> {
        let connection = ConnectionInfo { peer: from.peer, secure: from.secure };
        self.0.handle(request, connection).await
    }
}

/// Users, kept as accounts of the catalog; their secrets are sealed under the master key.
#[derive(Clone, Debug)]
pub(crate) struct StoredAccounts(SealedStore);

impl StoredAccounts {
    /// What of this user is another's already. Adding happens on one socket or under the lock and is
    /// rare; the engine refuses what two at once could still bring.
    async fn taken(&self, user: &User, key: &Credentials) -> Result<Option<AddUser>, EngineError> {
        let engine = self.0.engine();
        Ok(if engine.account(&user.name).await?.is_some() {
            Some(AddUser::NameTaken)
        } else if user.id == ROOT_ID
            || engine.account_by_id(&AccountId(user.id.clone())).await?.is_some()
        {
            Some(AddUser::IdTaken)
        } else if engine.access_key(&key.access_key).await?.is_some() {
            Some(AddUser::AccessKeyTaken)
        } else {
            None
        })
    }
}

impl Accounts for StoredAccounts {
    async fn add(&self, user: User, key: Credentials) -> Result<AddUser, String> {
        if let Some(taken) = self.taken(&user, &key).await.map_err(text)? {
            return Ok(taken);
        }
        let sealed_secret = self.0.seal_user_secret(&key.access_key, key.secret_key.as_bytes());
        let access_key = AccessKey {
            id: key.access_key.clone(),
            account: user.name.clone(),
            sealed_secret,
            enabled: true,
        };
        let stored = self.0.engine().put_account(&to_account(user), Some(&access_key)).await;
        stored.map(|()| AddUser::Added).map_err(text)
    }

    async fn list(&self) -> Result<Vec<User>, String> {
        let accounts = self.0.engine().accounts().await.map_err(text)?;
        Ok(accounts.into_iter().map(to_user).collect())
    }

    async fn remove(&self, name: &str) -> Result<bool, String> {
        self.0.engine().remove_account(name).await.map_err(text)
    }
}

/// The ring's named keys.
#[derive(Clone, Debug)]
pub(crate) struct StoredKeys(KeyRing);

impl Keys for StoredKeys {
    fn check_name(name: &str) -> Result<(), String> {
        let name = key_name(name)?;
        if name.is_reserved() {
            return Err("names that begin with aws/ are the server's own".to_owned());
        }
        Ok(())
    }

    async fn add(&self, name: &str) -> Result<bool, String> {
        self.0.add(&key_name(name)?).await.map_err(text)
    }

    async fn list(&self) -> Result<Vec<Key>, String> {
        let keys = self.0.list().await.map_err(text)?;
        let shown = keys.into_iter().map(|key| Key {
            name: key.name,
            enabled: key.enabled,
            created_ms: key.created.0,
        });
        Ok(shown.collect())
    }

    async fn set_enabled(&self, name: &str, enabled: bool) -> Result<bool, String> {
        self.0.set_enabled(&key_name(name)?, enabled).await.map_err(text)
    }

    async fn remove(&self, name: &str) -> Result<bool, String> {
        self.0.remove(&key_name(name)?).await.map_err(text)
    }
}

fn key_name(name: &str) -> Result<KeyName, String> {
    KeyName::parse(name)
        .ok_or_else(|| "a key's name has 1 to 256 letters, digits or /_-".to_owned())
}

fn text(error: EngineError) -> String {
    error.to_string()
}

fn to_account(user: User) -> Account {
    let User { name, id, display_name, email, policy } = user;
    Account { id: AccountId(id), name, display_name, email, policy }
}

fn to_user(account: Account) -> User {
    let Account { id: AccountId(id), name, display_name, email, policy } = account;
    User { name, id, display_name, email, policy }
}

/// The operating system's generator, for identifiers and for keys.
#[derive(Clone, Copy, Debug)]
struct SystemRandom;

impl Entropy for SystemRandom {
    fn fill(&self, out: &mut [u8]) {
        // To go on without randomness would be to seal under keys that repeat.
        aws_lc_rs::rand::fill(out).expect("the generator was seeded when the process started");
    }
}

impl Randomness for SystemRandom {
    fn fill(&self, out: &mut [u8]) {
        Entropy::fill(self, out);
    }
}

/// Deleted objects give their space back about this much later than they could.
const RECLAIM_INTERVAL: Duration = Duration::from_secs(5);
/// Root's canonical user id: fixed, since it owns buckets in catalogs that outlive its credentials.
const ROOT_ID: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// What listings show of root.
const ROOT_NAME: &str = "root";
