//! What CopyObject is told about the copy: which of the source's properties it takes over.
//!
//! Guarantees: only the values that S3 has; an unknown directive is refused, not taken for the default.
//! Does not: read the new properties; `metadata` and `stored` do.

use sealed_format::ChecksumAlgorithm;
use sealed_store::CopyMode;

use super::{checksum::to_format, head::Head};
use crate::{
    body,
    error::{ErrorCode, S3Error, S3Result},
};

const METADATA: &str = "x-amz-metadata-directive";
const TAGGING: &str = "x-amz-tagging-directive";
/// This server's own: `reencrypt` asks for a new body where a copy could share its source's.
const MODE: &str = "x-strongroom-copy-mode";

/// Whether a property is the source's or the request's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Directive {
    /// The source's.
    #[default]
    Copy,
    /// The request's.
    Replace,
}

/// `x-amz-metadata-directive`.
pub fn metadata_directive(head: &Head) -> S3Result<Directive> {
    directive(head, METADATA, "Unknown metadata directive.")
}

/// `x-amz-tagging-directive`.
pub fn tagging_directive(head: &Head) -> S3Result<Directive> {
    directive(head, TAGGING, "Unknown tagging directive.")
}

fn directive(head: &Head, name: &str, unknown: &'static str) -> S3Result<Directive> {
    match head.filled(name)? {
        None | Some("COPY") => Ok(Directive::Copy),
        Some("REPLACE") => Ok(Directive::Replace),
        Some(other) => Err(S3Error::argument(unknown, name, other)),
    }
}

/// Whether the body may be shared: a request can forbid what the server allows, not the reverse.
pub fn mode(head: &Head, configured: CopyMode) -> S3Result<CopyMode> {
    match head.text(MODE)? {
        None => Ok(configured),
        Some("reencrypt") => Ok(CopyMode::Reencrypt),
        Some(other) => Err(S3Error::argument("The only copy mode is 'reencrypt'.", MODE, other)),
    }
}

/// The checksum algorithm that the copy is to have.
pub fn checksum_algorithm(head: &Head) -> S3Result<Option<ChecksumAlgorithm>> {
    let Some(name) = head.filled("x-amz-checksum-algorithm")? else { return Ok(None) };
    let algorithm = body::ChecksumAlgorithm::from_name(name).ok_or_else(|| {
        S3Error::with_message(
            ErrorCode::InvalidRequest,
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
        )
    })?;
    Ok(Some(to_format(algorithm)))
}

/// Whether the request asks for something that makes sense of a copy onto itself.
pub fn changes_something(head: &Head) -> bool {
    const CHANGES: [&str; 5] = [
        "x-amz-storage-class",
        "x-amz-website-redirect-location",
        "x-amz-server-side-encryption",
        "x-amz-checksum-algorithm",
        MODE,
    ];
    CHANGES.iter().any(|name| head.headers.contains_key(*name))
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
    fn directives_are_two() {
        assert_eq!(metadata_directive(&head("a", "b")).unwrap(), Directive::Copy);
        assert_eq!(metadata_directive(&head(METADATA, "COPY")).unwrap(), Directive::Copy);
        assert_eq!(tagging_directive(&head(TAGGING, "REPLACE")).unwrap(), Directive::Replace);
        for (name, value) in [(METADATA, "replace"), (METADATA, "x")] {
            let error = metadata_directive(&head(name, value)).unwrap_err();
            assert_eq!(error.message(), "Unknown metadata directive.");
        }
        let error = tagging_directive(&head(TAGGING, "MERGE")).unwrap_err();
        assert_eq!(error.message(), "Unknown tagging directive.");
    }

    #[test]
    fn a_request_can_forbid_sharing_and_never_allow_it() {
        for configured in [CopyMode::Share, CopyMode::Reencrypt] {
            assert_eq!(mode(&head("a", "b"), configured).unwrap(), configured);
            assert_eq!(mode(&head(MODE, "reencrypt"), configured).unwrap(), CopyMode::Reencrypt);
            for other in ["share", "", "Reencrypt"] {
                mode(&head(MODE, other), configured).unwrap_err();
            }
        }
    }

    #[test]
    fn checksum_algorithms_are_those_of_s3() {
        let chosen = |name: &str| checksum_algorithm(&head("x-amz-checksum-algorithm", name));
        assert_eq!(chosen("SHA256").unwrap(), Some(ChecksumAlgorithm::Sha256));
        assert_eq!(chosen("MD5").unwrap_err().code(), ErrorCode::InvalidRequest);
    }
}
