//! The walk that all listings share: prefix, delimiter, marker and limit, over keys of the catalog.
//!
//! Guarantees: a page is one walk of one snapshot. A key that is rolled up is skipped with its whole
//! prefix by one seek, so that a page costs what it shows, whatever lies between. A marker that is a
//! common prefix, or lies inside one, skips that prefix, since it was shown on the page before.
//! Does not: know what stands in the records; each listing decodes its own.

use crate::{
    catalog::{Direction, Space, Step},
    engine::ObjectEngine,
    error::EngineError,
    keys,
    model::BucketUid,
    record::Malformed,
};

/// Which records a listing walks, and how it selects and groups their keys.
#[derive(Clone, Debug)]
pub(super) struct Walk<'w> {
    space: Space,
    /// What all of the bucket's catalog keys begin with.
    scope: Vec<u8>,
    /// How many bytes stand in a catalog key behind the object key and its 00.
    suffix: usize,
    prefix: &'w str,
    delimiter: Option<&'w str>,
}

/// What comes next in a page.
pub(super) enum Shown<'s> {
    /// A record of the catalog: the object key in its key, that key, and the record.
    Record(&'s str, &'s [u8], &'s [u8]),
    /// Keys rolled up.
    CommonPrefix(&'s str),
}

/// The entries of a page.
#[derive(Debug)]
pub(super) struct Page<E> {
    pub(super) entries: Vec<E>,
    /// Whether more follow.
    pub(super) is_truncated: bool,
}

impl<E> Page<E> {
    /// The last entry, if more follow: where the next page begins.
    pub(super) fn last(&self) -> Option<&E> {
        self.entries.last().filter(|_| self.is_truncated)
    }
}

impl<'w> Walk<'w> {
    /// Of the bucket's objects.
    pub(super) fn heads(bucket: BucketUid) -> Self {
        Self::over(Space::Index, keys::scope(b"h/", bucket), 0)
    }

    /// Of its versions and delete markers.
    pub(super) fn versions(bucket: BucketUid) -> Self {
        Self::over(Space::Records, keys::scope(b"v/", bucket), 8)
    }

    /// Of its uploads.
    pub(super) fn uploads(bucket: BucketUid) -> Self {
        Self::over(Space::Index, keys::scope(b"u/", bucket), 16)
    }

    fn over(space: Space, scope: Vec<u8>, suffix: usize) -> Self {
        Self { space, scope, suffix, prefix: "", delimiter: None }
    }

    /// Only keys that begin with `prefix`, rolled up after it at `delimiter`. An empty delimiter is
    /// none, as on S3.
    pub(super) fn of(self, prefix: &'w str, delimiter: Option<&'w str>) -> Self {
        Self { prefix, delimiter: delimiter.filter(|delimiter| !delimiter.is_empty()), ..self }
    }

    /// The common prefix that `key` is shown under, if it is not shown itself.
    pub(super) fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter?;
        let at = key.strip_prefix(self.prefix)?.find(delimiter)?;
        Some(&key[..self.prefix.len() + at + delimiter.len()])
    }

    /// The first catalog key of what is strictly after the key or common prefix `after`. `None`:
    /// nothing can be.
    pub(super) fn start(&self, after: Option<&str>) -> Option<Vec<u8>> {
        let base = self.base();
        let Some(after) = after else { return Some(base) };
        let from = match self.common_prefix(after) {
            Some(shown) => self.past(shown)?,
            // Keys end in 00, and none holds another: 01 is beyond all that belongs to `after`.
            None => [&self.scope, after.as_bytes(), &[1]].concat(),
        };
        Some(from.max(base))
    }

    /// The first catalog key after the record at `marker`, within the listing.
    pub(super) fn after_record(&self, mut marker: Vec<u8>) -> Vec<u8> {
        marker.push(0);
        self.within(marker)
    }

    /// `from`, or the listing's first key if that comes later.
    pub(super) fn within(&self, from: Vec<u8>) -> Vec<u8> {
        from.max(self.base())
    }

    /// What catalog keys of the listing begin with.
    fn base(&self) -> Vec<u8> {
        [&self.scope, self.prefix.as_bytes()].concat()
    }

    /// The first catalog key beyond a common prefix.
    fn past(&self, common_prefix: &str) -> Option<Vec<u8>> {
        keys::successor(&[&self.scope, common_prefix.as_bytes()].concat())
    }
}

impl ObjectEngine {
    /// The page that begins at the catalog key `from`, of at most `limit` entries; `entry` makes them.
    /// A limit of 0, or no `from`, gives an empty page that is not truncated.
    pub(super) async fn page<E: Send>(
        &self,
        walk: &Walk<'_>,
        (from, limit): (Option<Vec<u8>>, usize),
        mut entry: impl FnMut(Shown<'_>) -> Result<E, Malformed> + Send,
    ) -> Result<Page<E>, EngineError> {
        let mut page = Page { entries: Vec::new(), is_truncated: false };
        let (Some(from), true) = (from, limit > 0) else { return Ok(page) };
        let (base, mut outcome) = (walk.base(), Ok::<_, Malformed>(()));
        let mut visit = |at: &[u8], value: &[u8]| -> Result<Step, Malformed> {
            if !at.starts_with(&base) {
                return Ok(Step::Stop);
            }
            if page.entries.len() == limit {
                page.is_truncated = true;
                return Ok(Step::Stop);
            }
            let key = keys::object_key_of(at, walk.suffix).ok_or(Malformed("listed key"))?;
            if let Some(shown) = walk.common_prefix(key) {
                page.entries.push(entry(Shown::CommonPrefix(shown))?);
                return Ok(walk.past(shown).map_or(Step::Stop, Step::Seek));
            }
            page.entries.push(entry(Shown::Record(key, at, value))?);
            Ok(Step::Next)
        };
        let mut visitor = |at: &[u8], _, value: &[u8]| {
            visit(at, value).unwrap_or_else(|error: Malformed| {
                outcome = Err(error);
                Step::Stop
            })
        };
        let catalog = &self.inner.backends.catalog;
        catalog.walk(walk.space, &from, Direction::Forward, &mut visitor).await?;
        outcome?;
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk<'w>(prefix: &'w str, delimiter: Option<&'w str>) -> Walk<'w> {
        Walk::over(Space::Index, b"S".to_vec(), 0).of(prefix, delimiter)
    }

    #[test]
    fn keys_roll_up_at_the_first_delimiter_after_the_prefix() {
        let folders = walk("a/", Some("/"));
        assert_eq!(folders.common_prefix("a/b/c/d"), Some("a/b/"));
        assert_eq!(folders.common_prefix("a/b"), None);
        assert_eq!(folders.common_prefix("b/c/d"), None);
        assert_eq!(walk("", Some("")).common_prefix("a/b"), None);
        assert_eq!(walk("ä", Some("é-")).common_prefix("äxé-y"), Some("äxé-"));
    }

    #[test]
    fn a_marker_inside_a_common_prefix_skips_it() {
        let folders = walk("", Some("/"));
        assert_eq!(folders.start(Some("a/b")), Some(b"Sa0".to_vec()));
        assert_eq!(folders.start(Some("a/")), Some(b"Sa0".to_vec()));
        assert_eq!(folders.start(Some("a")), Some(b"Sa\x01".to_vec()));
        assert_eq!(walk("b", None).start(Some("a")), Some(b"Sb".to_vec()));
    }
}
