//! The requests that are measured, mostly as presigned SSE-C URLs are sent: signed once, used many times.
//!
//! Guarantees: the signature is made by another signer than the service's own.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
        SigningSettings, UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;

use crate::World;

/// When everything happens, in seconds: 2026-01-02T03:04:05Z.
pub const NOW_SECONDS: u64 = 1_767_323_045;
/// The region that they are signed for.
pub const REGION: &str = "us-east-1";
pub(crate) const ACCESS_KEY_ID: &str = "root";
/// The secret that they are signed with: a published one.
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const HOST: &str = "127.0.0.1:9443";
/// The SSE-C trio of a published test key.
pub const TRIO: [(&str, &str); 3] = [
    ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
    ("x-amz-server-side-encryption-customer-key", "K0+/yQHJcx5CgotqScZJqhfJ8hpfw4leiB3Bzyo8HSo="),
    ("x-amz-server-side-encryption-customer-key-md5", "I0aPuXuw4REDJuP1fw07QQ=="),
];
/// Objects that a page lists.
const LISTED: usize = 1_000;

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// GET of 4 KiB under a customer key.
    Get4K,
    /// The same without one: under the server's own key.
    Get4KPlain,
    /// HEAD of 4 KiB under a customer key.
    Head,
    /// ListObjectsV2, a page of 1,000.
    List,
    /// PUT of 4 KiB under a customer key, synced.
    Put4K,
    /// An unaligned range of 64 KiB out of 4 MiB under a customer key.
    Range64K,
}

impl Workload {
    /// All, in the order of the committed table.
    pub const ALL: [Self; 6] =
        [Self::Get4K, Self::Get4KPlain, Self::Head, Self::List, Self::Put4K, Self::Range64K];

    /// Its name on the command line and in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get4K => "get-4k",
            Self::Get4KPlain => "get-4k-plain",
            Self::Head => "head",
            Self::List => "list-1000",
            Self::Put4K => "put-4k",
            Self::Range64K => "range-64k",
        }
    }

    /// The workload of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|workload| workload.name() == name)
    }

    /// Puts into the world what this workload reads.
    pub async fn prepare(self, world: &World) {
        world.answer(presigned("PUT", "/bench", &[], Bytes::new())).await;
        match self {
            Self::Get4K | Self::Head | Self::Put4K => put(world, "small", 4 << 10, &TRIO).await,
            Self::Get4KPlain => put(world, "small", 4 << 10, &[]).await,
            Self::List => {
                for number in 0..LISTED {
                    put(world, &format!("small%2F{number:06}"), 1, &TRIO).await;
                }
            }
            Self::Range64K => put(world, "big", 4 << 20, &TRIO).await,
        }
    }

    /// Its request. To be cloned for each use.
    pub fn request(self) -> Request<Full<Bytes>> {
        let ranged = [TRIO[0], TRIO[1], TRIO[2], ("range", "bytes=700001-765536")];
        match self {
            Self::Get4K => presigned("GET", "/bench/small", &TRIO, Bytes::new()),
            Self::Get4KPlain => presigned("GET", "/bench/small", &[], Bytes::new()),
            Self::Head => presigned("HEAD", "/bench/small", &TRIO, Bytes::new()),
            Self::List => {
                let target = "/bench?list-type=2&prefix=small%2F&max-keys=1000&encoding-type=url";
                presigned("GET", target, &[], Bytes::new())
            }
            Self::Put4K => presigned("PUT", "/bench/small", &TRIO, vec![0x5a; 4 << 10].into()),
            Self::Range64K => presigned("GET", "/bench/big", &ranged, Bytes::new()),
        }
    }
}

async fn put(world: &World, key: &str, bytes: usize, headers: &[(&str, &str)]) {
    let body = vec![0x5a; bytes].into();
    world.answer(presigned("PUT", &format!("/bench/{key}"), headers, body)).await;
}

/// GET of 4 KiB under a customer key, signed in its `Authorization` header.
pub fn get_signed_in_header() -> Request<Full<Bytes>> {
    let request = bare("GET", "/bench/small", &TRIO, Bytes::new());
    sign_in(SignatureLocation::Headers, request, &TRIO)
}

/// A request with its signature in the query, covering these headers.
fn presigned(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> Request<Full<Bytes>> {
    sign_in(SignatureLocation::QueryParams, bare(method, target, headers, body), headers)
}

fn bare(method: &str, target: &str, headers: &[(&str, &str)], body: Bytes) -> Request<Full<Bytes>> {
    let uri = format!("https://{HOST}{target}");
    let mut request = Request::builder().method(method).uri(&uri).header("host", HOST);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request = request.header("content-length", body.len());
    request.body(Full::new(body)).expect("literals of this file are valid")
}

fn sign_in(
    location: SignatureLocation,
    mut request: Request<Full<Bytes>>,
    covered: &[(&str, &str)],
) -> Request<Full<Bytes>> {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    if location == SignatureLocation::Headers {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    } else {
        settings.expires_in = Some(Duration::from_secs(36_000));
    }
    settings.signature_location = location;
    let identity = Credentials::new(ACCESS_KEY_ID, SECRET, None, None, "bench").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name("s3")
        .time(UNIX_EPOCH + Duration::from_secs(NOW_SECONDS))
        .settings(settings)
        .build()
        .expect("all parameters are given")
        .into();
    let (method, uri) = (request.method().to_string(), request.uri().to_string());
    let covered = covered.iter().copied();
    let signable = SignableRequest::new(&method, &uri, covered, SignableBody::UnsignedPayload)
        .expect("the URI is valid");
    let (instructions, _) = sign(signable, &parameters).expect("it can be signed").into_parts();
    instructions.apply_to_request_http1x(&mut request);
    request
}
