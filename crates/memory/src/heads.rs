//! Taking secret header values out of hyper's buffers, at the moment a request arrives.
//!
//! hyper hands out header values as slices of the buffer that it read the head into, and goes on
//! using that buffer for the connection's next requests. A customer's key would stay in it until
//! other bytes happen to cover it, or until the connection closes.
//!
//! So hyper is served here, through a [`Door`] that stands before the service: each value of a
//! secret header, and each target with a query, is copied into a block of its own, the slice in
//! hyper's buffer is overwritten, and the service sees the copy, a header's marked sensitive. The
//! copy is freed with the request, and wiped by [`crate::WipingAllocator`] then. What hyper itself
//! moved within its buffer is wiped before it reads on ([`WipeSpare`]).
//!
//! Guarantees: when the service is called, the part of hyper's buffer that the head came in holds
//! none of the secret values, and nothing can tell that the request was touched but its values'
//! sensitive mark. When an HTTP/1 connection waits for the next request, no part of the buffer holds
//! one.
//!
//! Does not: reach the bytes before hyper (TLS, sockets) or values in the request's body. In HTTP/2,
//! h2 copies values out of the frame that brought them, and the frame stays in its buffer as it came
//! until later frames cover it or the connection ends. So does a copy of the Huffman-coded form.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{PathAndQuery, Uri};
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::rt::bounds::Http2ServerConnExec;
use hyper::rt::{Read, Write};
use hyper::server::conn::{http1, http2};
use hyper::service::Service;

use crate::wiping;

mod spare;
pub use spare::WipeSpare;

/// Which headers carry secrets.
pub type IsSecret = fn(&HeaderName) -> bool;

/// What a connection holds secret, and whether it has met it.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// Which headers.
    pub is_secret: IsSecret,
    /// Raised, and never lowered, when a request came with one, or with a query that may hold one:
    /// for [`crate::WipeStack::when`].
    pub met: Arc<AtomicBool>,
}

/// Serves one HTTP/1 connection with `service` behind the door.
pub fn serve_http1<I, S, B>(
    builder: &http1::Builder,
    io: I,
    service: S,
    secrets: Secrets,
) -> Http1Connection<I, S>
where
    I: Read + Write + Unpin,
    S: Service<
            Request<Incoming>,
            Response = Response<B>,
            Error: Into<Box<dyn Error + Send + Sync>>,
        >,
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>> + 'static,
{
    let (io, door) = behind_door(io, service, secrets);
    Http1Connection { connection: Box::pin(builder.serve_connection(io, door)) }
}

/// Serves one HTTP/2 connection with `service` behind the door.
///
/// The builder must have `header_table_size(0)`. With a table, hyper would remember overwritten
/// values, and a client that refers to one again would be read as having sent zeros.
pub fn serve_http2<I, S, B, E>(
    builder: &http2::Builder<E>,
    io: I,
    service: S,
    secrets: Secrets,
) -> http2::Connection<WipeSpare<I>, Door<S>, E>
where
    I: Read + Write + Unpin,
    S: Service<
            Request<Incoming>,
            Response = Response<B>,
            Error: Into<Box<dyn Error + Send + Sync>>,
        >,
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>> + 'static,
    E: Http2ServerConnExec<S::Future, B> + Clone,
{
    let (io, door) = behind_door(io, service, secrets);
    builder.serve_connection(io, door)
}

/// Both sides of hyper: its input, and who answers. They share the news of a secret.
fn behind_door<I, S>(io: I, service: S, secrets: Secrets) -> (WipeSpare<I>, Door<S>) {
    let passed = Arc::new(AtomicBool::new(false));
    (WipeSpare::new(io, Arc::clone(&passed)), Door { service, secrets, passed })
}

/// An HTTP/1 connection, as hyper's own but for what would let the [`Door`] out of it.
pub struct Http1Connection<I, S>
where
    S: Service<Request<Incoming>>,
    Door<S>: hyper::service::HttpService<Incoming>,
{
    connection: Pin<Box<http1::Connection<WipeSpare<I>, Door<S>>>>,
}

impl<I, S, B> Http1Connection<I, S>
where
    I: Read + Write + Unpin,
    S: Service<
            Request<Incoming>,
            Response = Response<B>,
            Error: Into<Box<dyn Error + Send + Sync>>,
        >,
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>> + 'static,
{
    /// Lets the present request end and takes no further one.
    pub fn graceful_shutdown(self: Pin<&mut Self>) {
        self.get_mut().connection.as_mut().graceful_shutdown();
    }
}

impl<I, S, B> Future for Http1Connection<I, S>
where
    I: Read + Write + Unpin,
    S: Service<
            Request<Incoming>,
            Response = Response<B>,
            Error: Into<Box<dyn Error + Send + Sync>>,
        >,
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>> + 'static,
{
    type Output = hyper::Result<()>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().connection.as_mut().poll(context)
    }
}

impl<I, S> fmt::Debug for Http1Connection<I, S>
where
    S: Service<Request<Incoming>>,
    Door<S>: hyper::service::HttpService<Incoming>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http1Connection").finish_non_exhaustive()
    }
}

/// A service behind which secret header values stand apart from hyper's buffers.
///
/// Only this module can make one, and it gives each straight to hyper, which never lets it out
/// again: so every request that comes through a door was made by hyper. The proof rests on that.
pub struct Door<S> {
    service: S,
    secrets: Secrets,
    /// Raised when a secret has passed; lowered when the buffer has been wiped after it.
    passed: Arc<AtomicBool>,
}

