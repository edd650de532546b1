//! Multipart uploads: create, part, complete.
//!
//! Guarantees: every attempt at a part has its own salt; completing needs no customer key, because
//! the completion key of an open upload waits under the master key and goes when the upload does; a
//! part record that was changed in the catalog is refused at Complete and again at every read.
//!
//! Does not: limit part numbers and sizes beyond the 5 MiB minimum; the protocol layer does.

use std::sync::Arc;

use md5::{Digest as _, Md5};
use object_engine::{
    error::EngineError,
    model::{
        AccountId, Assigned, Attached, BodyId, Bucket, CompleteUpload, Completed, ETag, NewUpload,
        ObjectKey, StoredPart, Upload, UploadedPart, VersionUid, WriteCondition,
    },
    shield::shielded,
};
use sealed_format::{
    Checksum, ChecksumAlgorithm, ChecksumKind, CompletionFacts, CompletionKey, CustomerKey,
    Damaged, ObjectMetadata, ObjectSecrets, PartFacts, PartList, UploadFacts, open_completion_key,
    open_part, open_upload, outline_mac, seal_completion, seal_completion_key, seal_part,
    seal_upload, unwrap, verify_outline_mac, wrap,
};

use crate::{
    body::{PartKey, PlainBody},
    checksums::{Combiner, algorithm_names},
    error::{PutError, SealError, UnlockError, damaged},
    kms::Encryption,
    manifest::{digests, outline},
    put::hex,
    store::{Identity, SealedStore, holder_kind},
    unlock::unlock_error,
};

/// The smallest part that is not the last: 5 MiB (S3's limit).
pub const PART_BYTES_MIN: u64 = 5 << 20;

/// Parts read from the engine at once.
const PARTS_PAGE: usize = 1_000;

/// What an upload is to become.
#[derive(Debug)]
pub struct CreateUpload<'a> {
    /// Where.
    pub bucket: &'a Bucket,
    /// Under which key.
    pub key: &'a ObjectKey,
    /// Who begins it and will own the object.
    pub owner: &'a AccountId,
    /// Whose key seals it.
    pub encryption: Encryption<'a>,
    /// What only a holder of the key may see.
    pub metadata: ObjectMetadata,
    /// S3's storage-class name.
    pub storage_class: String,
    /// What stands beside it in clear.
    pub attached: Attached,
    /// The checksum algorithm and type chosen.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumKind)>,
}

/// An upload whose key was verified.
#[derive(Debug)]
pub struct UnlockedUpload {
    upload: Upload,
    secrets: Arc<ObjectSecrets>,
    facts: UploadFacts,
}

impl UnlockedUpload {
    /// The upload.
    pub fn upload(&self) -> &Upload {
        &self.upload
    }

    /// The checksum algorithm chosen at its creation.
    pub fn checksum_algorithm(&self) -> Option<ChecksumAlgorithm> {
        self.facts.checksum.map(|(algorithm, _)| algorithm)
    }
}

/// What storing a part came to.
#[derive(Clone, Debug)]
pub struct PartPut {
    /// The part's ETag.
    pub etag: ETag,
    /// Its checksum.
    pub checksum: Option<Checksum>,
}

/// One line of a Complete request.
#[derive(Clone, Debug)]
pub struct ChosenChecksum {
    /// Part number.
    pub number: u32,
    /// The ETag the client got for it.
    pub etag: ETag,
    /// The checksum the client got for it, if it repeats that.
    pub checksum: Option<(ChecksumAlgorithm, Vec<u8>)>,
}

/// What completing came to.
#[derive(Clone, Debug)]
pub enum CompleteOutcome {
    /// The version is there.
    Done {
        /// Its name and time.
        assigned: Assigned,
        /// Its ETag.
        etag: ETag,
        /// Its checksum, where a key was at hand to derive it.
        checksum: Option<Checksum>,
    },
    /// The part with this number is missing, or its ETag or checksum is another.
    InvalidPart(u32),
    /// A part that is not the last is under [`PART_BYTES_MIN`].
    PartTooSmall {
        /// Which.
        number: u32,
        /// Its plaintext bytes.
        size: u64,
        /// Its ETag.
        etag: ETag,
    },
    /// The condition did not hold; the upload stays open.
    ConditionFailed,
    /// `If-Match` was asked of a key that has no object; the upload stays open.
    NoSuchKey,
    /// The upload is gone.
    NoSuchUpload,
    /// The bucket is gone.
    NoSuchBucket,
    /// The request repeats part checksums, which only the customer's key can show.
    KeyRequiredForChecksums,
}

