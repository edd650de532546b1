//! Reading an unlocked object: any plaintext range, frame by frame.
//!
//! Guarantees: the first frame is verified before the answer begins, and no frame leaves before its
//! chunks are; damage further in ends the stream with an error, never with wrong bytes.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use object_engine::{
    engine::ReadPin,
    error::EngineError,
    model::{Body, StoredObject, StoredPart},
};
use sealed_format::{
    Checksum, DataKey, ManifestDigest, ObjectSecrets, PartFacts, PartHeader, PartList, PartOpener,
    open_part,
};

use crate::{
    checksums::Combiner,
    error::damaged,
    frames::OpenPart,
    manifest::{RECORD_PARTS, Record, outline, record_covering},
    put::WHOLE_PART,
    store::SealedStore,
    unlock::{ChecksumSource, Unlocked},
};

/// A range of an object's plaintext, on its way out.
pub struct PlainReader {
    store: SealedStore,
    secrets: Arc<ObjectSecrets>,
    object: Arc<StoredObject>,
    parts: PartList,
    wanted: Range<u64>,
    part: Option<OpenPart>,
    record: Option<(usize, Record)>,
    /// The first frame, verified before the answer began.
    first: Option<Bytes>,
    /// Keeps parts that are opened later from being removed before they are.
    _pin: ReadPin,
}

impl std::fmt::Debug for PlainReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlainReader").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

impl SealedStore {
    /// A reader over plaintext `range` of an object. A missing or short blob and a damaged first
    /// frame fail here, before any answer begins.
    pub async fn read(
        &self,
        unlocked: &Unlocked,
        range: Range<u64>,
    ) -> Result<PlainReader, EngineError> {
        assert!(range.start <= range.end && range.end <= unlocked.facts.length, "range in object");
        let mut reader = PlainReader {
            store: self.clone(),
            secrets: Arc::clone(&unlocked.secrets),
            object: Arc::clone(&unlocked.object),
            parts: unlocked.parts.clone(),
            wanted: range,
            part: None,
            record: None,
            first: None,
            _pin: self.engine().pin(),
        };
        reader.prime(unlocked.facts.length).await?;
        Ok(reader)
    }

    /// The checksum of the whole object: as sealed, or derived from the parts' records.
    pub async fn checksum(&self, unlocked: &Unlocked) -> Result<Option<Checksum>, EngineError> {
        let (algorithm, kind) = match &unlocked.checksum {
            ChecksumSource::Sealed(checksum) => return Ok(checksum.clone()),
            ChecksumSource::Parts(algorithm, kind) => (*algorithm, *kind),
        };
        let mut combiner = Combiner::new(algorithm, kind);
        for (index, sealed) in records(&unlocked.parts).iter().enumerate() {
            let body = unlocked.object.body_id;
            let record = Record::load(self.engine(), body, index, sealed).await?;
            for (_, part) in &record.parts {
                let facts = part_facts(&unlocked.secrets.data, &unlocked.object, part)?;
                combiner.add(facts.checksum.as_ref(), part.length);
            }
        }
        Ok(combiner.finish())
    }

    /// Part `number` of an object: its plaintext range and its checksum; `None` if there is none.
    pub async fn part(
        &self,
        unlocked: &Unlocked,
        number: u32,
    ) -> Result<Option<(Range<u64>, Option<Checksum>)>, EngineError> {
        let PartList::Manifest { records, .. } = &unlocked.parts else {
            let whole = 0..unlocked.facts.length;
            return Ok((number == WHOLE_PART).then_some((whole, None)));
        };
        let Some(position) = number.checked_sub(1).map(|position| position as usize) else {
            return Ok(None);
        };
        // GET by part number counts the parts that were chosen, from 1, as S3 does after a
        // completion with holes in its numbers.
        let Some(sealed) = records.get(position / RECORD_PARTS) else { return Ok(None) };
        let body = unlocked.object.body_id;
        let record = Record::load(self.engine(), body, position / RECORD_PARTS, sealed).await?;
        let Some((start, part)) = record.parts.get(position % RECORD_PARTS) else {
            return Ok(None);
        };
        let facts = part_facts(&unlocked.secrets.data, &unlocked.object, part)?;
        Ok(Some((*start..start + part.length, facts.checksum)))
    }
}

