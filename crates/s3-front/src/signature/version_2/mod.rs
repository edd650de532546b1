//! AWS Signature Version 2, in headers and in queries, where the operator has switched it on.
//!
//! Guarantees: what passed [`Version2::check`] and [`Version2::proves`] was signed with the secret and is
//! in time; every `x-amz-*` header is under the signature, wherever it stands; a customer key in
//! another vendor's spelling, which this version cannot cover, is refused. Signatures are compared in
//! constant time.
//!
//! Does not: cover the body, the region or the service. Version 2 has no room for them, which is one
//! reason why it is off by default.
//!
//! Follows the S3 user guide, "Signing and authenticating REST requests (AWS signature version 2)".

mod coverage;
mod string_to_sign;

use std::borrow::Cow;

use aws_lc_rs::{constant_time, hmac};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::header::DATE;
use object_engine::clock::Timestamp;

use super::canonical::query_pairs;
use super::claim::content_sha256;
use super::encoding::{decode, decode_text};
use super::error::{Mismatch, SignatureError};
use super::time::{SignedTime, rfc3339};
use super::{Payload, RequestHead, check_skew, signs_unreadable_key, unsigned_payload};
use string_to_sign::StringToSign;

/// What begins a header that the signature covers.
const PREFIX: &str = "x-amz-";
/// The second in which `Expires` ends: S3 reads it as 32 bits.
const EXPIRES_SECONDS_MAX: u32 = i32::MAX as u32;

/// A signature of version 2 that was read and not yet checked.
#[derive(Debug)]
pub struct Version2<'a> {
    pub(super) access_key_id: Cow<'a, str>,
    /// Base64.
    signature: Cow<'a, str>,
    time: Time<'a>,
}

/// From when or until when a signature counts, and the text that stands for it in the string to sign.
#[derive(Debug)]
enum Time<'a> {
    /// In a header: when it was made. The text is empty where `x-amz-date` says it.
    Signed(SignedTime, &'a str),
    /// In a query: until when it counts.
    Expires(Timestamp, Cow<'a, str>),
}

impl<'a> Version2<'a> {
    /// Reads what follows `AWS ` in the `Authorization` header.
    pub(super) fn in_header(head: &RequestHead<'a>, text: &'a str) -> Result<Self, SignatureError> {
        let (access_key_id, signature) = text
            .split_once(':')
            .filter(|(id, signature)| {
                !id.is_empty() && !signature.is_empty() && !signature.contains(':')
            })
            .ok_or_else(|| SignatureError::AuthorizationInvalid { value: text.to_owned() })?;
        refuse_security_token(head)?;
        let (time, line) = header_time(head).ok_or(SignatureError::DateMissing)?;
        let time = Time::Signed(time, line);
        Ok(Self { access_key_id: access_key_id.into(), signature: signature.into(), time })
    }

    /// Reads `AWSAccessKeyId`, `Expires` and `Signature` of a query.
    pub(super) fn presigned(head: &RequestHead<'a>) -> Result<Self, SignatureError> {
        let required = |name| once(head.query, name).ok_or(SignatureError::ExpiresMissing);
        let access_key_id = required("AWSAccessKeyId")?;
        let signature = required("Signature")?;
        let line = required("Expires")?;
        let digits = !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = line.parse::<u32>().ok();
        let seconds = seconds.filter(|seconds| digits && *seconds < EXPIRES_SECONDS_MAX);
        let Some(seconds) = seconds else {
            return Err(SignatureError::ExpiresInvalid { value: line.into_owned() });
        };
        refuse_security_token(head)?;
        let time = Time::Expires(Timestamp(i64::from(seconds) * 1000), line);
        Ok(Self { access_key_id, signature, time })
    }

    /// Whether the signature is in the query.
    pub(super) fn is_presigned(&self) -> bool {
        matches!(self.time, Time::Expires(..))
    }

    /// When it says to have been made; a query does not say.
    pub(super) fn signed_at(&self) -> Option<Timestamp> {
        match &self.time {
            Time::Signed(time, _) => Some(time.at()),
            Time::Expires(..) => None,
        }
    }

    /// Checks all that needs no secret: the time, and that nothing counts which is not signed.
    pub(super) fn check(
        &self,
        head: &RequestHead<'_>,
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        match &self.time {
            Time::Signed(time, _) => check_skew(*time, now)?,
            Time::Expires(expires, _) if now > *expires => {
                let (expires, server_time) = (rfc3339(*expires), rfc3339(now));
                let x_amz_expires = None;
                return Err(SignatureError::RequestExpired { x_amz_expires, expires, server_time });
            }
            Time::Expires(..) => {}
        }
        coverage::check(head)
    }

    /// Checks the signature. `bucket` is the one that the host names.
    ///
    /// Where the path names a bucket and ends there, a client may also have signed the slash after it:
    /// botocore does, and both are the same request.
    pub(super) fn proves(
        &self,
        head: &RequestHead<'_>,
        bucket: Option<&str>,
        secret: &[u8],
    ) -> Result<(), SignatureError> {
        let line = match &self.time {
            Time::Signed(_, line) => line,
            Time::Expires(_, line) => line.as_ref(),
        };
        let presigned = self.is_presigned();
        let text = StringToSign { head, presigned, line, bucket, slash: false };
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
        let signed = |text: StringToSign<'_>| {
            let expected = STANDARD.encode(text.tag(&key));
            let given = self.signature.as_bytes();
            constant_time::verify_slices_are_equal(expected.as_bytes(), given).is_ok()
        };
        let proven =
            signed(text) || text.ends_with_bucket() && signed(StringToSign { slash: true, ..text });
        if proven && !signs_unreadable_key(head, |_| true) {
            return Ok(());
        }
        Err(SignatureError::SignatureDoesNotMatch(Box::new(Mismatch {
            access_key_id: self.access_key_id.to_string(),
            string_to_sign: text.redacted(),
            signature_provided: self.signature.to_string(),
            canonical_request: None,
        })))
    }
}

