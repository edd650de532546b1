//! Backends that count what is asked of them.

use std::{
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use object_engine::{
    blobs::{
        BlobError, BlobId, BlobReader, BlobStore, BlobWriter, installation::InstallationId,
        memory::MemoryBlobs,
    },
    catalog::{
        Catalog, CatalogError, Commit, CommitError, Direction, Entry, Read, Space, Stamp, Visitor,
        memory::MemoryCatalog,
    },
};
use tokio::sync::Notify;

/// How often the backends were asked.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    commits: AtomicU64,
    blobs: AtomicU64,
    reads: AtomicU64,
    held: Mutex<Option<Held>>,
}

/// A read that waits.
#[derive(Debug)]
struct Held {
    /// Its number, counted from all there were.
    number: u64,
    reached: Arc<Notify>,
    go_on: Arc<Notify>,
}

impl Counts {
    /// Commits and blob operations so far.
    pub(crate) fn so_far(&self) -> (u64, u64) {
        (self.commits.load(Ordering::Relaxed), self.blobs.load(Ordering::Relaxed))
    }

    /// Reads and walks of the catalog so far.
    pub(crate) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Makes the `number`th read from now say that it is there, and wait.
    pub(crate) fn hold_read(&self, number: u64, (reached, go_on): (&Arc<Notify>, &Arc<Notify>)) {
        let (reached, go_on) = (Arc::clone(reached), Arc::clone(go_on));
        *self.held.lock().unwrap() = Some(Held { number: self.reads() + number, reached, go_on });
    }

    /// Holds no further read.
    pub(crate) fn release_reads(&self) {
        *self.held.lock().unwrap() = None;
    }

    async fn read(&self) {
        let number = self.reads.fetch_add(1, Ordering::Relaxed) + 1;
        let held = self.held.lock().unwrap().take_if(|held| held.number == number);
        if let Some(Held { reached, go_on, .. }) = held {
            reached.notify_one();
            go_on.notified().await;
        }
    }

    fn blob(&self) {
        self.blobs.fetch_add(1, Ordering::Relaxed);
    }
}

/// A catalog whose commits are counted.
#[derive(Debug)]
pub(crate) struct CountedCatalog(MemoryCatalog, Arc<Counts>);

impl CountedCatalog {
    pub(crate) fn new(inner: MemoryCatalog, counts: &Arc<Counts>) -> Self {
        Self(inner, Arc::clone(counts))
    }
}

#[async_trait]
impl Catalog for CountedCatalog {
    async fn read(&self, reads: &[Read]) -> Result<Vec<Option<(Vec<u8>, Entry)>>, CatalogError> {
        self.1.read().await;
        self.0.read(reads).await
    }

    async fn walk(
        &self,
        space: Space,
        from: &[u8],
        direction: Direction,
        visitor: &mut Visitor<'_>,
    ) -> Result<(), CatalogError> {
        self.1.read().await;
        self.0.walk(space, from, direction, visitor).await
    }

    async fn commit(&self, commit: Commit) -> Result<Stamp, CommitError> {
        self.1.commits.fetch_add(1, Ordering::Relaxed);
        let done = self.0.commit(commit).await;
        // As over a network: here a request may end whose client hung up.
        tokio::task::yield_now().await;
        done
    }
}

/// Blobs whose every operation is counted.
#[derive(Debug)]
pub(crate) struct CountedBlobs(MemoryBlobs, Arc<Counts>);

impl CountedBlobs {
    pub(crate) fn new(inner: MemoryBlobs, counts: &Arc<Counts>) -> Self {
        Self(inner, Arc::clone(counts))
    }
}

#[async_trait]
impl BlobStore for CountedBlobs {
    async fn create(
        &self,
        id: BlobId,
        length: Option<u64>,
    ) -> Result<Box<dyn BlobWriter>, BlobError> {
        self.1.blob();
        self.0.create(id, length).await
    }

    async fn open(&self, id: BlobId, length: u64) -> Result<Box<dyn BlobReader>, BlobError> {
        self.1.blob();
        self.0.open(id, length).await
    }

    async fn delete(&self, id: BlobId) -> Result<(), BlobError> {
        self.1.blob();
        self.0.delete(id).await
    }

    async fn scrub(&self, id: BlobId, length: u64) -> Result<(), BlobError> {
        self.1.blob();
        self.0.scrub(id, length).await
    }

    async fn present(&self, ids: Range<u64>) -> Result<Vec<BlobId>, BlobError> {
        self.1.blob();
        self.0.present(ids).await
    }

    async fn installation(&self) -> Result<Option<InstallationId>, BlobError> {
        self.1.blob();
        self.0.installation().await
    }

    async fn claim(&self, ours: InstallationId) -> Result<InstallationId, BlobError> {
        self.1.blob();
        self.0.claim(ours).await
    }
}
