//! HKDF-SHA-512 over aws-lc-rs: with [`crate::gcm`] all the primitives that everything is made of.
//!
//! Guarantees: key material is written straight into its final place.
//!
//! HKDF stands here on the provider's HMAC and not on its `hkdf::Prk`, which keeps the key inline
//! and so leaves a copy of it behind at each move. Expand to at most 64 bytes is one HMAC (RFC
//! 5869, section 2.3), which a test compares with the provider's own.

use aws_lc_rs::hmac;

use crate::secret::{Secret, wipe_stack_below};

/// The output of HMAC-SHA-512, and so the length of a PRK.
pub(crate) const HASH_BYTES: usize = 64;
/// The key of AES-256-GCM.
pub(crate) const KEY_BYTES: usize = 32;
/// A pseudorandom key ready to expand: the state of an HMAC, paid for once. The state is as good as
/// the key, so it is boxed as the keys are, and what the provider leaves of it on the stack is wiped.
pub(crate) struct Prk(Box<hmac::Key>);

impl Prk {
    /// HKDF-Extract-SHA-512(salt, ikm).
    pub(crate) fn extract(salt: &[u8], ikm: &[u8; KEY_BYTES]) -> Self {
        // Not secret, but it is in the HMAC's frames that the key is hashed.
        let salt = keyed(salt);
        let prk = Secret::<HASH_BYTES>::filled_by("prk", |out| sign(&salt, ikm, out));
        Self::of(prk.expose())
    }

    /// Takes uniform key bytes as a PRK, as HKDF allows (RFC 5869, section 3.3).
    pub(crate) fn of(key: &[u8]) -> Self {
        let state = keyed(key);
        wipe_stack_below();
        Self(state)
    }

    /// HKDF-Expand-SHA-512(self, info, 32) into a key, one HMAC. `info` is a scratch buffer: it
    /// comes back as it was.
    pub(crate) fn expand_key(&self, label: &'static str, info: &mut Vec<u8>) -> Secret<KEY_BYTES> {
        let mut block = Secret::<HASH_BYTES>::unwitnessed();
        self.expand_block(info, block.expose_mut());
        Secret::filled_by(label, |key| key.copy_from_slice(&block.expose()[..KEY_BYTES]))
    }

    /// HKDF-Expand-SHA-512(self, info, 32) into bytes that are not secret: a verifier or an
    /// authenticator.
    pub(crate) fn expand_public(&self, info: &mut Vec<u8>) -> [u8; 32] {
        let mut block = Secret::<HASH_BYTES>::unwitnessed();
        self.expand_block(info, block.expose_mut());
        let mut out = [0; 32];
        out.copy_from_slice(&block.expose()[..32]);
        out
    }

    /// HKDF-Expand-SHA-512(self, info, 32) into a key that lives as long as the process.
    pub(crate) fn expand_unwitnessed(&self, info: &mut Vec<u8>, out: &mut [u8; KEY_BYTES]) {
        let mut block = Secret::<HASH_BYTES>::unwitnessed();
        self.expand_block(info, block.expose_mut());
        out.copy_from_slice(&block.expose()[..KEY_BYTES]);
    }

    /// T(1) of HKDF-Expand: HMAC(self, info || 0x01).
    fn expand_block(&self, info: &mut Vec<u8>, out: &mut [u8; HASH_BYTES]) {
        info.push(1);
        sign(&self.0, info, out);
        info.pop();
    }

    /// HMAC(self, message) itself, for the one derivation that needs two blocks.
    pub(crate) fn sign(&self, message: &[u8], out: &mut [u8; HASH_BYTES]) {
        sign(&self.0, message, out);
    }
}

fn sign(key: &hmac::Key, message: &[u8], out: &mut [u8; HASH_BYTES]) {
    signed(key, message, out);
    wipe_stack_below();
}

/// Apart from its caller, so that its frame is below it and can be wiped.
#[inline(never)]
fn keyed(key: &[u8]) -> Box<hmac::Key> {
    Box::new(hmac::Key::new(hmac::HMAC_SHA512, key))
}

/// Apart from its caller, as [`keyed`].
#[inline(never)]
fn signed(key: &hmac::Key, message: &[u8], out: &mut [u8; HASH_BYTES]) {
    hmac::sign_to_buffer(key, message, out).expect("the buffer is as long as SHA-512's output");
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::hkdf;

    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }

    #[test]
    fn extract_and_expand_are_hkdf() {
        let (salt, ikm) = ([3; 32], [9; 32]);
        let theirs = hkdf::Salt::new(hkdf::HKDF_SHA512, &salt).extract(&ikm);
        let mut expected = [0; 32];
        theirs.expand(&[b"label", b"context"], Length(32)).unwrap().fill(&mut expected).unwrap();

        let mut info = b"labelcontext".to_vec();
        let ours = Prk::extract(&salt, &ikm);
        assert_eq!(ours.expand_key("test", &mut info).expose(), &expected);
        assert_eq!(ours.expand_public(&mut info), expected);
        assert_eq!(info, b"labelcontext", "the scratch buffer comes back as it was");
    }
}
