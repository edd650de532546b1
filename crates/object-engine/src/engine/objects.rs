//! Look-ups of versions, and publishing.
//!
//! Guarantees: a version, its key's head, its body's first reference and the removal of the null
//! version that it replaces are one commit, in which the conditions held. Sequences are assigned in
//! that commit; the clock only dates.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    blobs::BlobId,
    catalog::{Entry, Read, Stamp},
    engine::{
        ATTEMPTS_MAX, ObjectEngine,
        change::{Change, KeyState},
    },
    error::EngineError,
    invariants, keys,
    model::{
        Assigned, Body, Bucket, BucketUid, ETag, ETagCondition, Lookup, NewVersion, ObjectKey,
        Place, Published, StoredObject, Version, VersionId, VersionKind, VersionSelector,
        Versioning, WriteCondition,
    },
    record::{BucketRecord, BucketState, Head, Shown, VersionRecord, decode_version},
};

/// Returns a version's seals, given what was assigned to it.
pub(super) type Seal<'s> = dyn FnMut(&Assigned) -> Vec<Bytes> + Send + 's;

/// What a write condition comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Holds,
    Failed,
    /// `If-Match` was asked of a key that has no object.
    NoObject,
}

pub(super) fn judge(condition: &WriteCondition, head: Option<&Head>) -> Verdict {
    let etag = head.and_then(|head| head.shown.as_ref()).map(|shown| &shown.etag);
    if let Some(wanted) = &condition.if_match {
        match etag {
            None => return Verdict::NoObject,
            Some(etag) if !covers(wanted, etag) => return Verdict::Failed,
            Some(_) => {}
        }
    }
    match (&condition.if_none_match, etag) {
        (Some(unwanted), Some(etag)) if covers(unwanted, etag) => Verdict::Failed,
        _ => Verdict::Holds,
    }
}

fn covers(condition: &ETagCondition, etag: &ETag) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::OneOf(etags) => etags.contains(etag),
    }
}

/// The blob of a body that was put whole.
pub(super) fn blob_of(object: &StoredObject) -> Option<BlobId> {
    match &object.body {
        Body::Whole(part) => match part.place {
            Place::Blob(id, _) => Some(id),
            Place::Inline(_) => None,
        },
        Body::Parts { .. } => None,
    }
}

impl ObjectEngine {
    /// Looks a version up.
    pub async fn version(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        selector: VersionSelector,
    ) -> Result<Lookup, EngineError> {
        let found = match selector {
            VersionSelector::Latest => self.newest(bucket.uid, key).await?,
            VersionSelector::Null => self.null_version(bucket.uid, key).await?,
            VersionSelector::Id(id) => self.version_by_id(bucket.uid, key, id).await?,
        };
        Ok(match (found, selector) {
            (None, VersionSelector::Latest) => Lookup::NoSuchKey,
            (None, _) => Lookup::NoSuchVersion,
            (Some(version), _) => match &version.kind {
                VersionKind::DeleteMarker => Lookup::DeleteMarker(version),
                VersionKind::Object(object) => {
                    let object = Arc::clone(object);
                    Lookup::Object(version, object)
                }
            },
        })
    }

    async fn newest(
        &self,
        bucket: BucketUid,
        key: &ObjectKey,
    ) -> Result<Option<Version>, EngineError> {
        let reads = [Read::First(keys::versions(bucket, key))];
        let mut found = self.inner.backends.catalog.read(&reads).await?;
        let Some((found_key, entry)) = found.pop().flatten() else { return Ok(None) };
        let sequence = keys::sequence_of(&found_key).ok_or_else(malformed_key)?;
        let version = decode_version(&entry.value, bucket, key, sequence)?;
        Ok(Some(Version { is_latest: true, ..version }))
    }

