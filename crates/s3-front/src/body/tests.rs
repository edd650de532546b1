//! Whole bodies: encoded by code written again from the specification, cut into frames, and broken.

use std::convert::Infallible;
use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use futures_util::FutureExt;
use futures_util::stream;
use http::{HeaderName, HeaderValue};
use http_body::Frame;
use http_body_util::StreamBody;
use proptest::prelude::*;

use super::*;
use crate::signature::ChunkSigner;

const SEED: &str = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
const TRAILER_SEED: &str = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        let name: HeaderName = name.parse().unwrap();
        map.append(name, HeaderValue::from_str(value).unwrap());
    }
    map
}

/// What `frame` until the end and `finish` give, for a body that arrives in these pieces.
fn read_frames(
    headers: &HeaderMap,
    payload: Payload,
    pieces: Vec<Bytes>,
) -> Result<(Vec<u8>, BodyDigests), BodyError> {
    let frames = pieces.into_iter().map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
    let mut body = RequestBody::new(headers, payload, StreamBody::new(stream::iter(frames)))?;
    let mut data = Vec::new();
    loop {
        match body.frame().now_or_never().expect("all frames are there") {
            Ok(Some(bytes)) => {
                assert!(!bytes.is_empty());
                data.extend_from_slice(&bytes);
            }
            Ok(None) => break,
            Err(error) => {
                assert!(body.finish().is_err(), "a failed body cannot finish");
                return Err(error);
            }
        }
    }
    let digests = body.finish()?;
    assert!(body.finish().is_err(), "only once");
    Ok((data, digests))
}

fn read(
    pairs: &[(&str, &str)],
    payload: Payload,
    text: &[u8],
) -> Result<(Vec<u8>, BodyDigests), BodyError> {
    read_frames(&headers(pairs), payload, vec![Bytes::copy_from_slice(text)])
}

fn message(pairs: &[(&str, &str)], payload: Payload, text: &[u8]) -> String {
    read(pairs, payload, text).unwrap_err().to_string()
}

const INCOMPLETE: &str =
    "You did not provide the number of bytes specified by the Content-Length HTTP header";
const TOO_LONG: &str = "You provided more bytes than specified by the Content-Length HTTP header";
const TERMINATED: &str = "The request body terminated unexpectedly";
const TRAILING: &str = "The request contained trailing data that was not well-formed or did not conform to our published schema.";
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your key and signing method.";

#[test]
fn plain_bodies_have_exactly_their_length() {
    let (data, digests) = read(&[("content-length", "5")], Payload::Unsigned, b"hello").unwrap();
    assert_eq!(data, b"hello");
    let checksum = digests.checksum.unwrap();
    assert_eq!(checksum.algorithm, ChecksumAlgorithm::Crc64Nvme);
    assert_eq!(checksum.kind, ChecksumKind::FullObject);
    assert_eq!(digests.md5, None);
    assert_eq!(message(&[("content-length", "6")], Payload::Unsigned, b"hello"), INCOMPLETE);
    assert_eq!(message(&[("content-length", "4")], Payload::Unsigned, b"hello"), TOO_LONG);
    // Without a length (HTTP/2), whatever comes.
    assert_eq!(read(&[], Payload::Unsigned, b"hello").unwrap().0, b"hello");
    assert_eq!(read(&[("content-length", "0")], Payload::Unsigned, b"").unwrap().0, b"");
}

