//! The sealed object: what strongroom stores, and who can open it.
//!
//! A strongroom keeps what it cannot open. This crate is the box and its lock: customer keys and
//! the header trio that brings them, the key schedule, the envelope, bodies in chunks that open in
//! any order, and the seals over everything else that is known about an object. With
//! `sealed-store`, which calls it, it is the whole of what an audit of confidentiality has to read.
//!
//! It cannot do I/O, wait, read a clock or draw randomness: bytes come in and go out, and
//! randomness is an argument.
//!
//! ```text
//!  the customer's key K, 32 bytes, for the length of one request
//!    |
//!    |  HKDF-SHA-512 with a salt new at every wrap,
//!    |  over kind of holder, bucket, object key, version and body
//!    v
//!  +-- envelope, 179 bytes a version --------------------------------+
//!  |  format, suite, holder | wrap salt | V | AES-256-GCM(KEK, ...)  |   V tells a wrong key
//!  +------------------------------------------|----------------------+
//!                     +-----------------------+-------------------+
//!                     v                       v                   v
//!                DEK, a body             MK, a version       CK, a version
//!                     |                       |                   |
//!       +-------------+--------+      +-------+-------+    +------+-----------+
//!       | parts: Cobblestone-  |      | version facts |    | outlines of open |
//!       | 256, 16 KiB chunks   |      | upload facts  |    | uploads, and the |
//!       | part records         |      |               |    | chosen part list |
//!       +----------------------+      +---------------+    +------------------+
//! ```
//!
//! # What is promised
//!
//! - **Nothing opens without its key.** The customer's key never encrypts data itself; it wraps
//!   random keys, once each.
//! - **Nothing opens elsewhere.** An envelope is bound to its kind of holder, bucket, object key,
//!   version and body; a body to its id, part number and attempt; a chunk to its place; a record to
//!   its kind.
//! - **Nothing unverified is released.** Every byte that is returned was authenticated; what failed
//!   is wiped. Lengths come from sealed facts, so a truncated body is refused before its first
//!   byte.
//! - **Nothing repeats.** Every wrap, seal and attempt at a part draws a fresh salt and so has a
//!   key of its own: uploading a part again never meets an old nonce.
//! - **A ciphertext has one key.** V commits to the customer's key, each part's header to the
//!   body's.
//! - **Secrets are quiet.** They stand in one heap allocation, are wiped on drop, and cannot be
//!   cloned, printed, compared with `==` or serialized.
//! - **The format is public.** `docs/format/sealed-object-v1.md` draws every byte, `tests/vectors`
//!   has a file for every misdeed, and an implementation that shares no code with this one judges
//!   it.
//!
//! # What is not
//!
//! - Names, sizes, part layout, ETags, times and which versions share a body are not hidden: the
//!   store lists them.
//! - Whoever writes the disk can put back an older whole version with its envelope, or remove one.
//! - Whoever once held a key to a body may know its DEK. Re-wrapping under a new key does not take
//!   that back; re-encrypting does.
//! - Keys are not stretched. V lets a thief of the disk test guesses, which is hopeless for 32
//!   random bytes and only for those.
//! - Whoever controls the running process sees what it sees.
//!
//! # Where to read on
//!
//! [`wrap`] and [`unwrap`] begin and end everything; [`PartSealer`] and [`PartOpener`] are the hot
//! path, [`layout`] its arithmetic; [`seal_version`] and its siblings hold the facts. [`manual`]
//! says which mistakes of others are avoided how, and why the defaults are what they are.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod body;
mod context;
mod customer_key;
mod envelope;
mod error;
mod facts;
mod gcm;
mod key_headers;
mod key_schedule;
pub mod layout;
mod lenient_base64;
pub mod manual;
mod master_key;
mod primitives;
mod randomness;
mod ring_key;
mod seal;
mod secret;
mod witness;

pub use body::{PART_HEADER_BYTES, PartHeader, PartOpener, PartSealer};
pub use context::{HolderKind, ObjectContext};
pub use customer_key::{CustomerKey, KeyMd5};
pub use envelope::{ENVELOPE_BYTES, unwrap, wrap};
pub use error::{Damaged, UnwrapError};
pub use facts::{
    Checksum, ChecksumAlgorithm, ChecksumKind, CompletionFacts, ETAG_BYTES_MAX, METADATA_BYTES_MAX,
    ManifestDigest, OBJECT_BYTES_MAX, ObjectMetadata, PARTS_MAX, PARTS_PER_DIGEST, PartFacts,
    PartList, PartOutline, TEXT_BYTES_MAX, USER_ENTRIES_MAX, UploadFacts, VERSION_ID_BYTES_MAX,
    VersionFacts,
};
pub use gcm::AesGcm;
pub use key_headers::{KeyHeaderError, KeyHeaders, Md5Rule, PresentedKey, WrongLength};
pub use key_schedule::{CompletionKey, DataKey, HolderKey, MetadataKey, ObjectSecrets};
pub use layout::{CHUNK_BYTES, SEALED_CHUNK_BYTES, TAG_BYTES};
pub use master_key::{MasterKey, MasterUse, ServerKey, open_completion_key, seal_completion_key};
pub use randomness::Randomness;
pub use ring_key::{KmsDataKey, RingKey};
pub use seal::{
    manifest_digest, open_completion, open_part, open_upload, open_version, outline_mac,
    seal_completion, seal_part, seal_upload, seal_version, verify_outline_mac,
};

/// The SHA-256 of `docs/format/sealed-object-v1.md`, which this crate implements: whoever changes
/// that page, which is frozen once released, changes this line and meets this sentence.
pub const FORMAT_DOC_SHA256: &str =
    "da44fb8dc54bf211c2d66e9a8dd632f4eb81618fbd60247a2a53a6fe2e27cbbd";
