//! The TCP socket under TLS.
//!
//! rustls decrypts records where it read them and leaves the plaintext there: a request's head, with
//! the customer's key, would stand in that buffer for as long as the connection waits for the next
//! request. The buffer is lent to the socket for each read, so it is wiped here.
//!
//! Guarantees: when the socket has nothing to give, all of the buffer that holds no record under way
//! is overwritten; a connection that waits keeps no plaintext of what it read. Costs some tens of
//! nanoseconds at a wait and nothing at a read. Does not: reach plaintext that rustls has handed on
//! in blocks of their own; those are wiped when freed.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::linger::Lingering;

/// A socket whose reader's buffer is wiped when it waits.
#[derive(Debug)]
pub(crate) struct Socket<S = Lingering<TcpStream>>(pub(crate) S);

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.0).poll_read(context, buffer);
        if polled.is_pending() {
            memory::wipe_bytes(buffer.initialize_unfilled());
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, slices)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn who_waits_keeps_nothing_of_what_was_read() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut socket = Socket(near);
        let mut kept = *b"one secret, and the next record: ...";
        let mut read = |kept: &mut [u8]| {
            let mut buffer = ReadBuf::new(kept);
            let polled = Pin::new(&mut socket).poll_read(&mut cx(), &mut buffer);
            (polled.is_pending(), buffer.filled().len())
        };
        let written = Pin::new(&mut far).poll_write(&mut cx(), b"now");
        assert!(matches!(written, Poll::Ready(Ok(3))));
        assert_eq!(read(&mut kept[..32]), (false, 3));
        assert_eq!(&kept, b"now secret, and the next record: ...", "a read only reads");
        assert_eq!(read(&mut kept[3..32]), (true, 0));
        assert_eq!(&kept[..3], b"now");
        assert_eq!(kept[3..32], [0; 29]);
        assert_eq!(&kept[32..], b" ...");
    }

    fn cx() -> Context<'static> {
        Context::from_waker(Waker::noop())
    }
}
