//! What a write asks about how its object is kept: storage class, tags.
//!
//! Guarantees: a value that S3 would refuse is refused; a feature that is not built (appending, a lock
//! of a kind that is not known) is refused too, never silently left out.
//! Does not: read ACLs or locks; `acl` and `object_lock` do.

use http::HeaderName;

use super::{head::Head, object_lock, tags};
use crate::error::{ErrorCode, S3Error, S3Result};

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

/// Refuses what a write could ask and this server does not do.
pub fn check_unbuilt(head: &Head) -> S3Result<()> {
    if has_prefix(head, "x-amz-write-offset-bytes") {
        return Err(S3Error::not_implemented("Appending to objects is not implemented."));
    }
    // Event holds among them. A write that lost its lock would be deleted by whom the lock was meant for.
    let unknown = |name: &&HeaderName| {
        name.as_str().starts_with(object_lock::OF_OBJECT)
            && !object_lock::IS_READ.contains(&name.as_str())
    };
    match head.headers.keys().find(unknown) {
        None => Ok(()),
        Some(lock) => Err(S3Error::not_implemented(
            "A lock of this kind is not implemented: only retention and legal holds are.",
        )
        .element("Header", lock.as_str())),
    }
}

fn has_prefix(head: &Head, prefix: &str) -> bool {
    head.headers.keys().any(|name| name.as_str().starts_with(prefix))
}

/// The tags of `x-amz-tagging`.
pub fn tags(head: &Head) -> S3Result<tags::Tags> {
    tags::from_header(head)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::request::query::Query;

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
    fn what_is_not_built_is_refused() {
        assert_eq!(
            check_unbuilt(&head("x-amz-write-offset-bytes", "0")).unwrap_err().code(),
            ErrorCode::NotImplemented
        );
        for lock in ["event-hold", "event-hold-duration-days", "event-hold-duration-years", "x"] {
            let error = check_unbuilt(&head(&format!("x-amz-object-lock-{lock}"), "")).unwrap_err();
            assert_eq!(error.code(), ErrorCode::NotImplemented, "{lock}");
        }
        for lock in object_lock::IS_READ {
            assert_eq!(check_unbuilt(&head(lock, "")), Ok(()), "{lock}");
        }
    }
}
