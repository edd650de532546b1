//! What conditions and policy variables can ask about a request.
//!
//! Guarantees: names are compared without regard to case, as AWS does; `Debug` prints names only. A value
//! longer than [`CONDITION_VALUE_BYTES_MAX`] is not kept but for that it is there, so that `evaluate` can
//! refuse whatever depends on it.
//! Does not: hold a customer's key or its MD5 under any name; nothing sets them.

use std::{collections::BTreeMap, fmt};

use crate::limits::CONDITION_VALUE_BYTES_MAX;

/// The values of a request by condition key. A key without values is absent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Context {
    values: BTreeMap<String, Vec<String>>,
    /// The keys of what was too long to be held against anything.
    too_long: Vec<String>,
}

impl Context {
    /// For a question that no policy has a say in: nothing reads it.
    pub(crate) const UNASKED: &'static Self =
        &Self { values: BTreeMap::new(), too_long: Vec::new() };

    /// Sets a key's one value.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        if let Some(value) = self.fitting(key, value) {
            self.values.insert(key.to_ascii_lowercase(), vec![value]);
        }
    }

    /// Sets a key's one value if there is one.
    pub fn set_if(&mut self, key: &str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    /// Adds a value to a key that can have several.
    pub fn add(&mut self, key: &str, value: impl Into<String>) {
        if let Some(value) = self.fitting(key, value) {
            self.values.entry(key.to_ascii_lowercase()).or_default().push(value);
        }
    }

    /// Says that there are values of keys that begin so (in lower case), more than anybody looks at.
    pub(crate) fn set_too_long(&mut self, prefix: &str) {
        self.too_long.push(prefix.to_ascii_lowercase());
    }

    /// The keys, or beginnings of keys, of values that nobody looks at.
    pub(super) fn too_long(&self) -> &[String] {
        &self.too_long
    }

    fn fitting(&mut self, key: &str, value: impl Into<String>) -> Option<String> {
        let value = value.into();
        if value.len() > CONDITION_VALUE_BYTES_MAX {
            self.set_too_long(key);
            return None;
        }
        Some(value)
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
