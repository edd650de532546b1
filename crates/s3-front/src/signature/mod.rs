//! AWS Signature Version 4, in headers and in presigned queries; and version 2, where it is switched on.
//!
//! Guarantees: a request is authentic when [`Verifier::verify`] gave its [`Payload`]: signed with the
//! secret, for this region, in time, with every `x-amz-*` header under the signature. Signatures are
//! compared in constant time. No customer key is copied, or shown in an error.
//!
//! Does not: look up secrets, read a clock, or touch the body. Version 4A is refused, and version 2
//! unless [`Verifier::taking_version_2`] was called.

mod canonical;
mod chunks;
mod claim;
mod coverage;
pub(crate) mod encoding;
mod error;
mod form;
pub(crate) mod hex;
mod signing_key;
mod time;
mod version_2;

#[cfg(test)]
mod tests;

use aws_lc_rs::{constant_time, hmac};
use http::HeaderMap;
use object_engine::clock::Timestamp;

use crate::{key_names, request::head::without_port, route::bucket_of_host};
use canonical::CanonicalRequest;
pub(crate) use canonical::is_customer_secret;
pub use chunks::ChunkSigner;
pub use claim::Version4;
pub use error::{CredentialProblem, Mismatch, QueryProblem, SignatureError};
pub(crate) use form::{FormCredential, FormProblem};
use signing_key::SigningKeys;
use time::{CLOCK_SKEW_MS_MAX, SignedTime, rfc3339};
pub use version_2::Version2;

/// The service in a credential's scope.
const SERVICE: &str = "s3";
/// The end of a credential's scope.
const TERMINAL: &str = "aws4_request";

/// Whether the signature covers a key header that is not ASCII. S3 reads the bytes of such a value in
/// another encoding than its sender did, and so finds no signature over it right; a form's field, and a
/// key beside a presigned URL that does not cover it, get as far as E5.
fn signs_unreadable_key(head: &RequestHead<'_>, covers: impl Fn(&str) -> bool) -> bool {
    let is_key = |name: &str| {
        key_names::ALL.iter().any(|names| name == names.own.key || name == names.source.key)
    };
    let mut unreadable = head.headers.iter().filter(|(_, value)| !value.as_bytes().is_ascii());
    unreadable.any(|(name, _)| is_key(name.as_str()) && covers(name.as_str()))
}

/// What of a request is signed, as it was on the wire.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// The method, upper case.
    pub method: &'a str,
    /// The path, still percent-encoded.
    pub path: &'a str,
    /// The query, still percent-encoded, without `?`.
    pub query: &'a str,
    /// The value of `Host`, or HTTP/2's `:authority`.
    pub host: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
}

impl<'a> RequestHead<'a> {
    /// The head of a request as hyper gives it.
    pub fn of(parts: &'a http::request::Parts) -> Self {
        let authority = parts.uri.authority().map(http::uri::Authority::as_str);
        let host = parts.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
        Self {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or(""),
            host: host.or(authority).unwrap_or(""),
            headers: &parts.headers,
        }
    }
}

/// What a request says about who sent it.
#[derive(Debug)]
pub enum Authentication<'a> {
    /// Nothing. Its body is to be read as the payload says.
    Anonymous(Payload),
    /// It is signed.
    Signed(Claim<'a>),
}

/// A signature that was read and not yet checked.
#[derive(Debug)]
pub enum Claim<'a> {
    /// Of version 2.
    Version2(Version2<'a>),
    /// Of version 4.
    Version4(Version4<'a>),
}

/// The versions of AWS's signatures, as policies name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `AWS`
    V2,
    /// `AWS4-HMAC-SHA256`
    V4,
}

impl Claim<'_> {
    /// Who says to have signed.
    pub fn access_key_id(&self) -> &str {
        match self {
            Self::Version2(claim) => &claim.access_key_id,
            Self::Version4(claim) => &claim.access_key_id,
        }
    }

    /// When it says to have been signed. Version 2 in a query does not say.
    pub fn signed_at(&self) -> Option<Timestamp> {
        match self {
            Self::Version2(claim) => claim.signed_at(),
            Self::Version4(claim) => Some(claim.time.at()),
        }
    }

    /// Whether the signature is in the query.
    pub fn is_presigned(&self) -> bool {
        match self {
            Self::Version2(claim) => claim.is_presigned(),
            Self::Version4(claim) => claim.is_presigned(),
        }
    }

    /// Of which version it is.
    pub fn version(&self) -> Version {
        match self {
            Self::Version2(_) => Version::V2,
            Self::Version4(_) => Version::V4,
        }
    }
}

