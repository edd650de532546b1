//! The canonical request, and the string to sign over it.
//!
//! Guarantees: the request that is checked is never written down. It flows through a wiped buffer of
//! fixed size into SHA-256, since its headers and query may hold customer keys. The text that an error
//! document shows is made separately, with every customer key and its MD5 left out.
//!
//! Does not: decide which headers must be signed; `coverage` does.
//!
//! Follows the S3 API reference, "Authenticating Requests: Using the Authorization Header".

use aws_lc_rs::digest::{self, SHA256};
use http::HeaderMap;
use zeroize::Zeroize;

use super::RequestHead;
use super::encoding::{self, canonical, is_canonical};
use crate::limits::SIGNED_TEXT_BYTES_SHOWN;

/// What the names of customer keys and of their MD5s have in common.
const CUSTOMER_SECRET: &[u8] = b"-server-side-encryption-customer-key";

/// What stands for a customer key or its MD5 in texts.
const REDACTED: &[u8] = b"[redacted]";

/// The canonical form of one request under one list of signed headers.
#[derive(Clone, Copy)]
pub(super) struct CanonicalRequest<'a> {
    pub(super) head: &'a RequestHead<'a>,
    /// Whether the signature is in the query, and to be left out of it.
    pub(super) presigned: bool,
    /// `host;x-amz-date`, in the client's order.
    pub(super) signed_headers: &'a str,
    /// What the client put in the place of the payload's hash.
    pub(super) payload: &'a str,
}

impl CanonicalRequest<'_> {
    /// Its SHA-256.
    pub(super) fn hash(&self) -> [u8; 32] {
        let mut sink = HashSink::new();
        self.write(&mut sink);
        sink.finish()
    }

    /// Its text, redacted; `None` if that is too long to be shown.
    pub(super) fn redacted(&self) -> Option<String> {
        let mut sink = TextSink::default();
        self.write(&mut sink);
        sink.text()
    }

    fn write(&self, sink: &mut impl Sink) {
        sink.put(self.head.method.as_bytes());
        sink.put(b"\n");
        self.write_path(sink);
        sink.put(b"\n");
        self.write_query(sink);
        sink.put(b"\n");
        for name in encoding::pieces(self.signed_headers, b';') {
            self.write_header(name, sink);
        }
        sink.put(b"\n");
        sink.put(self.signed_headers.as_bytes());
        sink.put(b"\n");
        sink.put(self.payload.as_bytes());
    }

    fn write_path(&self, sink: &mut impl Sink) {
        if self.head.path.is_empty() {
            sink.put(b"/");
        }
        let path = self.head.path.as_bytes();
        if path.split(|byte| *byte == b'/').all(is_canonical) {
            return sink.put(path);
        }
        for part in encoding::canonical_path(path) {
            sink.put(part);
        }
    }

    /// Pairs in the order of their encoded names, then of their encoded values.
    fn write_query(&self, sink: &mut impl Sink) {
        let mut pairs: Vec<(&[u8], &[u8])> = query_pairs(self.head.query)
            .filter(|(name, _)| !(self.presigned && *name == "X-Amz-Signature"))
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        if pairs.iter().all(|(name, value)| is_canonical(name) && is_canonical(value)) {
            pairs.sort_unstable();
        } else {
            pairs.sort_by(|a, b| {
                canonical(a.0).cmp(canonical(b.0)).then_with(|| canonical(a.1).cmp(canonical(b.1)))
            });
        }
        for (index, (name, value)) in pairs.into_iter().enumerate() {
            if index > 0 {
                sink.put(b"&");
            }
            put_encoded(name, sink);
            sink.put(b"=");
            // What is escaped is longer than what it says, so a short name is none of them.
            if name.len() >= CUSTOMER_SECRET.len() && is_customer_secret(encoding::decode(name)) {
                sink.put_secret(canonical(value));
            } else {
                put_encoded(value, sink);
            }
        }
    }

    fn write_header(&self, name: &str, sink: &mut impl Sink) {
        sink.put(name.as_bytes());
        sink.put(b":");
        if name == "host" {
            sink.put(self.head.host.as_bytes());
        } else {
            write_values(self.head.headers, name, sink);
        }
        sink.put(b"\n");
    }
}

