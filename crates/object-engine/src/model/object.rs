//! Versions and what they are made of.
//!
//! Guarantees: everything that only the key's holder may see (metadata, checksums) is in `envelope`
//! and `seals`, opaque here; what is in clear is what listings show.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;

use crate::{
    blobs::BlobId,
    clock::Timestamp,
    model::{AccountId, Attached, BodyId, BucketUid, KmsHolder, ObjectKey, VersionId, VersionUid},
};

/// Who holds the key that wraps a version's secrets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// The customer (SSE-C).
    Customer,
    /// The server's master key (SSE-S3, and every object for which nothing was asked).
    Server,
    /// A named key of a key service (SSE-KMS).
    Kms(Box<KmsHolder>),
}

/// An entity tag without quotes: 32 hex digits, or those and `-N`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ETag(pub String);

/// Which version of a key is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionSelector {
    /// The newest.
    Latest,
    /// The null version.
    Null,
    /// The one with this id.
    Id(VersionId),
}

/// The name of a version as clients see it: `null` or its id.
pub type PublicVersion = Option<VersionId>;

/// Where one part's sealed bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the catalog, beside the record.
    Inline(Bytes),
    /// In a blob of this many stored bytes.
    Blob(BlobId, u64),
}

/// One part of a body, as stored. A body that was put whole is one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPart {
    /// S3's part number, 1 to 10,000; 1 for a body that was put whole.
    pub number: u32,
    /// Plaintext bytes.
    pub length: u64,
    /// Where the sealed bytes are.
    pub place: Place,
    /// The part's header (salt and commitment) as `sealed-format` encodes it; opaque here.
    pub header: Bytes,
    /// The part's ETag.
    pub etag: ETag,
    /// The part's sealed record (checksums and the rest); opaque here. Empty for a body put whole.
    pub seal: Bytes,
}

/// A body: the sealed bytes that one or more versions share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Put whole.
    Whole(StoredPart),
    /// Completed from parts: `parts` of them, read by [`crate::engine::ObjectEngine::manifest`].
    Parts {
        /// How many.
        parts: u32,
    },
}

/// A version that holds an object, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// Whose key wraps it.
    pub holder: Holder,
    /// Plaintext bytes of the whole body.
    pub size: u64,
    /// Its ETag.
    pub etag: ETag,
    /// S3's storage-class name.
    pub storage_class: String,
    /// The name of the checksum algorithm listings show (`CRC64NVME`...), and whether it is
    /// `FULL_OBJECT` or `COMPOSITE`.
    pub checksum: Option<(String, String)>,
    /// The wrapped secrets, as `sealed-format` encodes them; opaque here.
    pub envelope: Bytes,
    /// The seals (metadata, completion), in the order `sealed-store` gave them; opaque here.
    pub seals: Vec<Bytes>,
    /// What stands beside it in clear.
    pub attached: Attached,
    /// The body's identity.
    pub body_id: BodyId,
    /// The body.
    pub body: Body,
}

/// What a version is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionKind {
    /// An object.
    Object(Arc<StoredObject>),
    /// A delete marker.
    DeleteMarker,
}

/// One version of one key, as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its bucket.
    pub bucket: BucketUid,
    /// Its key.
    pub key: ObjectKey,
    /// Its secret-binding identity.
    pub uid: VersionUid,
    /// Its public name.
    pub public: PublicVersion,
    /// The per-key sequence that orders it (also of a null version).
    pub sequence: u64,
    /// When it was written; whole seconds are what HTTP shows.
    pub last_modified: Timestamp,
    /// Who owns it.
    pub owner: AccountId,
    /// Whether it is its key's newest.
    pub is_latest: bool,
    /// What it is.
    pub kind: VersionKind,
}

/// What a look-up of one version found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The object.
    Object(Version, Arc<StoredObject>),
    /// A delete marker stands there.
    DeleteMarker(Version),
    /// The key has no versions at all (selector `Latest`).
    NoSuchKey,
    /// The key has no such version.
    NoSuchVersion,
}

/// What must hold of a key's newest version for a write to take effect (If-Match, If-None-Match).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteCondition {
    /// `If-Match: "etag"`: the newest version is an object with one of these ETags; `*` as `Any`.
    pub if_match: Option<ETagCondition>,
    /// `If-None-Match`: the newest version is no object with one of these; `*` as `Any`.
    pub if_none_match: Option<ETagCondition>,
}

/// A set of ETags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ETagCondition {
    /// `*`.
    Any,
    /// These, without quotes.
    OneOf(Vec<ETag>),
}

