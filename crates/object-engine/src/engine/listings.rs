//! Listings of objects.

use crate::{
    engine::ObjectEngine,
    error::EngineError,
    model::{Bucket, ListObjects, ListPage},
};

impl ObjectEngine {
    /// See the contract.
    pub async fn list_objects(
        &self,
        bucket: &Bucket,
        ask: &ListObjects,
    ) -> Result<ListPage, EngineError> {
        unimplemented!()
    }
}
