//! AWS Signature Version 4, in headers and in presigned queries.

mod error;

pub use error::{CredentialProblem, Mismatch, QueryProblem, SignatureError};

use http::HeaderMap;
use object_engine::clock::Timestamp;

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

/// Signs the chunks of one body.
#[derive(Debug)]
pub struct ChunkSigner;

/// Checks signatures for one region.
#[derive(Debug)]
pub struct Verifier {
    region: String,
}

impl Verifier {
    /// A verifier for `region`.
    pub fn new(region: &str) -> Self {
        Self { region: region.to_owned() }
    }

    /// The region that requests must be signed for.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Reads a request's signature; checks all that needs no secret: its form, region, service, time,
    /// and that the headers which must be signed are. `None`: an anonymous request.
    pub fn claim<'a>(
        &self,
        _head: &RequestHead<'a>,
        _now: Timestamp,
    ) -> Result<Option<Claim<'a>>, SignatureError> {
        unreachable!("being written")
    }

    /// Checks the signature with the secret that belongs to [`Claim::access_key_id`].
    pub fn verify(
        &self,
        _head: &RequestHead<'_>,
        _claim: &Claim<'_>,
        _secret: &[u8],
    ) -> Result<Payload, SignatureError> {
        unreachable!("being written")
    }
}

/// A signature that was read and not yet checked.
#[derive(Debug)]
pub struct Claim<'a> {
    access_key_id: std::borrow::Cow<'a, str>,
}

impl Claim<'_> {
    /// Who says to have signed.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }
}
