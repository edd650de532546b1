//! Completing an upload.

use bytes::Bytes;

use crate::{
    engine::ObjectEngine,
    error::EngineError,
    model::{Assigned, Bucket, CompleteUpload, Completed, Upload},
};

impl ObjectEngine {
    /// See the contract.
    pub async fn complete(
        &self,
        bucket: &Bucket,
        upload: &Upload,
        complete: CompleteUpload,
        seal: &mut (dyn FnMut(&Assigned) -> Vec<Bytes> + Send),
    ) -> Result<Completed, EngineError> {
        unimplemented!()
    }
}
