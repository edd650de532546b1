//! One connection: HTTP over a stream, within limits, until it ends, idles or is drained.
//!
//! Guarantees: a head must arrive whole in time and within [`HEAD_BYTES_MAX`]; a client that neither
//! sends nor takes anything is dropped; a drain lets the requests under way end. hyper's buffers hold
//! no secret header once a request is handed over, and HTTP/2 keeps no table of header values, which
//! would hold customers' keys between requests.
//! Does not: accept connections or speak TLS; `listener` does.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, Version, header};
use http_body_util::{Either, Full};
use hyper::{
    body::{Body, Incoming},
    rt::{Executor, Read, Write},
    server::conn::{http1, http2},
    service::{Service, service_fn},
};
use hyper_util::rt::TokioTimer;
use memory::{
    WipeStack,
    heads::{self, Door, Http1Connection, Secrets, WipeSpare},
};
use tokio::{sync::watch, time::Instant};

use crate::{
    activity::{Activity, ResponseBody, Running},
    config::{Config, ConnectionLimits},
    handler::{BoxError, Connection, Handler},
    health,
    linger::Unread,
    telemetry::Arrived,
};

/// What every connection of a server shares.
#[derive(Debug)]
pub(crate) struct Context<H> {
    /// Who answers.
    pub(crate) handler: H,
    /// What a client can hold.
    pub(crate) limits: ConnectionLimits,
    /// Domains whose subdomains are buckets.
    pub(crate) domains: Vec<String>,
    /// Peers whose `X-Forwarded-Proto` counts.
    pub(crate) trusted_proxies: Vec<std::net::IpAddr>,
}

impl<H> Context<H> {
    /// For this configuration and handler.
    pub(crate) fn new(config: &Config, handler: H) -> Arc<Self> {
        Arc::new(Self {
            handler,
            limits: config.limits,
            domains: config.domains.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
        })
    }
}

/// An opened stream, ready for HTTP.
#[derive(Debug)]
pub(crate) struct Stream<S> {
    /// Its bytes, decrypted.
    pub(crate) io: S,
    /// The immediate peer.
    pub(crate) peer: SocketAddr,
    /// Whether it is TLS.
    pub(crate) tls: bool,
    /// Whether ALPN chose HTTP/2.
    pub(crate) http2: bool,
    /// Raised when a request came with a secret; whoever runs the connection wipes its stack from then.
    pub(crate) met_secret: Arc<AtomicBool>,
    /// Raised when an answer goes out before its request was read; the stream then lingers.
    pub(crate) unread: Unread,
}

/// Serves one connection to its end. `drain` turns true when the server stops.
pub(crate) async fn serve<H, S>(
    context: Arc<Context<H>>,
    stream: Stream<S>,
    drain: watch::Receiver<bool>,
) where
    H: Handler,
    S: Read + Write + Unpin + Send + 'static,
{
    let activity = Activity::new();
    let limits = context.limits;
    let peer = stream.peer;
    let (tls, http2) = (stream.tls, stream.http2);
    let secrets = Secrets { is_secret: H::is_secret, met: stream.met_secret };
    let service = {
        let (activity, unread) = (activity.clone(), stream.unread);
        service_fn(move |request| {
            let (context, activity, unread) = (context.clone(), activity.clone(), unread.clone());
            let call = Call { context, activity, peer, tls, unread };
            call.answer(request)
        })
    };
    let ended = if http2 {
        let connection = heads::serve_http2(&http2_builder(), stream.io, service, secrets);
        drive(connection, &activity, limits, drain).await
    } else {
        let builder = http1_builder(limits);
        let connection = heads::serve_http1(&builder, stream.io, service, secrets);
        drive(connection, &activity, limits, drain).await
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "connection ended");
    }
}

/// Runs a connection; begins its drain when told to and drops it when the client idles.
async fn drive<C: Drainable>(
    connection: C,
    activity: &Activity,
    limits: ConnectionLimits,
    mut drain: watch::Receiver<bool>,
) -> Result<(), hyper::Error> {
    let mut connection = pin!(connection);
    let mut idle = pin!(activity.idle_for(limits.idle_timeout));
    let mut draining = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = idle.as_mut() => return Ok(()),
            _ = drain.wait_for(|drain| *drain), if !draining => {
                draining = true;
                connection.as_mut().begin_drain();
            }
        }
    }
}

/// A connection of either protocol that can be told to take no further requests.
trait Drainable: Future<Output = Result<(), hyper::Error>> {
    fn begin_drain(self: Pin<&mut Self>);
}

