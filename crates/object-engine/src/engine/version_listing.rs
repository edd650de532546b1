//! Listings of versions.

use crate::{
    engine::ObjectEngine,
    error::EngineError,
    model::{Bucket, ListVersions, VersionPage},
};

impl ObjectEngine {
    /// See the contract.
    pub async fn list_versions(
        &self,
        bucket: &Bucket,
        ask: &ListVersions,
    ) -> Result<VersionPage, EngineError> {
        unimplemented!()
    }
}
