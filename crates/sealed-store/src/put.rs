//! PutObject: seal a body under a fresh data key, then publish the version.
//!
//! Guarantees: the body is synced before the commit that refers to it; a put that fails leaves the
//! old object as it was.

use object_engine::{
    error::EngineError,
    model::{
        AccountId, Assigned, Attached, Body, BodyId, Bucket, ETag, NewVersion, ObjectKey,
        Published, StoredObject, StoredPart, VersionUid, WriteCondition,
    },
    shield::shielded,
};
use sealed_format::{
    Checksum, HolderKind, ObjectMetadata, ObjectSecrets, PartList, VersionFacts, seal_version, wrap,
};

use crate::{
    body::{BodyDigests, PartKey, PlainBody, SealedBody},
    checksums::names,
    error::PutError,
    kms::Encryption,
    store::{Identity, SealedStore},
};

/// The part number of a body that is put whole.
pub(crate) const WHOLE_PART: u32 = 1;

/// What a put is to make.
#[derive(Debug)]
pub struct Put<'a> {
    /// Where.
    pub bucket: &'a Bucket,
    /// Under which key.
    pub key: &'a ObjectKey,
    /// Who will own it.
    pub owner: &'a AccountId,
    /// Whose key seals it.
    pub encryption: Encryption<'a>,
    /// What only a holder of the key may see.
    pub metadata: ObjectMetadata,
    /// S3's storage-class name.
    pub storage_class: String,
    /// What stands beside it in clear.
    pub attached: Attached,
    /// What must hold of the key.
    pub condition: WriteCondition,
}

/// What a put came to.
#[derive(Clone, Debug)]
pub struct PutOutcome {
    /// Whether it is there.
    pub published: Published,
    /// Its ETag.
    pub etag: ETag,
    /// Its checksum.
    pub checksum: Option<Checksum>,
}

impl SealedStore {
    /// Seals `body` and publishes it as `put` says.
    pub async fn put<B: PlainBody>(
        &self,
        put: Put<'_>,
        body: &mut B,
    ) -> Result<PutOutcome, PutError<B::Error>> {
        // Before the body: a key that cannot be had costs the client no upload.
        let kind = put.encryption.kind();
        let held = self.new_holder(put.encryption, (put.bucket, put.key)).await;
        let (holder, held) = held.map_err(PutError::Key)?;
        let secrets = ObjectSecrets::generate(&*self.inner.random);
        let version = VersionUid(self.random_16());
        let body_id = BodyId(self.random_16());
        let part = PartKey { data: &secrets.data, body: &body_id, number: WHOLE_PART };
        let sealed = self.seal_body(part, body).await?;
        let identity =
            Identity { bucket: put.bucket, key: put.key, version: &version, body: &body_id };
        let envelope = wrap(held.key(), &identity.context(kind), &secrets, &*self.inner.random);
        drop(held);
        let etag = self.etag(kind, &sealed.digests);
        let facts = version_facts(kind, &sealed, &etag, put.metadata);
        let checksum = facts.checksum.clone();
        let object = StoredObject {
            holder,
            size: sealed.length,
            etag: etag.clone(),
            storage_class: put.storage_class,
            checksum: checksum.as_ref().map(names),
            envelope: envelope.into(),
            seals: Vec::new(),
            attached: put.attached,
            body_id,
            body: Body::Whole(StoredPart {
                number: WHOLE_PART,
                length: sealed.length,
                place: sealed.place,
                header: sealed.header.encode().to_vec().into(),
                etag: etag.clone(),
                seal: bytes::Bytes::new(),
            }),
        };
        let new =
            NewVersion { uid: version, owner: put.owner.clone(), object, condition: put.condition };
        let published =
            self.publish(put.bucket.clone(), put.key.clone(), new, (secrets, facts)).await?;
        Ok(PutOutcome { published, etag, checksum })
    }

    /// Publishes, whatever becomes of the client.
    async fn publish(
        &self,
        bucket: Bucket,
        key: ObjectKey,
        new: NewVersion,
        (secrets, mut facts): (ObjectSecrets, VersionFacts),
    ) -> Result<Published, EngineError> {
        let store = self.clone();
        shielded(async move {
            let mut seal = |assigned: &Assigned| {
                facts.public_version = assigned.public.map(|id| id.to_string());
                facts.last_modified_ms = assigned.last_modified.0;
                vec![seal_version(&secrets.metadata, &facts, &*store.inner.random).into()]
            };
            store.inner.engine.publish(&bucket, &key, new, &mut seal).await
        })
        .await
    }

    /// The ETag of new bytes: MD5 where the server's key seals them, else 128 random bits, since an
    /// MD5 of what another's key keeps secret would identify it.
    pub(crate) fn etag(&self, holder: HolderKind, digests: &BodyDigests) -> ETag {
        let bytes = match (holder, digests.md5) {
            (HolderKind::Server, Some(md5)) => md5,
            (HolderKind::Server, None) | (HolderKind::Customer | HolderKind::Kms, _) => {
                self.random_16()
            }
        };
        ETag(hex(&bytes))
    }
}

/// What is sealed of a body that was put whole; the engine's assignments are filled in later.
fn version_facts(
    holder: HolderKind,
    sealed: &SealedBody,
    etag: &ETag,
    metadata: ObjectMetadata,
) -> VersionFacts {
    VersionFacts {
        public_version: None,
        holder,
        last_modified_ms: 0,
        length: sealed.length,
        etag: etag.0.clone(),
        checksum: sealed.digests.checksum.clone(),
        metadata,
        parts: PartList::Whole { header: sealed.header, number: WHOLE_PART },
    }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
