//! Why a request's signature is refused.
//!
//! Guarantees: every variant holds all that S3's error document shows, and `Display` is S3's own
//! `Message`. No variant holds a customer key or its MD5.
//!
//! Does not: choose codes and statuses; the error table does. Each variant's doc names them.

use std::fmt;

/// A request that is not authentic, not in time, or not well-formed as a signed request.
/// The client must act on every one of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// 403 AccessDenied: neither `x-amz-date` nor `Date` can be read.
    #[error("AWS authentication requires a valid Date or x-amz-date header")]
    DateMissing,
    /// 400 AuthorizationHeaderMalformed. With [`CredentialProblem::Region`] the document also has
    /// `Region`, the one that was expected.
    #[error("The authorization header is malformed; {0}")]
    AuthorizationHeaderMalformed(CredentialProblem),
    /// 400 AuthorizationQueryParametersError (`Region` as above).
    #[error("{0}")]
    AuthorizationQueryParameters(QueryProblem),
    /// 400 InvalidArgument, ArgumentName `Authorization`, ArgumentValue the scheme that was sent.
    #[error("Unsupported Authorization Type")]
    AuthorizationTypeUnsupported {
        /// The first word of the header.
        scheme: String,
    },
    /// 400 InvalidArgument, ArgumentName `Authorization`, ArgumentValue the header: version 2's is not
    /// an id, a colon and a signature.
    #[error("AWS authorization header is invalid.  Expected AwsAccessKeyId:signature")]
    AuthorizationInvalid {
        /// What was sent after `AWS `.
        value: String,
    },
    /// 400 InvalidRequest: version 2 signatures, in a header or a query, where they are off.
    #[error(
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
    )]
    MechanismUnsupported,
    /// 400 InvalidArgument, ArgumentName `Authorization`: a header and query parameters, or two headers.
    #[error(
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified"
    )]
    MechanismRepeated,
    /// 501 NotImplemented: version 4A (`AWS4-ECDSA-P256-SHA256`), in the algorithm or in the payload's.
    #[error("A header you provided implies functionality that is not implemented")]
    AsymmetricUnsupported {
        /// What asked for it: `Authorization`, `X-Amz-Algorithm` or `x-amz-content-sha256`.
        header: &'static str,
    },
    /// 400 InvalidRequest.
    #[error("Missing required header for this request: x-amz-content-sha256")]
    ContentSha256Missing,
    /// 400 InvalidArgument, ArgumentName `x-amz-content-sha256`, ArgumentValue the text.
    #[error(
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value."
    )]
    ContentSha256Invalid {
        /// The value that was sent.
        value: String,
    },
    /// 400 InvalidRequest: a request without a signature that says its chunks are signed.
    #[error(
        "Anonymous requests don't support this x-amz-content-sha256 value. Please use UNSIGNED-PAYLOAD or STREAMING-UNSIGNED-PAYLOAD-TRAILER."
    )]
    ContentSha256NeedsSignature,
    /// 400 InvalidArgument: an SSE-C name given twice, or in headers and query both.
    #[error("The server side encryption parameter was specified more than once.")]
    CustomerKeyParameterRepeated {
        /// Its name, lower case.
        name: String,
    },
    /// 403 AccessDenied (E19), with `HeadersNotSigned`: the names joined by `, `.
    #[error("There were headers present in the request which were not signed")]
    HeadersNotSigned(Vec<String>),
    /// 403 InvalidAccessKeyId, with `AWSAccessKeyId`.
    #[error("The AWS Access Key Id you provided does not exist in our records.")]
    InvalidAccessKeyId {
        /// The id that was sent.
        access_key_id: String,
    },
    /// 400 InvalidToken: session tokens are not issued here.
    #[error("The provided token is malformed or otherwise invalid.")]
    SecurityTokenUnsupported,
    /// 403 RequestTimeTooSkewed, with `RequestTime`, `ServerTime`, `MaxAllowedSkewMilliseconds`.
    #[error("The difference between the request time and the current time is too large.")]
    RequestTimeTooSkewed {
        /// As the client wrote it: `YYYYMMDDTHHMMSSZ`.
        request_time: String,
        /// RFC 3339, whole seconds, UTC.
        server_time: String,
        /// 900000.
        max_allowed_skew_milliseconds: u64,
    },
    /// 403 AccessDenied: version 2's `Expires` is not a time.
    #[error("Invalid date (should be seconds since epoch): {value}")]
    ExpiresInvalid {
        /// As it was sent.
        value: String,
    },
    /// 403 AccessDenied: one of the three parameters of version 2 is not there.
    #[error(
        "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"
    )]
    ExpiresMissing,
    /// 403 AccessDenied, with `X-Amz-Expires` (version 4 only), `Expires`, `ServerTime`: a presigned URL
    /// after its time.
    #[error("Request has expired")]
    RequestExpired {
        /// Version 4's parameter, in seconds.
        x_amz_expires: Option<u64>,
        /// RFC 3339, whole seconds, UTC.
        expires: String,
        /// RFC 3339, whole seconds, UTC.
        server_time: String,
    },
    /// 403 AccessDenied: a presigned URL before its time.
    #[error("Request is not valid yet")]
    RequestNotYetValid {
        /// As the client wrote it.
        request_time: String,
        /// RFC 3339, whole seconds, UTC.
        server_time: String,
    },
    /// 403 SignatureDoesNotMatch.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your key and signing method."
    )]
    SignatureDoesNotMatch(Box<Mismatch>),
}

