//! Who must act when sealed bytes do not open.
//!
//! The two questions that a caller has are kept apart: *the client* brought the wrong key
//! ([`UnwrapError::WrongKey`]), or *the operator* has damaged or forged stored data ([`Damaged`]).
//! Neither says anything about secrets or plaintext.

/// Stored bytes are not what was sealed. The operator must act: the disk, a backup or somebody with
/// access to it has changed them. The text says what did not hold and never quotes data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sealed data is damaged: {0}")]
pub struct Damaged(pub &'static str);

/// Why an envelope did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnwrapError {
    /// The envelope is well formed and its verifier differs: the client must bring the key that
    /// sealed this version. (Changed salt or verifier bytes look the same: no keyless check can
    /// tell a wrong key from a wrong salt.)
    #[error("the key is not the one that sealed this version")]
    WrongKey,
    /// The key is right or was not reached, and the envelope is not what was sealed. The operator
    /// must act.
    #[error("sealed data is damaged: {0}")]
    Damaged(&'static str),
}

impl From<Damaged> for UnwrapError {
    fn from(damaged: Damaged) -> Self {
        Self::Damaged(damaged.0)
    }
}
