//! Copies: a new key, name or bucket over the same body, or a new body where that is not allowed.
//!
//! Guarantees: a body is shared only between versions of the same kind of holder, in buckets of the
//! same owner, so the server never holds, in any page or backup, a key that opens a body that a
//! customer's key seals, and what a named key seals opens under named keys only. A copy that shares costs one commit, whatever the size.
//!
//! Does not: revoke. Whoever held the old key and can read the disk may know the shared body's data
//! key; [`CopyMode::Reencrypt`] draws a new one.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use md5::{Digest as _, Md5};
use object_engine::{
    error::EngineError,
    model::{
        AccountId, Assigned, Attached, Bucket, ETag, Holder, NewVersion, ObjectKey,
        PublishedShared, StoredObject, Version, VersionUid, WriteCondition,
    },
    shield::shielded,
};
use sealed_format::{
    Checksum, ChecksumAlgorithm, ChecksumKind, HolderKind, ObjectMetadata, VersionFacts,
    seal_version, wrap,
};

use crate::{
    body::{BodyDigests, PlainBody},
    checksums::{Running, names},
    error::{PutError, SealError},
    kms::Encryption,
    multipart::{PartPut, UnlockedUpload},
    put::{Put, PutOutcome},
    read::PlainReader,
    store::{Identity, SealedStore, holder_kind},
    unlock::Unlocked,
};

/// Whether a copy may share its source's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CopyMode {
    /// Where the rules allow it: one commit.
    #[default]
    Share,
    /// Never: a new body under a new data key.
    Reencrypt,
}

/// What is copied: a version whose key was verified.
#[derive(Clone, Copy, Debug)]
pub struct CopySource<'a> {
    /// Its bucket.
    pub bucket: &'a Bucket,
    /// The version.
    pub version: &'a Version,
    /// Its facts and secrets.
    pub unlocked: &'a Unlocked,
}

/// What a copy is to make.
#[derive(Debug)]
pub struct CopyObject<'a> {
    /// From where.
    pub source: CopySource<'a>,
    /// To where.
    pub bucket: &'a Bucket,
    /// Under which key.
    pub key: &'a ObjectKey,
    /// Who will own it.
    pub owner: &'a AccountId,
    /// Whose key seals the copy.
    pub encryption: Encryption<'a>,
    /// The copy's metadata.
    pub metadata: ObjectMetadata,
    /// S3's storage-class name.
    pub storage_class: String,
    /// What stands beside it in clear.
    pub attached: Attached,
    /// A checksum algorithm that the request chose anew.
    pub checksum: Option<ChecksumAlgorithm>,
    /// What must hold of the target key.
    pub condition: WriteCondition,
    /// Whether the body may be shared.
    pub mode: CopyMode,
    /// The most plaintext bytes that may be sealed anew; a shared body may be of any size.
    pub sealed_bytes_max: u64,
}

/// What a copy came to.
#[derive(Clone, Debug)]
pub enum CopyOutcome {
    /// It was published, or a condition was in the way.
    Put(PutOutcome),
    /// The source version went while it was copied.
    SourceGone,
    /// The body cannot be shared, and is larger than may be sealed anew. Nothing was read.
    TooLarge,
}

impl SealedStore {
    /// Copies as `copy` says.
    pub async fn copy(&self, copy: CopyObject<'_>) -> Result<CopyOutcome, SealError> {
        let checksum = self.checksum(copy.source.unlocked).await?;
        if may_share(&copy, checksum.as_ref()) {
            self.copy_shared(copy, checksum).await
        } else if copy.source.unlocked.facts.length > copy.sealed_bytes_max {
            Ok(CopyOutcome::TooLarge)
        } else {
            self.copy_reencrypted(copy, checksum).await
        }
    }

    /// Seals `range` of a source as one part of an upload (UploadPartCopy), always under the upload's
    /// own data key; `None` if the upload is gone.
    pub async fn copy_part(
        &self,
        source: CopySource<'_>,
        range: Range<u64>,
        bucket: &Bucket,
        (upload, number): (&UnlockedUpload, u32),
    ) -> Result<Option<PartPut>, EngineError> {
        let length = range.end - range.start;
        let reader = self.read(source.unlocked, range).await?;
        let want_md5 = upload.upload().holder == Holder::Server;
        let mut body = CopyBody::new(reader, length, upload.checksum_algorithm(), want_md5);
        match self.put_part(bucket, upload, number, &mut body).await {
            Ok(put) => Ok(put),
            Err(PutError::Body(error) | PutError::Store(error)) => Err(error),
            Err(PutError::Key(error)) => Err(EngineError::Damaged(error.to_string())),
        }
    }

