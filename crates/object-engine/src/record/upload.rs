//! Upload and part records.

use bytes::Bytes;

use super::{
    Malformed, Reader, Writer,
    attached::{read_attached, write_attached},
    head::{read_checksum, write_checksum},
    named_key::{read_holder, write_holder},
    version::{read_part, write_part},
};
use crate::{
    clock::Timestamp,
    model::{AccountId, BodyId, BucketUid, ObjectKey, Upload, UploadId, UploadedPart, VersionUid},
};

const FORMAT: u8 = 1;
const KIND: &str = "upload";

/// Whether an upload takes parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UploadState {
    Open,
    /// A Complete is at work with this many chosen parts; the parts are frozen.
    Completing {
        parts: u32,
    },
}

/// An upload as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UploadRecord {
    pub(crate) upload: Upload,
    pub(crate) state: UploadState,
}

impl UploadRecord {
    pub(crate) fn encode(&self) -> Bytes {
        let upload = &self.upload;
        let mut out = Writer::new(FORMAT);
        out.number(match self.state {
            UploadState::Open => 0,
            UploadState::Completing { parts } => u64::from(parts),
        });
        out.fixed(&upload.version_uid.0).fixed(&upload.body_id.0).text(&upload.owner.0);
        out.fixed(&upload.initiated.0.to_be_bytes());
        write_holder(&mut out, &upload.holder);
        out.text(&upload.storage_class);
        write_checksum(&mut out, upload.checksum.as_ref());
        out.bytes(&upload.envelope).bytes(&upload.metadata_seal).bytes(&upload.completion_key);
        write_attached(&mut out, &upload.attached);
        out.finish()
    }

    /// Decodes a record of which the key said the rest.
    pub(crate) fn decode(
        record: &[u8],
        bucket: BucketUid,
        key: &ObjectKey,
        id: UploadId,
    ) -> Result<Self, Malformed> {
        let mut record = Reader::new(record, KIND, FORMAT)?;
        let state = match record.number_32()? {
            0 => UploadState::Open,
            parts => UploadState::Completing { parts },
        };
        let upload = Upload {
            id,
            bucket,
            key: key.clone(),
            version_uid: VersionUid(record.fixed()?),
            body_id: BodyId(record.fixed()?),
            owner: AccountId(record.text()?),
            initiated: Timestamp(i64::from_be_bytes(record.fixed()?)),
            holder: read_holder(&mut record)?,
            storage_class: record.text()?,
            checksum: read_checksum(&mut record)?,
            envelope: record.bytes()?,
            metadata_seal: record.bytes()?,
            completion_key: record.bytes()?,
            attached: read_attached(&mut record)?,
        };
        record.end()?;
        Ok(Self { upload, state })
    }
}

pub(crate) fn encode_part(part: &UploadedPart) -> Bytes {
    let mut out = Writer::new(FORMAT);
    write_part(&mut out, &part.part);
    out.fixed(&part.last_modified.0.to_be_bytes()).bytes(&part.completion_mac);
    out.option(part.checksum.as_ref(), |out, checksum| {
        out.text(checksum);
    });
    out.finish()
}

pub(crate) fn decode_part(record: &[u8]) -> Result<UploadedPart, Malformed> {
    let mut record = Reader::new(record, "part", FORMAT)?;
    let part = UploadedPart {
        part: read_part(&mut record)?,
        last_modified: Timestamp(i64::from_be_bytes(record.fixed()?)),
        completion_mac: record.bytes()?,
        checksum: record.option(Reader::text)?,
    };
    record.end()?;
    Ok(part)
}
