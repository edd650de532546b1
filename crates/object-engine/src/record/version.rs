//! Version records and manifest records.
//!
//! Guarantees: what a listing shows comes first, so that a listing of versions reads no further.
//! A version's sequence is in its key and nowhere else.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    Malformed, Reader, Writer,
    attached::{read_attached, write_attached},
    head::{Shown, read_checksum, write_checksum},
    named_key::{read_holder, write_holder},
};
use crate::{
    blobs::BlobId,
    clock::Timestamp,
    model::{
        AccountId, Body, BodyId, BucketUid, ETag, ObjectKey, Place, PublicVersion, StoredObject,
        StoredPart, Version, VersionId, VersionKind, VersionUid,
    },
};

const FORMAT: u8 = 1;
const KIND: &str = "version";

/// A version as it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VersionRecord<'a> {
    pub(crate) uid: VersionUid,
    pub(crate) public: PublicVersion,
    pub(crate) last_modified: Timestamp,
    pub(crate) owner: &'a AccountId,
    /// `None`: a delete marker.
    pub(crate) object: Option<&'a StoredObject>,
}

/// The beginning of a version's record: what listings show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VersionFront {
    pub(crate) uid: VersionUid,
    /// The random half of its public id; `None`: the null version.
    pub(crate) tag: Option<u64>,
    pub(crate) last_modified: Timestamp,
    pub(crate) owner: AccountId,
    /// `None`: a delete marker.
    pub(crate) shown: Option<Shown>,
}

impl VersionFront {
    /// Reads the front of a record and no further.
    pub(crate) fn decode(record: &[u8]) -> Result<Self, Malformed> {
        Self::read(&mut Reader::new(record, KIND, FORMAT)?)
    }

    /// The name of the version, which has this sequence.
    pub(crate) fn public(&self, sequence: u64) -> PublicVersion {
        self.tag.map(|tag| VersionId { sequence, tag })
    }

    fn read(record: &mut Reader<'_>) -> Result<Self, Malformed> {
        let uid = VersionUid(record.fixed()?);
        let tag = record.option(|record| record.fixed().map(u64::from_be_bytes))?;
        let last_modified = Timestamp(i64::from_be_bytes(record.fixed()?));
        let owner = AccountId(record.text()?);
        let shown = record.option(|record| {
            Ok(Shown {
                size: record.number()?,
                etag: ETag(record.text()?),
                last_modified,
                storage_class: record.text()?,
                owner: owner.clone(),
                checksum: read_checksum(record)?,
            })
        })?;
        Ok(Self { uid, tag, last_modified, owner, shown })
    }
}

impl VersionRecord<'_> {
    pub(crate) fn encode(&self) -> Bytes {
        let mut out = Writer::new(FORMAT);
        out.fixed(&self.uid.0).option(self.public, |out, id| {
            out.fixed(&id.tag.to_be_bytes());
        });
        out.fixed(&self.last_modified.0.to_be_bytes()).text(&self.owner.0);
        out.option(self.object, |out, object| {
            out.number(object.size).text(&object.etag.0).text(&object.storage_class);
            write_checksum(out, object.checksum.as_ref());
            write_rest(out, object);
        });
        out.finish()
    }
}

fn write_rest(out: &mut Writer, object: &StoredObject) {
    write_holder(out, &object.holder);
    out.bytes(&object.envelope);
    out.list(&object.seals, |out, seal| {
        out.bytes(seal);
    });
    write_attached(out, &object.attached);
    out.fixed(&object.body_id.0);
    match &object.body {
        Body::Whole(part) => write_part(out.byte(0), part),
        Body::Parts { parts } => {
            out.byte(1).number(u64::from(*parts));
        }
    }
}

/// Reads a whole version, of which the key said bucket, key and sequence.
pub(crate) fn decode_version(
    record: &Bytes,
    bucket: BucketUid,
    key: &ObjectKey,
    sequence: u64,
) -> Result<Version, Malformed> {
    let mut record = Reader::shared(record, KIND, FORMAT)?;
    let front = VersionFront::read(&mut record)?;
    let public = front.public(sequence);
    let kind = match front.shown {
        None => VersionKind::DeleteMarker,
        Some(shown) => VersionKind::Object(Arc::new(read_rest(&mut record, shown)?)),
    };
    record.end()?;
    Ok(Version {
        bucket,
        key: key.clone(),
        uid: front.uid,
        public,
        sequence,
        last_modified: front.last_modified,
        owner: front.owner,
        is_latest: false,
        kind,
    })
}

fn read_rest(record: &mut Reader<'_>, shown: Shown) -> Result<StoredObject, Malformed> {
    Ok(StoredObject {
        holder: read_holder(record)?,
        size: shown.size,
        etag: shown.etag,
        storage_class: shown.storage_class,
        checksum: shown.checksum,
        envelope: record.bytes()?,
        seals: record.list(Reader::bytes)?,
        attached: read_attached(record)?,
        body_id: BodyId(record.fixed()?),
        body: match record.byte()? {
            0 => Body::Whole(read_part(record)?),
            1 => Body::Parts { parts: record.number_32()? },
            _ => return Err(record.malformed()),
        },
    })
}

pub(super) fn write_part(out: &mut Writer, part: &StoredPart) {
    out.number(u64::from(part.number)).number(part.length);
    match &part.place {
        Place::Inline(bytes) => out.byte(0).bytes(bytes),
        Place::Blob(id, length) => out.byte(1).number(id.0).number(*length),
    };
    out.bytes(&part.header).text(&part.etag.0).bytes(&part.seal);
}

pub(super) fn read_part(record: &mut Reader<'_>) -> Result<StoredPart, Malformed> {
    Ok(StoredPart {
        number: record.number_32()?,
        length: record.number()?,
        place: match record.byte()? {
            0 => Place::Inline(record.bytes()?),
            1 => Place::Blob(BlobId(record.number()?), record.number()?),
            _ => return Err(record.malformed()),
        },
        header: record.bytes()?,
        etag: ETag(record.text()?),
        seal: record.bytes()?,
    })
}

/// Encodes one manifest record: where its first part begins in the body, and its parts.
pub(crate) fn encode_manifest(start: u64, parts: &[StoredPart]) -> Bytes {
    Writer::new(FORMAT).number(start).list(parts, write_part).finish()
}

/// Decodes a manifest record: the plaintext offset of its first part, and its parts.
pub(crate) fn decode_manifest(record: &Bytes) -> Result<(u64, Vec<StoredPart>), Malformed> {
    let mut record = Reader::shared(record, "manifest", FORMAT)?;
    let start = record.number()?;
    let parts = record.list(read_part)?;
    record.end()?;
    Ok((start, parts))
}
