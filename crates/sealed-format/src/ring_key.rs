//! The built-in ring of named keys (SSE-KMS): what wraps the data key of a version.
//!
//! ```text
//! master key  |-- "ring key" || salt -----> seals one named ring key
//! ring key    |-- "kms data key" || salt -> seals one data key, bound to its encryption context
//! data key    K of the holder kind "kms": wraps DEK, MK and CK of one version
//! ```
//!
//! A data key belongs to one wrap of one version and is drawn anew for each. An external key
//! service hands out data keys of its own, which are wrapped in whatever way it has; only what is
//! sealed here is this format's.
//!
//! Guarantees: a data key opens only under its ring key and for the context that it was made for; a
//! ring key only for its own record.
//!
//! Does not do: know names, or whether a key may be used.

use std::collections::BTreeMap;
use std::fmt;

use crate::context::push_prefixed;
use crate::error::Damaged;
use crate::master_key::{MasterKey, MasterUse};
use crate::primitives::KEY_BYTES;
use crate::randomness::Randomness;
use crate::seal::{SEAL_OVERHEAD_BYTES, SealKind};
use crate::secret::Secret;

const DATA_KEY: SealKind = SealKind(b"kms data key");

/// The 32 bytes that a key service made for one version: the holder's key of that version.
pub struct KmsDataKey(Secret<KEY_BYTES>);

impl KmsDataKey {
    /// Lets `fill` write the key into memory that is wiped.
    pub fn filled_by(fill: impl FnOnce(&mut [u8; KEY_BYTES])) -> Self {
        Self(Secret::filled_by("kms-data-key", fill))
    }

    pub(crate) fn expose(&self) -> &[u8; KEY_BYTES] {
        self.0.expose()
    }
}

/// One named key of the ring. It is opened for one request and wiped with it.
pub struct RingKey(Secret<KEY_BYTES>);

impl RingKey {
    /// Draws a new one.
    pub fn generate(random: &dyn Randomness) -> Self {
        Self(Secret::filled_by("ring-key", |key| random.fill(key)))
    }

    /// Seals it under the master key; `aad` is whose record it stands in.
    pub fn seal(&self, master: &MasterKey, aad: &[u8], random: &dyn Randomness) -> Vec<u8> {
        master.seal(MasterUse::RingKey, aad, self.0.expose(), random)
    }

    /// Opens what [`RingKey::seal`] made for the same record.
    ///
    /// # Errors
    /// As [`MasterKey::open`].
    pub fn open(master: &MasterKey, aad: &[u8], sealed: &[u8]) -> Result<Self, Damaged> {
        if sealed.len() != SEAL_OVERHEAD_BYTES + KEY_BYTES {
            return Err(Damaged("the sealed ring key has another length"));
        }
        let mut opened = Secret::<KEY_BYTES>::unwitnessed();
        master.open_into(MasterUse::RingKey, aad, sealed, opened.expose_mut())?;
        Ok(Self(Secret::filled_by("ring-key", |key| key.copy_from_slice(opened.expose()))))
    }

    /// Seals a data key, bound to its encryption context.
    pub fn wrap(
        &self,
        key: &KmsDataKey,
        context: &BTreeMap<String, String>,
        random: &dyn Randomness,
    ) -> Vec<u8> {
        DATA_KEY.seal(&self.prk(), &encode_context(context), key.expose(), random)
    }

    /// Opens what [`RingKey::wrap`] made for the same context.
    ///
    /// # Errors
    /// If it was changed, is another key's or was made for another context.
    pub fn unwrap(
        &self,
        wrapped: &[u8],
        context: &BTreeMap<String, String>,
    ) -> Result<KmsDataKey, Damaged> {
        if wrapped.len() != SEAL_OVERHEAD_BYTES + KEY_BYTES {
            return Err(Damaged("the wrapped data key has another length"));
        }
        let mut opened = Secret::<KEY_BYTES>::unwitnessed();
        let bound = encode_context(context);
        DATA_KEY.open(&self.prk(), &bound, wrapped, opened.expose_mut())?;
        Ok(KmsDataKey::filled_by(|key| key.copy_from_slice(opened.expose())))
    }

    fn prk(&self) -> crate::primitives::Prk {
        crate::primitives::Prk::of(self.0.expose())
    }
}

/// The canonical bytes of an encryption context: each name and value with its length, in the order
/// of the names.
fn encode_context(context: &BTreeMap<String, String>) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in context {
        push_prefixed(&mut out, name.as_bytes());
        push_prefixed(&mut out, value.as_bytes());
    }
    out
}

impl fmt::Debug for KmsDataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KmsDataKey(..)")
    }
}

impl fmt::Debug for RingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RingKey(..)")
    }
}
