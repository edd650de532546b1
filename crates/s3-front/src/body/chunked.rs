//! The aws-chunked framing: `size[;chunk-signature=..]`, CRLF, bytes, CRLF, ..., a chunk of size 0,
//! trailers, an empty line.
//!
//! Guarantees: the bytes handed on are slices of what came in; lines and the trailer's size are
//! limited; nothing may follow the end.
//!
//! Does not: check signatures or digests, or know how long the body should be.

use bytes::{Buf, Bytes};

use super::error::BodyError;
use crate::signature::hex;

/// One line, with its CRLF. A signed chunk's header has about 100 bytes, a trailer's line about 110.
const LINE_BYTES_MAX: usize = 1024;
/// Lines of the trailer. S3 has one checksum and one signature.
const TRAILER_LINES_MAX: usize = 8;
/// Sixteen hexadecimal digits: more do not fit a length.
const SIZE_DIGITS_MAX: usize = 16;

/// What comes out of the framing, in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A chunk begins.
    ChunkStart { signature: Option<[u8; 64]> },
    /// Bytes of the chunk, never empty.
    Data(Bytes),
    /// The chunk's bytes are complete (also of the last one).
    ChunkEnd,
    /// A line of the trailer: name in lower case, value without outer spaces.
    Trailer { name: String, value: String },
    /// The body is complete.
    End,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Header,
    Data { left: u64 },
    DataEnd,
    LastChunk,
    Trailer { lines: usize },
    Done,
}

/// The decoder of one body.
#[derive(Debug)]
pub(super) struct Decoder {
    state: State,
    line: Vec<u8>,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self { state: State::Header, line: Vec::new() }
    }

    /// Whether the body's end was seen.
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The next event, taken from the front of `input`. `None`: more input is needed.
    pub(super) fn next(&mut self, input: &mut Bytes) -> Result<Option<Event>, BodyError> {
        match self.state {
            State::Header => self.header(input),
            State::Data { left } => Ok(self.data(input, left)),
            State::DataEnd => self.data_end(input),
            State::LastChunk => {
                self.state = State::Trailer { lines: 0 };
                Ok(Some(Event::ChunkEnd))
            }
            State::Trailer { lines } => self.trailer(input, lines),
            State::Done if input.is_empty() => Ok(None),
            State::Done => Err(BodyError::TooLong),
        }
    }

    fn header(&mut self, input: &mut Bytes) -> Result<Option<Event>, BodyError> {
        let Some(line) = self.take_line(input)? else { return Ok(None) };
        let (size, signature) = parse_header(&line).ok_or(BodyError::ChunkMalformed)?;
        self.state = if size == 0 { State::LastChunk } else { State::Data { left: size } };
        Ok(Some(Event::ChunkStart { signature }))
    }

    fn data(&mut self, input: &mut Bytes, left: u64) -> Option<Event> {
        if input.is_empty() {
            return None;
        }
        let take = input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let left = left - take as u64;
        self.state = if left == 0 { State::DataEnd } else { State::Data { left } };
        Some(Event::Data(input.split_to(take)))
    }

    fn data_end(&mut self, input: &mut Bytes) -> Result<Option<Event>, BodyError> {
        let Some(line) = self.take_line(input)? else { return Ok(None) };
        if !line.is_empty() {
            return Err(BodyError::ChunkMalformed);
        }
        self.state = State::Header;
        Ok(Some(Event::ChunkEnd))
    }

    fn trailer(&mut self, input: &mut Bytes, lines: usize) -> Result<Option<Event>, BodyError> {
        let Some(line) = self.take_line(input)? else { return Ok(None) };
        if line.is_empty() {
            self.state = State::Done;
            return Ok(Some(Event::End));
        }
        if lines == TRAILER_LINES_MAX {
            return Err(BodyError::MalformedTrailer);
        }
        self.state = State::Trailer { lines: lines + 1 };
        let line = String::from_utf8(line).map_err(|_| BodyError::MalformedTrailer)?;
        let (name, value) = line.split_once(':').ok_or(BodyError::MalformedTrailer)?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
        Ok(Some(Event::Trailer { name, value }))
    }

    /// A line without its CRLF, once all of it is there. A line feed alone does not end a line: some
    /// clients write a trailer as `name:value`, LF, CRLF, and S3 takes the LF as space after the value.
    fn take_line(&mut self, input: &mut Bytes) -> Result<Option<Vec<u8>>, BodyError> {
        while !input.is_empty() {
            let end = input.iter().take(LINE_BYTES_MAX).position(|byte| *byte == b'\n');
            let take = end.map_or(input.len(), |end| end + 1);
            if self.line.len() + take > LINE_BYTES_MAX {
                return Err(BodyError::ChunkMalformed);
            }
            self.line.extend_from_slice(&input[..take]);
            input.advance(take);
            if self.line.ends_with(b"\r\n") {
                let mut line = std::mem::take(&mut self.line);
                line.truncate(line.len() - 2);
                return Ok(Some(line));
            }
        }
        Ok(None)
    }
}

