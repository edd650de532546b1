//! What a request's head promises about its body: lengths, `Content-MD5`, checksums, trailers.
//!
//! Guarantees: syntax is checked here, before a byte of the body is asked for (E21 among it).
//! Does not: look at the body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;

use super::checksum::ChecksumAlgorithm;
use super::error::BodyError;

const SDK_ALGORITHM: &str = "x-amz-sdk-checksum-algorithm";

/// Where the client's checksum is, or will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SentChecksum {
    Header { algorithm: ChecksumAlgorithm, value: Vec<u8> },
    Trailer(ChecksumAlgorithm),
}

impl SentChecksum {
    pub(super) fn algorithm(&self) -> ChecksumAlgorithm {
        match self {
            Self::Header { algorithm, .. } | Self::Trailer(algorithm) => *algorithm,
        }
    }

    /// The checksum of the headers or the announced trailer. `trailers`: whether the body's form has any.
    pub(super) fn read(headers: &HeaderMap, trailers: bool) -> Result<Option<Self>, BodyError> {
        let sent = match (in_header(headers)?, announced(headers, trailers)?) {
            (Some(_), Some(_)) => return Err(BodyError::ChecksumInHeaderAndTrailer),
            (Some(sent), None) => Some(sent),
            (None, trailer) => trailer.map(Self::Trailer),
        };
        check_sdk_algorithm(headers, sent.as_ref().map(Self::algorithm))?;
        Ok(sent)
    }
}

fn in_header(headers: &HeaderMap) -> Result<Option<SentChecksum>, BodyError> {
    let mut found = None;
    for (name, value) in headers {
        let name = name.as_str();
        if !name.starts_with("x-amz-checksum-") || is_about_checksums(name) {
            continue;
        }
        let algorithm =
            ChecksumAlgorithm::from_header_name(name).ok_or(BodyError::ChecksumAlgorithmInvalid)?;
        let value = value.to_str().ok().and_then(|text| algorithm.decode(text.trim()));
        let header = algorithm.header_name();
        let value = value.ok_or(BodyError::ChecksumHeaderInvalid { header })?;
        if found.replace(SentChecksum::Header { algorithm, value }).is_some() {
            return Err(BodyError::ChecksumsMultiple);
        }
    }
    Ok(found)
}

/// Names with the prefix that carry no value of a checksum.
fn is_about_checksums(name: &str) -> bool {
    matches!(name, "x-amz-checksum-algorithm" | "x-amz-checksum-mode" | "x-amz-checksum-type")
}

/// The one checksum that `x-amz-trailer` announces.
fn announced(headers: &HeaderMap, trailers: bool) -> Result<Option<ChecksumAlgorithm>, BodyError> {
    let mut found = None;
    for value in headers.get_all("x-amz-trailer") {
        let text = value.to_str().map_err(|_| BodyError::TrailerUnsupported)?;
        for name in text.split(',').map(str::trim) {
            let algorithm = ChecksumAlgorithm::from_header_name(name).filter(|_| trailers);
            let algorithm = algorithm.ok_or(BodyError::TrailerUnsupported)?;
            if found.replace(algorithm).is_some() {
                return Err(BodyError::ChecksumsMultiple);
            }
        }
    }
    Ok(found)
}

fn check_sdk_algorithm(
    headers: &HeaderMap,
    sent: Option<ChecksumAlgorithm>,
) -> Result<(), BodyError> {
    let Some(value) = headers.get(SDK_ALGORITHM) else { return Ok(()) };
    let named = value.to_str().ok().and_then(ChecksumAlgorithm::from_name);
    let invalid = BodyError::ChecksumHeaderInvalid { header: SDK_ALGORITHM };
    match (named, sent) {
        (None, _) => Err(invalid),
        (Some(_), None) => Err(BodyError::ChecksumMissing),
        (Some(named), Some(sent)) if named != sent => Err(invalid),
        (Some(_), Some(_)) => Ok(()),
    }
}

/// `Content-MD5`: strict base64 of 16 bytes (E21).
pub(super) fn content_md5(headers: &HeaderMap) -> Result<Option<[u8; 16]>, BodyError> {
    let mut values = headers.get_all("content-md5").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = String::from_utf8_lossy(value.as_bytes());
    let md5 = STANDARD.decode(text.trim()).ok().and_then(|md5| md5.try_into().ok());
    match md5 {
        Some(md5) if values.next().is_none() => Ok(Some(md5)),
        _ => Err(BodyError::InvalidContentMd5 { value: text.into_owned() }),
    }
}

