//! The keys of one version, one type a stage.
//!
//! ```text
//!   K  the customer's 32 bytes (or the server's,   wrap_salt  32 random bytes, new at every wrap
//!   |  or a key service's data key)                |
//!   +------------ HKDF-Extract-SHA-512 ------------+
//!                            |
//!                           PRK
//!                            |-- "verify" || ctx --> V    stored; compared in constant time
//!                            +-- "wrap"   || ctx --> KEK  seals exactly one thing: DEK || MK || CK
//!
//!   DEK  32 random bytes a body     |-- "body" --------------------> input key of Cobblestone-256
//!   (DataKey)                       +-- "part record" || salt -----> seals one part's record
//!   MK   32 random bytes a version  |-- "version seal" || salt ----> seals a version's facts
//!   (MetadataKey)                   +-- "upload seal" || salt -----> seals an upload's facts
//!   CK   32 random bytes a version  |-- "completion seal" || salt -> seals a completion's facts
//!   (CompletionKey)                 +-- "outline mac" || outline --> authenticates a part's outline
//! ```
//!
//! Every arrow is HKDF-Expand-SHA-512 to 32 bytes. No label is a prefix of another under the same
//! key, and every salt is fresh, so each derived key but the body's seals exactly one thing. The
//! wrong key at the wrong place does not compile.

use std::fmt;

use crate::master_key::ServerKey;
use crate::primitives::{KEY_BYTES, Prk};
use crate::randomness::Randomness;
use crate::secret::Secret;
use crate::{CustomerKey, HolderKind, KmsDataKey};

macro_rules! key_stage {
    ($(#[$doc:meta])* $name:ident, $label:literal) => {
        $(#[$doc])*
        pub struct $name(Secret<KEY_BYTES>);

        impl $name {
            pub(crate) fn filled_by(fill: impl FnOnce(&mut [u8; KEY_BYTES])) -> Self {
                Self(Secret::filled_by($label, fill))
            }

            pub(crate) fn expose(&self) -> &[u8; KEY_BYTES] {
                self.0.expose()
            }

            /// The stage's PRK, from which its labelled keys are expanded.
            pub(crate) fn prk(&self) -> Prk {
                Prk::of(self.expose())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

key_stage!(
    /// DEK: 32 random bytes a body. Versions that share the body share it.
    DataKey,
    "dek"
);
key_stage!(
    /// MK: 32 random bytes a version, over its metadata. The server never keeps it.
    MetadataKey,
    "mk"
);
key_stage!(
    /// CK: 32 random bytes a version, so that an upload can be completed without the customer's
    /// key. Kept, sealed under the master key, only while the upload is open; it opens no data and
    /// no metadata.
    CompletionKey,
    "ck"
);

/// The three random keys of one version, which its envelope wraps.
#[derive(Debug)]
pub struct ObjectSecrets {
    /// DEK: the body and its parts' records.
    pub data: DataKey,
    /// MK: the metadata.
    pub metadata: MetadataKey,
    /// CK: the completion of a multipart upload.
    pub completion: CompletionKey,
}

impl ObjectSecrets {
    /// Draws all three.
    pub fn generate(random: &dyn Randomness) -> Self {
        Self {
            data: DataKey::filled_by(|key| random.fill(key)),
            metadata: MetadataKey::filled_by(|key| random.fill(key)),
            completion: CompletionKey::filled_by(|key| random.fill(key)),
        }
    }

    /// The secrets of another version over the same body: the same DEK, a new MK and CK. For copies
    /// that re-wrap.
    pub fn share_body(&self, random: &dyn Randomness) -> Self {
        Self {
            data: DataKey::filled_by(|key| key.copy_from_slice(self.data.expose())),
            metadata: MetadataKey::filled_by(|key| random.fill(key)),
            completion: CompletionKey::filled_by(|key| random.fill(key)),
        }
    }
}

/// The key that wraps: the customer's, the server's own, or a key service's.
#[derive(Clone, Copy, Debug)]
pub enum HolderKey<'k> {
    /// SSE-C.
    Customer(&'k CustomerKey),
    /// SSE-S3.
    Server(&'k ServerKey),
    /// SSE-KMS: the data key that the service made for this version.
    Kms(&'k KmsDataKey),
}

impl HolderKey<'_> {
    /// Who holds this key.
    pub fn kind(&self) -> HolderKind {
        match self {
            Self::Customer(_) => HolderKind::Customer,
            Self::Server(_) => HolderKind::Server,
            Self::Kms(_) => HolderKind::Kms,
        }
    }

    /// PRK = HKDF-Extract(wrap_salt, K).
    pub(crate) fn extract(&self, wrap_salt: &[u8; 32]) -> Prk {
        match self {
            Self::Customer(key) => Prk::extract(wrap_salt, key.expose()),
            Self::Server(key) => Prk::extract(wrap_salt, key.expose()),
            Self::Kms(key) => Prk::extract(wrap_salt, key.expose()),
        }
    }
}
