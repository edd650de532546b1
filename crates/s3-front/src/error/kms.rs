//! The refusals of SSE-KMS, in AWS's words.
//!
//! Does not: say anything of SSE-C; `error::sse_c` does.

use object_engine::error::EngineError;
use sealed_store::{KeyServiceError, SealError};

use super::{ErrorCode, S3Error};

const CONTEXT: &str = "x-amz-server-side-encryption-context";

/// An object under a named key, asked for or sent over plain HTTP.
pub(crate) fn insecure_connection() -> S3Error {
    S3Error::with_message(
        ErrorCode::InvalidArgument,
        "Requests specifying Server Side Encryption with AWS KMS managed keys must be made over a secure connection.",
    )
    .closing()
}

/// An object under a named key, asked for or sent by nobody in particular.
pub(crate) fn signature_required() -> S3Error {
    S3Error::argument(
        "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.",
        "Authorization",
        "null",
    )
    .closing()
}

/// `aws:kms` without a key id, where there is no default key.
pub(crate) fn key_id_required() -> S3Error {
    S3Error::argument(
        "Server Side Encryption with KMS managed key requires HTTP header x-amz-server-side-encryption-aws-kms-key-id",
        "x-amz-server-side-encryption",
        "aws:kms",
    )
    .closing()
}

/// A key id that names no key of the service, or could not.
pub(crate) fn no_such_key_id(id: &str) -> S3Error {
    S3Error::with_message(ErrorCode::KmsNotFoundException, format!("Invalid keyId '{id}'"))
        .closing()
}

/// An encryption context that is not one.
pub(crate) fn invalid_context(given: &str) -> S3Error {
    S3Error::argument(
        "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map",
        CONTEXT,
        given,
    )
    .closing()
}

impl From<KeyServiceError> for S3Error {
    fn from(error: KeyServiceError) -> Self {
        match error {
            KeyServiceError::NotFound(name) => no_such_key_id(&name),
            KeyServiceError::Disabled(name) => {
                Self::with_message(ErrorCode::KmsDisabledException, format!("{name} is disabled."))
                    .closing()
            }
            KeyServiceError::Damaged(detail) => EngineError::Damaged(detail).into(),
            KeyServiceError::Unavailable(error) => error.into(),
        }
    }
}

impl From<SealError> for S3Error {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Store(error) => error.into(),
            SealError::Key(error) => error.into(),
        }
    }
}
