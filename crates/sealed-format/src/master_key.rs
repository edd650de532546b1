//! The server's own key: what it may keep, sealed, and SSE-S3's holder key.
//!
//! One label for each use, so a record of one use never opens as another:
//!
//! ```text
//! master key  |-- "sse-s3" ---------------> the server's holder key (ServerKey)
//!             |-- "open upload" || salt --> seals the completion key of one open upload
//!             |-- "user secret" || salt --> seals one user's secret access key
//!             |-- "ring key" || salt -----> seals one named key of the ring (SSE-KMS)
//!             |-- "master key check" || salt -> seals nothing; that it opens tells the key
//!             +-- "fingerprint" || secret --> tells whether two servers have the same secret
//! ```
//!
//! Guarantees: every seal has a key of its own (see [`crate::seal`]); the completion key opens
//! straight into its place.
//!
//! Does not do: read or write the master key's file, or hold anything that opens an SSE-C body. A
//! completion key opens neither data nor metadata.

use std::fmt;

use zeroize::Zeroizing;

use crate::error::Damaged;
use crate::key_schedule::CompletionKey;
use crate::primitives::{KEY_BYTES, Prk};
use crate::randomness::Randomness;
use crate::seal::{SEAL_OVERHEAD_BYTES, SealKind, record_length};
use crate::secret::Secret;

const SERVER_KEY: &[u8] = b"sse-s3";
const FINGERPRINT: &[u8] = b"fingerprint";

/// The server's master key: 32 bytes from its file, wiped on drop, silent.
pub struct MasterKey {
    // It lives as long as the process, so the key witness, which looks for what outlives a request,
    // is not told of it.
    prk: Prk,
}

/// The server's key as holder of SSE-S3 objects.
pub struct ServerKey(Secret<KEY_BYTES>);

/// What the master key seals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MasterUse {
    /// The completion key of an open multipart upload.
    OpenUpload,
    /// A user's secret access key.
    UserSecret,
    /// A named key of the built-in ring.
    RingKey,
    /// Nothing: that it opens tells that the master key is the one.
    Check,
}

impl MasterUse {
    fn kind(self) -> SealKind {
        match self {
            Self::OpenUpload => SealKind(b"open upload"),
            Self::UserSecret => SealKind(b"user secret"),
            Self::RingKey => SealKind(b"ring key"),
            Self::Check => SealKind(b"master key check"),
        }
    }
}

impl MasterKey {
    /// Lets `fill` write the key into memory that is wiped.
    pub fn filled_by(fill: impl FnOnce(&mut [u8; KEY_BYTES])) -> Self {
        let mut key = Secret::<KEY_BYTES>::unwitnessed();
        fill(key.expose_mut());
        Self { prk: Prk::of(key.expose()) }
    }

    /// The key that wraps SSE-S3 versions.
    pub fn server_key(&self) -> ServerKey {
        let mut key = Secret::<KEY_BYTES>::unwitnessed();
        self.prk.expand_unwitnessed(&mut SERVER_KEY.to_vec(), key.expose_mut());
        ServerKey(key)
    }

    /// A secret's fingerprint: the same for the same secret under the same master key, and without that key nothing
    /// by which a guess at the secret could be tried.
    pub fn fingerprint(&self, secret: &[u8]) -> [u8; 32] {
        let mut info = Zeroizing::new(Vec::with_capacity(FINGERPRINT.len() + secret.len() + 1));
        info.extend_from_slice(FINGERPRINT);
        info.extend_from_slice(secret);
        self.prk.expand_public(&mut info)
    }

    /// Seals `secret` for one purpose, bound to `aad` (whose record it is).
    pub fn seal(
        &self,
        purpose: MasterUse,
        aad: &[u8],
        secret: &[u8],
        random: &dyn Randomness,
    ) -> Vec<u8> {
        purpose.kind().seal(&self.prk, aad, secret, random)
    }

    /// Opens what [`MasterKey::seal`] made for the same purpose and `aad`.
    ///
    /// # Errors
    /// If it was changed, was sealed under another master key, for another purpose or for another
    /// owner.
    pub fn open(
        &self,
        purpose: MasterUse,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Damaged> {
        let mut secret = Zeroizing::new(vec![0; record_length(sealed)?]);
        purpose.kind().open(&self.prk, aad, sealed, &mut secret)?;
        Ok(secret)
    }

    /// As [`MasterKey::open`], straight into `out`, which has the secret's length.
    pub(crate) fn open_into(
        &self,
        purpose: MasterUse,
        aad: &[u8],
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<(), Damaged> {
        purpose.kind().open(&self.prk, aad, sealed, out)
    }
}

/// Seals the completion key of an open upload; `aad` is the upload's identity.
pub fn seal_completion_key(
    master: &MasterKey,
    aad: &[u8],
    key: &CompletionKey,
    random: &dyn Randomness,
) -> Vec<u8> {
    master.seal(MasterUse::OpenUpload, aad, key.expose(), random)
}

/// Opens the completion key of an open upload.
///
/// # Errors
/// As [`MasterKey::open`].
pub fn open_completion_key(
    master: &MasterKey,
    aad: &[u8],
    sealed: &[u8],
) -> Result<CompletionKey, Damaged> {
    if sealed.len() != SEAL_OVERHEAD_BYTES + KEY_BYTES {
        return Err(Damaged("the sealed completion key has another length"));
    }
    let mut opened = Secret::<KEY_BYTES>::unwitnessed();
    master.open_into(MasterUse::OpenUpload, aad, sealed, opened.expose_mut())?;
    Ok(CompletionKey::filled_by(|key| key.copy_from_slice(opened.expose())))
}

impl ServerKey {
    pub(crate) fn expose(&self) -> &[u8; KEY_BYTES] {
        self.0.expose()
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

impl fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_of_one_secret_under_one_master_key() {
        let of = |master: u8, secret: &[u8]| {
            MasterKey::filled_by(|key| key.fill(master)).fingerprint(secret)
        };
        assert_eq!(of(1, b"root secret"), of(1, b"root secret"));
        assert_ne!(of(1, b"root secret"), of(1, b"root secreu"));
        assert_ne!(of(1, b"root secret"), of(2, b"root secret"));
        assert_ne!(of(1, b""), *MasterKey::filled_by(|key| key.fill(1)).server_key().expose());
    }
}
