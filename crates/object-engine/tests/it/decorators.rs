//! Decorators that force an interleaving, or end a process in the middle.

use std::{
    fmt,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use object_engine::{
    blobs::{BlobError, BlobId, BlobReader, BlobStore, BlobWriter, installation::InstallationId},
    catalog::{
        Catalog, CatalogError, Commit, CommitError, Direction, Entry, Read, Space, Stamp, Visitor,
    },
};
use tokio::sync::oneshot;

type Matches = fn(&Commit) -> bool;

/// A catalog in which a test can stop one commit, or one walk, on its way, after its verb has read.
#[derive(Debug)]
pub(crate) struct PausingCatalog {
    inner: Arc<dyn Catalog>,
    next: Mutex<Option<Armed>>,
    next_walk: Mutex<Option<Armed>>,
}

struct Armed {
    matches: Matches,
    side: Side,
    reached: oneshot::Sender<()>,
    resume: oneshot::Receiver<Resumed>,
}

/// What becomes of a stopped commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resumed {
    Done,
    Refused,
}

impl Armed {
    fn that(matches: Matches, side: Side) -> (Self, Pause) {
        let (reached_tx, reached) = oneshot::channel();
        let (resume, resume_rx) = oneshot::channel();
        (Self { matches, side, reached: reached_tx, resume: resume_rx }, Pause { reached, resume })
    }

    async fn stop(self) -> Resumed {
        self.reached.send(()).unwrap();
        self.resume.await.unwrap()
    }
}

impl fmt::Debug for Armed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Armed")
    }
}

/// A stopped commit or walk.
pub(crate) struct Pause {
    reached: oneshot::Receiver<()>,
    resume: oneshot::Sender<Resumed>,
}

impl Pause {
    /// Waits until the commit is stopped.
    pub(crate) async fn reached(&mut self) {
        (&mut self.reached).await.unwrap();
    }

    /// Lets it go on.
    pub(crate) fn resume(self) {
        self.resume.send(Resumed::Done).unwrap();
    }

    /// Answers that the catalog is unavailable; a commit stopped before it took effect has none.
    pub(crate) fn refuse(self) {
        self.resume.send(Resumed::Refused).unwrap();
    }
}

impl PausingCatalog {
    pub(crate) fn new(inner: Arc<dyn Catalog>) -> Arc<Self> {
        Arc::new(Self { inner, next: Mutex::default(), next_walk: Mutex::default() })
    }

    /// Stops the next commit that `matches`.
    pub(crate) fn pause(&self, matches: Matches) -> Pause {
        self.pause_at(Side::Before, matches)
    }

    /// Stops the next commit that `matches`, before or after it takes effect.
    pub(crate) fn pause_at(&self, side: Side, matches: Matches) -> Pause {
        let (armed, pause) = Armed::that(matches, side);
        *self.next.lock().unwrap() = Some(armed);
        pause
    }

    /// Stops the next walk.
    pub(crate) fn pause_walk(&self) -> Pause {
        let (armed, pause) = Armed::that(|_| true, Side::Before);
        *self.next_walk.lock().unwrap() = Some(armed);
        pause
    }

    fn armed_for(&self, commit: &Commit) -> Option<Armed> {
        let mut next = self.next.lock().unwrap();
        if next.as_ref().is_some_and(|armed| (armed.matches)(commit)) { next.take() } else { None }
    }
}

#[async_trait]
impl Catalog for PausingCatalog {
    async fn read(&self, reads: &[Read]) -> Result<Vec<Option<(Vec<u8>, Entry)>>, CatalogError> {
        self.inner.read(reads).await
    }

    async fn walk(
        &self,
        space: Space,
        from: &[u8],
        direction: Direction,
        visitor: &mut Visitor<'_>,
    ) -> Result<(), CatalogError> {
        let armed = self.next_walk.lock().unwrap().take();
        if let Some(armed) = armed {
            armed.stop().await;
        }
        self.inner.walk(space, from, direction, visitor).await
    }

    async fn commit(&self, commit: Commit) -> Result<Stamp, CommitError> {
        let Some(armed) = self.armed_for(&commit) else { return self.inner.commit(commit).await };
        let refused = || Err(CommitError::Unavailable("refused".into()));
        if armed.side == Side::After {
            let done = self.inner.commit(commit).await;
            return if armed.stop().await == Resumed::Refused { refused() } else { done };
        }
        match armed.stop().await {
            Resumed::Done => self.inner.commit(commit).await,
            Resumed::Refused => refused(),
        }
    }
}

/// Whether a commit writes a key that begins so.
pub(crate) fn writes(commit: &Commit, prefix: &[u8]) -> bool {
    commit.mutations.iter().any(|mutation| mutation.key().bytes.starts_with(prefix))
}

/// Counts down the operations of a process; at none left it is dead, and every operation fails.
#[derive(Debug)]
pub(crate) struct Fuse {
    left: AtomicU64,
    last: LastCommit,
}

/// What becomes of a commit in whose middle the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastCommit {
    Lost,
    Done,
}

