//! The SSE-C trio: out of the head, parsed, and wiped.
//!
//! Guarantees: [`take`] is the one place where keys leave a request's head; what it took is wiped when
//! dropped. Nothing here prints, clones or compares a key.
//! Does not: decode keys (`sealed_format::KeyHeaders`) or check that each name stands there once
//! (`identity::authenticate`).

use std::fmt;

use http::{HeaderMap, HeaderValue, request::Parts};
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

/// Whether any SSE-C name, own or copy-source, stands in the headers or the query: what E1 asks.
pub fn is_mentioned(headers: &HeaderMap, query: &Query) -> bool {
    let in_headers = TRIO.iter().chain(&SOURCE_TRIO).any(|name| headers.contains_key(*name));
    in_headers || query.iter().any(|(name, _)| is_ours(name))
}

/// Takes the SSE-C values out of the head: from the header first, else from the query.
pub fn take(parts: &mut Parts, query: &mut Query) -> CustomerKeyHeaders {
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
    let trio = TRIO.map(&mut value);
    // Copies are refused before their source's key matters; it is wiped all the same.
    drop(SOURCE_TRIO.map(&mut value));
    let [algorithm, key, md5] = trio;
    CustomerKeyHeaders { algorithm, key, md5 }
}

/// The trio of a form, whose fields `take` gives by their lower-case names.
pub(crate) fn of_form(take: impl FnMut(&str) -> Option<Zeroizing<Vec<u8>>>) -> CustomerKeyHeaders {
    let [algorithm, key, md5] = TRIO.map(take);
    CustomerKeyHeaders { algorithm, key, md5 }
}

/// Whether a name, in any case, is of the trio or of the copy source's.
pub(crate) fn is_ours(name: &str) -> bool {
    TRIO.iter().chain(&SOURCE_TRIO).any(|ours| name.eq_ignore_ascii_case(ours))
}

/// Copies a value to where it can be wiped, and wipes the original.
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

    /// The key of a read: MD5 checked if it is there; a wrong length is a wrong key (E2 to E4, E7, E8).
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
