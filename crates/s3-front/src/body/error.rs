//! Why a request body is refused.
//!
//! Guarantees: every variant holds all that S3's error document shows; `Display` is S3's `Message`.
//!
//! Does not: choose codes and statuses; the error table does. Each variant's doc names them.

use crate::body::ChecksumAlgorithm;
use crate::signature::Mismatch;

/// A body that is not what its head promised. The client must act on all but `Connection`.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// 400 BadDigest, with `ExpectedDigest` and `CalculatedDigest`.
    #[error("The Content-MD5 you specified did not match what we received.")]
    BadContentMd5 {
        /// Base64, as the client sent it.
        expected: String,
        /// Base64 of what was received.
        calculated: String,
    },
    /// 400 BadDigest.
    #[error("The {} you specified did not match the calculated checksum.", .0.name())]
    ChecksumMismatch(ChecksumAlgorithm),
    /// 400 InvalidRequest: an `x-amz-checksum-*` header of an algorithm that is not known.
    #[error("The algorithm type you specified in x-amz-checksum- header is invalid.")]
    ChecksumAlgorithmInvalid,
    /// 400 InvalidRequest: a value that is not base64 of the right length.
    #[error("Value for {header} header is invalid.")]
    ChecksumHeaderInvalid {
        /// `x-amz-checksum-crc32`, or `x-amz-sdk-checksum-algorithm`.
        header: &'static str,
    },
    /// 400 InvalidRequest: the same in a trailer.
    #[error("Value for {header} trailing header is invalid.")]
    ChecksumTrailerInvalid {
        /// `x-amz-checksum-crc32` ...
        header: &'static str,
    },
    /// 400 InvalidRequest.
    #[error("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")]
    ChecksumsMultiple,
    /// 400 InvalidRequest: one in the headers and one announced as a trailer.
    #[error("Expecting a single x-amz-checksum- header")]
    ChecksumInHeaderAndTrailer,
    /// 400 InvalidRequest.
    #[error(
        "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found."
    )]
    ChecksumMissing,
    /// 400 InvalidRequest: the operation needs one of them and none was sent.
    #[error("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")]
    IntegrityHeaderMissing,
    /// The connection failed, or HTTP's own framing was broken; nobody is left to be answered (400 RequestTimeout or IncompleteBody where one is).
    #[error("The request body could not be read.")]
    Connection(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// 400 XAmzContentSHA256Mismatch, with `ClientComputedContentSHA256` and `S3ComputedContentSHA256`.
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    ContentSha256Mismatch {
        /// Lower-case hexadecimal.
        client: String,
        /// Lower-case hexadecimal.
        server: String,
    },
    /// 400 EntityTooLarge or MaxMessageLengthExceeded (XML bodies): more than `read_all` was allowed.
    #[error("Your request was too big.")]
    TooLarge {
        /// In bytes.
        limit: usize,
    },
    /// 400 IncompleteBody: fewer bytes than promised.
    #[error("You did not provide the number of bytes specified by the Content-Length HTTP header")]
    Incomplete,
    /// 400 IncompleteBody: more bytes than promised, or bytes after the end.
    #[error("You provided more bytes than specified by the Content-Length HTTP header")]
    TooLong,
    /// 400 IncompleteBody: the aws-chunked framing cannot be read.
    #[error("The request body terminated unexpectedly")]
    ChunkMalformed,
    /// 400 InvalidDigest, with `Content-MD5` (E21).
    #[error("The Content-MD5 you specified was invalid.")]
    InvalidContentMd5 {
        /// The value that was sent.
        value: String,
    },
    /// 400 MalformedTrailerError.
    #[error(
        "The request contained trailing data that was not well-formed or did not conform to our published schema."
    )]
    MalformedTrailer,
    /// 411 MissingContentLength: neither length nor aws-chunked's decoded length.
    #[error("You must provide the Content-Length HTTP header.")]
    LengthMissing,
    /// 400 InvalidArgument, ArgumentName `x-amz-decoded-content-length`.
    #[error("The value of x-amz-decoded-content-length is invalid.")]
    DecodedLengthInvalid,
    /// 403 SignatureDoesNotMatch: of a chunk or of the trailer.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your key and signing method."
    )]
    SignatureDoesNotMatch(Box<Mismatch>),
    /// 400 InvalidRequest: `x-amz-trailer` names something else than one checksum.
    #[error("The value specified in the x-amz-trailer header is not supported")]
    TrailerUnsupported,
}
