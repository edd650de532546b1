//! Completing an upload.
//!
//! Guarantees: what becomes the object is exactly the chosen parts: the upload is swapped to
//! `completing`, which freezes its parts, and only then are they compared with what the caller read.
//! The last commit is of constant size whatever the number of parts. Nothing but that commit makes
//! anything visible; before it, a refusal, a crash or a dropped request opens the upload again.
//!
//! Does not: complete an upload a second time; it finds no upload, and [`ObjectEngine::completed`] finds
//! what the first time made.

use std::sync::Arc;

use crate::{
    catalog::{Commit, Expect, Stamp},
    engine::{
        ATTEMPTS_MAX, ObjectEngine,
        at_work::HalfDone,
        change::KeyState,
        manifests::RECORD_PARTS,
        objects::{Seal, Verdict, judge},
        uploads::UploadName,
    },
    error::EngineError,
    invariants, keys,
    model::{
        Assigned, Body, Bucket, CompleteUpload, Completed, Lookup, NewVersion, ObjectKey,
        StoredObject, StoredPart, Upload, UploadId, UploadedPart, Version, VersionSelector,
    },
    record::{Completing, RemovedUpload, SessionId, UploadRecord, UploadState, encode_manifest},
};

/// What became of an attempt to freeze an upload.
enum Freezing {
    Frozen(Box<Frozen>),
    Refused(Completed),
    /// Another engine is completing it, or a crash or a dropped request left it so.
    InTheWay,
    /// Something changed meanwhile.
    Again,
}

/// An upload whose parts are frozen, and the write that froze it.
struct Frozen {
    record: UploadRecord,
    stamp: Stamp,
}

impl ObjectEngine {
    /// Makes a version of the chosen parts. The seals are the metadata's and the completion's.
    pub async fn complete(
        &self,
        bucket: &Bucket,
        upload: &Upload,
        complete: CompleteUpload,
        seal: &mut Seal<'_>,
    ) -> Result<Completed, EngineError> {
        assert!(
            invariants::parts_ascend(complete.parts.iter().map(|part| &part.part)),
            "chosen parts must be some, in ascending order"
        );
        let named = UploadName::of(bucket, &upload.key, upload.id);
        for _ in 0..ATTEMPTS_MAX {
            let mut working = self.inner.at_work.begin(upload.id.0).await?;
            working.begins(HalfDone::Upload(named.clone()));
            match self.freeze(bucket, &named, &complete).await? {
                Freezing::Frozen(frozen) => {
                    // After an error it stays frozen: whoever meets it next, or recovery, opens it again.
                    let outcome = self.complete_and_thaw(bucket, &frozen, complete, seal).await?;
                    working.ends();
                    return Ok(outcome);
                }
                Freezing::Refused(refusal) => {
                    working.ends();
                    return Ok(refusal);
                }
                Freezing::InTheWay => {
                    working.ends();
                    drop(working);
                    self.upload_at_rest(&named).await?;
                }
                Freezing::Again => {
                    working.ends();
                    tokio::task::yield_now().await;
                }
            }
        }
        Err(EngineError::Contended)
    }

    /// Completes a frozen upload, or opens it again if it is refused.
    async fn complete_and_thaw(
        &self,
        bucket: &Bucket,
        frozen: &Frozen,
        complete: CompleteUpload,
        seal: &mut Seal<'_>,
    ) -> Result<Completed, EngineError> {
        let outcome = self.complete_frozen(bucket, frozen, complete, seal).await?;
        if let Completed::ConditionFailed | Completed::NoSuchKey | Completed::PartsChanged = outcome
        {
            self.thaw(&frozen.record, frozen.stamp).await?;
        }
        Ok(outcome)
    }

    /// The newest version of a key, if it is what the upload of this id became. What an upload made is
    /// not found once the key was written or deleted again.
    pub async fn completed(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        id: UploadId,
    ) -> Result<Option<(Version, Arc<StoredObject>)>, EngineError> {
        match self.version(bucket, key, VersionSelector::Latest).await? {
            Lookup::Object(version, object)
                if id.makes(object.body_id) && matches!(object.body, Body::Parts { .. }) =>
            {
                Ok(Some((version, object)))
            }
            _ => Ok(None),
        }
    }

