//! A backend's errors as the contract's.
//!
//! Guarantees: what is not there is damage, a quota is a full volume, everything else is a store that
//! cannot be used now; the text is short and of one line.

use std::error::Error as _;

use object_engine::blobs::{BlobError, BlobId};
use object_store::Error;

/// What an operator needs of an error is at its ends; a backend's whole answer is not for a log line.
const TEXT_CHARS_MAX: usize = 600;

/// Codes by which S3, its kin, Azure and Google say that there is no more room.
const FULL: [&str; 4] = ["QuotaExceeded", "InsufficientStorage", "InsufficientCapacity", "507 "];

/// An error of an operation on something that need not be there.
pub(crate) fn unavailable(error: &Error) -> BlobError {
    let text = told(error);
    if FULL.iter().any(|code| text.contains(code)) {
        BlobError::Full
    } else {
        BlobError::Unavailable(text)
    }
}

/// An error of reading blob `id`, which should be there.
pub(crate) fn reading(error: &Error, id: BlobId) -> BlobError {
    match error {
        Error::NotFound { .. } => damaged(id, "is missing"),
        _ => unavailable(error),
    }
}

pub(crate) fn damaged(id: BlobId, detail: impl Into<String>) -> BlobError {
    BlobError::Damaged { id, detail: detail.into() }
}

/// An error with its causes, each once.
fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    let line = text.replace(|c: char| c.is_control(), " ");
    line.chars().take(TEXT_CHARS_MAX).collect()
}
