//! Copies that share their source's body.
//!
//! Guarantees: the source version stands at the moment of the swap, so a count is never taken from a
//! body that nothing refers to any more. A copy onto its own key works: the source's share passes to
//! the copy. Bodies inside version records are copied.

use bytes::Bytes;

use crate::{
    catalog::Expect,
    engine::{
        ATTEMPTS_MAX, ObjectEngine,
        objects::{Verdict, judge},
    },
    error::EngineError,
    keys,
    model::{Assigned, Bucket, NewVersion, ObjectKey, PublishedShared, Version, VersionKind},
};

impl ObjectEngine {
    /// Publishes a version that shares `source`'s body; `new.object` names that body. Nothing is
    /// deleted on failure: the body is the source's.
    pub async fn publish_shared(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        mut new: NewVersion,
        source: (&Bucket, &Version),
        seal: &mut (dyn FnMut(&Assigned) -> Vec<Bytes> + Send),
    ) -> Result<PublishedShared, EngineError> {
        let (source_bucket, source) = source;
        for _ in 0..ATTEMPTS_MAX {
            let Some(state) = self.key_state(bucket, key).await? else {
                return Ok(PublishedShared::NoSuchBucket);
            };
            let found = self.version_at(source_bucket.uid, &source.key, source.sequence).await?;
            let Some((found, stamp)) = found.filter(|(found, _)| found.uid == source.uid) else {
                return Ok(PublishedShared::SourceGone);
            };
            match judge(&new.condition, state.head.as_ref()) {
                Verdict::Holds => {}
                Verdict::Failed => return Ok(PublishedShared::ConditionFailed),
                Verdict::NoObject => return Ok(PublishedShared::NoSuchKey),
            }
            take_body(&mut new, &found)?;
            let assigned = self.assign(&state);
            new.object.seals = seal(&assigned);
            if let Some(mut change) = self.change_for(&state, key, &new, &assigned).await? {
                let from = keys::version(source_bucket.uid, &source.key, source.sequence);
                change.commit.check(from, Expect::Stamp(stamp));
                change.share_body(&new.object);
                if change.commit(self).await? {
                    return Ok(PublishedShared::Done(assigned));
                }
            }
            tokio::task::yield_now().await;
        }
        Err(EngineError::Contended)
    }
}

/// Gives the copy the body that the source has in the catalog, whatever the caller remembered of it.
fn take_body(new: &mut NewVersion, source: &Version) -> Result<(), EngineError> {
    let VersionKind::Object(object) = &source.kind else {
        return Err(EngineError::Damaged("a delete marker has no body to share".into()));
    };
    new.object.body_id = object.body_id;
    new.object.body = object.body.clone();
    new.object.size = object.size;
    Ok(())
}
