//! The headers that describe an object.
//!
//! Guarantees: an SSE-C object is answered with its algorithm and the key's MD5, never with
//! `x-amz-server-side-encryption`; every other object with `x-amz-server-side-encryption: AES256`. That
//! is AWS's way; `CustomerKeyHeaders::echoed` makes of it what the profile and the spelling want.
//! Does not: decide on status, length and range; GetObject does.

use http::header;
use object_engine::model::{
    Bucket, ETag, LegalHold, PublicVersion, Retention, StoredObject, Versioning,
};
use sealed_format::{Checksum, KeyMd5, ObjectMetadata};

use super::{Answer, time};
use crate::request::{
    checksum::shown, customer_key, metadata::USER_PREFIX, object_lock, stored::STANDARD,
};

/// `x-amz-version-id`.
pub const VERSION_ID: &str = "x-amz-version-id";
/// `x-amz-delete-marker`.
pub const DELETE_MARKER: &str = "x-amz-delete-marker";

/// An ETag in its quotes.
pub fn quoted(etag: &ETag) -> String {
    format!("\"{}\"", etag.0)
}

/// A version's name as headers show it, in a bucket that has versions.
pub fn version_id(bucket: &Bucket, public: PublicVersion) -> Option<String> {
    (bucket.versioning != Versioning::Unversioned).then(|| version_name(public))
}

/// A version's name: its id, or `null`.
pub fn version_name(public: PublicVersion) -> String {
    public.map_or_else(|| "null".to_owned(), |id| id.to_string())
}

impl Answer {
    /// How the object is encrypted: with the customer's key of this MD5, or with the server's.
    #[must_use]
    pub fn encryption(self, md5: Option<&KeyMd5>) -> Self {
        match md5 {
            Some(md5) => self
                .header(customer_key::ALGORITHM, "AES256")
                .header(customer_key::KEY_MD5, md5.to_base64()),
            None => self.header("x-amz-server-side-encryption", "AES256"),
        }
    }

    /// `x-amz-checksum-*` and its type.
    #[must_use]
    pub fn checksum(self, checksum: Option<&Checksum>) -> Self {
        let Some(checksum) = checksum.map(shown) else { return self };
        self.header(checksum.algorithm.header_name(), checksum.text())
            .header("x-amz-checksum-type", checksum.kind.name())
    }

    /// `ETag`.
    #[must_use]
    pub fn etag(self, etag: &ETag) -> Self {
        self.header(header::ETAG, quoted(etag))
    }

    /// What the catalog shows of an object beside its metadata.
    #[must_use]
    pub fn stored(self, object: &StoredObject) -> Self {
        let class = (object.storage_class != STANDARD).then_some(&object.storage_class);
        let tags =
            (!object.attached.tags.is_empty()).then(|| object.attached.tags.len().to_string());
        self.header_if("x-amz-storage-class", class).header_if("x-amz-tagging-count", tags)
    }

    /// `x-amz-object-lock-*`.
    #[must_use]
    pub fn lock(self, retention: Option<Retention>, hold: Option<LegalHold>) -> Self {
        let mode = retention.map(|retention| object_lock::mode_name(retention.mode));
        let until = retention.map(|retention| time::precise(retention.until));
        self.header_if(object_lock::MODE, mode)
            .header_if(object_lock::RETAIN_UNTIL, until)
            .header_if(object_lock::LEGAL_HOLD, hold.map(object_lock::legal_hold_name))
    }

    /// `Content-*` and user metadata.
    #[must_use]
    pub fn metadata(self, metadata: &ObjectMetadata) -> Self {
        let content_type = metadata.content_type.as_deref().unwrap_or("binary/octet-stream");
        let mut answer = self
            .header(header::CONTENT_TYPE, content_type)
            .header_if(header::CONTENT_ENCODING, metadata.content_encoding.as_ref())
            .header_if(header::CONTENT_DISPOSITION, metadata.content_disposition.as_ref())
            .header_if(header::CONTENT_LANGUAGE, metadata.content_language.as_ref())
            .header_if(header::CACHE_CONTROL, metadata.cache_control.as_ref())
            .header_if(header::EXPIRES, metadata.expires.as_ref())
            .header_if("x-amz-website-redirect-location", metadata.website_redirect.as_ref());
        for (name, value) in &metadata.user {
            answer = answer.header(format!("{USER_PREFIX}{name}"), value);
        }
        answer
    }
}
