//! The SSE-C trio: out of the head, parsed, and wiped.
//!
//! Guarantees: [`is_secret`] is the one list of the headers that carry keys; [`take`] is the one place
//! where they leave a request's head, and none of them is in it afterwards. What it took is wiped when
//! dropped. Nothing here prints, clones or compares a key.
//! Does not: decode keys (`sealed_format::KeyHeaders`) or check that each name stands there once
//! (`identity::authenticate`).

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, request::Parts};
use sealed_format::{CustomerKey, KeyHeaderError, KeyHeaders, KeyMd5, Md5Rule, PresentedKey};
use zeroize::Zeroizing;

use super::query::Query;
use crate::error::{S3Error, S3Result, sse_c};

/// `x-amz-server-side-encryption-customer-algorithm`.
pub const ALGORITHM: &str = "x-amz-server-side-encryption-customer-algorithm";
/// `x-amz-server-side-encryption-customer-key`.
pub const KEY: &str = "x-amz-server-side-encryption-customer-key";
/// `x-amz-server-side-encryption-customer-key-md5`.
pub const KEY_MD5: &str = "x-amz-server-side-encryption-customer-key-md5";

const TRIO: [&str; 3] = [ALGORITHM, KEY, KEY_MD5];
const SOURCE_TRIO: [&str; 3] = [
    "x-amz-copy-source-server-side-encryption-customer-algorithm",
    "x-amz-copy-source-server-side-encryption-customer-key",
    "x-amz-copy-source-server-side-encryption-customer-key-md5",
];

/// How the names of headers that carry a customer key, or what belongs to it, end: those of the trio
/// and of the copy source's, with any vendor's prefix (`x-amz-`, `x-obs-`).
const SECRET_SUFFIXES: [&str; 3] = [
    "-server-side-encryption-customer-algorithm",
    "-server-side-encryption-customer-key",
    "-server-side-encryption-customer-key-md5",
];

/// Whether a header of this name may carry a key, which no buffer may keep beyond its request. The
/// algorithm counts: who swaps the values by mistake sends the key there.
pub fn is_secret(name: &HeaderName) -> bool {
    SECRET_SUFFIXES.iter().any(|suffix| name.as_str().ends_with(suffix))
}

/// Whether any SSE-C name, own or copy-source, stands in the headers or the query: what E1 asks.
pub fn is_mentioned(headers: &HeaderMap, query: &Query) -> bool {
    let in_headers = TRIO.iter().chain(&SOURCE_TRIO).any(|name| headers.contains_key(*name));
    in_headers || query.iter().any(|(name, _)| is_ours(name))
}

/// Both trios of a request.
#[derive(Debug)]
pub struct TakenKeys {
    /// Of the object that the request names.
    pub own: CustomerKeyHeaders,
    /// Of the object that it copies from.
    pub source: CustomerKeyHeaders,
}

/// Takes the SSE-C values out of the head: from the header first, else from the query.
pub fn take(parts: &mut Parts, query: &mut Query) -> TakenKeys {
    let mut hoisted: Vec<(String, Zeroizing<Vec<u8>>)> = query
        .extract(is_ours)
        .into_iter()
        .map(|(name, value)| (name, Zeroizing::new(value.into_bytes())))
        .collect();
    let mut value = |name: &str| {
        let at = hoisted.iter().position(|(hoisted, _)| hoisted.eq_ignore_ascii_case(name));
        let hoisted = at.map(|at| hoisted.swap_remove(at).1);
        let header = parts.headers.remove(name).map(wiped_copy);
        header.or(hoisted)
    };
    let own = CustomerKeyHeaders::of(TRIO.map(&mut value));
    let source = CustomerKeyHeaders::of(SOURCE_TRIO.map(&mut value));
    // Other vendors' names mean nothing here; their keys are wiped all the same.
    drop_secrets(&mut parts.headers);
    TakenKeys { own, source }
}

