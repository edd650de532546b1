//! `x-amz-copy-source` and `x-amz-copy-source-range`.
//!
//! Guarantees: the header is decoded once, by the rules of a query (`+` is a space, as on AWS); a `?` in
//! a key must be escaped, so that no key can be taken for a version.
//! Does not: look the source up, or know access points.

use std::ops::Range;

use object_engine::model::{BucketName, ObjectKey, VersionSelector};

use super::{head::Head, listing, query::Query, query::percent_decoded};
use crate::{
    error::{ErrorCode, S3Error, S3Result},
    limits::COPY_BYTES_MAX,
    policy::Action,
};

/// The header that makes a copy of a put.
pub const NAME: &str = "x-amz-copy-source";
const RANGE: &str = "x-amz-copy-source-range";

/// What is copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopySource {
    /// Its bucket.
    pub bucket: BucketName,
    /// Its key.
    pub key: ObjectKey,
    /// Which of its versions.
    pub version: VersionSelector,
}

impl CopySource {
    /// What reading it is called in policies.
    pub(crate) fn action(&self) -> Action {
        match self.version {
            VersionSelector::Latest => Action::GetObject,
            VersionSelector::Null | VersionSelector::Id(_) => Action::GetObjectVersion,
        }
    }

    /// Reads the header.
    pub fn parse(head: &Head) -> S3Result<Self> {
        let text = head.text(NAME)?.unwrap_or_default();
        let (path, version) = match text.split_once('?') {
            None => (text, VersionSelector::Latest),
            Some((path, query)) => (path, version(query)?),
        };
        let path = percent_decoded(&path.replace('+', " ")).map_err(|_| invalid_encoding(text))?;
        let path = path.strip_prefix('/').unwrap_or(&path);
        if path.starts_with("arn:") {
            return Err(S3Error::not_implemented("Access points are not implemented."));
        }
        let (bucket, key) =
            path.split_once('/').filter(|(_, key)| !key.is_empty()).ok_or_else(no_source)?;
        let bucket = BucketName::parse(bucket)
            .map_err(|_| S3Error::argument("Invalid copy source bucket name", NAME, text))?;
        let key = ObjectKey::parse(key)
            .map_err(|_| S3Error::argument("Invalid copy source object key", NAME, text))?;
        Ok(Self { bucket, key, version })
    }
}

/// `versionId=…`, and nothing beside it.
fn version(query: &str) -> S3Result<VersionSelector> {
    let query = Query::parse(query).map_err(|_| invalid_encoding(query))?;
    match query.iter().find(|(name, _)| *name != "versionId") {
        Some(_) => Err(S3Error::argument(
            "A '?' in the key of a copy source must be URL-encoded.",
            NAME,
            "",
        )),
        None => listing::version(&query),
    }
}

fn invalid_encoding(text: &str) -> S3Error {
    S3Error::argument("Invalid copy source encoding", NAME, text)
}

fn no_source() -> S3Error {
    S3Error::argument(
        "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
        NAME,
        NAME,
    )
}

/// The bytes of `x-amz-copy-source-range`; `None` for the whole source.
pub fn range(head: &Head) -> S3Result<Option<SourceRange>> {
    let Some(text) = head.text(RANGE)? else { return Ok(None) };
    let parsed = parse_range(text).ok_or_else(|| {
        S3Error::argument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
            RANGE,
            text,
        )
    })?;
    Ok(Some(parsed))
}

/// A range of a copy source: unlike `Range` it has both ends, and must lie within the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRange {
    first: u64,
    last: u64,
}

impl SourceRange {
    /// The bytes of a source of `length` bytes.
    pub fn within(&self, length: u64) -> S3Result<Range<u64>> {
        if self.last < length {
            return Ok(self.first..self.last + 1);
        }
        if self.first >= length {
            return Err(S3Error::with_message(
                ErrorCode::InvalidRequest,
                "The specified copy range is invalid for the source object size",
            ));
        }
        Err(S3Error::argument(
            format!("Range specified is not valid for source object of size: {length}"),
            RANGE,
            format!("bytes={}-{}", self.first, self.last),
        ))
    }
}