impl SealedStore {
    /// Begins an upload; `None` if the bucket is gone.
    pub async fn create_upload(
        &self,
        create: CreateUpload<'_>,
    ) -> Result<Option<Upload>, SealError> {
        let random = &*self.inner.random;
        let secrets = ObjectSecrets::generate(random);
        let version_uid = VersionUid(self.random_16());
        let body_id = BodyId(self.random_16());
        let kind = create.encryption.kind();
        let (holder, held) =
            self.new_holder(create.encryption, (create.bucket, create.key)).await?;
        let identity = Identity {
            bucket: create.bucket,
            key: create.key,
            version: &version_uid,
            body: &body_id,
        };
        let envelope = wrap(held.key(), &identity.context(kind), &secrets, random);
        drop(held);
        let facts =
            UploadFacts { holder: kind, metadata: create.metadata, checksum: create.checksum };
        let aad = completion_aad(&version_uid, &body_id);
        let new = NewUpload {
            key: create.key.clone(),
            version_uid,
            body_id,
            owner: create.owner.clone(),
            holder,
            storage_class: create.storage_class,
            checksum: create.checksum.map(|(algorithm, kind)| algorithm_names(algorithm, kind)),
            envelope: envelope.into(),
            metadata_seal: seal_upload(&secrets.metadata, &facts, random).into(),
            completion_key: seal_completion_key(
                &self.inner.master,
                &aad,
                &secrets.completion,
                random,
            )
            .into(),
            attached: create.attached,
        };
        Ok(self.inner.engine.create_upload(create.bucket, new).await?)
    }

    /// Checks `key` against an upload.
    pub async fn unlock_upload(
        &self,
        bucket: &Bucket,
        upload: &Upload,
        key: Option<&CustomerKey>,
    ) -> Result<UnlockedUpload, UnlockError> {
        let held = self.holder_key(&upload.holder, key, (bucket, &upload.key)).await?;
        let identity = Identity {
            bucket,
            key: &upload.key,
            version: &upload.version_uid,
            body: &upload.body_id,
        };
        let context = identity.context(holder_kind(&upload.holder));
        let secrets = unwrap(held.key(), &context, &upload.envelope).map_err(unlock_error)?;
        drop(held);
        let facts = open_upload(&secrets.metadata, &upload.metadata_seal)?;
        if facts.holder != holder_kind(&upload.holder) {
            return Err(Damaged("the sealed kind of holder is not the catalog's").into());
        }
        Ok(UnlockedUpload { upload: upload.clone(), secrets: Arc::new(secrets), facts })
    }

    /// Seals and stores one part; `None` if the upload is gone.
    pub async fn put_part<B: PlainBody>(
        &self,
        bucket: &Bucket,
        upload: &UnlockedUpload,
        number: u32,
        body: &mut B,
    ) -> Result<Option<PartPut>, PutError<B::Error>> {
        let UnlockedUpload { upload, secrets, .. } = upload;
        let key = PartKey { data: &secrets.data, body: &upload.body_id, number };
        let sealed = self.seal_body(key, body).await?;
        let etag = self.etag(holder_kind(&upload.holder), &sealed.digests);
        let checksum = sealed.digests.checksum.clone();
        let mut part = StoredPart {
            number,
            length: sealed.length,
            place: sealed.place,
            header: sealed.header.encode().to_vec().into(),
            etag: etag.clone(),
            seal: bytes::Bytes::new(),
        };
        let facts = PartFacts { outline: sealed_outline(&part)?, checksum: checksum.clone() };
        let random = &*self.inner.random;
        part.seal = seal_part(&secrets.data, &upload.body_id.0, &facts, random).into();
        let mac = outline_mac(&secrets.completion, &upload.body_id.0, &facts.outline);
        let uploaded = UploadedPart {
            part,
            // The engine's clock says when.
            last_modified: object_engine::clock::Timestamp(0),
            completion_mac: mac.to_vec().into(),
            checksum: None,
        };
        let (engine, bucket, upload) = (self.inner.engine.clone(), bucket.clone(), upload.clone());
        let stored =
            shielded(async move { engine.put_part(&bucket, &upload, uploaded).await }).await?;
        Ok(stored.then_some(PartPut { etag, checksum }))
    }

