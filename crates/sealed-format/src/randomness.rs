//! Randomness as an argument: this crate draws none of its own.

/// A source of bytes that nobody can predict and that never repeats.
///
/// Every key and salt of the format comes from here, and all of its nonces rest on the salts being
/// fresh: an implementation that repeats itself breaks confidentiality. Tests inject a counter;
/// nothing else may.
pub trait Randomness {
    /// Fills the whole of `out`. A source that cannot must not return.
    fn fill(&self, out: &mut [u8]);
}

/// Draws an array that is not secret: a salt.
pub(crate) fn salt<const N: usize>(random: &dyn Randomness) -> [u8; N] {
    let mut salt = [0; N];
    random.fill(&mut salt);
    salt
}
