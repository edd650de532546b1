//! `Range` (RFC 9110, section 14) as S3 reads it.
//!
//! Guarantees: what is not one well-formed range of bytes is ignored, as is a list of several.
//! Does not: know the object; [`Range::within`] is told its length.

use std::ops;

/// One range of bytes, as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// `bytes=first-last`, both inclusive.
    Closed(u64, u64),
    /// `bytes=first-`.
    From(u64),
    /// `bytes=-length`.
    Last(u64),
}

impl Range {
    /// Parses the header; `None` for what S3 ignores.
    pub fn parse(text: &str) -> Option<Self> {
        let (unit, spec) = text.split_once('=')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (first, last) = spec.trim().split_once('-')?;
        match (first.trim(), last.trim()) {
            ("", last) => number(last).map(Self::Last),
            (first, "") => number(first).map(Self::From),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::Closed(first, last))
            }
        }
    }

    /// The bytes of an object of `length` bytes; `None` if there are none (416).
    pub fn within(self, length: u64) -> Option<ops::Range<u64>> {
        let range = match self {
            Self::Closed(first, last) => first..last.saturating_add(1).min(length),
            Self::From(first) => first..length,
            Self::Last(count) => length.saturating_sub(count)..length,
        };
        (range.start < range.end).then_some(range)
    }
}

/// Digits only: `u64::from_str` would take a `+`. What overflows is beyond every object.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_read() {
        assert_eq!(Range::parse("bytes=0-0"), Some(Range::Closed(0, 0)));
        assert_eq!(Range::parse("Bytes=5-"), Some(Range::From(5)));
        assert_eq!(Range::parse("bytes=-5"), Some(Range::Last(5)));
        assert_eq!(
            Range::parse("bytes=0-99999999999999999999999"),
            Some(Range::Closed(0, u64::MAX))
        );
    }

    #[test]
    fn everything_else_is_ignored() {
        for text in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=2-1",
            "bytes=0-1,3-4",
            "bytes=a-b",
            "bytes=+1-2",
            "lines=0-1",
            "bytes=0--1",
        ] {
            assert_eq!(Range::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ranges_are_cut_to_the_object() {
        for (text, length, expected) in [
            ("bytes=0-0", 10, Some(0..1)),
            ("bytes=0-99", 10, Some(0..10)),
            ("bytes=9-", 10, Some(9..10)),
            ("bytes=10-", 10, None),
            ("bytes=10-12", 10, None),
            ("bytes=-3", 10, Some(7..10)),
            ("bytes=-30", 10, Some(0..10)),
            ("bytes=-0", 10, None),
            ("bytes=0-", 0, None),
            ("bytes=-1", 0, None),
        ] {
            assert_eq!(Range::parse(text).unwrap().within(length), expected, "{text} of {length}");
        }
    }
}