/// What the engine assigned to a version in the swap of its key's head; sealed into the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// The public name.
    pub public: PublicVersion,
    /// The sequence.
    pub sequence: u64,
    /// The time written.
    pub last_modified: Timestamp,
}

/// A new version, to be published.
#[derive(Clone, Debug)]
pub struct NewVersion {
    /// Drawn by the caller before sealing.
    pub uid: VersionUid,
    /// Who will own it.
    pub owner: AccountId,
    /// The object; its `seals` are replaced by what the sealer returns.
    pub object: StoredObject,
    /// What must hold of the key.
    pub condition: WriteCondition,
}

/// What publishing came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// It is there.
    Done(Assigned),
    /// The condition did not hold (412 PreconditionFailed); the new body is given back for deletion by the engine.
    ConditionFailed,
    /// `If-Match` was asked of a key that has no object (404 NoSuchKey).
    NoSuchKey,
    /// The bucket is gone.
    NoSuchBucket,
}

/// What publishing a copy that shares its source's body came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublishedShared {
    /// It is there.
    Done(Assigned),
    /// The condition did not hold.
    ConditionFailed,
    /// `If-Match` was asked of a key that has no object.
    NoSuchKey,
    /// The bucket is gone.
    NoSuchBucket,
    /// The source version was deleted or replaced since it was read.
    SourceGone,
}

/// What a delete came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// Nothing was there to delete (S3 answers 204 all the same).
    Nothing,
    /// A delete marker was written, with this name.
    MarkerWritten(PublicVersion),
    /// This version was removed for good.
    Removed {
        /// Its name.
        public: PublicVersion,
        /// Whether it was a delete marker.
        was_marker: bool,
    },
    /// A condition did not hold.
    ConditionFailed,
    /// Retention or a legal hold keeps the version.
    Locked,
}

/// What ListObjects asks.
#[derive(Clone, Debug, Default)]
pub struct ListObjects {
    /// Keys begin with this.
    pub prefix: String,
    /// Keys are rolled up after the prefix at the first of these.
    pub delimiter: Option<String>,
    /// Only keys (and common prefixes) strictly after this.
    pub after: Option<String>,
    /// At most this many entries, 0 to 1,000.
    pub limit: usize,
}

/// One entry of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// An object.
    Object(ListedObject),
    /// Keys rolled up under this prefix.
    CommonPrefix(String),
}

/// What a listing shows of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedObject {
    /// Its key.
    pub key: String,
    /// Plaintext bytes.
    pub size: u64,
    /// ETag.
    pub etag: ETag,
    /// When it was written.
    pub last_modified: Timestamp,
    /// Storage class.
    pub storage_class: String,
    /// Who owns it.
    pub owner: AccountId,
    /// Checksum algorithm and type.
    pub checksum: Option<(String, String)>,
}

/// A page of a listing, in order of key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListPage {
    /// The entries.
    pub entries: Vec<Listed>,
    /// If more follow: the last entry's key or common prefix, to continue after.
    pub next_after: Option<String>,
}

/// What ListObjectVersions asks.
#[derive(Clone, Debug, Default)]
pub struct ListVersions {
    /// Keys begin with this.
    pub prefix: String,
    /// Keys are rolled up after the prefix at the first of these.
    pub delimiter: Option<String>,
    /// After this key, or with `version_marker`, after that version of it.
    pub key_marker: Option<String>,
    /// After this version of `key_marker` (`Some(None)` is the null version).
    pub version_marker: Option<PublicVersion>,
    /// At most this many entries, 0 to 1,000.
    pub limit: usize,
}

/// A page of versions: by key, then newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionPage {
    /// Versions and delete markers (objects' `envelope`, `seals` and body may be left empty), and prefixes.
    pub entries: Vec<ListedVersion>,
    /// If more follow: the key and version to continue after.
    pub next: Option<(String, Option<PublicVersion>)>,
}

/// One entry of a version listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListedVersion {
    /// A version or a delete marker.
    Version {
        /// What a listing shows; of a delete marker size 0 and an empty ETag.
        object: ListedObject,
        /// Its name.
        public: PublicVersion,
        /// Whether it is its key's newest.
        is_latest: bool,
        /// Whether it is a delete marker.
        is_marker: bool,
    },
    /// Keys rolled up under this prefix.
    CommonPrefix(String),
}

/// A slice of a body in terms of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartSlice {
    /// Index of the part in the body, from 0.
    pub index: u32,
    /// The part.
    pub part: StoredPart,
    /// Offset of the part's first plaintext byte in the body.
    pub start: u64,
    /// Plaintext bytes wanted of it, relative to the part.
    pub wanted: Range<u64>,
}
