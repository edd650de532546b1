//! The string that version 2 signs.
//!
//! Guarantees: it is never written down with a customer key in it. To be signed it flows into HMAC-SHA1;
//! the text that an error document shows is made separately, with keys and their MD5s left out. Two
//! requests that mean different things have different strings, given what `coverage` refuses: what a
//! parameter says is signed unless it is known to only narrow a listing, and no value can be read as
//! another parameter.
//!
//! Does not: follow redirects, or canonicalise the path; S3 signs it as it was sent.

use std::borrow::Cow;

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::super::RequestHead;
use super::super::canonical::{Sink, TextSink, is_customer_secret, query_pairs};
use super::super::encoding::{self, decode, decode_text};
use super::{PREFIX, once};

/// The headers that stand in the string without their names. In a query of version 2 they may stand as
/// parameters.
pub(super) const POSITIONAL: [&str; 2] = ["content-md5", "content-type"];

/// Parameters that are not signed: those that only narrow a listing or carry it on, the SDKs' own note
/// of the operation, and the signature itself. S3 lists the ones that are signed instead; to list these
/// means that a new sub-resource is signed from its first day.
const UNSIGNED: &[&str] = &[
    "AWSAccessKeyId",
    "Expires",
    "Signature",
    "bucket-region",
    "continuation-token",
    "delimiter",
    "encoding-type",
    "fetch-owner",
    "id",
    "key-marker",
    "list-type",
    "marker",
    "max-buckets",
    "max-keys",
    "max-parts",
    "max-uploads",
    "part-number-marker",
    "prefix",
    "start-after",
    "upload-id-marker",
    "version-id-marker",
    "x-id",
];

/// What is signed of one request.
#[derive(Clone, Copy)]
pub(super) struct StringToSign<'a> {
    pub(super) head: &'a RequestHead<'a>,
    /// Whether the signature is in the query.
    pub(super) presigned: bool,
    /// `Date`, or nothing, or `Expires`.
    pub(super) line: &'a str,
    /// The bucket that the host names.
    pub(super) bucket: Option<&'a str>,
    /// Whether a slash is put behind the path.
    pub(super) slash: bool,
}