/// A name or value of a query in its canonical form: at one go if it is in it.
fn put_encoded(raw: &[u8], sink: &mut impl Sink) {
    match is_canonical(raw) {
        true => sink.put(raw),
        false => encoding::decode(raw).for_each(|byte| sink.put(encoding::encode(byte))),
    }
}

/// A repeated header is one, its values joined by commas. An absent one has the empty value, so
/// that a signature over it holds only while it stays absent.
fn write_values(headers: &HeaderMap, name: &str, sink: &mut impl Sink) {
    let secret = name.len() > CUSTOMER_SECRET.len() && is_customer_secret(name.bytes());
    for (index, value) in headers.get_all(name).iter().enumerate() {
        if index > 0 {
            sink.put(b",");
        }
        if secret {
            sink.put_secret(collapsed(value.as_bytes()));
        } else if value.as_bytes().windows(2).any(|pair| pair == b"  ") {
            collapsed(value.as_bytes()).for_each(|byte| sink.put(&[byte]));
        } else {
            sink.put(value.as_bytes().trim_ascii());
        }
    }
}

/// A value without outer spaces and with one space for several.
fn collapsed(value: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let value = value.trim_ascii();
    let mut before = 0;
    value.iter().copied().filter(move |byte| {
        let repeated = *byte == b' ' && before == b' ';
        before = *byte;
        !repeated
    })
}

/// The raw names and values of a query. A name without `=` has the empty value.
pub(super) fn query_pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    encoding::pieces(query, b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = encoding::cut(pair, b'=');
        (name, value.unwrap_or_default())
    })
}

/// Whether a name, in any case, is that of a customer key or of its MD5: the trio's, the source
/// trio's, with any vendor's prefix.
pub(crate) fn is_customer_secret(name: impl Iterator<Item = u8>) -> bool {
    // The longest such name has 63 bytes.
    let mut lower = [0; 80];
    let mut length = 0;
    for byte in name {
        if length == lower.len() {
            return true; // longer than any name we know: better left out than shown
        }
        lower[length] = byte.to_ascii_lowercase();
        length += 1;
    }
    lower[..length].windows(CUSTOMER_SECRET.len()).any(|part| part == CUSTOMER_SECRET)
}

/// Where a canonical request flows.
pub(super) trait Sink {
    /// Bytes that may be shown.
    fn put(&mut self, bytes: &[u8]);
    /// A customer key or its MD5.
    fn put_secret(&mut self, bytes: impl Iterator<Item = u8>);
}

/// Into SHA-256, many small pieces at a time: calls into the digest are dearer than copies.
struct HashSink {
    context: digest::Context,
    buffer: [u8; 512],
    used: usize,
}

impl HashSink {
    fn new() -> Self {
        Self { context: digest::Context::new(&SHA256), buffer: [0; 512], used: 0 }
    }

    fn flush(&mut self) {
        self.context.update(&self.buffer[..self.used]);
        self.used = 0;
    }

    fn finish(mut self) -> [u8; 32] {
        self.flush();
        let context = std::mem::replace(&mut self.context, digest::Context::new(&SHA256));
        context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
}

impl Drop for HashSink {
    fn drop(&mut self) {
        self.buffer.zeroize();
    }
}

impl Sink for HashSink {
    fn put(&mut self, mut bytes: &[u8]) {
        while self.used + bytes.len() > self.buffer.len() {
            let (now, later) = bytes.split_at(self.buffer.len() - self.used);
            self.buffer[self.used..].copy_from_slice(now);
            self.used = self.buffer.len();
            self.flush();
            bytes = later;
        }
        self.buffer[self.used..self.used + bytes.len()].copy_from_slice(bytes);
        self.used += bytes.len();
    }

