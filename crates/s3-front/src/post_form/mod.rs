//! Uploads by HTML form: multipart/form-data as it streams in, its policy, and the policy's proof.
//!
//! Guarantees: the fields before the file are read within 20 KiB, the file is never buffered, and no
//! buffer keeps a field's value: what held one is wiped.
//! Does not: store anything; PostObject does.
//!
//! The reader is ours, and not a library's: those known copy what they read into buffers of their own,
//! where plaintext and keys would stay.

mod delimiter;
mod fields;
mod file;
mod head;
mod json;
mod part;
mod policy;
mod signature;

pub(crate) use delimiter::Delimiter;
pub(crate) use fields::{Form, read};
pub(crate) use file::FileBody;
pub(crate) use head::{head, tags, text};
pub(crate) use policy::{LengthRange, Policy, PolicyError};
pub(crate) use signature::{authenticate, missing};

use crate::body::BodyError;

/// Why a form is refused. The client must act.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FormError {
    /// 400 MalformedPOSTRequest.
    #[error("The body of your POST request is not well-formed multipart/form-data.")]
    Malformed,
    /// 400 MaxPostPreDataLengthExceeded.
    #[error("Your POST request fields preceeding the upload file was too large.")]
    TooLong,
    /// 400 InvalidArgument: this many files, which is not one.
    #[error("POST requires exactly one file upload per request.")]
    Files(u8),
    /// 400 InvalidArgument: which of two values counts would be a matter of who reads.
    #[error("A form field was specified more than once.")]
    Repeated(String),
    /// 400 InvalidArgument: what stands there is ignored, and a key must not be.
    #[error("Server side encryption parameters must precede the field 'file'.")]
    KeyAfterFile(String),
    /// 400 EntityTooLarge.
    #[error("Your proposed upload exceeds the maximum allowed size")]
    FileTooLarge {
        /// In bytes.
        max: u64,
    },
    /// 400 EntityTooSmall.
    #[error("Your proposed upload is smaller than the minimum allowed size")]
    FileTooSmall {
        /// In bytes.
        size: u64,
        /// In bytes.
        min: u64,
    },
    /// The connection's.
    #[error(transparent)]
    Body(BodyError),
}
