//! Why sealing or opening failed, by who must act.

use object_engine::error::EngineError;
use sealed_format::Damaged;

use crate::kms::KeyServiceError;

/// Why a put stored nothing.
#[derive(Debug, thiserror::Error)]
pub enum PutError<E> {
    /// Client: its body ended early, did not verify, or could not be read.
    #[error("the body failed")]
    Body(E),
    /// Operator: storage failed.
    #[error(transparent)]
    Store(#[from] EngineError),
    /// The key service gave no key; nothing of the body was read.
    #[error(transparent)]
    Key(KeyServiceError),
}

/// Why nothing was sealed that has no body of a client's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Operator: storage failed.
    #[error(transparent)]
    Store(#[from] EngineError),
    /// The key service gave no key.
    #[error(transparent)]
    Key(#[from] KeyServiceError),
}

impl From<PutError<EngineError>> for SealError {
    fn from(error: PutError<EngineError>) -> Self {
        match error {
            PutError::Body(error) | PutError::Store(error) => Self::Store(error),
            PutError::Key(error) => Self::Key(error),
        }
    }
}

/// Why a version or an upload could not be unlocked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnlockError {
    /// Client: it is under a customer key and none was given.
    #[error("the object is sealed under a customer key and none was given")]
    KeyRequired,
    /// Client: a customer key was given and it is not under one.
    #[error("a customer key was given for an object that is not sealed under one")]
    KeyNotApplicable,
    /// Client: the key is not the one it was sealed under.
    #[error("the customer key is not the one that sealed this object")]
    WrongKey,
    /// It is under a named key that the key service does not give.
    #[error(transparent)]
    Key(KeyServiceError),
    /// Operator: what is stored does not verify, or does not agree with itself.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
}

impl From<Damaged> for UnlockError {
    fn from(damaged: Damaged) -> Self {
        Self::Damaged(damaged.0.to_owned())
    }
}

/// A seal that does not verify, as the engine's error of the same meaning.
pub(crate) fn damaged(damaged: &Damaged) -> EngineError {
    EngineError::Damaged(damaged.0.to_owned())
}