impl<S> fmt::Debug for Door<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}

impl<S: Service<Request<Incoming>>> Service<Request<Incoming>> for Door<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    #[expect(unsafe_code, reason = "only a door knows that hyper made the request")]
    fn call(&self, mut request: Request<Incoming>) -> S::Future {
        // SAFETY: hyper has just made this request from bytes that it read, and gives it away. See
        // `Door` for why nobody else can have called.
        let found = unsafe {
            let in_headers = detach_secrets(request.headers_mut(), self.secrets.is_secret);
            detach_query(request.uri_mut()) || in_headers
        };
        if found {
            self.passed.store(true, Ordering::Relaxed);
            self.secrets.met.store(true, Ordering::Release);
        }
        self.service.call(request)
    }
}

/// Replaces each secret value by a sensitive copy of its own and overwrites the original. Whether
/// there was one.
///
/// # Safety
/// hyper's server made `headers` from bytes that it read, and nothing has touched them since.
#[expect(unsafe_code, reason = "its caller must know where the values came from")]
unsafe fn detach_secrets(headers: &mut HeaderMap, is_secret: IsSecret) -> bool {
    let mut found = false;
    for (name, value) in headers.iter_mut().filter(|(name, _)| is_secret(name)) {
        if is_from_static_table(name) {
            continue;
        }
        let mut copy = HeaderValue::from_bytes(value.as_bytes())
            .expect("the bytes are those of a header value");
        copy.set_sensitive(true);
        let original = std::mem::replace(value, copy);
        // SAFETY: the caller's promise, and the name is none that HPACK's static table has values of.
        unsafe { overwrite_received(ptr::from_ref(original.as_bytes())) };
        drop(original);
        found = true;
    }
    found
}

/// Replaces a target that has a query by a copy of its own and overwrites the original: presigners
/// put headers there, under names that can be escaped in any way. Whether there was a query.
///
/// # Safety
/// hyper's server made `target` from bytes that it read, and nothing has touched it since.
#[expect(unsafe_code, reason = "its caller must know where the target came from")]
unsafe fn detach_query(target: &mut Uri) -> bool {
    if target.query().is_none() {
        return false;
    }
    let mut parts = std::mem::take(target).into_parts();
    let original = parts.path_and_query.take().expect("a query is part of it");
    let copy = Bytes::copy_from_slice(original.as_str().as_bytes());
    let copy = PathAndQuery::from_maybe_shared(copy).expect("it was read from the same bytes");
    parts.path_and_query = Some(copy);
    *target = Uri::from_parts(parts).expect("the parts are those of a target");
    // SAFETY: the caller's promise. HPACK's static table has two paths, and none has a query.
    unsafe { overwrite_received(ptr::from_ref(original.as_str().as_bytes())) };
    drop(original);
    true
}

/// The one field of HPACK's static table (RFC 7541, appendix A) that has a value and is no
/// pseudo-header. h2 hands its value out as static bytes, which must not be written to.
fn is_from_static_table(name: &HeaderName) -> bool {
    name == header::ACCEPT_ENCODING
}

/// Overwrites the bytes of a header value, or of a path and query, where they stand.
///
/// # Safety
/// hyper's server cut the value that owns `bytes` out of a head that it read, and has just handed it
/// over; no clone of it was made. The caller drops it without looking at it again. (A pointer and no
/// reference, whose bytes the compiler may take for unchanged while this function runs.)
#[expect(unsafe_code, reason = "writes to bytes that are shared by their type, but not in truth")]
unsafe fn overwrite_received(bytes: *const [u8]) {
    let (address, length) = (bytes.cast::<u8>().expose_provenance(), bytes.len());
    if length == 0 {
        return;
    }
    let start = ptr::with_exposed_provenance_mut::<u8>(address);
    // SAFETY: the bytes may be written, and nobody looks at them at the same time:
    // - They are on the heap, and writable. A value is a slice of the `BytesMut` that hyper's HTTP/1
    //   reads into (`buf.split_to(len).freeze()`, then `slice` for the target and each value), or
    //   that h2 cuts or Huffman-decodes each literal of a field block into. Values of HPACK's static
    //   table are empty, or excluded by the callers.
    // - They are alive: the caller's value counts as a holder of their block until it is dropped.
    // - Their range is this value's alone. Names are copied, other values, the authority and the
    //   target are other ranges of the head, and the buffer that hyper reads on into begins behind
    //   the head. It counts as a holder of the same block, which is why `Bytes::try_into_mut` would
    //   refuse, but it cannot reach back while the value lives.
    // - hyper keeps no clone. h2's dynamic table would (`entry.clone()`), if it had a size; even
    //   then it is read by the connection's own task, which is the one that is here, and it would
    //   read zeros. h2's clone of the path lives while it parses it.
    // - No reference to the bytes is used any more; the value holds a raw pointer. `Bytes` is meant
    //   for sharing and promises no right to write, so this stands on how it is built (a raw pointer
    //   into a block that was written through `BytesMut`), not on its documentation. Tests look at
    //   the buffer, so that an update of hyper cannot undo it silently.
    // - Zeros are valid UTF-8, so that a path and query is a text also then.
    unsafe { wiping::overwrite(start, length) };
}

#[cfg(test)]
mod tests;
