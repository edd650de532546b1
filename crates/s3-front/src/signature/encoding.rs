//! Percent-encoding as signatures need it: every request has one canonical text of its path and query.
//!
//! Guarantees: what a client may write in several ways (`~` and `%7E`, `%e1` and `%E1`, raw UTF-8)
//! comes out in one. Nothing is copied, so a customer key in a query is not either.
//!
//! Does not: resolve `.` or `..`, or merge slashes; S3 does not, since keys may hold them.

use super::hex;

/// The encoded forms of all bytes: `%XX`, or the byte itself and two fillers if it is unreserved.
static ENCODED: [[u8; 3]; 256] = encoded();

const fn encoded() -> [[u8; 3]; 256] {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut table = [[0; 3]; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = if is_unreserved(byte as u8) {
            [byte as u8, 0, 0]
        } else {
            [b'%', DIGITS[byte >> 4], DIGITS[byte & 15]]
        };
        byte += 1;
    }
    table
}

/// The bytes that stand for themselves.
static UNRESERVED: [bool; 256] = unreserved();

const fn unreserved() -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = is_unreserved(byte as u8);
        byte += 1;
    }
    table
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// The canonical encoding of one byte.
pub(super) fn encode(byte: u8) -> &'static [u8] {
    let entry = &ENCODED[usize::from(byte)];
    if entry[0] == b'%' { entry } else { &entry[..1] }
}

/// Whether a query's name or value is encoded as the canonical request wants it: as most clients send it.
pub(super) fn is_canonical(raw: &[u8]) -> bool {
    let mut rest = raw;
    while let Some(at) = rest.iter().position(|byte| !UNRESERVED[usize::from(*byte)]) {
        let [b'%', high, low, after @ ..] = &rest[at..] else { return false };
        match (hex::digit(*high), hex::digit(*low)) {
            (Some(a), Some(b)) if encode((a << 4) | b) == [b'%', *high, *low] => rest = after,
            _ => return false,
        }
    }
    true
}

/// The bytes of a query's name or value: `%XX` and `+` decoded. A `%` that begins no escape is itself.
pub(super) fn decode(raw: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut rest = raw;
    std::iter::from_fn(move || {
        let (byte, used) = unit(rest)?;
        let plus = used == 1 && byte == b'+';
        rest = &rest[used..];
        Some(if plus { b' ' } else { byte })
    })
}

/// The canonical bytes of a query's name or value.
pub(super) fn canonical(raw: &[u8]) -> impl Iterator<Item = u8> + '_ {
    decode(raw).flat_map(|byte| encode(byte).iter().copied())
}

/// The canonical parts of a path. An escaped slash stays escaped: that is how it was signed.
pub(super) fn canonical_path(path: &[u8]) -> impl Iterator<Item = &'static [u8]> + '_ {
    let mut rest = path;
    std::iter::from_fn(move || {
        let (byte, used) = unit(rest)?;
        rest = &rest[used..];
        Some(if used == 1 && byte == b'/' { b"/".as_slice() } else { encode(byte) })
    })
}

/// A query's name or value as text, borrowed where nothing is escaped. `None` if it is not UTF-8.
pub(super) fn decode_text(raw: &str) -> Option<std::borrow::Cow<'_, str>> {
    if memchr::memchr2(b'%', b'+', raw.as_bytes()).is_none() {
        return Some(raw.into());
    }
    String::from_utf8(decoded(raw.as_bytes())).ok().map(Into::into)
}

/// What [`decode`] gives, run by run: most of what is escaped is a comma or a slash here and there.
pub(crate) fn decoded(raw: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr2(b'%', b'+', rest)
        && let Some((byte, used)) = unit(&rest[at..])
    {
        bytes.extend_from_slice(&rest[..at]);
        bytes.push(if used == 1 && byte == b'+' { b' ' } else { byte });
        rest = &rest[at + used..];
    }
    bytes.extend_from_slice(rest);
    bytes
}

/// The pieces of a text between separators, as `str::split` gives them. Each request is cut at `&`, `=` and
/// `;` several times, and its pieces are long.
pub(crate) fn pieces(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let (piece, after) = cut(rest?, separator);
        rest = after;
        Some(piece)
    })
}

/// What stands before the first separator, and what after it, if there is one.
pub(crate) fn cut(text: &str, separator: u8) -> (&str, Option<&str>) {
    match memchr::memchr(separator, text.as_bytes()) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// The first byte of what is encoded, and how many bytes of the text it took.
fn unit(raw: &[u8]) -> Option<(u8, usize)> {
    let first = *raw.first()?;
    if first == b'%'
        && let [_, high, low, ..] = raw
        && let (Some(high), Some(low)) = (hex::digit(*high), hex::digit(*low))
    {
        return Some(((high << 4) | low, 3));
    }
    Some((first, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> String {
        String::from_utf8(canonical_path(text.as_bytes()).flatten().copied().collect()).unwrap()
    }

    fn value(text: &str) -> String {
        String::from_utf8(canonical(text.as_bytes()).collect()).unwrap()
    }

    #[test]
    fn a_path_is_neither_normalised_nor_encoded_twice() {
        assert_eq!(path("/a/../b//c/./"), "/a/../b//c/./");
        assert_eq!(path("/%20%e1%7Ex%2Fy+z"), "/%20%E1~x%2Fy%2Bz");
        assert_eq!(path("/ሴ (1)"), "/%E1%88%B4%20%281%29");
        assert_eq!(path("/100%/%4"), "/100%25/%254");
        assert_eq!(path("/%2520"), "/%2520");
    }

    #[test]
    fn what_is_canonical_is_its_own_canonical_form() {
        for (text, expected) in [
            ("", true),
            ("aZ9-._~%2F%C3%A9", true),
            ("%2f", false),
            ("%7E", false),
            ("a+b", false),
            ("a/b", false),
            ("%", false),
            ("%2", false),
            ("%zz", false),
            ("é", false),
        ] {
            assert_eq!(is_canonical(text.as_bytes()), expected, "{text}");
            assert_eq!(value(text) == text, expected, "{text}");
        }
    }

    #[test]
    fn pieces_are_those_of_split() {
        for text in ["", ";", "a", "a;b", ";a;;é;", "host;x-amz-date"] {
            assert!(pieces(text, b';').eq(text.split(';')), "{text}");
        }
    }

    #[test]
    fn a_query_value_has_one_form() {
        assert_eq!(value("a+b%20c%2bd%7E"), "a%20b%20c%2Bd~");
        assert_eq!(value("a/b=c"), "a%2Fb%3Dc");
        assert_eq!(value("%"), "%25");
        assert_eq!(decode_text("a%2Fb").as_deref(), Some("a/b"));
        assert_eq!(decode_text("%ff"), None);
        for text in ["", "a", "%", "a%", "%4", "+%2B%2b+", "%%41%", "a%2Fb+c%zz", "é%C3%A9"] {
            assert!(decode(text.as_bytes()).eq(decoded(text.as_bytes())), "{text}");
        }
    }
}