/// `size` or `size;chunk-signature=<64 digits>`.
fn parse_header(line: &[u8]) -> Option<(u64, Option<[u8; 64]>)> {
    let split = line.iter().position(|byte| *byte == b';');
    let (size, extension) = match split {
        Some(at) => (&line[..at], Some(&line[at + 1..])),
        None => (line, None),
    };
    let signature = match extension {
        Some(text) => Some(text.strip_prefix(b"chunk-signature=")?.try_into().ok()?),
        None => None,
    };
    if size.is_empty() || size.len() > SIZE_DIGITS_MAX {
        return None;
    }
    let size =
        size.iter().try_fold(0u64, |sum, byte| Some((sum << 4) | u64::from(hex::digit(*byte)?)))?;
    Some((size, signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Decoded {
        data: Vec<u8>,
        trailers: Vec<(String, String)>,
        done: bool,
    }

    fn decode(text: &[u8]) -> Result<Decoded, BodyError> {
        let mut decoder = Decoder::new();
        let (mut data, mut trailers) = (Vec::new(), Vec::new());
        // One byte at a time: every state must survive a frame's end.
        for byte in text {
            let mut input = Bytes::copy_from_slice(&[*byte]);
            while let Some(event) = decoder.next(&mut input)? {
                match event {
                    Event::Data(bytes) => data.extend_from_slice(&bytes),
                    Event::Trailer { name, value } => trailers.push((name, value)),
                    _ => {}
                }
            }
            assert!(input.is_empty());
        }
        Ok(Decoded { data, trailers, done: decoder.is_done() })
    }

    #[test]
    fn chunks_and_trailers_are_read() {
        let text = b"5\r\nhello\r\n1\r\n!\r\n0\r\nX-Amz-Checksum-CRC32: AAAA== \r\n\r\n";
        let Decoded { data, trailers, done } = decode(text).unwrap();
        assert_eq!(data, b"hello!");
        assert_eq!(trailers, [("x-amz-checksum-crc32".to_owned(), "AAAA==".to_owned())]);
        assert!(done);
        assert!(!decode(&text[..text.len() - 1]).unwrap().done);
    }

    #[test]
    fn data_is_a_slice_of_the_input() {
        let mut input = Bytes::from_static(b"5\r\nhello\r\n");
        let at = input[3..].as_ptr();
        let mut decoder = Decoder::new();
        decoder.next(&mut input).unwrap();
        let Some(Event::Data(data)) = decoder.next(&mut input).unwrap() else { panic!() };
        assert_eq!(data.as_ptr(), at);
    }

    #[test]
    fn broken_framing_is_refused() {
        let long = [vec![b'0'; LINE_BYTES_MAX], b"\r\n".to_vec()].concat();
        for text in [
            b"\r\n".as_slice(),
            b"5\nhello\r\n",
            b"g\r\n",
            b"-1\r\n",
            b"+5\r\nhello",
            b" 5\r\nhello",
            b"0x5\r\nhello",
            b"00000000000000005\r\n",
            b"5\r\nhelloX\r\n",
            b"5\r\nhello\n\r\n",
            b"5;\r\n",
            b"5;chunk-signature=\r\n",
            b"5;chunk-signature=00\r\n",
            b"5;other=1\r\n",
            &long,
        ] {
            let shown = String::from_utf8_lossy(text);
            assert!(matches!(decode(text), Err(BodyError::ChunkMalformed)), "{shown}");
        }
        assert!(matches!(decode(b"0\r\n\r\nx"), Err(BodyError::TooLong)));
        assert!(matches!(decode(b"0\r\nno colon\r\n"), Err(BodyError::MalformedTrailer)));
        let many = [b"0\r\n".to_vec(), b"a:b\r\n".repeat(TRAILER_LINES_MAX + 1)].concat();
        assert!(matches!(decode(&many), Err(BodyError::MalformedTrailer)));
    }
}
