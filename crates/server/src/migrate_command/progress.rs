//! How far a migration is: one line that is written over on a terminal, a line now and then elsewhere.
//!
//! Guarantees: writes to stderr only, at most a few times a second. Does not: guess when it will be done.

use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::assemble::{Progress, ProgressStep, WatchMove};

/// Between two lines on a terminal, and elsewhere.
const TERMINAL_PAUSE: Duration = Duration::from_millis(200);
const PLAIN_PAUSE: Duration = Duration::from_secs(10);

/// Characters of the bar.
const BAR: usize = 30;

/// Shows progress.
pub(super) struct Shown {
    is_terminal: bool,
    last: Mutex<Last>,
}

/// What was shown last.
struct Last {
    step: Option<ProgressStep>,
    at: Instant,
    /// When the step began, and the bytes that were done by then.
    begun: (Instant, u64),
}

impl Shown {
    /// To whoever sees stderr.
    pub(super) fn on_stderr() -> Self {
        let now = Instant::now();
        let last = Last { step: None, at: now, begun: (now, 0) };
        Self { is_terminal: io::stderr().is_terminal(), last: Mutex::new(last) }
    }

    /// Ends the line that is written over.
    pub(super) fn end(&self) {
        if self.is_terminal {
            let _ = writeln!(io::stderr().lock());
        }
    }
}

impl WatchMove for Shown {
    fn see(&self, progress: Progress) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let pause = if self.is_terminal { TERMINAL_PAUSE } else { PLAIN_PAUSE };
        let is_new = last.step != Some(progress.step);
        if is_new {
            last.begun = (now, progress.bytes);
        }
        let is_last = progress.total > 0 && progress.done >= progress.total;
        if !is_new && !is_last && now - last.at < pause {
            return;
        }
        (last.step, last.at) = (Some(progress.step), now);
        let since = (now - last.begun.0).as_secs_f64();
        let rate = (progress.bytes - last.begun.1.min(progress.bytes)) as f64 / since.max(0.001);
        let text = line(&progress, rate);
        // A closed stderr is nobody to tell.
        let _ = match self.is_terminal {
            true => write!(io::stderr().lock(), "\r{} {text}\x1b[K", bar(&progress)),
            false => writeln!(io::stderr().lock(), "{text}"),
        };
    }
}

fn bar(progress: &Progress) -> String {
    let (done, total) = match progress.total_bytes {
        0 => (progress.done, progress.total),
        bytes => (progress.bytes, bytes),
    };
    let filled = if total == 0 {
        0
    } else {
        (done.min(total) as u128 * BAR as u128 / u128::from(total)) as usize
    };
    format!("[{}{}]", "#".repeat(filled), "-".repeat(BAR - filled))
}

fn line(progress: &Progress, rate: f64) -> String {
    let Progress { step, done, total, bytes, total_bytes } = *progress;
    let what = match step {
        ProgressStep::Planning => "planning",
        ProgressStep::CopyingBlobs => "copying blobs",
        ProgressStep::CopyingRecords => "copying records",
        ProgressStep::VerifyingBlobs => "verifying blobs",
        ProgressStep::VerifyingRecords => "verifying records",
        ProgressStep::CleaningUp => "cleaning up",
    };
    let of = if total == 0 { String::new() } else { format!(" of {total}") };
    let volume = match total_bytes {
        0 => String::new(),
        all => format!(", {} of {} MiB, {:.0} MiB/s", bytes >> 20, all >> 20, rate / MIB),
    };
    format!("{what}: {done}{of}{volume}")
}

const MIB: f64 = 1_048_576.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_and_how_much() {
        let progress = Progress {
            step: ProgressStep::CopyingBlobs,
            done: 3,
            total: 4,
            bytes: 6 << 20,
            total_bytes: 8 << 20,
        };
        assert_eq!(line(&progress, MIB), "copying blobs: 3 of 4, 6 of 8 MiB, 1 MiB/s");
        assert_eq!(bar(&progress).matches('#').count(), 22);
        let planning = Progress {
            step: ProgressStep::Planning,
            total: 0,
            bytes: 0,
            total_bytes: 0,
            ..progress
        };
        assert_eq!(line(&planning, 0.0), "planning: 3");
        assert_eq!(bar(&planning).matches('-').count(), BAR);
    }
}
