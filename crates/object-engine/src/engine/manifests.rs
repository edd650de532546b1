//! Bodies made of parts, by range and by part number.
//!
//! Guarantees: reading a range reads one manifest record (1,000 parts) at a time, found by a guess
//! that is exact for parts of equal size and off by a step or two otherwise.

use std::ops::Range;

use crate::{
    engine::ObjectEngine,
    error::EngineError,
    keys,
    model::{Body, BodyId, PartSlice, StoredObject, StoredPart},
    record::decode_manifest,
};

/// The most parts that [`ObjectEngine::slices`] answers at once: one manifest record's worth.
pub const SLICES_MAX: usize = 1_000;

/// Parts in one manifest record.
pub(super) const RECORD_PARTS: u32 = SLICES_MAX as u32;

/// How many manifest records a body of `parts` has.
pub(super) fn record_count(parts: u32) -> u32 {
    parts.div_ceil(RECORD_PARTS)
}

/// One manifest record.
struct Manifest {
    index: u32,
    start: u64,
    parts: Vec<StoredPart>,
}

impl Manifest {
    fn end(&self) -> u64 {
        self.start + self.parts.iter().map(|part| part.length).sum::<u64>()
    }

    /// Each part with its index in the body and its offset.
    fn placed(self) -> impl Iterator<Item = (u32, u64, StoredPart)> {
        let first = self.index * RECORD_PARTS;
        let mut start = self.start;
        (first..).zip(self.parts).map(move |(index, part)| {
            let at = start;
            start += part.length;
            (index, at, part)
        })
    }
}

impl ObjectEngine {
    /// The parts that cover `range` of a body, in order, with offsets; at most [`SLICES_MAX`], and
    /// then the caller continues behind the last. An empty range gives the part that it lies in.
    pub async fn slices(
        &self,
        object: &StoredObject,
        range: Range<u64>,
    ) -> Result<Vec<PartSlice>, EngineError> {
        let parts = match &object.body {
            Body::Whole(part) => return Ok(vec![slice(0, 0, part.clone(), &range)]),
            Body::Parts { parts } => *parts,
        };
        let manifest = self.manifest_around(object, parts, range.start).await?;
        let wanted = |start: u64, length: u64| {
            let overlaps = start < range.end && range.start < start + length;
            overlaps || (range.is_empty() && start <= range.start && range.start <= start + length)
        };
        let covering = manifest.placed().filter(|(_, start, part)| wanted(*start, part.length));
        let slices = covering.map(|(index, start, part)| slice(index, start, part, &range));
        Ok(slices.take(if range.is_empty() { 1 } else { SLICES_MAX }).collect())
    }

    /// The manifest record that holds the part at `offset`.
    async fn manifest_around(
        &self,
        object: &StoredObject,
        parts: u32,
        offset: u64,
    ) -> Result<Manifest, EngineError> {
        let last = record_count(parts).saturating_sub(1);
        let guess = u128::from(offset) * u128::from(parts) / u128::from(object.size.max(1));
        let guess = u32::try_from(guess).unwrap_or(u32::MAX) / RECORD_PARTS;
        let mut manifest = self.manifest_record(object.body_id, guess.min(last)).await?;
        while offset < manifest.start && manifest.index > 0 {
            manifest = self.manifest_record(object.body_id, manifest.index - 1).await?;
        }
        while offset >= manifest.end() && manifest.index < last {
            manifest = self.manifest_record(object.body_id, manifest.index + 1).await?;
        }
        Ok(manifest)
    }

    /// The part with this S3 part number, whole, with its offset.
    pub async fn part_by_number(
        &self,
        object: &StoredObject,
        number: u32,
    ) -> Result<Option<PartSlice>, EngineError> {
        let parts = match &object.body {
            Body::Whole(part) if part.number != number => return Ok(None),
            Body::Whole(part) => {
                return Ok(Some(slice(0, 0, part.clone(), &(0..part.length))));
            }
            Body::Parts { parts } => *parts,
        };
        // Numbers ascend from 1 at least, so a part's index is below its number.
        let last = record_count(parts).saturating_sub(1);
        let mut index = (number.saturating_sub(1) / RECORD_PARTS).min(last);
        loop {
            let manifest = self.manifest_record(object.body_id, index).await?;
            if index > 0 && manifest.parts.first().is_none_or(|first| first.number > number) {
                index -= 1;
                continue;
            }
            let found = manifest.placed().find(|(_, _, part)| part.number == number);
            return Ok(found.map(|(index, start, part)| {
                let whole = start..start + part.length;
                slice(index, start, part, &whole)
            }));
        }
    }

    /// Manifest record `index` of a completed body: its parts `index * 1000 ..`, in order.
    pub async fn manifest(&self, body: BodyId, index: u32) -> Result<Vec<StoredPart>, EngineError> {
        Ok(self.manifest_record(body, index).await?.parts)
    }

    async fn manifest_record(&self, body: BodyId, index: u32) -> Result<Manifest, EngineError> {
        let entry = self.get(keys::manifest(body, index)).await?;
        let missing = || EngineError::Damaged(format!("manifest record {index} is missing"));
        let (start, parts) = decode_manifest(&entry.ok_or_else(missing)?.value)?;
        Ok(Manifest { index, start, parts })
    }
}

/// What `range` of the body wants of the part at `start`.
fn slice(index: u32, start: u64, part: StoredPart, range: &Range<u64>) -> PartSlice {
    let end = range.end.saturating_sub(start).min(part.length);
    let wanted = range.start.saturating_sub(start).min(end)..end;
    PartSlice { index, part, start, wanted }
}
