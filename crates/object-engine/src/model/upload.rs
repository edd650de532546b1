//! Multipart uploads.
//!
//! Guarantees: a version's identity is drawn when its upload is created, so that parts can be sealed
//! for it. Does not: open any seal.

use bytes::Bytes;

use crate::{
    clock::Timestamp,
    model::{
        AccountId, Attached, BodyId, BucketUid, ETag, Holder, ObjectKey, StoredPart, UploadId,
        VersionUid, WriteCondition,
    },
};

/// An open upload, as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its id.
    pub id: UploadId,
    /// Its bucket.
    pub bucket: BucketUid,
    /// Its key.
    pub key: ObjectKey,
    /// The identity of the version it will become.
    pub version_uid: VersionUid,
    /// The identity of the body it will become.
    pub body_id: BodyId,
    /// Who began it; who will own the object.
    pub owner: AccountId,
    /// When.
    pub initiated: Timestamp,
    /// Whose key wraps it.
    pub holder: Holder,
    /// S3's storage-class name.
    pub storage_class: String,
    /// The checksum algorithm chosen at creation, and its type.
    pub checksum: Option<(String, String)>,
    /// The wrapped secrets; opaque here.
    pub envelope: Bytes,
    /// The metadata seal made at creation; opaque here.
    pub metadata_seal: Bytes,
    /// The completion key wrapped under the master key; opaque here; dropped at Complete.
    pub completion_key: Bytes,
    /// What will stand beside the object in clear.
    pub attached: Attached,
}

/// What creating an upload needs; the engine draws the id.
#[derive(Clone, Debug)]
pub struct NewUpload {
    /// Its key.
    pub key: ObjectKey,
    /// Drawn by the caller before sealing.
    pub version_uid: VersionUid,
    /// Drawn by the caller before sealing.
    pub body_id: BodyId,
    /// Who begins it.
    pub owner: AccountId,
    /// Whose key wraps it.
    pub holder: Holder,
    /// S3's storage-class name.
    pub storage_class: String,
    /// The checksum algorithm chosen, and its type.
    pub checksum: Option<(String, String)>,
    /// The wrapped secrets.
    pub envelope: Bytes,
    /// The metadata seal.
    pub metadata_seal: Bytes,
    /// The completion key, wrapped under the master key.
    pub completion_key: Bytes,
    /// What will stand beside the object in clear.
    pub attached: Attached,
}

/// A part as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadedPart {
    /// What is stored.
    pub part: StoredPart,
    /// When it was uploaded.
    pub last_modified: Timestamp,
    /// A MAC under the completion key over the checksum-free part of the record; opaque here.
    pub completion_mac: Bytes,
    /// The part's checksum as listings of a keyless upload show it, if the holder is the server.
    pub checksum: Option<String>,
}

/// One line of a Complete request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenPart {
    /// Part number.
    pub number: u32,
    /// The ETag the client got for it.
    pub etag: ETag,
}

/// What completing needs beside the upload.
#[derive(Clone, Debug)]
pub struct CompleteUpload {
    /// The chosen parts, in ascending order of number, resolved by [`crate::engine::ObjectEngine::parts`].
    pub parts: Vec<UploadedPart>,
    /// The whole object's ETag.
    pub etag: ETag,
    /// The whole object's plaintext bytes.
    pub size: u64,
    /// What must hold of the key.
    pub condition: WriteCondition,
    /// What stands beside the version: the upload's, and what its bucket gives new versions.
    pub attached: Attached,
}

/// What completing came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completed {
    /// The version is there.
    Done(crate::model::Assigned),
    /// The condition did not hold; the upload stays open.
    ConditionFailed,
    /// `If-Match` was asked of a key that has no object; the upload stays open.
    NoSuchKey,
    /// The upload is gone: aborted, completed or never there.
    NoSuchUpload,
    /// A chosen part was replaced since it was read; read the parts again.
    PartsChanged,
    /// The bucket is gone.
    NoSuchBucket,
}

/// What ListMultipartUploads asks.
#[derive(Clone, Debug, Default)]
pub struct ListUploads {
    /// Keys begin with this.
    pub prefix: String,
    /// Keys are rolled up after the prefix at the first of these.
    pub delimiter: Option<String>,
    /// After this key, or with `upload_id_marker`, after that upload of it.
    pub key_marker: Option<String>,
    /// After this upload of `key_marker`.
    pub upload_id_marker: Option<UploadId>,
    /// At most this many entries, 0 to 1,000.
    pub limit: usize,
}

/// A page of uploads: by key, then by time of creation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadPage {
    /// Uploads.
    pub uploads: Vec<Upload>,
    /// Common prefixes.
    pub common_prefixes: Vec<String>,
    /// If more follow: the key and upload to continue after.
    pub next: Option<(String, Option<UploadId>)>,
}