/// How the body is authenticated: what `x-amz-content-sha256` said. Given to
/// [`crate::body::RequestBody::new`].
#[derive(Debug)]
pub enum Payload {
    /// Not at all (`UNSIGNED-PAYLOAD`, a presigned URL, an anonymous request).
    Unsigned,
    /// By this SHA-256 of the whole body.
    Sha256([u8; 32]),
    /// aws-chunked, unsigned, perhaps with a trailer.
    UnsignedChunks,
    /// aws-chunked; each chunk is signed, and the trailer where there is one.
    SignedChunks(ChunkSigner),
}

/// Checks signatures for one region.
#[derive(Debug)]
pub struct Verifier {
    region: String,
    keys: SigningKeys,
    /// The domains whose subdomains are buckets, which version 2 must know; `None`: it is refused.
    version_2: Option<Vec<String>>,
}

impl Verifier {
    /// A verifier for `region`, of version 4 alone.
    pub fn new(region: &str) -> Self {
        Self { region: region.to_owned(), keys: SigningKeys::default(), version_2: None }
    }

    /// The same, and of version 2 too. `domains`: those whose subdomains are buckets.
    #[must_use]
    pub fn taking_version_2(self, domains: &[String]) -> Self {
        Self { version_2: Some(domains.to_owned()), ..self }
    }

    /// The region that requests must be signed for.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Reads a request's signature and checks all that needs no secret: its form, region, service and
    /// time, that the headers which must be signed are, and that no SSE-C parameter is there twice.
    pub fn read<'a>(
        &self,
        head: &RequestHead<'a>,
        now: Timestamp,
    ) -> Result<Authentication<'a>, SignatureError> {
        let takes_version_2 = self.version_2.is_some();
        let Some(claim) = claim::read(head, &self.region, takes_version_2)? else {
            coverage::refuse_repeated_customer_keys(head)?;
            let text = claim::content_sha256(head)?;
            return unsigned_payload(text).map(Authentication::Anonymous);
        };
        match &claim {
            Claim::Version2(claim) => claim.check(head, now)?,
            Claim::Version4(claim) => {
                check_time(claim, now)?;
                PayloadKind::parse(&claim.payload)?;
                coverage::check(head, claim)?;
            }
        }
        coverage::refuse_repeated_customer_keys(head)?;
        Ok(Authentication::Signed(claim))
    }

    /// Checks the signature with the secret that belongs to [`Claim::access_key_id`].
    pub fn verify(
        &self,
        head: &RequestHead<'_>,
        claim: &Claim<'_>,
        secret: &[u8],
    ) -> Result<Payload, SignatureError> {
        match claim {
            Claim::Version2(claim) => self.verify_version_2(head, claim, secret),
            Claim::Version4(claim) => self.verify_version_4(head, claim, secret),
        }
    }

    fn verify_version_2(
        &self,
        head: &RequestHead<'_>,
        claim: &Version2<'_>,
        secret: &[u8],
    ) -> Result<Payload, SignatureError> {
        let domains = self.version_2.as_deref().unwrap_or_default();
        let bucket = bucket_of_host(Some(without_port(head.host)), domains);
        claim.proves(head, bucket, secret)?;
        version_2::payload(head)
    }

    fn verify_version_4(
        &self,
        head: &RequestHead<'_>,
        claim: &Version4<'_>,
        secret: &[u8],
    ) -> Result<Payload, SignatureError> {
        let payload = PayloadKind::parse(&claim.payload)?;
        let request = CanonicalRequest {
            head,
            presigned: claim.is_presigned(),
            signed_headers: &claim.signed_headers,
            payload: &claim.payload,
        };
        let time_and_scope = self.time_and_scope(claim);
        let text = string_to_sign(&time_and_scope, &request.hash());
        let key = self.keys.key(secret, claim.time.day(), &self.region);
        let tag = hmac::sign(&key, text.as_bytes());
        let signature = hex::encode(tag.as_ref().try_into().expect("HMAC-SHA256 has 32 bytes"));
        let fits = constant_time::verify_slices_are_equal(&signature, claim.signature.as_bytes());
        if fits.is_err() || signs_unreadable_key(head, |name| claim.covers(name)) {
            return Err(SignatureError::SignatureDoesNotMatch(Box::new(Mismatch {
                access_key_id: claim.access_key_id.to_string(),
                string_to_sign: Some(text),
                signature_provided: claim.signature.to_string(),
                canonical_request: request.redacted(),
            })));
        }
        let signer = |trailer| ChunkSigner {
            key,
            access_key_id: claim.access_key_id.to_string(),
            time_and_scope,
            previous: signature,
            trailer,
        };
        Ok(match payload {
            PayloadKind::Unsigned => Payload::Unsigned,
            PayloadKind::Sha256(hash) => Payload::Sha256(hash),
            PayloadKind::UnsignedChunks => Payload::UnsignedChunks,
            PayloadKind::SignedChunks { trailer } => Payload::SignedChunks(signer(trailer)),
        })
    }

    /// `20130524T000000Z`, a newline, `20130524/us-east-1/s3/aws4_request`.
    fn time_and_scope(&self, claim: &Version4<'_>) -> String {
        [claim.time.text(), "\n", claim.time.day(), "/", &self.region, "/s3/aws4_request"].concat()
    }
}

