//! The SSE-C errors E1 to E18 and E20, word for word as AWS sends them.
//!
//! Guarantees: `ArgumentName` is always `x-amz-server-side-encryption`, also for copy-source headers;
//! the 400s close the connection, the 403s do not.
//! Does not: decide which one applies; `request::customer_key` and the operations do.

use super::{ErrorCode, S3Error};

/// The `ArgumentName` of every SSE-C error that has one.
const ARGUMENT_NAME: &str = "x-amz-server-side-encryption";

/// E1: an SSE-C header on a plain-HTTP request.
pub fn insecure_connection() -> S3Error {
    argument(
        "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection.",
    )
}

/// E2: no algorithm, but a key or its MD5.
pub fn missing_algorithm() -> S3Error {
    argument(
        "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.",
    )
}

/// E3: an algorithm, but no key.
pub fn missing_key() -> S3Error {
    argument(
        "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.",
    )
}

/// E4: a key that decodes to nothing. AWS echoes the raw text.
pub fn key_too_short(raw: &[u8]) -> S3Error {
    argument("The secret key was invalid - too short.").element("ArgumentValue", text(raw))
}

/// E5: a key that is not ASCII. AWS echoes the raw text.
pub fn key_not_ascii(raw: &[u8]) -> S3Error {
    argument("The secret key was improperly encoded. The secret key must be Base64 encoded.")
        .element("ArgumentValue", text(raw))
}

/// E6: a write without the key's MD5.
pub fn missing_md5() -> S3Error {
    argument(
        "Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key.",
    )
}

/// E7: the key's MD5 is another.
pub fn md5_mismatch() -> S3Error {
    argument("The calculated MD5 hash of the key did not match the hash that was provided.")
}

/// E8: an algorithm other than `AES256`.
pub fn unsupported_algorithm(given: &[u8]) -> S3Error {
    S3Error::new(ErrorCode::InvalidEncryptionAlgorithmError)
        .element("ArgumentName", ARGUMENT_NAME)
        .element("ArgumentValue", text(given))
        .closing()
}

/// E9: a key that is not 32 bytes long, on an operation that begins an object.
pub fn key_wrong_length() -> S3Error {
    argument("The secret key was invalid for the specified algorithm.")
}

/// E10: `x-amz-server-side-encryption` beside the trio.
pub fn conflicting_encryption(given: &str) -> S3Error {
    argument(
        "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
    )
    .element("ArgumentValue", given)
}

/// E10p: `x-amz-server-side-encryption` on UploadPart.
pub fn encryption_on_part(given: &str) -> S3Error {
    argument("x-amz-server-side-encryption header is not supported for this operation.")
        .element("ArgumentValue", given)
}

/// E11: an SSE-C object asked for without its key.
pub fn key_required() -> S3Error {
    request(
        "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.",
    )
}

/// E12: a key for an object that is not SSE-C.
pub fn key_not_applicable() -> S3Error {
    request("The encryption parameters are not applicable to this object.")
}

/// E13 (and E9g): a read with another key.
pub fn wrong_key() -> S3Error {
    S3Error::with_message(
        ErrorCode::AccessDenied,
        "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.",
    )
}

/// E14: a part with the trio for an upload without, or the other way round.
pub fn upload_encryption_differs() -> S3Error {
    request(
        "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.",
    )
}

/// E15 (and E9p): a part, or a copy's source, with another key.
pub fn key_differs() -> S3Error {
    request("The provided encryption parameters did not match the ones used originally.")
}

/// E16: CompleteMultipartUpload with a trio that is not the upload's.
pub fn complete_key_differs() -> S3Error {
    request(
        "The object was stored using a form of Server Side Encryption. Correct SSE-C request parameters are required for this request when specifying checksums for each part.",
    )
}

/// E17: ListParts of an SSE-C upload with a chosen checksum algorithm, without the key.
pub fn key_required_for_part_checksums() -> S3Error {
    request(
        "To retrieve Part Checksum data requests must include appropriate encryption parameters.",
    )
}

/// E18: the bucket takes no SSE-C writes. `user` is the caller's ARN, `action` such as `s3:PutObject`,
/// `resource` the object's ARN.
pub fn blocked(user: &str, action: &str, resource: &str) -> S3Error {
    S3Error::with_message(
        ErrorCode::AccessDenied,
        format!(
            "User: {user} is not authorized to perform: {action} on resource: \"{resource}\" because this bucket has blocked upload requests that specify Server Side Encryption with Customer provided keys (SSE-C). Please specify a different server-side encryption type"
        ),
    )
}

/// E20: `x-amz-server-side-encryption` on a read.
pub fn encryption_on_read(given: &str) -> S3Error {
    argument("x-amz-server-side-encryption header is not supported for this operation.")
        .element("ArgumentValue", given)
}

fn argument(message: &'static str) -> S3Error {
    S3Error::with_message(ErrorCode::InvalidArgument, message)
        .element("ArgumentName", ARGUMENT_NAME)
        .closing()
}

fn request(message: &'static str) -> S3Error {
    S3Error::with_message(ErrorCode::InvalidRequest, message).closing()
}

fn text(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).into_owned()
}
