//! Prefix, delimiter and marker of a listing, in terms of catalog keys.
//!
//! Guarantees: a key that is rolled up is skipped with its whole prefix by one seek; a marker that is
//! a common prefix, or lies inside one, skips that prefix, since it was shown on the page before.

use crate::keys;

/// How a listing selects and groups keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rollup<'r> {
    prefix: &'r str,
    delimiter: Option<&'r str>,
}

impl<'r> Rollup<'r> {
    /// An empty delimiter is none, as on S3.
    pub(super) fn new(prefix: &'r str, delimiter: Option<&'r str>) -> Self {
        Self { prefix, delimiter: delimiter.filter(|delimiter| !delimiter.is_empty()) }
    }

    /// What catalog keys of the listing begin with.
    pub(super) fn base(&self, scope: &[u8]) -> Vec<u8> {
        [scope, self.prefix.as_bytes()].concat()
    }

    /// The common prefix that `key` is shown under, if it is not shown itself.
    pub(super) fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter?;
        let at = key.strip_prefix(self.prefix)?.find(delimiter)?;
        Some(&key[..self.prefix.len() + at + delimiter.len()])
    }

    /// The first catalog key of what is strictly after the key or common prefix `after`. `None`:
    /// nothing can be.
    pub(super) fn start(&self, scope: &[u8], after: Option<&str>) -> Option<Vec<u8>> {
        let base = self.base(scope);
        let Some(after) = after else { return Some(base) };
        let from = match self.common_prefix(after) {
            Some(shown) => past(scope, shown)?,
            // Keys end in 00, and none holds another: 01 is beyond all that belongs to `after`.
            None => [scope, after.as_bytes(), &[1]].concat(),
        };
        Some(from.max(base))
    }
}

/// The first catalog key beyond a common prefix.
pub(super) fn past(scope: &[u8], common_prefix: &str) -> Option<Vec<u8>> {
    keys::successor(&[scope, common_prefix.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_roll_up_at_the_first_delimiter_after_the_prefix() {
        let rollup = Rollup::new("a/", Some("/"));
        assert_eq!(rollup.common_prefix("a/b/c/d"), Some("a/b/"));
        assert_eq!(rollup.common_prefix("a/b"), None);
        assert_eq!(rollup.common_prefix("b/c/d"), None);
        assert_eq!(Rollup::new("", Some("")).common_prefix("a/b"), None);
        assert_eq!(Rollup::new("ä", Some("é-")).common_prefix("äxé-y"), Some("äxé-"));
    }

    #[test]
    fn a_marker_inside_a_common_prefix_skips_it() {
        let rollup = Rollup::new("", Some("/"));
        assert_eq!(rollup.start(b"S", Some("a/b")), Some(b"Sa0".to_vec()));
        assert_eq!(rollup.start(b"S", Some("a/")), Some(b"Sa0".to_vec()));
        assert_eq!(rollup.start(b"S", Some("a")), Some(b"Sa\x01".to_vec()));
        assert_eq!(Rollup::new("b", None).start(b"S", Some("a")), Some(b"Sb".to_vec()));
    }
}
