//! Connections over a pipe in memory, with paused time.

use std::time::Duration;

use http::{HeaderName, StatusCode};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::*;
use crate::activity::RequestBody;

/// Reads the body, works for as long as the path says, and answers how much it read and how securely.
#[derive(Clone, Copy, Debug)]
struct Counting;

impl Handler for Counting {
    type Body = Full<Bytes>;

    fn is_secret(_: &HeaderName) -> bool {
        false
    }

    async fn handle(
        &self,
        request: Request<RequestBody>,
        from: Connection,
    ) -> Response<Self::Body> {
        let work = request.uri().path().trim_start_matches('/').parse().unwrap_or(0);
        let length = request.into_body().collect().await.map(|body| body.to_bytes().len());
        sleep(Duration::from_secs(work)).await;
        let text = format!("read {length:?} secure {}", from.secure);
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = StatusCode::OK;
        response
    }
}

struct Rig {
    client: DuplexStream,
    served: JoinHandle<()>,
    drain: watch::Sender<bool>,
}

/// A served connection: head within 30 s, idle for 300 s, a trusted proxy at 127.0.0.9.
fn rig(peer: &str) -> Rig {
    let limits = ConnectionLimits {
        connections_max: 1,
        header_timeout: Duration::from_secs(30),
        idle_timeout: Duration::from_secs(300),
    };
    let context = Arc::new(Context {
        handler: Counting,
        limits,
        domains: Vec::new(),
        trusted_proxies: vec!["127.0.0.9".parse().unwrap()],
    });
    let (client, server) = duplex(64);
    let peer = SocketAddr::new(peer.parse().unwrap(), 1);
    let io = TokioIo::new(server);
    let (met_secret, unread) = Default::default();
    let stream = Stream { io, peer, tls: false, http2: false, met_secret, unread };
    let (drain, draining) = watch::channel(false);
    Rig { client, served: tokio::spawn(serve(context, stream, draining)), drain }
}

impl Rig {
    /// Sends, and reads until the server closes.
    async fn exchange(&mut self, text: &str) -> String {
        let (mut from, mut to) = tokio::io::split(&mut self.client);
        let mut answer = Vec::new();
        let (_, read) = tokio::join!(to.write_all(text.as_bytes()), from.read_to_end(&mut answer));
        read.unwrap();
        String::from_utf8(answer).unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_answered() {
    let request = "PUT / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc";
    let answer = rig("127.0.0.1").exchange(request).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("read Ok(3) secure false"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_ends_in_time() {
    let begun = Instant::now();
    let mut rig = rig("127.0.0.1");
    rig.client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n").await.unwrap();
    rig.served.await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_stalled_upload_is_dropped_after_the_idle_time() {
    let begun = Instant::now();
    let mut rig = rig("127.0.0.1");
    rig.client
        .write_all(b"PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc")
        .await
        .unwrap();
    rig.served.await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 300);
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_work_longer_than_a_client_may_idle() {
    let request = "GET /1000 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let answer = rig("127.0.0.1").exchange(request).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_drain_lets_the_request_under_way_end() {
    let mut rig = rig("127.0.0.1");
    rig.client.write_all(b"GET /10 HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    sleep(Duration::from_secs(5)).await;
    rig.drain.send_replace(true);
    let answer = rig.exchange("").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    timeout(Duration::from_secs(1), rig.served).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_too_large_is_refused() {
    let head = format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "v".repeat(HEAD_BYTES_MAX));
    let answer = rig("127.0.0.1").exchange(&head).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let fits = "v".repeat(HEAD_BYTES_MAX - 200);
    let head = format!("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx: {fits}\r\n\r\n");
    let answer = rig("127.0.0.1").exchange(&head).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn forwarded_https_counts_once_exactly_and_from_the_trusted_peer_only() {
    for (peer, headers, secure) in [
        ("127.0.0.9", "x-forwarded-proto: https\r\n", true),
        ("::ffff:127.0.0.9", "x-forwarded-proto: https\r\n", true),
        ("::ffff:127.0.0.1", "x-forwarded-proto: https\r\n", false),
        ("127.0.0.1", "x-forwarded-proto: https\r\n", false),
        ("127.0.0.9", "", false),
        ("127.0.0.9", "x-forwarded-proto: http\r\n", false),
        ("127.0.0.9", "x-forwarded-proto: https,http\r\n", false),
        ("127.0.0.9", "x-forwarded-proto: https\r\nx-forwarded-proto: https\r\n", false),
    ] {
        let request = format!("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{headers}\r\n");
        let answer = rig(peer).exchange(&request).await;
        assert!(answer.ends_with(&format!("secure {secure}")), "{peer} {headers}: {answer}");
    }
}