impl Fuse {
    pub(crate) fn of(operations: u64, last: LastCommit) -> Arc<Self> {
        Arc::new(Self { left: AtomicU64::new(operations), last })
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }

    /// Counts an operation; `false` if the process is dead, `Some(true)` if it dies in this one.
    fn burn(&self) -> Life {
        let down = |left: u64| left.checked_sub(1);
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, down) {
            Err(_) => Life::Dead,
            Ok(1) => Life::Dying,
            Ok(_) => Life::Alive,
        }
    }

    fn blob(&self) -> Result<(), BlobError> {
        match self.burn() {
            Life::Alive => Ok(()),
            Life::Dying | Life::Dead => Err(BlobError::Unavailable("dead".into())),
        }
    }

    fn catalog(&self) -> Result<(), CatalogError> {
        match self.burn() {
            Life::Alive => Ok(()),
            Life::Dying | Life::Dead => Err(CatalogError::Unavailable("dead".into())),
        }
    }
}

enum Life {
    Alive,
    Dying,
    Dead,
}

/// A catalog whose process dies when the fuse is burnt.
#[derive(Debug)]
pub(crate) struct MortalCatalog(pub(crate) Arc<dyn Catalog>, pub(crate) Arc<Fuse>);

#[async_trait]
impl Catalog for MortalCatalog {
    async fn read(&self, reads: &[Read]) -> Result<Vec<Option<(Vec<u8>, Entry)>>, CatalogError> {
        self.1.catalog()?;
        self.0.read(reads).await
    }

    async fn walk(
        &self,
        space: Space,
        from: &[u8],
        direction: Direction,
        visitor: &mut Visitor<'_>,
    ) -> Result<(), CatalogError> {
        self.1.catalog()?;
        self.0.walk(space, from, direction, visitor).await
    }

    async fn commit(&self, commit: Commit) -> Result<Stamp, CommitError> {
        match self.1.burn() {
            Life::Alive => self.0.commit(commit).await,
            Life::Dead => Err(CommitError::Unavailable("dead".into())),
            Life::Dying => {
                if self.1.last == LastCommit::Done {
                    let _ = self.0.commit(commit).await;
                }
                Err(CommitError::Unknown("died while committing".into()))
            }
        }
    }
}

/// A blob store whose process dies when the fuse is burnt.
#[derive(Debug)]
pub(crate) struct MortalBlobs(pub(crate) Arc<dyn BlobStore>, pub(crate) Arc<Fuse>);

struct MortalWriter(Box<dyn BlobWriter>, Arc<Fuse>);

#[async_trait]
impl BlobStore for MortalBlobs {
    async fn create(
        &self,
        id: BlobId,
        length: Option<u64>,
    ) -> Result<Box<dyn BlobWriter>, BlobError> {
        self.1.blob()?;
        Ok(Box::new(MortalWriter(self.0.create(id, length).await?, Arc::clone(&self.1))))
    }

    async fn open(&self, id: BlobId, length: u64) -> Result<Box<dyn BlobReader>, BlobError> {
        self.1.blob()?;
        self.0.open(id, length).await
    }

    async fn delete(&self, id: BlobId) -> Result<(), BlobError> {
        self.1.blob()?;
        self.0.delete(id).await
    }

    async fn scrub(&self, id: BlobId, length: u64) -> Result<(), BlobError> {
        self.0.scrub(id, length).await
    }

    async fn present(&self, ids: Range<u64>) -> Result<Vec<BlobId>, BlobError> {
        self.1.blob()?;
        self.0.present(ids).await
    }

    async fn installation(&self) -> Result<Option<InstallationId>, BlobError> {
        self.1.blob()?;
        self.0.installation().await
    }

    async fn claim(&self, ours: InstallationId) -> Result<InstallationId, BlobError> {
        self.1.blob()?;
        self.0.claim(ours).await
    }
}

#[async_trait]
impl BlobWriter for MortalWriter {
    async fn ready(&mut self) -> Result<(), BlobError> {
        self.1.blob()?;
        self.0.ready().await
    }

    fn spare(&mut self) -> &mut [u8] {
        self.0.spare()
    }

    fn advance(&mut self, n: usize) {
        self.0.advance(n);
    }

    async fn finish(self: Box<Self>) -> Result<u64, BlobError> {
        self.1.blob()?;
        self.0.finish().await
    }
}

/// Stops a process for a while at one of its operations.
#[derive(Debug)]
pub(crate) struct Gate {
    left: AtomicU64,
    side: Side,
    reached: tokio::sync::Notify,
    resume: tokio::sync::Notify,
}

/// Whether the process sleeps before the operation takes effect, or before it learns that it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Before,
    After,
}

impl Gate {
    pub(crate) fn at(operation: u64, side: Side) -> Arc<Self> {
        let left = AtomicU64::new(operation);
        Arc::new(Self { left, side, reached: Default::default(), resume: Default::default() })
    }

    /// Waits until the process sleeps.
    pub(crate) async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Wakes it.
    pub(crate) fn resume(&self) {
        self.resume.notify_one();
    }

