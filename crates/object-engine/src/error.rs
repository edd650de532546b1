//! Engine errors, by who must act.

use crate::{
    blobs::BlobError,
    catalog::{CatalogError, CommitError},
    engine::ForeignBlobs,
};

/// Why a verb failed for a reason that is not the S3 client's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// Operator: the disk is full. Nothing was changed.
    #[error("storage is full")]
    Full,
    /// Operator: stored data or records do not verify.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
    /// Client: too many concurrent changes of one key; the verb gave up. Retry.
    #[error("too many conflicting changes of one key")]
    Contended,
    /// Client: another engine is in the middle of completing or deleting the same thing. Retry.
    #[error("another change of the same thing is under way")]
    Busy,
    /// Operator: a backend cannot be reached or fails; nothing was changed.
    #[error("storage is unavailable: {0}")]
    Unavailable(String),
    /// Operator: whether the change took effect is unknown.
    #[error("the outcome is unknown: {0}")]
    Unknown(String),
    /// Operator: the blobs are not the catalog's, so the engine does not open.
    #[error("the blobs are not this catalog's: {0}")]
    ForeignBlobs(#[from] ForeignBlobs),
}

impl From<BlobError> for EngineError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Full => Self::Full,
            BlobError::Damaged { .. } => Self::Damaged(error.to_string()),
            BlobError::Poisoned | BlobError::Unavailable(_) => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<CatalogError> for EngineError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Damaged { .. } => Self::Damaged(error.to_string()),
            CatalogError::Unavailable(_) => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<CommitError> for EngineError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict => Self::Contended,
            CommitError::Full => Self::Full,
            CommitError::Unavailable(detail) => Self::Unavailable(detail),
            CommitError::Unknown(detail) => Self::Unknown(detail),
        }
    }
}
