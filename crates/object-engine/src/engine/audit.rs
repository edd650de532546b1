//! A full check of everything stored, for tests and operators.

use crate::{engine::ObjectEngine, error::EngineError};

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// What does not hold, in words; empty when all is well.
    pub problems: Vec<String>,
    /// Versions that hold objects.
    pub objects: u64,
    /// Delete markers.
    pub markers: u64,
    /// Open uploads.
    pub uploads: u64,
    /// Blobs that are referred to.
    pub blobs: u64,
}

impl Audit {
    /// Whether everything holds.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }
}

impl ObjectEngine {
    /// See the contract.
    pub async fn audit(&self) -> Result<Audit, EngineError> {
        unimplemented!()
    }
}
