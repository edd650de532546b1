//! Object tags.
//!
//! Guarantees: tags change on the version that was meant or on none; nothing else of it changes, so
//! its key's head stays as it is.

use crate::{
    catalog::{Commit, Expect},
    engine::{ATTEMPTS_MAX, ObjectEngine},
    error::EngineError,
    keys,
    model::{Bucket, Version, VersionKind},
    record::VersionRecord,
};

impl ObjectEngine {
    /// Replaces a version's tags. `false`: the version is gone, or is a delete marker.
    pub async fn set_tags(
        &self,
        bucket: &Bucket,
        version: &Version,
        tags: Vec<(String, String)>,
    ) -> Result<bool, EngineError> {
        for _ in 0..ATTEMPTS_MAX {
            let current = self.version_at(bucket.uid, &version.key, version.sequence).await?;
            let Some((current, stamp)) = current.filter(|(now, _)| now.uid == version.uid) else {
                return Ok(false);
            };
            let VersionKind::Object(mut object) = current.kind else { return Ok(false) };
            object.tags.clone_from(&tags);
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
                return Ok(true);
            }
            tokio::task::yield_now().await;
        }
        Err(EngineError::Contended)
    }
}
