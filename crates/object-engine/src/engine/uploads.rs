//! Multipart uploads until they are completed.
//!
//! Guarantees: a part is added only to an upload that is open, in a bucket that stands; replacing a
//! part queues the old one's blob for removal in the same commit. Upload ids begin with the time of
//! their creation, so that catalog order is S3's order of listing.

use crate::{
    catalog::{Commit, Direction, Entry, Expect, Key, Space, Stamp, Step},
    clock::Timestamp,
    engine::{ATTEMPTS_MAX, ObjectEngine, at_work::Patience, manifests},
    error::EngineError,
    keys,
    model::{Bucket, BucketUid, NewUpload, ObjectKey, Place, Upload, UploadId, UploadedPart},
    record::{
        Malformed, Owner, RemovedUpload, UploadRecord, UploadState, decode_part, encode_part,
        encode_time,
    },
};

impl ObjectEngine {
    /// Begins an upload. `None`: the bucket is gone.
    pub async fn create_upload(
        &self,
        bucket: &Bucket,
        new: NewUpload,
    ) -> Result<Option<Upload>, EngineError> {
        let upload = self.new_upload(bucket, new);
        let key = keys::upload(bucket.uid, &upload.key, upload.id);
        let record = UploadRecord { upload, state: UploadState::Open };
        for _ in 0..ATTEMPTS_MAX {
            let Some(current) = self.same_bucket_at_rest(bucket).await? else { return Ok(None) };
            let mut commit = Commit::default();
            commit.check(keys::bucket(&bucket.name), Expect::Stamp(current.stamp));
            commit.check(key.clone(), Expect::Absent).put(key.clone(), record.encode());
            if self.commit(commit).await? {
                return Ok(Some(record.upload));
            }
            tokio::task::yield_now().await;
        }
        Err(EngineError::Contended)
    }

    fn new_upload(&self, bucket: &Bucket, new: NewUpload) -> Upload {
        let initiated = self.now();
        Upload {
            id: UploadId::new(initiated, new.body_id),
            bucket: bucket.uid,
            key: new.key,
            version_uid: new.version_uid,
            body_id: new.body_id,
            owner: new.owner,
            initiated,
            holder: new.holder,
            storage_class: new.storage_class,
            checksum: new.checksum,
            envelope: new.envelope,
            metadata_seal: new.metadata_seal,
            completion_key: new.completion_key,
            attached: new.attached,
        }
    }

    /// The bucket as it stands now, if it is still the same one.
    pub(super) async fn same_bucket_at_rest(
        &self,
        bucket: &Bucket,
    ) -> Result<Option<Bucket>, EngineError> {
        let current = self.bucket_at_rest(&bucket.name).await?;
        Ok(current.filter(|current| current.uid == bucket.uid))
    }

    /// The upload, open or completing.
    pub async fn upload(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        id: UploadId,
    ) -> Result<Option<Upload>, EngineError> {
        let record = self.upload_record(&UploadName::of(bucket, key, id)).await?;
        Ok(record.map(|(record, _)| record.upload))
    }

    pub(super) async fn upload_record(
        &self,
        upload: &UploadName,
    ) -> Result<Option<(UploadRecord, Stamp)>, EngineError> {
        let Some(entry) = self.get(upload.at()).await? else { return Ok(None) };
        let record = UploadRecord::decode(&entry.value, upload.bucket, &upload.key, upload.id)?;
        Ok(Some((record, entry.stamp)))
    }

    /// The upload once no Complete is at work on it: one that nobody is at any more is thawed.
    pub(super) async fn upload_at_rest(
        &self,
        upload: &UploadName,
    ) -> Result<Option<(UploadRecord, Stamp)>, EngineError> {
        let mut patience = Patience::default();
        loop {
            let found = self.upload_record(upload).await?;
            let state = found.as_ref().map(|(record, _)| &record.state);
            let Some(UploadState::Completing { by, .. }) = state else { return Ok(found) };
            if self.is_elsewhere(*by).await? {
                patience.wait().await?;
                continue;
            }
            let _working = self.inner.at_work.begin(upload.id.0).await?;
            self.revert_completion(upload).await?;
        }
    }

    /// Thaws an upload, unless another engine is completing it. The caller has begun work on it.
    pub(super) async fn revert_completion(&self, upload: &UploadName) -> Result<(), EngineError> {
        if let Some((record, stamp)) = self.upload_record(upload).await?
            && let UploadState::Completing { by, .. } = record.state
            && !self.is_elsewhere(by).await?
        {
            self.thaw(&record, stamp).await?;
        }
        Ok(())
    }

    /// Opens an upload again that is completing, and removes what its Complete wrote.
    /// `false`: it changed meanwhile.
    pub(super) async fn thaw(
        &self,
        record: &UploadRecord,
        stamp: Stamp,
    ) -> Result<bool, EngineError> {
        let UploadState::Completing { parts, .. } = record.state else { return Ok(true) };
        let upload = &record.upload;
        let at = keys::upload(upload.bucket, &upload.key, upload.id);
        let open = UploadRecord { upload: upload.clone(), state: UploadState::Open };
        let mut commit = Commit::default();
        commit.check(at.clone(), Expect::Stamp(stamp)).put(at, open.encode());
        commit.delete(keys::completing(upload.id));
        for index in 0..manifests::record_count(parts) {
            commit.delete(keys::manifest(upload.body_id, index));
        }
        self.commit(commit).await
    }

