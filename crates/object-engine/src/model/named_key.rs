//! The built-in ring's named keys, and what a version keeps of the one that holds it (SSE-KMS).
//!
//! Does not: open a key; what is stored of one is sealed.

use bytes::Bytes;

use crate::clock::Timestamp;

/// A named key of the ring, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedKey {
    /// Its name, unique.
    pub name: String,
    /// Its identity: a key that is made again under the same name has another.
    pub uid: [u8; 16],
    /// When it was made.
    pub created: Timestamp,
    /// Whether it may be used.
    pub enabled: bool,
    /// The key, sealed under the master key; opaque here.
    pub sealed: Bytes,
}

/// Which key of a key service holds a version, and what that service needs to open it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KmsHolder {
    /// The key's name at the service.
    pub key: String,
    /// The version's data key, as the service wrapped it; opaque here.
    pub wrapped: Bytes,
    /// The client's encryption context, in clear as on AWS.
    pub context: Vec<(String, String)>,
    /// Whether the client asked for an S3 Bucket Key; repeated in answers.
    pub bucket_key: bool,
}
