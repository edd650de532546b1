//! What conditions and policy variables can ask about a request.
//!
//! Guarantees: names are compared without regard to case, as AWS does; `Debug` prints names only.
//! Does not: hold a customer's key or its MD5 under any name; nothing sets them.

use std::{collections::BTreeMap, fmt};

/// The values of a request by condition key. A key without values is absent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Context {
    values: BTreeMap<String, Vec<String>>,
}

impl Context {
    /// For a question that no policy has a say in: nothing reads it.
    pub(crate) const UNASKED: &'static Self = &Self { values: BTreeMap::new() };

    /// Sets a key's one value.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.values.insert(key.to_ascii_lowercase(), vec![value.into()]);
    }

    /// Sets a key's one value if there is one.
    pub fn set_if(&mut self, key: &str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    /// Adds a value to a key that can have several.
    pub fn add(&mut self, key: &str, value: impl Into<String>) {
        self.values.entry(key.to_ascii_lowercase()).or_default().push(value.into());
    }

    /// The values of a key; none if it is absent.
    pub(super) fn values(&self, key: &str) -> &[String] {
        self.values.get(&key.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// The value of a key that has exactly one.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        match self.values(key) {
            [value] => Some(value),
            _ => None,
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}
