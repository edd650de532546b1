//! Changes of what stands beside an object: tags, ACL, retention, legal hold.
//!
//! Guarantees: the change is made on the version that was meant or on none, upon what stands there at
//! that moment; nothing else of it changes, so its key's head stays as it is.

use std::sync::Arc;

use crate::{
    catalog::{Commit, Expect},
    engine::{ATTEMPTS_MAX, ObjectEngine},
    error::EngineError,
    keys,
    model::{Attached, Bucket, Version, VersionKind},
    record::VersionRecord,
};

/// What a change of what stands beside a version came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeAttached<E> {
    /// It is made.
    Changed,
    /// The version is gone, or is a delete marker.
    Gone,
    /// The change refused what stood there.
    Refused(E),
}

impl ObjectEngine {
    /// Replaces a version's tags. `false`: the version is gone, or is a delete marker.
    pub async fn set_tags(
        &self,
        bucket: &Bucket,
        version: &Version,
        tags: Vec<(String, String)>,
    ) -> Result<bool, EngineError> {
        let changed = self
            .change_attached(bucket, version, |attached| {
                attached.tags.clone_from(&tags);
                Ok::<(), std::convert::Infallible>(())
            })
            .await?;
        Ok(changed == ChangeAttached::Changed)
    }

    /// Changes what stands beside a version, by a `change` that sees it as it stands and may be asked
    /// again. An error of `change` ends the attempt and changes nothing.
    pub async fn change_attached<E>(
        &self,
        bucket: &Bucket,
        version: &Version,
        mut change: impl FnMut(&mut Attached) -> Result<(), E> + Send,
    ) -> Result<ChangeAttached<E>, EngineError> {
        for _ in 0..ATTEMPTS_MAX {
            let current = self.version_at(bucket.uid, &version.key, version.sequence).await?;
            let Some((current, stamp)) = current.filter(|(now, _)| now.uid == version.uid) else {
                return Ok(ChangeAttached::Gone);
            };
            let VersionKind::Object(mut object) = current.kind else {
                return Ok(ChangeAttached::Gone);
            };
            if let Err(refusal) = change(&mut Arc::make_mut(&mut object).attached) {
                return Ok(ChangeAttached::Refused(refusal));
            }
            let record = VersionRecord {
                uid: current.uid,
                public: current.public,
                last_modified: current.last_modified,
                owner: &current.owner,
                object: Some(&object),
            };
            let at = keys::version(bucket.uid, &version.key, version.sequence);
            let mut commit = Commit::default();
            commit.check(at.clone(), Expect::Stamp(stamp)).put(at, record.encode());
            if self.commit(commit).await? {
                return Ok(ChangeAttached::Changed);
            }
            tokio::task::yield_now().await;
        }
        Err(EngineError::Contended)
    }
}
