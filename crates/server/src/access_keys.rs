//! Access keys of users: what is asked about them, and the few verbs.
//!
//! A user may have several, so that one is replaced by adding the next, moving the clients, disabling
//! the old one and removing it when nobody has missed it. It may also have none: then it cannot sign.
//!
//! Guarantees: a secret is in one answer only, that of the request which made the key. Does not: store.

use serde::{Deserialize, Serialize};

use crate::{
    credentials::Credentials,
    users::{Accounts, Answer, access_key, refused},
};

/// A further key as asked for. Not printable: it may hold a secret.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NewKey {
    pub(crate) user: String,
    pub(crate) access_key: Option<String>,
    pub(crate) secret_key: Option<String>,
}

/// A key as listed: without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    /// The public id.
    pub(crate) id: String,
    /// Whose, by name.
    pub(crate) user: String,
    /// Whether it may sign.
    pub(crate) enabled: bool,
}

impl Key {
    /// As `key list` prints it.
    pub(crate) fn to_line(&self) -> String {
        let state = if self.enabled { "enabled" } else { "disabled" };
        format!("{}\t{}\t{state}\n", self.id, self.user)
    }
}

/// What adding a key came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddKey {
    /// It is stored.
    Added,
    /// There is no user of that name.
    NoSuchUser,
    /// A key of this id stands already.
    Taken,
}

/// Adds a key to a user.
pub(crate) async fn add(accounts: &impl Accounts, new: NewKey) -> Result<Answer, String> {
    let key = match access_key(new.access_key.as_deref(), new.secret_key.as_deref()) {
        Ok(key) => key,
        Err(answer) => return Ok(answer),
    };
    let Credentials { access_key, secret_key } = key.clone();
    Ok(match accounts.add_key(&new.user, key).await? {
        AddKey::Added => Answer::Added { access_key, secret_key: secret_key.as_str().to_owned() },
        AddKey::NoSuchUser if new.user == "root" => {
            refused("root has the server's own credentials only")
        }
        AddKey::NoSuchUser => no_user(&new.user),
        AddKey::Taken => refused("there is this access key already"),
    })
}

/// All keys, or one user's.
pub(crate) async fn list(accounts: &impl Accounts, user: Option<&str>) -> Result<Answer, String> {
    let users: Vec<_> = accounts.list().await?.into_iter().map(|user| user.name).collect();
    let mut keys = Vec::new();
    match user {
        Some(name) if !users.iter().any(|user| user == name) => return Ok(no_user(name)),
        Some(name) => keys = accounts.keys(name).await?,
        None => {
            for name in &users {
                keys.extend(accounts.keys(name).await?);
            }
        }
    }
    Ok(Answer::Keys { keys })
}

/// Lets a key sign, or no longer.
pub(crate) async fn enable(
    accounts: &impl Accounts,
    id: &str,
    enabled: bool,
) -> Result<Answer, String> {
    Ok(match (accounts.enable_key(id, enabled).await?, enabled) {
        (true, true) => Answer::Enabled,
        (true, false) => Answer::Disabled,
        (false, _) => no_key(id),
    })
}

/// Removes a key.
pub(crate) async fn remove(accounts: &impl Accounts, id: &str) -> Result<Answer, String> {
    Ok(if accounts.remove_key(id).await? { Answer::Removed } else { no_key(id) })
}

fn no_user(name: &str) -> Answer {
    refused(format!("there is no user {name:?}"))
}

fn no_key(id: &str) -> Answer {
    refused(format!("there is no access key {id:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::{NewUser, Request, execute, tests::MemoryAccounts};

    async fn ask(accounts: &MemoryAccounts, request: Request) -> Answer {
        execute(accounts, request).await
    }

    #[tokio::test]
    async fn a_key_is_rotated_without_its_secret_being_told_again() {
        let accounts = MemoryAccounts::default();
        let user = NewUser { name: "alice".to_owned(), ..NewUser::default() };
        let Answer::Added { access_key: old, .. } = ask(&accounts, Request::Add(user)).await else {
            panic!()
        };
        let new = NewKey { user: "alice".to_owned(), ..NewKey::default() };
        let Answer::Added { access_key: next, secret_key } =
            ask(&accounts, Request::KeyAdd(new)).await
        else {
            panic!()
        };
        let disable = Request::KeyEnable { id: old.clone(), enabled: false };
        assert!(matches!(ask(&accounts, disable).await, Answer::Disabled));
        let listed = ask(&accounts, Request::KeyList { user: Some("alice".to_owned()) }).await;
        let line = serde_json::to_string(&listed).unwrap();
        assert!(!line.contains(&secret_key) && !line.contains("secret"), "{line}");
        let Answer::Keys { keys } = listed else { panic!() };
        let told: String = keys.iter().map(Key::to_line).collect();
        assert_eq!(told, format!("{old}\talice\tdisabled\n{next}\talice\tenabled\n"));
        let enable = Request::KeyEnable { id: old.clone(), enabled: true };
        assert!(matches!(ask(&accounts, enable).await, Answer::Enabled));
        for id in [&old, &next] {
            let remove = || Request::KeyRemove { id: id.clone() };
            assert!(matches!(ask(&accounts, remove()).await, Answer::Removed));
            assert!(matches!(ask(&accounts, remove()).await, Answer::Refused { .. }));
        }
        let Answer::Users { users } = ask(&accounts, Request::List).await else { panic!() };
        assert_eq!(users.len(), 1, "a user outlives its last key");
    }

    #[tokio::test]
    async fn what_names_nobody_is_refused() {
        let accounts = MemoryAccounts::default();
        let new = |user: &str, access_key: Option<&str>| NewKey {
            user: user.to_owned(),
            access_key: access_key.map(str::to_owned),
            secret_key: None,
        };
        for request in [
            Request::KeyAdd(new("alice", None)),
            Request::KeyAdd(new("root", None)),
            Request::KeyAdd(new("alice", Some("only"))),
            Request::KeyList { user: Some("alice".to_owned()) },
            Request::KeyEnable { id: "none".to_owned(), enabled: true },
            Request::KeyRemove { id: "none".to_owned() },
        ] {
            assert!(matches!(ask(&accounts, request).await, Answer::Refused { .. }));
        }
    }
}
