//! The records themselves, field by field. `docs/format/sealed-object-v1.md` draws them; the order
//! here is the order on disk and never changes under version 1.

use zeroize::Zeroizing;

use super::encoding::{Reader, Writer};
use super::{
    Checksum, ChecksumAlgorithm, ChecksumKind, CompletionFacts, ETAG_BYTES_MAX, METADATA_BYTES_MAX,
    ManifestDigest, OBJECT_BYTES_MAX, ObjectMetadata, PARTS_MAX, PARTS_PER_DIGEST, PartFacts,
    PartList, PartOutline, TEXT_BYTES_MAX, USER_ENTRIES_MAX, UploadFacts, VERSION_ID_BYTES_MAX,
    VersionFacts,
};
use crate::HolderKind;
use crate::body::{PART_HEADER_BYTES, PartHeader};
use crate::error::Damaged;

/// The first byte of every record.
const RECORD_VERSION: u8 = 1;

const WHOLE: u8 = 1;
const MANIFEST: u8 = 2;

/// The fixed-length fields, the length fields and presence bytes of any record fit in this beside
/// its texts.
const FIXED_BYTES_MAX: usize = 4_096;

/// Something that is sealed: it has one canonical encoding.
pub(crate) trait Record: Sized {
    /// No record of this kind is longer.
    const BYTES_MAX: usize;

    /// Writes the fields after the version byte.
    fn write(&self, out: &mut Writer<'_>);

    /// Reads the fields after the version byte.
    fn read(input: &mut Reader<'_>) -> Result<Self, Damaged>;

    /// The canonical encoding, in memory that is wiped.
    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(512));
        out.push(RECORD_VERSION);
        self.write(&mut Writer(&mut out));
        assert!(out.len() <= Self::BYTES_MAX, "a sealed record keeps its limit");
        out
    }

    /// The record of a canonical encoding, and of nothing else.
    fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut input = Reader(bytes);
        if input.u8()? != RECORD_VERSION {
            return Err(Damaged("the record's version is unknown"));
        }
        let record = Self::read(&mut input)?;
        input.finish()?;
        Ok(record)
    }
}

impl Record for VersionFacts {
    const BYTES_MAX: usize =
        FIXED_BYTES_MAX + VERSION_ID_BYTES_MAX + METADATA_BYTES_MAX + 8 * USER_ENTRIES_MAX;

    fn write(&self, out: &mut Writer<'_>) {
        out.optional(self.public_version.as_deref(), |out, id| out.text(id, VERSION_ID_BYTES_MAX));
        out.u8(self.holder as u8);
        out.i64(self.last_modified_ms);
        assert!(self.length <= OBJECT_BYTES_MAX, "an object keeps its limit");
        out.u64(self.length);
        out.text(&self.etag, ETAG_BYTES_MAX);
        out.optional(self.checksum.as_ref(), |out, checksum| checksum.write(out));
        self.metadata.write(out);
        self.parts.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        let public_version = input.optional(|input| input.text(VERSION_ID_BYTES_MAX))?;
        let holder = read_holder(input)?;
        let last_modified_ms = input.i64()?;
        let length = read_length(input)?;
        let etag = input.text(ETAG_BYTES_MAX)?;
        let checksum = input.optional(Checksum::read)?;
        let metadata = ObjectMetadata::read(input)?;
        let parts = PartList::read(input)?;
        Ok(Self {
            public_version,
            holder,
            last_modified_ms,
            length,
            etag,
            checksum,
            metadata,
            parts,
        })
    }
}

impl Record for UploadFacts {
    const BYTES_MAX: usize = FIXED_BYTES_MAX + METADATA_BYTES_MAX + 8 * USER_ENTRIES_MAX;

    fn write(&self, out: &mut Writer<'_>) {
        out.u8(self.holder as u8);
        self.metadata.write(out);
        out.optional(self.checksum, |out, (algorithm, kind)| {
            out.u8(algorithm as u8);
            out.u8(kind as u8);
        });
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        let holder = read_holder(input)?;
        let metadata = ObjectMetadata::read(input)?;
        let checksum = input.optional(|input| Ok((read_algorithm(input)?, read_kind(input)?)))?;
        Ok(Self { holder, metadata, checksum })
    }
}

