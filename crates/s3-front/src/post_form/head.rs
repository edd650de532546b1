//! A form's fields as the headers that they stand for.
//!
//! Guarantees: what a PutObject's headers can ask of an object, a form's fields ask in the same way and
//! are checked by the same code; no field of the signature and no customer key becomes a header.
//! Does not: look at the request's own headers, which nobody signed.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::Form;
use crate::{
    error::{S3Error, S3Result},
    key_names,
    request::{
        head::Head,
        query::Query,
        tags::{self, Tagged},
    },
};

/// The fields beside `x-amz-*` that stand for headers.
const HEADERS: &[&str] = &[
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-md5",
    "content-type",
    "expires",
];

/// The fields that prove a policy; they say nothing of the object.
const SIGNATURE: &[&str] =
    &["x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"];

/// The head of a form that came with the head `outer`.
pub(crate) fn head(form: &Form, outer: &Head) -> S3Result<Head> {
    let mut headers = HeaderMap::new();
    for (field, value) in form.iter() {
        if let Some(name) = header_name(field) {
            let invalid = || S3Error::argument("A form field is not valid as a header.", field, "");
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
            let value = HeaderValue::from_bytes(value).map_err(|_| invalid())?;
            headers.insert(name, value);
        }
    }
    // Not about the object: it guards against posting to a stranger's bucket, in either place.
    const OWNER: &str = "x-amz-expected-bucket-owner";
    if let Some(owner) = outer.headers.get(OWNER) {
        headers.insert(OWNER, owner.clone());
    }
    Ok(Head {
        method: outer.method.clone(),
        headers,
        query: Query::default(),
        path: outer.path.clone(),
        host: outer.host.clone(),
    })
}

/// The header that a field stands for.
fn header_name(field: &str) -> Option<String> {
    let name = field.to_ascii_lowercase();
    if name == "acl" {
        return Some("x-amz-acl".to_owned());
    }
    let asks = name.starts_with("x-amz-")
        && !key_names::is_any_vendors(&name)
        && !SIGNATURE.contains(&name.as_str());
    (asks || HEADERS.contains(&name.as_str())).then_some(name)
}

/// The text of a field; `InvalidArgument` if it is not UTF-8.
pub(crate) fn text<'f>(form: &'f Form, name: &str) -> S3Result<Option<&'f str>> {
    let utf8 = |value| {
        std::str::from_utf8(value).map_err(|_| {
            S3Error::argument("The value of a form field is not valid UTF-8.", name, "")
        })
    };
    form.get(name).map(utf8).transpose()
}

/// The tags of the field `tagging`, which is XML; `None` without it.
pub(crate) fn tags(form: &Form) -> S3Result<Option<Vec<(String, String)>>> {
    let Some(document) = form.get("tagging") else { return Ok(None) };
    tags::from_document(document, Tagged::Object).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_headers_but_not_all() {
        for (field, header) in [
            ("ACL", Some("x-amz-acl")),
            ("Content-Type", Some("content-type")),
            ("X-Amz-Meta-A", Some("x-amz-meta-a")),
            ("x-amz-checksum-sha256", Some("x-amz-checksum-sha256")),
            ("X-Amz-Date", None),
            ("Content-Length", None),
            ("Host", None),
            ("key", None),
            ("x-amz-server-side-encryption-customer-algorithm", None),
            ("x-amz-copy-source-server-side-encryption-customer-key", None),
        ] {
            assert_eq!(header_name(field).as_deref(), header, "{field}");
        }
    }

    #[test]
    fn tags_are_xml() {
        let of = |document: &str| tags(&Form::of(&[("tagging", document)]));
        let tag = |key: &str| format!("<Tag><Key>{key}</Key><Value>v</Value></Tag>");
        let set = |tags: &str| format!("<Tagging><TagSet>{tags}</TagSet></Tagging>");
        let pair = |key: &str| (key.to_owned(), "v".to_owned());
        assert_eq!(of(&set(&[tag("a"), tag("b")].concat())), Ok(Some(vec![pair("a"), pair("b")])));
        assert_eq!(of(&set("")), Ok(Some(Vec::new())));
        assert_eq!(of("<Tagging/>"), Ok(Some(Vec::new())));
        assert_eq!(tags(&Form::of(&[])), Ok(None));
        for bad in ["not-xml", "<Other/>", &set("<Tag/>"), &set(&tag("a").repeat(2))] {
            assert!(of(bad).is_err(), "{bad}");
        }
        let many: String = (0..11).map(|number| tag(&number.to_string())).collect();
        assert!(of(&set(&many)).is_err());
    }
}