    fn put_secret(&mut self, bytes: impl Iterator<Item = u8>) {
        for byte in bytes {
            self.put(&[byte]);
        }
    }
}

/// Into a text that may be shown, up to [`SIGNED_TEXT_BYTES_SHOWN`].
#[derive(Default)]
pub(super) struct TextSink {
    text: Vec<u8>,
    overflowed: bool,
}

impl TextSink {
    /// The text; `None` if it is too long.
    pub(super) fn text(&self) -> Option<String> {
        (!self.overflowed).then(|| String::from_utf8_lossy(&self.text).into_owned())
    }
}

impl Sink for TextSink {
    fn put(&mut self, bytes: &[u8]) {
        self.overflowed |= bytes.len() > SIGNED_TEXT_BYTES_SHOWN - self.text.len();
        if !self.overflowed {
            self.text.extend_from_slice(bytes);
        }
    }

    fn put_secret(&mut self, _: impl Iterator<Item = u8>) {
        self.put(REDACTED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const KEY: &str = "x-amz-server-side-encryption-customer-key";

    #[test]
    fn the_hash_is_that_of_the_text() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-amz-meta-a", "  a   b  "), ("x-amz-meta-a", "c")] {
            headers.append(name, HeaderValue::from_static(value));
        }
        // Longer than the buffer, so that it is flushed in the middle.
        let path = format!("/{}", "é/".repeat(700));
        let head = RequestHead {
            method: "GET",
            path: &path,
            query: "b=2&a=%7E&a=%20&versionId&X-Amz-Signature=f00",
            host: "h",
            headers: &headers,
        };
        let request = CanonicalRequest {
            head: &head,
            presigned: true,
            signed_headers: "host;x-amz-meta-a;x-amz-meta-b",
            payload: "UNSIGNED-PAYLOAD",
        };
        let expected = format!(
            "GET\n/{}\na=%20&a=~&b=2&versionId=\nhost:h\nx-amz-meta-a:a b,c\nx-amz-meta-b:\n\nhost;x-amz-meta-a;x-amz-meta-b\nUNSIGNED-PAYLOAD",
            "%C3%A9/".repeat(700)
        );
        assert_eq!(request.redacted().unwrap(), expected);
        let digest = digest::digest(&SHA256, expected.as_bytes());
        assert_eq!(request.hash().as_slice(), digest.as_ref());
    }

    #[test]
    fn no_customer_key_is_in_the_text() {
        let secret = "K0+/yQHJcx5CgotqScZJqhfJ8hpfw4leiB3Bzyo8HSo=";
        let mut headers = HeaderMap::new();
        let source = "x-amz-copy-source-server-side-encryption-customer-key-md5";
        headers.insert(KEY, HeaderValue::from_static(secret));
        headers.insert(source, HeaderValue::from_static("I0aPuXuw4REDJuP1fw07QQ=="));
        let query = "X-Amz-Server-Side-Encryption-Customer-Ke%79=K0%2B/yQHJ&x-obs-server-side-encryption-customer-key=K0zz";
        let head = RequestHead { method: "GET", path: "/", query, host: "h", headers: &headers };
        let signed_headers = format!("host;{source};{KEY}");
        let request = CanonicalRequest {
            head: &head,
            presigned: false,
            signed_headers: &signed_headers,
            payload: "UNSIGNED-PAYLOAD",
        };
        let text = request.redacted().unwrap();
        assert!(!text.contains("K0") && !text.contains("I0aP"), "{text}");
        assert_eq!(text.matches("[redacted]").count(), 4);
        assert_ne!(request.hash().as_slice(), digest::digest(&SHA256, text.as_bytes()).as_ref());
    }

    #[test]
    fn a_text_too_long_is_not_shown() {
        for (length, shown) in
            [(SIGNED_TEXT_BYTES_SHOWN, true), (SIGNED_TEXT_BYTES_SHOWN + 1, false)]
        {
            let mut sink = TextSink::default();
            for _ in 0..length {
                sink.put(b"a");
            }
            sink.put(b"");
            assert_eq!(sink.text().is_some(), shown, "{length}");
        }
    }

    #[test]
    fn names_of_secrets_are_known_in_any_case() {
        assert!(is_customer_secret(KEY.to_uppercase().bytes()));
        assert!(is_customer_secret(format!("{KEY}-MD5").bytes()));
        assert!(!is_customer_secret("x-amz-server-side-encryption-customer-algorithm".bytes()));
        assert!(is_customer_secret("x".repeat(81).bytes()));
    }
}
