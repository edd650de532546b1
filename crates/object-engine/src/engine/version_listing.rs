//! Listings of versions and delete markers.
//!
//! Guarantees: by key, then newest first, in one walk; what is shown is the front of each record.
//! A page that begins inside a key still knows which of its versions is the newest: that was read
//! before the walk, and is read again after it; where it changed meanwhile the page is made anew.

use crate::{
    catalog::{Read, Stamp},
    engine::{
        ObjectEngine,
        listings::listed,
        pages::{Shown, Walk},
    },
    error::EngineError,
    keys,
    model::{
        Bucket, ETag, ListVersions, ListedObject, ListedVersion, ObjectKey, PublicVersion,
        VersionPage,
    },
    record::{Head, Malformed, VersionFront},
};

/// How often a page that begins inside a key is read while that key changes.
const RESUMES_MAX: usize = 16;

impl ObjectEngine {
    /// One page of a bucket's versions. A limit of 0 gives an empty page that is not truncated.
    pub async fn list_versions(
        &self,
        bucket: &Bucket,
        ask: &ListVersions,
    ) -> Result<VersionPage, EngineError> {
        let walk = Walk::versions(bucket.uid).of(&ask.prefix, ask.delimiter.as_deref());
        let mut resumed = self.resume(bucket, ask, &walk).await?;
        // A key that never rests is shown as it was read last, rather than not at all.
        for _ in 1..RESUMES_MAX {
            let page = self.version_page(&walk, ask, resumed.clone()).await?;
            let Some(before) = resumed else { return Ok(page) };
            resumed = self.resume(bucket, ask, &walk).await?;
            if resumed.as_ref().is_some_and(|after| after.stamp == before.stamp) {
                return Ok(page);
            }
        }
        self.version_page(&walk, ask, resumed).await
    }

    async fn version_page(
        &self,
        walk: &Walk<'_>,
        ask: &ListVersions,
        resumed: Option<Resumed>,
    ) -> Result<VersionPage, EngineError> {
        let mut newest = Newest { key: None, sequence: 0 };
        let from = match resumed {
            None => walk.start(ask.key_marker.as_deref()),
            Some(Resumed { from, sequence, .. }) => {
                newest = Newest { key: ask.key_marker.clone(), sequence };
                Some(walk.within(from))
            }
        };
        let page = self.page(walk, (from, ask.limit), |shown| entry(shown, &mut newest)).await?;
        let next = page.last().map(marker_of);
        Ok(VersionPage { entries: page.entries, next })
    }

    /// Where to go on after a version marker. `None`: the marker is a key alone, or names what cannot be found.
    async fn resume(
        &self,
        bucket: &Bucket,
        ask: &ListVersions,
        walk: &Walk<'_>,
    ) -> Result<Option<Resumed>, EngineError> {
        let (Some(key), Some(marker)) = (&ask.key_marker, &ask.version_marker) else {
            return Ok(None);
        };
        let Ok(key) = ObjectKey::parse(key) else { return Ok(None) };
        if walk.common_prefix(key.as_str()).is_some() {
            return Ok(None);
        }
        let reads =
            [keys::head(bucket.uid, &key), keys::tombstone(bucket.uid, &key)].map(Read::Get);
        let found = self.inner.backends.catalog.read(&reads).await?;
        let Some((_, entry)) = found.into_iter().flatten().next() else { return Ok(None) };
        let head = Head::decode(&entry.value)?;
        let versions = keys::versions(bucket.uid, &key).bytes;
        let from = match marker.map(|id| id.sequence).or(head.null) {
            Some(sequence) => walk.after_record(keys::version(bucket.uid, &key, sequence).bytes),
            // The null version went since: show the key again rather than skip what is left of it.
            None => versions,
        };
        Ok(Some(Resumed { from, sequence: head.sequence, stamp: entry.stamp }))
    }
}

/// A place inside a key's versions.
#[derive(Clone)]
struct Resumed {
    from: Vec<u8>,
    /// Of the key's newest version, and by which write it is that.
    sequence: u64,
    stamp: Stamp,
}

/// The key being shown, and the sequence of its newest version.
struct Newest {
    key: Option<String>,
    sequence: u64,
}

fn entry(shown: Shown<'_>, newest: &mut Newest) -> Result<ListedVersion, Malformed> {
    let (key, at, value) = match shown {
        Shown::CommonPrefix(prefix) => return Ok(ListedVersion::CommonPrefix(prefix.to_owned())),
        Shown::Record(key, at, value) => (key, at, value),
    };
    let sequence = keys::sequence_of(at).ok_or(Malformed("version key"))?;
    if newest.key.as_deref() != Some(key) {
        *newest = Newest { key: Some(key.to_owned()), sequence };
    }
    let front = VersionFront::decode(value)?;
    Ok(version(key, sequence, newest.sequence == sequence, front))
}

fn version(key: &str, sequence: u64, is_latest: bool, front: VersionFront) -> ListedVersion {
    let public = front.public(sequence);
    let is_marker = front.shown.is_none();
    let object = match front.shown {
        Some(shown) => listed(key, shown),
        None => ListedObject {
            key: key.to_owned(),
            size: 0,
            etag: ETag(String::new()),
            last_modified: front.last_modified,
            storage_class: String::new(),
            owner: front.owner,
            checksum: None,
        },
    };
    ListedVersion::Version { object, public, is_latest, is_marker }
}

fn marker_of(last: &ListedVersion) -> (String, Option<PublicVersion>) {
    match last {
        ListedVersion::Version { object, public, .. } => (object.key.clone(), Some(*public)),
        ListedVersion::CommonPrefix(prefix) => (prefix.clone(), None),
    }
}
