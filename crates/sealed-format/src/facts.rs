//! What is sealed beside the bodies: facts about versions, uploads, completions and parts.
//!
//! Guarantees: values here are plain data with one canonical encoding each ([`Record`]); `Debug`
//! prints counts and lengths, never metadata, ETags or checksums; every limit that a client could
//! push is a constant in this module, held both when sealing (a mistake of the caller) and when
//! opening (damage).
//!
//! Does not do: S3's own validation. What a client sent was judged before it came here.

use std::fmt;

use crate::HolderKind;
use crate::body::PartHeader;

mod encoding;
mod records;
#[cfg(test)]
mod tests;

pub(crate) use records::Record;

/// The parts of one object: S3's own limit.
pub const PARTS_MAX: u32 = 10_000;
/// The parts behind one manifest digest, so that a range read loads one run of records and not all
/// of them.
pub const PARTS_PER_DIGEST: u32 = 1_000;
/// The longest object: 10,000 parts of 5 GiB, which S3 announces as 50 TB.
pub const OBJECT_BYTES_MAX: u64 = 10_000 * (5 << 30);
/// The longest ETag: 32 hex digits, a hyphen and a part count need 38.
pub const ETAG_BYTES_MAX: usize = 64;
/// The longest public version id: S3's own limit.
pub const VERSION_ID_BYTES_MAX: usize = 1_024;
/// The longest single metadata text: nothing passes the header block's limit of 64 KiB.
pub const TEXT_BYTES_MAX: usize = 65_536;
/// The entries of user metadata: a header block of 64 KiB has no room for more.
pub const USER_ENTRIES_MAX: usize = 4_096;
/// All of one version's metadata text: the header block again.
pub const METADATA_BYTES_MAX: usize = 65_536;

/// The checksum algorithms of S3. The numbers are on disk.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChecksumAlgorithm {
    /// CRC-32 (ISO-HDLC), 4 bytes.
    Crc32 = 1,
    /// CRC-32C (iSCSI), 4 bytes.
    Crc32c = 2,
    /// CRC-64/NVME, 8 bytes.
    Crc64Nvme = 3,
    /// SHA-1, 20 bytes.
    Sha1 = 4,
    /// SHA-256, 32 bytes.
    Sha256 = 5,
}

impl ChecksumAlgorithm {
    /// The length of a value in bytes.
    pub fn value_bytes(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

/// What a checksum is over. The numbers are on disk.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChecksumKind {
    /// Over the plaintext.
    FullObject = 1,
    /// Over the concatenated checksums of the parts.
    Composite = 2,
}

/// A checksum of plaintext. It tells about the plaintext, so it is sealed and `Debug` hides its
/// value.
#[derive(Clone, PartialEq, Eq)]
pub struct Checksum {
    /// The algorithm.
    pub algorithm: ChecksumAlgorithm,
    /// What it is over.
    pub kind: ChecksumKind,
    /// Raw bytes, as many as the algorithm has.
    pub value: Vec<u8>,
    /// The number of parts of a composite checksum, else 0.
    pub parts: u32,
}

/// The metadata that a client gave with an object.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ObjectMetadata {
    /// `Content-Type`
    pub content_type: Option<String>,
    /// `Content-Encoding`
    pub content_encoding: Option<String>,
    /// `Content-Disposition`
    pub content_disposition: Option<String>,
    /// `Content-Language`
    pub content_language: Option<String>,
    /// `Cache-Control`
    pub cache_control: Option<String>,
    /// `Expires`, as the client wrote it.
    pub expires: Option<String>,
    /// `x-amz-website-redirect-location`
    pub website_redirect: Option<String>,
    /// User metadata: names without `x-amz-meta-`, lower case, in the client's order.
    pub user: Vec<(String, String)>,
}

impl ObjectMetadata {
    /// The seven fixed fields in their order on disk.
    fn texts(&self) -> [&Option<String>; 7] {
        [
            &self.content_type,
            &self.content_encoding,
            &self.content_disposition,
            &self.content_language,
            &self.cache_control,
            &self.expires,
            &self.website_redirect,
        ]
    }
}

/// Where a version's bytes are and how they open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartList {
    /// One part, sealed whole.
    Whole {
        /// The part's header.
        header: PartHeader,
        /// The part number that the body is bound to.
        number: u32,
    },
    /// The parts of a completed upload, as digests over runs of their outlines.
    Manifest {
        /// The number of parts.
        count: u32,
        /// One digest per 1,000 parts, in order.
        records: Vec<ManifestDigest>,
    },
}

/// The digest of one run of parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestDigest {
    /// The plaintext offset of the run's first part.
    pub start: u64,
    /// [`crate::manifest_digest`] of the run.
    pub digest: [u8; 32],
}

/// Everything about a version that a reader compares or answers.
#[derive(Clone, PartialEq, Eq)]
pub struct VersionFacts {
    /// The version id as the client sees it; `None` is the null version.
    pub public_version: Option<String>,
    /// Who holds the key.
    pub holder: HolderKind,
    /// Last-Modified in milliseconds since 1970.
    pub last_modified_ms: i64,
    /// The plaintext length.
    pub length: u64,
    /// The ETag, without quotes.
    pub etag: String,
    /// The checksum of the object, if it has one.
    pub checksum: Option<Checksum>,
    /// The client's metadata.
    pub metadata: ObjectMetadata,
    /// The body.
    pub parts: PartList,
}

/// What CreateMultipartUpload was given.
#[derive(Clone, PartialEq, Eq)]
pub struct UploadFacts {
    /// Who holds the key.
    pub holder: HolderKind,
    /// The client's metadata.
    pub metadata: ObjectMetadata,
    /// The checksum that the parts are to have, if one was chosen.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumKind)>,
}

/// What CompleteMultipartUpload decided.
#[derive(Clone, PartialEq, Eq)]
pub struct CompletionFacts {
    /// The version id as the client sees it; `None` is the null version.
    pub public_version: Option<String>,
    /// Last-Modified in milliseconds since 1970.
    pub last_modified_ms: i64,
    /// The plaintext length.
    pub length: u64,
    /// The ETag, without quotes.
    pub etag: String,
    /// The chosen parts: always a [`PartList::Manifest`].
    pub parts: PartList,
}

/// The checksum-free part of a part's record: what Complete needs, without a key.
#[derive(Clone, PartialEq, Eq)]
pub struct PartOutline {
    /// The part number, 1 to 10,000.
    pub number: u32,
    /// The header of the attempt.
    pub header: PartHeader,
    /// The plaintext length.
    pub length: u64,
    /// The part's ETag, without quotes.
    pub etag: String,
}

/// One part's record.
#[derive(Clone, PartialEq, Eq)]
pub struct PartFacts {
    /// What Complete needs.
    pub outline: PartOutline,
    /// The part's checksum, if it has one.
    pub checksum: Option<Checksum>,
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checksum({:?}, {:?}, {} parts)", self.algorithm, self.kind, self.parts)
    }
}

impl fmt::Debug for ObjectMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = self.texts().iter().filter(|text| text.is_some()).count();
        write!(f, "ObjectMetadata({texts} texts, {} user entries)", self.user.len())
    }
}

impl fmt::Debug for VersionFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VersionFacts")
            .field("holder", &self.holder)
            .field("length", &self.length)
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for UploadFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadFacts")
            .field("holder", &self.holder)
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CompletionFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompletionFacts").field("length", &self.length).finish_non_exhaustive()
    }
}

impl fmt::Debug for PartOutline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartOutline({}, {} bytes)", self.number, self.length)
    }
}

impl fmt::Debug for PartFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartFacts({:?})", self.outline)
    }
}
