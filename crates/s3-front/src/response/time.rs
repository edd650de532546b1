//! Times as S3 writes them.
//!
//! Does not: read the clock.

use httpdate::fmt_http_date;
use jiff::tz::Offset;
use object_engine::clock::Timestamp;

use crate::request::conditional::http_time;

/// For headers: `Sat, 21 Nov 2026 00:00:00 GMT`.
pub fn http(time: Timestamp) -> String {
    fmt_http_date(http_time(time))
}

/// For documents: `2026-11-21T00:00:00.000Z`. Milliseconds are always zero, as AWS shows them, so that
/// a listing and a header say the same time.
pub fn iso(time: Timestamp) -> String {
    let whole = jiff::Timestamp::from_second(time.seconds()).unwrap_or_default();
    let at = Offset::UTC.to_datetime(whole);
    // A page of a listing has a thousand of them, and a formatter takes several times as long.
    match u16::try_from(at.year()) {
        Ok(year) => {
            let mut text = String::with_capacity("2026-11-21T00:00:00.000Z".len());
            push_pair(&mut text, year / 100, "");
            push_pair(&mut text, year % 100, "-");
            for (part, after) in [
                (at.month(), "-"),
                (at.day(), "T"),
                (at.hour(), ":"),
                (at.minute(), ":"),
                (at.second(), ".000Z"),
            ] {
                push_pair(&mut text, part.unsigned_abs().into(), after);
            }
            text
        }
        Err(_) => format!("{whole:.3}"), // before the year 0: no clock says so
    }
}

/// Two digits of a number below 100, and what follows them.
fn push_pair(text: &mut String, number: u16, after: &str) {
    for digit in [number / 10 % 10, number % 10] {
        text.push(char::from(b'0' + digit as u8));
    }
    text.push_str(after);
}

/// For dates that must come back as they were given, such as the end of a retention:
/// `2026-11-21T00:00:00.987Z`.
pub fn precise(time: Timestamp) -> String {
    let exact = jiff::Timestamp::from_millisecond(time.0).unwrap_or_default();
    exact.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms() {
        let time = Timestamp(1_795_219_200_987);
        assert_eq!(http(time), "Sat, 21 Nov 2026 00:00:00 GMT");
        assert_eq!(iso(time), "2026-11-21T00:00:00.000Z");
        assert_eq!(precise(time), "2026-11-21T00:00:00.987Z");
        assert_eq!(precise(Timestamp(0)), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn times_in_documents_are_as_a_formatter_writes_them() {
        // From a millennium before 1970 to 8 beyond it, at steps that meet every month and hour.
        for seconds in (-31_556_952_000..252_455_616_000).step_by(987_654_321) {
            let whole = jiff::Timestamp::from_second(seconds).unwrap();
            assert_eq!(iso(Timestamp(seconds * 1_000)), format!("{whole:.3}"));
        }
        assert_eq!(iso(Timestamp(i64::MIN)), "1970-01-01T00:00:00.000Z", "none that jiff knows");
        let before = jiff::Timestamp::from_second(-63_000_000_000_000 / 1_000).unwrap();
        assert_eq!(iso(Timestamp(-63_000_000_000_000)), format!("{before:.3}"));
    }
}