    async fn pass<T>(&self, operation: impl Future<Output = T>) -> T {
        let down = |left: u64| left.checked_sub(1);
        let sleeps = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, down) == Ok(1);
        if sleeps && self.side == Side::Before {
            self.sleep().await;
        }
        let done = operation.await;
        if sleeps && self.side == Side::After {
            self.sleep().await;
        }
        done
    }

    async fn sleep(&self) {
        self.reached.notify_one();
        self.resume.notified().await;
    }
}

/// A catalog whose process sleeps at the gate.
#[derive(Debug)]
pub(crate) struct SleepyCatalog(pub(crate) Arc<dyn Catalog>, pub(crate) Arc<Gate>);

#[async_trait]
impl Catalog for SleepyCatalog {
    async fn read(&self, reads: &[Read]) -> Result<Vec<Option<(Vec<u8>, Entry)>>, CatalogError> {
        self.1.pass(self.0.read(reads)).await
    }

    async fn walk(
        &self,
        space: Space,
        from: &[u8],
        direction: Direction,
        visitor: &mut Visitor<'_>,
    ) -> Result<(), CatalogError> {
        self.1.pass(self.0.walk(space, from, direction, visitor)).await
    }

    async fn commit(&self, commit: Commit) -> Result<Stamp, CommitError> {
        self.1.pass(self.0.commit(commit)).await
    }
}

/// A blob store whose process sleeps at the gate.
#[derive(Debug)]
pub(crate) struct SleepyBlobs(pub(crate) Arc<dyn BlobStore>, pub(crate) Arc<Gate>);

struct SleepyWriter(Box<dyn BlobWriter>, Arc<Gate>);

#[async_trait]
impl BlobStore for SleepyBlobs {
    async fn create(
        &self,
        id: BlobId,
        length: Option<u64>,
    ) -> Result<Box<dyn BlobWriter>, BlobError> {
        let writer = self.1.pass(self.0.create(id, length)).await?;
        Ok(Box::new(SleepyWriter(writer, Arc::clone(&self.1))))
    }

    async fn open(&self, id: BlobId, length: u64) -> Result<Box<dyn BlobReader>, BlobError> {
        self.1.pass(self.0.open(id, length)).await
    }

    async fn delete(&self, id: BlobId) -> Result<(), BlobError> {
        self.1.pass(self.0.delete(id)).await
    }

    async fn scrub(&self, id: BlobId, length: u64) -> Result<(), BlobError> {
        self.0.scrub(id, length).await
    }

    async fn present(&self, ids: Range<u64>) -> Result<Vec<BlobId>, BlobError> {
        self.1.pass(self.0.present(ids)).await
    }

    async fn installation(&self) -> Result<Option<InstallationId>, BlobError> {
        self.1.pass(self.0.installation()).await
    }

    async fn claim(&self, ours: InstallationId) -> Result<InstallationId, BlobError> {
        self.1.pass(self.0.claim(ours)).await
    }
}

#[async_trait]
impl BlobWriter for SleepyWriter {
    async fn ready(&mut self) -> Result<(), BlobError> {
        self.1.pass(self.0.ready()).await
    }

    fn spare(&mut self) -> &mut [u8] {
        self.0.spare()
    }

    fn advance(&mut self, n: usize) {
        self.0.advance(n);
    }

    async fn finish(self: Box<Self>) -> Result<u64, BlobError> {
        self.1.pass(self.0.finish()).await
    }
}

/// A blob store whose mark a test writes and wipes.
#[derive(Debug)]
pub(crate) struct Remarked {
    inner: Arc<dyn BlobStore>,
    mark: Mutex<Option<InstallationId>>,
}

impl Remarked {
    /// Without a mark, whatever is in it.
    pub(crate) fn new(inner: Arc<dyn BlobStore>) -> Arc<Self> {
        Arc::new(Self { inner, mark: Mutex::default() })
    }

    pub(crate) fn mark(&self) -> Option<InstallationId> {
        *self.mark.lock().unwrap()
    }

    pub(crate) fn set_mark(&self, mark: Option<InstallationId>) {
        *self.mark.lock().unwrap() = mark;
    }
}

#[async_trait]
impl BlobStore for Remarked {
    async fn create(
        &self,
        id: BlobId,
        length: Option<u64>,
    ) -> Result<Box<dyn BlobWriter>, BlobError> {
        self.inner.create(id, length).await
    }

    async fn open(&self, id: BlobId, length: u64) -> Result<Box<dyn BlobReader>, BlobError> {
        self.inner.open(id, length).await
    }

    async fn delete(&self, id: BlobId) -> Result<(), BlobError> {
        self.inner.delete(id).await
    }

    async fn scrub(&self, id: BlobId, length: u64) -> Result<(), BlobError> {
        self.inner.scrub(id, length).await
    }

    async fn present(&self, ids: Range<u64>) -> Result<Vec<BlobId>, BlobError> {
        self.inner.present(ids).await
    }

    async fn installation(&self) -> Result<Option<InstallationId>, BlobError> {
        Ok(self.mark())
    }

    async fn claim(&self, ours: InstallationId) -> Result<InstallationId, BlobError> {
        Ok(*self.mark.lock().unwrap().get_or_insert(ours))
    }
}