fn parse_range(text: &str) -> Option<SourceRange> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some(SourceRange { first, last })
}

/// Digits only: `u64::from_str` would take a `+`. What overflows is beyond every object.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// `400` for a copy that would have to seal more than S3 allows to copy at once.
pub fn too_large() -> S3Error {
    S3Error::with_message(
        ErrorCode::InvalidRequest,
        format!(
            "The specified copy source is larger than the maximum allowable size for a copy source: {COPY_BYTES_MAX}"
        ),
    )
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn head(name: &str, value: &str) -> Head {
        let request = Request::builder().uri("/").header(name, value).body(()).unwrap();
        Head::new(request.into_parts().0, Query::default()).unwrap()
    }

    fn source(text: &str) -> S3Result<CopySource> {
        CopySource::parse(&head(NAME, text))
    }

    #[test]
    fn every_spelling_names_the_source() {
        for (text, bucket, key) in [
            ("bkt/k", "bkt", "k"),
            ("/bkt/k", "bkt", "k"),
            ("bkt%2Fk", "bkt", "k"),
            ("/bkt//k", "bkt", "/k"),
            ("bkt/a%20b+c%2Bd", "bkt", "a b c+d"),
            ("bkt/%C3%BC/%3F", "bkt", "ü/?"),
            ("bkt/%253F", "bkt", "%3F"),
            ("bkt/k%3FversionId%3Dx", "bkt", "k?versionId=x"),
        ] {
            let source = source(text).unwrap();
            assert_eq!((source.bucket.as_str(), source.key.as_str()), (bucket, key), "{text}");
            assert_eq!(source.version, VersionSelector::Latest);
        }
        assert_eq!(source("bkt/k?versionId=null").unwrap().version, VersionSelector::Null);
        let id = "0".repeat(31) + "1";
        let version = source(&format!("bkt/k?versionId={id}")).unwrap().version;
        assert!(matches!(version, VersionSelector::Id(_)));
    }

    #[test]
    fn everything_else_is_refused() {
        for (text, message) in [
            ("", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"),
            ("bkt", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"),
            ("/bkt/", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"),
            ("B_/k", "Invalid copy source bucket name"),
            ("bkt/%00", "Invalid copy source object key"),
            ("bkt/%zz", "Invalid copy source encoding"),
            ("bkt/%ff", "Invalid copy source encoding"),
            ("bkt/k?x", "A '?' in the key of a copy source must be URL-encoded."),
            ("bkt/k?versionId=x", "Invalid version id specified"),
            ("bkt/k?versionId=", "Version id cannot be the empty string"),
        ] {
            let error = source(text).unwrap_err();
            assert_eq!((error.code(), error.message()), (ErrorCode::InvalidArgument, message));
        }
        for arn in ["arn:aws:s3:us-east-1:1:accesspoint/a/object/k", "arn%3Aaws%3As3:::b/k"] {
            assert_eq!(source(arn).unwrap_err().code(), ErrorCode::NotImplemented);
        }
    }

    #[test]
    fn a_range_has_both_ends_and_lies_within() {
        let ranged = |text: &str| range(&head(RANGE, text));
        let whole = ranged("bytes=0-9").unwrap().unwrap();
        assert_eq!(whole.within(10).unwrap(), 0..10);
        assert_eq!(whole.within(9).unwrap_err().code(), ErrorCode::InvalidArgument);
        let behind = ranged("bytes=9-9").unwrap().unwrap();
        assert_eq!(behind.within(9).unwrap_err().code(), ErrorCode::InvalidRequest);
        let beyond = ranged("bytes=0-99999999999999999999").unwrap().unwrap();
        beyond.within(u64::MAX).unwrap_err();
        for text in [
            "",
            "bytes=",
            "bytes=-",
            "bytes=1-0",
            "bytes=0-",
            "bytes=-5",
            "bytes=0-1,3-4",
            "bytes=hello-world",
            "bytes=0-bar",
            "0-1",
            "Bytes=0-1",
            "bytes=0 -1",
            "bytes=+0-1",
        ] {
            assert_eq!(ranged(text).unwrap_err().code(), ErrorCode::InvalidArgument, "{text}");
        }
    }
}
