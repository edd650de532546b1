//! Deletes: of the newest version, by a marker or for good, and of one version.
//!
//! Guarantees: as S3: without versioning the null version goes; with it, a delete marker is written,
//! also for a key that has no versions; suspended, a null marker replaces the null version. Deleting
//! the newest version makes the one below it the newest in the same commit. A version is removed only
//! if nothing locks it in that commit; a delete marker hides a locked version all the same.

use crate::{
    catalog::{Direction, Expect, Stamp, Step},
    clock::Timestamp,
    engine::{
        ATTEMPTS_MAX, ObjectEngine,
        change::{Change, KeyState},
        objects::{Verdict, judge},
    },
    error::EngineError,
    keys,
    model::{
        AccountId, Bucket, BucketUid, Deleted, Lock, ObjectKey, PublicVersion, Version,
        VersionKind, VersionSelector, VersionUid, Versioning, WriteCondition,
    },
    record::{Head, Malformed, VersionFront, VersionRecord},
};

/// What is to be deleted, and which lock does not keep it.
struct Target<'a> {
    bucket: &'a Bucket,
    key: &'a ObjectKey,
    selector: VersionSelector,
    lifts: Option<Lock>,
}

impl Target<'_> {
    fn is_kept(&self, version: &Version, now: Timestamp) -> bool {
        match &version.kind {
            VersionKind::Object(object) => {
                object.attached.lock_at(now).is_some_and(|lock| self.lifts != Some(lock))
            }
            VersionKind::DeleteMarker => false,
        }
    }
}

impl ObjectEngine {
    /// Deletes. The condition is about the key's newest version, whatever `selector` says; an
    /// `If-Match` of a key without an object fails. A version under any lock stays.
    pub async fn delete(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        selector: VersionSelector,
        condition: &WriteCondition,
    ) -> Result<Deleted, EngineError> {
        let target = Target { bucket, key, selector, lifts: None };
        self.delete_target(&target, condition).await
    }

    /// As [`Self::delete`], for who may bypass governance: a version under that lock goes.
    pub async fn delete_bypassing_governance(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        selector: VersionSelector,
        condition: &WriteCondition,
    ) -> Result<Deleted, EngineError> {
        let target = Target { bucket, key, selector, lifts: Some(Lock::Governance) };
        self.delete_target(&target, condition).await
    }

