//! What this process is in the middle of: completions and bucket deletions.
//!
//! Guarantees: while a guard lives, nobody else in the process works on the same thing; a state that
//! stands in the catalog without a guard here was left by a crash or a dropped request, unless it is
//! that of another live engine, which is waited for and not for ever. What a verb of this process may have
//! left half done when it failed or was dropped is remembered, and taken back by `reclaim`: the others leave
//! it alone as long as this engine lives.
//!
//! Nobody waits for another engine while being at work: others of this process would wait in a row.

use std::{
    collections::{HashMap, HashSet},
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use crate::{
    engine::{ObjectEngine, uploads::UploadName},
    error::EngineError,
    model::BucketName,
};

/// How often another engine's work is looked at, and how often at most. Nobody tells when it ends; a
/// Complete of 10,000 parts takes part of a second.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS_MAX: u32 = 100;

/// How long one waits for work in this process: longer than any takes but where the catalog hangs, and
/// shorter than clients wait.
const WAIT_MAX: Duration = Duration::from_secs(10);

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

/// What work is done on, by identity (upload and bucket ids; never equal).
#[derive(Debug, Default)]
pub(super) struct AtWork {
    known: Mutex<Known>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct Known {
    /// What is being worked on.
    ids: HashSet<[u8; 16]>,
    /// What may stand half done, and nobody is at it.
    left: HashMap<[u8; 16], HalfDone>,
}

/// What a verb turns to a state of its own before it ends.
#[derive(Clone, Debug)]
pub(super) enum HalfDone {
    /// A bucket, perhaps `deleting`.
    Bucket(BucketName),
    /// An upload, perhaps `completing`.
    Upload(UploadName),
}

/// Ends the work when dropped.
#[derive(Debug)]
pub(super) struct Working<'w> {
    at_work: &'w AtWork,
    id: [u8; 16],
    leaves: Option<HalfDone>,
}

impl AtWork {
    fn known(&self) -> MutexGuard<'_, Known> {
        // Each change is complete before anything can panic.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins work on `id`, after whoever is at it has ended. [`EngineError::Busy`] if that takes too long.
    pub(super) async fn begin(&self, id: [u8; 16]) -> Result<Working<'_>, EngineError> {
        self.begin_within(WAIT_MAX, id).await
    }

    async fn begin_within(&self, wait: Duration, id: [u8; 16]) -> Result<Working<'_>, EngineError> {
        if let Some(working) = self.begin_now(id) {
            return Ok(working);
        }
        let begun = async {
            loop {
                let mut ended = pin!(self.ended.notified());
                // Registered before looking, so that an end between looking and waiting is not missed.
                ended.as_mut().enable();
                if let Some(working) = self.begin_now(id) {
                    return working;
                }
                ended.await;
            }
        };
        tokio::time::timeout(wait, begun).await.map_err(|_| EngineError::Busy)
    }

    /// Begins work on `id`, unless somebody is at it.
    fn begin_now(&self, id: [u8; 16]) -> Option<Working<'_>> {
        // No `Working` before it is known to be ours: dropping one ends the work.
        let is_free = self.known().ids.insert(id);
        is_free.then(|| Working { at_work: self, id, leaves: None })
    }

    fn take_left(&self) -> HashMap<[u8; 16], HalfDone> {
        std::mem::take(&mut self.known().left)
    }
}

impl Working<'_> {
    /// Notes what stands half done from the next commit on, until [`Self::ends`].
    pub(super) fn begins(&mut self, half_done: HalfDone) {
        self.leaves = Some(half_done);
    }

    /// Notes that nothing stands half done.
    pub(super) fn ends(&mut self) {
        self.leaves = None;
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        let mut known = self.at_work.known();
        known.ids.remove(&self.id);
        if let Some(half_done) = self.leaves.take() {
            known.left.insert(self.id, half_done);
        }
        drop(known);
        self.at_work.ended.notify_waiters();
    }
}

impl ObjectEngine {
    /// Takes back what this engine's verbs left half done. What fails is tried again by the next call.
    pub(super) async fn take_back(&self) {
        for (id, half_done) in self.inner.at_work.take_left() {
            let Some(mut working) = self.inner.at_work.begin_now(id) else {
                // Whoever is at it now may leave it standing, too.
                self.inner.at_work.known().left.entry(id).or_insert(half_done);
                continue;
            };
            working.begins(half_done.clone());
            let taken_back = match &half_done {
                HalfDone::Bucket(name) => self.revert_deletion(name).await,
                HalfDone::Upload(upload) => self.revert_completion(upload).await,
            };
            match taken_back {
                Ok(()) => working.ends(),
                Err(error) => {
                    tracing::warn!(%error, "what was half done could not be reverted yet")
                }
            }
        }
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
        let first = at_work.begin([1; 16]).await.unwrap();
        let other = at_work.begin([2; 16]).await.unwrap();
        let mut second = pin!(at_work.begin([1; 16]));
        let is_pending =
            std::future::poll_fn(|cx| Poll::Ready(second.as_mut().poll(cx).is_pending())).await;
        assert!(is_pending);
        drop(other);
        drop(first);
        second.await.unwrap();
    }

    #[tokio::test]
    async fn waiting_for_the_first_has_an_end() {
        let at_work = AtWork::default();
        let _first = at_work.begin([1; 16]).await.unwrap();
        let second = at_work.begin_within(LOOK, [1; 16]).await;
        assert_eq!(second.map(drop), Err(EngineError::Busy));
    }

    #[tokio::test]
    async fn what_did_not_end_is_remembered_and_what_did_is_not() {
        let at_work = AtWork::default();
        let name = || HalfDone::Bucket(BucketName::parse("bucket").unwrap());
        let mut dropped = at_work.begin([1; 16]).await.unwrap();
        let mut ended = at_work.begin([2; 16]).await.unwrap();
        dropped.begins(name());
        ended.begins(name());
        ended.ends();
        drop((dropped, ended));
        assert_eq!(Vec::from_iter(at_work.take_left().into_keys()), [[1; 16]]);
        assert!(at_work.take_left().is_empty());
    }
}
