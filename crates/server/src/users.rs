//! Users: what is asked, what is answered, and the same few verbs whether a server runs or not.
//!
//! Guarantees: a name, an id and an access key belong to one user each; what is stored was checked
//! here. Does not: store; [`Accounts`] is implemented over the catalog in `assemble`.

use serde::{Deserialize, Serialize};

use crate::{
    access_keys::{self, AddKey, Key, NewKey},
    assemble,
    credentials::Credentials,
    data_dir::fill_random,
    failure::Failure,
};

/// One request, as a JSON line on the admin socket. Not printable: it may hold a secret.
#[derive(Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub(crate) enum Request {
    /// Add a user.
    Add(NewUser),
    /// List all users.
    List,
    /// Remove a user.
    Remove {
        /// By name.
        name: String,
    },
    /// Add an access key to a user.
    KeyAdd(NewKey),
    /// List access keys.
    KeyList {
        /// Of one user; else all.
        user: Option<String>,
    },
    /// Let an access key sign, or no longer.
    KeyEnable {
        /// The public id.
        id: String,
        /// Whether it may.
        enabled: bool,
    },
    /// Remove an access key.
    KeyRemove {
        /// The public id.
        id: String,
    },
}

/// One answer, as a JSON line on the admin socket. Not printable: it may hold a secret.
#[derive(Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// The user or the key was added; the access key is told this once.
    Added {
        /// The public id of the key.
        access_key: String,
        /// The secret.
        secret_key: String,
    },
    /// All users, by name.
    Users {
        /// One each.
        users: Vec<User>,
    },
    /// Access keys, by user and id.
    Keys {
        /// One each, without its secret.
        keys: Vec<Key>,
    },
    /// The user or the key is gone.
    Removed,
    /// The key may sign.
    Enabled,
    /// The key may no longer sign.
    Disabled,
    /// The asker must ask differently. Nothing was changed.
    Refused {
        /// Why.
        why: String,
    },
    /// It could not be done.
    Failed {
        /// Why.
        why: String,
    },
}

/// A user as asked for. Not printable: it may hold a secret.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NewUser {
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) access_key: Option<String>,
    pub(crate) secret_key: Option<String>,
    pub(crate) policy: Option<String>,
}

/// A user as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    /// Unique, chosen by the operator.
    pub(crate) name: String,
    /// Canonical user id, unique.
    pub(crate) id: String,
    /// What listings show.
    pub(crate) display_name: String,
    /// Optional.
    pub(crate) email: Option<String>,
    /// Identity policy, a JSON document.
    pub(crate) policy: Option<String>,
}

/// What adding came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddUser {
    /// It is stored.
    Added,
    /// The name is another user's.
    NameTaken,
    /// The canonical id is another user's.
    IdTaken,
    /// The access key is another user's.
    AccessKeyTaken,
}

/// Where users are kept. Errors are texts for the operator.
pub(crate) trait Accounts: Clone + Send + Sync + 'static {
    /// Stores a user and its access key, unless something of it is taken.
    fn add(
        &self,
        user: User,
        key: Credentials,
    ) -> impl Future<Output = Result<AddUser, String>> + Send;
    /// All users, by name.
    fn list(&self) -> impl Future<Output = Result<Vec<User>, String>> + Send;
    /// Removes a user and its access keys; `false` if there is none.
    fn remove(&self, name: &str) -> impl Future<Output = Result<bool, String>> + Send;
    /// Stores a further access key of a user, unless it is taken.
    fn add_key(
        &self,
        user: &str,
        key: Credentials,
    ) -> impl Future<Output = Result<AddKey, String>> + Send;
    /// The access keys of a user, by id; none if there is no such user.
    fn keys(&self, user: &str) -> impl Future<Output = Result<Vec<Key>, String>> + Send;
    /// Lets a key sign, or no longer; `false` if there is none.
    fn enable_key(
        &self,
        id: &str,
        enabled: bool,
    ) -> impl Future<Output = Result<bool, String>> + Send;
    /// Removes a key; `false` if there is none.
    fn remove_key(&self, id: &str) -> impl Future<Output = Result<bool, String>> + Send;
}

