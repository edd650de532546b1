//! A small S3 client: signs with the reference signer and reads the whole answer.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, UNIX_EPOCH},
};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use s3_front::service::ConnectionInfo;

use crate::world::{NOW, SECRET, World};

/// The specification's test vectors: keys and their MD5s.
pub(crate) const KEY_A: (&str, &str) =
    ("K0+/yQHJcx5CgotqScZJqhfJ8hpfw4leiB3Bzyo8HSo=", "I0aPuXuw4REDJuP1fw07QQ==");
pub(crate) const KEY_B: (&str, &str) =
    ("pO3upElrwuEXSoFwCfnZPdSsmt/xWeFa0N9KgDijwVs=", "DWygnHRtgiJ77HCm+1rvHw==");
/// 16 bytes.
pub(crate) const KEY_SHORT: (&str, &str) = ("AAECAwQFBgcICQoLDA0ODw==", "GsHvAelsrxvg0ykzGk/CqA==");

pub(crate) const ALGORITHM: &str = "x-amz-server-side-encryption-customer-algorithm";
pub(crate) const KEY: &str = "x-amz-server-side-encryption-customer-key";
pub(crate) const KEY_MD5: &str = "x-amz-server-side-encryption-customer-key-md5";
pub(crate) const SOURCE: &str = "x-amz-copy-source";
pub(crate) const SOURCE_ALGORITHM: &str =
    "x-amz-copy-source-server-side-encryption-customer-algorithm";
pub(crate) const SOURCE_KEY: &str = "x-amz-copy-source-server-side-encryption-customer-key";
pub(crate) const SOURCE_KEY_MD5: &str = "x-amz-copy-source-server-side-encryption-customer-key-md5";
pub(crate) const SSE: &str = "x-amz-server-side-encryption";

/// A request in the making.
pub(crate) struct Ask<'w> {
    world: &'w World,
    method: String,
    target: String,
    host: String,
    headers: Vec<(String, String)>,
    unsigned: Vec<(String, String)>,
    body: Bytes,
    secure: bool,
    who: Option<String>,
}

impl<'w> Ask<'w> {
    pub(crate) fn new(world: &'w World, method: &str, target: &str) -> Self {
        Self {
            world,
            method: method.into(),
            target: target.into(),
            host: "localhost:9443".into(),
            headers: Vec::new(),
            unsigned: Vec::new(),
            body: Bytes::new(),
            secure: true,
            who: Some("root".into()),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn headers(self, headers: &[(&str, &str)]) -> Self {
        headers.iter().fold(self, |ask, (name, value)| ask.header(name, value))
    }

    /// A header that the signature does not cover.
    pub(crate) fn unsigned_header(mut self, name: &str, value: &str) -> Self {
        self.unsigned.push((name.into(), value.into()));
        self
    }

    /// The SSE-C trio of a key.
    pub(crate) fn key(self, (key, md5): (&str, &str)) -> Self {
        self.headers(&[(ALGORITHM, "AES256"), (KEY, key), (KEY_MD5, md5)])
    }

    /// The trio of a copy's source.
    pub(crate) fn source_key(self, (key, md5): (&str, &str)) -> Self {
        self.headers(&[(SOURCE_ALGORITHM, "AES256"), (SOURCE_KEY, key), (SOURCE_KEY_MD5, md5)])
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn host(mut self, host: &str) -> Self {
        self.host = host.into();
        self
    }

    pub(crate) fn insecure(mut self) -> Self {
        self.secure = false;
        self
    }

    pub(crate) fn by(mut self, who: &str) -> Self {
        self.who = Some(who.into());
        self
    }

    pub(crate) fn anonymous(mut self) -> Self {
        self.who = None;
        self
    }

    /// Sends the request.
    pub(crate) async fn send(self) -> Reply {
        let polled = Arc::new(AtomicBool::new(false));
        let (world, secure, is_head) = (self.world, self.secure, self.method == "HEAD");
        let body = Watched { bytes: Some(self.body.clone()), polled: polled.clone() };
        let request = self.signed().map(|()| body);
        let connection = ConnectionInfo { peer: ([127, 0, 0, 1], 1).into(), secure };
        let (parts, body) = world.service.handle(request, connection).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        assert!(!is_head || body.is_empty(), "an answer to HEAD has no body");
        let reply = Reply {
            status: parts.status,
            headers: parts.headers,
            body,
            polled: polled.load(Ordering::Relaxed),
        };
        reply.check_shape();
        reply
    }

    fn signed(&self) -> Request<()> {
        let uri = format!("https://{}{}", self.host, self.target);
        let mut request = Request::builder().method(self.method.as_str()).uri(&uri);
        for (name, value) in self.headers.iter().chain(&self.unsigned) {
            request = request.header(name, value);
        }
        let request = request.header("host", &self.host);
        let mut request = request.header("content-length", self.body.len()).body(()).unwrap();
        if let Some(who) = &self.who {
            self.sign(&uri, who, &mut request);
        }
        request
    }

    fn sign(&self, uri: &str, who: &str, request: &mut Request<()>) {
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let identity = Credentials::new(who, SECRET, None, None, "test").into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.world.region)
            .name("s3")
            .time(UNIX_EPOCH + Duration::from_secs(NOW))
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let body = SignableBody::Bytes(&self.body);
        let signable = SignableRequest::new(&self.method, uri, headers, body).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        instructions.apply_to_request_http1x(request);
    }
}

/// A body that notices when it is polled.
struct Watched {
    bytes: Option<Bytes>,
    polled: Arc<AtomicBool>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.polled.store(true, Ordering::Relaxed);
        let bytes = self.bytes.take().filter(|bytes| !bytes.is_empty());
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whether a byte of the request's body was asked for.
    pub(crate) polled: bool,
}

impl Reply {
    /// What every answer has.
    fn check_shape(&self) {
        let id = self.header("x-amz-request-id").expect("a request id");
        assert!(id.len() == 16 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')));
        assert!(self.header("x-amz-id-2").is_some());
        assert_eq!(self.header("server"), Some("strongroom"));
        assert!(self.header(KEY).is_none(), "the key is never answered");
    }

    #[track_caller]
    pub(crate) fn expect_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} {:?}", self.text(), self.headers);
        self
    }

    /// An error with this status and code.
    #[track_caller]
    pub(crate) fn expect_error(self, status: u16, code: &str) -> Self {
        let reply = self.expect_status(status);
        assert_eq!(reply.element("Code").as_deref(), Some(code), "{}", reply.text());
        assert_eq!(reply.element("RequestId").as_deref(), reply.header("x-amz-request-id"));
        assert_eq!(reply.header("content-type"), Some("application/xml"));
        reply
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The text of the first element of this name.
    pub(crate) fn element(&self, name: &str) -> Option<String> {
        self.elements(name).into_iter().next()
    }

    /// The texts of all elements of this name, unescaped.
    pub(crate) fn elements(&self, name: &str) -> Vec<String> {
        let text = self.text();
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let pieces = text.split(&open).skip(1).filter_map(|rest| rest.split(&close).next());
        let unescaped = |text: &str| {
            let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
            text.replace("&amp;", "&")
        };
        pieces.map(unescaped).collect()
    }
}