    async fn delete_target(
        &self,
        target: &Target<'_>,
        condition: &WriteCondition,
    ) -> Result<Deleted, EngineError> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(state) = self.key_state(target.bucket, target.key).await? else {
                return Ok(Deleted::Nothing);
            };
            if judge(condition, state.head.as_ref()) != Verdict::Holds {
                return Ok(Deleted::ConditionFailed);
            }
            let writes_marker = target.selector == VersionSelector::Latest
                && state.bucket.versioning != Versioning::Unversioned;
            let done = if writes_marker {
                self.write_marker(&state, target.key).await?
            } else {
                self.remove_selected(&state, target).await?
            };
            if let Some(deleted) = done {
                return Ok(deleted);
            }
            tokio::task::yield_now().await;
        }
        Err(EngineError::Contended)
    }

    /// `None`: the key changed since it was read.
    async fn write_marker(
        &self,
        state: &KeyState,
        key: &ObjectKey,
    ) -> Result<Option<Deleted>, EngineError> {
        let Some((change, public)) = self.marker(state, key).await? else { return Ok(None) };
        let is_done = change.commit(self).await?;
        Ok(is_done.then_some(Deleted::MarkerWritten(public)))
    }

    /// The change that puts a delete marker on top of a key, and the marker's name. `None`: the key
    /// changed since it was read.
    pub(super) async fn marker(
        &self,
        state: &KeyState,
        key: &ObjectKey,
    ) -> Result<Option<(Change, PublicVersion)>, EngineError> {
        let assigned = self.assign(state);
        let owner: &AccountId = &state.bucket.owner;
        let record = VersionRecord {
            uid: VersionUid(self.draw()),
            public: assigned.public,
            last_modified: assigned.last_modified,
            owner,
            object: None,
        };
        let change = self.change_to(state, key, &record, None, assigned.sequence).await?;
        Ok(change.map(|change| (change, assigned.public)))
    }

    /// `None`: the key changed since it was read.
    async fn remove_selected(
        &self,
        state: &KeyState,
        target: &Target<'_>,
    ) -> Result<Option<Deleted>, EngineError> {
        let Target { key, selector, .. } = *target;
        let Some(head) = &state.head else { return Ok(Some(Deleted::Nothing)) };
        let sequence = match selector {
            VersionSelector::Id(id) => Some(id.sequence),
            VersionSelector::Latest | VersionSelector::Null => head.null,
        };
        let Some(sequence) = sequence else { return Ok(Some(Deleted::Nothing)) };
        let found = self.version_at(state.bucket.uid, key, sequence).await?;
        let Some((version, stamp)) = found else {
            // A null version that the head names is there, unless the key has changed.
            let is_named = head.null == Some(sequence);
            return Ok((!is_named).then_some(Deleted::Nothing));
        };
        if let VersionSelector::Id(id) = selector
            && version.public != Some(id)
        {
            return Ok(Some(Deleted::Nothing));
        }
        if target.is_kept(&version, self.now()) {
            return Ok(Some(Deleted::Locked));
        }
        self.remove(state, head, (&version, stamp)).await
    }

    /// Removes a version as it was read.
    async fn remove(
        &self,
        state: &KeyState,
        head: &Head,
        (version, stamp): (&Version, Stamp),
    ) -> Result<Option<Deleted>, EngineError> {
        let change = self.removal(state, head, (version, stamp)).await?;
        let is_done = change.commit(self).await?;
        let was_marker = version.kind == VersionKind::DeleteMarker;
        Ok(is_done.then_some(Deleted::Removed { public: version.public, was_marker }))
    }

    /// The change that removes a version as it was read: retention and legal hold change its record,
    /// not the head, so the record's stamp is checked too.
    pub(super) async fn removal(
        &self,
        state: &KeyState,
        head: &Head,
        (version, stamp): (&Version, Stamp),
    ) -> Result<Change, EngineError> {
        let key = &version.key;
        let null = head.null.filter(|null| *null != version.sequence);
        let new_head = if version.sequence == head.sequence {
            let below = self.newest_below(state.bucket.uid, key, version.sequence).await?;
            below.map(|(sequence, front)| Head { sequence, null, shown: front.shown })
        } else {
            Some(Head { null, ..head.clone() })
        };
        let mut change = Change::of(state, key, self.now());
        let record = keys::version(state.bucket.uid, key, version.sequence);
        change.commit.check(record, Expect::Stamp(stamp));
        change.remove_version(version);
        change.swap_head(state, new_head.as_ref());
        Ok(change)
    }

    /// The newest version older than `sequence`. True of the head that was read before, as long as
    /// that head's stamp holds.
    pub(super) async fn newest_below(
        &self,
        bucket: BucketUid,
        key: &ObjectKey,
        sequence: u64,
    ) -> Result<Option<(u64, VersionFront)>, EngineError> {
        let scope = keys::versions(bucket, key);
        let mut from = keys::version(bucket, key, sequence).bytes;
        from.push(0);
        let mut found: Option<Result<(u64, VersionFront), Malformed>> = None;
        let mut visitor = |at: &[u8], _, value: &[u8]| {
            if at.starts_with(&scope.bytes) {
                let sequence = keys::sequence_of(at).ok_or(Malformed("version key"));
                found = Some(sequence.and_then(|s| Ok((s, VersionFront::decode(value)?))));
            }
            Step::Stop
        };
        let catalog = &self.inner.backends.catalog;
        catalog.walk(scope.space, &from, Direction::Forward, &mut visitor).await?;
        Ok(found.transpose()?)
    }
}
