//! The one place that knows every crate.
//!
//! Guarantees: nothing else in this crate names the engine, the store or the S3 service.
//! Does not: decide anything that a setting could; what is joined here is an LMDB catalog
//! or one in PostgreSQL, and blobs in files or in an object store.

mod accounts;
mod agreement;
mod blobs;
mod moving;
mod named_keys;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use http::{HeaderName, Request, Response};
use object_engine::{
    blobs::buffers::BufferPool,
    catalog::{
        Catalog,
        lmdb::{LmdbCatalog, LmdbOptions},
    },
    clock::SystemClock,
    engine::{Backends, EngineOptions, ObjectEngine, SESSION_EXPIRY_DEFAULT, Sharing},
    entropy::Entropy,
    error::EngineError,
    model::AccountId,
};
use postgres_catalog::PostgresCatalog;
use s3_front::{
    identity::{RootCredentials, WithRoot},
    lifecycle::{DayLength, LifecycleWorker},
    policy::IdentityPolicy,
    request::customer_key,
    response::ResponseBody,
    service::{
        ConnectionInfo, NewBucketSseC, ObjectOwnership, Profile, RootAccount, S3Service,
        ServiceOptions, SignatureV2, StoredAccessKeys,
    },
};
use sealed_format::{MasterKey, Randomness, layout};
use sealed_store::{CopyMode, SealedStore};
use tokio::sync::watch;
use zeroize::Zeroizing;

pub(crate) use accounts::StoredAccounts;
pub(crate) use cloud_blobs::Location as BlobsLocation;
pub(crate) use moving::{
    Blobs, MoveOptions, Moved, Place, Progress, ProgressStep, WatchMove, move_store,
};
pub(crate) use named_keys::StoredKeys;

use crate::{
    activity::RequestBody,
    cli::{self, FrontEnds},
    config::Config,
    credentials::Credentials,
    data_dir::{DataDir, cannot},
    failure::Failure,
    handler::{Connection, Handler},
    metadata::Metadata,
};

/// How the store is opened.
#[derive(Clone, Debug)]
pub(crate) struct StoreOptions {
    /// Where the catalog is.
    pub(crate) metadata: Metadata,
    /// Where blobs are; `None`: in files of the data directory.
    pub(crate) blobs: Option<BlobsLocation>,
    /// Objects up to this many bytes are kept in the catalog.
    pub(crate) inline_bytes_max: usize,
    /// How long the body of a removed object stays.
    pub(crate) removal_grace: Duration,
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
    let catalog = open_catalog(data, &options.metadata).await?;
    let opened = blobs::open(data, options.blobs.as_ref(), buffers.clone()).await?;
    let backends = Backends {
        catalog,
        blobs: Arc::clone(&opened.blobs),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemRandom),
    };
    let sealed_bytes = layout::sealed_length(options.inline_bytes_max as u64);
    let inline_bytes_max = usize::try_from(sealed_bytes).unwrap_or(usize::MAX);
    let removal_grace_ms = i64::try_from(options.removal_grace.as_millis()).unwrap_or(i64::MAX);
    let sharing = options.metadata.sharing();
    let options = EngineOptions { inline_bytes_max, removal_grace_ms, buffers, sharing };
    let engine = ObjectEngine::open(backends, options).await.map_err(|error| match error {
        EngineError::ForeignBlobs(why) => blobs::foreign(&opened.place, why),
        error => cannot("recover the store in", data.path(), error),
    })?;
    opened.note()?;
    let master = MasterKey::filled_by(|key| key.copy_from_slice(&*master_key));
    let store = Store(SealedStore::new(engine, Arc::new(master), Arc::new(SystemRandom)));
    let unread = |error| cannot("read the catalog of", data.path(), error);
    if store.0.has_its_master_key().await.map_err(unread)? {
        return Ok(store);
    }
    store.close().await?;
    Err(Failure::failed("the master key is not the one that this catalog was made with")
        .hint("give every server of a catalog the same key with --master-key-file"))
}

async fn open_catalog(data: &DataDir, metadata: &Metadata) -> Result<Arc<dyn Catalog>, Failure> {
    match metadata {
        Metadata::DataDirectory => {
            let path = data.catalog()?;
            let catalog = LmdbCatalog::open(&path, LmdbOptions::default())
                .map_err(|error| cannot("open the catalog", &path, error))?;
            Ok(Arc::new(catalog))
        }
        Metadata::Postgres { url, front_ends } => {
            let (url, entropy) = (url.expose(), Arc::new(SystemRandom));
            let opened = match front_ends {
                FrontEnds::One => PostgresCatalog::open_alone(url, entropy).await,
                FrontEnds::Several | FrontEnds::Changing => {
                    PostgresCatalog::open_beside(url, entropy).await
                }
            };
            let catalog = opened.map_err(|error| {
                Failure::failed("cannot open the catalog that --metadata names").detail(error)
            })?;
            Ok(Arc::new(catalog))
        }
    }
}