/// `Content-Length`; hyper has refused values that are no lengths.
pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// `x-amz-decoded-content-length`, which an aws-chunked body must have.
pub(super) fn decoded_length(headers: &HeaderMap) -> Result<u64, BodyError> {
    let mut values = headers.get_all("x-amz-decoded-content-length").iter();
    let value = values.next().ok_or(BodyError::LengthMissing)?;
    let digits =
        value.to_str().ok().map(str::trim).filter(|text| {
            values.next().is_none() && text.bytes().all(|byte| byte.is_ascii_digit())
        });
    digits.and_then(|digits| digits.parse().ok()).ok_or(BodyError::DecodedLengthInvalid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let mut map = HeaderMap::new();
        for (name, value) in pairs.iter().map(pair) {
            map.append(name, value);
        }
        map
    }

    fn message(pairs: &[(&'static str, &'static str)], trailers: bool) -> String {
        SentChecksum::read(&headers(pairs), trailers).unwrap_err().to_string()
    }

    #[test]
    fn one_checksum_is_read() {
        let sent = SentChecksum::read(
            &headers(&[
                ("x-amz-checksum-crc32", "y/Q5Jg=="),
                ("x-amz-checksum-type", "FULL_OBJECT"),
                ("x-amz-sdk-checksum-algorithm", "crc32"),
            ]),
            false,
        );
        let value = vec![0xcb, 0xf4, 0x39, 0x26];
        let algorithm = ChecksumAlgorithm::Crc32;
        assert_eq!(sent.unwrap(), Some(SentChecksum::Header { algorithm, value }));
        let sent = SentChecksum::read(&headers(&[("x-amz-trailer", "X-Amz-Checksum-SHA1")]), true);
        assert_eq!(sent.unwrap(), Some(SentChecksum::Trailer(ChecksumAlgorithm::Sha1)));
    }

    #[test]
    fn recorded_messages_for_broken_checksums() {
        let crc32 = ("x-amz-checksum-crc32", "y/Q5Jg==");
        let sha1 = ("x-amz-checksum-sha1", "98O8HYCOBHMq32eZZczDTKeuNEE=");
        for value in ["short===", "shrt", "toolong=", "^^^^^^==", "y^/^Q5^J^g==", "y/Q5Jh==", ""] {
            let message = message(&[("x-amz-checksum-crc32", value)], false);
            assert_eq!(message, "Value for x-amz-checksum-crc32 header is invalid.", "{value}");
        }
        assert_eq!(
            message(&[crc32, sha1], false),
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        );
        assert_eq!(
            message(&[crc32, ("x-amz-trailer", "x-amz-checksum-crc32")], true),
            "Expecting a single x-amz-checksum- header"
        );
        assert_eq!(
            message(&[crc32, ("x-amz-sdk-checksum-algorithm", "SHA1")], false),
            "Value for x-amz-sdk-checksum-algorithm header is invalid."
        );
        assert_eq!(
            message(&[("x-amz-sdk-checksum-algorithm", "SHA1")], false),
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found."
        );
        assert_eq!(
            message(&[("x-amz-checksum-crc16", "AAA=")], false),
            "The algorithm type you specified in x-amz-checksum- header is invalid."
        );
        for (value, trailers) in
            [("x-amz-meta-a", true), ("", true), ("x-amz-checksum-sha1", false)]
        {
            assert_eq!(
                message(&[("x-amz-trailer", value)], trailers),
                "The value specified in the x-amz-trailer header is not supported"
            );
        }
    }

    #[test]
    fn content_md5_is_checked_before_the_body() {
        let read = |value| content_md5(&headers(&[("content-md5", value)]));
        assert!(read("1B2M2Y8AsgTpgAmY7PhCfg==").unwrap().is_some());
        for value in ["", "x", "1B2M2Y8AsgTpgAmY7PhCfg", "1B2M2Y8AsgTpgAmY7PhC", "d41d8cd98f00b204"]
        {
            let error = read(value).unwrap_err();
            assert_eq!(error.to_string(), "The Content-MD5 you specified was invalid.");
            assert!(
                matches!(error, BodyError::InvalidContentMd5 { value: given } if given == value)
            );
        }
    }

    #[test]
    fn decoded_lengths_are_numbers() {
        let read = |value| decoded_length(&headers(&[("x-amz-decoded-content-length", value)]));
        assert_eq!(read("66560").unwrap(), 66560);
        for value in ["", "-1", "+1", "1.0", "0x10", "99999999999999999999"] {
            assert!(matches!(read(value), Err(BodyError::DecodedLengthInvalid)), "{value}");
        }
        assert!(matches!(decoded_length(&HeaderMap::new()), Err(BodyError::LengthMissing)));
    }
}
