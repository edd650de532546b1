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

use crate::{blobs::BlobStore, catalog::Catalog, clock::Clock, entropy::Entropy};

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

/// The engine. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ObjectEngine {
    backends: Backends,
}
