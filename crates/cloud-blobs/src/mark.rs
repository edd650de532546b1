//! The mark of a prefix: one small object beside the blobs.
//!
//! Guarantees: where the backend creates conditionally (`If-None-Match: *`, or its own word for that), one of any
//! number of claims makes the mark and all others find it. Whatever a put was answered, what counts is what is
//! read after it: a mark whose answer was lost is found to be ours. Some backends look first and put then, so that
//! of several puts at once each succeeds and the last one stays: whoever put waits [`SETTLED`] before it reads.
//!
//! Does not: make a condition hold that the backend ignores or does not know. There the last of those who claim
//! within [`SETTLED`] makes the mark, as the others then find; whoever comes later than that overwrites a mark
//! only if it had seen none, and the other goes on until its next start. A mark that stood before is found over any
//! backend.

use std::time::Duration;

use object_engine::blobs::{
    BlobError,
    installation::{InstallationId, MARK, MARK_BYTES_MAX},
};
use object_store::{Error, ObjectStore as _, ObjectStoreExt as _, PutMode, PutOptions, PutPayload};

use crate::{Volume, failure::unavailable};

/// How long after a put nobody else's put is under way any more that had found no mark. Once in a prefix's life.
const SETTLED: Duration = Duration::from_secs(1);

impl Volume {
    /// Whose prefix this is; `None`: it carries no mark.
    pub(crate) async fn installation(&self) -> Result<Option<InstallationId>, BlobError> {
        let found = match self.store.get(&self.names.mark()).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            found => found.map_err(|error| unavailable(&error))?,
        };
        if found.meta.size > MARK_BYTES_MAX {
            let too_long = format!("`{MARK}` has {} bytes and is no mark", found.meta.size);
            return Err(BlobError::Unavailable(too_long));
        }
        let mark = found.bytes().await.map_err(|error| unavailable(&error))?;
        InstallationId::from_mark(&mark).map(Some)
    }

    /// Marks the prefix, unless it carries a mark; whose it is from now on. Takes [`SETTLED`] if it carried none.
    pub(crate) async fn claim(&self, ours: InstallationId) -> Result<InstallationId, BlobError> {
        if let Some(owner) = self.installation().await? {
            return Ok(owner);
        }
        let created = match self.put_mark(ours, PutMode::Create).await {
            Err(error) if is_unknown(&error) => {
                tracing::warn!(
                    "the object store creates nothing conditionally: two installations that claim \
                     this prefix in the same moment may both begin"
                );
                self.put_mark(ours, PutMode::Overwrite).await
            }
            created => created,
        };
        tokio::time::sleep(SETTLED).await;
        match (self.installation().await?, created) {
            (Some(owner), _) => Ok(owner),
            (None, Err(error)) => Err(unavailable(&error)),
            (None, Ok(())) => {
                Err(BlobError::Unavailable(format!("`{MARK}` was put and is not there")))
            }
        }
    }

    async fn put_mark(&self, ours: InstallationId, mode: PutMode) -> object_store::Result<()> {
        let (mark, mode) = (PutPayload::from(ours.to_mark()), PutOptions::from(mode));
        self.store.put_opts(&self.names.mark(), mark, mode).await.map(drop)
    }
}

/// Whether the backend does not know the condition, rather than that it does not hold.
fn is_unknown(error: &Error) -> bool {
    matches!(error, Error::NotImplemented { .. })
        || unavailable(error).to_string().contains("501 Not Implemented")
}
