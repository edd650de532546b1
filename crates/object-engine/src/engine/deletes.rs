//! Deletes.

use crate::{
    engine::ObjectEngine,
    error::EngineError,
    model::{Bucket, Deleted, ObjectKey, VersionSelector, WriteCondition},
};

impl ObjectEngine {
    /// See the contract.
    pub async fn delete(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        selector: VersionSelector,
        condition: &WriteCondition,
    ) -> Result<Deleted, EngineError> {
        unimplemented!()
    }
}
