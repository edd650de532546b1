//! Deferred deletion and sweeps.

use crate::{engine::ObjectEngine, error::EngineError};

impl ObjectEngine {
    /// See the contract.
    pub async fn reclaim(&self) -> Result<usize, EngineError> {
        unimplemented!()
    }
    /// See the contract.
    pub async fn sweep(&self) -> Result<usize, EngineError> {
        unimplemented!()
    }
    /// See the contract.
    pub async fn close(&self) -> Result<(), EngineError> {
        unimplemented!()
    }
}