fn string_to_sign(time_and_scope: &str, request_hash: &[u8; 32]) -> String {
    let hash = hex::encode(request_hash);
    let hash = std::str::from_utf8(&hash).expect("hexadecimal digits");
    ["AWS4-HMAC-SHA256\n", time_and_scope, "\n", hash].concat()
}

/// Of a signature in a header.
fn check_skew(time: SignedTime, now: Timestamp) -> Result<(), SignatureError> {
    if time.ahead_of(now).abs() <= CLOCK_SKEW_MS_MAX {
        return Ok(());
    }
    Err(SignatureError::RequestTimeTooSkewed {
        request_time: time.text().to_owned(),
        server_time: rfc3339(now),
        max_allowed_skew_milliseconds: CLOCK_SKEW_MS_MAX.unsigned_abs(),
    })
}

fn check_time(claim: &Version4<'_>, now: Timestamp) -> Result<(), SignatureError> {
    let server_time = || rfc3339(now);
    let Some(x_amz_expires) = claim.expires else { return check_skew(claim.time, now) };
    if claim.time.ahead_of(now) > CLOCK_SKEW_MS_MAX {
        let (request_time, server_time) = (claim.time.text().to_owned(), server_time());
        return Err(SignatureError::RequestNotYetValid { request_time, server_time });
    }
    let expires = claim.time.plus_seconds(x_amz_expires);
    if x_amz_expires == 0 || now > expires {
        let (expires, server_time) = (rfc3339(expires), server_time());
        let x_amz_expires = Some(x_amz_expires);
        return Err(SignatureError::RequestExpired { x_amz_expires, expires, server_time });
    }
    Ok(())
}

/// The values of `x-amz-content-sha256`.
#[derive(Debug)]
enum PayloadKind {
    Unsigned,
    Sha256([u8; 32]),
    UnsignedChunks,
    SignedChunks { trailer: bool },
}

impl PayloadKind {
    fn parse(text: &str) -> Result<Self, SignatureError> {
        Ok(match text {
            "UNSIGNED-PAYLOAD" => Self::Unsigned,
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Self::UnsignedChunks,
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => Self::SignedChunks { trailer: false },
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => Self::SignedChunks { trailer: true },
            "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"
            | "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER" => {
                let header = "x-amz-content-sha256";
                return Err(SignatureError::AsymmetricUnsupported { header });
            }
            _ => match hex::decode(text.as_bytes()) {
                Some(hash) => Self::Sha256(hash),
                None => {
                    return Err(SignatureError::ContentSha256Invalid { value: text.to_owned() });
                }
            },
        })
    }
}

/// Where no signature covers the body.
fn unsigned_payload(text: Option<&str>) -> Result<Payload, SignatureError> {
    let Some(text) = text else { return Ok(Payload::Unsigned) };
    match PayloadKind::parse(text)? {
        PayloadKind::Unsigned => Ok(Payload::Unsigned),
        PayloadKind::Sha256(hash) => Ok(Payload::Sha256(hash)),
        PayloadKind::UnsignedChunks => Ok(Payload::UnsignedChunks),
        PayloadKind::SignedChunks { .. } => Err(SignatureError::ContentSha256NeedsSignature),
    }
}
