//! Deferred removal: what commits queued under `g/`.
//!
//! Guarantees: nothing is deleted that a reader may still want ([`crate::engine::ReadPin`]); every
//! step can be repeated, so a crash at any point leaves work and never damage. A blob is deleted
//! before the record that asks for it. Of several engines one has the turn at it.

use std::collections::HashSet;

use crate::{
    blobs::BlobId,
    catalog::{Commit, Direction, Key, Space, Stamp, Step},
    clock::Timestamp,
    engine::ObjectEngine,
    error::EngineError,
    keys,
    model::{BodyId, BucketUid, Place, StoredPart, UploadId},
    record::{Malformed, RemovedUpload, decode_manifest, decode_part, decode_time},
};

/// Records that one step reads and one commit removes: bounds memory and the time of a commit.
const BATCH: usize = 500;

/// Records of one walk.
pub(super) type Records = Vec<(Vec<u8>, bytes::Bytes)>;

/// Records of one walk, with the writes that made them.
pub(super) type Stamped = Vec<(Vec<u8>, Stamp, bytes::Bytes)>;

/// The turn at this work.
const TURN: &str = "reclaim";

/// Which removals may be carried out.
#[derive(Clone, Copy, Debug)]
enum Due {
    /// Of an engine that is alone: by its clock and its readers.
    ByTime,
    /// Those asked before this write.
    Before(Stamp),
}

impl ObjectEngine {
    /// Deletes what deferred removals allow by now; returns how many blobs went. Takes back what this
    /// engine's own verbs left half done, too.
    pub async fn reclaim(&self) -> Result<usize, EngineError> {
        let _one_at_a_time = self.inner.reclaiming.lock().await;
        let mut deleted = self.delete_abandoned().await;
        self.take_back().await;
        self.retire_leases(false).await?;
        let due = match self.expiry() {
            None => Due::ByTime,
            Some(_) if self.has_turn(TURN).await? => Due::Before(self.horizon().await?),
            Some(_) => return Ok(deleted),
        };
        let mut from = b"g/".to_vec();
        loop {
            let batch = self.stamped_from(Space::Records, b"g/", &from, BATCH).await?;
            let Some((last, ..)) = batch.last() else { break };
            from = [last.as_slice(), &[0]].concat();
            deleted += self.reclaim_batch(batch, due).await?;
        }
        Ok(deleted)
    }

    async fn reclaim_batch(&self, batch: Stamped, due: Due) -> Result<usize, EngineError> {
        let mut deleted = 0;
        let mut done = Commit::default();
        for (key, stamp, value) in batch {
            let is_due = match due {
                Due::Before(horizon) => stamp < horizon,
                Due::ByTime => {
                    self.is_inherited(stamp) || self.is_past_readers(decode_time(&value)?)
                }
            };
            if !is_due {
                continue;
            }
            match self.reclaim_one(&key, &value).await {
                Ok(blobs) => {
                    deleted += blobs;
                    done.delete(Key { space: Space::Records, bytes: key });
                }
                // The record stays, so it is tried again; the others need not wait for it.
                Err(error) => tracing::warn!(%error, "a removal could not be finished yet"),
            }
        }
        self.commit_removals(done).await?;
        Ok(deleted)
    }

    /// Does what one record asks; the kind is the third byte of its key.
    async fn reclaim_one(&self, key: &[u8], value: &[u8]) -> Result<usize, EngineError> {
        match (key.get(2), key.get(3..)) {
            (Some(b'b'), Some(id)) => self.reclaim_blob(id).await,
            (Some(b'm'), Some(id)) => self.reclaim_body(BodyId(id_of(id)?)).await,
            (Some(b'u'), Some(id)) => {
                self.reclaim_upload(UploadId(id_of(id)?), RemovedUpload::decode(value)?).await
            }
            (Some(b'k'), Some(id)) => {
                self.remove_uploads_of(BucketUid(id_of(id)?), decode_time(value)?).await?;
                Ok(0)
            }
            _ => Err(Malformed("removal").into()),
        }
    }

    async fn reclaim_blob(&self, id: &[u8]) -> Result<usize, EngineError> {
        let id = id.try_into().map(u64::from_be_bytes).map_err(|_| Malformed("removal"))?;
        self.inner.backends.blobs.delete(BlobId(id)).await?;
        Ok(1)
    }

    /// Deletes a completed body: its parts' blobs, then its manifest.
    async fn reclaim_body(&self, body: BodyId) -> Result<usize, EngineError> {
        let scope = keys::manifests(body);
        let mut deleted = 0;
        loop {
            let records = self.records_from(Space::Records, &scope, &scope, 1).await?;
            let Some((key, value)) = records.into_iter().next() else { return Ok(deleted) };
            let (_, parts) = decode_manifest(&value)?;
            let mut done = Commit::default();
            deleted += self.delete_parts(parts.iter(), &mut done).await?;
            done.delete(Key { space: Space::Records, bytes: key });
            self.commit_removals(done).await?;
        }
    }

