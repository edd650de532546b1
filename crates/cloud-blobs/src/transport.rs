//! HTTP for the backends: hyper over rustls with the one provider of cryptography of the build.
//!
//! Guarantees: every wait on the backend ends; a certificate is verified against the given CA and no
//! other, or against the system's; plain HTTP goes out only where the location allows it (the stores'
//! own check). Does not: retry; the stores do, with jitter and a bound.

use std::{
    error::Error,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector as Tcp},
    rt::{TokioExecutor, TokioTimer},
};
use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody,
        HttpResponse, HttpResponseBody, HttpService,
    },
};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use tokio::time::{Instant, Sleep};

/// How long a connection may take to be made: a lost SYN and two more tries.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a request may take until its answer begins: a segment of 8 MiB at 1.2 Mbit/s.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// How long an answer may pause.
const PAUSE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an idle connection is kept: less than the servers of the field keep it, so that a request
/// rarely meets one that is being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// Makes clients. Clones share connections.
#[derive(Clone, Debug)]
pub(crate) struct Transport(Client<HttpsConnector<Tcp>, HttpRequestBody>);

impl Transport {
    /// A transport that trusts the certificates in `ca` (PEM), or else the system's. The error says what
    /// is wrong with them.
    pub(crate) fn new(ca: Option<&std::path::Path>) -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has the default versions");
        let config = match ca {
            Some(path) => config.with_root_certificates(roots(path)?),
            None => config
                .with_native_roots()
                .map_err(|error| format!("the system's CA certificates are unusable: {error}"))?,
        };
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config.with_no_client_auth())
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build(connector);
        Ok(Self(client))
    }
}

fn roots(path: &std::path::Path) -> Result<RootCertStore, String> {
    let unreadable = || "ca names no readable PEM file with certificates".to_owned();
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|_| unreadable())? {
        roots.add(certificate.map_err(|_| unreadable())?).map_err(|_| unreadable())?;
    }
    if roots.is_empty() { Err(unreadable()) } else { Ok(roots) }
}

impl HttpConnector for Transport {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Transport {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = tokio::time::timeout(ANSWER_TIMEOUT, self.0.request(request)).await;
        let response = match answer {
            Ok(Ok(response)) => response,
            Ok(Err(error)) if error.is_connect() => {
                return Err(HttpError::new(HttpErrorKind::Connect, error));
            }
            Ok(Err(error)) => return Err(HttpError::new(kind_of(&error), error)),
            Err(elapsed) => return Err(HttpError::new(HttpErrorKind::Timeout, elapsed)),
        };
        Ok(response.map(|body| HttpResponseBody::new(Unpaused { body, timer: None })))
    }
}

/// What a broken request was; all of it may be tried again, which the stores do where the request allows.
fn kind_of(error: &(dyn Error + 'static)) -> HttpErrorKind {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return match error.kind() {
                std::io::ErrorKind::TimedOut => HttpErrorKind::Timeout,
                _ => HttpErrorKind::Interrupted,
            };
        }
        cause = error.source();
    }
    HttpErrorKind::Request
}

/// A body that fails when it makes no progress for [`PAUSE_TIMEOUT`] while it is waited for.
struct Unpaused<B> {
    body: B,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<B> Body for Unpaused<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Error + Send + Sync + 'static,
{
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.timer = None;
            let failed = |error: B::Error| HttpError::new(kind_of(&error), error);
            return Poll::Ready(frame.map(|frame| frame.map_err(failed)));
        }
        let sleep = || Box::pin(tokio::time::sleep_until(Instant::now() + PAUSE_TIMEOUT));
        let timer = self.timer.get_or_insert_with(sleep);
        if timer.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.timer = None;
        let paused =
            std::io::Error::new(std::io::ErrorKind::TimedOut, "the answer paused too long");
        Poll::Ready(Some(Err(HttpError::new(HttpErrorKind::Timeout, paused))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
