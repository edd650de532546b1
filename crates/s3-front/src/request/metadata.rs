//! What an object carries beside its bytes: `Content-*` and user metadata.
//!
//! Guarantees: within S3's limits, and fit to be sent back as headers.
//! Does not: interpret any of it, except that `aws-chunked` is the transfer's and not the object's.

use http::HeaderName;
use sealed_format::ObjectMetadata;

use super::head::{Head, utf8};
use crate::{
    error::{ErrorCode, S3Error, S3Result},
    limits::{USER_METADATA_BYTES_MAX, WEBSITE_REDIRECT_BYTES_MAX},
};

/// What user metadata's names begin with.
pub const USER_PREFIX: &str = "x-amz-meta-";

/// Reads the metadata of a write.
pub fn parse(head: &Head) -> S3Result<ObjectMetadata> {
    let owned = |name: &str| Ok::<_, S3Error>(head.text(name)?.map(str::to_owned));
    Ok(ObjectMetadata {
        content_type: owned("content-type")?.filter(|text| !text.is_empty()),
        content_encoding: content_encoding(head)?,
        content_disposition: owned("content-disposition")?,
        content_language: owned("content-language")?,
        cache_control: owned("cache-control")?,
        expires: owned("expires")?,
        website_redirect: website_redirect(head)?,
        user: user(head)?,
    })
}

/// The object's own codings as written, without `aws-chunked`.
fn content_encoding(head: &Head) -> S3Result<Option<String>> {
    let Some(text) = head.text("content-encoding")? else { return Ok(None) };
    let of_transfer = |coding: &&str| coding.trim().eq_ignore_ascii_case("aws-chunked");
    let codings: Vec<_> = text.split(',').filter(|coding| !of_transfer(coding)).collect();
    Ok(Some(codings.join(",").trim().to_owned()).filter(|codings| !codings.is_empty()))
}

fn website_redirect(head: &Head) -> S3Result<Option<String>> {
    const NAME: &str = "x-amz-website-redirect-location";
    let Some(text) = head.text(NAME)? else { return Ok(None) };
    let fits = text.len() <= WEBSITE_REDIRECT_BYTES_MAX;
    if fits && ["/", "http://", "https://"].iter().any(|start| text.starts_with(start)) {
        return Ok(Some(text.to_owned()));
    }
    Err(S3Error::argument(
        "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
        NAME,
        text,
    ))
}

/// Names without their prefix; several values of one name joined by commas, as S3 does.
fn user(head: &Head) -> S3Result<Vec<(String, String)>> {
    let mut user: Vec<(String, String)> = Vec::new();
    for name in head.headers.keys() {
        let Some(short) = user_name(name) else { continue };
        let values: S3Result<Vec<_>> =
            head.headers.get_all(name).iter().map(|value| utf8(name.as_str(), value)).collect();
        user.push((short.to_owned(), values?.join(",")));
    }
    user.sort();
    let bytes: usize = user.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > USER_METADATA_BYTES_MAX {
        return Err(S3Error::new(ErrorCode::MetadataTooLarge)
            .element("Size", bytes.to_string())
            .element("MaxSizeAllowed", USER_METADATA_BYTES_MAX.to_string()));
    }
    Ok(user)
}

fn user_name(name: &HeaderName) -> Option<&str> {
    name.as_str().strip_prefix(USER_PREFIX).filter(|short| !short.is_empty())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::request::query::Query;

    fn parsed(headers: &[(&str, &str)]) -> S3Result<ObjectMetadata> {
        let mut request = Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, value.as_bytes());
        }
        parse(&Head::new(request.body(()).unwrap().into_parts().0, Query::default()).unwrap())
    }

    #[test]
    fn headers_become_metadata() {
        let metadata = parsed(&[
            ("Content-Type", "text/plain"),
            ("Content-Encoding", "gzip, aws-chunked"),
            ("X-Amz-Meta-B", "2"),
            ("x-amz-meta-a", "é"),
            ("x-amz-meta-b", "3"),
            ("x-amz-acl", "private"),
        ])
        .unwrap();
        assert_eq!(metadata.content_type.as_deref(), Some("text/plain"));
        assert_eq!(metadata.content_encoding.as_deref(), Some("gzip"));
        assert_eq!(metadata.user, [("a".into(), "é".into()), ("b".into(), "2,3".into())]);
        for (sent, kept) in [
            ("aws-chunked", None),
            ("aws-chunked, AWS-Chunked", None),
            ("", None),
            ("deflate, gzip", Some("deflate, gzip")),
            ("aws-chunked,deflate, gzip", Some("deflate, gzip")),
        ] {
            let parsed = parsed(&[("content-encoding", sent)]).unwrap();
            assert_eq!(parsed.content_encoding.as_deref(), kept, "{sent}");
        }
    }

    #[test]
    fn limits_hold() {
        let value = "v".repeat(USER_METADATA_BYTES_MAX - 1);
        assert!(parsed(&[("x-amz-meta-a", &value)]).is_ok());
        let error = parsed(&[("x-amz-meta-ab", &value)]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::MetadataTooLarge);
        assert_eq!(
            error.elements(),
            [("Size", "2049".to_owned()), ("MaxSizeAllowed", "2048".to_owned())]
        );
    }

    #[test]
    fn a_redirect_needs_a_known_beginning() {
        assert!(parsed(&[("x-amz-website-redirect-location", "/a")]).is_ok());
        assert!(parsed(&[("x-amz-website-redirect-location", "a")]).is_err());
    }
}