    /// Swaps the upload to `completing`, if it looks as if it could succeed.
    async fn freeze(
        &self,
        bucket: &Bucket,
        upload: &UploadName,
        complete: &CompleteUpload,
    ) -> Result<Freezing, EngineError> {
        let Some(state) = self.key_state(bucket, &upload.key).await? else {
            return Ok(Freezing::Refused(Completed::NoSuchBucket));
        };
        let Some((record, stamp)) = self.upload_record(upload).await? else {
            return Ok(Freezing::Refused(Completed::NoSuchUpload));
        };
        if let Some(refusal) = refusal_of(complete, &state) {
            return Ok(Freezing::Refused(refusal));
        }
        if record.state != UploadState::Open {
            return Ok(Freezing::InTheWay);
        }
        let mut commit = Commit::default();
        let by = self.sign(&mut commit).await?;
        let record = freezing(record, complete, by)?;
        commit.check(keys::bucket(&bucket.name), Expect::Stamp(state.bucket.stamp));
        commit.check(upload.at(), Expect::Stamp(stamp)).put(upload.at(), record.encode());
        let completing = Completing { bucket: bucket.uid, key: upload.key.clone() };
        commit.put(keys::completing(upload.id), completing.encode());
        let frozen = self.commit_stamped(commit).await?;
        let frozen = frozen.map(|stamp| Box::new(Frozen { record, stamp }));
        Ok(frozen.map_or(Freezing::Again, Freezing::Frozen))
    }

    async fn complete_frozen(
        &self,
        bucket: &Bucket,
        frozen: &Frozen,
        complete: CompleteUpload,
        seal: &mut Seal<'_>,
    ) -> Result<Completed, EngineError> {
        if !self.parts_stand(&frozen.record.upload, &complete.parts).await? {
            return Ok(Completed::PartsChanged);
        }
        if !self.write_manifest(frozen, &complete.parts).await? {
            return self.thawed(frozen).await;
        }
        let mut new = completed_version(&frozen.record.upload, complete);
        for _ in 0..ATTEMPTS_MAX {
            let Some(state) = self.key_state(bucket, &frozen.record.upload.key).await? else {
                return Ok(Completed::NoSuchBucket);
            };
            if let Some(refusal) = refused(judge(&new.condition, state.head.as_ref())) {
                return Ok(refusal);
            }
            if let Some(done) = self.publish_completed(&state, frozen, &mut new, seal).await? {
                return Ok(Completed::Done(done));
            }
            if !self.is_still_frozen(frozen).await? {
                return self.thawed(frozen).await;
            }
            tokio::task::yield_now().await;
        }
        Err(EngineError::Contended)
    }

