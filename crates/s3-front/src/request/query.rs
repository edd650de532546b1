//! The query string as S3 reads it.
//!
//! Guarantees: names and values are percent-decoded once, `+` is a space, and no name stands twice, so
//! nothing can be read one way by the router and another way by an operation. Names are limited in number.
//! Does not: serve signatures; those are read from, and computed over, the raw text, so what their own
//! parameters say is checked and not kept.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use crate::{
    error::{ErrorCode, S3Error, S3Result},
    limits::QUERY_PARAMETERS_MAX,
    signature::encoding::{cut, decoded, pieces},
};

/// A decoded query: `None` for a name without `=`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Query {
    pairs: Vec<(Cow<'static, str>, Option<String>)>,
}

/// A presigned query's own parameters, as they are nearly always spelt.
const SIGNATURE_PARAMETERS: [&str; 6] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

impl Query {
    /// Parses the text after `?` of a request. Of what its signature says only the names are kept.
    pub fn of_request(raw: &str) -> S3Result<Self> {
        Self::read(raw, &SIGNATURE_PARAMETERS)
    }

    /// Parses a text that is encoded like a query, all of it.
    pub fn parse(raw: &str) -> S3Result<Self> {
        Self::read(raw, &[])
    }

    /// Parses; of the parameters that are `unkept` only the names stay.
    fn read(raw: &str, unkept: &[&'static str]) -> S3Result<Self> {
        let mut pairs: Vec<(Cow<'static, str>, Option<String>)> = Vec::new();
        for piece in pieces(raw, b'&').filter(|piece| !piece.is_empty()) {
            let (name, value) = cut(piece, b'=');
            let (name, value): (Cow<'static, str>, _) =
                match unkept.iter().find(|unkept| **unkept == name) {
                    Some(unkept) => {
                        value.map(check).transpose()?;
                        ((*unkept).into(), None)
                    }
                    None => (decode(name)?.into(), value.map(decode).transpose()?),
                };
            if pairs.iter().any(|(seen, _)| *seen == name) {
                let name = name.into_owned();
                return Err(S3Error::argument("A query parameter was given twice.", name, ""));
            }
            if pairs.len() == QUERY_PARAMETERS_MAX {
                let message = "Too many query parameters were given.";
                return Err(S3Error::with_message(ErrorCode::InvalidArgument, message));
            }
            pairs.push((name, value));
        }
        Ok(Self { pairs })
    }

    /// Whether the name stands there, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(seen, _)| seen == name)
    }

    /// The value of `name`; empty if the name stands there without one.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.pairs.iter().find(|(seen, _)| seen == name)?;
        Some(value.as_deref().unwrap_or_default())
    }

    /// The value of `name` unless it is empty.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Every name and value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (&**name, value.as_deref().unwrap_or_default()))
    }

    /// Takes out what `take` selects by name, for instance what belongs to the head's headers.
    pub fn extract(&mut self, take: impl Fn(&str) -> bool) -> Vec<(Cow<'static, str>, String)> {
        if !self.pairs.iter().any(|(name, _)| take(name)) {
            return Vec::new();
        }
        let taken = self.pairs.extract_if(.., |(name, _)| take(name));
        taken.map(|(name, value)| (name, value.unwrap_or_default())).collect()
    }
}

impl std::fmt::Debug for Query {
    /// Names only: a presigned query may hold a customer's key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.pairs.iter().map(|(name, _)| name)).finish()
    }
}

/// As [`decode`], of what is not kept.
fn check(text: &str) -> S3Result<()> {
    match memchr::memchr(b'%', text.as_bytes()) {
        Some(_) => decode(text).map(drop),
        None => Ok(()),
    }
}

fn decode(text: &str) -> S3Result<String> {
    let bytes = text.as_bytes();
    if memchr::memchr2(b'%', b'+', bytes).is_none() {
        return Ok(text.to_owned());
    }
    refuse_unsound(bytes)?;
    String::from_utf8(decoded(bytes)).map_err(|_| ErrorCode::InvalidURI.into())
}

/// Refuses a `%` that begins no escape.
fn refuse_unsound(bytes: &[u8]) -> S3Result<()> {
    let is_escape = |at: usize| {
        bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    };
    match memchr::memchr_iter(b'%', bytes).all(is_escape) {
        true => Ok(()),
        false => Err(ErrorCode::InvalidURI.into()),
    }
}

/// Percent-decodes; `InvalidURI` for a `%` that begins no escape, and for what is not UTF-8.
pub fn percent_decoded(text: &str) -> S3Result<String> {
    let bytes = text.as_bytes();
    refuse_unsound(bytes)?;
    let decoded = percent_decode(bytes).decode_utf8().map_err(|_| ErrorCode::InvalidURI)?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded_once() {
        let query = Query::parse("a=b%2Bc+d&uploads&e=&%66=%25").unwrap();
        assert_eq!(query.get("a"), Some("b+c d"));
        assert_eq!(query.get("uploads"), Some(""));
        assert_eq!(query.filled("e"), None);
        assert_eq!(query.get("f"), Some("%"));
        assert!(query.has("e") && !query.has("g"));
    }

    #[test]
    fn bad_escapes_and_repetitions_are_refused() {
        for (raw, code) in [
            ("a=%", ErrorCode::InvalidURI),
            ("a=%4", ErrorCode::InvalidURI),
            ("a=%zz", ErrorCode::InvalidURI),
            ("a=%ff", ErrorCode::InvalidURI),
            ("a=1&a=2", ErrorCode::InvalidArgument),
            ("uploadId=1&upload%49d=2", ErrorCode::InvalidArgument),
            ("X-Amz-Credential=%2", ErrorCode::InvalidURI),
            ("X-Amz-Credential=%ff", ErrorCode::InvalidURI),
            ("X-Amz-Date=1&X-Amz-D%61te=2", ErrorCode::InvalidArgument),
            ("X-Amz-D%61te=1&X-Amz-Date", ErrorCode::InvalidArgument),
        ] {
            for parsed in [Query::parse(raw), Query::of_request(raw)] {
                assert_eq!(parsed.unwrap_err().code(), code, "{raw}");
            }
        }
    }

    #[test]
    fn of_a_signature_the_names_are_kept_and_not_what_they_say() {
        let raw = "X-Amz-Signature=f00&x-amz-acl=private&prefix=a";
        assert_eq!(Query::parse(raw).unwrap().get("X-Amz-Signature"), Some("f00"));
        let mut query = Query::of_request(raw).unwrap();
        assert!(query.has("X-Amz-Signature"));
        assert_eq!(query.get("X-Amz-Signature"), Some(""));
        let taken = query.extract(|name| name.len() > 6);
        assert_eq!(
            taken,
            [("X-Amz-Signature".into(), "".into()), ("x-amz-acl".into(), "private".into())]
        );
        assert_eq!(query.iter().collect::<Vec<_>>(), [("prefix", "a")]);
    }

    #[test]
    fn parameters_are_limited() {
        let raw = |count: usize| (0..count).map(|name| format!("{name}=1&")).collect::<String>();
        let query = Query::parse(&raw(QUERY_PARAMETERS_MAX)).unwrap();
        assert_eq!(query.iter().count(), QUERY_PARAMETERS_MAX);
        let error = Query::parse(&raw(QUERY_PARAMETERS_MAX + 1)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument);
    }

    #[test]
    fn debug_prints_names_only() {
        let query = Query::parse("x-amz-server-side-encryption-customer-key=c2VjcmV0").unwrap();
        assert!(!format!("{query:?}").contains("c2VjcmV0"));
    }
}