impl PlainReader {
    /// Verifies the first frame. An empty object has a chunk too, and a wrong one is refused.
    async fn prime(&mut self, length: u64) -> Result<(), EngineError> {
        if length == 0 {
            let mut part = self.open_part(0).await?;
            part.frame().await?;
        } else {
            self.first = self.advance().await?;
        }
        Ok(())
    }

    /// The next frame of up to 256 KiB; `None` at the end of the range.
    pub async fn next(&mut self) -> Option<Result<Bytes, EngineError>> {
        match self.first.take() {
            Some(frame) => Some(Ok(frame)),
            None => self.advance().await.transpose(),
        }
    }

    /// Moves on by one frame.
    async fn advance(&mut self) -> Result<Option<Bytes>, EngineError> {
        while !self.wanted.is_empty() {
            let mut part = match self.part.take() {
                Some(part) => part,
                None => self.open_part(self.wanted.start).await?,
            };
            let Some(frame) = part.frame().await? else { continue };
            self.wanted.start += frame.len() as u64;
            self.part = Some(part);
            return Ok(Some(frame));
        }
        self.part = None;
        Ok(None)
    }

    /// Opens the part that holds the byte at `offset`, at what is wanted of it.
    async fn open_part(&mut self, offset: u64) -> Result<OpenPart, EngineError> {
        let (start, part) = self.locate(offset).await?;
        let header = PartHeader::decode(&part.header).map_err(|error| damaged(&error))?;
        let body = &self.object.body_id.0;
        let opener = PartOpener::new(&self.secrets.data, body, part.number, &header, part.length)
            .map_err(|error| damaged(&error))?;
        let wanted = offset - start..self.wanted.end.min(start + part.length) - start;
        OpenPart::open(self.store.engine(), &part, opener, wanted).await
    }

    /// The part that holds the byte at `offset`, verified, and where it starts.
    async fn locate(&mut self, offset: u64) -> Result<(u64, StoredPart), EngineError> {
        if let Body::Whole(part) = &self.object.body {
            return Ok((0, part.clone()));
        }
        let lost = || EngineError::Damaged("no part covers the wanted range".into());
        let index = record_covering(records(&self.parts), offset).ok_or_else(lost)?;
        if self.record.as_ref().is_none_or(|(loaded, _)| *loaded != index) {
            let sealed = &records(&self.parts)[index];
            let engine = self.store.engine();
            let record = Record::load(engine, self.object.body_id, index, sealed).await?;
            self.record = Some((index, record));
        }
        let (_, record) = self.record.as_ref().ok_or_else(lost)?;
        let (start, part) = record.covering(offset).ok_or_else(lost)?;
        part_facts(&self.secrets.data, &self.object, part)?;
        Ok((*start, part.clone()))
    }
}

/// The manifest records of a part list; none for a body put whole.
fn records(parts: &PartList) -> &[ManifestDigest] {
    match parts {
        PartList::Whole { .. } => &[],
        PartList::Manifest { records, .. } => records,
    }
}

/// Opens a part's sealed record, which must agree with what is stored of it in clear.
pub(crate) fn part_facts(
    data: &DataKey,
    object: &StoredObject,
    part: &StoredPart,
) -> Result<PartFacts, EngineError> {
    let facts = open_part(data, &object.body_id.0, &part.seal).map_err(|error| damaged(&error))?;
    if facts.outline != outline(part).map_err(|error| damaged(&error))? {
        return Err(EngineError::Damaged("a part's sealed record is not the catalog's".into()));
    }
    Ok(facts)
}
