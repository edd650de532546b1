//! Users and their access keys over the catalog.
//!
//! Guarantees: what is stored of a secret is sealed under the server's master key. Does not: check what
//! was asked; `users` has done so.

use object_engine::{
    error::EngineError,
    model::{AccessKey, Account, AccountId, AddAccessKey},
};
use sealed_store::SealedStore;

use super::ROOT_ID;
use crate::{
    access_keys::{AddKey, Key},
    credentials::Credentials,
    users::{Accounts, AddUser, User},
};

/// Users, kept as accounts of the catalog; their secrets are sealed under the master key. Beside them
/// root's own access key, as far as it is known here: no user's key may have its id, since it would never
/// be asked for.
#[derive(Clone, Debug)]
pub(crate) struct StoredAccounts(pub(super) SealedStore, pub(super) Option<String>);

impl StoredAccounts {
    /// What of this user is another's already. Adding happens on one socket or under the lock and is
    /// rare; the engine refuses what two at once could still bring.
    async fn taken(&self, user: &User, key: &Credentials) -> Result<Option<AddUser>, EngineError> {
        let engine = self.0.engine();
        Ok(if engine.account(&user.name).await?.is_some() {
            Some(AddUser::NameTaken)
        } else if user.id == ROOT_ID
            || engine.account_by_id(&AccountId(user.id.clone())).await?.is_some()
        {
            Some(AddUser::IdTaken)
        } else if self.is_roots(key) || engine.access_key(&key.access_key).await?.is_some() {
            Some(AddUser::AccessKeyTaken)
        } else {
            None
        })
    }

    fn is_roots(&self, key: &Credentials) -> bool {
        self.1.as_deref() == Some(key.access_key.as_str())
    }

    /// A key as it is stored.
    fn sealed(&self, user: &str, key: &Credentials) -> AccessKey {
        AccessKey {
            id: key.access_key.clone(),
            account: user.to_owned(),
            sealed_secret: self.0.seal_user_secret(&key.access_key, key.secret_key.as_bytes()),
            enabled: true,
        }
    }
}

impl Accounts for StoredAccounts {
    async fn add(&self, user: User, key: Credentials) -> Result<AddUser, String> {
        if let Some(taken) = self.taken(&user, &key).await.map_err(text)? {
            return Ok(taken);
        }
        let access_key = self.sealed(&user.name, &key);
        let stored = self.0.engine().put_account(&to_account(user), Some(&access_key)).await;
        stored.map(|()| AddUser::Added).map_err(text)
    }

    async fn list(&self) -> Result<Vec<User>, String> {
        let accounts = self.0.engine().accounts().await.map_err(text)?;
        Ok(accounts.into_iter().map(to_user).collect())
    }

    async fn remove(&self, name: &str) -> Result<bool, String> {
        self.0.engine().remove_account(name).await.map_err(text)
    }

    async fn add_key(&self, user: &str, key: Credentials) -> Result<AddKey, String> {
        if self.is_roots(&key) {
            return Ok(AddKey::Taken);
        }
        let added = self.0.engine().add_access_key(&self.sealed(user, &key)).await;
        added.map_err(text).map(|added| match added {
            AddAccessKey::Added => AddKey::Added,
            AddAccessKey::NoSuchAccount => AddKey::NoSuchUser,
            AddAccessKey::IdTaken => AddKey::Taken,
        })
    }

    async fn keys(&self, user: &str) -> Result<Vec<Key>, String> {
        let keys = self.0.engine().access_keys(user).await.map_err(text)?;
        Ok(keys.into_iter().map(to_key).collect())
    }

    async fn enable_key(&self, id: &str, enabled: bool) -> Result<bool, String> {
        self.0.engine().enable_access_key(id, enabled).await.map_err(text)
    }

    async fn remove_key(&self, id: &str) -> Result<bool, String> {
        self.0.engine().remove_access_key(id).await.map_err(text)
    }
}

fn text(error: EngineError) -> String {
    error.to_string()
}

fn to_account(user: User) -> Account {
    let User { name, id, display_name, email, policy } = user;
    Account { id: AccountId(id), name, display_name, email, policy }
}

fn to_user(account: Account) -> User {
    let Account { id: AccountId(id), name, display_name, email, policy } = account;
    User { name, id, display_name, email, policy }
}

fn to_key(key: AccessKey) -> Key {
    let AccessKey { id, account: user, sealed_secret: _, enabled } = key;
    Key { id, user, enabled }
}
