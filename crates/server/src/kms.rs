//! The ring's named keys: what is asked, what is answered, and the same few verbs whether a server
//! runs or not.
//!
//! Guarantees: what was removed was asked for in so many words; no answer holds a key.
//! Does not: store; [`Keys`] is implemented over the store in `assemble`.

use serde::{Deserialize, Serialize};

/// One request, as a JSON line on the admin socket.
#[derive(Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub(crate) enum Request {
    /// Draw a key.
    Add {
        /// Its name.
        name: String,
    },
    /// List all keys.
    List,
    /// Let a key be used, or not.
    SetEnabled {
        /// By name.
        name: String,
        /// Whether it may be used.
        enabled: bool,
    },
    /// Remove a key for good.
    Remove {
        /// By name.
        name: String,
        /// Whether the asker knows what that does.
        force: bool,
    },
}

/// One answer, as a JSON line on the admin socket.
#[derive(Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// It is done.
    Done,
    /// All keys, by name.
    Keys {
        /// One each.
        keys: Vec<Key>,
    },
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

/// A key as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    /// Its name.
    pub(crate) name: String,
    /// Whether it may be used.
    pub(crate) enabled: bool,
    /// When it was made, in milliseconds since 1970.
    pub(crate) created_ms: i64,
}

/// Where keys are kept. Errors are texts for the operator.
pub(crate) trait Keys: Clone + Send + Sync + 'static {
    /// Whether a key can have this name; `Err` says why not.
    fn check_name(name: &str) -> Result<(), String>;
    /// Draws a key; `false` if there is one of this name.
    fn add(&self, name: &str) -> impl Future<Output = Result<bool, String>> + Send;
    /// All keys, by name.
    fn list(&self) -> impl Future<Output = Result<Vec<Key>, String>> + Send;
    /// Enables or disables a key; `false` if there is none.
    fn set_enabled(
        &self,
        name: &str,
        enabled: bool,
    ) -> impl Future<Output = Result<bool, String>> + Send;
    /// Removes a key; `false` if there is none.
    fn remove(&self, name: &str) -> impl Future<Output = Result<bool, String>> + Send;
}

/// Does what is asked.
pub(crate) async fn execute<K: Keys>(keys: &K, request: Request) -> Answer {
    let done = match request {
        Request::Add { name } => add(keys, name).await,
        Request::List => keys.list().await.map(|keys| Answer::Keys { keys }),
        Request::SetEnabled { name, enabled } => {
            keys.set_enabled(&name, enabled).await.map(|was| found(was, &name))
        }
        Request::Remove { name, force: false } => Ok(Answer::Refused {
            why: format!(
                "every object under the key {name:?} would be unreadable for ever, in all backups \
                 too: disable the key instead, or say --force"
            ),
        }),
        Request::Remove { name, force: true } => {
            keys.remove(&name).await.map(|was| found(was, &name))
        }
    };
    done.unwrap_or_else(|why| Answer::Failed { why })
}

async fn add<K: Keys>(keys: &K, name: String) -> Result<Answer, String> {
    if let Err(why) = K::check_name(&name) {
        return Ok(Answer::Refused { why });
    }
    Ok(match keys.add(&name).await? {
        true => Answer::Done,
        false => Answer::Refused { why: format!("there is a key {name:?} already") },
    })
}

fn found(was: bool, name: &str) -> Answer {
    match was {
        true => Answer::Done,
        false => Answer::Refused { why: format!("there is no key {name:?}") },
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Keys in memory.
    #[derive(Clone, Default)]
    pub(crate) struct MemoryKeys(Arc<Mutex<Vec<Key>>>);

    impl Keys for MemoryKeys {
        fn check_name(name: &str) -> Result<(), String> {
            if name.is_empty() { Err("empty".into()) } else { Ok(()) }
        }

        async fn add(&self, name: &str) -> Result<bool, String> {
            let mut keys = self.0.lock().unwrap();
            let is_new = keys.iter().all(|key| key.name != name);
            if is_new {
                keys.push(Key { name: name.to_owned(), enabled: true, created_ms: 0 });
            }
            Ok(is_new)
        }

        async fn list(&self) -> Result<Vec<Key>, String> {
            Ok(self.0.lock().unwrap().clone())
        }

        async fn set_enabled(&self, name: &str, enabled: bool) -> Result<bool, String> {
            let mut keys = self.0.lock().unwrap();
            let key = keys.iter_mut().find(|key| key.name == name);
            Ok(key.map(|key| key.enabled = enabled).is_some())
        }

        async fn remove(&self, name: &str) -> Result<bool, String> {
            let mut keys = self.0.lock().unwrap();
            let before = keys.len();
            keys.retain(|key| key.name != name);
            Ok(keys.len() < before)
        }
    }

    #[tokio::test]
    async fn a_key_is_removed_only_by_force() {
        let keys = MemoryKeys::default();
        let name = || "a".to_owned();
        assert!(matches!(execute(&keys, Request::Add { name: name() }).await, Answer::Done));
        let again = execute(&keys, Request::Add { name: name() }).await;
        assert!(matches!(again, Answer::Refused { .. }));
        let nameless = execute(&keys, Request::Add { name: String::new() }).await;
        assert!(matches!(nameless, Answer::Refused { .. }));
        let disable = Request::SetEnabled { name: name(), enabled: false };
        assert!(matches!(execute(&keys, disable).await, Answer::Done));
        let remove = |force| Request::Remove { name: name(), force };
        let refused = execute(&keys, remove(false)).await;
        assert!(matches!(refused, Answer::Refused { why } if why.contains("--force")));
        let Answer::Keys { keys: listed } = execute(&keys, Request::List).await else { panic!() };
        assert_eq!((listed.len(), listed[0].enabled), (1, false));
        assert!(matches!(execute(&keys, remove(true)).await, Answer::Done));
        assert!(matches!(execute(&keys, remove(true)).await, Answer::Refused { .. }));
    }
}
