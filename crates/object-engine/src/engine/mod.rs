//! The engine: every verb of the model over a [`Catalog`] and a [`BlobStore`].
//!
//! # Histories that hold (tests of this crate)
//!
//! - *Phantoms*: every object or upload commit checks its bucket's stamp; deleting a bucket marks it
//!   `deleting`, scans, then deletes or reverts. A part checks its upload's record.
//! - *References*: a body's record counts its versions and is swapped by every copy and delete; every
//!   new reference checks its lease's stamp; the sweeper first swaps a lease to `swept`, which fences
//!   a paused writer. Deferred deletion waits for readers older than it.
//! - *Order*: versions sort by a per-key sequence assigned in the head's swap, never by clock. Keys
//!   whose newest version is a delete marker stand apart, so listings walk no tombstones.
//! - *Several engines*: one is given up by a swap of its session's record, which every lease and every
//!   state that others leave alone was taken under; what it still tries then meets changed stamps.
//! - *Complete*: the upload is swapped to `completing` (parts frozen), manifest records are written,
//!   then one final commit of constant size; part records are cleaned lazily; a crash reverts.
//!
//! # From a blob to who refers to it
//!
//! Every blob that anything refers to has a record `o/<blob id>`, written in the commit that first
//! refers to it and removed in the commit that queues the blob for removal. For a body put whole that
//! record also counts the versions that share it; a part's names its body, whose record `r/<body id>`
//! counts. So a sweep of a dead lease is: what is present in its range, less what has an owner record or
//! is queued for removal, which readers of living engines may still hold back.
//! Bodies inside version records have no such record: a copy duplicates them.
//!
//! # Cancellation
//!
//! A verb's future may be dropped at any await. `completing` and `deleting` are then left standing;
//! the next verb that meets such a state, and finds that nobody in this process or of another live
//! engine is at work on it, reverts it, and so does this engine's next `reclaim`, since other live engines
//! do not. A stored body whose publishing was dropped stays until its lease is swept.

use std::sync::{Arc, OnceLock};

use crate::{
    blobs::{BlobStore, buffers::BufferPool},
    catalog::{Catalog, Stamp},
    clock::{Clock, Timestamp},
    entropy::{Entropy, random_16},
    error::EngineError,
    record::SessionId,
};

mod access_keys;
mod accounts;
mod agreement;
mod at_work;
mod attached;
mod audit;
mod beats;
mod bodies;
mod bucket_pages;
mod buckets;
mod change;
mod complete;
mod copies;
mod deletes;
mod expire;
mod fronts;
mod installation;
mod leases;
mod listings;
mod manifests;
mod master_check;
mod named_keys;
mod objects;
mod pages;
mod pins;
mod reclaim;
pub(crate) mod recover;
mod sessions;
mod task_notes;
mod turns;
mod upload_listing;
mod uploads;
mod version_listing;

pub use agreement::{Agreement, Difference, Differing, Setting, SettingValue};
pub use attached::ChangeAttached;
pub use audit::Audit;
pub use bodies::{BodyReader, BodyWriter};
pub use bucket_pages::BucketPage;
pub use expire::{Expired, NEWER_COUNTED_MAX, Standing};
pub use installation::ForeignBlobs;
pub use manifests::SLICES_MAX;
pub use pins::ReadPin;
pub use sessions::{SESSION_EXPIRY_DEFAULT, Sharing};

/// How often a verb reads again and retries when its commit meets another's. Each round lets at
/// least one contender through, so this is how many may change one key at once.
const ATTEMPTS_MAX: usize = 1_024;

/// Sealed bytes kept in the catalog by default: 16 KiB of plaintext and what sealing adds.
pub const INLINE_BYTES_MAX_DEFAULT: usize = 16 * 1024 + 64;

/// How long after its removal a blob stays by default, in milliseconds: the time that a request may
/// take from looking a version up to opening its body. Readers that are open wait by their pins.
pub const REMOVAL_GRACE_MS_DEFAULT: i64 = 30_000;

/// What an engine stands on.
#[derive(Clone, Debug)]
pub struct Backends {
    /// Metadata.
    pub catalog: Arc<dyn Catalog>,
    /// Sealed bytes above the inline limit.
    pub blobs: Arc<dyn BlobStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for identifiers.
    pub entropy: Arc<dyn Entropy>,
}

/// What an operator may choose.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Sealed bytes up to this many are kept in the catalog.
    pub inline_bytes_max: usize,
    /// How long a removed blob stays for requests that just looked it up, in milliseconds. Where several
    /// engines share the catalog, also longer than any of its commits lasts.
    pub removal_grace_ms: i64,
    /// Who else is at work on the catalog.
    pub sharing: Sharing,
    /// Where buffers come from; share it with the blob store so that one budget bounds both.
    pub buffers: BufferPool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            inline_bytes_max: INLINE_BYTES_MAX_DEFAULT,
            removal_grace_ms: REMOVAL_GRACE_MS_DEFAULT,
            sharing: Sharing::default(),
            buffers: BufferPool::default(),
        }
    }
}

/// The engine. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ObjectEngine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    backends: Backends,
    options: EngineOptions,
    leases: leases::Leases,
    sessions: sessions::Sessions,
    pins: pins::Pins,
    at_work: at_work::AtWork,
    /// The write that took the first lease of an engine that is alone.
    opened: OnceLock<Stamp>,
    /// One removal at a time: two would only delete the same twice.
    reclaiming: tokio::sync::Mutex<()>,
}

impl ObjectEngine {
    /// Opens: checks the catalog's schema version (an unknown one is refused) and that the blobs are its own.
    ///
    /// An engine that is alone reverts what a crash left half done, sweeps the leases of dead engines,
    /// and takes a lease of its own: every session and lease found here counts as dead. One of several
    /// begins a session, and leaves that to [`Self::keep_session`] and [`Self::sweep`].
    pub async fn open(backends: Backends, options: EngineOptions) -> Result<Self, EngineError> {
        let engine = Self::new(backends, options);
        engine.check_schema().await?;
        engine.refuse_foreign_blobs().await?;
        engine.claim_blobs().await?;
        if engine.expiry().is_some() {
            engine.join().await?;
            return Ok(engine);
        }
        engine.recover().await?;
        let leased = engine.acquire_lease().await?;
        // Removals asked before this write have no readers left: they died with their process.
        let _ = engine.inner.opened.set(leased);
        Ok(engine)
    }

    /// An engine that has neither recovered nor leased yet.
    fn new(backends: Backends, options: EngineOptions) -> Self {
        let owner = SessionId(random_16(&*backends.entropy));
        Self {
            inner: Arc::new(Inner {
                backends,
                options,
                leases: leases::Leases::of(owner),
                sessions: sessions::Sessions::default(),
                pins: pins::Pins::default(),
                at_work: at_work::AtWork::default(),
                opened: OnceLock::new(),
                reclaiming: tokio::sync::Mutex::default(),
            }),
        }
    }

    fn now(&self) -> Timestamp {
        self.inner.backends.clock.now()
    }

    fn draw(&self) -> [u8; 16] {
        random_16(&*self.inner.backends.entropy)
    }

    fn draw_tag(&self) -> u64 {
        let mut tag = [0; 8];
        self.inner.backends.entropy.fill(&mut tag);
        u64::from_be_bytes(tag)
    }
}