    /// Whether the chosen parts are what is stored.
    async fn parts_stand(
        &self,
        upload: &Upload,
        chosen: &[UploadedPart],
    ) -> Result<bool, EngineError> {
        let mut chosen = chosen.iter().peekable();
        let mut after = 0;
        while chosen.peek().is_some() {
            let (stored, _) = self.parts(upload, after, RECORD_PARTS as usize).await?;
            let Some(last) = stored.last() else { return Ok(false) };
            after = last.part.number;
            for part in &stored {
                let is_chosen = |chosen: &&UploadedPart| chosen.part.number == part.part.number;
                if let Some(chosen) = chosen.next_if(is_chosen)
                    && !is_same(chosen, part)
                {
                    return Ok(false);
                }
            }
            // A chosen number that was passed by is not stored.
            if chosen.peek().is_some_and(|next| next.part.number <= after) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes the manifest, a record a commit. `false`: the upload is frozen no more.
    async fn write_manifest(
        &self,
        frozen: &Frozen,
        chosen: &[UploadedPart],
    ) -> Result<bool, EngineError> {
        let upload = &frozen.record.upload;
        let mut start = 0;
        for (index, parts) in (0_u32..).zip(chosen.chunks(RECORD_PARTS as usize)) {
            let parts: Vec<StoredPart> = parts.iter().map(|part| part.part.clone()).collect();
            let mut commit = Commit::default();
            let at = keys::upload(upload.bucket, &upload.key, upload.id);
            commit.check(at, Expect::Stamp(frozen.stamp));
            commit.put(keys::manifest(upload.body_id, index), encode_manifest(start, &parts));
            if !self.commit(commit).await? {
                return Ok(false);
            }
            start += parts.iter().map(|part| part.length).sum::<u64>();
        }
        Ok(true)
    }

    /// The one commit that makes the object visible. `None`: something changed meanwhile.
    async fn publish_completed(
        &self,
        state: &KeyState,
        frozen: &Frozen,
        new: &mut NewVersion,
        seal: &mut Seal<'_>,
    ) -> Result<Option<Assigned>, EngineError> {
        let upload = &frozen.record.upload;
        let assigned = self.assign(state);
        new.object.seals = seal(&assigned);
        let change = self.change_for(state, &upload.key, new, &assigned).await?;
        let Some(mut change) = change else { return Ok(None) };
        // No lease to check: every part was referred to, under its lease, when it was put.
        change.add_body(&new.object, None);
        let at = keys::upload(upload.bucket, &upload.key, upload.id);
        let removed = RemovedUpload { at: self.now(), body: upload.body_id, completed: true };
        change.commit.check(at.clone(), Expect::Stamp(frozen.stamp)).delete(at);
        change.commit.delete(keys::completing(upload.id));
        change.commit.put(keys::removed_upload(upload.id), removed.encode());
        Ok(change.commit(self).await?.then_some(assigned))
    }

    /// What became of an upload that is frozen no more: aborted, or opened again by another engine, which
    /// took this one for dead.
    async fn thawed(&self, frozen: &Frozen) -> Result<Completed, EngineError> {
        let upload = &frozen.record.upload;
        match self.get(keys::upload(upload.bucket, &upload.key, upload.id)).await? {
            None => Ok(Completed::NoSuchUpload),
            Some(_) => Err(EngineError::Busy),
        }
    }

    async fn is_still_frozen(&self, frozen: &Frozen) -> Result<bool, EngineError> {
        let upload = &frozen.record.upload;
        let entry = self.get(keys::upload(upload.bucket, &upload.key, upload.id)).await?;
        Ok(entry.is_some_and(|entry| entry.stamp == frozen.stamp))
    }
}

fn freezing(
    record: UploadRecord,
    complete: &CompleteUpload,
    by: Option<SessionId>,
) -> Result<UploadRecord, EngineError> {
    let parts = u32::try_from(complete.parts.len());
    let parts = parts.map_err(|_| EngineError::Unavailable("too many parts".into()))?;
    Ok(UploadRecord { state: UploadState::Completing { parts, by }, ..record })
}

fn refusal_of(complete: &CompleteUpload, state: &KeyState) -> Option<Completed> {
    refused(judge(&complete.condition, state.head.as_ref()))
}

fn refused(verdict: Verdict) -> Option<Completed> {
    match verdict {
        Verdict::Holds => None,
        Verdict::Failed => Some(Completed::ConditionFailed),
        Verdict::NoObject => Some(Completed::NoSuchKey),
    }
}

/// Whether a chosen part is the stored one, bytes and all.
fn is_same(chosen: &UploadedPart, stored: &UploadedPart) -> bool {
    invariants::is_same_place(&chosen.part.place, &stored.part.place) && chosen.part == stored.part
}

fn completed_version(upload: &Upload, complete: CompleteUpload) -> NewVersion {
    let parts = u32::try_from(complete.parts.len()).expect("the freezing checked the number");
    NewVersion {
        uid: upload.version_uid,
        owner: upload.owner.clone(),
        object: StoredObject {
            holder: upload.holder.clone(),
            size: complete.size,
            etag: complete.etag,
            storage_class: upload.storage_class.clone(),
            checksum: upload.checksum.clone(),
            envelope: upload.envelope.clone(),
            seals: Vec::new(),
            attached: complete.attached,
            body_id: upload.body_id,
            body: Body::Parts { parts },
        },
        condition: complete.condition,
    }
}
