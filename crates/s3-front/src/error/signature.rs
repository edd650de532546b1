//! How a refused signature looks from outside: each of `SignatureError`'s variants has its row.
//!
//! Does not: word the messages; `Display` of the variants is S3's.

use crate::signature::{Mismatch, SignatureError};

use super::{ErrorCode, S3Error};

impl From<SignatureError> for S3Error {
    fn from(error: SignatureError) -> Self {
        use SignatureError as E;
        let message = error.to_string();
        let region = error.expected_region().map(str::to_owned);
        let plain = |code| Self::with_message(code, message.clone());
        let with_region = |code| match &region {
            Some(region) => plain(code).element("Region", region.as_str()),
            None => plain(code),
        };
        match error {
            E::DateMissing | E::ExpiresInvalid { .. } | E::ExpiresMissing => {
                plain(ErrorCode::AccessDenied)
            }
            E::AuthorizationHeaderMalformed(_) => {
                with_region(ErrorCode::AuthorizationHeaderMalformed)
            }
            E::AuthorizationQueryParameters(_) => {
                with_region(ErrorCode::AuthorizationQueryParametersError)
            }
            E::AuthorizationTypeUnsupported { scheme } => {
                Self::argument(message, "Authorization", scheme)
            }
            E::AuthorizationInvalid { value } => {
                Self::argument(message, "Authorization", format!("AWS {value}"))
            }
            E::MechanismUnsupported | E::ContentSha256Missing | E::ContentSha256NeedsSignature => {
                plain(ErrorCode::InvalidRequest)
            }
            E::MechanismRepeated => {
                plain(ErrorCode::InvalidArgument).element("ArgumentName", "Authorization")
            }
            E::AsymmetricUnsupported { header } => {
                plain(ErrorCode::NotImplemented).element("Header", header)
            }
            E::ContentSha256Invalid { value } => {
                Self::argument(message, "x-amz-content-sha256", value)
            }
            E::CustomerKeyParameterRepeated { name } => {
                plain(ErrorCode::InvalidArgument).element("ArgumentName", name).closing()
            }
            E::HeadersNotSigned(names) => {
                plain(ErrorCode::AccessDenied).element("HeadersNotSigned", names.join(", "))
            }
            E::InvalidAccessKeyId { access_key_id } => {
                plain(ErrorCode::InvalidAccessKeyId).element("AWSAccessKeyId", access_key_id)
            }
            E::SecurityTokenUnsupported => plain(ErrorCode::InvalidToken),
            E::RequestTimeTooSkewed {
                request_time,
                server_time,
                max_allowed_skew_milliseconds,
            } => plain(ErrorCode::RequestTimeTooSkewed)
                .element("RequestTime", request_time)
                .element("ServerTime", server_time)
                .element("MaxAllowedSkewMilliseconds", max_allowed_skew_milliseconds.to_string()),
            E::RequestExpired { x_amz_expires, expires, server_time } => {
                let error = plain(ErrorCode::AccessDenied);
                let error = match x_amz_expires {
                    Some(seconds) => error.element("X-Amz-Expires", seconds.to_string()),
                    None => error,
                };
                error.element("Expires", expires).element("ServerTime", server_time)
            }
            E::RequestNotYetValid { request_time, server_time } => plain(ErrorCode::AccessDenied)
                .element("RequestTime", request_time)
                .element("ServerTime", server_time),
            E::SignatureDoesNotMatch(mismatch) => mismatched(&mismatch),
        }
    }
}

/// `SignatureDoesNotMatch`, with what lets a client's author compare; keys in it are redacted already.
pub(super) fn mismatched(mismatch: &Mismatch) -> S3Error {
    S3Error::new(ErrorCode::SignatureDoesNotMatch)
        .element("AWSAccessKeyId", mismatch.access_key_id.as_str())
        .computed("StringToSign", mismatch.string_to_sign.clone())
        .element("SignatureProvided", mismatch.signature_provided.as_str())
        .computed("StringToSignBytes", mismatch.string_to_sign_bytes())
        .computed("CanonicalRequest", mismatch.canonical_request.clone())
        .computed("CanonicalRequestBytes", mismatch.canonical_request_bytes())
}
