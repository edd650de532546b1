//! Object Lock in a request's head: the lock of a new version, and the wish to bypass governance.
//!
//! Guarantees: a mode and a date come together, the date ahead of the clock; a date is never read as
//! an earlier one than it is.
//! Does not: know whether the bucket has Object Lock; the operations do.

use jiff::{civil::DateTime, tz::Offset};
use object_engine::{
    clock::Timestamp,
    model::{LegalHold, Retention, RetentionMode},
};

use super::head::Head;
use crate::error::{S3Error, S3Result};

/// `x-amz-object-lock-mode`.
pub const MODE: &str = "x-amz-object-lock-mode";
/// `x-amz-object-lock-retain-until-date`.
pub const RETAIN_UNTIL: &str = "x-amz-object-lock-retain-until-date";
/// `x-amz-object-lock-legal-hold`.
pub const LEGAL_HOLD: &str = "x-amz-object-lock-legal-hold";

/// What the names of all headers about a version's lock begin with.
pub const OF_OBJECT: &str = "x-amz-object-lock-";
/// Those of them that [`AskedLock`] reads.
pub const IS_READ: [&str; 3] = [MODE, RETAIN_UNTIL, LEGAL_HOLD];

/// `x-amz-bucket-object-lock-enabled`.
pub const OF_BUCKET: &str = "x-amz-bucket-object-lock-enabled";
const BYPASS: &str = "x-amz-bypass-governance-retention";

/// The lock that a write asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AskedLock {
    /// Instead of the bucket's default.
    pub retention: Option<Retention>,
    /// `ON` or `OFF`.
    pub legal_hold: Option<LegalHold>,
}

impl AskedLock {
    /// Reads the three headers.
    pub fn parse(head: &Head, now: Timestamp) -> S3Result<Self> {
        let legal_hold = match head.filled(LEGAL_HOLD)? {
            None => None,
            Some(text) => Some(legal_hold(text).ok_or_else(|| {
                S3Error::argument("Legal Hold must be either of 'ON' or 'OFF'", LEGAL_HOLD, text)
            })?),
        };
        let retention = match (head.filled(MODE)?, head.filled(RETAIN_UNTIL)?) {
            (None, None) => None,
            (Some(_), None) => return Err(half(RETAIN_UNTIL)),
            (None, Some(_)) => return Err(half(MODE)),
            (Some(mode_text), Some(until)) => {
                let mode = mode(mode_text).ok_or_else(|| {
                    S3Error::argument("Unknown wormMode directive.", MODE, mode_text)
                })?;
                Some(Retention { mode, until: ahead(until, RETAIN_UNTIL, now)? })
            }
        };
        Ok(Self { retention, legal_hold })
    }

    /// Whether any lock was asked for.
    pub fn is_some(&self) -> bool {
        *self != Self::default()
    }
}

fn half(missing: &str) -> S3Error {
    S3Error::argument(
        "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
        missing,
        "",
    )
}

/// A date that must not be over yet, which is the argument `name`.
pub fn ahead(text: &str, name: &str, now: Timestamp) -> S3Result<Timestamp> {
    let until = date(text).ok_or_else(|| {
        S3Error::argument("The retain until date must be provided in ISO 8601 format", name, text)
    })?;
    if until > now {
        Ok(until)
    } else {
        Err(S3Error::argument("The retain until date must be in the future!", name, text))
    }
}

/// A mode by its name.
pub fn mode(text: &str) -> Option<RetentionMode> {
    match text {
        "GOVERNANCE" => Some(RetentionMode::Governance),
        "COMPLIANCE" => Some(RetentionMode::Compliance),
        _ => None,
    }
}

/// A mode's name.
pub fn mode_name(mode: RetentionMode) -> &'static str {
    match mode {
        RetentionMode::Governance => "GOVERNANCE",
        RetentionMode::Compliance => "COMPLIANCE",
    }
}

/// A legal hold by its name.
pub fn legal_hold(text: &str) -> Option<LegalHold> {
    match text {
        "ON" => Some(LegalHold::On),
        "OFF" => Some(LegalHold::Off),
        _ => None,
    }
}

/// A legal hold's name.
pub fn legal_hold_name(hold: LegalHold) -> &'static str {
    match hold {
        LegalHold::On => "ON",
        LegalHold::Off => "OFF",
    }
}

