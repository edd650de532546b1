//! The customer's key, and the digest that S3 asks of it.
//!
//! Guarantees: the 32 bytes stand in one heap allocation, are wiped when their owner is dropped,
//! and cannot be cloned, printed, serialized or compared with `==`. What leaves this module is a
//! comparison in constant time and the MD5 that is answered to the key's sender.
//!
//! Does not do: judge the key's quality. Keys are not stretched; 32 random bytes are what the
//! format asks for.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

use crate::primitives::KEY_BYTES;
use crate::secret::{Secret, wipe_stack_below};

/// The MD5 of a key, in bytes.
const MD5_BYTES: usize = 16;

/// A customer-provided key of 32 bytes: wiped on drop, silent, never copied.
pub struct CustomerKey(Secret<KEY_BYTES>);

impl CustomerKey {
    /// Lets `fill` write the key into the place where it will stay.
    pub fn filled_by(fill: impl FnOnce(&mut [u8; KEY_BYTES])) -> Self {
        Self(Secret::filled_by("customer-key", fill))
    }

    /// The MD5 of the key: S3's check against a key mangled in transit. It links objects of one
    /// key, so it is answered to the key's sender and never stored or logged.
    pub fn md5(&self) -> KeyMd5 {
        let mut digest = KeyDigest::new();
        digest.update(self.0.expose());
        digest.finish()
    }

    /// Whether both are the same key, in constant time.
    pub fn same_as(&self, other: &Self) -> bool {
        self.0.same_as(&other.0)
    }

    pub(crate) fn expose(&self) -> &[u8; KEY_BYTES] {
        self.0.expose()
    }
}

impl fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustomerKey(..)")
    }
}

/// The MD5 of a customer's key: answered to its sender, never stored or logged. Wiped on drop.
pub struct KeyMd5(Secret<MD5_BYTES>);

impl KeyMd5 {
    /// As the header `x-amz-server-side-encryption-customer-key-MD5` carries it: 24 characters of
    /// base64.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0.expose())
    }
}

impl fmt::Debug for KeyMd5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyMd5(..)")
    }
}

/// MD5 over key material as it is decoded. The hasher never moves once it has seen a byte, since a
/// move would leave a copy.
pub(crate) struct KeyDigest(Box<Md5>);

impl KeyDigest {
    pub(crate) fn new() -> Self {
        Self(Box::new(Md5::new()))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(&mut self) -> KeyMd5 {
        let mut md5 = Secret::<MD5_BYTES>::unwitnessed();
        self.0.finalize_into_reset(md5.expose_mut().into());
        // MD5's compression function reads its block, here the key itself, into locals.
        wipe_stack_below();
        KeyMd5(md5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting() -> CustomerKey {
        CustomerKey::filled_by(|key| (0..).zip(key).for_each(|(index, byte)| *byte = index))
    }

    #[test]
    fn md5_is_over_the_raw_key() {
        assert_eq!(counting().md5().to_base64(), "tP/LI3N87DFaSk0aoqYgzg==");
        assert_eq!(CustomerKey::filled_by(|_| ()).md5().to_base64(), "cLyPS3KoaSFGi/joRB3OUQ==");
    }

    #[test]
    fn comparison_tells_keys_apart() {
        assert!(counting().same_as(&counting()));
        let other = CustomerKey::filled_by(|key| {
            key.copy_from_slice(counting().expose());
            key[31] ^= 0x80;
        });
        assert!(!counting().same_as(&other));
    }

    #[test]
    fn nothing_is_printed() {
        assert_eq!(format!("{:?}", counting()), "CustomerKey(..)");
        assert_eq!(format!("{:?}", counting().md5()), "KeyMd5(..)");
    }
}
