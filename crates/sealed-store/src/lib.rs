//! The one place where a key meets stored bytes: put, get, parts.
//!
//! Guarantees: no plaintext byte leaves before its chunk is verified; nothing is stored in clear but
//! what `docs/format/sealed-object-v1.md` lists; memory is constant in the size of objects.
//!
//! Does not: speak S3 or decide who may do what. With `sealed-format`, this crate is the whole audit.

mod body;
mod checksums;
mod copy;
mod error;
mod frames;
mod kms;
mod manifest;
mod multipart;
mod put;
mod read;
mod store;
mod unlock;

pub use body::{BodyDigests, PlainBody};
pub use copy::{CopyMode, CopyObject, CopyOutcome, CopySource};
pub use error::{PutError, SealError, UnlockError};
pub use kms::{
    CONTEXT_ARN, Encryption, EncryptionContext, KeyName, KeyRing, KeyService, KeyServiceError,
    KmsEncryption, NewDataKey,
};
pub use multipart::{
    ChosenChecksum, CompleteOutcome, CreateUpload, PART_BYTES_MIN, PartPut, UnlockedUpload,
    completed_etag,
};
pub use put::{Put, PutOutcome};
pub use read::PlainReader;
pub use store::SealedStore;
pub use unlock::{ObjectFacts, Unlocked};
