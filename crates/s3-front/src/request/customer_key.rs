//! The SSE-C trio: out of the head, parsed, and wiped.
//!
//! Guarantees: [`is_secret`] is the one list of the headers that carry keys; [`take`] is the one place
//! where they leave a request's head, and none of them is in it afterwards. What it took is wiped when
//! dropped. Nothing here prints, clones or compares a key.
//! Does not: decode keys (`sealed_format::KeyHeaders`) or check that each name stands there once
//! (`identity::authenticate`).

use std::{borrow::Cow, fmt};

use http::{HeaderMap, HeaderName, HeaderValue, request::Parts};
use sealed_format::{CustomerKey, KeyHeaderError, KeyHeaders, KeyMd5, Md5Rule, PresentedKey};
use zeroize::Zeroizing;

use super::{encryption::SSE, query::Query};
use crate::{
    error::{S3Error, S3Result, sse_c},
    key_names::{ALL, AMZ, KeyNames, OBS, is_any_vendors},
    profile::Profile,
    response::Answer,
    signature::SignatureError,
};

/// `x-amz-server-side-encryption-customer-algorithm`.
pub const ALGORITHM: &str = AMZ.own.algorithm;
/// `x-amz-server-side-encryption-customer-key`.
pub const KEY: &str = AMZ.own.key;
/// `x-amz-server-side-encryption-customer-key-md5`.
pub const KEY_MD5: &str = AMZ.own.key_md5;

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

/// Whether any SSE-C name, own or copy-source, in any vendor's spelling, stands in the headers or the
/// query: what E1 asks.
pub fn is_mentioned(headers: &HeaderMap, query: &Query) -> bool {
    mentioned(headers, query).next().is_some()
}

/// Refuses key headers in a spelling that the profile does not take. To ignore them would be to store
/// without the customer's key what was meant to be under it.
pub fn refuse_foreign(headers: &HeaderMap, query: &Query, profile: Profile) -> S3Result<()> {
    refuse_foreign_names(mentioned(headers, query), profile)
}

/// The same for the names of a form's fields.
pub(crate) fn refuse_foreign_names<'n>(
    mut names: impl Iterator<Item = &'n str>,
    profile: Profile,
) -> S3Result<()> {
    let taken = |name: &str| profile.key_names().iter().any(|names| names.has(name));
    match names.find(|name| is_any_vendors(name) && !taken(name)) {
        Some(name) => Err(S3Error::not_implemented(format!(
            "A header you provided implies functionality that is not implemented: {}",
            name.to_ascii_lowercase()
        ))
        .closing()),
        None => Ok(()),
    }
}

/// Refuses a form that gives one field of a key in two spellings, as headers are refused: which of the
/// two counts would be a matter of who reads first.
pub(crate) fn refuse_repeated_names<'n>(
    names: impl Iterator<Item = &'n str> + Clone,
) -> S3Result<()> {
    for (place, name) in AMZ.six().into_iter().enumerate() {
        let is_this =
            |given: &&str| ALL.iter().any(|names| names.six()[place].eq_ignore_ascii_case(given));
        if names.clone().filter(is_this).count() > 1 {
            let name = name.to_owned();
            return Err(SignatureError::CustomerKeyParameterRepeated { name }.into());
        }
    }
    Ok(())
}

