//! Taking secret header values out of hyper's buffers, at the moment a request arrives.
//!
//! hyper hands out header values as slices of the buffer that it read the head into, and goes on
//! using that buffer for the connection's next requests. A customer's key would stay in it until
//! other bytes happen to cover it, or until the connection closes.
//!
//! So hyper is served here, through a [`Door`] that stands before the service: each value of a
//! secret header is copied into a block of its own, the slice in hyper's buffer is overwritten, and
//! the service sees the copy, marked sensitive. The copy is freed with the request, and wiped by
//! [`crate::WipingAllocator`] then.
//!
//! Guarantees: when the service is called, hyper's buffer holds none of the secret values, and
//! nothing can tell that the request was touched but its values' sensitive mark.
//!
//! Does not: reach the bytes before hyper (TLS, sockets) or values in the request's target or body;
//! those blocks are wiped when they are freed. In HTTP/2, a value that was sent Huffman-coded stays
//! in that form in the frame's buffer until it is freed.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::rt::bounds::Http2ServerConnExec;
use hyper::rt::{Read, Write};
use hyper::server::conn::{http1, http2};
use hyper::service::Service;

use crate::wiping;

/// Which headers carry secrets.
pub type IsSecret = fn(&HeaderName) -> bool;

/// Serves one HTTP/1 connection with `service` behind the door.
pub fn serve_http1<I, S, B>(
    builder: &http1::Builder,
    io: I,
    service: S,
    is_secret: IsSecret,
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
    let connection = builder.serve_connection(io, Door { service, is_secret });
    Http1Connection { connection: Box::pin(connection) }
}

/// Serves one HTTP/2 connection with `service` behind the door.
///
/// The builder must have `header_table_size(0)`. With a table, hyper would remember overwritten
/// values, and a client that refers to one again would be read as having sent zeros.
pub fn serve_http2<I, S, B, E>(
    builder: &http2::Builder<E>,
    io: I,
    service: S,
    is_secret: IsSecret,
) -> http2::Connection<I, Door<S>, E>
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
    builder.serve_connection(io, Door { service, is_secret })
}

/// An HTTP/1 connection, as hyper's own but for what would let the [`Door`] out of it.
pub struct Http1Connection<I, S>
where
    S: Service<Request<Incoming>>,
    Door<S>: hyper::service::HttpService<Incoming>,
{
    connection: Pin<Box<http1::Connection<I, Door<S>>>>,
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
    is_secret: IsSecret,
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
        unsafe { detach_secrets(request.headers_mut(), self.is_secret) };
        self.service.call(request)
    }
}

/// Replaces each secret value by a sensitive copy of its own and overwrites the original.
///
/// # Safety
/// hyper's server made `headers` from bytes that it read, and nothing has touched them since.
#[expect(unsafe_code, reason = "its caller must know where the values came from")]
unsafe fn detach_secrets(headers: &mut HeaderMap, is_secret: IsSecret) {
    for (name, value) in headers.iter_mut().filter(|(name, _)| is_secret(name)) {
        if is_from_static_table(name) {
            continue;
        }
        let mut copy = HeaderValue::from_bytes(value.as_bytes())
            .expect("the bytes are those of a header value");
        copy.set_sensitive(true);
        let original = std::mem::replace(value, copy);
        // SAFETY: the caller's promise, and the name is none that HPACK's static table has values of.
        unsafe { overwrite_received(original) };
    }
}

/// The one field of HPACK's static table (RFC 7541, appendix A) that has a value and is no
/// pseudo-header. h2 hands its value out as static bytes, which must not be written to.
fn is_from_static_table(name: &HeaderName) -> bool {
    name == header::ACCEPT_ENCODING
}

/// Overwrites the bytes of a header value where they stand.
///
/// # Safety
/// hyper's server cut the value out of a head that it read, and has just handed it over; no clone of
/// it was made.
#[expect(unsafe_code, reason = "writes to bytes that are shared by their type, but not in truth")]
unsafe fn overwrite_received(value: HeaderValue) {
    let bytes = value.as_bytes();
    let (address, length) = (bytes.as_ptr().expose_provenance(), bytes.len());
    if length == 0 {
        return;
    }
    let start = std::ptr::with_exposed_provenance_mut::<u8>(address);
    // SAFETY: the bytes may be written, and nobody looks at them at the same time:
    // - They are on the heap, and writable. A value is a slice of the `BytesMut` that hyper's HTTP/1
    //   reads into (`buf.split_to(len).freeze()`, then `slice` for each value), or that h2 cuts or
    //   Huffman-decodes each literal of a field block into. Values of HPACK's static table are
    //   empty, or excluded by the caller.
    // - They are alive: `value` counts as a holder of their block until the end of this function.
    // - Their range is this value's alone. Names are copied, other values and the target are other
    //   ranges of the head, and the buffer that hyper reads on into begins behind the head. It
    //   counts as a holder of the same block, which is why `Bytes::try_into_mut` would refuse, but
    //   it cannot reach back while `value` lives.
    // - hyper keeps no clone. h2's dynamic table would (`entry.clone()`), if it had a size; even
    //   then it is read by the connection's own task, which is the one that is here, and it would
    //   read zeros.
    // - No reference to the bytes lives: `bytes` is not used any more, and `value` holds a raw
    //   pointer. `Bytes` is meant for sharing and promises no right to write, so this stands on how
    //   it is built (a raw pointer into a block that was written through `BytesMut`), not on its
    //   documentation. Tests look at the buffer, so that an update of hyper cannot undo it silently.
    unsafe { wiping::overwrite(start, length) };
    drop(value);
}

#[cfg(test)]
mod tests;
