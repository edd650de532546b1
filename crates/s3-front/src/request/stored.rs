//! What a write asks about how its object is kept: storage class, tags, ACL.
//!
//! Guarantees: a value that S3 would refuse is refused; a feature that is not built (grants, object
//! lock, appending) is refused too, never silently left out.
//! Does not: give canned ACLs any meaning yet: every object and bucket is private.

use super::{head::Head, query::Query};
use crate::{
    error::{ErrorCode, S3Error, S3Result},
    limits::{TAG_KEY_CHARS_MAX, TAG_VALUE_CHARS_MAX, TAGS_MAX},
};

/// The class of objects for which none was asked.
pub const STANDARD: &str = "STANDARD";

const STORAGE_CLASSES: &[&str] = &[
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
];

const CANNED_ACLS: &[&str] = &[
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
    "log-delivery-write",
];

/// The storage class. Those that need a restore before a read (GLACIER, DEEP_ARCHIVE) are not offered.
pub fn storage_class(head: &Head) -> S3Result<String> {
    match head.filled("x-amz-storage-class")? {
        None => Ok(STANDARD.to_owned()),
        Some(class) if STORAGE_CLASSES.contains(&class) => Ok(class.to_owned()),
        Some(class) => {
            Err(S3Error::new(ErrorCode::InvalidStorageClass)
                .element("StorageClassRequested", class))
        }
    }
}

/// Checks `x-amz-acl` and refuses explicit grants.
pub fn check_acl(head: &Head) -> S3Result<()> {
    if let Some(acl) = head.filled("x-amz-acl")?
        && !CANNED_ACLS.contains(&acl)
    {
        return Err(S3Error::argument("Argument value is invalid", "x-amz-acl", acl));
    }
    refuse(head, "x-amz-grant-", "ACL grants (x-amz-grant-*) are not implemented.")
}

/// Refuses what a write could ask and this server does not do.
pub fn check_unbuilt(head: &Head) -> S3Result<()> {
    refuse(head, "x-amz-object-lock-", "Object Lock is not implemented.")?;
    refuse(head, "x-amz-write-offset-bytes", "Appending to objects is not implemented.")
}

fn refuse(head: &Head, prefix: &str, message: &'static str) -> S3Result<()> {
    let asked = head.headers.keys().any(|name| name.as_str().starts_with(prefix));
    if asked { Err(S3Error::not_implemented(message)) } else { Ok(()) }
}

/// The tags of `x-amz-tagging`, encoded like a query.
pub fn tags(head: &Head) -> S3Result<Vec<(String, String)>> {
    let Some(text) = head.filled("x-amz-tagging")? else { return Ok(Vec::new()) };
    let invalid = || {
        S3Error::argument(
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
            "x-amz-tagging",
            text,
        )
    };
    let query = Query::parse(text).map_err(|_| invalid())?;
    let tags: Vec<_> =
        query.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    check_tags(&tags)?;
    Ok(tags)
}

/// S3's limits on the tags of an object.
pub(crate) fn check_tags(tags: &[(String, String)]) -> S3Result<()> {
    if tags.len() > TAGS_MAX {
        return Err(S3Error::with_message(
            ErrorCode::BadRequest,
            "Object tags cannot be greater than 10",
        ));
    }
    for (key, value) in tags {
        let refused = |message: &'static str, key: &str| {
            Err(S3Error::with_message(ErrorCode::InvalidTag, message).element("TagKey", key))
        };
        if key.is_empty() || key.chars().count() > TAG_KEY_CHARS_MAX || !key.chars().all(in_tags) {
            return refused("The TagKey you have provided is invalid", key);
        }
        if key.starts_with("aws:") {
            return refused("Your TagKey cannot be prefixed with aws:", key);
        }
        if value.chars().count() > TAG_VALUE_CHARS_MAX || !value.chars().all(in_tags) {
            return refused("The TagValue you have provided is invalid", key);
        }
    }
    Ok(())
}

/// The characters that S3 allows in tags.
fn in_tags(char: char) -> bool {
    char.is_alphanumeric() || char == ' ' || "_.:/=+-@".contains(char)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn head(name: &str, value: &str) -> Head {
        let request = Request::builder().uri("/").header(name, value).body(()).unwrap();
        Head::new(request.into_parts().0, Query::default()).unwrap()
    }

    #[test]
    fn storage_classes_are_names_of_s3() {
        assert_eq!(storage_class(&head("a", "b")).unwrap(), "STANDARD");
        assert_eq!(
            storage_class(&head("x-amz-storage-class", "STANDARD_IA")).unwrap(),
            "STANDARD_IA"
        );
        for bad in ["standard", "GLACIER", "x"] {
            let error = storage_class(&head("x-amz-storage-class", bad)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidStorageClass);
        }
    }

    #[test]
    fn acls_are_canned_names() {
        check_acl(&head("x-amz-acl", "bucket-owner-full-control")).unwrap();
        assert_eq!(
            check_acl(&head("x-amz-acl", "x")).unwrap_err().code(),
            ErrorCode::InvalidArgument
        );
        assert_eq!(
            check_acl(&head("x-amz-grant-read", "id=1")).unwrap_err().code(),
            ErrorCode::NotImplemented
        );
        assert_eq!(
            check_unbuilt(&head("x-amz-object-lock-mode", "x")).unwrap_err().code(),
            ErrorCode::NotImplemented
        );
    }

    #[test]
    fn tags_have_limits() {
        let tagged = |text: &str| tags(&head("x-amz-tagging", text));
        assert_eq!(
            tagged("a=1&b=x%20y").unwrap(),
            [("a".into(), "1".into()), ("b".into(), "x y".into())]
        );
        let many =
            |count: usize| (0..count).map(|at| format!("k{at}=v")).collect::<Vec<_>>().join("&");
        assert!(tagged(&many(10)).is_ok());
        for (bad, code) in [
            (many(11), ErrorCode::BadRequest),
            ("a=1&a=2".into(), ErrorCode::InvalidArgument),
            ("a=%zz".into(), ErrorCode::InvalidArgument),
            ("=1".into(), ErrorCode::InvalidTag),
            ("aws:a=1".into(), ErrorCode::InvalidTag),
            (format!("{}=1", "k".repeat(129)), ErrorCode::InvalidTag),
            (format!("a={}", "v".repeat(257)), ErrorCode::InvalidTag),
            ("a=%3F".into(), ErrorCode::InvalidTag),
        ] {
            assert_eq!(tagged(&bad).unwrap_err().code(), code, "{bad}");
        }
    }
}
