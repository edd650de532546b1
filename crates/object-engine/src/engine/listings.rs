//! Listings of objects.
//!
//! Guarantees: a page is one walk of heads: no old version and no delete marker is touched, and a
//! delimiter costs one seek a common prefix. Keys come in order of their UTF-8 bytes.

use crate::{
    catalog::{Direction, Space, Step},
    engine::{
        ObjectEngine,
        rollup::{Rollup, past},
    },
    error::EngineError,
    keys,
    model::{Bucket, ListObjects, ListPage, Listed, ListedObject},
    record::{Head, Malformed, Shown},
};

impl ObjectEngine {
    /// One page of a bucket's objects. A limit of 0 gives an empty page that is not truncated.
    pub async fn list_objects(
        &self,
        bucket: &Bucket,
        ask: &ListObjects,
    ) -> Result<ListPage, EngineError> {
        let scope = keys::scope(b"h/", bucket.uid);
        let rollup = Rollup::new(&ask.prefix, ask.delimiter.as_deref());
        let Some(from) = rollup.start(&scope, ask.after.as_deref()) else {
            return Ok(ListPage::default());
        };
        if ask.limit == 0 {
            return Ok(ListPage::default());
        }
        let mut walk = ObjectWalk {
            base: rollup.base(&scope),
            rollup,
            scope,
            limit: ask.limit,
            entries: Vec::new(),
            is_truncated: false,
        };
        let mut outcome = Ok(());
        let mut visitor = |at: &[u8], _, value: &[u8]| {
            walk.visit(at, value).unwrap_or_else(|error| {
                outcome = Err(error);
                Step::Stop
            })
        };
        let catalog = &self.inner.backends.catalog;
        catalog.walk(Space::Index, &from, Direction::Forward, &mut visitor).await?;
        outcome?;
        Ok(walk.page())
    }
}

struct ObjectWalk<'r> {
    scope: Vec<u8>,
    base: Vec<u8>,
    rollup: Rollup<'r>,
    limit: usize,
    entries: Vec<Listed>,
    is_truncated: bool,
}

impl ObjectWalk<'_> {
    fn visit(&mut self, at: &[u8], value: &[u8]) -> Result<Step, Malformed> {
        if !at.starts_with(&self.base) {
            return Ok(Step::Stop);
        }
        if self.entries.len() == self.limit {
            self.is_truncated = true;
            return Ok(Step::Stop);
        }
        let key = keys::object_key_of(at, 0).ok_or(Malformed("head"))?;
        if let Some(shown) = self.rollup.common_prefix(key) {
            self.entries.push(Listed::CommonPrefix(shown.to_owned()));
            return Ok(past(&self.scope, shown).map_or(Step::Stop, Step::Seek));
        }
        let shown = Head::decode(value)?.shown.ok_or(Malformed("head"))?;
        self.entries.push(Listed::Object(listed(key, shown)));
        Ok(Step::Next)
    }

    fn page(self) -> ListPage {
        let last = self.entries.last().filter(|_| self.is_truncated);
        let next_after = last.map(|last| match last {
            Listed::Object(object) => object.key.clone(),
            Listed::CommonPrefix(prefix) => prefix.clone(),
        });
        ListPage { entries: self.entries, next_after }
    }
}

/// What a listing shows of `key`.
pub(super) fn listed(key: &str, shown: Shown) -> ListedObject {
    ListedObject {
        key: key.to_owned(),
        size: shown.size,
        etag: shown.etag,
        last_modified: shown.last_modified,
        storage_class: shown.storage_class,
        owner: shown.owner,
        checksum: shown.checksum,
    }
}
