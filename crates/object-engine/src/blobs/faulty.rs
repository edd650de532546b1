//! Faults as decorators: failing, slow and torn blob stores, for tests.
//!
//! Guarantees: each does one thing to what it wraps and passes everything else through, method by
//! method. Does not: combine; wrap one in another for that.

use std::{
    collections::HashMap,
    fmt,
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

use super::{
    BlobError, BlobId, BlobReader, BlobStore, BlobWriter, buffers::Buffer,
    installation::InstallationId,
};

/// What can be made to fail or wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobOperation {
    /// [`BlobStore::create`].
    Create,
    /// [`BlobWriter::ready`].
    Write,
    /// [`BlobWriter::finish`]; the blob is abandoned, as after a failed sync.
    Finish,
    /// [`BlobStore::open`].
    Open,
    /// [`BlobReader::read_at`].
    Read,
    /// [`BlobStore::delete`].
    Delete,
    /// [`BlobStore::scrub`].
    Scrub,
    /// [`BlobStore::present`].
    Present,
    /// [`BlobStore::installation`].
    Installation,
    /// [`BlobStore::claim`].
    Claim,
}

/// Fails the N-th operation of a kind, once.
#[derive(Clone, Debug)]
pub struct FailingBlobs {
    inner: Arc<dyn BlobStore>,
    plan: Arc<Plan>,
}

#[derive(Debug)]
struct Plan {
    operation: BlobOperation,
    error: BlobError,
    /// Operations of the kind until the one that fails; 0 afterwards.
    left: AtomicUsize,
}

impl FailingBlobs {
    /// Fails the `n`-th (from 1) `operation` over all blobs by `error`.
    #[must_use]
    pub fn new(
        inner: Arc<dyn BlobStore>,
        n: usize,
        operation: BlobOperation,
        error: BlobError,
    ) -> Self {
        let left = AtomicUsize::new(n);
        Self { inner, plan: Arc::new(Plan { operation, error, left }) }
    }

    /// Whether the fault has struck; while false for some N, N is beyond what the test does.
    #[must_use]
    pub fn has_struck(&self) -> bool {
        self.plan.left.load(Ordering::Acquire) == 0
    }
}

