//! Bodies made of parts.

use crate::{
    engine::ObjectEngine,
    error::EngineError,
    model::{BodyId, PartSlice, StoredObject, StoredPart},
};

impl ObjectEngine {
    /// See the contract.
    pub async fn slices(
        &self,
        object: &StoredObject,
        range: std::ops::Range<u64>,
    ) -> Result<Vec<PartSlice>, EngineError> {
        unimplemented!()
    }
    /// See the contract.
    pub async fn part_by_number(
        &self,
        object: &StoredObject,
        number: u32,
    ) -> Result<Option<PartSlice>, EngineError> {
        unimplemented!()
    }
    /// See the contract.
    pub async fn manifest(&self, body: BodyId, index: u32) -> Result<Vec<StoredPart>, EngineError> {
        unimplemented!()
    }
}
