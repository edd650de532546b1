//! One change of one key, built up and committed as a whole.
//!
//! Guarantees: the commit checks the bucket and swaps the key's head; a body's count changes by
//! exactly the versions added and removed; what loses its last version is queued for removal in the
//! same commit. Does not: retry; verbs do, from a new reading.

use crate::{
    blobs::BlobId,
    catalog::{Commit, CommitError, Expect, Key, Read, Stamp},
    clock::Timestamp,
    engine::ObjectEngine,
    error::EngineError,
    invariants, keys,
    model::{Body, BodyId, Bucket, BucketUid, ObjectKey, Place, StoredObject, Version},
    record::{Head, Owner, VersionRecord, decode_count, encode_count, encode_time},
};

/// A key's head and its bucket as one reading saw them.
#[derive(Clone, Debug)]
pub(super) struct KeyState {
    pub(super) bucket: Bucket,
    pub(super) head: Option<Head>,
    /// The stamp of the head's record.
    pub(super) stamp: Option<Stamp>,
}

impl KeyState {
    /// The sequence of the next version.
    pub(super) fn next_sequence(&self) -> u64 {
        self.head.as_ref().map_or(1, |head| head.sequence + 1)
    }

    pub(super) fn null(&self) -> Option<u64> {
        self.head.as_ref().and_then(|head| head.null)
    }
}

/// A body whose sharers are counted, by the record that counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    Whole(BlobId, BodyId),
    Parts(BodyId),
}

impl Counted {
    /// `None` for bodies inside version records: they are copied, not shared.
    fn of(object: &StoredObject) -> Option<Self> {
        match &object.body {
            Body::Whole(part) => match part.place {
                Place::Inline(_) => None,
                Place::Blob(id, _) => Some(Self::Whole(id, object.body_id)),
            },
            Body::Parts { .. } => Some(Self::Parts(object.body_id)),
        }
    }

    fn key(self) -> Key {
        match self {
            Self::Whole(blob, _) => keys::owner(blob),
            Self::Parts(body) => keys::body(body),
        }
    }

    fn encode(self, refs: u64) -> bytes::Bytes {
        match self {
            Self::Whole(_, body) => Owner::Whole { body, refs }.encode(),
            Self::Parts(_) => encode_count(refs),
        }
    }

    fn decode(self, record: &[u8]) -> Result<u64, EngineError> {
        match self {
            Self::Parts(_) => Ok(decode_count(record)?),
            Self::Whole(blob, body) => match Owner::decode(record)? {
                Owner::Whole { body: owner, refs } if owner == body => Ok(refs),
                _ => Err(EngineError::Damaged(format!("{blob:?} is not owned by its body"))),
            },
        }
    }

    fn removal(self) -> Key {
        match self {
            Self::Whole(blob, _) => keys::removed_blob(blob),
            Self::Parts(body) => keys::removed_body(body),
        }
    }
}

/// A commit in the making.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) commit: Commit,
    bucket: BucketUid,
    key: ObjectKey,
    now: Timestamp,
    /// Bodies that existed before, and by how much their counts change.
    deltas: Vec<(Counted, i64)>,
}

impl Change {
    /// Begins a change of `key`, which holds only while its bucket is as `state` saw it.
    pub(super) fn of(state: &KeyState, key: &ObjectKey, now: Timestamp) -> Self {
        let mut commit = Commit::default();
        commit.check(keys::bucket(&state.bucket.name), Expect::Stamp(state.bucket.stamp));
        Self { commit, bucket: state.bucket.uid, key: key.clone(), now, deltas: Vec::new() }
    }

    /// Swaps the head from what `state` saw to `new`; `None` leaves the key without versions.
    pub(super) fn swap_head(&mut self, state: &KeyState, new: Option<&Head>) {
        let forms = [keys::head(self.bucket, &self.key), keys::tombstone(self.bucket, &self.key)];
        let form_of = |head: &Head| usize::from(head.shown.is_none());
        let old = state.head.as_ref().map(form_of);
        let chosen = new.map(form_of);
        for (form, key) in forms.into_iter().enumerate() {
            match state.stamp {
                Some(stamp) if old == Some(form) => {
                    self.commit.check(key.clone(), Expect::Stamp(stamp));
                }
                // Whoever makes the other form of an existing head changes the existing one too,
                // so its check is enough; only a key without any head needs both.
                Some(_) if chosen != Some(form) => continue,
                _ => {
                    self.commit.check(key.clone(), Expect::Absent);
                }
            }
            match new.filter(|_| chosen == Some(form)) {
                Some(head) => self.put_head(key, head),
                None => {
                    self.commit.delete(key);
                }
            }
        }
    }