fn drop_secrets(headers: &mut HeaderMap) {
    let names: Vec<HeaderName> = headers.keys().filter(|name| is_secret(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// The trio of a form, whose fields `take` gives by their lower-case names. A form copies nothing.
pub(crate) fn of_form(take: impl FnMut(&str) -> Option<Zeroizing<Vec<u8>>>) -> TakenKeys {
    let own = CustomerKeyHeaders::of(TRIO.map(take));
    TakenKeys { own, source: CustomerKeyHeaders::of([const { None }; 3]) }
}

/// Whether a name, in any case, is of the trio or of the copy source's.
pub(crate) fn is_ours(name: &str) -> bool {
    TRIO.iter().chain(&SOURCE_TRIO).any(|ours| name.eq_ignore_ascii_case(ours))
}

/// Copies a value to where it is wiped when dropped. The original is freed with the head; wiping what
/// hyper keeps of it in its own buffer is the listener's part (`memory`).
fn wiped_copy(value: HeaderValue) -> Zeroizing<Vec<u8>> {
    let copy = Zeroizing::new(value.as_bytes().to_vec());
    drop(value);
    copy
}

/// The raw values of the trio, as sent; an empty value is a value.
pub struct CustomerKeyHeaders {
    algorithm: Option<Zeroizing<Vec<u8>>>,
    key: Option<Zeroizing<Vec<u8>>>,
    md5: Option<Zeroizing<Vec<u8>>>,
}

impl CustomerKeyHeaders {
    fn of([algorithm, key, md5]: [Option<Zeroizing<Vec<u8>>>; 3]) -> Self {
        Self { algorithm, key, md5 }
    }

    /// The key of an operation that begins an object: MD5 demanded, 32 bytes demanded (E2 to E9).
    pub fn for_write(&self) -> S3Result<Option<Sealing>> {
        let Some(presented) = self.parse(Md5Rule::Required)? else { return Ok(None) };
        let key = presented.key.map_err(|_| sse_c::key_wrong_length())?;
        Ok(Some(Sealing { key, md5: presented.md5 }))
    }

    /// The key of UploadPart: MD5 demanded; a wrong length is a wrong key (E2 to E8).
    pub fn for_part(&self) -> S3Result<Option<Opening>> {
        Ok(self.parse(Md5Rule::Required)?.map(Opening))
    }

    /// The key of a read or of a copy's source: MD5 checked if it is there; a wrong length is a wrong key (E2 to E4, E7, E8).
    pub fn for_read(&self) -> S3Result<Option<Opening>> {
        Ok(self.parse(Md5Rule::Optional)?.map(Opening))
    }

    /// The key of CompleteMultipartUpload: considered only when all three headers are there.
    pub fn for_complete(&self) -> S3Result<Option<Opening>> {
        match (&self.algorithm, &self.key, &self.md5) {
            (Some(_), Some(_), Some(_)) => self.for_part(),
            _ => Ok(None),
        }
    }

    /// The algorithm as sent: what policies see of the three.
    pub fn algorithm(&self) -> Option<&[u8]> {
        self.algorithm.as_ref().map(|value| value.as_slice())
    }

    /// Whether any of the three is there.
    pub fn any(&self) -> bool {
        self.raw().any()
    }

    fn raw(&self) -> KeyHeaders<'_> {
        KeyHeaders {
            algorithm: self.algorithm.as_ref().map(|value| value.as_slice()),
            key: self.key.as_ref().map(|value| value.as_slice()),
            md5: self.md5.as_ref().map(|value| value.as_slice()),
        }
    }

    fn parse(&self, rule: Md5Rule) -> S3Result<Option<PresentedKey>> {
        self.raw().parse(rule).map_err(|error| self.refusal(&error))
    }

    fn refusal(&self, error: &KeyHeaderError) -> S3Error {
        let raw = self.raw();
        match error {
            KeyHeaderError::MissingAlgorithm => sse_c::missing_algorithm(),
            KeyHeaderError::MissingKey => sse_c::missing_key(),
            KeyHeaderError::KeyTooShort => sse_c::key_too_short(raw.key.unwrap_or_default()),
            KeyHeaderError::KeyNotAscii => sse_c::key_not_ascii(raw.key.unwrap_or_default()),
            KeyHeaderError::MissingMd5 => sse_c::missing_md5(),
            KeyHeaderError::Md5Mismatch => sse_c::md5_mismatch(),
            KeyHeaderError::UnsupportedAlgorithm => {
                sse_c::unsupported_algorithm(raw.algorithm.unwrap_or_default())
            }
        }
    }
}

impl fmt::Debug for CustomerKeyHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustomerKeyHeaders(..)")
    }
}

/// A key that can seal a new object.
#[derive(Debug)]
pub struct Sealing {
    /// The key.
    pub key: CustomerKey,
    /// Its MD5, for the echo.
    pub md5: KeyMd5,
}

/// A key that may open something: of any length, since AWS tells a wrong length from a wrong key only
/// where an object begins.
#[derive(Debug)]
pub struct Opening(PresentedKey);

impl Opening {
    /// The key; `None` if it is not 32 bytes long and so opens nothing.
    pub fn key(&self) -> Option<&CustomerKey> {
        self.0.key.as_ref().ok()
    }

    /// Its MD5, for the echo.
    pub fn md5(&self) -> &KeyMd5 {
        &self.0.md5
    }
}

#[cfg(test)]
mod tests;