/// An ISO 8601 date, in UTC where it names no zone; what is finer than a millisecond counts as a whole
/// one, so that a lock is never shorter than what was asked.
pub fn date(text: &str) -> Option<Timestamp> {
    let at = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let civil = text.parse::<DateTime>().ok()?;
        Offset::UTC.to_timestamp(civil).ok()
    })?;
    let millis = (at.as_nanosecond() + 999_999).div_euclid(1_000_000);
    i64::try_from(millis).ok().map(Timestamp)
}

/// In how many days a date is reached; a day that has begun counts.
pub fn days_until(until: Timestamp, now: Timestamp) -> i64 {
    const DAY_MS: i64 = 86_400_000;
    until.0.saturating_sub(now.0).saturating_add(DAY_MS - 1).div_euclid(DAY_MS)
}

/// Whether governance is to be bypassed.
pub fn bypasses_governance(head: &Head) -> bool {
    is_true(head, BYPASS)
}

/// Whether a new bucket is to have Object Lock.
pub fn wanted_of_bucket(head: &Head) -> bool {
    is_true(head, OF_BUCKET)
}

fn is_true(head: &Head, name: &str) -> bool {
    head.value(name).is_some_and(|flag| flag.as_bytes().eq_ignore_ascii_case(b"true"))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::request::query::Query;

    const NOW: Timestamp = Timestamp(1_000_000_000_000); // 2001-09-09T01:46:40Z

    fn parsed(headers: &[(&str, &str)]) -> Result<AskedLock, String> {
        let mut request = Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let head = Head::new(request.body(()).unwrap().into_parts().0, Query::default()).unwrap();
        AskedLock::parse(&head, NOW)
            .map_err(|error| format!("{} {}", error.elements().first().unwrap().1, error.message()))
    }

    #[test]
    fn a_mode_and_a_date_come_together() {
        let until = "2001-09-09T01:46:40.001Z";
        let retention = Retention { mode: RetentionMode::Compliance, until: Timestamp(NOW.0 + 1) };
        assert_eq!(
            parsed(&[(MODE, "COMPLIANCE"), (RETAIN_UNTIL, until), (LEGAL_HOLD, "OFF")]),
            Ok(AskedLock { retention: Some(retention), legal_hold: Some(LegalHold::Off) })
        );
        assert_eq!(parsed(&[]), Ok(AskedLock::default()));
        let both =
            "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied";
        for (headers, why) in [
            (&[(MODE, "COMPLIANCE")][..], format!("{RETAIN_UNTIL} {both}")),
            (&[(RETAIN_UNTIL, until)], format!("{MODE} {both}")),
            (
                &[(MODE, "compliance"), (RETAIN_UNTIL, until)],
                format!("{MODE} Unknown wormMode directive."),
            ),
            (
                &[(MODE, "GOVERNANCE"), (RETAIN_UNTIL, "tomorrow")],
                format!("{RETAIN_UNTIL} The retain until date must be provided in ISO 8601 format"),
            ),
            (
                &[(MODE, "GOVERNANCE"), (RETAIN_UNTIL, "2001-09-09T01:46:40Z")],
                format!("{RETAIN_UNTIL} The retain until date must be in the future!"),
            ),
            (
                &[(LEGAL_HOLD, "on")],
                format!("{LEGAL_HOLD} Legal Hold must be either of 'ON' or 'OFF'"),
            ),
        ] {
            assert_eq!(parsed(headers), Err(why), "{headers:?}");
        }
    }

    #[test]
    fn dates_are_read_in_any_zone_and_never_too_early() {
        for (text, millis) in [
            ("2001-09-09T01:46:40Z", 0),
            ("2001-09-09T03:46:40+02:00", 0),
            ("2001-09-09T01:46:40", 0),
            ("20010909T014640Z", 0),
            ("2001-09-09T01:46:40.0000001Z", 1),
            ("2001-09-09T01:46:40.001Z", 1),
        ] {
            assert_eq!(date(text), Some(Timestamp(NOW.0 + millis)), "{text}");
        }
        assert_eq!(date("Sun, 09 Sep 2001 01:46:40 GMT"), None);
    }

    #[test]
    fn a_day_that_has_begun_counts() {
        for (millis, days) in [(1, 1), (86_400_000, 1), (86_400_001, 2), (0, 0), (-1, 0)] {
            assert_eq!(days_until(Timestamp(NOW.0 + millis), NOW), days, "{millis}");
        }
    }
}
