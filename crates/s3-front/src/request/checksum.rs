//! The checksum that an upload's creator chooses, and `x-amz-checksum-mode`.
//!
//! Guarantees: only the pairs of algorithm and type that S3 has.
//! Does not: read checksum values; `body` does.

use sealed_format::{ChecksumAlgorithm, ChecksumKind};

use super::head::Head;
use crate::{
    body,
    error::{ErrorCode, S3Error, S3Result},
};

const TYPE: &str = "x-amz-checksum-type";

/// `x-amz-checksum-algorithm` and `x-amz-checksum-type` of CreateMultipartUpload.
pub fn chosen(head: &Head) -> S3Result<Option<(ChecksumAlgorithm, ChecksumKind)>> {
    let algorithm = head.filled("x-amz-checksum-algorithm")?;
    let kind = head.filled(TYPE)?;
    let Some(name) = algorithm else {
        let message = "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.";
        return kind.map_or(Ok(None), |_| Err(invalid(message)));
    };
    let algorithm = body::ChecksumAlgorithm::from_name(name).ok_or_else(|| {
        invalid("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
    })?;
    let kind = kind.map_or_else(|| Ok(default_kind(algorithm)), parse_kind)?;
    check_pair(algorithm, kind)?;
    Ok(Some((to_format(algorithm), kind_to_format(kind))))
}

/// `x-amz-checksum-type`.
pub fn kind(head: &Head) -> S3Result<Option<body::ChecksumKind>> {
    head.filled(TYPE)?.map(parse_kind).transpose()
}

fn parse_kind(text: &str) -> S3Result<body::ChecksumKind> {
    match text {
        "COMPOSITE" => Ok(body::ChecksumKind::Composite),
        "FULL_OBJECT" => Ok(body::ChecksumKind::FullObject),
        _ => Err(invalid("Value for x-amz-checksum-type header is invalid.")),
    }
}

/// Whether a read asked for checksums.
pub fn mode_enabled(head: &Head) -> S3Result<bool> {
    match head.filled("x-amz-checksum-mode")? {
        None => Ok(false),
        Some(mode) if mode.eq_ignore_ascii_case("ENABLED") => Ok(true),
        Some(mode) => Err(S3Error::argument(
            "Value for x-amz-checksum-mode header is invalid.",
            "x-amz-checksum-mode",
            mode,
        )),
    }
}

/// Every full-object CRC of S3 can be combined from those of its parts; the SHAs cannot.
fn default_kind(algorithm: body::ChecksumAlgorithm) -> body::ChecksumKind {
    match algorithm {
        body::ChecksumAlgorithm::Crc64Nvme => body::ChecksumKind::FullObject,
        _ => body::ChecksumKind::Composite,
    }
}

fn check_pair(algorithm: body::ChecksumAlgorithm, kind: body::ChecksumKind) -> S3Result<()> {
    use body::{ChecksumAlgorithm as A, ChecksumKind as K};
    match (algorithm, kind) {
        (A::Crc64Nvme, K::Composite) | (A::Sha1 | A::Sha256, K::FullObject) => {
            Err(invalid(format!(
                "The {} checksum type cannot be used with the {} checksum algorithm.",
                kind.name(),
                algorithm.name().to_ascii_lowercase()
            )))
        }
        _ => Ok(()),
    }
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> S3Error {
    S3Error::with_message(ErrorCode::InvalidRequest, message)
}

/// The protocol's algorithm in the format's terms.
pub fn to_format(algorithm: body::ChecksumAlgorithm) -> ChecksumAlgorithm {
    match algorithm {
        body::ChecksumAlgorithm::Crc32 => ChecksumAlgorithm::Crc32,
        body::ChecksumAlgorithm::Crc32c => ChecksumAlgorithm::Crc32c,
        body::ChecksumAlgorithm::Crc64Nvme => ChecksumAlgorithm::Crc64Nvme,
        body::ChecksumAlgorithm::Sha1 => ChecksumAlgorithm::Sha1,
        body::ChecksumAlgorithm::Sha256 => ChecksumAlgorithm::Sha256,
    }
}

/// The format's algorithm in the protocol's terms.
pub fn from_format(algorithm: ChecksumAlgorithm) -> body::ChecksumAlgorithm {
    match algorithm {
        ChecksumAlgorithm::Crc32 => body::ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32c => body::ChecksumAlgorithm::Crc32c,
        ChecksumAlgorithm::Crc64Nvme => body::ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1 => body::ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256 => body::ChecksumAlgorithm::Sha256,
    }
}

/// The protocol's type in the format's terms.
pub fn kind_to_format(kind: body::ChecksumKind) -> ChecksumKind {
    match kind {
        body::ChecksumKind::Composite => ChecksumKind::Composite,
        body::ChecksumKind::FullObject => ChecksumKind::FullObject,
    }
}

/// A stored checksum in the protocol's terms.
pub fn shown(checksum: &sealed_format::Checksum) -> body::Checksum {
    body::Checksum {
        algorithm: from_format(checksum.algorithm),
        kind: match checksum.kind {
            ChecksumKind::Composite => body::ChecksumKind::Composite,
            ChecksumKind::FullObject => body::ChecksumKind::FullObject,
        },
        value: checksum.value.clone(),
        parts: checksum.parts,
    }
}

/// A body's checksum in the format's terms.
pub fn stored(checksum: body::Checksum) -> sealed_format::Checksum {
    sealed_format::Checksum {
        algorithm: to_format(checksum.algorithm),
        kind: kind_to_format(checksum.kind),
        value: checksum.value,
        parts: checksum.parts,
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::request::query::Query;

    fn choose(
        algorithm: Option<&str>,
        kind: Option<&str>,
    ) -> S3Result<Option<(ChecksumAlgorithm, ChecksumKind)>> {
        let mut request = Request::builder().uri("/");
        for (name, value) in
            [("x-amz-checksum-algorithm", algorithm), ("x-amz-checksum-type", kind)]
        {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        chosen(&Head::new(request.body(()).unwrap().into_parts().0, Query::default()).unwrap())
    }

    #[test]
    fn pairs_are_those_of_s3() {
        use ChecksumAlgorithm::{Crc32, Crc64Nvme};
        use ChecksumKind::{Composite, FullObject};
        assert_eq!(choose(None, None).unwrap(), None);
        assert_eq!(choose(Some("CRC32"), None).unwrap(), Some((Crc32, Composite)));
        assert_eq!(choose(Some("CRC32"), Some("FULL_OBJECT")).unwrap(), Some((Crc32, FullObject)));
        assert_eq!(choose(Some("CRC64NVME"), None).unwrap(), Some((Crc64Nvme, FullObject)));
        for (algorithm, kind) in [
            (None, Some("COMPOSITE")),
            (Some("MD5"), None),
            (Some("CRC64NVME"), Some("COMPOSITE")),
            (Some("SHA256"), Some("FULL_OBJECT")),
            (Some("SHA1"), Some("x")),
        ] {
            let error = choose(algorithm, kind).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidRequest, "{algorithm:?} {kind:?}");
        }
    }
}