    /// Deletes an upload's part records, and the blobs that did not become part of an object.
    async fn reclaim_upload(
        &self,
        id: UploadId,
        removed: RemovedUpload,
    ) -> Result<usize, EngineError> {
        let kept =
            if removed.completed { self.blobs_of(removed.body).await? } else { HashSet::new() };
        let scope = keys::parts(id);
        let mut deleted = 0;
        loop {
            let records = self.records_from(Space::Records, &scope, &scope, BATCH).await?;
            if records.is_empty() {
                break;
            }
            let mut done = Commit::default();
            for (key, value) in records {
                let part = decode_part(&value)?.part;
                if !blob_in(&part).is_some_and(|blob| kept.contains(&blob)) {
                    deleted += self.delete_parts(std::iter::once(&part), &mut done).await?;
                }
                done.delete(Key { space: Space::Records, bytes: key });
            }
            self.commit_removals(done).await?;
        }
        if !removed.completed {
            self.delete_manifest(removed.body).await?;
        }
        Ok(deleted)
    }

    /// The blobs that a completed body's manifest names. Empty if the body was removed since; its
    /// blobs are then gone already, and deleting them again changes nothing.
    async fn blobs_of(&self, body: BodyId) -> Result<HashSet<BlobId>, EngineError> {
        let scope = keys::manifests(body);
        let mut blobs = HashSet::new();
        let mut from = scope.clone();
        loop {
            let records = self.records_from(Space::Records, &scope, &from, 1).await?;
            let Some((key, value)) = records.into_iter().next() else { return Ok(blobs) };
            blobs.extend(decode_manifest(&value)?.1.iter().filter_map(blob_in));
            from = [key.as_slice(), &[0]].concat();
        }
    }

    async fn delete_manifest(&self, body: BodyId) -> Result<(), EngineError> {
        let scope = keys::manifests(body);
        let mut done = Commit::default();
        for (key, _) in self.records_from(Space::Records, &scope, &scope, BATCH).await? {
            done.delete(Key { space: Space::Records, bytes: key });
        }
        self.commit_removals(done).await
    }

    async fn delete_parts(
        &self,
        parts: impl Iterator<Item = &StoredPart> + Send,
        done: &mut Commit,
    ) -> Result<usize, EngineError> {
        let mut deleted = 0;
        for blob in parts.filter_map(blob_in) {
            self.inner.backends.blobs.delete(blob).await?;
            done.delete(keys::owner(blob));
            deleted += 1;
        }
        Ok(deleted)
    }

    /// Removes the uploads that a deleted bucket left; their parts' turn comes later.
    async fn remove_uploads_of(&self, bucket: BucketUid, at: Timestamp) -> Result<(), EngineError> {
        loop {
            let uploads = self.uploads_of(bucket, BATCH).await?;
            if uploads.is_empty() {
                return Ok(());
            }
            let mut commit = Commit::default();
            for upload in &uploads {
                self.remove_upload(&mut commit, upload, at);
            }
            self.commit(commit).await?;
        }
    }

    /// Removals check nothing: what they remove is referred to by nothing that could change it.
    async fn commit_removals(&self, done: Commit) -> Result<(), EngineError> {
        if !done.mutations.is_empty() {
            self.commit(done).await?;
        }
        Ok(())
    }

    /// Whether a removal was asked before this engine, which is alone, opened: no reader of then is left.
    fn is_inherited(&self, asked: Stamp) -> bool {
        self.inner.opened.get().is_some_and(|opened| asked < *opened)
    }

    /// Up to `limit` records from `from` on whose keys begin with `scope`.
    pub(super) async fn records_from(
        &self,
        space: Space,
        scope: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Records, EngineError> {
        let records = self.stamped_from(space, scope, from, limit).await?;
        Ok(records.into_iter().map(|(key, _, value)| (key, value)).collect())
    }

    /// As [`Self::records_from`], with the writes that made them.
    pub(super) async fn stamped_from(
        &self,
        space: Space,
        scope: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Stamped, EngineError> {
        let mut records = Stamped::new();
        let mut visitor = |key: &[u8], stamp, value: &[u8]| {
            if !key.starts_with(scope) || records.len() == limit {
                return Step::Stop;
            }
            records.push((key.to_vec(), stamp, bytes::Bytes::copy_from_slice(value)));
            Step::Next
        };
        let catalog = &self.inner.backends.catalog;
        catalog.walk(space, from, Direction::Forward, &mut visitor).await?;
        Ok(records)
    }
}

fn id_of(bytes: &[u8]) -> Result<[u8; 16], Malformed> {
    bytes.try_into().map_err(|_| Malformed("removal"))
}

/// The blob that a part is in.
pub(super) fn blob_in(part: &StoredPart) -> Option<BlobId> {
    match part.place {
        Place::Blob(id, _) => Some(id),
        Place::Inline(_) => None,
    }
}
