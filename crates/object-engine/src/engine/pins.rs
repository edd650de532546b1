//! Readers that deferred removal waits for.
//!
//! Guarantees: while a pin lives, no blob is deleted that a version still referred to when the pin
//! was taken, or up to the engine's grace before that. So a request may look a version up, then pin,
//! then read for hours.
//!
//! Why by time: what a request looked up just before it pinned must be covered too. Removals asked
//! before this engine opened wait for nobody.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{clock::Timestamp, engine::ObjectEngine};

/// The live pins: how many of each time.
#[derive(Clone, Debug, Default)]
pub(super) struct Pins(Arc<Mutex<BTreeMap<Timestamp, usize>>>);

/// Keeps deferred removal from what may be being read, until dropped.
#[derive(Debug)]
pub struct ReadPin {
    pins: Pins,
    at: Timestamp,
}

impl Pins {
    fn times(&self) -> MutexGuard<'_, BTreeMap<Timestamp, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pin(&self, at: Timestamp) -> ReadPin {
        *self.times().entry(at).or_default() += 1;
        ReadPin { pins: self.clone(), at }
    }

    /// When the oldest live pin was taken.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.times().first_key_value().map(|(at, _)| *at)
    }
}

impl Drop for ReadPin {
    fn drop(&mut self) {
        let mut times = self.pins.times();
        if let Some(count) = times.get_mut(&self.at) {
            *count -= 1;
            if *count == 0 {
                times.remove(&self.at);
            }
        }
    }
}

impl ObjectEngine {
    /// Pins what is stored now: hold it from the look-up of a version (or at most the grace of
    /// [`crate::engine::EngineOptions::removal_grace_ms`] later) to the end of reading its body.
    /// Each [`crate::engine::BodyReader`] holds one of its own.
    #[must_use]
    pub fn pin(&self) -> ReadPin {
        self.inner.pins.pin(self.now())
    }

    /// Whether what was removed `at` may be deleted by now.
    pub(super) fn is_past_readers(&self, at: Timestamp) -> bool {
        let grace = self.inner.options.removal_grace_ms;
        let unpinned = self.inner.pins.oldest().is_none_or(|pin| at.0 < pin.0 - grace);
        unpinned && at.0 <= self.now().0 - grace
    }
}