    /// Wraps the body's data key anew and shares the body.
    async fn copy_shared(
        &self,
        copy: CopyObject<'_>,
        checksum: Option<Checksum>,
    ) -> Result<CopyOutcome, SealError> {
        let CopySource { bucket: source_bucket, version: source, unlocked } = copy.source;
        let random = &*self.inner.random;
        let secrets = unlocked.secrets.share_body(random);
        let uid = VersionUid(self.random_16());
        let kind = copy.encryption.kind();
        let (holder, held) = self.new_holder(copy.encryption, (copy.bucket, copy.key)).await?;
        let body = unlocked.object.body_id;
        let identity = Identity { bucket: copy.bucket, key: copy.key, version: &uid, body: &body };
        let etag = match kind {
            // The bytes are the same, and so is what stands for them.
            HolderKind::Server => unlocked.facts.etag.clone(),
            HolderKind::Customer | HolderKind::Kms => self.etag(kind, &BodyDigests::default()),
        };
        let mut facts = VersionFacts {
            public_version: None,
            holder: kind,
            last_modified_ms: 0,
            length: unlocked.facts.length,
            etag: etag.0.clone(),
            checksum: checksum.clone(),
            metadata: copy.metadata,
            parts: unlocked.parts.clone(),
        };
        let object = StoredObject {
            holder,
            etag: etag.clone(),
            storage_class: copy.storage_class,
            checksum: checksum.as_ref().map(names),
            envelope: wrap(held.key(), &identity.context(kind), &secrets, random).into(),
            seals: Vec::new(),
            attached: copy.attached,
            ..(*unlocked.object).clone()
        };
        drop(held);
        let new = NewVersion { uid, owner: copy.owner.clone(), object, condition: copy.condition };
        let (store, from, source) = (self.clone(), source_bucket.clone(), source.clone());
        let (bucket, key) = (copy.bucket.clone(), copy.key.clone());
        let published = shielded(async move {
            let mut seal = |assigned: &Assigned| {
                facts.public_version = assigned.public.map(|id| id.to_string());
                facts.last_modified_ms = assigned.last_modified.0;
                vec![seal_version(&secrets.metadata, &facts, &*store.inner.random).into()]
            };
            let engine = &store.inner.engine;
            engine.publish_shared(&bucket, &key, new, (&from, &source), &mut seal).await
        })
        .await?;
        Ok(shared_outcome(published, etag, checksum))
    }

    /// Opens the source and seals what it holds under a new data key.
    async fn copy_reencrypted(
        &self,
        copy: CopyObject<'_>,
        checksum: Option<Checksum>,
    ) -> Result<CopyOutcome, SealError> {
        let unlocked = copy.source.unlocked;
        let length = unlocked.facts.length;
        let reader = self.read(unlocked, 0..length).await?;
        let algorithm = copy.checksum.or(checksum.map(|sum| sum.algorithm));
        let want_md5 = copy.encryption.kind() == HolderKind::Server;
        let mut body = CopyBody::new(reader, length, algorithm, want_md5);
        let put = Put {
            bucket: copy.bucket,
            key: copy.key,
            owner: copy.owner,
            encryption: copy.encryption,
            metadata: copy.metadata,
            storage_class: copy.storage_class,
            attached: copy.attached,
            condition: copy.condition,
        };
        Ok(CopyOutcome::Put(self.put(put, &mut body).await?))
    }
}

/// Whether the copy's body may be its source's.
fn may_share(copy: &CopyObject<'_>, checksum: Option<&Checksum>) -> bool {
    let source = &copy.source;
    let same_checksum = copy
        .checksum
        .is_none_or(|wanted| checksum.is_some_and(|stored| stored.algorithm == wanted));
    copy.mode == CopyMode::Share
        && holder_kind(&source.unlocked.object.holder) == copy.encryption.kind()
        && source.bucket.owner == copy.bucket.owner
        && same_checksum
}

/// The engine's answer to a shared copy.
fn shared_outcome(
    published: PublishedShared,
    etag: ETag,
    checksum: Option<Checksum>,
) -> CopyOutcome {
    use object_engine::model::Published;
    let published = match published {
        PublishedShared::Done(assigned) => Published::Done(assigned),
        PublishedShared::ConditionFailed => Published::ConditionFailed,
        PublishedShared::NoSuchKey => Published::NoSuchKey,
        PublishedShared::NoSuchBucket => Published::NoSuchBucket,
        PublishedShared::SourceGone => return CopyOutcome::SourceGone,
    };
    CopyOutcome::Put(PutOutcome { published, etag, checksum })
}

/// An opened range on its way into another body.
struct CopyBody {
    reader: PlainReader,
    length: u64,
    /// Computed only where it becomes an ETag: it is the slowest of all the stages.
    md5: Option<Md5>,
    checksum: Running,
}

impl CopyBody {
    /// `length` plaintext bytes from `reader`, with a checksum of `algorithm` or CRC64NVME.
    fn new(
        reader: PlainReader,
        length: u64,
        algorithm: Option<ChecksumAlgorithm>,
        want_md5: bool,
    ) -> Self {
        let checksum = Running::new(algorithm.unwrap_or(ChecksumAlgorithm::Crc64Nvme));
        Self { reader, length, md5: want_md5.then(Md5::new), checksum }
    }
}

#[async_trait]
impl PlainBody for CopyBody {
    type Error = EngineError;

    fn length(&self) -> Option<u64> {
        Some(self.length)
    }

    async fn frame(&mut self) -> Result<Option<Bytes>, EngineError> {
        let frame = self.reader.next().await.transpose()?;
        if let Some(frame) = &frame {
            if let Some(md5) = &mut self.md5 {
                md5.update(frame);
            }
            self.checksum.update(frame);
        }
        Ok(frame)
    }

    fn finish(&mut self) -> Result<BodyDigests, EngineError> {
        let (algorithm, value) = self.checksum.finish();
        let checksum = Checksum { algorithm, kind: ChecksumKind::FullObject, value, parts: 0 };
        let md5 = self.md5.take().map(|md5| md5.finalize().into());
        Ok(BodyDigests { md5, checksum: Some(checksum) })
    }
}
