//! Signs of life that this engine gave, and what their stamps tell about time.
//!
//! Engines that share a catalog share no clock, but every write of the catalog has a stamp, and a write
//! that began after another had returned has the larger one. So a beat (a write of this engine's session
//! record) places what this engine did before and after it among the writes of all engines.
//!
//! # Why no reader loses what it reads
//!
//! Let a removal be asked by a write `W`, after which no look-up finds the blob. A reader is pinned at the
//! *epoch*: the newest beat of its engine that had returned a whole grace ago. It looked its version up
//! at most a grace before it was pinned, so after the epoch's beat had returned. The epoch never falls,
//! so what an engine publishes, the smaller of its epoch and of its readers' epochs at that moment,
//! covers the readers that are pinned afterwards as well: a pin younger than the last publication has
//! an epoch that is no smaller.
//!
//! Let `M` be the smallest that any live engine publishes. The engine that reclaims takes its newest beat
//! `Q` with a stamp below `M`, and its newest beat `P` that had returned a grace before `Q` began: `P`'s
//! stamp is the *horizon*. A removal is carried out if `W < P`. Then `W` drew its stamp before `P`
//! returned, so a grace before `Q` began, and took effect before `Q` (a commit lasts less than a grace).
//! Every reader's epoch is above `Q`, so it was drawn after `Q` began; every reader looked up after that:
//! it did not find the blob.
//!
//! If a commit did last longer, a reader that looked up meanwhile would miss its blob and its answer
//! break off; a blob that a version refers to is never at stake.

use std::{collections::VecDeque, time::Duration};

use crate::catalog::Stamp;

/// How many are kept, of those that are older than the epoch. Beside a reader that is older than all of them,
/// nothing is removed but what already was.
const KEPT_MAX: usize = 1_024;

/// One sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Beat {
    pub(super) stamp: Stamp,
    /// On this engine's monotonic clock.
    pub(super) began: Duration,
    pub(super) returned: Duration,
}

/// This engine's beats, oldest first.
#[derive(Debug, Default)]
pub(super) struct Beats(VecDeque<Beat>);

impl Beats {
    pub(super) fn last(&self) -> Option<&Beat> {
        self.0.back()
    }

    pub(super) fn push(&mut self, beat: Beat, grace: Duration) {
        let is_old = |next: &Beat| next.returned + grace <= beat.returned;
        // The epoch itself must stay, or it would fall.
        while self.0.len() >= KEPT_MAX && self.0.get(1).is_some_and(is_old) {
            self.0.pop_front();
        }
        self.0.push_back(beat);
    }

    /// The newest beat that had returned a grace before `now`; before there is one, the oldest write of all.
    pub(super) fn epoch(&self, now: Duration, grace: Duration) -> Stamp {
        self.newest(|beat| beat.returned + grace <= now).map_or(Stamp(0), |beat| beat.stamp)
    }

    /// Removals asked by writes before this one have no reader left, if no engine's readers are older
    /// than `readers`.
    pub(super) fn horizon(&self, readers: Stamp, grace: Duration) -> Stamp {
        let Some(after) = self.newest(|beat| beat.stamp < readers) else { return Stamp(0) };
        let before = self.newest(|beat| beat.returned + grace <= after.began);
        before.map_or(Stamp(0), |beat| beat.stamp)
    }

    fn newest(&self, is_meant: impl Fn(&Beat) -> bool) -> Option<&Beat> {
        self.0.iter().rev().find(|beat| is_meant(beat))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(30);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A beat every three seconds, each of which takes one.
    fn beating(count: u64) -> Beats {
        let mut beats = Beats::default();
        for n in 0..count {
            let beat =
                Beat { stamp: Stamp(n + 1), began: seconds(3 * n), returned: seconds(3 * n + 1) };
            beats.push(beat, GRACE);
        }
        beats
    }

    #[test]
    fn the_epoch_is_a_grace_old_and_never_falls() {
        let beats = beating(20);
        assert_eq!(beats.epoch(seconds(30), GRACE), Stamp(0));
        assert_eq!(beats.epoch(seconds(31), GRACE), Stamp(1));
        assert_eq!(beats.epoch(seconds(34), GRACE), Stamp(2));
        // Not even where the grace is longer than what is kept otherwise.
        let grace = seconds(10_000);
        let mut beats = Beats::default();
        let mut last = Stamp(0);
        for n in 0..5_000 {
            let at = seconds(3 * n);
            beats.push(Beat { stamp: Stamp(n + 1), began: at, returned: at }, grace);
            let epoch = beats.epoch(at, grace);
            assert!(epoch >= last);
            last = epoch;
        }
        assert_eq!(last, Stamp(1_666));
    }

    #[test]
    fn the_horizon_is_a_grace_before_the_oldest_reader() {
        let beats = beating(40);
        // Readers above 13: the newest beat below is 12, which began at 33 s; 1 had returned at 1 s.
        assert_eq!(beats.horizon(Stamp(13), GRACE), Stamp(1));
        assert_eq!(beats.horizon(Stamp(12), GRACE), Stamp(0), "11 began 29 s after 1 returned");
        assert_eq!(
            beats.horizon(Stamp(0), GRACE),
            Stamp(0),
            "an engine that has published nothing"
        );
        assert_eq!(beating(0).horizon(Stamp(9), GRACE), Stamp(0));
    }

    #[test]
    fn beats_are_bounded_and_the_newest_stay() {
        let beats = beating(50_000);
        assert!(beats.0.len() <= KEPT_MAX);
        assert_eq!(beats.last().unwrap().stamp, Stamp(50_000));
        assert_eq!(beats.horizon(Stamp(49_001), GRACE), Stamp(48_989));
        assert_eq!(beats.horizon(Stamp(25_000), GRACE), Stamp(0), "older than all that is kept");
    }
}
