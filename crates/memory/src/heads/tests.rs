//! Requests over a wire that remembers where hyper put the bytes.

use std::convert::Infallible;
use std::future::Ready;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::Waker;

use bytes::Bytes;
use http_body_util::Full;
use hyper::rt::ReadBufCursor;
use hyper::service::service_fn;

use super::*;

const SECRET: &str = "YSBrZXkgdGhhdCBubyBidWZmZXIgbWF5IGtlZXAgISE=";
const HEAD: &str = "GET /bucket/object?list-type=2 HTTP/1.1\r\nHost: example.test\r\n\
    X-Secret: YSBrZXkgdGhhdCBubyBidWZmZXIgbWF5IGtlZXAgISE=\r\nX-Plain: plain\r\n\
    x-secret:  YSBrZXkgdGhhdCBubyBidWZmZXIgbWF5IGtlZXAgISE= \r\nX-Secret:\r\n\r\n";

fn is_secret(name: &HeaderName) -> bool {
    name == "x-secret"
}

fn secrets() -> Secrets {
    Secrets { is_secret, met: Arc::default() }
}

/// Where hyper asked for bytes, and how many it was given.
type Seen = Arc<Mutex<Vec<(usize, usize)>>>;

/// Sends some bytes, then the end; swallows what is answered.
struct Wire {
    sends: &'static [u8],
    seen: Seen,
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        #[expect(unsafe_code, reason = "a test looks where hyper's buffer is")]
        // SAFETY: only the address is taken.
        let address = unsafe { buffer.as_mut() }.as_mut_ptr().expose_provenance();
        let (now, later) = self.sends.split_at(self.sends.len().min(buffer.remaining()));
        buffer.put_slice(now);
        self.sends = later;
        self.seen.lock().unwrap().push((address, now.len()));
        Poll::Ready(Ok(()))
    }
}

impl Write for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The first block of bytes that hyper read. Call it only while a request that came in it lives.
#[expect(unsafe_code, reason = "a test looks into hyper's buffer")]
fn first_block(seen: &Seen) -> Vec<u8> {
    let (address, length) = seen.lock().unwrap()[0];
    let start = ptr::with_exposed_provenance::<u8>(address);
    // SAFETY: the request's target and other values keep the block alive; only this thread is here.
    unsafe { std::slice::from_raw_parts(start, length) }.to_vec()
}

type Answer = Result<Response<Full<Bytes>>, Infallible>;

fn answer() -> Ready<Answer> {
    std::future::ready(Ok(Response::new(Full::default())))
}

fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    // The wire has ended before the answer is made, and wants it all the same.
    builder.half_close(true);
    builder
}

fn run<F: Future<Output = hyper::Result<()>>>(connection: F) {
    let mut connection = std::pin::pin!(connection);
    for _ in 0..100 {
        match connection.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(ended) => return ended.unwrap(),
            // The wire never waits: hyper lets others run.
            Poll::Pending => {}
        }
    }
    panic!("the connection does not end");
}

#[test]
fn the_service_sees_secrets_that_hypers_buffer_no_longer_holds() {
    let seen = Seen::default();
    let calls = Mutex::new(0);
    let service = service_fn(|request: Request<Incoming>| {
        *calls.lock().unwrap() += 1;
        let values: Vec<_> = request.headers().get_all("x-secret").iter().collect();
        assert_eq!(values, [SECRET, SECRET, ""]);
        assert!(values.iter().all(|value| value.is_sensitive()));
        let plain = &request.headers()["x-plain"];
        assert!(plain == "plain" && !plain.is_sensitive());
        assert_eq!(request.uri(), "/bucket/object?list-type=2");

        let zeros = "\0".repeat(SECRET.len());
        let target = "/bucket/object?list-type=2";
        let expected = HEAD.replace(SECRET, &zeros).replace(target, &"\0".repeat(target.len()));
        assert_eq!(
            first_block(&seen).escape_ascii().to_string(),
            expected.as_bytes().escape_ascii().to_string()
        );
        answer()
    });
    let wire = Wire { sends: HEAD.as_bytes(), seen: Arc::clone(&seen) };
    run(serve_http1(&builder(), wire, service, secrets()));
    assert_eq!(*calls.lock().unwrap(), 1);
}

#[test]
fn without_a_door_the_buffer_holds_them() {
    let seen = Seen::default();
    let service = service_fn(|request: Request<Incoming>| {
        let found = String::from_utf8(first_block(&seen)).unwrap();
        assert_eq!(found.matches(SECRET).count(), 2, "the test does not see what it looks for");
        drop(request);
        answer()
    });
    let wire = Wire { sends: HEAD.as_bytes(), seen: Arc::clone(&seen) };
    run(builder().serve_connection(wire, service));
}

#[test]
fn every_form_of_target_stays_what_it_was() {
    for target in ["/a?b=%2F&&c", "/?", "/?x", "http://h.test:8/a?b", "http://h.test?b", "/a", "*"]
    {
        let seen = Seen::default();
        let service = service_fn(|request: Request<Incoming>| {
            assert_eq!(*request.uri(), target);
            let block = String::from_utf8(first_block(&seen)).unwrap();
            assert_eq!(block.contains(&format!("{target} ")), !target.contains('?'), "{target}");
            answer()
        });
        let head = format!("OPTIONS {target} HTTP/1.1\r\nHost: h\r\nX-Plain: 1\r\n\r\n");
        let wire = Wire { sends: head.leak().as_bytes(), seen: Arc::clone(&seen) };
        run(serve_http1(&builder(), wire, service, secrets()));
    }
}

#[test]
fn what_is_left_of_the_buffer_is_wiped_once_after_a_secret() {
    let passed = Arc::new(AtomicBool::new(false));
    let wire = Wire { sends: b"", seen: Seen::default() };
    let mut io = WipeSpare::new(wire, Arc::clone(&passed));
    let mut left_after_read = || {
        let mut bytes = [7; 32];
        let mut buffer = hyper::rt::ReadBuf::new(&mut bytes);
        let polled =
            Pin::new(&mut io).poll_read(&mut Context::from_waker(Waker::noop()), buffer.unfilled());
        assert!(polled.is_ready());
        bytes
    };
    assert_eq!(left_after_read(), [7; 32]);
    passed.store(true, Ordering::Relaxed);
    assert_eq!(left_after_read(), [0; 32]);
    assert_eq!(left_after_read(), [7; 32]);
}

#[test]
fn requests_that_come_together_are_each_whole() {
    let sends = HEAD.repeat(3).leak().as_bytes();
    let calls = Mutex::new(0);
    let service = service_fn(|request: Request<Incoming>| {
        *calls.lock().unwrap() += 1;
        assert_eq!(request.headers()["x-secret"], SECRET);
        answer()
    });
    run(serve_http1(&builder(), Wire { sends, seen: Seen::default() }, service, secrets()));
    assert_eq!(*calls.lock().unwrap(), 3);
}