/// What S3 shows of a signature that does not match, so that a client's author can compare.
/// Customer keys and their MD5s are replaced by `[redacted]` in the texts, and so in their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// `AWSAccessKeyId`
    pub access_key_id: String,
    /// `StringToSign`; absent where it is too long to be shown.
    pub string_to_sign: Option<String>,
    /// `SignatureProvided`
    pub signature_provided: String,
    /// `CanonicalRequest`; absent for the signature of a chunk or a trailer, for version 2, which has none,
    /// and where it is too long to be shown.
    pub canonical_request: Option<String>,
}

impl Mismatch {
    /// `StringToSignBytes`: hexadecimal bytes, separated by spaces.
    pub fn string_to_sign_bytes(&self) -> Option<String> {
        self.string_to_sign.as_deref().map(spaced_hex)
    }

    /// `CanonicalRequestBytes`: those of the redacted text.
    pub fn canonical_request_bytes(&self) -> Option<String> {
        self.canonical_request.as_deref().map(spaced_hex)
    }
}

fn spaced_hex(text: &str) -> String {
    use fmt::Write;
    let mut out = String::with_capacity(text.len() * 3);
    for (index, byte) in text.bytes().enumerate() {
        let separator = if index == 0 { "" } else { " " };
        // Writing to a String cannot fail.
        let _ = write!(out, "{separator}{byte:02x}");
    }
    out
}

/// What is wrong with a credential or an `Authorization` header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialProblem {
    /// A component is not `name=value`.
    #[error("the authorization component \"{0}\" is malformed.")]
    Component(String),
    /// Not exactly the three components.
    #[error(
        "the authorization header requires three components: Credential, SignedHeaders, and Signature."
    )]
    Components,
    /// Not five parts.
    #[error(
        "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."
    )]
    Credential,
    /// The scope's date is not the request's day.
    #[error("Invalid credential date. Date is not the same as X-Amz-Date.")]
    Date,
    /// The scope's date is not a date.
    #[error(
        "incorrect date format \"{0}\". This date in the credential must be in the format \"yyyyMMdd\"."
    )]
    DateFormat(String),
    /// No `Credential`.
    #[error("missing Credential.")]
    MissingCredential,
    /// No `Signature`.
    #[error("missing Signature.")]
    MissingSignature,
    /// No `SignedHeaders`.
    #[error("missing SignedHeaders.")]
    MissingSignedHeaders,
    /// Signed for another region.
    #[error("the region '{actual}' is wrong; expecting '{expected}'")]
    Region {
        /// The one that was sent.
        actual: String,
        /// Ours.
        expected: String,
    },
    /// Signed for another service.
    #[error("incorrect service \"{0}\". This endpoint belongs to \"s3\".")]
    Service(String),
    /// `host` is not among the signed headers, or the list is not lower case, or a name stands in it twice.
    #[error("the authorization component \"SignedHeaders={0}\" is malformed.")]
    SignedHeaders(String),
    /// Not `aws4_request`.
    #[error("incorrect terminal \"{0}\". This endpoint uses \"aws4_request\".")]
    Terminal(String),
}

/// What is wrong with a presigned query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryProblem {
    /// `X-Amz-Algorithm` is something else.
    #[error("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"")]
    Algorithm,
    /// `X-Amz-Credential` is malformed or for another place.
    #[error("Error parsing the X-Amz-Credential parameter; {0}")]
    Credential(CredentialProblem),
    /// The scope's date is not the day of `X-Amz-Date`.
    #[error(
        "Invalid credential date \"{credential}\". This date is not the same as X-Amz-Date: \"{request}\"."
    )]
    CredentialDate {
        /// The scope's.
        credential: String,
        /// The day of `X-Amz-Date`.
        request: String,
    },
    /// `X-Amz-Date` is not a time.
    #[error("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")]
    Date,
    /// `X-Amz-Expires` is negative.
    #[error("X-Amz-Expires must be non-negative")]
    ExpiresNegative,
    /// `X-Amz-Expires` is not a number.
    #[error("X-Amz-Expires should be a number")]
    ExpiresNotANumber,
    /// `X-Amz-Expires` is over seven days.
    #[error(
        "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
    )]
    ExpiresTooLarge,
    /// One of the six parameters is not there.
    #[error(
        "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
    )]
    Missing,
    /// A parameter of the six is there twice.
    #[error("Query-string authentication version 4 parameter {0} was specified more than once.")]
    Repeated(&'static str),
    /// `host` is not among the signed headers, or the list is malformed.
    #[error("X-Amz-SignedHeaders is malformed.")]
    SignedHeaders,
}

impl SignatureError {
    /// The region that the client should have signed for, if that is what was wrong: the `Region`
    /// element of S3's error document.
    pub fn expected_region(&self) -> Option<&str> {
        match self {
            Self::AuthorizationHeaderMalformed(CredentialProblem::Region { expected, .. })
            | Self::AuthorizationQueryParameters(QueryProblem::Credential(
                CredentialProblem::Region { expected, .. },
            )) => Some(expected),
            _ => None,
        }
    }
}
