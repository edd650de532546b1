//! The URL of an object, as answers tell it to who made the object.
//!
//! Guarantees: what the client asked under (scheme, host and port, the bucket in the path or in the host's
//! name), with the key behind it, escaped.
//! Does not: tell a caller what it could not know.

use http::header;
use object_engine::model::{BucketName, ObjectKey};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::service::Call;

/// What a URL's path and query keep unescaped. S3 escapes the slashes of a key here too.
pub(super) const URL: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The object's URL. A bucket that is not in the request's path is in the host's name.
pub(super) fn location(call: &Call<'_>, bucket: Option<&BucketName>, key: &ObjectKey) -> String {
    let scheme = if call.connection.secure { "https" } else { "http" };
    let host = call.head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or(call.head.host.as_deref()).unwrap_or_default();
    let bucket = bucket.map(|bucket| format!("{}/", bucket.as_str())).unwrap_or_default();
    format!("{scheme}://{host}/{bucket}{}", utf8_percent_encode(key.as_str(), URL))
}

/// The URL of the object that the request's own path names.
pub(super) fn of_target(call: &Call<'_>, bucket: &BucketName, key: &ObjectKey) -> String {
    let path = call.head.path.strip_prefix('/').unwrap_or(&call.head.path);
    let is_key_alone = percent_decode_str(path).eq(key.as_str().bytes());
    location(call, Some(bucket).filter(|_| !is_key_alone), key)
}
