//! What PostgreSQL's errors mean here.
//!
//! Guarantees: an error is called harmless only if PostgreSQL itself said that the transaction failed.
//! Does not: print what a statement carried; details and contexts of errors are left out.

use object_engine::catalog::CatalogError;
use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::session::Unanswered;

/// What to do about a commit that was not answered with a stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A check did not hold.
    Conflict,
    /// It met another commit, or a server that takes no writes any more; nothing was changed. Ask again.
    Again(String),
    /// No space; nothing was changed.
    Full,
    /// PostgreSQL refused; nothing was changed.
    Refused(String),
    /// It may have taken effect.
    Lost(String),
}

/// Our function's own code for a check that does not hold.
const CHECK: &str = "SR001";

/// Judges a commit's failure.
pub(crate) fn verdict(unanswered: &Unanswered) -> Verdict {
    let told = told_unanswered(unanswered);
    let Unanswered::Postgres(error) = unanswered else { return Verdict::Lost(told) };
    let Some(refusal) = error.as_db_error() else { return Verdict::Lost(told) };
    // A FATAL may come at any moment, also while a commit waits for its replica.
    if refusal.parsed_severity() != Some(Severity::Error) {
        return Verdict::Lost(told);
    }
    match refusal.code() {
        code if code.code() == CHECK => Verdict::Conflict,
        // A primary that became a replica: its pool's other connections are as useless, and end.
        &SqlState::T_R_SERIALIZATION_FAILURE
        | &SqlState::T_R_DEADLOCK_DETECTED
        | &SqlState::READ_ONLY_SQL_TRANSACTION => Verdict::Again(told),
        &SqlState::DISK_FULL => Verdict::Full,
        _ => Verdict::Refused(told),
    }
}

/// Whether a connection is of no use after this error: it ended, or its server takes no writes.
pub(crate) fn ends_session(refusal: &DbError) -> bool {
    refusal.parsed_severity() != Some(Severity::Error)
        || *refusal.code() == SqlState::READ_ONLY_SQL_TRANSACTION
}

/// A failed read as the contract tells it.
pub(crate) fn unreadable(unanswered: &Unanswered) -> CatalogError {
    CatalogError::Unavailable(told_unanswered(unanswered))
}

pub(crate) fn told_unanswered(unanswered: &Unanswered) -> String {
    match unanswered {
        Unanswered::Postgres(error) => told(error),
        Unanswered::TimedOut => "PostgreSQL did not answer in time".to_owned(),
    }
}

/// An error and its causes in one line, without the details in which PostgreSQL quotes values.
pub(crate) fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let mut told = Vec::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        match error.downcast_ref::<DbError>() {
            Some(refusal) => {
                told.push(format!("{} ({})", refusal.message(), refusal.code().code()))
            }
            None => told.push(error.to_string()),
        }
        cause = error.source();
    }
    told.dedup();
    told.join(": ")
}