fn mentioned<'h>(headers: &'h HeaderMap, query: &'h Query) -> impl Iterator<Item = &'h str> {
    let in_headers = headers.keys().map(HeaderName::as_str);
    in_headers.chain(query.iter().map(|(name, _)| name)).filter(|name| is_any_vendors(name))
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
pub fn take(parts: &mut Parts, query: &mut Query, profile: Profile) -> TakenKeys {
    let mut hoisted: Vec<(Cow<'static, str>, Zeroizing<Vec<u8>>)> = query
        .extract(is_any_vendors)
        .into_iter()
        .map(|(name, value)| (name, Zeroizing::new(value.into_bytes())))
        .collect();
    let mut value = |name: &str| {
        let at = hoisted.iter().position(|(hoisted, _)| hoisted.eq_ignore_ascii_case(name));
        let hoisted = at.map(|at| hoisted.swap_remove(at).1);
        // Most are not there, and a look at the names is cheaper than looking one up.
        let is_there = parts.headers.keys().any(|given| given.as_str() == name);
        let header = if is_there { parts.headers.remove(name).map(wiped_copy) } else { None };
        header.or(hoisted)
    };
    // Every spelling is taken out, since nothing may stay in the head; that two are not there at once
    // was checked with the signature.
    let own = ALL.map(|names| names.own.names().map(&mut value));
    let source = ALL.map(|names| names.source.names().map(&mut value));
    drop_secrets(&mut parts.headers);
    TakenKeys {
        own: CustomerKeyHeaders::of(own, profile),
        source: CustomerKeyHeaders::of(source, profile),
    }
}

fn drop_secrets(headers: &mut HeaderMap) {
    let names: Vec<HeaderName> = headers.keys().filter(|name| is_secret(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// The trio of a form, whose fields `take` gives by their lower-case names. A form copies nothing.
pub(crate) fn of_form(
    mut take: impl FnMut(&str) -> Option<Zeroizing<Vec<u8>>>,
    profile: Profile,
) -> TakenKeys {
    let own = ALL.map(|names| names.own.names().map(&mut take));
    let none = [const { [const { None }; 3] }; 2];
    TakenKeys {
        own: CustomerKeyHeaders::of(own, profile),
        source: CustomerKeyHeaders::of(none, profile),
    }
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
    profile: Profile,
    /// The spelling that they came in, and that answers come in.
    names: &'static KeyNames,
}

/// What was sent under the three names of one trio.
type RawTrio = [Option<Zeroizing<Vec<u8>>>; 3];

impl CustomerKeyHeaders {
    fn of([amz, obs]: [RawTrio; 2], profile: Profile) -> Self {
        let names = if obs.iter().any(Option::is_some) { &OBS } else { &AMZ };
        let [[a, b, c], [x, y, z]] = [amz, obs];
        Self { algorithm: a.or(x), key: b.or(y), md5: c.or(z), profile, names }
    }

    /// The key of an operation that begins an object: 32 bytes demanded (E2 to E9).
    pub fn for_write(&self) -> S3Result<Option<Sealing>> {
        let Some(presented) = self.parse(self.profile.md5_on_write())? else { return Ok(None) };
        let wrong_length = |_| self.profile.malformed_key(sse_c::key_wrong_length());
        let key = presented.key.map_err(wrong_length)?;
        Ok(Some(Sealing { key, md5: presented.md5 }))
    }

    /// The key of UploadPart: a wrong length is a wrong key (E2 to E8).
    pub fn for_part(&self) -> S3Result<Option<Opening>> {
        self.open(self.profile.md5_on_write())
    }

    /// The key of a read or of a copy's source: a wrong length is a wrong key (E2 to E4, E7, E8).
    pub fn for_read(&self) -> S3Result<Option<Opening>> {
        self.open(self.profile.md5_on_read())
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

    /// An answer in the spelling of the request, and as the profile has it.
    #[must_use]
    pub(crate) fn echoed(&self, mut answer: Answer) -> Answer {
        let in_amz = self.names.own.key == AMZ.own.key;
        let as_it_is = in_amz && !self.profile.names_encryption_beside_key();
        if as_it_is || !answer.headers().contains_key(ALGORITHM) {
            return answer;
        }
        let headers = answer.headers_mut();
        if self.profile.names_encryption_beside_key() {
            headers.insert(SSE, HeaderValue::from_static("AES256"));
        }
        if !in_amz {
            for (amz, name) in AMZ.own.names().into_iter().zip(self.names.own.names()) {
                if let Some(value) = headers.remove(amz) {
                    headers.insert(name, value);
                }
            }
        }
        answer
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

    fn open(&self, rule: Md5Rule) -> S3Result<Option<Opening>> {
        let Some(presented) = self.parse(rule)? else { return Ok(None) };
        match self.profile.refuses_length_everywhere() {
            Some(refusal) if presented.key.is_err() => Err(refusal),
            _ => Ok(Some(Opening(presented))),
        }
    }

    fn parse(&self, rule: Md5Rule) -> S3Result<Option<PresentedKey>> {
        self.raw().parse(rule).map_err(|error| self.refusal(&error))
    }

    fn refusal(&self, error: &KeyHeaderError) -> S3Error {
        let raw = self.raw();
        let malformed = |aws| self.profile.malformed_key(aws);
        match error {
            KeyHeaderError::MissingAlgorithm => self.profile.missing_algorithm(),
            KeyHeaderError::MissingKey => sse_c::missing_key(),
            KeyHeaderError::KeyTooShort => {
                malformed(sse_c::key_too_short(raw.key.unwrap_or_default()))
            }
            KeyHeaderError::KeyNotAscii => {
                malformed(sse_c::key_not_ascii(raw.key.unwrap_or_default()))
            }
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
