//! Upload and part records.

use bytes::Bytes;

use super::{
    Malformed, Reader, SessionId, Writer,
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
/// Of uploads that are completing where several engines share a catalog: it says whose work that is.
const FORMAT_AT_WORK: u8 = 2;
const KIND: &str = "upload";

/// Whether an upload takes parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UploadState {
    Open,
    /// A Complete is at work with this many chosen parts; the parts are frozen.
    Completing {
        parts: u32,
        /// Whose, if several engines share the catalog.
        by: Option<SessionId>,
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
        let mut out = match self.state {
            UploadState::Open => begun(FORMAT, 0),
            UploadState::Completing { parts, by: None } => begun(FORMAT, parts),
            UploadState::Completing { parts, by: Some(by) } => {
                let mut out = begun(FORMAT_AT_WORK, parts);
                out.fixed(&by.0);
                out
            }
        };
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
        let is_at_work = record.first() == Some(&FORMAT_AT_WORK);
        let format = if is_at_work { FORMAT_AT_WORK } else { FORMAT };
        let mut record = Reader::new(record, KIND, format)?;
        let parts = record.number_32()?;
        let by = if is_at_work { Some(SessionId(record.fixed()?)) } else { None };
        let state = match parts {
            0 => UploadState::Open,
            parts => UploadState::Completing { parts, by },
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

fn begun(format: u8, parts: u32) -> Writer {
    let mut out = Writer::new(format);
    out.number(u64::from(parts));
    out
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
