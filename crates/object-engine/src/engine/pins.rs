//! Readers that deferred removal waits for.
//!
//! Guarantees: while a pin lives, no blob is deleted that a version still referred to when the pin
//! was taken, or up to the engine's grace before that. So a request may look a version up, then pin,
//! then read for hours.
//!
//! Why by time: what a request looked up just before it pinned must be covered too. Removals asked
//! before an engine opened that is alone wait for nobody. Where several engines share a catalog their
//! clocks are not compared: readers are pinned at writes of the catalog, as `beats` tells, and removals
//! wait for the readers of every live session.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{catalog::Stamp, clock::Timestamp, engine::ObjectEngine};

/// Since when a reader reads. An engine's readers are all of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Since {
    /// On the clock of an engine that is alone.
    Time(Timestamp),
    /// After this write.
    Write(Stamp),
}

/// The live pins: how many of each moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Pins(Arc<Mutex<BTreeMap<Since, usize>>>);

/// Keeps deferred removal from what may be being read, until dropped.
#[derive(Debug)]
pub struct ReadPin {
    pins: Pins,
    at: Since,
}

impl Pins {
    fn moments(&self) -> MutexGuard<'_, BTreeMap<Since, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Pins at what `now` says. No other pin is taken or looked for between its saying and the pin.
    fn pin(&self, now: impl FnOnce() -> Since) -> ReadPin {
        let mut moments = self.moments();
        let at = now();
        *moments.entry(at).or_default() += 1;
        ReadPin { pins: self.clone(), at }
    }

    /// The oldest live pin's moment, or what `now` says if that is older or there is none.
    fn oldest(&self, now: impl FnOnce() -> Since) -> Since {
        let moments = self.moments();
        let now = now();
        moments.first_key_value().map_or(now, |(at, _)| now.min(*at))
    }
}

impl Drop for ReadPin {
    fn drop(&mut self) {
        let mut moments = self.pins.moments();
        if let Some(count) = moments.get_mut(&self.at) {
            *count -= 1;
            if *count == 0 {
                moments.remove(&self.at);
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
        self.inner.pins.pin(|| self.moment())
    }

    fn moment(&self) -> Since {
        match self.expiry() {
            None => Since::Time(self.now()),
            Some(_) => Since::Write(self.epoch()),
        }
    }

    /// What this engine publishes of its readers: those to come are no older.
    pub(super) fn oldest_epoch(&self) -> Stamp {
        match self.inner.pins.oldest(|| self.moment()) {
            Since::Write(stamp) => stamp,
            Since::Time(_) => Stamp(0),
        }
    }

    /// Whether what was removed `at` may be deleted by now, as far as an engine that is alone goes.
    pub(super) fn is_past_readers(&self, at: Timestamp) -> bool {
        let grace = self.inner.options.removal_grace_ms;
        let oldest = self.inner.pins.moments().first_key_value().map(|(since, _)| *since);
        let unpinned = oldest.is_none_or(|pin| Since::Time(Timestamp(at.0 + grace)) < pin);
        unpinned && at.0 <= self.now().0 - grace
    }
}