    /// A part's checksum, for ListParts.
    pub fn part_checksum(
        &self,
        upload: &UnlockedUpload,
        part: &UploadedPart,
    ) -> Result<Option<Checksum>, Damaged> {
        let body = &upload.upload.body_id.0;
        let facts = open_part(&upload.secrets.data, body, &part.part.seal)?;
        if facts.outline != outline(&part.part)? {
            return Err(Damaged("a part's sealed record is not the catalog's"));
        }
        Ok(facts.checksum)
    }

    /// Completes an upload from the parts that the request lists, already checked for order.
    ///
    /// With `unlocked` (always for the server's own key and for a named one; for a customer's when the request carries
    /// it) part checksums are compared and the object's checksum is derived.
    pub async fn complete(
        &self,
        bucket: &Bucket,
        upload: &Upload,
        parts: &[ChosenChecksum],
        condition: WriteCondition,
        unlocked: Option<&UnlockedUpload>,
    ) -> Result<CompleteOutcome, EngineError> {
        if unlocked.is_none() && parts.iter().any(|part| part.checksum.is_some()) {
            return Ok(CompleteOutcome::KeyRequiredForChecksums);
        }
        loop {
            let stored = self.stored_parts(upload).await?;
            let chosen = match self.choose(upload, parts, &stored, unlocked)? {
                Ok(chosen) => chosen,
                Err(refusal) => return Ok(refusal),
            };
            let etag = completed_etag(chosen.iter().map(|part| &part.part.etag));
            let checksum = unlocked
                .map(|unlocked| self.whole_checksum(&chosen, unlocked))
                .transpose()?
                .flatten();
            let condition = condition.clone();
            match self.complete_chosen(bucket, upload, chosen, (etag.clone(), condition)).await? {
                Completed::Done(assigned) => {
                    return Ok(CompleteOutcome::Done { assigned, etag, checksum });
                }
                // A part was uploaded again meanwhile: the list is resolved anew.
                Completed::PartsChanged => {}
                Completed::ConditionFailed => return Ok(CompleteOutcome::ConditionFailed),
                Completed::NoSuchKey => return Ok(CompleteOutcome::NoSuchKey),
                Completed::NoSuchUpload => return Ok(CompleteOutcome::NoSuchUpload),
                Completed::NoSuchBucket => return Ok(CompleteOutcome::NoSuchBucket),
            }
        }
    }

    /// All parts of an upload, by number.
    async fn stored_parts(&self, upload: &Upload) -> Result<Vec<UploadedPart>, EngineError> {
        let mut stored: Vec<UploadedPart> = Vec::new();
        loop {
            let after = stored.last().map_or(0, |part| part.part.number);
            let (page, more) = self.inner.engine.parts(upload, after, PARTS_PAGE).await?;
            stored.extend(page);
            if !more {
                return Ok(stored);
            }
        }
    }

    /// The stored parts that the request chose, each verified, or why it is refused.
    fn choose(
        &self,
        upload: &Upload,
        wanted: &[ChosenChecksum],
        stored: &[UploadedPart],
        unlocked: Option<&UnlockedUpload>,
    ) -> Result<Result<Vec<UploadedPart>, CompleteOutcome>, EngineError> {
        let completion = self.completion_key(upload).map_err(|error| damaged(&error))?;
        let mut chosen = Vec::with_capacity(wanted.len());
        for (position, want) in wanted.iter().enumerate() {
            let found = stored.binary_search_by_key(&want.number, |part| part.part.number);
            let Some(part) = found.ok().map(|at| &stored[at]) else {
                return Ok(Err(CompleteOutcome::InvalidPart(want.number)));
            };
            self.verify_mac(&completion, upload, part).map_err(|error| damaged(&error))?;
            if part.part.etag != want.etag || !self.checksum_agrees(want, part, unlocked)? {
                return Ok(Err(CompleteOutcome::InvalidPart(want.number)));
            }
            if position + 1 < wanted.len() && part.part.length < PART_BYTES_MIN {
                return Ok(Err(CompleteOutcome::PartTooSmall {
                    number: want.number,
                    size: part.part.length,
                    etag: part.part.etag.clone(),
                }));
            }
            chosen.push(part.clone());
        }
        Ok(Ok(chosen))
    }

    /// Whether the checksum that the request repeats, if any, is the part's.
    fn checksum_agrees(
        &self,
        want: &ChosenChecksum,
        part: &UploadedPart,
        unlocked: Option<&UnlockedUpload>,
    ) -> Result<bool, EngineError> {
        let (Some((algorithm, value)), Some(unlocked)) = (&want.checksum, unlocked) else {
            return Ok(true);
        };
        let stored = self.part_checksum(unlocked, part).map_err(|error| damaged(&error))?;
        Ok(stored.is_some_and(|sum| sum.algorithm == *algorithm && sum.value == *value))
    }

