//! The small records: owners and counts of bodies, leases, completions, deferred removals.

use bytes::Bytes;

use super::{Malformed, Reader, SessionId, Writer};
use crate::{
    blobs::installation::InstallationId,
    clock::Timestamp,
    model::{BodyId, BucketUid, ObjectKey},
};

const FORMAT: u8 = 1;

/// Who owns a blob. That the record stands means that the blob is referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A body put whole, which this many versions share.
    Whole { body: BodyId, refs: u64 },
    /// A part of an upload or of a completed body; that body's own record counts.
    Part { body: BodyId },
}

impl Owner {
    pub(crate) fn encode(self) -> Bytes {
        let mut out = Writer::new(FORMAT);
        match self {
            Self::Whole { body, refs } => out.byte(0).fixed(&body.0).number(refs).finish(),
            Self::Part { body } => out.byte(1).fixed(&body.0).finish(),
        }
    }

    pub(crate) fn decode(record: &[u8]) -> Result<Self, Malformed> {
        let mut record = Reader::new(record, "blob owner", FORMAT)?;
        let is_part = record.flag()?;
        let body = BodyId(record.fixed()?);
        let owner = if is_part {
            Self::Part { body }
        } else {
            Self::Whole { body, refs: record.number()? }
        };
        record.end()?;
        Ok(owner)
    }
}

/// Whether a lease's ids may still be referred to for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeaseState {
    Open,
    /// Its orphans are being deleted; commits that check its former stamp fail.
    Swept,
}

/// A lease of blob ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    /// Whose it is.
    pub(crate) owner: SessionId,
    pub(crate) state: LeaseState,
}

impl Lease {
    pub(crate) fn encode(self) -> Bytes {
        let swept = u8::from(self.state == LeaseState::Swept);
        Writer::new(FORMAT).fixed(&self.owner.0).byte(swept).finish()
    }

    pub(crate) fn decode(record: &[u8]) -> Result<Self, Malformed> {
        let mut record = Reader::new(record, "lease", FORMAT)?;
        let owner = SessionId(record.fixed()?);
        let state = if record.flag()? { LeaseState::Swept } else { LeaseState::Open };
        record.end()?;
        Ok(Self { owner, state })
    }
}

/// Where an upload that is completing stands, so that recovery finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Completing {
    pub(crate) bucket: BucketUid,
    pub(crate) key: ObjectKey,
}

impl Completing {
    pub(crate) fn encode(&self) -> Bytes {
        Writer::new(FORMAT).fixed(&self.bucket.0).text(self.key.as_str()).finish()
    }

    pub(crate) fn decode(record: &[u8]) -> Result<Self, Malformed> {
        let mut record = Reader::new(record, "completion", FORMAT)?;
        let bucket = BucketUid(record.fixed()?);
        let key = ObjectKey::parse(&record.text()?).map_err(|_| record.malformed())?;
        record.end()?;
        Ok(Self { bucket, key })
    }
}

/// An upload whose parts are to be cleaned up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RemovedUpload {
    pub(crate) at: Timestamp,
    pub(crate) body: BodyId,
    /// Completed: what the manifest names stays, and so does the manifest.
    pub(crate) completed: bool,
}

impl RemovedUpload {
    pub(crate) fn encode(self) -> Bytes {
        Writer::new(FORMAT)
            .fixed(&self.at.0.to_be_bytes())
            .fixed(&self.body.0)
            .byte(u8::from(self.completed))
            .finish()
    }

    pub(crate) fn decode(record: &[u8]) -> Result<Self, Malformed> {
        let mut record = Reader::new(record, "removed upload", FORMAT)?;
        let removed = Self {
            at: Timestamp(i64::from_be_bytes(record.fixed()?)),
            body: BodyId(record.fixed()?),
            completed: record.flag()?,
        };
        record.end()?;
        Ok(removed)
    }
}

/// The record of any other deferred removal: when it was asked.
pub(crate) fn encode_time(at: Timestamp) -> Bytes {
    Writer::new(FORMAT).fixed(&at.0.to_be_bytes()).finish()
}

/// Reads the time that every deferred removal begins with.
pub(crate) fn decode_time(record: &[u8]) -> Result<Timestamp, Malformed> {
    let mut record = Reader::new(record, "removal", FORMAT)?;
    Ok(Timestamp(i64::from_be_bytes(record.fixed()?)))
}

/// The record of a completed body: how many versions share it.
pub(crate) fn encode_count(refs: u64) -> Bytes {
    encode_number(refs)
}

pub(crate) fn decode_count(record: &[u8]) -> Result<u64, Malformed> {
    decode_number(record)
}

/// The record that tells whether a master key is the catalog's.
pub(crate) fn encode_master_check(sealed: &[u8]) -> Bytes {
    Writer::new(FORMAT).bytes(sealed).finish()
}

pub(crate) fn decode_master_check(record: &[u8]) -> Result<Bytes, Malformed> {
    let mut record = Reader::new(record, "master key check", FORMAT)?;
    let sealed = record.bytes()?;
    record.end()?;
    Ok(sealed)
}

/// The installation that a catalog and its blobs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Installation {
    pub(crate) id: InstallationId,
    /// The blobs have carried the mark: others that do not are not these.
    pub(crate) is_marked: bool,
}

impl Installation {
    pub(crate) fn encode(self) -> Bytes {
        Writer::new(FORMAT).fixed(&self.id.0).byte(u8::from(self.is_marked)).finish()
    }

    pub(crate) fn decode(record: &[u8]) -> Result<Self, Malformed> {
        let mut record = Reader::new(record, "installation", FORMAT)?;
        let id = InstallationId(record.fixed()?);
        let is_marked = record.flag()?;
        record.end()?;
        Ok(Self { id, is_marked })
    }
}

/// A record that is one number: the schema version, the next lease.
pub(crate) fn encode_number(number: u64) -> Bytes {
    Writer::new(FORMAT).number(number).finish()
}

pub(crate) fn decode_number(record: &[u8]) -> Result<u64, Malformed> {
    let mut record = Reader::new(record, "number", FORMAT)?;
    let number = record.number()?;
    record.end()?;
    Ok(number)
}
