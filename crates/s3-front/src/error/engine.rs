//! How the stores' failures look from outside.
//!
//! Guarantees: one exhaustive `match`; no detail of a failure reaches the client, only the log, in the line
//! that has the request's id.

use object_engine::error::EngineError;

use super::{ErrorCode, S3Error};

impl From<EngineError> for S3Error {
    fn from(error: EngineError) -> Self {
        let refusal = match &error {
            EngineError::Contended => Self::new(ErrorCode::SlowDown),
            EngineError::Busy => Self::new(ErrorCode::OperationAborted),
            EngineError::Full => {
                Self::with_message(ErrorCode::InternalError, "The storage is full.")
            }
            // An engine over another's blobs does not open; while it is asked, it is not there.
            EngineError::Unavailable(_) | EngineError::ForeignBlobs(_) => {
                Self::new(ErrorCode::ServiceUnavailable)
            }
            EngineError::Damaged(_) | EngineError::Unknown(_) => {
                Self::new(ErrorCode::InternalError)
            }
        };
        refusal.because(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_servers_work_is_a_conflict() {
        let error = S3Error::from(EngineError::Busy);
        assert_eq!(
            (error.code(), error.code().status().as_u16()),
            (ErrorCode::OperationAborted, 409)
        );
    }
}