impl Record for CompletionFacts {
    const BYTES_MAX: usize = FIXED_BYTES_MAX + VERSION_ID_BYTES_MAX;

    fn write(&self, out: &mut Writer<'_>) {
        assert!(matches!(self.parts, PartList::Manifest { .. }), "a completion has a manifest");
        out.optional(self.public_version.as_deref(), |out, id| out.text(id, VERSION_ID_BYTES_MAX));
        out.i64(self.last_modified_ms);
        assert!(self.length <= OBJECT_BYTES_MAX, "an object keeps its limit");
        out.u64(self.length);
        out.text(&self.etag, ETAG_BYTES_MAX);
        self.parts.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        let public_version = input.optional(|input| input.text(VERSION_ID_BYTES_MAX))?;
        let last_modified_ms = input.i64()?;
        let length = read_length(input)?;
        let etag = input.text(ETAG_BYTES_MAX)?;
        let parts = PartList::read(input)?;
        if matches!(parts, PartList::Whole { .. }) {
            return Err(Damaged("a completion has no manifest"));
        }
        Ok(Self { public_version, last_modified_ms, length, etag, parts })
    }
}

impl Record for PartFacts {
    const BYTES_MAX: usize = FIXED_BYTES_MAX;

    fn write(&self, out: &mut Writer<'_>) {
        self.outline.write(out);
        out.optional(self.checksum.as_ref(), |out, checksum| checksum.write(out));
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        let outline = PartOutline::read(input)?;
        let checksum = input.optional(Checksum::read)?;
        Ok(Self { outline, checksum })
    }
}

impl PartOutline {
    /// Appends the canonical encoding: what the outline MAC and the manifest digest are over.
    pub(crate) fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(RECORD_VERSION);
        self.write(&mut Writer(out));
    }

    fn write(&self, out: &mut Writer<'_>) {
        assert!((1..=PARTS_MAX).contains(&self.number), "a part number keeps its limit");
        assert!(self.length <= OBJECT_BYTES_MAX, "a part keeps its limit");
        out.u32(self.number);
        out.fixed(&self.header.encode());
        out.u64(self.length);
        out.text(&self.etag, ETAG_BYTES_MAX);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        let number = input.u32()?;
        if !(1..=PARTS_MAX).contains(&number) {
            return Err(Damaged("a part number is out of its range"));
        }
        let header = read_header(input)?;
        let length = read_length(input)?;
        let etag = input.text(ETAG_BYTES_MAX)?;
        Ok(Self { number, header, length, etag })
    }
}

impl Checksum {
    fn write(&self, out: &mut Writer<'_>) {
        assert_eq!(self.value.len(), self.algorithm.value_bytes(), "a checksum has its length");
        assert!(self.has_possible_parts(), "only a composite checksum counts parts");
        out.u8(self.algorithm as u8);
        out.u8(self.kind as u8);
        out.u32(self.parts);
        out.fixed(&self.value);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        let algorithm = read_algorithm(input)?;
        let kind = read_kind(input)?;
        let parts = input.u32()?;
        let value = input.bytes(algorithm.value_bytes())?.to_vec();
        let checksum = Self { algorithm, kind, value, parts };
        if checksum.has_possible_parts() {
            Ok(checksum)
        } else {
            Err(Damaged("a checksum's part count is impossible"))
        }
    }

    fn has_possible_parts(&self) -> bool {
        match self.kind {
            ChecksumKind::FullObject => self.parts == 0,
            ChecksumKind::Composite => self.parts <= PARTS_MAX,
        }
    }
}

