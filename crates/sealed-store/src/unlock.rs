//! Unlocking: a key is checked against a version, and its sealed facts are opened.
//!
//! Guarantees: nothing of an object is known before its key is verified; what is sealed agrees with
//! what the catalog says, or the read is refused.
//!
//! Does not: touch a blob.

use std::sync::Arc;

use object_engine::{
    clock::Timestamp,
    model::{Body, Bucket, ETag, StoredObject, Version},
};
use sealed_format::{
    Checksum, ChecksumAlgorithm, ChecksumKind, CustomerKey, Damaged, ObjectMetadata, ObjectSecrets,
    PartHeader, PartList, UnwrapError, open_completion, open_upload, open_version, unwrap,
};

use crate::{
    error::UnlockError,
    put::WHOLE_PART,
    store::{Identity, SealedStore, holder_kind},
};

/// What a key's holder may know of an object.
#[derive(Clone, Debug)]
pub struct ObjectFacts {
    /// Plaintext bytes.
    pub length: u64,
    /// ETag.
    pub etag: ETag,
    /// When it was written.
    pub last_modified: Timestamp,
    /// Its metadata.
    pub metadata: ObjectMetadata,
    /// `Some(n)` if it was completed from `n` parts.
    pub parts: Option<u32>,
}

/// How an object's checksum is known.
#[derive(Clone, Debug)]
pub(crate) enum ChecksumSource {
    /// Sealed with the version.
    Sealed(Option<Checksum>),
    /// To be derived from the parts' records.
    Parts(ChecksumAlgorithm, ChecksumKind),
}

/// A version whose key was verified.
#[derive(Debug)]
pub struct Unlocked {
    pub(crate) facts: ObjectFacts,
    pub(crate) parts: PartList,
    pub(crate) checksum: ChecksumSource,
    pub(crate) secrets: Arc<ObjectSecrets>,
    pub(crate) object: Arc<StoredObject>,
}

impl Unlocked {
    /// What the key's holder may know.
    pub fn facts(&self) -> &ObjectFacts {
        &self.facts
    }
}

/// What the seals of a version say.
struct Opened {
    facts: ObjectFacts,
    public_version: Option<String>,
    parts: PartList,
    checksum: ChecksumSource,
}

impl SealedStore {
    /// Checks `key` against a version and opens its facts.
    ///
    /// Errors: the key is required, not applicable or wrong (the client's), or a named key is not to
    /// be had; or what is stored does not verify (the operator's).
    pub async fn unlock(
        &self,
        bucket: &Bucket,
        version: &Version,
        object: &Arc<StoredObject>,
        key: Option<&CustomerKey>,
    ) -> Result<Unlocked, UnlockError> {
        let held = self.holder_key(&object.holder, key, (bucket, &version.key)).await?;
        let identity =
            Identity { bucket, key: &version.key, version: &version.uid, body: &object.body_id };
        let context = identity.context(holder_kind(&object.holder));
        let secrets = unwrap(held.key(), &context, &object.envelope).map_err(unlock_error)?;
        drop(held);
        let opened = open_seals(object, &secrets)?;
        verify_against_catalog(version, object, &opened)?;
        Ok(Unlocked {
            facts: opened.facts,
            parts: opened.parts,
            checksum: opened.checksum,
            secrets: Arc::new(secrets),
            object: Arc::clone(object),
        })
    }
}

/// The format's refusal in this crate's terms.
pub(crate) fn unlock_error(error: UnwrapError) -> UnlockError {
    match error {
        UnwrapError::WrongKey => UnlockError::WrongKey,
        UnwrapError::Damaged(what) => UnlockError::Damaged(what.to_owned()),
    }
}

/// Opens a version's seals: one for an object put whole, two for one completed from parts.
fn open_seals(object: &StoredObject, secrets: &ObjectSecrets) -> Result<Opened, Damaged> {
    match object.seals.as_slice() {
        [version] => {
            let facts = open_version(&secrets.metadata, version)?;
            if facts.holder != holder_kind(&object.holder) {
                return Err(Damaged("the sealed kind of holder is not the catalog's"));
            }
            Ok(Opened {
                facts: ObjectFacts {
                    length: facts.length,
                    etag: ETag(facts.etag),
                    last_modified: Timestamp(facts.last_modified_ms),
                    metadata: facts.metadata,
                    parts: part_count(&facts.parts),
                },
                public_version: facts.public_version,
                parts: facts.parts,
                checksum: ChecksumSource::Sealed(facts.checksum),
            })
        }
        [upload, completion] => open_completed(object, secrets, upload, completion),
        _ => Err(Damaged("a version has one seal or two")),
    }
}

/// Opens what CreateMultipartUpload and CompleteMultipartUpload sealed.
fn open_completed(
    object: &StoredObject,
    secrets: &ObjectSecrets,
    upload: &[u8],
    completion: &[u8],
) -> Result<Opened, Damaged> {
    let begun = open_upload(&secrets.metadata, upload)?;
    let completed = open_completion(&secrets.completion, completion)?;
    if begun.holder != holder_kind(&object.holder) {
        return Err(Damaged("the sealed kind of holder is not the catalog's"));
    }
    let (algorithm, kind) =
        begun.checksum.unwrap_or((ChecksumAlgorithm::Crc64Nvme, ChecksumKind::FullObject));
    Ok(Opened {
        facts: ObjectFacts {
            length: completed.length,
            etag: ETag(completed.etag),
            last_modified: Timestamp(completed.last_modified_ms),
            metadata: begun.metadata,
            parts: part_count(&completed.parts),
        },
        public_version: completed.public_version,
        parts: completed.parts,
        checksum: ChecksumSource::Parts(algorithm, kind),
    })
}

/// How many parts a list counts, if it was completed from parts.
fn part_count(parts: &PartList) -> Option<u32> {
    match parts {
        PartList::Whole { .. } => None,
        PartList::Manifest { count, .. } => Some(*count),
    }
}

/// Refuses an object whose sealed facts are not what the catalog says of it: a record that was put
/// in another's place, or changed by somebody who can write the disk.
fn verify_against_catalog(
    version: &Version,
    object: &StoredObject,
    opened: &Opened,
) -> Result<(), Damaged> {
    let checks = [
        (opened.facts.length == object.size, "the sealed length is not the catalog's"),
        (opened.facts.etag == object.etag, "the sealed ETag is not the catalog's"),
        (
            opened.facts.last_modified == version.last_modified,
            "the sealed time is not the catalog's",
        ),
        (
            opened.public_version == version.public.map(|id| id.to_string()),
            "the sealed version id is not the catalog's",
        ),
        (parts_agree(&opened.parts, &object.body), "the sealed part list is not the catalog's"),
    ];
    match checks.iter().find(|(holds, _)| !holds) {
        Some((_, what)) => Err(Damaged(what)),
        None => Ok(()),
    }
}

/// Whether the sealed part list speaks of the stored body.
fn parts_agree(parts: &PartList, body: &Body) -> bool {
    match (parts, body) {
        (PartList::Whole { header, number }, Body::Whole(part)) => {
            *number == WHOLE_PART
                && part.number == WHOLE_PART
                && PartHeader::decode(&part.header).is_ok_and(|stored| stored == *header)
        }
        (PartList::Manifest { count, .. }, Body::Parts { parts }) => count == parts,
        (PartList::Whole { .. }, Body::Parts { .. })
        | (PartList::Manifest { .. }, Body::Whole(_)) => false,
    }
}