impl Plan {
    fn before(&self, operation: BlobOperation) -> Result<(), BlobError> {
        let count =
            |left: usize| (operation == self.operation).then(|| left.checked_sub(1)).flatten();
        match self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, count) {
            Ok(1) => Err(self.error.clone()),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl BlobStore for FailingBlobs {
    async fn create(
        &self,
        id: BlobId,
        length: Option<u64>,
    ) -> Result<Box<dyn BlobWriter>, BlobError> {
        self.plan.before(BlobOperation::Create)?;
        let inner = self.inner.create(id, length).await?;
        Ok(Box::new(FailingWriter { inner, plan: Arc::clone(&self.plan) }))
    }

    async fn open(&self, id: BlobId, length: u64) -> Result<Box<dyn BlobReader>, BlobError> {
        self.plan.before(BlobOperation::Open)?;
        let inner = self.inner.open(id, length).await?;
        Ok(Box::new(FailingReader { inner, plan: Arc::clone(&self.plan) }))
    }

    async fn delete(&self, id: BlobId) -> Result<(), BlobError> {
        self.plan.before(BlobOperation::Delete)?;
        self.inner.delete(id).await
    }

    async fn scrub(&self, id: BlobId, length: u64) -> Result<(), BlobError> {
        self.plan.before(BlobOperation::Scrub)?;
        self.inner.scrub(id, length).await
    }

    async fn present(&self, ids: Range<u64>) -> Result<Vec<BlobId>, BlobError> {
        self.plan.before(BlobOperation::Present)?;
        self.inner.present(ids).await
    }

    async fn installation(&self) -> Result<Option<InstallationId>, BlobError> {
        self.plan.before(BlobOperation::Installation)?;
        self.inner.installation().await
    }

    async fn claim(&self, ours: InstallationId) -> Result<InstallationId, BlobError> {
        self.plan.before(BlobOperation::Claim)?;
        self.inner.claim(ours).await
    }
}

struct FailingWriter {
    inner: Box<dyn BlobWriter>,
    plan: Arc<Plan>,
}

#[async_trait]
impl BlobWriter for FailingWriter {
    async fn ready(&mut self) -> Result<(), BlobError> {
        self.plan.before(BlobOperation::Write)?;
        self.inner.ready().await
    }

    fn spare(&mut self) -> &mut [u8] {
        self.inner.spare()
    }

    fn advance(&mut self, n: usize) {
        self.inner.advance(n);
    }

    async fn finish(self: Box<Self>) -> Result<u64, BlobError> {
        self.plan.before(BlobOperation::Finish)?;
        self.inner.finish().await
    }
}

struct FailingReader {
    inner: Box<dyn BlobReader>,
    plan: Arc<Plan>,
}

#[async_trait]
impl BlobReader for FailingReader {
    async fn read_at(&self, offset: u64, buffer: Buffer) -> Result<Buffer, BlobError> {
        self.plan.before(BlobOperation::Read)?;
        self.inner.read_at(offset, buffer).await
    }
}

/// Waits before every operation.
#[derive(Clone, Debug)]
pub struct SlowBlobs {
    inner: Arc<dyn BlobStore>,
    delay: Duration,
}

impl SlowBlobs {
    /// Waits `delay` before each operation.
    #[must_use]
    pub fn new(inner: Arc<dyn BlobStore>, delay: Duration) -> Self {
        Self { inner, delay }
    }
}

#[async_trait]
impl BlobStore for SlowBlobs {
    async fn create(
        &self,
        id: BlobId,
        length: Option<u64>,
    ) -> Result<Box<dyn BlobWriter>, BlobError> {
        tokio::time::sleep(self.delay).await;
        let inner = self.inner.create(id, length).await?;
        Ok(Box::new(SlowWriter { inner, delay: self.delay }))
    }

    async fn open(&self, id: BlobId, length: u64) -> Result<Box<dyn BlobReader>, BlobError> {
        tokio::time::sleep(self.delay).await;
        let inner = self.inner.open(id, length).await?;
        Ok(Box::new(SlowReader { inner, delay: self.delay }))
    }

    async fn delete(&self, id: BlobId) -> Result<(), BlobError> {
        tokio::time::sleep(self.delay).await;
        self.inner.delete(id).await
    }

    async fn scrub(&self, id: BlobId, length: u64) -> Result<(), BlobError> {
        tokio::time::sleep(self.delay).await;
        self.inner.scrub(id, length).await
    }

    async fn present(&self, ids: Range<u64>) -> Result<Vec<BlobId>, BlobError> {
        tokio::time::sleep(self.delay).await;
        self.inner.present(ids).await
    }

    async fn installation(&self) -> Result<Option<InstallationId>, BlobError> {
        tokio::time::sleep(self.delay).await;
        self.inner.installation().await
    }

    async fn claim(&self, ours: InstallationId) -> Result<InstallationId, BlobError> {
        tokio::time::sleep(self.delay).await;
        self.inner.claim(ours).await
    }
}

struct SlowWriter {
    inner: Box<dyn BlobWriter>,
    delay: Duration,
}

#[async_trait]
impl BlobWriter for SlowWriter {
    async fn ready(&mut self) -> Result<(), BlobError> {
        tokio::time::sleep(self.delay).await;
        self.inner.ready().await
    }

    fn spare(&mut self) -> &mut [u8] {
        self.inner.spare()
    }

    fn advance(&mut self, n: usize) {
        self.inner.advance(n);
    }

    async fn finish(self: Box<Self>) -> Result<u64, BlobError> {
        tokio::time::sleep(self.delay).await;
        self.inner.finish().await
    }
}

struct SlowReader {
    inner: Box<dyn BlobReader>,
    delay: Duration,
}

#[async_trait]
impl BlobReader for SlowReader {
    async fn read_at(&self, offset: u64, buffer: Buffer) -> Result<Buffer, BlobError> {
        tokio::time::sleep(self.delay).await;
        self.inner.read_at(offset, buffer).await
    }
}

/// What a torn blob looks like to a later reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tear {
    /// It is gone.
    Missing,
    /// Nothing is there from this offset on, in bytes; opening finds out.
    Truncated(u64),
    /// The byte at this offset has its lowest bit changed. Reads answer it as a bad disk does;
    /// scrubbing finds out.
    Flipped(u64),
}

/// Damages what later reads see, without touching what is stored.
#[derive(Clone)]
pub struct TornBlobs {
    inner: Arc<dyn BlobStore>,
    tears: Arc<Mutex<HashMap<BlobId, Tear>>>,
}

impl fmt::Debug for TornBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TornBlobs").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl TornBlobs {
    /// Undamaged at first.
    #[must_use]
    pub fn new(inner: Arc<dyn BlobStore>) -> Self {
        Self { inner, tears: Arc::default() }
    }

