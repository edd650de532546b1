//! Forms cut into frames at any place, and forms that are none.

use std::convert::Infallible;

use futures_util::FutureExt;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use proptest::prelude::*;

use super::*;
use crate::key_names::AMZ;
use crate::post_form::{FileBody, LengthRange};

fn delimiter() -> Delimiter {
    Delimiter::of("multipart/form-data; boundary=b0").unwrap()
}

/// A body that comes in frames cut at these places.
fn framed(whole: &[u8], cuts: &[usize]) -> impl HttpBody + use<> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (whole.len() + 1)).collect();
    cuts.extend([0, whole.len()]);
    cuts.sort_unstable();
    let frame = |pair: &[usize]| {
        let bytes = Bytes::copy_from_slice(&whole[pair[0]..pair[1]]);
        Ok::<_, Infallible>(Frame::data(bytes))
    };
    let frames: Vec<_> = cuts.windows(2).map(frame).collect();
    StreamBody::new(futures_util::stream::iter(frames))
}

fn field(name: &str, value: &str) -> String {
    format!("--b0\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

fn form(fields: &str, file: &str, after: &str) -> Vec<u8> {
    let head = "Content-Disposition: form-data; name=\"file\"; filename=\"C:\\x/y.txt\"";
    format!("{fields}--b0\r\n{head}\r\n\r\n{file}\r\n{after}--b0--\r\n").into_bytes()
}

fn reading(whole: &[u8], cuts: &[usize]) -> Result<(Form, Vec<u8>), FormError> {
    let (form, rest) = read(framed(whole, cuts), delimiter()).now_or_never().unwrap()?;
    let range = LengthRange { min: 0, max: 1 << 20 };
    let collected = FileBody::new(rest, range).collect().now_or_never().unwrap();
    let bytes = collected.map_err(|error| *error.downcast::<FormError>().unwrap())?;
    Ok((form, bytes.to_bytes().to_vec()))
}

proptest! {
    #[test]
    fn cuts_do_not_matter(
        cuts in proptest::collection::vec(any::<usize>(), 0..20),
        content in "[\r\n\\-b0x]{0,40}",
    ) {
        prop_assume!(!format!("\r\n{content}").contains("\r\n--b0"));
        let fields = [field("key", "a/${filename}"), field("policy", "${filename}")].concat();
        let whole = form(&fields, &content, &field("submit", "x"));
        let (form, file) = reading(&whole, &cuts).unwrap();
        prop_assert_eq!(form.get("KEY"), Some(b"a/y.txt".as_slice()));
        prop_assert_eq!(form.get("policy"), Some(b"${filename}".as_slice()));
        prop_assert_eq!(form.names().count(), 2);
        prop_assert_eq!(file, content.as_bytes());
    }

    #[test]
    fn nothing_makes_it_panic(
        whole in "(--b0|\r\n|--|Content-Disposition: form-data; name=\"(file|a)\"|x){0,12}",
        cuts in proptest::collection::vec(any::<usize>(), 0..4),
    ) {
        let _ = reading(whole.as_bytes(), &cuts);
    }
}

#[test]
fn the_fields_have_a_limit_and_the_file_has_none() {
    let around = form(&field("a", ""), "", "").len();
    let fits = FORM_FIELDS_BYTES_MAX - around;
    let of = |length: usize| form(&field("a", &"v".repeat(length)), &"f".repeat(100_000), "");
    for cuts in [vec![], vec![1, 2, 3, 20_000, 20_480, 20_481, 30_000]] {
        let (_, file) = reading(&of(fits), &cuts).unwrap();
        assert_eq!(file.len(), 100_000);
        assert!(matches!(reading(&of(fits + 100), &cuts), Err(FormError::TooLong)));
    }
}

#[test]
fn a_file_that_is_missing_or_second_is_refused() {
    let none = [field("a", "b"), "--b0--\r\n".into()].concat();
    assert!(matches!(reading(none.as_bytes(), &[]), Err(FormError::Files(0))));
    let second = "--b0\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n";
    assert!(matches!(reading(&form("", "x", second), &[]), Err(FormError::Files(2))));
}

#[test]
fn a_key_after_the_file_is_refused() {
    for name in [AMZ.own.key, "X-Amz-Server-Side-Encryption-Customer-Algorithm"] {
        let whole = form("", "x", &field(name, "v"));
        assert!(matches!(reading(&whole, &[]), Err(FormError::KeyAfterFile(_))), "{name}");
    }
}

#[test]
fn names_stand_once_and_forms_end() {
    let twice = [field("key", "a"), field("KEY", "b")].concat();
    assert!(matches!(reading(&form(&twice, "x", ""), &[]), Err(FormError::Repeated(_))));
    let whole = form(&field("key", "a"), "x", "");
    for end in 0..whole.len() - 4 {
        assert!(matches!(reading(&whole[..end], &[]), Err(FormError::Malformed)), "{end}");
    }
    assert!(reading(&[b"\r\n", whole.as_slice()].concat(), &[3]).is_ok());
    assert!(matches!(reading(&[b"x", whole.as_slice()].concat(), &[]), Err(FormError::Malformed)));
}

#[test]
fn debug_prints_names_only() {
    let form = Form::of(&[(AMZ.own.key, "c2VjcmV0")]);
    let text = format!("{form:?}");
    assert!(text.contains(AMZ.own.key) && !text.contains("c2VjcmV0"), "{text}");
}
