//! The delimiter between the parts of a form, and finding it in a stream.
//!
//! Guarantees: content is handed on as slices of what the connection gave, none of it copied. What must
//! be held back at the end of a frame is equal to the delimiter's own beginning, so that is what stands
//! for it: a byte of content is never kept from one frame to the next.
//! Does not: read what stands behind a delimiter; `part` does.

use bytes::{Buf, Bytes};
use memchr::{memmem::Finder, memrchr};

/// Bytes of a boundary: RFC 2046 has 70, and some clients take more.
const BOUNDARY_BYTES_MAX: usize = 200;

/// `\r\n--` and a form's boundary.
#[derive(Clone, Debug)]
pub(crate) struct Delimiter {
    text: Bytes,
    finder: Finder<'static>,
}

impl Delimiter {
    /// The delimiter of a `Content-Type`'s boundary; `None` where it has none that could delimit.
    pub(crate) fn of(content_type: &str) -> Option<Self> {
        let mut parameters = content_type.split(';').skip(1);
        let boundary = parameters.find_map(|parameter| {
            let (name, value) = parameter.trim().split_once('=')?;
            name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
        })?;
        let sound = boundary.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if boundary.is_empty() || boundary.len() > BOUNDARY_BYTES_MAX || !sound {
            return None;
        }
        let text = Bytes::from(format!("\r\n--{boundary}"));
        let finder = Finder::new(&text).into_owned();
        Some(Self { text, finder })
    }

    /// Its bytes.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Where it stands first.
    pub(crate) fn find(&self, content: &[u8]) -> Option<usize> {
        self.finder.find(content)
    }
}

/// Content up to the delimiter, frame by frame.
#[derive(Debug)]
pub(crate) struct Splitter {
    delimiter: Delimiter,
    /// How much of the delimiter stood at the end of the input so far.
    matched: usize,
}

/// What comes next. Only tests may print it: it holds plaintext.
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
pub(crate) enum Piece {
    /// Content, never empty.
    Content(Bytes),
    /// Nothing before more input.
    Starved,
    /// The delimiter; the input begins behind it.
    Delimiter,
}

impl Splitter {
    /// Begins where content begins.
    pub(crate) fn new(delimiter: Delimiter) -> Self {
        Self { delimiter, matched: 0 }
    }

    /// Takes the next piece out of `input`.
    pub(crate) fn next(&mut self, input: &mut Bytes) -> Piece {
        if self.matched > 0 { self.go_on(input) } else { self.begin(input) }
    }

    /// The delimiter may be under way since an earlier frame. Only its first byte is `\r`, so where it
    /// breaks off, nothing of what matched can be the beginning of another.
    fn go_on(&mut self, input: &mut Bytes) -> Piece {
        let wanted = &self.delimiter.text[self.matched..];
        let length = wanted.len().min(input.len());
        if input[..length] != wanted[..length] {
            let held = self.delimiter.text.slice(..self.matched);
            self.matched = 0;
            return Piece::Content(held);
        }
        if length < wanted.len() {
            self.matched += length;
            input.clear();
            return Piece::Starved;
        }
        input.advance(length);
        self.matched = 0;
        Piece::Delimiter
    }

    fn begin(&mut self, input: &mut Bytes) -> Piece {
        match self.delimiter.find(input) {
            Some(0) => {
                input.advance(self.delimiter.text.len());
                return Piece::Delimiter;
            }
            Some(at) => return Piece::Content(input.split_to(at)),
            None => {}
        }
        let whole = input.len();
        let tail =
            memrchr(b'\r', input).filter(|at| self.delimiter.text.starts_with(&input[*at..]));
        let content = input.split_to(tail.unwrap_or(whole));
        self.matched = input.len();
        input.clear();
        if content.is_empty() { Piece::Starved } else { Piece::Content(content) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn delimiter() -> Delimiter {
        Delimiter::of("multipart/form-data; boundary=ab").unwrap()
    }

    /// The content and what follows the delimiter, when the input comes cut at these places.
    fn split(whole: &[u8], cuts: &[usize]) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut splitter = Splitter::new(delimiter());
        let mut content = Vec::new();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (whole.len() + 1)).collect();
        cuts.extend([0, whole.len()]);
        cuts.sort_unstable();
        for pair in cuts.windows(2) {
            let mut input = Bytes::copy_from_slice(&whole[pair[0]..pair[1]]);
            loop {
                match splitter.next(&mut input) {
                    Piece::Content(bytes) => {
                        assert!(!bytes.is_empty());
                        content.extend_from_slice(&bytes);
                    }
                    Piece::Starved => break,
                    Piece::Delimiter => {
                        return Some((content, [&input, &whole[pair[1]..]].concat()));
                    }
                }
            }
        }
        None
    }

    fn alphabet() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(proptest::sample::select(b"\r\n-abx".to_vec()), 0..40)
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(
            before in alphabet(),
            after in alphabet(),
            cuts in proptest::collection::vec(0..100usize, 0..12),
        ) {
            let whole = [before.as_slice(), b"\r\n--ab", &after].concat();
            let at = whole.windows(6).position(|window| window == b"\r\n--ab").unwrap();
            let (content, rest) = split(&whole, &cuts).unwrap();
            prop_assert_eq!(content.as_slice(), &whole[..at]);
            prop_assert_eq!(rest.as_slice(), &whole[at + 6..]);
        }
    }

    #[test]
    fn content_is_not_copied() {
        let mut input = Bytes::from_static(b"content\r\n--a");
        let place = input.as_ptr();
        let mut splitter = Splitter::new(delimiter());
        let Piece::Content(content) = splitter.next(&mut input) else { panic!("no content") };
        assert_eq!((content.as_ptr(), content.as_ref()), (place, b"content".as_slice()));
        assert_eq!(splitter.next(&mut input), Piece::Starved);
    }

    #[test]
    fn boundaries_are_read_from_the_content_type() {
        let text = |content_type: &str| Delimiter::of(content_type).map(|found| found.text);
        for good in [
            "multipart/form-data; boundary=x y",
            "multipart/form-data; charset=utf-8; Boundary=\"x y\"",
        ] {
            assert_eq!(text(good).as_deref(), Some(b"\r\n--x y".as_slice()), "{good}");
        }
        let long = format!("multipart/form-data; boundary={}", "x".repeat(201));
        for bad in
            ["multipart/form-data", "multipart/form-data; boundary=", "a; boundary=\"\"", &long]
        {
            assert_eq!(text(bad), None, "{bad}");
        }
    }
}
