//! The head of an authentic request.
//!
//! Guarantees: holds no customer key (`customer_key::take` has them); `x-amz-*` parameters of the
//! query, where presigners put headers, are read as the headers they stand for, and never override one.
//! No `x-amz-*` header that is one value is given twice: a signature covers the lines joined by commas, so
//! that a pinned value could be cut at one of its own.
//! Does not: keep the query's signature parameters; their work is done.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header, request::Parts};

use super::query::Query;
use crate::error::{S3Error, S3Result};

/// Method, headers and query.
#[derive(Debug)]
pub struct Head {
    /// The method.
    pub method: Method,
    /// Headers and the query's `x-amz-*`.
    pub headers: HeaderMap,
    /// The rest of the query.
    pub query: Query,
    /// The raw path.
    pub path: String,
    /// The host without its port.
    pub host: Option<String>,
}

impl Head {
    /// Takes the head apart. `query` is the request's, without what `customer_key::take` took.
    pub fn new(parts: Parts, mut query: Query) -> S3Result<Self> {
        let host = host(&parts.headers, &parts.uri);
        let Parts { method, uri, mut headers, .. } = parts;
        refuse_repeated(&headers)?;
        for (name, value) in query.extract(is_header) {
            add_header(&mut headers, &name, &value)?;
        }
        Ok(Self { method, headers, query, path: uri.path().to_owned(), host })
    }

    /// The header `name`, the first if it is repeated.
    ///
    /// Nearly all that operations ask for are absent, and of a dozen names it is cheaper to see that none
    /// is this one than to make a name of it and its hash.
    pub(crate) fn value(&self, name: &str) -> Option<&HeaderValue> {
        let is_few = self.headers.keys_len() <= SCANNED_MAX;
        if is_few && !self.headers.keys().any(|given| given == name) {
            return None;
        }
        self.headers.get(name)
    }

    /// The text of the header `name`; `InvalidArgument` if it is not UTF-8.
    pub fn text(&self, name: &str) -> S3Result<Option<&str>> {
        self.value(name).map(|value| utf8(name, value)).transpose()
    }

    /// The text of the header `name`, if it is there, is UTF-8 and is not empty.
    pub fn filled(&self, name: &str) -> S3Result<Option<&str>> {
        Ok(self.text(name)?.filter(|text| !text.is_empty()))
    }
}

/// Up to so many names are looked at one by one.
const SCANNED_MAX: usize = 32;

/// A header's text: UTF-8, since SDKs send metadata so.
pub fn utf8<'v>(name: &str, value: &'v HeaderValue) -> S3Result<&'v str> {
    std::str::from_utf8(value.as_bytes())
        .map_err(|_| S3Error::argument("The value of a header is not valid UTF-8.", name, ""))
}

/// The host that a request names, without its port.
pub(crate) fn host(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let header = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = header.or_else(|| uri.authority().map(|authority| authority.as_str()))?;
    Some(without_port(host).to_owned())
}

/// A host as `Host` says it, without its port.
pub(crate) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Takes out of a query what belonged to a signature of version 2 in it: its parameters, and the two
/// headers that it may put there beside `x-amz-*`.
pub(crate) fn take_version_2(headers: &mut HeaderMap, query: &mut Query) -> S3Result<()> {
    let taken = query.extract(|name| {
        matches!(name, "AWSAccessKeyId" | "Expires" | "Signature" | "content-md5" | "content-type")
    });
    for (name, value) in taken.iter().filter(|(name, _)| name.starts_with("content-")) {
        add_header(headers, name, value)?;
    }
    Ok(())
}

/// `x-amz-*` headers of which every line is read, beside `x-amz-meta-*`.
const LISTS: &[&str] = &["x-amz-object-attributes", "x-amz-trailer"];

