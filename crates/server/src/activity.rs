//! Whether a connection moves: who waits for whom, and since when.
//!
//! A connection may be quiet for two reasons: the server works (a commit, a slow disk), which is never
//! the client's fault, or the client neither sends nor takes anything. Only the second is timed. The
//! server works while a handler runs that does not wait for its request's body, and while a response
//! body is asked for a frame and has none yet.
//!
//! Guarantees: holds for HTTP/1 and HTTP/2 alike, since it looks at bodies and not at the socket; costs
//! no allocation per frame. Does not: count bytes or judge speed; a client that keeps taking frames,
//! however slowly, is never idle for long.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, sleep};

/// What one connection is doing.
#[derive(Debug)]
pub(crate) struct Activity {
    opened: Instant,
    /// Milliseconds after `opened` at which something last moved.
    moved: AtomicU64,
    /// How many requests the server itself is working on.
    working: AtomicUsize,
}

impl Activity {
    /// Of a connection that opens now.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            moved: AtomicU64::new(0),
            working: AtomicUsize::new(0),
        })
    }

    /// Ends when the client has been idle for `limit`.
    pub(crate) async fn idle_for(&self, limit: Duration) {
        loop {
            if self.working.load(Ordering::Relaxed) > 0 {
                self.touch();
            }
            let moved = Duration::from_millis(self.moved.load(Ordering::Relaxed));
            match limit.checked_sub(self.opened.elapsed().saturating_sub(moved)) {
                None | Some(Duration::ZERO) => return,
                Some(rest) => sleep(rest).await,
            }
        }
    }

    fn touch(&self) {
        let elapsed = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved.store(elapsed, Ordering::Relaxed);
    }
}

/// Stands for one piece of the server's own work.
#[derive(Debug)]
struct Working(Arc<Activity>);

impl Working {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.working.fetch_add(1, Ordering::Relaxed);
        Self(activity.clone())
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.touch();
        self.0.working.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A handler that runs. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Running {
    phase: Arc<Mutex<Phase>>,
    unread: Arc<Mutex<Option<Unread>>>,
}

/// Whose turn it is in one request.
#[derive(Debug)]
enum Phase {
    /// The server's.
    Server(Working),
    /// The client's, which owes bytes of the request's body.
    Client(Arc<Activity>),
    /// The handler has answered.
    Over,
}

impl Running {
    /// Begins a handler on this connection, with its request's body.
    pub(crate) fn begin(activity: &Arc<Activity>, body: Incoming) -> (Self, RequestBody) {
        let phase = Arc::new(Mutex::new(Phase::Server(Working::begin(activity))));
        let unread = Arc::new(Mutex::new(None));
        let (inner, unread_too) = (Some(body), unread.clone());
        let body = RequestBody { inner, begun: false, phase: phase.clone(), unread: unread_too };
        (Self { phase, unread }, body)
    }

    /// Reads on, to a small bound, what the handler left of the request's body; whether that was all.
    ///
    /// A client that does not wait for `100 Continue` is still sending when it is refused. A connection
    /// that closes on unread bytes is reset, and the client may never see why. Nothing is read of a
    /// body that `waits` for the `100 Continue` that the first read would send.
    pub(crate) async fn read_on(&self, waits: bool) -> bool {
        let left = self.unread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Unread { mut body, begun }) = left else { return true };
        if waits && !begun {
            return false;
        }
        let reading = async {
            let mut read = 0;
            while let Some(frame) = body.frame().await {
                let Ok(frame) = frame else { return false };
                read += frame.data_ref().map_or(0, Bytes::len);
                if read > READ_ON_BYTES_MAX {
                    return false;
                }
            }
            true
        };
        tokio::time::timeout(READ_ON_TIME, reading).await.unwrap_or(false)
    }
}

/// What a handler left of a body, and whether it had begun to read.
#[derive(Debug)]
struct Unread {
    body: Incoming,
    begun: bool,
}

/// What is read of a refused request's body: what a client may have sent before it could know.
const READ_ON_BYTES_MAX: usize = 64 * 1024;
/// For how long: a client on the other side of the world has sent that much by then.
const READ_ON_TIME: Duration = Duration::from_secs(1);

impl Drop for Running {
    fn drop(&mut self) {
        *lock(&self.phase) = Phase::Over;
    }
}

fn lock(phase: &Mutex<Phase>) -> MutexGuard<'_, Phase> {
    phase.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The turn passes to the client: the body was asked for bytes that are not there.
fn wait_for_client(phase: &Mutex<Phase>) {
    let mut phase = lock(phase);
    if let Phase::Server(working) = &*phase {
        *phase = Phase::Client(working.0.clone());
    }
}

/// The turn passes to the server: bytes came, or the body is not wanted any more.
fn resume(phase: &Mutex<Phase>) {
    let mut phase = lock(phase);
    if let Phase::Client(activity) = &*phase {
        *phase = Phase::Server(Working::begin(activity));
    }
}

/// A request's body, which knows when it waits for the client.
#[derive(Debug)]
pub(crate) struct RequestBody {
    /// There until it is dropped.
    inner: Option<Incoming>,
    begun: bool,
    phase: Arc<Mutex<Phase>>,
    /// Where what is left of it goes.
    unread: Arc<Mutex<Option<Unread>>>,
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.begun = true;
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        let polled = Pin::new(inner).poll_frame(cx);
        if polled.is_pending() {
            wait_for_client(&self.phase);
        } else {
            resume(&self.phase);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let left = self.inner.take().filter(|body| !body.is_end_stream());
        let left = left.map(|body| Unread { body, begun: self.begun });
        *self.unread.lock().unwrap_or_else(PoisonError::into_inner) = left;
        resume(&self.phase);
    }
}

/// A response's body, which marks each frame that is taken and counts as work while it has none ready.
#[derive(Debug)]
pub(crate) struct ResponseBody<B> {
    inner: Pin<Box<B>>,
    activity: Arc<Activity>,
    working: Option<Working>,
}

impl<B> ResponseBody<B> {
    /// Of an answer on this connection.
    pub(crate) fn new(activity: &Arc<Activity>, body: B) -> Self {
        Self { inner: Box::pin(body), activity: activity.clone(), working: None }
    }
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let polled = self.inner.as_mut().poll_frame(cx);
        if polled.is_pending() {
            if self.working.is_none() {
                self.working = Some(Working::begin(&self.activity));
            }
        } else {
            self.working = None;
            self.activity.touch();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_quiet_client_is_idle_after_the_limit() {
        let begun = Instant::now();
        Activity::new().idle_for(LIMIT).await;
        assert_eq!(begun.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn the_servers_own_work_is_not_the_clients_idleness() {
        let activity = Activity::new();
        let work = Working::begin(&activity);
        let begun = Instant::now();
        tokio::spawn(async move {
            sleep(LIMIT * 5).await;
            drop(work);
        });
        activity.idle_for(LIMIT).await;
        assert!(begun.elapsed() >= LIMIT * 6, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_a_request_body_is_the_clients_idleness() {
        let activity = Activity::new();
        let phase = Mutex::new(Phase::Server(Working::begin(&activity)));
        wait_for_client(&phase);
        let begun = Instant::now();
        activity.idle_for(LIMIT).await;
        assert_eq!(begun.elapsed(), LIMIT);
        resume(&phase);
        assert_eq!(activity.working.load(Ordering::Relaxed), 1);
        *lock(&phase) = Phase::Over;
        assert_eq!(activity.working.load(Ordering::Relaxed), 0);
    }
}
