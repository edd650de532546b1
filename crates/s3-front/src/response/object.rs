//! The headers that describe an object.
//!
//! Guarantees: an SSE-C object is answered with its algorithm and the key's MD5, never with
//! `x-amz-server-side-encryption`; every other object with `x-amz-server-side-encryption`: `aws:kms` and
//! the key's name where a named key holds it, else `AES256`. That is AWS's way; `CustomerKeyHeaders::echoed` makes of it what the profile and the spelling want.
//! Does not: decide on status, length and range; GetObject does.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use http::{HeaderName, HeaderValue, header};
use object_engine::model::{
    Bucket, ETag, Holder, LegalHold, PublicVersion, Retention, StoredObject, Versioning,
};
use sealed_format::{Checksum, KeyMd5, ObjectMetadata};
use sealed_store::EncryptionContext;

use super::{Answer, time};
use crate::request::{
    checksum::shown,
    customer_key,
    encryption::{BUCKET_KEY, CONTEXT, KMS_KEY_ID, SSE},
    metadata::USER_PREFIX,
    object_lock,
    stored::STANDARD,
};

/// `x-amz-version-id`.
pub const VERSION_ID: &str = "x-amz-version-id";
/// `x-amz-delete-marker`.
pub const DELETE_MARKER: &str = "x-amz-delete-marker";

const KEY_ALGORITHM: HeaderName = HeaderName::from_static(customer_key::ALGORITHM);
const KEY_MD5: HeaderName = HeaderName::from_static(customer_key::KEY_MD5);

/// An ETag in its quotes.
pub fn quoted(etag: &ETag) -> String {
    ["\"", &etag.0, "\""].concat()
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
                .constant(KEY_ALGORITHM, HeaderValue::from_static("AES256"))
                .text(KEY_MD5, md5.to_base64()),
            None => self.header(SSE, "AES256"),
        }
    }

    /// That a named key seals the object, and whether a Bucket Key was asked for.
    #[must_use]
    pub fn kms(self, key: &str, bucket_key: bool) -> Self {
        self.header(SSE, "aws:kms")
            .header(KMS_KEY_ID, key)
            .header_if(BUCKET_KEY, bucket_key.then_some("true"))
    }

    /// The encryption context that a write gave, in base64 of JSON.
    #[must_use]
    pub fn kms_context(self, context: &EncryptionContext) -> Self {
        // Maps of strings are always JSON.
        let json = serde_json::to_vec(context).ok().filter(|_| !context.is_empty());
        self.header_if(CONTEXT, json.map(|json| BASE64.encode(json)))
    }

    /// How a stored object or upload is encrypted; `md5` is that of the key that opened it.
    #[must_use]
    pub fn held_by(self, holder: &Holder, md5: Option<&KeyMd5>) -> Self {
        match holder {
            Holder::Kms(kms) => self.kms(&kms.key, kms.bucket_key),
            Holder::Customer | Holder::Server => self.encryption(md5),
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
        self.text(header::ETAG, quoted(etag))
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