    /// The checksum of the object that these parts make; `None` where a part has none of its kind.
    pub fn whole_checksum(
        &self,
        chosen: &[UploadedPart],
        unlocked: &UnlockedUpload,
    ) -> Result<Option<Checksum>, EngineError> {
        let (algorithm, kind) = unlocked
            .facts
            .checksum
            .unwrap_or((ChecksumAlgorithm::Crc64Nvme, ChecksumKind::FullObject));
        let mut combiner = Combiner::new(algorithm, kind);
        for part in chosen {
            let checksum = self.part_checksum(unlocked, part).map_err(|error| damaged(&error))?;
            combiner.add(checksum.as_ref(), part.part.length);
        }
        Ok(combiner.finish())
    }

    /// Seals the chosen list under the completion key and lets the engine complete, whatever becomes
    /// of the client.
    async fn complete_chosen(
        &self,
        bucket: &Bucket,
        upload: &Upload,
        chosen: Vec<UploadedPart>,
        (etag, condition): (ETag, WriteCondition),
    ) -> Result<Completed, EngineError> {
        let size = chosen.iter().map(|part| part.part.length).sum();
        let records = digests(&upload.body_id, &chosen).map_err(|error| damaged(&error))?;
        let count = u32::try_from(chosen.len()).expect("at most 10,000 parts");
        let completion = self.completion_key(upload).map_err(|error| damaged(&error))?;
        let (store, bucket, upload) = (self.clone(), bucket.clone(), upload.clone());
        shielded(async move {
            let mut facts = CompletionFacts {
                public_version: None,
                last_modified_ms: 0,
                length: size,
                etag: etag.0.clone(),
                parts: PartList::Manifest { count, records },
            };
            let mut seal = |assigned: &Assigned| {
                facts.public_version = assigned.public.map(|id| id.to_string());
                facts.last_modified_ms = assigned.last_modified.0;
                let sealed = seal_completion(&completion, &facts, &*store.inner.random);
                vec![upload.metadata_seal.clone(), sealed.into()]
            };
            let attached = upload.attached.clone();
            let complete = CompleteUpload { parts: chosen, etag, size, condition, attached };
            store.inner.engine.complete(&bucket, &upload, complete, &mut seal).await
        })
        .await
    }

    /// The completion key of an open upload.
    fn completion_key(&self, upload: &Upload) -> Result<CompletionKey, Damaged> {
        let aad = completion_aad(&upload.version_uid, &upload.body_id);
        open_completion_key(&self.inner.master, &aad, &upload.completion_key)
    }

    /// Refuses a part whose record in clear is not the one that was stored with the key at hand.
    fn verify_mac(
        &self,
        completion: &CompletionKey,
        upload: &Upload,
        part: &UploadedPart,
    ) -> Result<(), Damaged> {
        let outline = outline(&part.part)?;
        verify_outline_mac(completion, &upload.body_id.0, &outline, &part.completion_mac)
    }
}

/// What the wrap of an open upload's completion key is bound to.
fn completion_aad(version: &VersionUid, body: &BodyId) -> Vec<u8> {
    [version.0, body.0].concat()
}

/// The outline of a part that was sealed just now.
fn sealed_outline<E>(part: &StoredPart) -> Result<sealed_format::PartOutline, PutError<E>> {
    outline(part).map_err(|error| PutError::Store(damaged(&error)))
}

/// S3's ETag of a completed object: the MD5 of its parts' binary ETags, and their number.
pub fn completed_etag<'e>(parts: impl ExactSizeIterator<Item = &'e ETag>) -> ETag {
    let (mut md5, count) = (Md5::new(), parts.len());
    for part in parts {
        md5.update(unhex(&part.0));
    }
    ETag(format!("{}-{count}", hex(&md5.finalize())))
}

/// The bytes of a part's ETag, which is 32 hex digits.
fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
    text.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_completed_etag_is_the_md5_of_the_parts_binary_etags() {
        let parts = ["0cc175b9c0f1b6a831c399e269772661", "92eb5ffee6ae2fec3ad71c777531578f"];
        let parts = parts.map(|etag| ETag(etag.to_owned()));
        assert_eq!(completed_etag(parts.iter()).0, "96e024ba2074fe77e8e965ba43a704be-2");
    }
}
