//! The sealed object: customer keys, the key schedule, the envelope, and chunked encryption with random access.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod body;
mod context;
mod customer_key;
mod envelope;
mod error;
mod facts;
mod key_headers;
mod key_schedule;
pub mod layout;
mod lenient_base64;
pub mod manual;
mod master_key;
mod primitives;
mod randomness;
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
pub use key_headers::{KeyHeaderError, KeyHeaders, Md5Rule, PresentedKey, WrongLength};
pub use key_schedule::{CompletionKey, DataKey, HolderKey, MetadataKey, ObjectSecrets};
pub use layout::{CHUNK_BYTES, SEALED_CHUNK_BYTES, TAG_BYTES};
pub use master_key::{MasterKey, MasterUse, ServerKey, open_completion_key, seal_completion_key};
pub use randomness::Randomness;
pub use seal::{
    manifest_digest, open_completion, open_part, open_upload, open_version, outline_mac,
    seal_completion, seal_part, seal_upload, seal_version, verify_outline_mac,
};
