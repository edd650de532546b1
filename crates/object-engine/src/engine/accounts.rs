//! Accounts, each with the access key that it is added with; more keys are `access_keys`' subject.
//!
//! Guarantees: a name and a canonical id each lead to at most one account; removing an account removes
//! its access keys in the same commit, so a removed user counts from the next request.
//! Does not: see a secret; what is stored of one is sealed.

use crate::{
    catalog::{Commit, Direction, Expect, Key, Space, Step},
    engine::{ATTEMPTS_MAX, ObjectEngine},
    error::EngineError,
    keys,
    model::{AccessKey, Account, AccountId},
    record::{decode_access_key, decode_account, encode_access_key, encode_account},
};

impl ObjectEngine {
    /// Adds an account or replaces the one of the same name, and adds or replaces `key`.
    /// Fails if another account has its canonical id, or another account's key has the key's id.
    pub async fn put_account(
        &self,
        account: &Account,
        key: Option<&AccessKey>,
    ) -> Result<(), EngineError> {
        let names =
            [Some(account.name.as_str()), Some(&account.id.0), key.map(|key| key.id.as_str())];
        if !names.into_iter().flatten().all(keys::is_storable) {
            return Err(refused("a name, canonical id or access key id is empty or too long"));
        }
        for _ in 0..ATTEMPTS_MAX {
            let mut commit = Commit::default();
            self.write_account(&mut commit, account).await?;
            if let Some(key) = key {
                self.write_access_key(&mut commit, account, key).await?;
            }
            if self.commit(commit).await? {
                return Ok(());
            }
            tokio::task::yield_now().await;
        }
        Err(EngineError::Contended)
    }

    async fn write_account(
        &self,
        commit: &mut Commit,
        account: &Account,
    ) -> Result<(), EngineError> {
        let old = self.get(keys::account(&account.name)).await?;
        let by_id = self.get(keys::account_id(&account.id)).await?;
        if let Some(by_id) = &by_id
            && by_id.value != account.name.as_bytes()
        {
            return Err(refused("another account has this canonical id"));
        }
        if let Some(old) = &old {
            let old = decode_account(&old.value)?;
            if old.id != account.id {
                commit.delete(keys::account_id(&old.id));
            }
        }
        swap(commit, keys::account(&account.name), old.map(|old| old.stamp));
        commit.put(keys::account(&account.name), encode_account(account));
        swap(commit, keys::account_id(&account.id), by_id.map(|by_id| by_id.stamp));
        commit.put(keys::account_id(&account.id), account.name.clone());
        Ok(())
    }

    async fn write_access_key(
        &self,
        commit: &mut Commit,
        account: &Account,
        key: &AccessKey,
    ) -> Result<(), EngineError> {
        let old = self.get(keys::access_key(&key.id)).await?;
        if let Some(old) = &old
            && decode_access_key(&old.value)?.account != account.name
        {
            return Err(refused("another account has this access key id"));
        }
        swap(commit, keys::access_key(&key.id), old.map(|old| old.stamp));
        let owned = AccessKey { account: account.name.clone(), ..key.clone() };
        commit.put(keys::access_key(&key.id), encode_access_key(&owned));
        commit.put(keys::access_key_of(&account.name, &key.id), key.id.clone());
        Ok(())
    }

    /// The account of this name.
    pub async fn account(&self, name: &str) -> Result<Option<Account>, EngineError> {
        if !keys::is_storable(name) {
            return Ok(None);
        }
        let entry = self.get(keys::account(name)).await?;
        Ok(entry.map(|entry| decode_account(&entry.value)).transpose()?)
    }

    /// The account with this canonical user id.
    pub async fn account_by_id(&self, id: &AccountId) -> Result<Option<Account>, EngineError> {
        if !keys::is_storable(&id.0) {
            return Ok(None);
        }
        let Some(entry) = self.get(keys::account_id(id)).await? else { return Ok(None) };
        let account = self.account(&text_of(&entry.value)?).await?;
        // Between the two readings the account may have been given another id.
        Ok(account.filter(|account| account.id == *id))
    }

    /// All accounts, by name.
    pub async fn accounts(&self) -> Result<Vec<Account>, EngineError> {
        let mut found = Vec::new();
        let mut visitor = |key: &[u8], _, value: &[u8]| {
            if !key.starts_with(b"an/") {
                return Step::Stop;
            }
            found.push(decode_account(value));
            Step::Next
        };
        let catalog = &self.inner.backends.catalog;
        catalog.walk(Space::Index, b"an/", Direction::Forward, &mut visitor).await?;
        Ok(found.into_iter().collect::<Result<_, _>>()?)
    }

    /// Removes an account and its access keys; its buckets stay. `false`: no such account.
    pub async fn remove_account(&self, name: &str) -> Result<bool, EngineError> {
        for _ in 0..ATTEMPTS_MAX {
            if !keys::is_storable(name) {
                return Ok(false);
            }
            let Some(entry) = self.get(keys::account(name)).await? else { return Ok(false) };
            let account = decode_account(&entry.value)?;
            let mut commit = Commit::default();
            // Whoever adds a key writes the account's record too, so this check covers the keys.
            commit.check(keys::account(name), Expect::Stamp(entry.stamp));
            commit.delete(keys::account(name)).delete(keys::account_id(&account.id));
            for id in self.access_key_ids(name).await? {
                commit.delete(keys::access_key(&id)).delete(keys::access_key_of(name, &id));
            }
            if self.commit(commit).await? {
                return Ok(true);
            }
            tokio::task::yield_now().await;
        }
        Err(EngineError::Contended)
    }

    /// The access key with this id, and whose it is.
    pub async fn access_key(&self, id: &str) -> Result<Option<(AccessKey, Account)>, EngineError> {
        // The id is what a request claims: it is not trusted to fit into a key.
        if !keys::is_storable(id) {
            return Ok(None);
        }
        let Some(entry) = self.get(keys::access_key(id)).await? else { return Ok(None) };
        let key = decode_access_key(&entry.value)?;
        let account = self.account(&key.account).await?;
        Ok(account.map(|account| (key, account)))
    }
}

/// Checks that `key` is as it was read.
fn swap(commit: &mut Commit, key: Key, stamp: Option<crate::catalog::Stamp>) {
    commit.check(key, stamp.map_or(Expect::Absent, Expect::Stamp));
}

pub(super) fn text_of(value: &[u8]) -> Result<String, EngineError> {
    let text = std::str::from_utf8(value).map(str::to_owned);
    text.map_err(|_| EngineError::Damaged("an account record is malformed".into()))
}

/// The operator asked for what contradicts what is stored.
pub(super) fn refused(why: &str) -> EngineError {
    EngineError::Unavailable(format!("the account was not written: {why}"))
}
