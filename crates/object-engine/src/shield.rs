//! Work that must not stop half-way because its client hung up.
//!
//! Guarantees: once polled, a shielded future runs to its end even if the caller is dropped.
//! Does not: survive the process; that is what recovery is for.

use std::future::Future;

/// Runs `work` to its end on its own task and waits for it.
///
/// A dropped connection drops its request's future wherever it waits; between a commit sent and its
/// answer that would leave stored bytes that nobody deletes until the next start.
pub async fn shielded<T, F>(work: F) -> T
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    match tokio::spawn(work).await {
        Ok(value) => value,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is going down; there is nobody left to answer.
        Err(_) => std::future::pending().await,
    }
}