#[test]
fn the_payload_hash_is_compared() {
    let hash: [u8; 32] = digest(&SHA256, b"hello").as_ref().try_into().unwrap();
    assert!(read(&[], Payload::Sha256(hash), b"hello").is_ok());
    let error = read(&[], Payload::Sha256(hash), b"hellp").unwrap_err();
    assert_eq!(
        error.to_string(),
        "The provided 'x-amz-content-sha256' header does not match what was computed."
    );
    let BodyError::ContentSha256Mismatch { client, server } = error else { panic!() };
    assert_eq!(client, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_eq!(server.len(), 64);
    assert_ne!(server, client);
}

#[test]
fn content_md5_is_compared() {
    let md5 = [("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")];
    let (_, digests) = read(&md5, Payload::Unsigned, b"hello").unwrap();
    assert_eq!(digests.md5.map(|md5| STANDARD.encode(md5)).as_deref(), Some(md5[0].1));
    let error = read(&md5, Payload::Unsigned, b"hellp").unwrap_err();
    let text = "The Content-MD5 you specified did not match what we received.";
    assert_eq!(error.to_string(), text);
    assert!(matches!(error, BodyError::BadContentMd5 { expected, calculated }
        if expected == md5[0].1 && calculated != expected));
    assert_eq!(
        message(&[("content-md5", "x")], Payload::Unsigned, b"hello"),
        "The Content-MD5 you specified was invalid."
    );
}

#[test]
fn checksums_of_every_algorithm_are_compared() {
    for (algorithm, good, bad) in [
        (ChecksumAlgorithm::Crc32, "y/Q5Jg==", "z/Q5Jg=="),
        (ChecksumAlgorithm::Crc32c, "4waSgw==", "5waSgw=="),
        (ChecksumAlgorithm::Crc64Nvme, "rosUhgp5mIg=", "sosUhgp5mIg="),
        (ChecksumAlgorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE=", "+8O8HYCOBHMq32eZZczDTKeuNEE="),
        (
            ChecksumAlgorithm::Sha256,
            "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
            "GeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
        ),
    ] {
        let name = algorithm.header_name();
        let expected = format!(
            "The {} you specified did not match the calculated checksum.",
            algorithm.name()
        );
        let in_header = |value| read(&[(name, value)], Payload::Unsigned, b"123456789");
        assert_eq!(in_header(good).unwrap().1.checksum.unwrap().text(), good);
        assert_eq!(in_header(bad).unwrap_err().to_string(), expected);
        let in_trailer = |value: &str| {
            let text = format!("9\r\n123456789\r\n0\r\n{name}:{value}\r\n\r\n");
            let pairs = [("x-amz-trailer", name), ("x-amz-decoded-content-length", "9")];
            read(&pairs, Payload::UnsignedChunks, text.as_bytes())
        };
        assert_eq!(in_trailer(good).unwrap().1.checksum.unwrap().text(), good);
        assert_eq!(in_trailer(bad).unwrap_err().to_string(), expected);
        let expected = format!("Value for {name} trailing header is invalid.");
        assert_eq!(in_trailer("x").unwrap_err().to_string(), expected);
    }
}

#[test]
fn digests_are_computed_as_asked() {
    let open = |pairs: &[(&str, &str)]| {
        let body = http_body_util::Full::new(Bytes::from_static(b"123456789"));
        RequestBody::new(&headers(pairs), Payload::Unsigned, body).unwrap()
    };
    let finish = |mut body: RequestBody<_>| {
        while body.frame().now_or_never().unwrap().unwrap().is_some() {}
        body.finish().unwrap()
    };
    let mut body = open(&[]);
    assert_eq!((body.length(), body.sent_checksum()), (Some(9), None));
    assert!(!body.has_integrity_header());
    assert!(body.want_checksum(ChecksumAlgorithm::Crc32));
    body.want_md5();
    let digests = finish(body);
    assert_eq!(digests.checksum.unwrap().text(), "y/Q5Jg==");
    let md5 = digests.md5.map(|md5| STANDARD.encode(md5));
    assert_eq!(md5.as_deref(), Some("JfnnlDI7RTiF9RgfG2JNCw=="));
    let mut body = open(&[("x-amz-checksum-crc32", "y/Q5Jg==")]);
    assert_eq!(body.sent_checksum(), Some(ChecksumAlgorithm::Crc32));
    assert!(body.has_integrity_header() && !body.want_checksum(ChecksumAlgorithm::Sha1));
    assert_eq!(finish(body).checksum.unwrap().algorithm, ChecksumAlgorithm::Crc32);
}

#[test]
fn a_body_cannot_finish_before_its_end() {
    let body = http_body_util::Full::new(Bytes::from_static(b"hello"));
    let mut body = RequestBody::new(&HeaderMap::new(), Payload::Unsigned, body).unwrap();
    assert!(body.frame().now_or_never().unwrap().unwrap().is_some());
    assert!(matches!(body.finish(), Err(BodyError::Incomplete)));
    assert!(body.frame().now_or_never().unwrap().unwrap().is_none());
    assert!(matches!(body.finish(), Err(BodyError::Incomplete)));
}

#[test]
fn small_bodies_are_read_whole_within_a_limit() {
    let read_all = |pairs: &[(&str, &str)], payload, limit| {
        let frames = ["hel", "lo"].map(|part| Ok::<_, Infallible>(Frame::data(Bytes::from(part))));
        let body = StreamBody::new(stream::iter(frames));
        let body = RequestBody::new(&headers(pairs), payload, body)?;
        body.read_all(limit).now_or_never().unwrap()
    };
    assert_eq!(read_all(&[], Payload::Unsigned, 5).unwrap(), "hello");
    let length = [("content-length", "5")];
    for pairs in [&length[..], &[]] {
        let error = read_all(pairs, Payload::Unsigned, 4).unwrap_err();
        assert!(matches!(error, BodyError::TooLarge { limit: 4 }));
    }
    let error = read_all(&[], Payload::Sha256([0; 32]), 5).unwrap_err();
    assert!(matches!(error, BodyError::ContentSha256Mismatch { .. }));
}

#[test]
fn nothing_is_polled_before_the_first_frame() {
    struct Untouchable;
    impl http_body::Body for Untouchable {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            panic!("polled")
        }
    }
    let pairs = [("content-length", "9"), ("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")];
    let mut body = RequestBody::new(&headers(&pairs), Payload::Unsigned, Untouchable).unwrap();
    body.want_md5();
    let too_large = body.read_all(8).now_or_never().unwrap().unwrap_err();
    assert!(matches!(too_large, BodyError::TooLarge { limit: 8 }));
}

#[test]
fn a_connection_that_ends_is_told_from_one_that_breaks() {
    let fail = |kind| {
        let frames = [Ok(Frame::data(Bytes::from("hel"))), Err(std::io::Error::from(kind))];
        let body = StreamBody::new(stream::iter(frames));
        let body = RequestBody::new(&HeaderMap::new(), Payload::Unsigned, body).unwrap();
        body.read_all(9).now_or_never().unwrap().unwrap_err()
    };
    assert!(matches!(fail(std::io::ErrorKind::UnexpectedEof), BodyError::Incomplete));
    assert!(matches!(fail(std::io::ErrorKind::ConnectionReset), BodyError::Connection(_)));
}

/// Encodes and signs aws-chunked bodies.
struct Encoder {
    text: Vec<u8>,
    previous: Option<String>,
}

const SCOPE: &str = "20130524T000000Z\n20130524/us-east-1/s3/aws4_request";

impl Encoder {
    fn sha256(bytes: &[u8]) -> String {
        Self::hex(digest(&SHA256, bytes).as_ref())
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    }

    fn sign(&mut self, text: &str) -> Option<String> {
        let text = text.replace("PREVIOUS", self.previous.as_deref()?);
        let mut key = b"AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_vec();
        for part in ["20130524", "us-east-1", "s3", "aws4_request", &text] {
            let tag = hmac::sign(&hmac::Key::new(HMAC_SHA256, &key), part.as_bytes());
            key = tag.as_ref().to_vec();
        }
        self.previous = Some(Self::hex(&key));
        self.previous.clone()
    }

    fn chunk(&mut self, bytes: &[u8]) {
        let (empty, hash) = (Self::sha256(b""), Self::sha256(bytes));
        let text = format!("AWS4-HMAC-SHA256-PAYLOAD\n{SCOPE}\nPREVIOUS\n{empty}\n{hash}");
        let extension = self.sign(&text).map(|signature| format!(";chunk-signature={signature}"));
        let header = format!("{:x}{}\r\n", bytes.len(), extension.unwrap_or_default());
        self.text.extend_from_slice(header.as_bytes());
        if !bytes.is_empty() {
            self.text.extend_from_slice(bytes);
            self.text.extend_from_slice(b"\r\n");
        }
    }

    fn trailer(&mut self, name: &str, value: &str) {
        self.text.extend_from_slice(format!("{name}:{value}\r\n").as_bytes());
        let hash = Self::sha256(format!("{name}:{value}\n").as_bytes());
        let text = format!("AWS4-HMAC-SHA256-TRAILER\n{SCOPE}\nPREVIOUS\n{hash}");
        if let Some(signature) = self.sign(&text) {
            let line = format!("x-amz-trailer-signature:{signature}\r\n");
            self.text.extend_from_slice(line.as_bytes());
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Signed,
    SignedTrailer,
    UnsignedTrailer,
}

fn encode(form: Form, data: &[u8], sizes: &[usize]) -> Vec<u8> {
    let previous = match form {
        Form::Signed => Some(SEED.to_owned()),
        Form::SignedTrailer => Some(TRAILER_SEED.to_owned()),
        Form::UnsignedTrailer => None,
    };
    let mut encoder = Encoder { text: Vec::new(), previous };
    let mut rest = data;
    for size in sizes.iter().copied().chain([usize::MAX]) {
        let (now, later) = rest.split_at(size.min(rest.len()));
        if !now.is_empty() {
            encoder.chunk(now);
        }
        rest = later;
    }
    encoder.chunk(b"");
    if form != Form::Signed {
        let mut hasher = ChecksumHasher::new(ChecksumAlgorithm::Crc32c);
        hasher.update(data);
        encoder.trailer("x-amz-checksum-crc32c", &hasher.finish().text());
    }
    encoder.text.extend_from_slice(b"\r\n");
    encoder.text
}

fn payload(form: Form) -> Payload {
    match form {
        Form::Signed => Payload::SignedChunks(ChunkSigner::documented(SEED, false)),
        Form::SignedTrailer => Payload::SignedChunks(ChunkSigner::documented(TRAILER_SEED, true)),
        Form::UnsignedTrailer => Payload::UnsignedChunks,
    }
}

fn chunked_headers(form: Form, length: usize) -> HeaderMap {
    let mut map = headers(&[("x-amz-decoded-content-length", &length.to_string())]);
    if form != Form::Signed {
        map.insert("x-amz-trailer", HeaderValue::from_static("x-amz-checksum-crc32c"));
    }
    map
}

#[test]
fn the_documented_body_is_read() {
    let data = vec![b'a'; 66_560];
    let text = encode(Form::Signed, &data, &[65_536]);
    assert_eq!(text.len(), 66_824, "the Content-Length of the S3 API reference's example");
    let signatures = String::from_utf8_lossy(&text);
    for signature in [
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ] {
        assert!(signatures.contains(signature));
    }
    let headers = chunked_headers(Form::Signed, 66_560);
    let read = read_frames(&headers, payload(Form::Signed), vec![text.into()]).unwrap();
    assert_eq!(read.0, data);
    let text = encode(Form::SignedTrailer, &data, &[65_536]);
    assert!(String::from_utf8_lossy(&text).contains("x-amz-checksum-crc32c:sOO8/Q=="));
    let headers = chunked_headers(Form::SignedTrailer, 66_560);
    let read = read_frames(&headers, payload(Form::SignedTrailer), vec![text.into()]).unwrap();
    assert_eq!(read.1.checksum.unwrap().text(), "sOO8/Q==");
}

#[test]
fn chunked_bodies_have_exactly_their_decoded_length() {
    for form in [Form::Signed, Form::SignedTrailer, Form::UnsignedTrailer] {
        let text = Bytes::from(encode(form, b"hello", &[3]));
        let read = |length, text: Bytes| {
            read_frames(&chunked_headers(form, length), payload(form), vec![text])
        };
        assert_eq!(read(5, text.clone()).unwrap().0, b"hello");
        assert_eq!(read(6, text.clone()).unwrap_err().to_string(), INCOMPLETE);
        assert_eq!(read(4, text.clone()).unwrap_err().to_string(), TOO_LONG);
        for end in 0..text.len() {
            let error = read(5, text.slice(..end)).unwrap_err();
            assert!(matches!(error, BodyError::Incomplete), "{form:?} {end}: {error:?}");
        }
        let garbage = [text.as_ref(), b"x"].concat().into();
        assert_eq!(read(5, garbage).unwrap_err().to_string(), TOO_LONG);
    }
    let missing = read(&[], Payload::UnsignedChunks, b"0\r\n\r\n").unwrap_err();
    assert!(matches!(missing, BodyError::LengthMissing));
}

#[test]
fn signatures_of_chunks_cannot_be_left_out_or_smuggled_in() {
    let length = ("x-amz-decoded-content-length", "5");
    let unsigned = b"5\r\nhello\r\n0\r\n\r\n";
    assert_eq!(message(&[length], payload(Form::Signed), unsigned), TERMINATED);
    let signed = encode(Form::Signed, b"hello", &[]);
    assert_eq!(message(&[length], Payload::UnsignedChunks, &signed), TERMINATED);
    // Chunks in another order: each signature is good, the chain is not.
    let text = String::from_utf8(encode(Form::Signed, b"hello", &[2])).unwrap();
    let mut parts: Vec<&str> = text.split_inclusive("\r\n").collect();
    parts.swap(0, 2);
    parts.swap(1, 3);
    assert_eq!(message(&[length], payload(Form::Signed), parts.concat().as_bytes()), MISMATCH);
    // The last chunk left out with its signature.
    let cut = text.find("0;chunk").unwrap();
    assert_eq!(message(&[length], payload(Form::Signed), &text.as_bytes()[..cut]), INCOMPLETE);
}

#[test]
fn trailers_are_those_announced() {
    let length = ("x-amz-decoded-content-length", "9");
    let crc32 = ("x-amz-trailer", "x-amz-checksum-crc32");
    let text = |lines: &str| format!("9\r\n123456789\r\n0\r\n{lines}\r\n");
    let refusal = |pairs: &[(&str, &str)], lines| {
        message(pairs, Payload::UnsignedChunks, text(lines).as_bytes())
    };
    let line = "x-amz-checksum-crc32:y/Q5Jg==\r\n";
    for (pairs, lines) in [
        (&[length][..], line),
        (&[length, crc32], ""),
        (&[length, crc32], "x-amz-checksum-sha1:98O8HYCOBHMq32eZZczDTKeuNEE=\r\n"),
        (&[length, crc32], &line.repeat(2)),
        (&[length, crc32], &format!("{line}x-amz-meta-a:b\r\n")),
        (&[length, crc32], &format!("{line}x-amz-trailer-signature:{SEED}\r\n")),
        (&[length, crc32], "no colon\r\n"),
    ] {
        assert_eq!(refusal(pairs, lines), TRAILING, "{lines}");
    }
    let unannounced = text("");
    let pairs = [length];
    assert!(read(&pairs, Payload::UnsignedChunks, unannounced.as_bytes()).is_ok());
    // Signed: the trailer's signature must be there, be right, and be last.
    let good = String::from_utf8(encode(Form::SignedTrailer, b"123456789", &[])).unwrap();
    let at = good.find("x-amz-trailer-signature").unwrap();
    let signature = &good[at..good.len() - 2];
    let crc32c = "x-amz-checksum-crc32c:4waSgw==\r\n";
    for (other, expected) in [
        (good.replace(signature, ""), TRAILING),
        (good.replace(crc32c, ""), TRAILING),
        (good.replace(crc32c, "").replace(signature, &format!("{signature}{crc32c}")), TRAILING),
        (good.replace(signature, &signature.repeat(2)), TRAILING),
        (good.replace(signature, &signature.to_uppercase()), MISMATCH),
        (good.replace("4waSgw==", "5waSgw=="), MISMATCH),
    ] {
        let headers = chunked_headers(Form::SignedTrailer, 9);
        let error = read_frames(&headers, payload(Form::SignedTrailer), vec![other.clone().into()]);
        assert_eq!(error.unwrap_err().to_string(), expected, "{other}");
    }
}

#[test]
fn a_line_feed_before_the_end_of_a_trailers_line_is_space() {
    for form in [Form::SignedTrailer, Form::UnsignedTrailer] {
        let text = String::from_utf8(encode(form, b"123456789", &[4])).unwrap();
        let other = text.replace("4waSgw==\r\n", "4waSgw==\n\r\n");
        assert_ne!(other, text);
        let frames = other.bytes().map(|byte| Bytes::copy_from_slice(&[byte])).collect();
        let read = read_frames(&chunked_headers(form, 9), payload(form), frames).unwrap();
        assert_eq!(read.0, b"123456789");
    }
}

/// Cuts a text into frames, some of them empty.
fn cut(text: &[u8], sizes: &[usize]) -> Vec<Bytes> {
    let mut rest = Bytes::copy_from_slice(text);
    let mut frames = Vec::new();
    for size in sizes.iter().cycle().take(text.len() + sizes.len()) {
        frames.push(rest.split_to((*size).min(rest.len())));
    }
    frames.push(rest);
    frames
}

fn forms() -> impl Strategy<Value = Form> {
    prop_oneof![Just(Form::Signed), Just(Form::SignedTrailer), Just(Form::UnsignedTrailer)]
}

proptest! {
    #[test]
    fn any_chunks_in_any_frames_decode_to_the_same(
        form in forms(),
        data in proptest::collection::vec(any::<u8>(), 0..2000),
        sizes in proptest::collection::vec(1usize..400, 0..10),
        frames in proptest::collection::vec(0usize..300, 1..8),
    ) {
        let text = encode(form, &data, &sizes);
        let headers = chunked_headers(form, data.len());
        let (read, digests) = read_frames(&headers, payload(form), cut(&text, &frames)).unwrap();
        prop_assert_eq!(&read, &data);
        let expected = if form == Form::Signed { "CRC64NVME" } else { "CRC32C" };
        prop_assert_eq!(digests.checksum.unwrap().algorithm.name(), expected);
    }

    #[test]
    fn any_flipped_byte_is_noticed(
        form in forms(),
        data in proptest::collection::vec(any::<u8>(), 1..300),
        sizes in proptest::collection::vec(1usize..100, 0..5),
        at: prop::sample::Index,
        mask in 1u8..=255,
    ) {
        let mut text = encode(form, &data, &sizes);
        let at = at.index(text.len());
        let before = text[at];
        text[at] ^= mask;
        // The case of a chunk size's digits and of a trailer's name means nothing; nor does a space
        // around a trailer's name or value, which is not signed.
        prop_assume!(!text[at].eq_ignore_ascii_case(&before));
        let headers = chunked_headers(form, data.len());
        let read = read_frames(&headers, payload(form), vec![text.into()]);
        prop_assert!(read.is_err(), "byte {} ^ {}", at, mask);
    }

    #[test]
    fn garbage_is_refused_without_panic(
        form in forms(),
        text in proptest::collection::vec(any::<u8>(), 0..300),
        frames in proptest::collection::vec(0usize..50, 1..4),
    ) {
        let headers = chunked_headers(form, 5);
        prop_assert!(read_frames(&headers, payload(form), cut(&text, &frames)).is_err());
    }
}
