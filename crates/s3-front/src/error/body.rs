//! How a refused body looks from outside: each of `BodyError`'s variants has its row.
//!
//! Does not: word the messages; `Display` of the variants is S3's.

use crate::body::BodyError;

use super::{ErrorCode, S3Error, signature::mismatched};

impl From<BodyError> for S3Error {
    /// Every one of them closes the connection: what is left of the body cannot be trusted.
    fn from(error: BodyError) -> Self {
        use BodyError as E;
        let message = error.to_string();
        let plain = |code| Self::with_message(code, message.clone());
        match error {
            E::BadContentMd5 { expected, calculated } => plain(ErrorCode::BadDigest)
                .element("ExpectedDigest", expected)
                .element("CalculatedDigest", calculated),
            E::ChecksumMismatch(_) => plain(ErrorCode::BadDigest),
            E::ChecksumAlgorithmInvalid
            | E::ChecksumHeaderInvalid { .. }
            | E::ChecksumTrailerInvalid { .. }
            | E::ChecksumsMultiple
            | E::ChecksumInHeaderAndTrailer
            | E::ChecksumMissing
            | E::IntegrityHeaderMissing
            | E::TrailerUnsupported => plain(ErrorCode::InvalidRequest),
            E::Connection(_) | E::Incomplete | E::TooLong | E::ChunkMalformed => {
                plain(ErrorCode::IncompleteBody)
            }
            E::ContentSha256Mismatch { client, server } => {
                plain(ErrorCode::XAmzContentSHA256Mismatch)
                    .element("ClientComputedContentSHA256", client)
                    .element("S3ComputedContentSHA256", server)
            }
            E::TooLarge { limit } => plain(ErrorCode::MaxMessageLengthExceeded)
                .element("MaxMessageLengthBytes", limit.to_string()),
            E::InvalidContentMd5 { value } => {
                plain(ErrorCode::InvalidDigest).element("Content-MD5", value)
            }
            E::MalformedTrailer => plain(ErrorCode::MalformedTrailerError),
            E::LengthMissing => plain(ErrorCode::MissingContentLength),
            E::DecodedLengthInvalid => plain(ErrorCode::InvalidArgument)
                .element("ArgumentName", "x-amz-decoded-content-length"),
            E::SignatureDoesNotMatch(mismatch) => mismatched(&mismatch),
        }
        .closing()
    }
}
