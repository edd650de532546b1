//! Bucket records.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Malformed, Reader, SessionId, Writer};
use crate::{
    catalog::Stamp,
    clock::Timestamp,
    model::{AccountId, Bucket, BucketName, BucketUid, Versioning},
};

const FORMAT: u8 = 1;
const KIND: &str = "bucket";

/// Whether a bucket takes objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BucketState {
    Active,
    /// A DeleteBucket is looking whether it is empty; nothing may be added meanwhile.
    Deleting {
        /// Whose, if several engines share the catalog.
        by: Option<SessionId>,
    },
}

/// A bucket as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BucketRecord {
    pub(crate) bucket: Bucket,
    pub(crate) state: BucketState,
}

impl BucketRecord {
    pub(crate) fn encode(&self) -> Bytes {
        let Bucket { uid, owner, created, region, versioning, settings, .. } = &self.bucket;
        let mut out = Writer::new(FORMAT);
        match &self.state {
            BucketState::Active => out.byte(0),
            BucketState::Deleting { by: None } => out.byte(1),
            BucketState::Deleting { by: Some(by) } => out.byte(2).fixed(&by.0),
        };
        out.fixed(&uid.0).text(&owner.0);
        out.fixed(&created.0.to_be_bytes()).text(region);
        out.byte(match versioning {
            Versioning::Unversioned => 0,
            Versioning::Enabled => 1,
            Versioning::Suspended => 2,
        });
        out.number(settings.len() as u64);
        for (name, document) in settings {
            out.text(name).text(document);
        }
        out.finish()
    }

    pub(crate) fn decode(
        record: &[u8],
        name: &BucketName,
        stamp: Stamp,
    ) -> Result<Self, Malformed> {
        let mut record = Reader::new(record, KIND, FORMAT)?;
        let state = match record.byte()? {
            0 => BucketState::Active,
            1 => BucketState::Deleting { by: None },
            2 => BucketState::Deleting { by: Some(SessionId(record.fixed()?)) },
            _ => return Err(record.malformed()),
        };
        let bucket = Bucket {
            name: name.clone(),
            uid: BucketUid(record.fixed()?),
            owner: AccountId(record.text()?),
            created: Timestamp(i64::from_be_bytes(record.fixed()?)),
            region: record.text()?,
            versioning: match record.byte()? {
                0 => Versioning::Unversioned,
                1 => Versioning::Enabled,
                2 => Versioning::Suspended,
                _ => return Err(record.malformed()),
            },
            settings: BTreeMap::from_iter(record.list(|r| Ok((r.text()?, r.text()?)))?),
            stamp,
        };
        record.end()?;
        Ok(Self { bucket, state })
    }
}
