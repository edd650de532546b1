//! Copies that share a body.

use bytes::Bytes;

use crate::{
    engine::ObjectEngine,
    error::EngineError,
    model::{Assigned, Bucket, NewVersion, ObjectKey, PublishedShared, Version},
};

impl ObjectEngine {
    /// See the contract.
    pub async fn publish_shared(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        new: NewVersion,
        source: (&Bucket, &Version),
        seal: &mut (dyn FnMut(&Assigned) -> Vec<Bytes> + Send),
    ) -> Result<PublishedShared, EngineError> {
        unimplemented!()
    }
}
