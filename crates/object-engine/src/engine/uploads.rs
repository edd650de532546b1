//! Multipart uploads.

use crate::{
    engine::ObjectEngine,
    error::EngineError,
    model::{
        Bucket, ListUploads, NewUpload, ObjectKey, Upload, UploadId, UploadPage, UploadedPart,
    },
};

impl ObjectEngine {
    /// See the contract.
    pub async fn create_upload(
        &self,
        bucket: &Bucket,
        new: NewUpload,
    ) -> Result<Option<Upload>, EngineError> {
        unimplemented!()
    }
    /// See the contract.
    pub async fn upload(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        id: UploadId,
    ) -> Result<Option<Upload>, EngineError> {
        unimplemented!()
    }
    /// See the contract.
    pub async fn put_part(
        &self,
        bucket: &Bucket,
        upload: &Upload,
        part: UploadedPart,
    ) -> Result<bool, EngineError> {
        unimplemented!()
    }
    /// See the contract.
    pub async fn parts(
        &self,
        upload: &Upload,
        after: u32,
        limit: usize,
    ) -> Result<(Vec<UploadedPart>, bool), EngineError> {
        unimplemented!()
    }
    /// See the contract.
    pub async fn abort(&self, bucket: &Bucket, upload: &Upload) -> Result<bool, EngineError> {
        unimplemented!()
    }
    /// See the contract.
    pub async fn list_uploads(
        &self,
        bucket: &Bucket,
        ask: &ListUploads,
    ) -> Result<UploadPage, EngineError> {
        unimplemented!()
    }
}
