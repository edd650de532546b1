//! The injected randomness.
//!
//! Guarantees: identifiers that must never repeat (bucket, version and body ids) are drawn from here.
//! Does not: make keys; those are drawn in `sealed-store`.

use std::fmt;

/// A cryptographically secure source of random bytes.
pub trait Entropy: Send + Sync + fmt::Debug {
    /// Fills `out` with random bytes.
    fn fill(&self, out: &mut [u8]);
}

/// 16 random bytes.
pub fn random_16(entropy: &dyn Entropy) -> [u8; 16] {
    let mut out = [0; 16];
    entropy.fill(&mut out);
    out
}
