//! Part lists of completed objects: records of up to 1,000 parts, each verified as a whole against
//! the digest that the version's seal holds.
//!
//! Guarantees: a part that was exchanged, omitted, repeated or reordered in the catalog is found
//! before a byte of the record's parts is read.

use object_engine::{
    engine::ObjectEngine,
    error::EngineError,
    model::{BodyId, StoredPart, UploadedPart},
};
use sealed_format::{Damaged, ManifestDigest, PartHeader, PartOutline, manifest_digest};

use crate::error::damaged;

/// Parts in one manifest record; the last may hold fewer.
pub(crate) const RECORD_PARTS: usize = 1_000;

/// One verified record: parts with the offset of each in the object.
#[derive(Debug)]
pub(crate) struct Record {
    /// Offset of the first byte of each part, and the part.
    pub(crate) parts: Vec<(u64, StoredPart)>,
}

impl Record {
    /// Reads record `index` and verifies it against `sealed`.
    pub(crate) async fn load(
        engine: &ObjectEngine,
        body: BodyId,
        index: usize,
        sealed: &ManifestDigest,
    ) -> Result<Self, EngineError> {
        let number = u32::try_from(index).expect("a list has at most 10 records");
        let parts = engine.manifest(body, number).await?;
        let outlines: Result<Vec<_>, _> = parts.iter().map(outline).collect();
        let outlines = outlines.map_err(|error| damaged(&error))?;
        if manifest_digest(&body.0, sealed.start, &outlines) != sealed.digest {
            return Err(damaged(&Damaged("a manifest record is not the one that was sealed")));
        }
        let mut start = sealed.start;
        let parts = parts
            .into_iter()
            .map(|part| {
                let at = start;
                start += part.length;
                (at, part)
            })
            .collect();
        Ok(Self { parts })
    }

    /// The part that holds the plaintext byte at `offset`; of an empty object, its empty part, which
    /// has a chunk to verify as well.
    pub(crate) fn covering(&self, offset: u64) -> Option<&(u64, StoredPart)> {
        let holds =
            |(start, part): &&(u64, StoredPart)| (*start..start + part.length).contains(&offset);
        let empty = || self.parts.last().filter(|(start, _)| *start == offset);
        self.parts.iter().find(holds).or_else(empty)
    }
}

/// The index of the record that holds the byte at `offset`.
pub(crate) fn record_covering(records: &[ManifestDigest], offset: u64) -> Option<usize> {
    records.partition_point(|record| record.start <= offset).checked_sub(1)
}

/// The checksum-free part of a stored part's record.
pub(crate) fn outline(part: &StoredPart) -> Result<PartOutline, Damaged> {
    Ok(PartOutline {
        number: part.number,
        header: PartHeader::decode(&part.header)?,
        length: part.length,
        etag: part.etag.0.clone(),
    })
}

/// The digests of the records that a chosen list of parts will be stored in.
pub(crate) fn digests(
    body: &BodyId,
    parts: &[UploadedPart],
) -> Result<Vec<ManifestDigest>, Damaged> {
    let mut start = 0;
    parts
        .chunks(RECORD_PARTS)
        .map(|record| {
            let outlines: Result<Vec<_>, _> =
                record.iter().map(|part| outline(&part.part)).collect();
            let digest = manifest_digest(&body.0, start, &outlines?);
            let sealed = ManifestDigest { start, digest };
            start += record.iter().map(|part| part.part.length).sum::<u64>();
            Ok(sealed)
        })
        .collect()
}
