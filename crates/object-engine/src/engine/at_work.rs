//! What this process is in the middle of: completions and bucket deletions.
//!
//! Guarantees: while a guard lives, nobody else in the process works on the same thing; a state that
//! stands in the catalog without a guard here was left by a crash or a dropped request, unless it is
//! that of another live engine, which is waited for and not for ever.

use std::{
    collections::HashSet,
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use crate::error::EngineError;

/// How often another engine's work is looked at, and how often at most. Nobody tells when it ends; a
/// Complete of 10,000 parts takes part of a second.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS_MAX: u32 = 100;

/// Waits for another engine to end its work.
#[derive(Debug, Default)]
pub(super) struct Patience(u32);

impl Patience {
    /// Waits until it is time to look again.
    pub(super) async fn wait(&mut self) -> Result<(), EngineError> {
        self.0 += 1;
        if self.0 > LOOKS_MAX {
            return Err(EngineError::Busy);
        }
        tokio::time::sleep(LOOK).await;
        Ok(())
    }
}

/// The identities of what is being worked on (upload and bucket ids; never equal).
#[derive(Debug, Default)]
pub(super) struct AtWork {
    ids: Mutex<HashSet<[u8; 16]>>,
    ended: Notify,
}

/// Ends the work when dropped.
#[derive(Debug)]
pub(super) struct Working<'w> {
    at_work: &'w AtWork,
    id: [u8; 16],
}

impl AtWork {
    fn ids(&self) -> MutexGuard<'_, HashSet<[u8; 16]>> {
        // One insert or remove each: a panic elsewhere leaves the set whole.
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins work on `id`, after whoever is at it has ended.
    pub(super) async fn begin(&self, id: [u8; 16]) -> Working<'_> {
        loop {
            let mut ended = pin!(self.ended.notified());
            // Registered before looking, so that an end between looking and waiting is not missed.
            ended.as_mut().enable();
            if self.ids().insert(id) {
                return Working { at_work: self, id };
            }
            ended.await;
        }
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.at_work.ids().remove(&self.id);
        self.at_work.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{future::Future, task::Poll};

    #[tokio::test]
    async fn patience_has_an_end() {
        let mut patience = Patience(LOOKS_MAX - 1);
        assert_eq!(patience.wait().await, Ok(()));
        assert_eq!(patience.wait().await, Err(EngineError::Busy));
    }

    #[tokio::test]
    async fn the_second_waits_for_the_first() {
        let at_work = AtWork::default();
        let first = at_work.begin([1; 16]).await;
        let other = at_work.begin([2; 16]).await;
        let mut second = pin!(at_work.begin([1; 16]));
        let is_pending =
            std::future::poll_fn(|cx| Poll::Ready(second.as_mut().poll(cx).is_pending())).await;
        assert!(is_pending);
        drop(other);
        drop(first);
        second.await;
    }
}
