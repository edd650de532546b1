//! Listings of objects.
//!
//! Guarantees: a page is one walk of heads: no old version and no delete marker is touched. Keys come
//! in order of their UTF-8 bytes.

use crate::{
    engine::{
        ObjectEngine,
        pages::{Shown, Walk},
    },
    error::EngineError,
    model::{Bucket, ListObjects, ListPage, Listed, ListedObject},
    record::{self, Head, Malformed},
};

impl ObjectEngine {
    /// One page of a bucket's objects. A limit of 0 gives an empty page that is not truncated.
    pub async fn list_objects(
        &self,
        bucket: &Bucket,
        ask: &ListObjects,
    ) -> Result<ListPage, EngineError> {
        let walk = Walk::heads(bucket.uid).of(&ask.prefix, ask.delimiter.as_deref());
        let from = walk.start(ask.after.as_deref());
        let page = self.page(&walk, (from, ask.limit), entry).await?;
        let next_after = page.last().map(|last| match last {
            Listed::Object(object) => object.key.clone(),
            Listed::CommonPrefix(prefix) => prefix.clone(),
        });
        Ok(ListPage { entries: page.entries, next_after })
    }
}

fn entry(shown: Shown<'_>) -> Result<Listed, Malformed> {
    Ok(match shown {
        Shown::CommonPrefix(prefix) => Listed::CommonPrefix(prefix.to_owned()),
        Shown::Record(key, _, value) => {
            let shown = Head::decode(value)?.shown.ok_or(Malformed("head"))?;
            Listed::Object(listed(key, shown))
        }
    })
}

/// What a listing shows of `key`.
pub(super) fn listed(key: &str, shown: record::Shown) -> ListedObject {
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