/// Does what is asked.
pub(crate) async fn execute(accounts: &impl Accounts, request: Request) -> Answer {
    let done = match request {
        Request::Add(new) => add(accounts, new).await,
        Request::List => accounts.list().await.map(|users| Answer::Users { users }),
        Request::Remove { name } => accounts.remove(&name).await.map(|was| match was {
            true => Answer::Removed,
            false => refused(format!("there is no user {name:?}")),
        }),
        Request::KeyAdd(new) => access_keys::add(accounts, new).await,
        Request::KeyList { user } => access_keys::list(accounts, user.as_deref()).await,
        Request::KeyEnable { id, enabled } => access_keys::enable(accounts, &id, enabled).await,
        Request::KeyRemove { id } => access_keys::remove(accounts, &id).await,
    };
    done.unwrap_or_else(|why| Answer::Failed { why })
}

pub(crate) fn refused(why: impl Into<String>) -> Answer {
    Answer::Refused { why: why.into() }
}

async fn add(accounts: &impl Accounts, new: NewUser) -> Result<Answer, String> {
    let key = match access_key(new.access_key.as_deref(), new.secret_key.as_deref()) {
        Ok(key) => key,
        Err(answer) => return Ok(answer),
    };
    let user = match parse(new) {
        Ok(user) => user,
        Err(answer) => return Ok(answer),
    };
    let name = user.name.clone();
    Ok(match accounts.add(user, key.clone()).await? {
        AddUser::Added => Answer::Added {
            access_key: key.access_key,
            secret_key: key.secret_key.as_str().to_owned(),
        },
        AddUser::NameTaken => refused(format!("there is a user {name:?} already")),
        AddUser::IdTaken => refused("another user has this canonical id"),
        AddUser::AccessKeyTaken => refused("another user has this access key"),
    })
}

/// The pair that was asked for, or a drawn one.
pub(crate) fn access_key(
    access_key: Option<&str>,
    secret_key: Option<&str>,
) -> Result<Credentials, Answer> {
    match (access_key, secret_key) {
        (Some(access), Some(secret)) => Credentials::parse(access, secret).map_err(refused),
        (None, None) => Credentials::generate().map_err(failed),
        _ => Err(refused("an access key and its secret go together")),
    }
}

