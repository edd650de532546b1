//! Access keys from the catalog.
//!
//! Guarantees: read at every request, so a removed user cannot sign the next one; secrets are opened
//! only here and wiped when dropped.
//! Does not: know root's credentials; `identity::WithRoot` does.

use async_trait::async_trait;
use object_engine::error::EngineError;
use sealed_store::SealedStore;

use crate::identity::{AccessKeys, Credential, Principal};

/// The accounts' access keys.
#[derive(Clone, Debug)]
pub struct StoredAccessKeys {
    store: SealedStore,
}

impl StoredAccessKeys {
    /// Those of this store's catalog.
    pub fn new(store: SealedStore) -> Self {
        Self { store }
    }
}

#[async_trait]
impl AccessKeys for StoredAccessKeys {
    type Error = EngineError;

    async fn credential(&self, access_key_id: &str) -> Result<Option<Credential>, EngineError> {
        let found = self.store.engine().access_key(access_key_id).await?;
        let Some((key, account)) = found.filter(|(key, _)| key.enabled) else { return Ok(None) };
        let secret = self
            .store
            .open_user_secret(access_key_id, &key.sealed_secret)
            .map_err(|damaged| EngineError::Damaged(damaged.to_string()))?;
        Ok(Some(Credential { secret, principal: Principal::Account(account) }))
    }
}
