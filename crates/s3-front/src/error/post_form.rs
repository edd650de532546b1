//! How a refused form looks from outside.
//!
//! Does not: word the messages; `Display` of the variants is S3's.

use crate::{
    body::BodyError,
    post_form::{FormError, PolicyError},
};

use super::{ErrorCode, S3Error};

impl From<FormError> for S3Error {
    /// Every one of them closes the connection: what is left of the body will not be read.
    fn from(error: FormError) -> Self {
        use FormError as E;
        let message = error.to_string();
        let plain = |code| Self::with_message(code, message.clone());
        match error {
            E::Malformed => plain(ErrorCode::MalformedPOSTRequest),
            E::TooLong => plain(ErrorCode::MaxPostPreDataLengthExceeded).element(
                "MaxPostPreDataLengthBytes",
                crate::limits::FORM_FIELDS_BYTES_MAX.to_string(),
            ),
            E::Files(count) => Self::argument(message, "file", count.to_string()),
            E::Repeated(name) | E::KeyAfterFile(name) => Self::argument(message, name, ""),
            E::FileTooLarge { max } => {
                plain(ErrorCode::EntityTooLarge).element("MaxSizeAllowed", max.to_string())
            }
            E::FileTooSmall { size, min } => plain(ErrorCode::EntityTooSmall)
                .element("ProposedSize", size.to_string())
                .element("MinSizeAllowed", min.to_string()),
            E::Body(error) => error.into(),
        }
        .closing()
    }
}

impl From<PolicyError> for S3Error {
    fn from(error: PolicyError) -> Self {
        match error {
            PolicyError::Invalid(why) => Self::with_message(ErrorCode::InvalidPolicyDocument, why),
            PolicyError::Denied(why) => Self::with_message(ErrorCode::AccessDenied, why),
        }
        .closing()
    }
}

/// The refusal of a file that came through `body::RequestBody`, which takes a form's errors for the
/// connection's.
pub(crate) fn of_file(error: BodyError) -> S3Error {
    match error {
        BodyError::Connection(source) => match source.downcast::<FormError>() {
            Ok(error) => (*error).into(),
            Err(source) => BodyError::Connection(source).into(),
        },
        error => error.into(),
    }
}
