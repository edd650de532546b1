//! The named keys of SSE-KMS over the built-in ring.
//!
//! Guarantees: what is stored of a key is sealed under the server's master key; none is ever shown.
//! Does not: decide which objects a key may be used for.

use object_engine::error::EngineError;
use sealed_store::{KeyName, KeyRing};

use crate::kms::{Key, Keys};

/// The ring's named keys.
#[derive(Clone, Debug)]
pub(crate) struct StoredKeys(pub(super) KeyRing);

impl Keys for StoredKeys {
    fn check_name(name: &str) -> Result<(), String> {
        let name = key_name(name)?;
        if name.is_reserved() {
            return Err("names that begin with aws/ are the server's own".to_owned());
        }
        Ok(())
    }

    async fn add(&self, name: &str) -> Result<bool, String> {
        self.0.add(&key_name(name)?).await.map_err(text)
    }

    async fn list(&self) -> Result<Vec<Key>, String> {
        let keys = self.0.list().await.map_err(text)?;
        let shown = keys.into_iter().map(|key| Key {
            name: key.name,
            enabled: key.enabled,
            created_ms: key.created.0,
        });
        Ok(shown.collect())
    }

    async fn set_enabled(&self, name: &str, enabled: bool) -> Result<bool, String> {
        self.0.set_enabled(&key_name(name)?, enabled).await.map_err(text)
    }

    async fn remove(&self, name: &str) -> Result<bool, String> {
        self.0.remove(&key_name(name)?).await.map_err(text)
    }
}

fn key_name(name: &str) -> Result<KeyName, String> {
    KeyName::parse(name)
        .ok_or_else(|| "a key's name has 1 to 256 letters, digits or /_-".to_owned())
}

fn text(error: EngineError) -> String {
    error.to_string()
}