    /// Damages blob `id` for everyone who opens or scrubs it from now on.
    pub fn tear(&self, id: BlobId, tear: Tear) {
        self.tears.lock().unwrap_or_else(PoisonError::into_inner).insert(id, tear);
    }

    /// Takes the damage of blob `id` back.
    pub fn mend(&self, id: BlobId) {
        self.tears.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    fn tear_of(&self, id: BlobId) -> Option<Tear> {
        self.tears.lock().unwrap_or_else(PoisonError::into_inner).get(&id).copied()
    }

    /// Fails where the damage is one that opening finds.
    fn check(&self, id: BlobId, length: u64) -> Result<(), BlobError> {
        let detail = match self.tear_of(id) {
            Some(Tear::Missing) => "is missing",
            Some(Tear::Truncated(at)) if at < length => "is shorter than it was",
            _ => return Ok(()),
        };
        Err(BlobError::Damaged { id, detail: detail.into() })
    }
}

#[async_trait]
impl BlobStore for TornBlobs {
    async fn create(
        &self,
        id: BlobId,
        length: Option<u64>,
    ) -> Result<Box<dyn BlobWriter>, BlobError> {
        self.inner.create(id, length).await
    }

    async fn open(&self, id: BlobId, length: u64) -> Result<Box<dyn BlobReader>, BlobError> {
        self.check(id, length)?;
        let inner = self.inner.open(id, length).await?;
        match self.tear_of(id) {
            Some(Tear::Flipped(at)) => Ok(Box::new(TornReader { inner, at })),
            _ => Ok(inner),
        }
    }

    async fn delete(&self, id: BlobId) -> Result<(), BlobError> {
        self.inner.delete(id).await
    }

    async fn scrub(&self, id: BlobId, length: u64) -> Result<(), BlobError> {
        self.check(id, length)?;
        match self.tear_of(id) {
            Some(Tear::Flipped(at)) if at < length => {
                Err(BlobError::Damaged { id, detail: "does not match its CRC32C".into() })
            }
            _ => self.inner.scrub(id, length).await,
        }
    }

    async fn present(&self, ids: Range<u64>) -> Result<Vec<BlobId>, BlobError> {
        let mut found = self.inner.present(ids).await?;
        found.retain(|id| self.tear_of(*id) != Some(Tear::Missing));
        Ok(found)
    }

    async fn installation(&self) -> Result<Option<InstallationId>, BlobError> {
        self.inner.installation().await
    }

    async fn claim(&self, ours: InstallationId) -> Result<InstallationId, BlobError> {
        self.inner.claim(ours).await
    }
}

struct TornReader {
    inner: Box<dyn BlobReader>,
    at: u64,
}

#[async_trait]
impl BlobReader for TornReader {
    async fn read_at(&self, offset: u64, buffer: Buffer) -> Result<Buffer, BlobError> {
        let mut buffer = self.inner.read_at(offset, buffer).await?;
        let index = self.at.checked_sub(offset).and_then(|index| usize::try_from(index).ok());
        if let Some(byte) = index.and_then(|index| buffer.get_mut(index)) {
            *byte ^= 1;
        }
        Ok(buffer)
    }
}
