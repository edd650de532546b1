//! Deletes that a rule judged rather than a client asked for.
//!
//! Guarantees: a version is judged in the very state of its key in which it is deleted: its place
//! among the key's versions, and what stands beside it, are part of the swap. A version under Object
//! Lock is never removed; a delete marker may be put on top of it.
//! Does not: know any rule.

use crate::{
    catalog::{Direction, Expect, Stamp, Step},
    clock::Timestamp,
    engine::{ATTEMPTS_MAX, ObjectEngine, change::KeyState},
    error::EngineError,
    keys,
    model::{Bucket, BucketUid, ObjectKey, Version, VersionKind, VersionSelector, Versioning},
    record::{Malformed, VersionFront},
};

/// How far the versions newer than one are counted: S3's rules keep at most 100 noncurrent ones, and
/// one is current.
pub const NEWER_COUNTED_MAX: usize = 101;

/// A version, and where it stands among its key's versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The version.
    pub version: Version,
    /// When the version above it was written; `None`: it is the newest.
    pub superseded: Option<Timestamp>,
    /// How many versions are newer, up to [`NEWER_COUNTED_MAX`].
    pub newer: usize,
    /// Whether the key has no other version.
    pub is_only: bool,
}

/// What an expiry came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expired {
    /// Nothing changed: the version is gone, was judged to stay, or is under Object Lock.
    Kept,
    /// A delete marker hides the key.
    MarkerWritten,
    /// The version is removed for good.
    Removed,
}

impl ObjectEngine {
    /// Deletes a version if `judge`, which may be asked again, says so of what stands there now. As on
    /// S3 a newest object gets a delete marker on top in a bucket that has versions; everything else
    /// is removed for good.
    pub async fn expire(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        selector: VersionSelector,
        judge: &mut (dyn FnMut(&Standing) -> bool + Send),
    ) -> Result<Expired, EngineError> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(state) = self.key_state(bucket, key).await? else { return Ok(Expired::Kept) };
            let Some((standing, stamp)) = self.standing(&state, key, selector).await? else {
                return Ok(Expired::Kept);
            };
            if !judge(&standing) {
                return Ok(Expired::Kept);
            }
            if let Some(expired) = self.expire_now(&state, &standing.version, stamp).await? {
                return Ok(expired);
            }
            tokio::task::yield_now().await;
        }
        Err(EngineError::Contended)
    }

    /// `None`: the key, or what stands beside the version, changed since it was read.
    async fn expire_now(
        &self,
        state: &KeyState,
        version: &Version,
        stamp: Stamp,
    ) -> Result<Option<Expired>, EngineError> {
        let hides = version.is_latest
            && version.kind != VersionKind::DeleteMarker
            && state.bucket.versioning != Versioning::Unversioned;
        if hides {
            return self.hide(state, version, stamp).await;
        }
        let Some(head) = state.head.as_ref().filter(|_| !is_locked(version, self.now())) else {
            return Ok(Some(Expired::Kept));
        };
        let change = self.removal(state, head, (version, stamp)).await?;
        Ok(change.commit(self).await?.then_some(Expired::Removed))
    }

    /// Puts a delete marker on top of the newest version.
    async fn hide(
        &self,
        state: &KeyState,
        version: &Version,
        stamp: Stamp,
    ) -> Result<Option<Expired>, EngineError> {
        let key = &version.key;
        if self.replaces_locked(state, key).await? {
            return Ok(Some(Expired::Kept));
        }
        let Some((mut change, _)) = self.marker(state, key).await? else { return Ok(None) };
        let at = keys::version(state.bucket.uid, key, version.sequence);
        change.commit.check(at, Expect::Stamp(stamp));
        Ok(change.commit(self).await?.then_some(Expired::MarkerWritten))
    }

    /// Whether a null delete marker would take the place of a null version that is locked.
    async fn replaces_locked(
        &self,
        state: &KeyState,
        key: &ObjectKey,
    ) -> Result<bool, EngineError> {
        let Some(null) = state.null().filter(|_| state.bucket.versioning != Versioning::Enabled)
        else {
            return Ok(false);
        };
        let found = self.version_at(state.bucket.uid, key, null).await?;
        Ok(found.is_some_and(|(version, _)| is_locked(&version, self.now())))
    }

    /// The version that is meant, where it stands, and its record's stamp. True of the key's head as
    /// `state` saw it, as long as that head's stamp holds.
    async fn standing(
        &self,
        state: &KeyState,
        key: &ObjectKey,
        selector: VersionSelector,
    ) -> Result<Option<(Standing, Stamp)>, EngineError> {
        let Some(head) = &state.head else { return Ok(None) };
        let sequence = match selector {
            VersionSelector::Latest => Some(head.sequence),
            VersionSelector::Null => head.null,
            VersionSelector::Id(id) => Some(id.sequence),
        };
        let Some(sequence) = sequence else { return Ok(None) };
        let bucket = state.bucket.uid;
        let Some((version, stamp)) = self.version_at(bucket, key, sequence).await? else {
            return Ok(None);
        };
        if let VersionSelector::Id(id) = selector
            && version.public != Some(id)
        {
            return Ok(None);
        }
        let is_latest = head.sequence == sequence;
        let (newer, superseded) =
            if is_latest { (0, None) } else { self.newer_than(bucket, key, sequence).await? };
        let is_only = is_latest && self.newest_below(bucket, key, sequence).await?.is_none();
        let version = Version { is_latest, ..version };
        Ok(Some((Standing { version, superseded, newer, is_only }, stamp)))
    }

    /// How many versions are newer, as far as they are counted, and when the next newer was written.
    async fn newer_than(
        &self,
        bucket: BucketUid,
        key: &ObjectKey,
        sequence: u64,
    ) -> Result<(usize, Option<Timestamp>), EngineError> {
        let scope = keys::versions(bucket, key);
        let from = keys::version(bucket, key, sequence).bytes;
        let mut newer = 0;
        let mut next: Option<Result<Timestamp, Malformed>> = None;
        let mut visitor = |at: &[u8], _, value: &[u8]| {
            if at == from {
                return Step::Next;
            }
            if !at.starts_with(&scope.bytes) || newer == NEWER_COUNTED_MAX {
                return Step::Stop;
            }
            newer += 1;
            next.get_or_insert_with(|| {
                VersionFront::decode(value).map(|front| front.last_modified)
            });
            Step::Next
        };
        let catalog = &self.inner.backends.catalog;
        catalog.walk(scope.space, &from, Direction::Backward, &mut visitor).await?;
        Ok((newer, next.transpose()?))
    }
}

/// Whether Object Lock keeps a version at this moment.
fn is_locked(version: &Version, now: Timestamp) -> bool {
    let VersionKind::Object(object) = &version.kind else { return false };
    object.attached.lock_at(now).is_some()
}
