//! Accounts and access keys.

use crate::{
    engine::ObjectEngine,
    error::EngineError,
    model::{AccessKey, Account, AccountId},
};

impl ObjectEngine {
    /// See the contract.
    pub async fn put_account(
        &self,
        account: &Account,
        key: Option<&AccessKey>,
    ) -> Result<(), EngineError> {
        unimplemented!()
    }
    /// See the contract.
    pub async fn account(&self, name: &str) -> Result<Option<Account>, EngineError> {
        unimplemented!()
    }
    /// See the contract.
    pub async fn account_by_id(&self, id: &AccountId) -> Result<Option<Account>, EngineError> {
        unimplemented!()
    }
    /// See the contract.
    pub async fn accounts(&self) -> Result<Vec<Account>, EngineError> {
        unimplemented!()
    }
    /// See the contract.
    pub async fn remove_account(&self, name: &str) -> Result<bool, EngineError> {
        unimplemented!()
    }
    /// See the contract.
    pub async fn access_key(&self, id: &str) -> Result<Option<(AccessKey, Account)>, EngineError> {
        unimplemented!()
    }
}
