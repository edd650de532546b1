//! The access keys of accounts: several each, added, listed, disabled and removed one by one.
//!
//! Guarantees: an id leads to one key for ever as long as it stands, since adding never replaces; every
//! change is at work from the next look-up; a key is never left behind by a removal of its account.
//! Does not: see a secret, or insist that an account keep a key: one without any cannot sign, and is
//! given a new one by adding it.

use crate::{
    catalog::{Commit, Direction, Expect, Space, Step},
    engine::{
        ATTEMPTS_MAX, ObjectEngine,
        accounts::{refused, text_of},
    },
    error::EngineError,
    keys,
    model::{AccessKey, AddAccessKey},
    record::{decode_access_key, encode_access_key},
};

impl ObjectEngine {
    /// Adds a key to the account that it names. Fails if its id cannot stand in the catalog.
    pub async fn add_access_key(&self, key: &AccessKey) -> Result<AddAccessKey, EngineError> {
        if !keys::is_storable(&key.id) {
            return Err(refused("an access key id is empty or too long"));
        }
        if !keys::is_storable(&key.account) {
            return Ok(AddAccessKey::NoSuchAccount);
        }
        for _ in 0..ATTEMPTS_MAX {
            let Some(account) = self.get(keys::account(&key.account)).await? else {
                return Ok(AddAccessKey::NoSuchAccount);
            };
            if self.get(keys::access_key(&key.id)).await?.is_some() {
                return Ok(AddAccessKey::IdTaken);
            }
            let mut commit = Commit::default();
            // The account's record is written as it was: removing the account checks its stamp, and
            // must not overlook a key that is added meanwhile.
            commit.check(keys::account(&key.account), Expect::Stamp(account.stamp));
            commit.put(keys::account(&key.account), account.value);
            commit.check(keys::access_key(&key.id), Expect::Absent);
            commit.put(keys::access_key(&key.id), encode_access_key(key));
            commit.put(keys::access_key_of(&key.account, &key.id), key.id.clone());
            if self.commit(commit).await? {
                return Ok(AddAccessKey::Added);
            }
            tokio::task::yield_now().await;
        }
        Err(EngineError::Contended)
    }

    /// Lets a key sign, or no longer. `false`: there is no such key.
    pub async fn enable_access_key(&self, id: &str, enabled: bool) -> Result<bool, EngineError> {
        self.change_access_key(id, |commit, key| {
            let key = AccessKey { enabled, ..key };
            commit.put(keys::access_key(id), encode_access_key(&key));
        })
        .await
    }

    /// Removes a key; its account stays, also without any. `false`: there is no such key.
    pub async fn remove_access_key(&self, id: &str) -> Result<bool, EngineError> {
        self.change_access_key(id, |commit, key| {
            commit.delete(keys::access_key(id)).delete(keys::access_key_of(&key.account, id));
        })
        .await
    }

    async fn change_access_key(
        &self,
        id: &str,
        change: impl Fn(&mut Commit, AccessKey),
    ) -> Result<bool, EngineError> {
        if !keys::is_storable(id) {
            return Ok(false);
        }
        for _ in 0..ATTEMPTS_MAX {
            let Some(entry) = self.get(keys::access_key(id)).await? else { return Ok(false) };
            let mut commit = Commit::default();
            // A key that is removed meanwhile must not come back.
            commit.check(keys::access_key(id), Expect::Stamp(entry.stamp));
            change(&mut commit, decode_access_key(&entry.value)?);
            if self.commit(commit).await? {
                return Ok(true);
            }
            tokio::task::yield_now().await;
        }
        Err(EngineError::Contended)
    }

    /// The keys of the account of this name, by id.
    pub async fn access_keys(&self, account: &str) -> Result<Vec<AccessKey>, EngineError> {
        let mut found = Vec::new();
        for id in self.access_key_ids(account).await? {
            // Between the two readings it may have been removed.
            if let Some(entry) = self.get(keys::access_key(&id)).await? {
                found.push(decode_access_key(&entry.value)?);
            }
        }
        Ok(found)
    }

    /// The ids of an account's keys, in order.
    pub(super) async fn access_key_ids(&self, name: &str) -> Result<Vec<String>, EngineError> {
        let scope = keys::access_keys_of(name);
        let mut found = Vec::new();
        let mut visitor = |key: &[u8], _, value: &[u8]| {
            if !key.starts_with(&scope) {
                return Step::Stop;
            }
            found.push(text_of(value));
            Step::Next
        };
        let catalog = &self.inner.backends.catalog;
        catalog.walk(Space::Index, &scope, Direction::Forward, &mut visitor).await?;
        found.into_iter().collect()
    }
}
