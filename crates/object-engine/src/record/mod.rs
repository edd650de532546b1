//! The stored form of every record: a compact binary encoding with a version byte.
//!
//! Guarantees: what was encoded decodes to the same value; anything else is refused as
//! [`Malformed`], never misread; golden tests pin every byte. Does not: name keys; `keys` does.

mod account;
mod attached;
mod bucket;
mod codec;
mod head;
mod housekeeping;
mod named_key;
mod session;
mod setup;
mod upload;
mod version;

pub(crate) use account::{decode_access_key, decode_account, encode_access_key, encode_account};
pub(crate) use bucket::{BucketRecord, BucketState};
pub(crate) use codec::{Malformed, Reader, Writer};
pub(crate) use head::{HEAD_BYTES_MAX, Head, Shown};
pub(crate) use housekeeping::{
    Completing, Installation, Lease, LeaseState, Owner, RemovedUpload, decode_count,
    decode_master_check, decode_number, decode_time, encode_count, encode_master_check,
    encode_number, encode_time,
};
pub(crate) use named_key::{decode_named_key, encode_named_key};
pub(crate) use session::{Session, SessionId, SessionState, decode_turn, encode_turn};
pub(crate) use setup::{decode_setup, encode_setup};
pub(crate) use upload::{UploadRecord, UploadState, decode_part, encode_part};
pub(crate) use version::{
    VersionFront, VersionRecord, decode_manifest, decode_version, encode_manifest,
};

#[cfg(test)]
mod tests;