impl<I, B, S> Drainable for Http1Connection<I, S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>>,
    I: Read + Write + Unpin,
    B: Body<Error: Into<BoxError>> + 'static,
{
    fn begin_drain(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, B, S> Drainable for http2::Connection<WipeSpare<I>, Door<S>, WipingExecutor>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>>,
    S::Future: Send + 'static,
    I: Read + Write + Unpin,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    fn begin_drain(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

fn http1_builder(limits: ConnectionLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_headers(HEADERS_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        .keep_alive(true);
    builder
}

fn http2_builder() -> http2::Builder<WipingExecutor> {
    let mut builder = http2::Builder::new(WipingExecutor);
    builder
        .timer(TokioTimer::new())
        .header_table_size(0)
        .max_header_list_size(HEAD_BYTES_MAX as u32)
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES)
        .max_send_buf_size(BUFFER_BYTES_MAX)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

/// Runs HTTP/2's streams as tasks of their own, whose stacks are wiped like the connection's.
#[derive(Clone, Copy, Debug)]
struct WipingExecutor;

impl<F> Executor<F> for WipingExecutor
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        tokio::spawn(WipeStack::new(stream));
    }
}

/// One request on its way to the handler.
struct Call<H> {
    context: Arc<Context<H>>,
    activity: Arc<Activity>,
    peer: SocketAddr,
    tls: bool,
    unread: Unread,
}

/// The service's own body, or a short text of ours.
type AnswerBody<H> = Either<ResponseBody<<H as Handler>::Body>, Full<Bytes>>;

impl<H: Handler> Call<H> {
    async fn answer(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<AnswerBody<H>>, Infallible> {
        let (parts, body) = request.into_parts();
        if let Some(response) = health::answer(&parts, &self.context.domains) {
            return Ok(response.map(Either::Right));
        }
        let begun = Instant::now();
        let connection = Connection { peer: self.peer, secure: self.is_secure(&parts.headers) };
        let arrived = Arrived::new(&parts.method, &parts.uri, connection);
        let (running, body) = Running::begin(&self.activity, body);
        // HTTP/2 refuses a stream, not a connection.
        let is_http1 = parts.version < Version::HTTP_2;
        let waits = parts.headers.contains_key(header::EXPECT);
        let request = Request::from_parts(parts, body);
        let mut response = self.context.handler.handle(request, connection).await;
        let refused = response.status().is_client_error() || response.status().is_server_error();
        if is_http1 && refused && !running.read_on(waits).await {
            // It will close, since what is unread stands before the next request: say so, or the
            // client's next request meets a closed connection. And it lingers, or the client that
            // still sends is reset before it has read why.
            self.unread.store(true, Ordering::Relaxed);
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        drop(running);
        arrived.log(response.status(), response.headers(), begun.elapsed());
        Ok(response.map(|body| Either::Left(ResponseBody::new(&self.activity, body))))
    }

    /// TLS here, or a trusted immediate peer that says exactly once that there was TLS before it.
    fn is_secure(&self, headers: &HeaderMap) -> bool {
        if self.tls {
            return true;
        }
        let mut said = headers.get_all("x-forwarded-proto").iter();
        let once = matches!((said.next(), said.next()), (Some(proto), None) if proto == "https");
        // A listener on `[::]` sees IPv4 peers as mapped addresses.
        once && self.context.trusted_proxies.contains(&self.peer.ip().to_canonical())
    }
}

/// A request's line and headers together: an object key of 1 KiB escaped threefold, 2 KiB of metadata,
/// a presigned query and cookies fit several times over.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// User metadata of 2 KiB can be split into many headers.
const HEADERS_MAX: usize = 256;
/// What is buffered of one connection's input; larger reads left the processor's cache when measured.
const BUFFER_BYTES_MAX: usize = 256 * 1024;
/// S3 clients open connections rather than streams; each stream may hold a window of memory.
const STREAMS_MAX: u32 = 64;
/// One frame of the store's own size can be under way on each stream.
const STREAM_WINDOW_BYTES: u32 = 512 * 1024;
/// What all streams of a connection may have under way together.
const CONNECTION_WINDOW_BYTES: u32 = 2 * 1024 * 1024;
/// Larger frames cost fewer headers; 16 KiB is the protocol's least.
const FRAME_BYTES: u32 = 64 * 1024;
/// A peer that is gone without a word is found out this often.
const PING_INTERVAL: std::time::Duration = std::time::Duration::from_secs(30);
/// And must answer within this.
const PING_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20);

#[cfg(test)]
mod tests;
