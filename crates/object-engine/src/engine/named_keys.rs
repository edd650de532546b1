//! The named keys of the built-in ring.
//!
//! Guarantees: a name leads to at most one key, and of two that add it at once one is told so; a
//! change counts from the next look. Does not: see a key; what is stored of one is sealed.

use bytes::Bytes;

use crate::{
    catalog::{Commit, Direction, Expect, Space, Step},
    engine::{ATTEMPTS_MAX, ObjectEngine},
    error::EngineError,
    keys,
    model::NamedKey,
    record::{decode_named_key, encode_named_key},
};

impl ObjectEngine {
    /// Adds a key, enabled; `false` if there is one of this name.
    pub async fn add_named_key(
        &self,
        name: &str,
        uid: [u8; 16],
        sealed: Bytes,
    ) -> Result<bool, EngineError> {
        if !keys::is_storable(name) {
            return Err(EngineError::Unavailable("a key's name is empty or too long".into()));
        }
        let key =
            NamedKey { name: name.to_owned(), uid, created: self.now(), enabled: true, sealed };
        let mut commit = Commit::default();
        commit.check(keys::named_key(name), Expect::Absent);
        commit.put(keys::named_key(name), encode_named_key(&key));
        self.commit(commit).await
    }

    /// The key of this name.
    pub async fn named_key(&self, name: &str) -> Result<Option<NamedKey>, EngineError> {
        // The name is what a request claims: it is not trusted to fit into a key.
        if !keys::is_storable(name) {
            return Ok(None);
        }
        let entry = self.get(keys::named_key(name)).await?;
        Ok(entry.map(|entry| decode_named_key(&entry.value)).transpose()?)
    }

    /// All keys, by name.
    pub async fn named_keys(&self) -> Result<Vec<NamedKey>, EngineError> {
        let mut found = Vec::new();
        let mut visitor = |key: &[u8], _, value: &[u8]| {
            if !key.starts_with(keys::NAMED_KEYS) {
                return Step::Stop;
            }
            found.push(decode_named_key(value));
            Step::Next
        };
        let catalog = &self.inner.backends.catalog;
        catalog.walk(Space::Index, keys::NAMED_KEYS, Direction::Forward, &mut visitor).await?;
        Ok(found.into_iter().collect::<Result<_, _>>()?)
    }

    /// Enables or disables a key; `false` if there is none of this name.
    pub async fn set_named_key_enabled(
        &self,
        name: &str,
        enabled: bool,
    ) -> Result<bool, EngineError> {
        self.change_named_key(name, |commit, key| {
            commit
                .put(keys::named_key(name), encode_named_key(&NamedKey { enabled, ..key.clone() }));
        })
        .await
    }

    /// Removes a key, and with it what opens its versions; `false` if there is none of this name.
    pub async fn remove_named_key(&self, name: &str) -> Result<bool, EngineError> {
        self.change_named_key(name, |commit, _| {
            commit.delete(keys::named_key(name));
        })
        .await
    }

    async fn change_named_key(
        &self,
        name: &str,
        change: impl Fn(&mut Commit, &NamedKey),
    ) -> Result<bool, EngineError> {
        if !keys::is_storable(name) {
            return Ok(false);
        }
        for _ in 0..ATTEMPTS_MAX {
            let Some(entry) = self.get(keys::named_key(name)).await? else { return Ok(false) };
            let mut commit = Commit::default();
            commit.check(keys::named_key(name), Expect::Stamp(entry.stamp));
            change(&mut commit, &decode_named_key(&entry.value)?);
            if self.commit(commit).await? {
                return Ok(true);
            }
            tokio::task::yield_now().await;
        }
        Err(EngineError::Contended)
    }
}
