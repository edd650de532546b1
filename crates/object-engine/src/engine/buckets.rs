//! Buckets.

use crate::{
    engine::ObjectEngine,
    error::EngineError,
    model::{AccountId, Bucket, BucketName, CreateBucket, DeleteBucket, Versioning},
};

impl ObjectEngine {
    /// See the contract.
    pub async fn create_bucket(
        &self,
        name: &BucketName,
        owner: &AccountId,
        region: &str,
    ) -> Result<CreateBucket, EngineError> {
        unimplemented!()
    }
    /// See the contract.
    pub async fn bucket(&self, name: &BucketName) -> Result<Option<Bucket>, EngineError> {
        unimplemented!()
    }
    /// See the contract.
    pub async fn buckets(&self, owner: Option<&AccountId>) -> Result<Vec<Bucket>, EngineError> {
        unimplemented!()
    }
    /// See the contract.
    pub async fn delete_bucket(&self, bucket: &Bucket) -> Result<DeleteBucket, EngineError> {
        unimplemented!()
    }
    /// See the contract.
    pub async fn set_versioning(
        &self,
        bucket: &Bucket,
        versioning: Versioning,
    ) -> Result<bool, EngineError> {
        unimplemented!()
    }
    /// See the contract.
    pub async fn set_setting(
        &self,
        bucket: &Bucket,
        name: &str,
        value: Option<String>,
    ) -> Result<bool, EngineError> {
        unimplemented!()
    }
}