    async fn version_by_id(
        &self,
        bucket: BucketUid,
        key: &ObjectKey,
        id: VersionId,
    ) -> Result<Option<Version>, EngineError> {
        let exact = keys::version(bucket, key, id.sequence);
        let (head, version) = self.head_and(bucket, key, exact).await?;
        let Some(entry) = version else { return Ok(None) };
        let version = decode_version(&entry.value, bucket, key, id.sequence)?;
        let is_latest = head.is_some_and(|head| head.sequence == id.sequence);
        Ok(Some(Version { is_latest, ..version }).filter(|version| version.public == Some(id)))
    }

    async fn null_version(
        &self,
        bucket: BucketUid,
        key: &ObjectKey,
    ) -> Result<Option<Version>, EngineError> {
        let mut wanted = u64::MAX;
        for _ in 0..ATTEMPTS_MAX {
            let exact = keys::version(bucket, key, wanted);
            let (head, version) = self.head_and(bucket, key, exact).await?;
            let Some(head) = head else { return Ok(None) };
            let Some(null) = head.null else { return Ok(None) };
            if null == wanted {
                let entry = version.ok_or_else(|| {
                    EngineError::Damaged("a head names a null version that is missing".into())
                })?;
                let version = decode_version(&entry.value, bucket, key, null)?;
                return Ok(Some(Version { is_latest: head.sequence == null, ..version }));
            }
            // Found out, or replaced since: read it together with the head that names it.
            wanted = null;
        }
        Err(EngineError::Contended)
    }

    /// A key's head and one of its versions, in one snapshot.
    async fn head_and(
        &self,
        bucket: BucketUid,
        key: &ObjectKey,
        version: crate::catalog::Key,
    ) -> Result<(Option<Head>, Option<Entry>), EngineError> {
        let reads = [
            Read::Get(keys::head(bucket, key)),
            Read::Get(keys::tombstone(bucket, key)),
            Read::Get(version),
        ];
        let mut found = self.inner.backends.catalog.read(&reads).await?.into_iter();
        let mut next = || found.next().flatten().map(|(_, entry)| entry);
        let (head, tombstone, version) = (next(), next(), next());
        let head = head.or(tombstone).map(|entry| Head::decode(&entry.value)).transpose()?;
        Ok((head, version))
    }

    /// A key's head as it stands, in one snapshot with its bucket; `None` if the bucket is gone.
    pub(super) async fn key_state(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
    ) -> Result<Option<KeyState>, EngineError> {
        loop {
            let reads = [
                Read::Get(keys::bucket(&bucket.name)),
                Read::Get(keys::head(bucket.uid, key)),
                Read::Get(keys::tombstone(bucket.uid, key)),
            ];
            let mut found = self.inner.backends.catalog.read(&reads).await?.into_iter();
            let mut next = || found.next().flatten().map(|(_, entry)| entry);
            let (record, head, tombstone) = (next(), next(), next());
            let Some(record) = record else { return Ok(None) };
            let record = BucketRecord::decode(&record.value, &bucket.name, record.stamp)?;
            if record.bucket.uid != bucket.uid {
                return Ok(None);
            }
            if record.state == BucketState::Active {
                return state_of(record.bucket, head.or(tombstone)).map(Some);
            }
            self.bucket_at_rest(&bucket.name).await?;
        }
    }

    /// A version and its record's stamp.
    pub(super) async fn version_at(
        &self,
        bucket: BucketUid,
        key: &ObjectKey,
        sequence: u64,
    ) -> Result<Option<(Version, Stamp)>, EngineError> {
        let entry = self.get(keys::version(bucket, key, sequence)).await?;
        let Some(entry) = entry else { return Ok(None) };
        Ok(Some((decode_version(&entry.value, bucket, key, sequence)?, entry.stamp)))
    }

