//! `x-amz-server-side-encryption`: what is asked of the server's own encryption.
//!
//! Guarantees: everything but `AES256`, which every object gets anyway, is refused; never ignored.
//! Does not: look at the SSE-C trio beyond whether it is there.

use super::{customer_key::CustomerKeyHeaders, head::Head};
use crate::error::{S3Error, S3Result, sse_c};

/// `x-amz-server-side-encryption`.
pub(crate) const SSE: &str = "x-amz-server-side-encryption";
const KMS_KEY_ID: &str = "x-amz-server-side-encryption-aws-kms-key-id";

/// For operations that begin an object (E10, and KMS as not implemented).
pub fn check_write(head: &Head, trio: &CustomerKeyHeaders) -> S3Result<()> {
    let Some(asked) = head.text(SSE)? else { return refuse_kms_key(head) };
    if trio.any() {
        return Err(sse_c::conflicting_encryption(asked));
    }
    match asked {
        "AES256" => refuse_kms_key(head),
        "aws:kms" | "aws:kms:dsse" => Err(S3Error::not_implemented(
            "Server side encryption with AWS KMS keys is not implemented.",
        )),
        other => {
            Err(S3Error::argument("The encryption method specified is not supported", SSE, other))
        }
    }
}

/// For UploadPart (E10p).
pub fn check_part(head: &Head) -> S3Result<()> {
    head.text(SSE)?.map_or(Ok(()), |asked| Err(sse_c::encryption_on_part(asked)))
}

/// For reads (E20).
pub fn check_read(head: &Head) -> S3Result<()> {
    head.text(SSE)?.map_or(Ok(()), |asked| Err(sse_c::encryption_on_read(asked)))
}

fn refuse_kms_key(head: &Head) -> S3Result<()> {
    match head.text(KMS_KEY_ID)? {
        Some(id) => Err(S3Error::argument(
            "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
            SSE,
            id,
        )),
        None => Ok(()),
    }
}