impl Store {
    /// Its users.
    pub(crate) fn accounts(&self, root_access_key: Option<String>) -> StoredAccounts {
        StoredAccounts(self.0.clone(), root_access_key)
    }

    /// The named keys of its ring.
    pub(crate) fn keys(&self) -> StoredKeys {
        StoredKeys(self.0.key_ring())
    }

    /// Sweeps once, or after each server that dies, and deletes what deferred deletions allow, until
    /// dropped.
    pub(crate) async fn keep_house(self) {
        let engine = self.0.engine();
        note("sweep", engine.sweep().await);
        loop {
            tokio::time::sleep(RECLAIM_INTERVAL).await;
            if engine.beat_interval().is_some() {
                note("sweep", engine.sweep().await);
            }
            note("reclaim", engine.reclaim().await);
        }
    }

    /// Shows the other servers of the catalog that this one lives, until dropped.
    pub(crate) async fn keep_session(self) {
        let engine = self.0.engine();
        let Some(interval) = engine.beat_interval() else { return };
        loop {
            tokio::time::sleep(interval).await;
            if let Err(error) = engine.keep_session().await {
                tracing::warn!(%error, "the catalog took no sign of life from this server");
            }
        }
    }

    /// Applies lifecycle rules until told to stop.
    pub(crate) async fn apply_lifecycle(
        self,
        debug_interval: Option<NonZeroU32>,
        stop: watch::Receiver<bool>,
    ) {
        let day = debug_interval.map_or(DayLength::Calendar, DayLength::Seconds);
        let worker = LifecycleWorker::new(self.0.engine().clone(), Arc::new(SystemClock), day);
        worker.run(stop).await;
    }

    /// Gives the engine's leases back.
    pub(crate) async fn close(&self) -> Result<(), Failure> {
        let unclosed =
            |error| Failure::failed("cannot close the store in good order").detail(error);
        self.0.engine().close().await.map_err(unclosed)
    }
}

impl Metadata {
    /// Who else may be at work on it.
    fn sharing(&self) -> Sharing {
        match self {
            Self::DataDirectory | Self::Postgres { front_ends: FrontEnds::One, .. } => {
                Sharing::Alone
            }
            Self::Postgres { front_ends: FrontEnds::Several | FrontEnds::Changing, .. } => {
                Sharing::Several { expiry: SESSION_EXPIRY_DEFAULT }
            }
        }
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
            cli::Profile::Ceph => Profile::Ceph,
        },
        copy_mode: match config.copy_mode {
            cli::CopyMode::Share => CopyMode::Share,
            cli::CopyMode::Reencrypt => CopyMode::Reencrypt,
        },
        new_bucket_object_ownership: match config.new_bucket_object_ownership {
            cli::NewBucketObjectOwnership::BucketOwnerEnforced => {
                ObjectOwnership::BucketOwnerEnforced
            }
            cli::NewBucketObjectOwnership::BucketOwnerPreferred => {
                ObjectOwnership::BucketOwnerPreferred
            }
            cli::NewBucketObjectOwnership::ObjectWriter => ObjectOwnership::ObjectWriter,
        },
        new_bucket_sse_c: match config.new_bucket_sse_c {
            cli::NewBucketSseC::Allowed => NewBucketSseC::Allowed,
            cli::NewBucketSseC::Blocked => NewBucketSseC::Blocked,
        },
        signature_v2: match config.signature_v2 {
            cli::SignatureV2::Off => SignatureV2::Off,
            cli::SignatureV2::On => SignatureV2::On,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_front_ends_that_may_be_several_keep_sessions() {
        let of = |front_ends| {
            Metadata::parse(Some("postgres://db/x".into()), front_ends).unwrap().sharing()
        };
        let several = Sharing::Several { expiry: SESSION_EXPIRY_DEFAULT };
        assert_eq!(Metadata::DataDirectory.sharing(), Sharing::Alone);
        assert_eq!(of(None), Sharing::Alone);
        assert_eq!(of(Some(FrontEnds::Several)), several);
        assert_eq!(of(Some(FrontEnds::Changing)), several);
    }
}
