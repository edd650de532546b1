//! How the stores' failures look from outside.
//!
//! Guarantees: one exhaustive `match`; no detail of a failure reaches the client, only the log.

use object_engine::error::EngineError;

use super::{ErrorCode, S3Error};

impl From<EngineError> for S3Error {
    fn from(error: EngineError) -> Self {
        match &error {
            EngineError::Contended => Self::new(ErrorCode::SlowDown),
            EngineError::Busy => Self::new(ErrorCode::OperationAborted),
            EngineError::Full => {
                tracing::error!("storage is full");
                Self::with_message(ErrorCode::InternalError, "The storage is full.")
            }
            EngineError::Unavailable(detail) => {
                tracing::error!(detail, "storage is unavailable");
                Self::new(ErrorCode::ServiceUnavailable)
            }
            EngineError::Damaged(detail) => {
                tracing::error!(detail, "stored data is damaged");
                Self::new(ErrorCode::InternalError)
            }
            EngineError::Unknown(detail) => {
                tracing::error!(detail, "the outcome of a change is unknown");
                Self::new(ErrorCode::InternalError)
            }
        }
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
