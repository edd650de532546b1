//! One part of a form in a buffer: its head, and its value where it is a field.
//!
//! Guarantees: what is not well-formed is refused, never guessed at; values are borrowed.
//! Does not: decode transfer encodings or `filename*`, which browsers do not send.

use std::ops::Range;

use super::{Delimiter, FormError};

/// What stands behind a delimiter.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The form's end.
    End,
    /// More bytes are needed to tell.
    Incomplete,
    /// A field.
    Field {
        /// As sent.
        name: String,
        /// Where its value stands.
        value: Range<usize>,
        /// Where the next part begins, behind its delimiter.
        next: usize,
    },
    /// The file.
    File {
        /// `None`: the part names none.
        filename: Option<String>,
        /// Where its content begins.
        start: usize,
    },
}

/// Reads the part that begins at `at`, behind a delimiter.
pub(super) fn read(buffer: &[u8], at: usize, delimiter: &Delimiter) -> Result<Part, FormError> {
    let rest = &buffer[at..];
    if rest.starts_with(b"--") {
        return Ok(Part::End);
    }
    let Some(line) = find(rest, b"\r\n") else {
        let possible = rest.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'-'));
        return if possible { Ok(Part::Incomplete) } else { Err(FormError::Malformed) };
    };
    if !rest[..line].iter().all(|byte| matches!(byte, b' ' | b'\t')) {
        return Err(FormError::Malformed);
    }
    let Some(end) = find(&rest[line..], b"\r\n\r\n") else { return Ok(Part::Incomplete) };
    let head = rest.get(line + 2..line + end).ok_or(FormError::Malformed)?;
    let disposition =
        Disposition::of(std::str::from_utf8(head).map_err(|_| FormError::Malformed)?)?;
    let start = at + line + end + 4;
    if disposition.name.eq_ignore_ascii_case("file") {
        return Ok(Part::File { filename: disposition.filename, start });
    }
    Ok(match delimiter.find(&buffer[start..]) {
        None => Part::Incomplete,
        Some(length) => Part::Field {
            name: disposition.name,
            value: start..start + length,
            next: start + length + delimiter.text().len(),
        },
    })
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, wanted)
}

/// What `Content-Disposition` says of a part.
struct Disposition {
    name: String,
    filename: Option<String>,
}

impl Disposition {
    fn of(head: &str) -> Result<Self, FormError> {
        let value = head.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
        });
        let (kind, mut rest) = split(value.ok_or(FormError::Malformed)?, ';');
        if !kind.trim().eq_ignore_ascii_case("form-data") {
            return Err(FormError::Malformed);
        }
        let (mut name, mut filename) = (None, None);
        while !rest.trim().is_empty() {
            let (parameter, value) = rest.split_once('=').ok_or(FormError::Malformed)?;
            let (value, behind) = parameter_value(value.trim_start())?;
            match parameter.trim().to_ascii_lowercase().as_str() {
                "name" => name = Some(value),
                "filename" => filename = Some(value),
                _ => {}
            }
            rest = split(behind, ';').1;
        }
        Ok(Self { name: name.ok_or(FormError::Malformed)?, filename })
    }
}

fn split(text: &str, at: char) -> (&str, &str) {
    text.split_once(at).unwrap_or((text, ""))
}

/// A token, or a quoted string in which only `\"` is an escape: some browsers send whole Windows paths.
fn parameter_value(text: &str) -> Result<(String, &str), FormError> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return Ok((text[..end].trim().to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Ok((value, &quoted[at + 1..])),
            '\\' if chars.peek().is_some_and(|(_, next)| *next == '"') => {
                value.push('"');
                chars.next();
            }
            _ => value.push(char),
        }
    }
    Err(FormError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: &str) -> Result<Part, FormError> {
        let delimiter = Delimiter::of("multipart/form-data; boundary=b").unwrap();
        read(text.as_bytes(), 0, &delimiter)
    }

    #[test]
    fn a_field_has_a_name_and_a_value() {
        let text = "\r\ncontent-type: text/plain\r\nContent-Disposition: form-data; name=\"a b\"\r\n\r\nvalue\r\n--b--";
        let Part::Field { name, value, next } = part(text).unwrap() else { panic!("no field") };
        assert_eq!((name.as_str(), &text[value], &text[next..]), ("a b", "value", "--"));
        let empty = "  \r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--b\r\n";
        assert!(matches!(part(empty).unwrap(), Part::Field { value, .. } if value.is_empty()));
    }

    #[test]
    fn a_file_is_known_by_its_name_alone() {
        let file = |parameters: &str| {
            let text = format!("\r\nContent-Disposition: form-data; {parameters}\r\n\r\nx");
            match part(&text).unwrap() {
                Part::File { filename, start } => {
                    assert_eq!(&text[start..], "x");
                    Some(filename)
                }
                _ => None,
            }
        };
        assert_eq!(file("name=\"File\""), Some(None));
        assert_eq!(file("name=file; filename=a.txt"), Some(Some("a.txt".into())));
        let quoted = "filename=\"C:\\new\\\"q\\\";=.txt\"; name=\"file\"";
        assert_eq!(file(quoted), Some(Some("C:\\new\"q\";=.txt".into())));
        assert_eq!(file("name=\"upload\"; filename=\"a\""), None);
    }

    #[test]
    fn every_beginning_of_a_part_is_incomplete() {
        let text = "\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nvalue\r\n--b";
        for end in 0..text.len() {
            assert_eq!(part(&text[..end]).unwrap(), Part::Incomplete, "{end}");
        }
        assert!(matches!(part(text).unwrap(), Part::Field { .. }));
        assert_eq!(part("--").unwrap(), Part::End);
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for bad in [
            "x\r\n",
            "\r\n\r\n\r\n",
            "\r\nContent-Type: a\r\n\r\n",
            "\r\nContent-Disposition: file; name=\"file\"\r\n\r\n",
            "\r\nContent-Disposition: form-data\r\n\r\n",
            "\r\nContent-Disposition: form-data; name=\"a\r\n\r\n",
            "\r\nContent-Disposition: form-data; name\r\n\r\n",
        ] {
            assert!(matches!(part(bad), Err(FormError::Malformed)), "{bad:?}");
        }
    }
}
