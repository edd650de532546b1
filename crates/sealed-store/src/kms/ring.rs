//! The built-in key service: a ring of named keys in the catalog, each sealed under the master key.
//!
//! Guarantees: a key is opened for one call and wiped with it, so a key that was disabled or removed
//! gives nothing from the next call on; a key that is made again under an old name does not pass for
//! the old one. The default key is made when it is first asked for.
//!
//! Does not: export keys, or know which objects are under which.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use object_engine::{engine::ObjectEngine, error::EngineError, model::NamedKey};
use sealed_format::{Damaged, KmsDataKey, MasterKey, Randomness, RingKey};

use super::{EncryptionContext, KeyName, KeyService, KeyServiceError, NewDataKey};

/// What stands before a data key's seal: the uid of the ring key.
const UID_BYTES: usize = 16;

/// The ring. Cheap to clone.
#[derive(Clone)]
pub struct KeyRing {
    engine: ObjectEngine,
    master: Arc<MasterKey>,
    random: Arc<dyn Randomness + Send + Sync>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").finish_non_exhaustive()
    }
}

impl KeyRing {
    /// The ring of an engine's catalog, under the master key.
    pub fn new(
        engine: ObjectEngine,
        master: Arc<MasterKey>,
        random: Arc<dyn Randomness + Send + Sync>,
    ) -> Self {
        Self { engine, master, random }
    }

    /// Draws a key; `false` if there is one of this name.
    pub async fn add(&self, name: &KeyName) -> Result<bool, EngineError> {
        let mut uid = [0; UID_BYTES];
        self.random.fill(&mut uid);
        let key = RingKey::generate(&*self.random);
        let sealed = key.seal(&self.master, &whose(&uid, name), &*self.random);
        drop(key);
        self.engine.add_named_key(name.as_str(), uid, sealed.into()).await
    }

    /// All keys, by name.
    pub async fn list(&self) -> Result<Vec<NamedKey>, EngineError> {
        self.engine.named_keys().await
    }

    /// Enables or disables a key; `false` if there is none of this name.
    pub async fn set_enabled(&self, name: &KeyName, enabled: bool) -> Result<bool, EngineError> {
        self.engine.set_named_key_enabled(name.as_str(), enabled).await
    }

    /// Removes a key: every object under it can never be read again. `false` if there is none of
    /// this name.
    pub async fn remove(&self, name: &KeyName) -> Result<bool, EngineError> {
        self.engine.remove_named_key(name.as_str()).await
    }

    /// The key as stored, if it may be used.
    async fn usable(&self, name: &KeyName) -> Result<NamedKey, KeyServiceError> {
        match self.engine.named_key(name.as_str()).await? {
            None => Err(KeyServiceError::NotFound(name.to_string())),
            Some(key) if !key.enabled => Err(KeyServiceError::Disabled(name.to_string())),
            Some(key) => Ok(key),
        }
    }

    fn open(&self, name: &KeyName, stored: &NamedKey) -> Result<RingKey, KeyServiceError> {
        Ok(RingKey::open(&self.master, &whose(&stored.uid, name), &stored.sealed)?)
    }
}

#[async_trait]
impl KeyService for KeyRing {
    async fn generate(
        &self,
        name: &KeyName,
        context: &EncryptionContext,
    ) -> Result<NewDataKey, KeyServiceError> {
        let stored = match self.usable(name).await {
            Err(KeyServiceError::NotFound(_)) if name.as_str() == KeyName::DEFAULT => {
                // Whoever loses a race finds the winner's.
                self.add(name).await?;
                self.usable(name).await?
            }
            found => found?,
        };
        let ring_key = self.open(name, &stored)?;
        let key = KmsDataKey::filled_by(|key| self.random.fill(key));
        let sealed = ring_key.wrap(&key, context, &*self.random);
        Ok(NewDataKey { key, wrapped: [&stored.uid[..], &sealed].concat().into() })
    }

    async fn unwrap(
        &self,
        name: &KeyName,
        wrapped: &[u8],
        context: &EncryptionContext,
    ) -> Result<KmsDataKey, KeyServiceError> {
        let stored = self.usable(name).await?;
        let (uid, sealed) = wrapped
            .split_at_checked(UID_BYTES)
            .ok_or(Damaged("the wrapped data key is too short"))?;
        if uid != stored.uid {
            return Err(KeyServiceError::NotFound(name.to_string()));
        }
        Ok(self.open(name, &stored)?.unwrap(sealed, context)?)
    }
}

impl From<Damaged> for KeyServiceError {
    fn from(damaged: Damaged) -> Self {
        Self::Damaged(damaged.0.to_owned())
    }
}

/// What a ring key's seal is bound to: its record.
fn whose(uid: &[u8; UID_BYTES], name: &KeyName) -> Vec<u8> {
    [&uid[..], name.as_str().as_bytes()].concat()
}