/// `x-amz-date`, else `Date`, and the text for it in the string to sign. One that is unreadable or
/// repeated is not passed over. SDKs that also speak version 4 write its format into `x-amz-date`.
fn header_time<'a>(head: &RequestHead<'a>) -> Option<(SignedTime, &'a str)> {
    let amz = head.headers.contains_key("x-amz-date");
    let name = if amz { "x-amz-date" } else { DATE.as_str() };
    let mut dates = head.headers.get_all(name).iter();
    let text = dates.next()?.to_str().ok()?.trim();
    // A wrong day of the week makes no date unreadable.
    let undayed = || SignedTime::parse_http_date(text.split_once(", ")?.1);
    let time = SignedTime::parse_http_date(text)
        .or_else(undayed)
        .filter(|time| time.at().0 >= 0)
        .or_else(|| SignedTime::parse(text.as_bytes()).filter(|_| amz))?;
    dates.next().is_none().then_some((time, if amz { "" } else { text }))
}

/// How the body is read: version 2 does not sign it, but `x-amz-content-sha256` may still say its hash
/// or that it is in chunks.
pub(super) fn payload(head: &RequestHead<'_>) -> Result<Payload, SignatureError> {
    let mut hoisted = query_pairs(head.query).filter(|(name, _)| {
        decode(name.as_bytes())
            .map(|byte| byte.to_ascii_lowercase())
            .eq("x-amz-content-sha256".bytes())
    });
    match hoisted.next() {
        Some((_, value)) => unsigned_payload(Some(&decode_text(value).unwrap_or_default())),
        None => unsigned_payload(content_sha256(head)?),
    }
}

/// Session tokens are not issued here.
fn refuse_security_token(head: &RequestHead<'_>) -> Result<(), SignatureError> {
    let name = "x-amz-security-token";
    let in_query = query_pairs(head.query).any(|(raw, _)| {
        decode(raw.as_bytes()).map(|byte| byte.to_ascii_lowercase()).eq(name.bytes())
    });
    if in_query || head.headers.contains_key(name) {
        return Err(SignatureError::SecurityTokenUnsupported);
    }
    Ok(())
}

/// The decoded value of the one parameter of this name.
pub(super) fn once<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let mut found = query_pairs(query).filter(|(raw, _)| decode(raw.as_bytes()).eq(name.bytes()));
    let (_, value) = found.next()?;
    decode_text(value).filter(|_| found.next().is_none())
}
