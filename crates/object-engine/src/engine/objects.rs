//! Look-ups and publishing.

use bytes::Bytes;

use crate::{
    engine::ObjectEngine,
    error::EngineError,
    model::{Assigned, Bucket, Lookup, NewVersion, ObjectKey, Published, Version, VersionSelector},
};

impl ObjectEngine {
    /// See the contract.
    pub async fn version(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        selector: VersionSelector,
    ) -> Result<Lookup, EngineError> {
        unimplemented!()
    }
    /// See the contract.
    pub async fn publish(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        new: NewVersion,
        seal: &mut (dyn FnMut(&Assigned) -> Vec<Bytes> + Send),
    ) -> Result<Published, EngineError> {
        unimplemented!()
    }
    /// See the contract.
    pub async fn set_tags(
        &self,
        bucket: &Bucket,
        version: &Version,
        tags: Vec<(String, String)>,
    ) -> Result<bool, EngineError> {
        unimplemented!()
    }
}
