//! The times of signed requests: `YYYYMMDDTHHMMSSZ`, and the window in which they are accepted.
//!
//! Guarantees: a [`SignedTime`] is a real time of the calendar. Does not: read a clock.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use object_engine::clock::Timestamp;

/// How far a client's clock may be off, either way: S3's own 15 minutes.
pub(super) const CLOCK_SKEW_MS_MAX: i64 = 15 * 60 * 1000;

/// The time at which a request was signed.
#[derive(Clone, Copy, Debug)]
pub(super) struct SignedTime {
    text: [u8; 16],
    at: Timestamp,
}

impl SignedTime {
    /// Reads `YYYYMMDDTHHMMSSZ`.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let text: [u8; 16] = text.try_into().ok()?;
        if text[8] != b'T' || text[15] != b'Z' {
            return None;
        }
        let year = i16::try_from(number(&text[0..4])?).ok()?;
        let [month, day] = [pair(&text[4..6])?, pair(&text[6..8])?];
        let [hour, minute, second] =
            [pair(&text[9..11])?, pair(&text[11..13])?, pair(&text[13..15])?];
        let time = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
        let at = TimeZone::UTC.to_timestamp(time).ok()?;
        Some(Self { text, at: Timestamp(at.as_millisecond()) })
    }

    /// Reads the `Date` header, which stands in for an absent `x-amz-date`: HTTP's three forms, and
    /// that of mail (`… -0000`), which signers of some SDKs write.
    pub(super) fn parse_http_date(text: &str) -> Option<Self> {
        let at = match httpdate::parse_http_date(text) {
            Ok(time) => {
                let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
                jiff::Timestamp::from_second(i64::try_from(since.as_secs()).ok()?).ok()?
            }
            Err(_) => jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?,
        };
        Self::parse(at.strftime("%Y%m%dT%H%M%SZ").to_string().as_bytes())
    }

    /// `YYYYMMDDTHHMMSSZ`.
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.text).expect("digits, T and Z were checked by parse")
    }

    /// `YYYYMMDD`.
    pub(super) fn day(&self) -> &str {
        &self.text()[..8]
    }

    /// This time.
    pub(super) fn at(&self) -> Timestamp {
        self.at
    }

    /// Milliseconds from `now` until this time (negative: it is past).
    pub(super) fn ahead_of(&self, now: Timestamp) -> i64 {
        self.at.0.saturating_sub(now.0)
    }

    /// This time and `seconds` more.
    pub(super) fn plus_seconds(&self, seconds: u64) -> Timestamp {
        let millis = i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
        Timestamp(self.at.0.saturating_add(millis))
    }
}

/// Whether `text` is `YYYYMMDD` of the calendar.
pub(super) fn is_day(text: &str) -> bool {
    let text = text.as_bytes();
    let day = || {
        let year = i16::try_from(number(text.get(..4)?)?).ok()?;
        Date::new(year, pair(text.get(4..6)?)?, pair(text.get(6..8)?)?).ok()
    };
    text.len() == 8 && day().is_some()
}

/// RFC 3339 in whole seconds, as S3's error documents show times.
pub(super) fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.seconds()).map(|at| at.to_string()).unwrap_or_default()
}

fn number(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))
}

fn pair(digits: &[u8]) -> Option<i8> {
    number(digits).and_then(|number| i8::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_and_shown() {
        let time = SignedTime::parse(b"20130524T000000Z").unwrap();
        assert_eq!(time.text(), "20130524T000000Z");
        assert_eq!(time.day(), "20130524");
        assert_eq!(time.at, Timestamp(1_369_353_600_000));
        assert_eq!(rfc3339(time.plus_seconds(86_400)), "2013-05-25T00:00:00Z");
    }

    #[test]
    fn an_http_date_is_the_same_time() {
        for text in [
            "Fri, 24 May 2013 00:00:00 GMT",
            "Friday, 24-May-13 00:00:00 GMT",
            "Fri May 24 00:00:00 2013",
            "Fri, 24 May 2013 00:00:00 -0000",
            "Fri, 24 May 2013 00:00:00 +0000",
            "Fri, 24 May 2013 02:00:00 +0200",
        ] {
            let time = SignedTime::parse_http_date(text).expect(text);
            assert_eq!(time.text(), "20130524T000000Z");
        }
        assert!(SignedTime::parse_http_date("").is_none());
        assert!(SignedTime::parse_http_date("Sat, 24 May 2013 00:00:00 +0000").is_none());
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "20130524",
            "20130524T000000",
            "20130524T000000z",
            "20130524 000000Z",
            "20131324T000000Z",
            "20130230T000000Z",
            "20130524T240000Z",
            "20130524T006000Z",
            "+0130524T000000Z",
            "2013-05-24T00:00:00Z",
            "20130524T0000000Z",
            "２0130524T00000Z",
        ] {
            assert!(SignedTime::parse(text.as_bytes()).is_none(), "{text}");
        }
        assert!(
            !is_day("20130230") && !is_day("2013052") && !is_day("２01305") && is_day("20240229")
        );
    }
}
