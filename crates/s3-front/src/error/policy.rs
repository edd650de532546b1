//! How a malformed policy looks from outside.
//!
//! Does not: word the messages; `Display` of the variants is S3's.

use super::{ErrorCode, S3Error};
use crate::policy::PolicyError;

impl From<PolicyError> for S3Error {
    fn from(error: PolicyError) -> Self {
        Self::with_message(ErrorCode::MalformedPolicy, error.to_string())
    }
}
