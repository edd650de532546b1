//! Times as S3 writes them.
//!
//! Does not: read the clock.

use httpdate::fmt_http_date;
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
    format!("{whole:.3}")
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
}
