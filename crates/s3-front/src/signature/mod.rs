//! AWS Signature Version 4, in headers and in presigned queries.
//!
//! Guarantees: a request is authentic when [`Verifier::verify`] gave its [`Payload`]: signed with the
//! secret, for this region, in time, with every `x-amz-*` header under the signature. Signatures are
//! compared in constant time. No customer key is copied, or shown in an error.
//!
//! Does not: look up secrets, read a clock, or touch the body. Version 2 and version 4A are refused.

mod canonical;
mod chunks;
mod claim;
mod coverage;
mod encoding;
mod error;
mod form;
pub(crate) mod hex;
mod signing_key;
mod time;

#[cfg(test)]
mod tests;

use aws_lc_rs::{constant_time, hmac};
use http::HeaderMap;
use object_engine::clock::Timestamp;

use crate::key_names;
use canonical::CanonicalRequest;
pub(crate) use canonical::is_customer_secret;
pub use chunks::ChunkSigner;
pub use claim::Claim;
pub use error::{CredentialProblem, Mismatch, QueryProblem, SignatureError};
pub(crate) use form::{FormCredential, FormProblem};
use signing_key::SigningKeys;
use time::{CLOCK_SKEW_MS_MAX, rfc3339};

/// The service in a credential's scope.
const SERVICE: &str = "s3";
/// The end of a credential's scope.
const TERMINAL: &str = "aws4_request";

/// Whether the signature covers a key header that is not ASCII. S3 reads the bytes of such a value in
/// another encoding than its sender did, and so finds no signature over it right; a form's field, and a
/// key beside a presigned URL that does not cover it, get as far as E5.
fn signs_unreadable_key(head: &RequestHead<'_>, claim: &Claim<'_>) -> bool {
    let keys = key_names::ALL.into_iter().flat_map(|names| [names.own.key, names.source.key]);
    keys.filter(|name| claim.covers(name))
        .any(|name| head.headers.get_all(name).iter().any(|value| !value.as_bytes().is_ascii()))
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
}

impl Verifier {
    /// A verifier for `region`.
    pub fn new(region: &str) -> Self {
        Self { region: region.to_owned(), keys: SigningKeys::default() }
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
        let Some(claim) = claim::read(head, &self.region)? else {
            coverage::refuse_repeated_customer_keys(head)?;
            return anonymous_payload(head).map(Authentication::Anonymous);
        };
        check_time(&claim, now)?;
        PayloadKind::parse(&claim.payload)?;
        coverage::check(head, &claim)?;
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
        if fits.is_err() || signs_unreadable_key(head, claim) {
            return Err(SignatureError::SignatureDoesNotMatch(Box::new(Mismatch {
                access_key_id: claim.access_key_id().to_owned(),
                string_to_sign: text,
                signature_provided: claim.signature.to_string(),
                canonical_request: Some(request.redacted()),
            })));
        }
        let signer = |trailer| ChunkSigner {
            key,
            access_key_id: claim.access_key_id().to_owned(),
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
    fn time_and_scope(&self, claim: &Claim<'_>) -> String {
        [claim.time.text(), "\n", claim.time.day(), "/", &self.region, "/s3/aws4_request"].concat()
    }
}

fn string_to_sign(time_and_scope: &str, request_hash: &[u8; 32]) -> String {
    let hash = hex::encode(request_hash);
    let hash = std::str::from_utf8(&hash).expect("hexadecimal digits");
    ["AWS4-HMAC-SHA256\n", time_and_scope, "\n", hash].concat()
}

fn check_time(claim: &Claim<'_>, now: Timestamp) -> Result<(), SignatureError> {
    let ahead_ms = claim.time.ahead_of(now);
    let request_time = || claim.time.text().to_owned();
    let server_time = || rfc3339(now);
    let Some(x_amz_expires) = claim.expires else {
        if ahead_ms.abs() <= CLOCK_SKEW_MS_MAX {
            return Ok(());
        }
        return Err(SignatureError::RequestTimeTooSkewed {
            request_time: request_time(),
            server_time: server_time(),
            max_allowed_skew_milliseconds: CLOCK_SKEW_MS_MAX.unsigned_abs(),
        });
    };
    if ahead_ms > CLOCK_SKEW_MS_MAX {
        let (request_time, server_time) = (request_time(), server_time());
        return Err(SignatureError::RequestNotYetValid { request_time, server_time });
    }
    let expires = claim.time.plus_seconds(x_amz_expires);
    if x_amz_expires == 0 || now > expires {
        let (expires, server_time) = (rfc3339(expires), server_time());
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

fn anonymous_payload(head: &RequestHead<'_>) -> Result<Payload, SignatureError> {
    let Some(text) = claim::content_sha256(head)? else { return Ok(Payload::Unsigned) };
    match PayloadKind::parse(text)? {
        PayloadKind::Unsigned => Ok(Payload::Unsigned),
        PayloadKind::Sha256(hash) => Ok(Payload::Sha256(hash)),
        PayloadKind::UnsignedChunks => Ok(Payload::UnsignedChunks),
        PayloadKind::SignedChunks { .. } => Err(SignatureError::ContentSha256NeedsSignature),
    }
}
