//! Writing S3's answers.
//!
//! Guarantees: whatever the texts hold (markup, control characters, line ends), the document is
//! well-formed for the parsers of S3 clients, and a reader gets back the same text.
//! Does not: check element names; they are literals of this crate.

use std::borrow::Cow;
use std::fmt::{self, Display, Write};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The first line of every document.
const PROLOG: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// What `encoding-type=url` leaves as it is: RFC 3986's unreserved characters, `/` as AWS does, and `*`.
const URL_ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/').remove(b'*');

/// How a listing writes keys and prefixes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// As they are, with XML's escapes.
    #[default]
    Plain,
    /// Percent-encoded, asked for with `encoding-type=url`.
    Url,
}

impl Encoding {
    /// The text as this encoding shows it.
    pub fn apply(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Plain => text.into(),
            Self::Url => utf8_percent_encode(text, URL_ENCODED).into(),
        }
    }
}

/// A document being written.
#[derive(Debug)]
pub struct XmlWriter {
    out: String,
    open: Vec<&'static str>,
}

impl XmlWriter {
    /// Begins a document whose root is `root`, in S3's namespace.
    pub fn new(root: &'static str) -> Self {
        let mut out = String::with_capacity(512);
        out.push_str(PROLOG);
        let _ = write!(out, "<{root} xmlns=\"{}\">", super::NAMESPACE);
        Self { out, open: vec![root] }
    }

    /// Begins a document whose root has no namespace (`Error`).
    pub fn bare(root: &'static str) -> Self {
        let mut writer = Self { out: PROLOG.to_owned(), open: Vec::new() };
        writer.start(root);
        writer
    }

    /// Writes `<name>text</name>`.
    pub fn text(&mut self, name: &str, text: impl Display) -> &mut Self {
        self.tag("<", name);
        let _ = write!(Escaping(&mut self.out), "{text}");
        self.tag("</", name);
        self
    }

    /// As [`Self::text`], of what is a string already: a page of a listing has thousands of them, and to
    /// format one costs more than to write it.
    pub fn string(&mut self, name: &str, text: &str) -> &mut Self {
        self.tag("<", name);
        escape(text, &mut self.out);
        self.tag("</", name);
        self
    }

    /// As [`Self::string`], in quotes: an ETag.
    pub fn quoted(&mut self, name: &str, text: &str) -> &mut Self {
        self.tag("<", name);
        self.out.push_str(QUOTE);
        escape(text, &mut self.out);
        self.out.push_str(QUOTE);
        self.tag("</", name);
        self
    }

    /// Makes room for what is about to be written: a page of a listing that grew by doubling would be
    /// copied, and wiped behind itself, at each step.
    pub fn expect_bytes(&mut self, bytes: usize) -> &mut Self {
        self.out.reserve(bytes);
        self
    }

    /// Writes the element only if there is a text.
    pub fn text_if(&mut self, name: &str, text: Option<impl Display>) -> &mut Self {
        if let Some(text) = text {
            self.text(name, text);
        }
        self
    }

    /// Writes `<name>`, fills it, and closes it.
    pub fn inside(&mut self, name: &'static str, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.start(name);
        fill(self);
        self.end()
    }

    /// As [`Self::inside`], with attributes, which are literals of this crate.
    pub fn inside_with(
        &mut self,
        (name, attributes): (&'static str, &'static str),
        fill: impl FnOnce(&mut Self),
    ) -> &mut Self {
        let _ = write!(self.out, "<{name} {attributes}>");
        self.open.push(name);
        fill(self);
        self.end()
    }

    /// Writes text into the element that is open.
    #[must_use]
    pub fn content(mut self, text: &str) -> Self {
        escape(text, &mut self.out);
        self
    }

    /// Closes what is open and gives the document.
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.out
    }

    fn start(&mut self, name: &'static str) {
        self.tag("<", name);
        self.open.push(name);
    }

    fn end(&mut self) -> &mut Self {
        if let Some(name) = self.open.pop() {
            self.tag("</", name);
        }
        self
    }

    fn tag(&mut self, opening: &str, name: &str) {
        self.out.push_str(opening);
        self.out.push_str(name);
        self.out.push('>');
    }
}

