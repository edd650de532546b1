//! A socket that closes in stages, where the client is still sending.
//!
//! A socket that is closed on unread bytes resets the connection, and a reset takes away what the client had
//! not read yet: it would see a broken pipe, and try again, where it was told why it is refused. So the
//! sending half is closed first, and what comes is read and thrown away until the client closes, too (RFC 9112,
//! section 9.6).
//!
//! Guarantees: only a connection that was marked as having unread input lingers; none does for longer than
//! [`TOTAL`], nor beyond [`QUIET`] without a byte. Does not: know TLS or HTTP; what is thrown away is not decrypted.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// Raised when an answer went out before its request's body was read.
pub(crate) type Unread = Arc<AtomicBool>;

/// How long a client may go on sending after it was answered.
const TOTAL: Duration = Duration::from_secs(30);
/// How long it may be silent meanwhile.
const QUIET: Duration = Duration::from_secs(2);
/// What is thrown away at a time.
const BUFFER_BYTES: usize = 16 * 1024;

/// A stream that lingers when it is shut down with its mark raised.
#[derive(Debug)]
pub(crate) struct Lingering<S> {
    io: S,
    unread: Unread,
    /// There once the sending half is closed.
    farewell: Option<Farewell>,
}

/// The time between the two halves' ends.
#[derive(Debug)]
struct Farewell {
    last: Instant,
    quiet: Pin<Box<Sleep>>,
    thrown_away: Box<[u8]>,
}

impl<S> Lingering<S> {
    /// Around a stream; whoever holds the mark raises it.
    pub(crate) fn new(io: S, unread: Unread) -> Self {
        Self { io, unread, farewell: None }
    }
}

impl Farewell {
    fn begin() -> Self {
        let now = Instant::now();
        let thrown_away = vec![0; BUFFER_BYTES].into_boxed_slice();
        Self { last: now + TOTAL, quiet: Box::pin(sleep_until(now + QUIET)), thrown_away }
    }

    /// Ready when the client has closed, or has had its time.
    fn poll(&mut self, io: Pin<&mut impl AsyncRead>, context: &mut Context<'_>) -> Poll<()> {
        let mut io = io;
        loop {
            if self.quiet.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            let mut buffer = ReadBuf::new(&mut self.thrown_away);
            let read = ready!(io.as_mut().poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(());
            }
            self.quiet.as_mut().reset(self.last.min(Instant::now() + QUIET));
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.farewell.is_none() {
            ready!(Pin::new(&mut this.io).poll_shutdown(context))?;
            if !this.unread.load(Ordering::Relaxed) {
                return Poll::Ready(Ok(()));
            }
        }
        let farewell = this.farewell.get_or_insert_with(Farewell::begin);
        farewell.poll(Pin::new(&mut this.io), context).map(Ok)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
        time::{sleep, timeout},
    };

    use super::*;

    fn pair(unread: bool) -> (Lingering<DuplexStream>, DuplexStream) {
        let (near, far) = duplex(64);
        (Lingering::new(near, Arc::new(AtomicBool::new(unread))), far)
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_was_read_to_the_end_is_left_at_once() {
        let (mut near, _far) = pair(false);
        let begun = Instant::now();
        near.shutdown().await.unwrap();
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_on_gets_its_answer_and_ends_it() {
        let (mut near, mut far) = pair(true);
        near.write_all(b"403").await.unwrap();
        let client = tokio::spawn(async move {
            for _ in 0..50 {
                far.write_all(&[7; 1000]).await.unwrap();
                sleep(QUIET / 10).await;
            }
            let mut answer = String::new();
            far.read_to_string(&mut answer).await.unwrap();
            answer
        });
        near.shutdown().await.unwrap();
        let client = timeout(TOTAL, client).await.expect("nobody reads what the client sends");
        assert_eq!(client.unwrap(), "403");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_left_soon_and_a_tireless_one_in_the_end() {
        let (mut near, _far) = pair(true);
        let begun = Instant::now();
        near.shutdown().await.unwrap();
        assert_eq!(begun.elapsed(), QUIET);

        let (mut near, mut far) = pair(true);
        let sending = tokio::spawn(async move {
            while far.write_all(b"more").await.is_ok() {
                sleep(QUIET / 2).await;
            }
        });
        let begun = Instant::now();
        near.shutdown().await.unwrap();
        assert_eq!(begun.elapsed(), TOTAL);
        drop(near);
        sending.await.unwrap();
    }
}
