//! `x-amz-mfa`: multi-factor authentication of deletes.
//!
//! Guarantees: a request that relies on it is refused; it is never performed without the factor.

use super::head::Head;
use crate::error::{S3Error, S3Result};

/// Refuses a request that presents a factor: there is none here that could be checked.
pub fn refuse(head: &Head) -> S3Result<()> {
    if head.headers.contains_key("x-amz-mfa") { Err(not_implemented()) } else { Ok(()) }
}

/// `501 NotImplemented`.
pub fn not_implemented() -> S3Error {
    S3Error::not_implemented("MFA delete (MfaDelete, x-amz-mfa) is not implemented.")
}