/// Escapes what is formatted into it, so that no text is built only to be escaped.
struct Escaping<'o>(&'o mut String);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(text, self.0);
        Ok(())
    }
}

/// A quote as [`escape`] writes it.
const QUOTE: &str = "&quot;";

/// Escapes markup, and as character references what a parser would change or refuse raw: control
/// characters and line ends. (References below U+0020 are what AWS sends too, for want of better.)
fn escape(text: &str, out: &mut String) {
    // Nearly every text is plain, and to look at all of it without a branch for each byte is soonest done.
    let suspects = text.bytes().fold(0, |seen, byte| seen | SUSPECT[usize::from(byte)]);
    if suspects == 0 {
        return out.push_str(text);
    }
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| SUSPECT[usize::from(byte)] != 0) {
        // Such a byte begins a character, so this is a boundary.
        let (plain, suspect) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = suspect.chars();
        chars.next().into_iter().for_each(|char| escape_char(char, out));
        rest = chars.as_str();
    }
    out.push_str(rest);
}

/// Whether a byte is markup, a control character, or the first of one beyond ASCII (U+0080 to U+009F
/// begin with C2, U+FFFE and U+FFFF with EF).
const fn may_need_escape(byte: u8) -> bool {
    matches!(byte, b'&' | b'<' | b'>' | b'"' | 0..=0x1f | 0x7f | 0xc2 | 0xef)
}

/// [`may_need_escape`] of every byte, 1 for yes.
static SUSPECT: [u8; 256] = suspect();

const fn suspect() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = may_need_escape(byte as u8) as u8;
        byte += 1;
    }
    table
}

fn escape_char(char: char, out: &mut String) {
    match char {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str(QUOTE),
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => {
            let _ = write!(out, "&#x{:x};", u32::from(char));
        }
        _ => out.push(char),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_escaped_and_closed() {
        let mut writer = XmlWriter::new("A");
        writer.inside("B", |inner| {
            inner.text("C", "<&\">\r\n\u{1}é").text_if("D", None::<&str>);
        });
        assert_eq!(
            writer.finish(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <A xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <B><C>&lt;&amp;&quot;&gt;&#xd;&#xa;&#x1;é</C></B></A>"
        );
    }

    #[test]
    fn a_string_is_written_as_its_text_is() {
        for text in ["", "plain", "a&b", "\"", "é\u{85}<", "\u{fffe}"] {
            let written = |write: &dyn Fn(&mut XmlWriter)| {
                let mut writer = XmlWriter::bare("A");
                write(&mut writer);
                writer.finish()
            };
            let as_text = written(&|writer| {
                writer.text("B", text);
            });
            assert_eq!(
                written(&|writer| {
                    writer.string("B", text);
                }),
                as_text
            );
            let in_quotes = written(&|writer| {
                writer.text("B", format!("\"{text}\""));
            });
            assert_eq!(
                written(&|writer| {
                    writer.quoted("B", text);
                }),
                in_quotes
            );
        }
    }

    #[test]
    fn beyond_ascii_only_controls_and_noncharacters_are_escaped() {
        let mut out = String::new();
        escape("\u{80}\u{9f}\u{a0}é\u{fffd}\u{fffe}\u{ffff}\u{ff5e}\u{10ffff}\u{7f}", &mut out);
        assert_eq!(out, "&#x80;&#x9f;\u{a0}é\u{fffd}&#xfffe;&#xffff;\u{ff5e}\u{10ffff}&#x7f;");
    }

    #[test]
    fn url_encoding_keeps_slashes() {
        assert_eq!(Encoding::Url.apply("a/b c+é\u{1}*"), "a/b%20c%2B%C3%A9%01*");
        assert_eq!(Encoding::Plain.apply("a b"), "a b");
    }
}