impl StringToSign<'_> {
    /// Its HMAC-SHA1.
    pub(super) fn tag(&self, key: &hmac::Key) -> hmac::Tag {
        let mut sink = MacSink(hmac::Context::with_key(key));
        self.write(&mut sink);
        sink.0.sign()
    }

    /// Its text, redacted; `None` if that is too long to be shown.
    pub(super) fn redacted(&self) -> Option<String> {
        let mut sink = TextSink::default();
        self.write(&mut sink);
        sink.text()
    }

    /// Whether the path is `/bucket` and the host names none.
    pub(super) fn ends_with_bucket(&self) -> bool {
        let name = self.head.path.strip_prefix('/').unwrap_or_default();
        self.bucket.is_none() && !name.is_empty() && !name.contains('/')
    }

    fn write(&self, sink: &mut impl Sink) {
        sink.put(self.head.method.as_bytes());
        sink.put(b"\n");
        for name in POSITIONAL {
            self.write_positional(name, sink);
            sink.put(b"\n");
        }
        sink.put(self.line.as_bytes());
        sink.put(b"\n");
        self.write_amz_headers(sink);
        self.write_resource(sink);
    }

    fn write_positional(&self, name: &str, sink: &mut impl Sink) {
        if let Some(value) = self.head.headers.get(name) {
            sink.put(value.as_bytes().trim_ascii());
        } else if let Some(value) = self.presigned.then(|| once(self.head.query, name)).flatten() {
            sink.put(value.trim_ascii().as_bytes());
        }
    }

    /// `name:value`, in the order of the names. Headers that a presigner put into the query count as
    /// headers; `coverage` sees to it that no name is in both.
    fn write_amz_headers(&self, sink: &mut impl Sink) {
        let in_headers = self.head.headers.keys().map(|name| (Cow::Borrowed(name.as_str()), None));
        let in_query = query_pairs(self.head.query).filter_map(|(name, value)| {
            Some((decode_text(name)?.to_ascii_lowercase().into(), Some(value)))
        });
        let mut all: Vec<(Cow<'_, str>, Option<&str>)> =
            in_headers.chain(in_query).filter(|(name, _)| name.starts_with(PREFIX)).collect();
        all.sort();
        for (name, hoisted) in all {
            sink.put(name.as_bytes());
            sink.put(b":");
            let secret = is_customer_secret(name.bytes());
            match hoisted {
                Some(raw) => {
                    let mut value = Zeroizing::new(Vec::with_capacity(raw.len()));
                    value.extend(decode(raw.as_bytes()));
                    put(sink, value.trim_ascii(), secret);
                }
                None => self.write_values(&name, secret, sink),
            }
            sink.put(b"\n");
        }
    }

    /// A repeated header is one, its values joined by commas.
    fn write_values(&self, name: &str, secret: bool, sink: &mut impl Sink) {
        for (index, value) in self.head.headers.get_all(name).iter().enumerate() {
            if index > 0 {
                sink.put(b",");
            }
            put(sink, value.as_bytes().trim_ascii(), secret);
        }
    }

    fn write_resource(&self, sink: &mut impl Sink) {
        if let Some(bucket) = self.bucket {
            sink.put(b"/");
            sink.put(bucket.as_bytes());
        }
        let path = self.head.path;
        sink.put(if path.is_empty() { b"/" } else { path.as_bytes() });
        if self.slash {
            sink.put(b"/");
        }
        let mut parameters: Vec<(Vec<u8>, &str)> = query_pairs(self.head.query)
            .map(|(name, value)| (decode(name.as_bytes()).collect::<Vec<u8>>(), value))
            .filter(|(name, _)| self.is_signed(name))
            .collect();
        parameters.sort();
        for (index, (name, value)) in parameters.iter().enumerate() {
            sink.put(if index == 0 { b"?" } else { b"&" });
            name.iter().for_each(|byte| sink.put(encoding::encode(*byte)));
            if !value.is_empty() {
                sink.put(b"=");
                write_value(value, sink);
            }
        }
    }

    fn is_signed(&self, name: &[u8]) -> bool {
        let is = |other: &&str| name == other.as_bytes();
        let header = name
            .get(..PREFIX.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(PREFIX.as_bytes()));
        let is_positional = self.presigned && POSITIONAL.iter().any(is);
        !(header || is_positional || UNSIGNED.iter().any(is))
    }
}

/// A parameter's value, decoded, as S3 signs it. But an `&` after which the rest reads as a further
/// parameter is escaped: it would make one parameter with a long value and two with short ones the same
/// string. S3's documentation does not say what it does there.
fn write_value(raw: &str, sink: &mut impl Sink) {
    let value: Vec<u8> = decode(raw.as_bytes()).collect();
    for (at, byte) in value.iter().enumerate() {
        let escaped = *byte == b'&' && begins_parameter(&value[at + 1..]);
        sink.put(if escaped { b"%26" } else { std::slice::from_ref(byte) });
    }
}

/// Whether this begins with what can be a parameter's name, and the name ends as one.
fn begins_parameter(rest: &[u8]) -> bool {
    let end = rest.iter().position(|byte| matches!(byte, b'=' | b'&')).unwrap_or(rest.len());
    rest[..end].iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

fn put(sink: &mut impl Sink, value: &[u8], secret: bool) {
    if secret {
        sink.put_secret(value.iter().copied());
    } else {
        sink.put(value);
    }
}

/// Into HMAC-SHA1.
struct MacSink(hmac::Context);

impl Sink for MacSink {
    fn put(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn put_secret(&mut self, bytes: impl Iterator<Item = u8>) {
        for byte in bytes {
            self.0.update(&[byte]);
        }
    }
}