impl ObjectMetadata {
    fn write(&self, out: &mut Writer<'_>) {
        for text in self.texts() {
            out.optional(text.as_deref(), |out, text| out.text(text, TEXT_BYTES_MAX));
        }
        assert!(self.user.len() <= USER_ENTRIES_MAX, "user metadata keeps its limit");
        out.count(self.user.len());
        for (name, value) in &self.user {
            out.text(name, TEXT_BYTES_MAX);
            out.text(value, TEXT_BYTES_MAX);
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        let text = |input: &mut Reader<'_>| input.optional(|input| input.text(TEXT_BYTES_MAX));
        Ok(Self {
            content_type: text(input)?,
            content_encoding: text(input)?,
            content_disposition: text(input)?,
            content_language: text(input)?,
            cache_control: text(input)?,
            expires: text(input)?,
            website_redirect: text(input)?,
            user: (0..input.count(USER_ENTRIES_MAX)?)
                .map(|_| Ok((input.text(TEXT_BYTES_MAX)?, input.text(TEXT_BYTES_MAX)?)))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl PartList {
    fn write(&self, out: &mut Writer<'_>) {
        assert!(self.is_possible(), "a part list keeps its limits");
        match self {
            Self::Whole { header, number } => {
                out.u8(WHOLE);
                out.fixed(&header.encode());
                out.u32(*number);
            }
            Self::Manifest { count, records } => {
                out.u8(MANIFEST);
                out.u32(*count);
                // Their number follows from the count.
                for record in records {
                    out.u64(record.start);
                    out.fixed(&record.digest);
                }
            }
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, Damaged> {
        let list = match input.u8()? {
            WHOLE => Self::Whole { header: read_header(input)?, number: input.u32()? },
            MANIFEST => {
                let count = input.u32()?.min(PARTS_MAX + 1);
                let records = (0..count.div_ceil(PARTS_PER_DIGEST))
                    .map(|_| Ok(ManifestDigest { start: input.u64()?, digest: input.fixed()? }))
                    .collect::<Result<_, Damaged>>()?;
                Self::Manifest { count, records }
            }
            _ => return Err(Damaged("a part list's kind is unknown")),
        };
        if list.is_possible() { Ok(list) } else { Err(Damaged("a part list is impossible")) }
    }

    /// Part numbers and counts in S3's range; one digest per 1,000 parts, whose offsets begin at 0
    /// and never fall.
    fn is_possible(&self) -> bool {
        match self {
            Self::Whole { number, .. } => *number <= PARTS_MAX,
            Self::Manifest { count, records } => {
                (1..=PARTS_MAX).contains(count)
                    && records.len() == count.div_ceil(PARTS_PER_DIGEST) as usize
                    && records[0].start == 0
                    && records.is_sorted_by_key(|record| record.start)
                    && records.iter().all(|record| record.start <= OBJECT_BYTES_MAX)
            }
        }
    }
}

fn read_holder(input: &mut Reader<'_>) -> Result<HolderKind, Damaged> {
    HolderKind::from_byte(input.u8()?).ok_or(Damaged("a kind of holder is unknown"))
}

fn read_length(input: &mut Reader<'_>) -> Result<u64, Damaged> {
    let length = input.u64()?;
    if length > OBJECT_BYTES_MAX { Err(Damaged("a length is above its limit")) } else { Ok(length) }
}

fn read_header(input: &mut Reader<'_>) -> Result<PartHeader, Damaged> {
    PartHeader::decode(input.bytes(PART_HEADER_BYTES)?)
}

fn read_algorithm(input: &mut Reader<'_>) -> Result<ChecksumAlgorithm, Damaged> {
    Ok(match input.u8()? {
        1 => ChecksumAlgorithm::Crc32,
        2 => ChecksumAlgorithm::Crc32c,
        3 => ChecksumAlgorithm::Crc64Nvme,
        4 => ChecksumAlgorithm::Sha1,
        5 => ChecksumAlgorithm::Sha256,
        _ => return Err(Damaged("a checksum algorithm is unknown")),
    })
}

fn read_kind(input: &mut Reader<'_>) -> Result<ChecksumKind, Damaged> {
    Ok(match input.u8()? {
        1 => ChecksumKind::FullObject,
        2 => ChecksumKind::Composite,
        _ => return Err(Damaged("a kind of checksum is unknown")),
    })
}
