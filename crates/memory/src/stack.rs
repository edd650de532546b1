//! Wiping the stack that returned frames have left behind.
//!
//! A secret that moved through arguments, locals and spilled registers stays in the frames of the
//! functions that returned, until others happen to grow over them. On a worker thread that waits,
//! that may be never. No destructor reaches those copies; who called those functions can.
//!
//! Guarantees: [`STACK_BYTES`] bytes below the caller's frame are zero when [`wipe_stack`] returns.
//!
//! Does not: touch the caller's own frame or those above it, registers, or frames that were deeper
//! than [`STACK_BYTES`].

use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use crate::wiping;

/// How much [`wipe_stack`] wipes: more than one request's frames reach, and little enough to stay
/// in a core's cache (about a microsecond).
pub const STACK_BYTES: usize = 64 << 10;

/// Wipes [`STACK_BYTES`] of the stack beneath the caller.
pub fn wipe_stack() {
    wipe_stack_of::<STACK_BYTES>();
}

/// Wipes `BYTES` of the stack beneath the caller, which must have as much left: a worker thread has
/// 2 MiB. A stack that is too small ends the process at its guard page.
#[inline(never)]
#[expect(unsafe_code, reason = "writes over memory that is not initialised")]
pub fn wipe_stack_of<const BYTES: usize>() {
    let mut frame = MaybeUninit::<[u8; BYTES]>::uninit();
    // This function is never inlined, so its frame begins where the frames of the caller's earlier
    // callees began, and this array fills it.
    // SAFETY: the array is this function's own, and BYTES long.
    unsafe { wiping::overwrite(frame.as_mut_ptr().cast(), BYTES) };
}

/// Runs `work`, then wipes the stack that it used: for threads that are no async workers.
pub fn with_wiped_stack<T>(work: impl FnOnce() -> T) -> T {
    let result = call(work);
    wipe_stack();
    result
}

/// A future that wipes the stack after each poll of another, and after dropping it, so that nothing
/// of a request's key stays in the dead frames of a worker thread.
#[derive(Debug)]
#[must_use = "a future does nothing unless it is polled"]
pub struct WipeStack<F> {
    // Boxed: its state is then freed, and so wiped, by the allocator, and never copied by a move.
    future: Option<Pin<Box<F>>>,
    flag: Option<Arc<AtomicBool>>,
}

impl<F> WipeStack<F> {
    /// Wipes after every poll.
    pub fn new(future: F) -> Self {
        Self { future: Some(Box::pin(future)), flag: None }
    }

    /// Wipes after a poll only if the flag is raised by then, and in any case when the future is
    /// dropped: who never meets a secret need not pay for each poll. The flag is lowered by nobody: a
    /// secret's traces end with its future.
    pub fn when(flag: Arc<AtomicBool>, future: F) -> Self {
        Self { future: Some(Box::pin(future)), flag: Some(flag) }
    }

    fn wipe(&self) {
        if self.flag.as_ref().is_none_or(|flag| flag.load(Ordering::Acquire)) {
            wipe_stack();
        }
    }
}

impl<F: Future> Future for WipeStack<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let future = self.future.as_mut().expect("the future is taken only when this is dropped");
        let polled = call(|| future.as_mut().poll(context));
        self.wipe();
        polled
    }
}

impl<F> Drop for WipeStack<F> {
    fn drop(&mut self) {
        let future = self.future.take();
        call(|| drop(future));
        wipe_stack();
    }
}

/// Calls in a frame of its own, beneath the caller's: work that is inlined into the caller would
/// leave its locals where wiping does not reach.
#[inline(never)]
fn call<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::ptr;
    use std::task::Waker;

    use super::*;

    const PATTERN: u8 = 0xA7;
    const SEARCHED_BYTES: usize = 32 << 10;
    const RUN_BYTES: usize = 4;

    /// Leaves 16 KiB of a pattern in a frame that returns.
    #[inline(never)]
    fn leave_traces() {
        black_box(&mut [PATTERN; 16 << 10]);
    }

    /// Counts the pattern in the dead stack beneath the caller.
    #[inline(never)]
    #[expect(unsafe_code, reason = "a test looks at dead stack")]
    fn traces() -> usize {
        let frame = MaybeUninit::<[u8; SEARCHED_BYTES]>::uninit();
        let start = black_box(frame.as_ptr()).cast::<u8>();
        let is_trace = |at: usize| {
            // SAFETY: within this function's own array. Its bytes were never written by it, which
            // is the very thing looked for; volatile, so that the compiler assumes nothing.
            unsafe { ptr::read_volatile(start.add(at)) == PATTERN }
        };
        // Several in a row: an address that was left on the stack may have one such byte.
        let is_run = |at: &usize| (*at..at + RUN_BYTES).all(is_trace);
        (0..SEARCHED_BYTES - RUN_BYTES).filter(is_run).count()
    }

    fn poll_once<F: Future>(future: &mut WipeStack<F>) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn dead_frames_are_wiped() {
        leave_traces();
        assert!(traces() > 8 << 10, "the test does not see what it looks for");
        leave_traces();
        wipe_stack();
        assert_eq!(traces(), 0);
        with_wiped_stack(leave_traces);
        assert_eq!(traces(), 0);
    }

    #[test]
    fn a_poll_leaves_nothing_behind() {
        let mut future = WipeStack::new(async { leave_traces() });
        assert_eq!(poll_once(&mut future), Poll::Ready(()));
        assert_eq!(traces(), 0);
    }

    #[test]
    fn a_dropped_future_leaves_nothing_behind() {
        struct Traces;
        impl Drop for Traces {
            fn drop(&mut self) {
                leave_traces();
            }
        }
        let traced = Traces;
        let mut future = WipeStack::new(async move {
            let _kept = traced;
            std::future::pending::<()>().await;
        });
        assert_eq!(poll_once(&mut future), Poll::Pending);
        drop(future);
        assert_eq!(traces(), 0);
    }

    #[test]
    fn the_flag_decides() {
        let flag = Arc::new(AtomicBool::new(false));
        let mut future = WipeStack::when(Arc::clone(&flag), async { leave_traces() });
        assert_eq!(poll_once(&mut future), Poll::Ready(()));
        assert!(traces() > 8 << 10, "wiped without a flag");
        flag.store(true, Ordering::Release);
        let mut future = WipeStack::when(flag, async { leave_traces() });
        assert_eq!(poll_once(&mut future), Poll::Ready(()));
        assert_eq!(traces(), 0);
    }
}
