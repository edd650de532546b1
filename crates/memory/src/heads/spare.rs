//! Wiping the unused part of hyper's input buffer.
//!
//! When hyper makes room in its buffer, it may move what it has of a head to the front; the place
//! where those bytes stood before becomes unused, and keeps them.
//!
//! Guarantees: after a secret has passed the door, the whole unused part of the buffer is overwritten
//! before hyper reads on. hyper always reads on, if only to learn that the client has left.
//!
//! Does not: wipe again before the next secret: a connection that takes a large body reads into a
//! large buffer, and would pay for it at every read.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};

use crate::wiping;

/// A stream that wipes what its reader's buffer has left, once after each secret.
#[derive(Debug)]
pub struct WipeSpare<I> {
    io: I,
    /// Raised by the door; lowered here.
    passed: Arc<AtomicBool>,
}

impl<I> WipeSpare<I> {
    pub(super) fn new(io: I, passed: Arc<AtomicBool>) -> Self {
        Self { io, passed }
    }
}

impl<I: Read + Unpin> Read for WipeSpare<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.passed.swap(false, Ordering::Relaxed) {
            wipe_rest(&mut buffer);
        }
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

#[expect(unsafe_code, reason = "writes to what may not be initialised")]
fn wipe_rest(buffer: &mut ReadBufCursor<'_>) {
    // SAFETY: nothing is uninitialised through the slice: it is overwritten with zeros, or untouched.
    let rest = unsafe { buffer.as_mut() };
    // SAFETY: the slice is borrowed alone, and as long as that.
    unsafe { wiping::overwrite(rest.as_mut_ptr().cast(), rest.len()) };
}

impl<I: Write + Unpin> Write for WipeSpare<I> {
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
        Pin::new(&mut self.io).poll_shutdown(context)
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
