//! The memory that a secret lives in.
//!
//! Guarantees: a secret stands in one heap allocation from its birth to its end, so that moving its
//! owner copies a pointer and never the bytes; it is overwritten when it is dropped; it cannot be
//! cloned, printed or compared with `==`.
//!
//! Does not do: lock pages or keep them out of core dumps. That is the process's business (the
//! allocator and the limits that the server sets), since a library cannot know which memory it is
//! given.

use std::hint::black_box;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::witness;

/// `N` secret bytes, boxed so that moves never copy them, wiped on drop.
pub(crate) struct Secret<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Secret<N> {
    /// Lets `fill` write the secret into its final place. `label` names it to the key witness,
    /// which only a test build has.
    pub(crate) fn filled_by(label: &'static str, fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = Self::unwitnessed();
        fill(&mut secret.0);
        witness::record(label, &secret.0[..]);
        secret
    }

    /// Zeroed secret memory that the caller fills: for what is not a key itself, or lives as long
    /// as the process.
    pub(crate) fn unwitnessed() -> Self {
        Self(Box::new([0; N]))
    }

    /// The bytes, for the primitives of this crate only.
    pub(crate) fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// The bytes, to be written.
    pub(crate) fn expose_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }

    /// Compares in constant time.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        self.0[..].ct_eq(&other.0[..]).into()
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Stack that a callee may have used for copies of a secret: some HMAC states of 700 bytes each. Measured by painting
/// the stack, HMAC-SHA-512 reaches 4,220 bytes down in a release build, and 11,280 where nothing is optimised, which
/// the debug assertions stand for here.
const STACK_WIPED_BYTES: usize = if cfg!(debug_assertions) { 16 << 10 } else { 8 << 10 };
/// The same for ring, which hands an AES key schedule of 550 bytes up through half a dozen frames: 2,630 bytes, and
/// 18,580 where nothing is optimised.
const DEEP_STACK_WIPED_BYTES: usize = if cfg!(debug_assertions) { 32 << 10 } else { 16 << 10 };

/// Overwrites the stack just below the caller's frame, where a function that it called may have
/// left words of a secret.
///
/// Best effort: the language does not say where locals stand. It is done for the primitives that
/// are known to leave copies in their frames (MD5 its input, HMAC the state of its key), and the
/// test that searches the memory of a whole process is the judge of it.
#[inline(never)]
pub(crate) fn wipe_stack_below() {
    // An array that somebody may look at has to be written; this costs one memset.
    black_box(&mut [0_u8; STACK_WIPED_BYTES]);
}

/// As [`wipe_stack_below`], for what reaches deeper.
#[inline(never)]
pub(crate) fn wipe_deep_stack_below() {
    black_box(&mut [0_u8; DEEP_STACK_WIPED_BYTES]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_keeps_the_address() {
        let secret = Secret::<32>::filled_by("test", |bytes| bytes.fill(7));
        let before = secret.expose().as_ptr();
        let moved = Box::new(secret);
        assert_eq!(before, moved.expose().as_ptr());
        assert_eq!(moved.expose(), &[7; 32]);
    }

    #[test]
    fn equality_sees_every_byte() {
        let one = Secret::<32>::filled_by("test", |bytes| bytes.fill(7));
        for index in 0..32 {
            let other = Secret::<32>::filled_by("test", |bytes| {
                bytes.fill(7);
                bytes[index] ^= 1;
            });
            assert!(!one.same_as(&other), "byte {index}");
        }
        assert!(one.same_as(&Secret::filled_by("test", |bytes| bytes.fill(7))));
    }
}
