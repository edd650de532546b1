//! The blob contract: immutable, private, written once.
//!
//! A blob is one part of one body, as sealed. It is created, written once from front to back,
//! finished, read by ranges and deleted; nothing else is ever asked.
//!
//! # Contract, for implementors
//!
//! - *Names* are [`BlobId`]s, never used twice; creating one that exists is an error.
//! - *Durability*: when [`BlobWriter::finish`] returns `Ok`, the bytes survive a power loss.
//! - *Visibility*: a blob is readable once finished; an unfinished one (dropped writer, crash) may
//!   leave garbage under its id, which [`BlobStore::delete`] removes.
//! - *Deletion* is idempotent: deleting what is not there succeeds. It is for good: what a writer that was
//!   dropped before it had under way does not appear after it.
//! - *Integrity*: a blob carries CRC32C over its stored bytes, so that scrubbing needs no key.
//! - *Ownership*: the place carries at most one mark ([`installation`]), which is no blob: of any number of
//!   claims, at whatever times, all are answered the same, by one of them, and it is durable.
//!
//! Implementations: [`memory::MemoryBlobs`], [`files::FileBlobs`]; `contract` is the suite; faults
//! come as the decorators in `faulty`.

use std::fmt;

use async_trait::async_trait;

use installation::InstallationId;

pub mod buffers;
pub mod contract;
pub mod faulty;
pub mod files;
pub mod installation;
pub mod memory;
pub mod sums;

/// The name of a blob: a number out of a leased range ([`crate::engine`] leases them), never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub u64);

/// Why a blob operation failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// Operator: no space is left on the volume. Nothing is kept of the blob.
    #[error("the blob volume is full")]
    Full,
    /// Operator: stored bytes are missing, short, or do not verify.
    #[error("blob {id:?} is damaged: {detail}")]
    Damaged {
        /// Which.
        id: BlobId,
        /// What did not hold.
        detail: String,
    },
    /// Operator: a sync failed earlier, so nothing more is written to this volume.
    #[error("the blob volume is poisoned by an earlier failed sync")]
    Poisoned,
    /// Operator: the store cannot be reached or fails.
    #[error("the blob store is unavailable: {0}")]
    Unavailable(String),
}

/// Where blobs are kept.
#[async_trait]
pub trait BlobStore: Send + Sync + fmt::Debug {
    /// Begins a blob. `length` is its whole length in bytes where known (space is reserved).
    async fn create(
        &self,
        id: BlobId,
        length: Option<u64>,
    ) -> Result<Box<dyn BlobWriter>, BlobError>;

    /// Opens a finished blob of `length` stored bytes; fails if the stored length differs, before
    /// any byte is read.
    async fn open(&self, id: BlobId, length: u64) -> Result<Box<dyn BlobReader>, BlobError>;

    /// Removes a blob, finished or not; succeeds if there is none. Waits for what a dropped writer of it
    /// still has under way.
    async fn delete(&self, id: BlobId) -> Result<(), BlobError>;

    /// Verifies a blob's CRC32C table without any key.
    async fn scrub(&self, id: BlobId, length: u64) -> Result<(), BlobError>;

    /// The checksums of a blob's stored bytes ([`sums::Sums`]) as they were when it was written: what a copy
    /// of it must come to. By default the bytes are verified and summed anew.
    async fn sums(&self, id: BlobId, length: u64) -> Result<Vec<u32>, BlobError> {
        self.scrub(id, length).await?;
        let reader = self.open(id, length).await?;
        let mut sums = sums::Sums::default();
        let mut buffer = buffers::BufferPool::new(0).take(buffers::BLOCK_BYTES);
        buffer.mark_sealed();
        let mut at = 0;
        while at < length {
            buffer.resize(buffers::block_at(at, length));
            buffer = reader.read_at(at, buffer).await?;
            sums.update(&buffer);
            at += buffer.len() as u64;
        }
        Ok(sums.finish())
    }

    /// Those of `ids` (a leased range, end exclusive) under which anything is stored, finished or
    /// not: what a sweep of a dead lease must look at.
    async fn present(&self, ids: std::ops::Range<u64>) -> Result<Vec<BlobId>, BlobError>;

    /// Whether nothing is stored under any id.
    async fn is_empty(&self) -> Result<bool, BlobError> {
        Ok(self.present(0..u64::MAX).await?.is_empty())
    }

    /// The installation whose blobs these are; `None`: they carry no mark.
    async fn installation(&self) -> Result<Option<InstallationId>, BlobError>;

    /// Marks these blobs as `ours`, unless they carry a mark; whose they are from now on.
    async fn claim(&self, ours: InstallationId) -> Result<InstallationId, BlobError>;
}

/// Writes one blob front to back, without copying: the caller fills [`spare`](Self::spare).
///
/// ```text
/// loop { writer.ready().await?; let n = fill(writer.spare()); writer.advance(n); }
/// writer.finish().await?
/// ```
/// Dropping a writer abandons the blob.
#[async_trait]
pub trait BlobWriter: Send {
    /// Waits until [`spare`](Self::spare) is at least 1 byte long, writing behind what is full.
    async fn ready(&mut self) -> Result<(), BlobError>;

    /// The free rest of the current buffer; empty only before [`ready`](Self::ready).
    fn spare(&mut self) -> &mut [u8];

    /// Declares the first `n` bytes of `spare` written.
    fn advance(&mut self, n: usize);

    /// Writes what is left and syncs. Returns the blob's length in bytes.
    async fn finish(self: Box<Self>) -> Result<u64, BlobError>;
}

/// Reads ranges of one finished blob. Cheap to hold for hours; unaffected by a later delete where
/// the backend allows that (local files do).
#[async_trait]
pub trait BlobReader: Send + Sync {
    /// Fills `buffer` from `offset`. A range beyond the blob's length is a caller's bug and answers
    /// [`BlobError::Damaged`]. The buffer comes back in both cases of success; on error it is dropped.
    async fn read_at(
        &self,
        offset: u64,
        buffer: buffers::Buffer,
    ) -> Result<buffers::Buffer, BlobError>;
}
