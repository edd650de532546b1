//! Heads: what a key's newest version is, and all that a listing shows of it.
//!
//! Guarantees: at most [`HEAD_BYTES_MAX`] bytes, so that a page of a listing stays small.

use bytes::Bytes;

use super::{Malformed, Reader, Writer};
use crate::{
    clock::Timestamp,
    model::{AccountId, ETag, StoredObject},
};

const FORMAT: u8 = 1;
const KIND: &str = "head";

/// The longest head: a page of 1,000 stays below 700 KiB.
pub(crate) const HEAD_BYTES_MAX: usize = 700;

/// The head of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The sequence of the newest version.
    pub(crate) sequence: u64,
    /// The sequence of the null version, if there is one.
    pub(crate) null: Option<u64>,
    /// What is shown of the newest version; `None` if it is a delete marker.
    pub(crate) shown: Option<Shown>,
}

/// What a listing shows of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) size: u64,
    pub(crate) etag: ETag,
    pub(crate) last_modified: Timestamp,
    pub(crate) storage_class: String,
    pub(crate) owner: AccountId,
    pub(crate) checksum: Option<(String, String)>,
}

impl Shown {
    pub(crate) fn of(object: &StoredObject, last_modified: Timestamp, owner: &AccountId) -> Self {
        Self {
            size: object.size,
            etag: object.etag.clone(),
            last_modified,
            storage_class: object.storage_class.clone(),
            owner: owner.clone(),
            checksum: object.checksum.clone(),
        }
    }
}

impl Head {
    pub(crate) fn encode(&self) -> Bytes {
        let mut out = Writer::new(FORMAT);
        out.number(self.sequence).option(self.null, |out, null| {
            out.number(null);
        });
        out.option(self.shown.as_ref(), |out, shown| {
            out.number(shown.size).text(&shown.etag.0);
            out.fixed(&shown.last_modified.0.to_be_bytes());
            out.text(&shown.storage_class).text(&shown.owner.0);
            write_checksum(out, shown.checksum.as_ref());
        });
        out.finish()
    }

    pub(crate) fn decode(record: &[u8]) -> Result<Self, Malformed> {
        let mut record = Reader::new(record, KIND, FORMAT)?;
        let sequence = record.number()?;
        let null = record.option(Reader::number)?;
        let shown = record.option(|record| {
            Ok(Shown {
                size: record.number()?,
                etag: ETag(record.text()?),
                last_modified: Timestamp(i64::from_be_bytes(record.fixed()?)),
                storage_class: record.text()?,
                owner: AccountId(record.text()?),
                checksum: read_checksum(record)?,
            })
        })?;
        record.end()?;
        Ok(Self { sequence, null, shown })
    }
}

pub(super) fn write_checksum(out: &mut Writer, checksum: Option<&(String, String)>) {
    out.option(checksum, |out, (algorithm, kind)| {
        out.text(algorithm).text(kind);
    });
}

pub(super) fn read_checksum(
    record: &mut Reader<'_>,
) -> Result<Option<(String, String)>, Malformed> {
    record.option(|record| Ok((record.text()?, record.text()?)))
}