    /// Publishes a new version. `seal` is called with what was assigned, once for each attempt of the
    /// swap, and returns the version's seals. On anything but `Done` the body's blob is deleted; only
    /// where the outcome is unknown it stays, since a commit may refer to it.
    pub async fn publish(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        new: NewVersion,
        seal: &mut Seal<'_>,
    ) -> Result<Published, EngineError> {
        let blob = blob_of(&new.object);
        let published = self.publish_new(bucket, key, new, seal).await;
        match (&published, blob) {
            (Ok(Published::Done(_)), Some(blob)) => self.inner.leases.settle(blob),
            (Err(EngineError::Unknown(_)), _) | (_, None) => {}
            (_, Some(blob)) => self.abandon(Place::Blob(blob, 0)).await,
        }
        published
    }

    async fn publish_new(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        mut new: NewVersion,
        seal: &mut Seal<'_>,
    ) -> Result<Published, EngineError> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(state) = self.key_state(bucket, key).await? else {
                return Ok(Published::NoSuchBucket);
            };
            match judge(&new.condition, state.head.as_ref()) {
                Verdict::Holds => {}
                Verdict::Failed => return Ok(Published::ConditionFailed),
                Verdict::NoObject => return Ok(Published::NoSuchKey),
            }
            let assigned = self.assign(&state);
            new.object.seals = seal(&assigned);
            if let Some(mut change) = self.change_for(&state, key, &new, &assigned).await? {
                let blob = blob_of(&new.object);
                let fence = match blob {
                    Some(blob) => Some(self.fence_of(blob).await?),
                    None => None,
                };
                change.add_body(&new.object, fence);
                if change.commit(self).await? {
                    return Ok(Published::Done(assigned));
                }
            }
            tokio::task::yield_now().await;
        }
        Err(EngineError::Contended)
    }

    /// What the next version of a key will be called.
    pub(super) fn assign(&self, state: &KeyState) -> Assigned {
        let sequence = state.next_sequence();
        let is_named = state.bucket.versioning == Versioning::Enabled;
        Assigned {
            public: is_named.then(|| VersionId { sequence, tag: self.draw_tag() }),
            sequence,
            last_modified: self.now(),
        }
    }

    /// The change that makes `new` the newest version: all but its body's reference. `None`: the key
    /// changed since it was read.
    pub(super) async fn change_for(
        &self,
        state: &KeyState,
        key: &ObjectKey,
        new: &NewVersion,
        assigned: &Assigned,
    ) -> Result<Option<Change>, EngineError> {
        let shown = Shown::of(&new.object, assigned.last_modified, &new.owner);
        let record = VersionRecord {
            uid: new.uid,
            public: assigned.public,
            last_modified: assigned.last_modified,
            owner: &new.owner,
            object: Some(&new.object),
        };
        self.change_to(state, key, &record, Some(shown), assigned.sequence).await
    }

    /// The change that puts `record` on top of a key, in the place of the null version if it is one.
    pub(super) async fn change_to(
        &self,
        state: &KeyState,
        key: &ObjectKey,
        record: &VersionRecord<'_>,
        shown: Option<Shown>,
        sequence: u64,
    ) -> Result<Option<Change>, EngineError> {
        let mut change = Change::of(state, key, self.now());
        let mut null = state.null();
        if record.public.is_none() {
            if let Some(old) = null {
                let Some((old, _)) = self.version_at(state.bucket.uid, key, old).await? else {
                    return Ok(None);
                };
                change.remove_version(&old);
            }
            null = Some(sequence);
        }
        let head = Head { sequence, null, shown };
        assert!(invariants::head_moves_forward(state.head.as_ref(), &head), "a head moved back");
        change.put_version(sequence, record);
        change.swap_head(state, Some(&head));
        Ok(Some(change))
    }
}

fn state_of(bucket: Bucket, head: Option<Entry>) -> Result<KeyState, EngineError> {
    let stamp = head.as_ref().map(|entry| entry.stamp);
    let head = head.map(|entry| Head::decode(&entry.value)).transpose()?;
    Ok(KeyState { bucket, head, stamp })
}

fn malformed_key() -> EngineError {
    EngineError::Damaged("a version's catalog key is malformed".into())
}
