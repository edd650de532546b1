//! Requests signed by `aws-sigv4`, in headers and in the query, with odd paths, queries and headers.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use proptest::prelude::*;

use super::{KEY_ID, Request, SECRET};
use crate::signature::{Payload, SignatureError};

const AT: &str = "20260102T030405Z";
const AT_SECONDS: u64 = 1_767_323_045;

fn settings(location: SignatureLocation) -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    if matches!(location, SignatureLocation::QueryParams) {
        settings.expires_in = Some(Duration::from_secs(900));
    } else {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    settings.signature_location = location;
    settings
}

/// Signs as the Rust SDK does for S3.
fn signed(request: &Request, location: SignatureLocation, body: SignableBody<'_>) -> Request {
    let secret = std::str::from_utf8(SECRET).unwrap();
    let identity = Credentials::new(KEY_ID, secret, None, None, "test").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("s3")
        .time(UNIX_EPOCH + Duration::from_secs(AT_SECONDS))
        .settings(settings(location))
        .build()
        .unwrap()
        .into();
    let host = request.headers["host"].to_str().unwrap();
    let query = if request.query.is_empty() { "" } else { "?" };
    let uri = format!("https://{host}{}{query}{}", request.path, request.query);
    let headers = request.headers.iter().filter(|(name, _)| *name != "host");
    let headers = headers.map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let signable = SignableRequest::new(&request.method, &uri, headers, body).unwrap();
    let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
    let mut request = request.clone();
    for (name, value) in instructions.headers() {
        request.add(name, value);
    }
    let mut signed = http::Request::builder().uri(&uri).body(()).unwrap();
    instructions.apply_to_request_http1x(&mut signed);
    request.query = signed.uri().query().unwrap_or("").to_owned();
    request
}

const HOST: (&str, &str) = ("host", "bucket.s3.example.com");
const PINNED: [(&str, &str); 3] = [
    ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
    ("x-amz-server-side-encryption-customer-key", "K0+/yQHJcx5CgotqScZJqhfJ8hpfw4leiB3Bzyo8HSo="),
    ("x-amz-server-side-encryption-customer-key-md5", "I0aPuXuw4REDJuP1fw07QQ=="),
];

#[test]
fn both_places_and_every_payload() {
    let request = Request::new("PUT", "/a%20key/%C3%A9?partNumber=1&uploadId=x%2Fy", &[HOST]);
    for location in [SignatureLocation::Headers, SignatureLocation::QueryParams] {
        let request = signed(&request, location, SignableBody::UnsignedPayload);
        assert!(matches!(request.verify(AT), Ok(Payload::Unsigned)), "{request:?}");
    }
    let in_headers = |body| signed(&request, SignatureLocation::Headers, body).verify(AT);
    assert!(matches!(in_headers(SignableBody::Bytes(b"body")), Ok(Payload::Sha256(_))));
    let unsigned = in_headers(SignableBody::StreamingUnsignedPayloadTrailer);
    assert!(matches!(unsigned, Ok(Payload::UnsignedChunks)));
    match in_headers(SignableBody::StreamingSignedPayloadTrailer) {
        Ok(Payload::SignedChunks(signer)) => assert!(signer.has_trailer()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn signed_customer_keys_are_accepted_and_cannot_be_changed() {
    let mut request = Request::new("GET", "/k", &[HOST]);
    for (name, value) in PINNED {
        request.add(name, value);
    }
    for location in [SignatureLocation::Headers, SignatureLocation::QueryParams] {
        let request = signed(&request, location, SignableBody::UnsignedPayload);
        assert!(request.verify(AT).is_ok());
        for (name, value) in PINNED {
            let mut other = request.clone();
            other.headers.insert(name, format!("{value}x").parse().unwrap());
            let Err(SignatureError::SignatureDoesNotMatch(mismatch)) = other.verify(AT) else {
                panic!("{name} was changed")
            };
            let text = mismatch.canonical_request.clone().unwrap();
            assert!(!text.contains("K0+/") && !text.contains("I0aP"), "{text}");
            let bytes = mismatch.canonical_request_bytes().unwrap();
            let bytes: Vec<u8> =
                bytes.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
            assert_eq!(bytes, text.as_bytes(), "the bytes are those of the redacted text");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn odd_paths_queries_and_headers(
        // The reference signs a path as it is given; the SDK above it gives the canonical escapes.
        path in "(/([A-Za-z0-9._~-]|\\.\\.|%20|%2F|%E1%88%B4|%25|%2B|%3D|%00){0,6}){1,4}",
        query in proptest::collection::vec(
            ("[A-Za-z][a-z0-9-]{0,6}", "([a-zA-Z0-9._~/:-]|%20|%26|%3d|%2B|\\+|%C3%A9){0,8}"), 0..5
        ),
        value in "[!-~]([ -~]{0,20}[!-~])?",
        in_query: bool,
        flip in 0usize..1000,
    ) {
        let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let target = format!("{path}?{}", query.join("&"));
        let headers = [HOST, ("x-amz-meta-odd", value.as_str()), ("content-type", "a  b")];
        let request = Request::new("PUT", &target, &headers);
        let location = if in_query { SignatureLocation::QueryParams } else { SignatureLocation::Headers };
        let request = signed(&request, location, SignableBody::UnsignedPayload);
        prop_assert!(request.verify(AT).is_ok(), "{:?}: {:?}", request, request.verify(AT));
        // Any other path of the same length fails.
        let mut other = request.clone();
        let at = flip % other.path.len();
        let byte = other.path.as_bytes()[at];
        if byte.is_ascii_lowercase() && !other.path[..at].ends_with('%') && !other.path[..at.saturating_sub(1)].ends_with('%') {
            other.path.replace_range(at..=at, if byte == b'z' { "y" } else { "z" });
            prop_assert!(matches!(other.verify(AT), Err(SignatureError::SignatureDoesNotMatch(_))));
        }
        let mut other = request;
        other.headers.insert("x-amz-meta-odd", format!("{value}x").parse().unwrap());
        prop_assert!(matches!(other.verify(AT), Err(SignatureError::SignatureDoesNotMatch(_))));
    }
}