    fn put_head(&mut self, key: Key, head: &Head) {
        let encoded = head.encode();
        assert!(invariants::head_is_small(&encoded), "a head of {} bytes", encoded.len());
        self.commit.put(key, encoded);
    }

    /// Writes a version.
    pub(super) fn put_version(&mut self, sequence: u64, record: &VersionRecord<'_>) {
        if let Some(object) = record.object {
            assert!(invariants::body_matches_size(object), "a body of another size");
        }
        self.commit.put(keys::version(self.bucket, &self.key, sequence), record.encode());
    }

    /// Removes a version and its share of its body.
    pub(super) fn remove_version(&mut self, version: &Version) {
        self.commit.delete(keys::version(self.bucket, &self.key, version.sequence));
        if let crate::model::VersionKind::Object(object) = &version.kind {
            self.count(object, -1);
        }
    }

    /// Adds a share of a body that another version has.
    pub(super) fn share_body(&mut self, object: &StoredObject) {
        self.count(object, 1);
    }

    /// Adds a body that nothing refers to yet; its blob's lease is `fence`.
    pub(super) fn add_body(&mut self, object: &StoredObject, fence: Option<(Key, Stamp)>) {
        let Some(counted) = Counted::of(object) else { return };
        self.commit.check(counted.key(), Expect::Absent);
        self.commit.put(counted.key(), counted.encode(1));
        if let Some((lease, stamp)) = fence {
            self.commit.check(lease, Expect::Stamp(stamp));
        }
    }

    fn count(&mut self, object: &StoredObject, by: i64) {
        let Some(counted) = Counted::of(object) else { return };
        match self.deltas.iter_mut().find(|(other, _)| *other == counted) {
            Some((_, delta)) => *delta += by,
            None => self.deltas.push((counted, by)),
        }
    }

    /// Turns the deltas into swaps of the counting records.
    async fn settle_counts(&mut self, engine: &ObjectEngine) -> Result<(), EngineError> {
        for (counted, delta) in std::mem::take(&mut self.deltas) {
            if delta == 0 {
                continue;
            }
            let Some(entry) = engine.get(counted.key()).await? else {
                // It went since its version was read, so the head has changed: let the swap say so.
                self.commit.check(counted.key(), Expect::Stamp(Stamp(0)));
                continue;
            };
            let refs = counted.decode(&entry.value)?.checked_add_signed(delta);
            let refs =
                refs.ok_or_else(|| EngineError::Damaged("a body's count is wrong".into()))?;
            self.commit.check(counted.key(), Expect::Stamp(entry.stamp));
            if refs == 0 {
                self.commit.delete(counted.key());
                self.commit.put(counted.removal(), encode_time(self.now));
            } else {
                self.commit.put(counted.key(), counted.encode(refs));
            }
        }
        Ok(())
    }

    /// Commits. `false`: something changed meanwhile, nothing was done, read again.
    pub(super) async fn commit(mut self, engine: &ObjectEngine) -> Result<bool, EngineError> {
        self.settle_counts(engine).await?;
        assert!(invariants::version_commit_is_guarded(&self.commit), "a commit without its guards");
        assert!(invariants::new_blob_is_fenced(&self.commit), "a blob without its lease's check");
        engine.commit(self.commit).await
    }
}

impl ObjectEngine {
    /// Commits; `false` on conflict.
    pub(super) async fn commit(&self, commit: Commit) -> Result<bool, EngineError> {
        Ok(self.commit_stamped(commit).await?.is_some())
    }

    /// Commits, and says by which write; `None` on conflict.
    pub(super) async fn commit_stamped(
        &self,
        commit: Commit,
    ) -> Result<Option<Stamp>, EngineError> {
        self.check_session()?;
        match self.inner.backends.catalog.commit(commit).await {
            Ok(stamp) => Ok(Some(stamp)),
            Err(CommitError::Conflict) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads one record.
    pub(super) async fn get(&self, key: Key) -> Result<Option<crate::catalog::Entry>, EngineError> {
        let mut found = self.inner.backends.catalog.read(&[Read::Get(key)]).await?;
        Ok(found.pop().flatten().map(|(_, entry)| entry))
    }
}
