//! When a number of days is over.
//!
//! Guarantees: as on S3 a time is rounded up to the next midnight UTC. A shortened day, for tests of
//! whole servers, has no midnight.

use std::num::NonZeroU32;

use object_engine::clock::Timestamp;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// How long a rule's day is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DayLength {
    /// A day of UTC.
    #[default]
    Calendar,
    /// So many seconds.
    Seconds(NonZeroU32),
}

impl DayLength {
    /// When so many days after `from` are over.
    pub fn after(self, from: Timestamp, days: u32) -> Timestamp {
        match self {
            Self::Calendar => {
                let due = from.0.saturating_add(i64::from(days) * DAY_MS);
                let since_midnight = due.rem_euclid(DAY_MS);
                let rest = if since_midnight == 0 { 0 } else { DAY_MS - since_midnight };
                Timestamp(due.saturating_add(rest))
            }
            Self::Seconds(seconds) => {
                let day = i64::from(seconds.get()) * 1_000;
                Timestamp(from.0.saturating_add(i64::from(days).saturating_mul(day)))
            }
        }
    }
}

/// Whether a time is a midnight UTC.
pub(super) fn is_midnight(time: Timestamp) -> bool {
    time.0.rem_euclid(DAY_MS) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::response::time;

    #[test]
    fn days_end_at_the_next_midnight() {
        let at = |text: &str| Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        for (from, days, until) in [
            // The examples of S3's user guide.
            ("2014-01-15T10:30:00Z", 3, "2014-01-19T00:00:00.000Z"),
            ("2014-01-15T00:00:00.001Z", 1, "2014-01-17T00:00:00.000Z"),
            ("2014-01-15T23:59:59.999Z", 1, "2014-01-17T00:00:00.000Z"),
            ("2014-01-15T00:00:00Z", 1, "2014-01-16T00:00:00.000Z"),
            ("2016-02-28T12:00:00Z", 1, "2016-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(time::iso(DayLength::Calendar.after(at(from), days)), until, "{from}");
        }
        let far = DayLength::Calendar.after(Timestamp(i64::MAX - 1), u32::MAX);
        assert_eq!(far, Timestamp(i64::MAX));
    }

    #[test]
    fn a_shortened_day_is_not_rounded() {
        let ten = DayLength::Seconds(NonZeroU32::new(10).unwrap());
        assert_eq!(ten.after(Timestamp(1_234), 3), Timestamp(31_234));
    }
}