    /// Adds or replaces a part, dated by the engine's clock. `false`: no such upload (any more); the
    /// part's body is abandoned.
    pub async fn put_part(
        &self,
        bucket: &Bucket,
        upload: &Upload,
        part: UploadedPart,
    ) -> Result<bool, EngineError> {
        let part = UploadedPart { last_modified: self.now(), ..part };
        let place = part.part.place.clone();
        let outcome = self.put_part_record(bucket, upload, &part).await;
        match (&outcome, &place) {
            (Ok(true), Place::Blob(blob, _)) => self.inner.leases.settle(*blob),
            (Ok(true) | Err(EngineError::Unknown(_)), _) => {}
            _ => self.abandon(place).await,
        }
        outcome
    }

    async fn put_part_record(
        &self,
        bucket: &Bucket,
        upload: &Upload,
        part: &UploadedPart,
    ) -> Result<bool, EngineError> {
        let named = UploadName::of(bucket, &upload.key, upload.id);
        for _ in 0..ATTEMPTS_MAX {
            let Some(current) = self.same_bucket_at_rest(bucket).await? else { return Ok(false) };
            let Some((record, stamp)) = self.upload_at_rest(&named).await? else {
                return Ok(false);
            };
            let at = keys::part(upload.id, part.part.number);
            let old = self.get(at.clone()).await?;
            let mut commit = Commit::default();
            commit.check(keys::bucket(&bucket.name), Expect::Stamp(current.stamp));
            commit.check(named.at(), Expect::Stamp(stamp));
            commit.check(at.clone(), stamp_of(old.as_ref()));
            commit.put(at, encode_part(part));
            self.add_part_blob(&mut commit, &record.upload, &part.part.place).await?;
            if let Some(old) = old {
                self.remove_part_blob(&mut commit, &decode_part(&old.value)?.part.place);
            }
            if self.commit(commit).await? {
                return Ok(true);
            }
            tokio::task::yield_now().await;
        }
        Err(EngineError::Contended)
    }

    async fn add_part_blob(
        &self,
        commit: &mut Commit,
        upload: &Upload,
        place: &Place,
    ) -> Result<(), EngineError> {
        let Place::Blob(blob, _) = place else { return Ok(()) };
        let (lease, stamp) = self.fence_of(*blob).await?;
        commit.check(lease, Expect::Stamp(stamp));
        commit.check(keys::owner(*blob), Expect::Absent);
        commit.put(keys::owner(*blob), Owner::Part { body: upload.body_id }.encode());
        Ok(())
    }

    fn remove_part_blob(&self, commit: &mut Commit, place: &Place) {
        if let Place::Blob(blob, _) = place {
            commit.delete(keys::owner(*blob));
            commit.put(keys::removed_blob(*blob), encode_time(self.now()));
        }
    }

    /// Up to `limit` parts with numbers above `after`, and whether more follow.
    pub async fn parts(
        &self,
        upload: &Upload,
        after: u32,
        limit: usize,
    ) -> Result<(Vec<UploadedPart>, bool), EngineError> {
        let Some(first) = after.checked_add(1).filter(|_| limit > 0) else {
            return Ok((Vec::new(), false));
        };
        let scope = keys::parts(upload.id);
        let mut parts: Vec<Result<UploadedPart, Malformed>> = Vec::new();
        let mut is_truncated = false;
        let mut visitor = |at: &[u8], _, value: &[u8]| {
            if !at.starts_with(&scope) {
                return Step::Stop;
            }
            if parts.len() == limit {
                is_truncated = true;
                return Step::Stop;
            }
            parts.push(decode_part(value));
            Step::Next
        };
        let from = keys::part(upload.id, first).bytes;
        let catalog = &self.inner.backends.catalog;
        catalog.walk(Space::Records, &from, Direction::Forward, &mut visitor).await?;
        Ok((parts.into_iter().collect::<Result<_, _>>()?, is_truncated))
    }

    /// Aborts an upload, also one that is completing: its Complete then finds it gone.
    /// `false`: no such upload (any more).
    pub async fn abort(&self, bucket: &Bucket, upload: &Upload) -> Result<bool, EngineError> {
        let named = UploadName::of(bucket, &upload.key, upload.id);
        for _ in 0..ATTEMPTS_MAX {
            let Some((record, stamp)) = self.upload_record(&named).await? else {
                return Ok(false);
            };
            let mut commit = Commit::default();
            commit.check(named.at(), Expect::Stamp(stamp));
            self.remove_upload(&mut commit, &record.upload, self.now());
            if self.commit(commit).await? {
                return Ok(true);
            }
            tokio::task::yield_now().await;
        }
        Err(EngineError::Contended)
    }

    /// Removes an upload that was not completed; its parts go later.
    pub(super) fn remove_upload(&self, commit: &mut Commit, upload: &Upload, at: Timestamp) {
        let removed = RemovedUpload { at, body: upload.body_id, completed: false };
        commit.delete(keys::upload(upload.bucket, &upload.key, upload.id));
        commit.delete(keys::completing(upload.id));
        commit.put(keys::removed_upload(upload.id), removed.encode());
    }
}

/// Which upload is meant.
#[derive(Clone, Debug)]
pub(super) struct UploadName {
    pub(super) bucket: BucketUid,
    pub(super) key: ObjectKey,
    pub(super) id: UploadId,
}

impl UploadName {
    pub(super) fn of(bucket: &Bucket, key: &ObjectKey, id: UploadId) -> Self {
        Self { bucket: bucket.uid, key: key.clone(), id }
    }

    pub(super) fn at(&self) -> Key {
        keys::upload(self.bucket, &self.key, self.id)
    }
}

/// What a swap expects of a record as it was read.
pub(super) fn stamp_of(entry: Option<&Entry>) -> Expect {
    entry.map_or(Expect::Absent, |entry| Expect::Stamp(entry.stamp))
}