fn parse(new: NewUser) -> Result<User, Answer> {
    let named = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
    if !(1..=NAME_BYTES_MAX).contains(&new.name.len()) || !new.name.bytes().all(named) {
        return Err(refused("a name has 1 to 64 letters, digits or +=,.@_-"));
    }
    if new.name == "root" {
        return Err(refused("root is the account of the server's own credentials"));
    }
    let texts = [&new.id, &new.display_name, &new.email];
    let fits = |text: &String| {
        (1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
    };
    if !texts.into_iter().flatten().all(fits) {
        return Err(refused("id, display name and e-mail have 1 to 128 bytes without controls"));
    }
    if let Some(policy) = &new.policy {
        assemble::check_identity_policy(policy).map_err(refused)?;
    }
    let id = new.id.map_or_else(random_id, Ok).map_err(failed)?;
    let display_name = new.display_name.unwrap_or_else(|| new.name.clone());
    Ok(User { name: new.name, id, display_name, email: new.email, policy: new.policy })
}

fn failed(failure: Failure) -> Answer {
    Answer::Failed { why: failure.to_string() }
}

/// 64 hexadecimal digits, as AWS writes canonical user ids.
fn random_id() -> Result<String, Failure> {
    let mut bytes = [0; 32];
    fill_random(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// As AWS limits user names.
const NAME_BYTES_MAX: usize = 64;
/// Of ids, display names and addresses; they stand in listings of up to 1,000 entries.
const TEXT_BYTES_MAX: usize = 128;

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Users and access keys in memory.
    #[derive(Clone, Default)]
    pub(crate) struct MemoryAccounts(Arc<Mutex<(Vec<User>, Vec<Key>)>>);

    impl Accounts for MemoryAccounts {
        async fn add(&self, user: User, key: Credentials) -> Result<AddUser, String> {
            let name = user.name.clone();
            let (users, keys) = &mut *self.0.lock().unwrap();
            if users.iter().any(|other| other.name == name) {
                return Ok(AddUser::NameTaken);
            }
            if keys.iter().any(|other| other.id == key.access_key) {
                return Ok(AddUser::AccessKeyTaken);
            }
            users.push(user);
            keys.push(Key { id: key.access_key, user: name, enabled: true });
            Ok(AddUser::Added)
        }

        async fn list(&self) -> Result<Vec<User>, String> {
            Ok(self.0.lock().unwrap().0.clone())
        }

        async fn remove(&self, name: &str) -> Result<bool, String> {
            let (users, keys) = &mut *self.0.lock().unwrap();
            let before = users.len();
            users.retain(|user| user.name != name);
            keys.retain(|key| key.user != name);
            Ok(users.len() < before)
        }

        async fn add_key(&self, user: &str, key: Credentials) -> Result<AddKey, String> {
            let (users, keys) = &mut *self.0.lock().unwrap();
            if !users.iter().any(|known| known.name == user) {
                return Ok(AddKey::NoSuchUser);
            }
            if keys.iter().any(|known| known.id == key.access_key) {
                return Ok(AddKey::Taken);
            }
            keys.push(Key { id: key.access_key, user: user.to_owned(), enabled: true });
            Ok(AddKey::Added)
        }

        async fn keys(&self, user: &str) -> Result<Vec<Key>, String> {
            let keys = &self.0.lock().unwrap().1;
            Ok(keys.iter().filter(|key| key.user == user).cloned().collect())
        }

        async fn enable_key(&self, id: &str, enabled: bool) -> Result<bool, String> {
            let keys = &mut self.0.lock().unwrap().1;
            let key = keys.iter_mut().find(|key| key.id == id);
            Ok(key.map(|key| key.enabled = enabled).is_some())
        }

        async fn remove_key(&self, id: &str) -> Result<bool, String> {
            let keys = &mut self.0.lock().unwrap().1;
            let before = keys.len();
            keys.retain(|key| key.id != id);
            Ok(keys.len() < before)
        }
    }

    fn named(name: &str) -> NewUser {
        NewUser { name: name.to_owned(), ..NewUser::default() }
    }

    #[tokio::test]
    async fn a_user_is_added_once_listed_and_removed_once() {
        let accounts = MemoryAccounts::default();
        let added = execute(&accounts, Request::Add(named("alice"))).await;
        assert!(matches!(added, Answer::Added { secret_key, .. } if secret_key.len() == 40));
        let again = execute(&accounts, Request::Add(named("alice"))).await;
        assert!(matches!(again, Answer::Refused { .. }));
        let Answer::Users { users } = execute(&accounts, Request::List).await else { panic!() };
        assert_eq!((users[0].display_name.as_str(), users[0].id.len()), ("alice", 64));
        let remove = || Request::Remove { name: "alice".to_owned() };
        assert!(matches!(execute(&accounts, remove()).await, Answer::Removed));
        assert!(matches!(execute(&accounts, remove()).await, Answer::Refused { .. }));
    }

    #[tokio::test]
    async fn what_cannot_be_stored_is_refused() {
        let text = |text: &str| Some(text.to_owned());
        let wrong = [
            named(""),
            named("a b"),
            named("root"),
            named(&"n".repeat(65)),
            NewUser { id: text(""), ..named("a") },
            NewUser { email: text("a\nb"), ..named("a") },
            NewUser { policy: text("[]"), ..named("a") },
            NewUser { policy: text("{"), ..named("a") },
            NewUser { access_key: text("only"), ..named("a") },
            NewUser { access_key: text("key"), secret_key: text("short"), ..named("a") },
        ];
        for new in wrong {
            let answer = execute(&MemoryAccounts::default(), Request::Add(new)).await;
            assert!(matches!(answer, Answer::Refused { .. }));
        }
    }
}