fn refuse_repeated(headers: &HeaderMap) -> S3Result<()> {
    if headers.len() == headers.keys_len() {
        return Ok(());
    }
    let is_one_value =
        |name: &str| is_header(name) && !name.starts_with("x-amz-meta-") && !LISTS.contains(&name);
    let given_twice = |name: &&str| headers.get_all(*name).iter().nth(1).is_some();
    let names = headers.keys().map(HeaderName::as_str);
    match names.filter(|name| is_one_value(name)).find(given_twice) {
        Some(name) => Err(S3Error::argument("A header was given twice.", name, "")),
        None => Ok(()),
    }
}

/// Whether a query parameter stands for a header, or was part of the signature.
fn is_header(name: &str) -> bool {
    name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("x-amz-"))
}

/// What a presigned query's own parameters are called; they are no headers.
const SIGNATURE_PARAMETERS: &[&str] = &[
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
];

fn add_header(headers: &mut HeaderMap, name: &str, value: &str) -> S3Result<()> {
    if SIGNATURE_PARAMETERS.iter().any(|ours| ours.eq_ignore_ascii_case(name)) {
        return Ok(());
    }
    let lower = name.to_ascii_lowercase();
    let invalid = || S3Error::argument("A query parameter is not valid as a header.", &lower, "");
    let name = HeaderName::from_bytes(lower.as_bytes()).map_err(|_| invalid())?;
    let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| invalid())?;
    headers.entry(name).or_insert(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn head(target: &str, headers: &[(&str, &str)]) -> S3Result<Head> {
        let mut request = Request::builder().uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let parts = request.body(()).unwrap().into_parts().0;
        let query = Query::of_request(parts.uri.query().unwrap_or_default())?;
        Head::new(parts, query)
    }

    #[test]
    fn hoisted_headers_are_headers() {
        let head = head(
            "/b/k?X-Amz-Copy-Source=a%2Fb&x-amz-acl=private&X-Amz-Signature=00&partNumber=1",
            &[("x-amz-acl", "public-read")],
        )
        .unwrap();
        assert_eq!(head.text("x-amz-copy-source").unwrap(), Some("a/b"));
        assert_eq!(
            head.text("x-amz-acl").unwrap(),
            Some("public-read"),
            "a header is never overridden"
        );
        assert!(!head.headers.contains_key("x-amz-signature"));
        assert_eq!(head.query.get("partNumber"), Some("1"));
        assert_eq!(head.query.iter().count(), 1);
        self::head("/b/k?x-amz-meta-a=%0A", &[]).unwrap_err();
        self::head("/b/k?x-amz-%20=a", &[]).unwrap_err();
    }

    #[test]
    fn a_header_is_found_among_few_and_among_many() {
        for others in [0, SCANNED_MAX, 3 * SCANNED_MAX] {
            let names: Vec<String> =
                (0..others).map(|other| format!("x-amz-meta-{other}")).collect();
            let mut headers: Vec<_> = names.iter().map(|name| (name.as_str(), "-")).collect();
            headers.extend([("Content-Language", "de"), ("content-language", "en")]);
            let head = head("/b/k", &headers).unwrap();
            assert_eq!(head.text("content-language").unwrap(), Some("de"), "the first");
            assert_eq!(head.text("x-amz-tagging").unwrap(), None);
        }
    }

    #[test]
    fn what_is_one_value_is_given_once() {
        for (name, fits) in [
            ("x-amz-acl", false),
            ("x-amz-copy-source", false),
            ("x-amz-meta-a", true),
            ("x-amz-object-attributes", true),
            ("content-type", true),
        ] {
            assert_eq!(head("/b/k", &[(name, "a"), (name, "b")]).is_ok(), fits, "{name}");
        }
    }

    #[test]
    fn the_host_has_no_port() {
        for (host, expected) in [("a.b:9443", "a.b"), ("a.b", "a.b"), ("[::1]:80", "[::1]")] {
            assert_eq!(head("/", &[("host", host)]).unwrap().host.as_deref(), Some(expected));
        }
    }
}
