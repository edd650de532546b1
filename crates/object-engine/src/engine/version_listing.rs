//! Listings of versions and delete markers.
//!
//! Guarantees: by key, then newest first, in one walk; what is shown is the front of each record.
//! A page that begins inside a key still knows which of its versions is the newest.

use crate::{
    catalog::{Direction, Read, Space, Step},
    engine::{
        ObjectEngine,
        listings::listed,
        rollup::{Rollup, past},
    },
    error::EngineError,
    keys,
    model::{
        Bucket, ETag, ListVersions, ListedObject, ListedVersion, ObjectKey, PublicVersion,
        VersionPage,
    },
    record::{Head, Malformed, VersionFront},
};

impl ObjectEngine {
    /// One page of a bucket's versions. A limit of 0 gives an empty page that is not truncated.
    pub async fn list_versions(
        &self,
        bucket: &Bucket,
        ask: &ListVersions,
    ) -> Result<VersionPage, EngineError> {
        let scope = keys::scope(b"v/", bucket.uid);
        let rollup = Rollup::new(&ask.prefix, ask.delimiter.as_deref());
        let resumed = self.resume(bucket, ask, rollup).await?;
        let from = match &resumed {
            Some((from, _)) => Some(from.clone().max(rollup.base(&scope))),
            None => rollup.start(&scope, ask.key_marker.as_deref()),
        };
        let (Some(from), true) = (from, ask.limit > 0) else { return Ok(VersionPage::default()) };
        let mut walk = VersionWalk {
            base: rollup.base(&scope),
            rollup,
            scope,
            limit: ask.limit,
            key: ask.key_marker.clone().filter(|_| resumed.is_some()),
            newest: resumed.map_or(0, |(_, newest)| newest),
            page: VersionPage::default(),
        };
        let mut outcome = Ok(());
        let mut visitor = |at: &[u8], _, value: &[u8]| {
            walk.visit(at, value).unwrap_or_else(|error| {
                outcome = Err(error);
                Step::Stop
            })
        };
        let catalog = &self.inner.backends.catalog;
        catalog.walk(Space::Records, &from, Direction::Forward, &mut visitor).await?;
        outcome?;
        Ok(walk.page)
    }

    /// Where to go on after a version marker, and the sequence of that key's newest version.
    /// `None`: the marker is a key alone, or names what cannot be found.
    async fn resume(
        &self,
        bucket: &Bucket,
        ask: &ListVersions,
        rollup: Rollup<'_>,
    ) -> Result<Option<(Vec<u8>, u64)>, EngineError> {
        let (Some(key), Some(marker)) = (&ask.key_marker, &ask.version_marker) else {
            return Ok(None);
        };
        let Ok(key) = ObjectKey::parse(key) else { return Ok(None) };
        if rollup.common_prefix(key.as_str()).is_some() {
            return Ok(None);
        }
        let reads =
            [keys::head(bucket.uid, &key), keys::tombstone(bucket.uid, &key)].map(Read::Get);
        let found = self.inner.backends.catalog.read(&reads).await?;
        let Some((_, entry)) = found.into_iter().flatten().next() else { return Ok(None) };
        let head = Head::decode(&entry.value)?;
        let versions = keys::versions(bucket.uid, &key).bytes;
        let from = match marker.map(|id| id.sequence).or(head.null) {
            Some(sequence) => {
                let mut last = keys::version(bucket.uid, &key, sequence).bytes;
                last.push(0);
                last
            }
            // The null version went since: show the key again rather than skip what is left of it.
            None => versions,
        };
        Ok(Some((from, head.sequence)))
    }
}

struct VersionWalk<'r> {
    scope: Vec<u8>,
    base: Vec<u8>,
    rollup: Rollup<'r>,
    limit: usize,
    /// The key being shown, and the sequence of its newest version.
    key: Option<String>,
    newest: u64,
    page: VersionPage,
}

impl VersionWalk<'_> {
    fn visit(&mut self, at: &[u8], value: &[u8]) -> Result<Step, Malformed> {
        if !at.starts_with(&self.base) {
            return Ok(Step::Stop);
        }
        if self.page.entries.len() == self.limit {
            self.page.next = self.page.entries.last().map(marker_of);
            return Ok(Step::Stop);
        }
        let key = keys::object_key_of(at, 8).ok_or(Malformed("version key"))?;
        if let Some(shown) = self.rollup.common_prefix(key) {
            self.page.entries.push(ListedVersion::CommonPrefix(shown.to_owned()));
            return Ok(past(&self.scope, shown).map_or(Step::Stop, Step::Seek));
        }
        let sequence = keys::sequence_of(at).ok_or(Malformed("version key"))?;
        if self.key.as_deref() != Some(key) {
            self.key = Some(key.to_owned());
            self.newest = sequence;
        }
        let front = VersionFront::decode(value)?;
        self.page.entries.push(entry(key, sequence, self.newest == sequence, front));
        Ok(Step::Next)
    }
}

fn entry(key: &str, sequence: u64, is_latest: bool, front: VersionFront) -> ListedVersion {
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
