//! One immutable file a blob.
//!
//! Guarantees: the blob contract, on one local file system. A file has its final name from the start
//! (nothing is renamed); [`BlobWriter::finish`] answers after fdatasync of the file and fsync of its
//! directory (shared by those who finish together). Large blobs bypass the page cache by O_DIRECT where
//! the file system can, and their space is reserved first. After a failed sync the volume is poisoned:
//! reads and deletes go on, nothing more is written.
//!
//! Does not: sync deletions (a blob deleted just before a power loss may be there again; nothing
//! refers to it), pack small blobs, or lock the directory: that no two processes create the same blob is
//! their owner's duty, whose leases see to it.

use std::{ops::Range, path::Path, sync::Arc};

use async_trait::async_trait;

use super::{
    BlobError, BlobId, BlobReader, BlobStore, BlobWriter, buffers::BufferPool,
    installation::InstallationId,
};

mod faults;
mod footer;
mod mark;
mod names;
mod reader;
mod sink;
#[cfg(test)]
mod tests;
mod volume;
mod writer;

pub use faults::{FailNth, FileFault, FileFaults, FileOperation};
use reader::{FileReader, Wait, blocking};
use sink::Sink;
use volume::Volume;
use writer::FileWriter;

/// From this length on a blob bypasses the page cache, in bytes. Below, a copy costs less than the
/// disk's latency without write-back.
const DIRECT_BYTES_MIN: u64 = 1 << 20;

/// How a volume is used.
#[derive(Clone, Debug)]
pub struct FileOptions {
    /// Where blocks come from; its budget bounds write-ahead.
    pub buffers: BufferPool,
    /// From this length on a blob bypasses the page cache, in bytes; `u64::MAX` for never.
    pub direct_bytes_min: u64,
    /// Faults to inject; `None` outside tests.
    pub faults: Option<Arc<dyn FileFaults>>,
}

impl Default for FileOptions {
    fn default() -> Self {
        let buffers = BufferPool::default();
        Self { buffers, direct_bytes_min: DIRECT_BYTES_MIN, faults: None }
    }
}

/// Blobs as files below one directory. Clones share it.
#[derive(Clone, Debug)]
pub struct FileBlobs(Arc<Volume>);

impl FileBlobs {
    /// Opens the volume below `directory`, which is made if it is missing. Blocks for a moment.
    pub fn open(directory: impl AsRef<Path>, options: FileOptions) -> Result<Self, BlobError> {
        Ok(Self(Arc::new(Volume::open(directory.as_ref(), options)?)))
    }
}

#[async_trait]
impl BlobStore for FileBlobs {
    async fn create(
        &self,
        id: BlobId,
        length: Option<u64>,
    ) -> Result<Box<dyn BlobWriter>, BlobError> {
        let volume = Arc::clone(&self.0);
        let sink = blocking(move || Sink::create(volume, id, length)).await?;
        Ok(Box::new(FileWriter::new(id, sink, length)))
    }

    async fn open(&self, id: BlobId, length: u64) -> Result<Box<dyn BlobReader>, BlobError> {
        // A blob that was read before opens without leaving the async thread.
        if let Some(reader) = FileReader::open(&self.0, id, length, Wait::Never)? {
            return Ok(Box::new(reader));
        }
        let volume = Arc::clone(&self.0);
        let opened = blocking(move || FileReader::open(&volume, id, length, Wait::Allowed)).await?;
        let missed = || BlobError::Unavailable("waiting was allowed".into());
        Ok(Box::new(opened.ok_or_else(missed)?))
    }

    async fn delete(&self, id: BlobId) -> Result<(), BlobError> {
        let volume = Arc::clone(&self.0);
        blocking(move || volume.unlink(id)).await
    }

    async fn scrub(&self, id: BlobId, length: u64) -> Result<(), BlobError> {
        let volume = Arc::clone(&self.0);
        blocking(move || reader::scrub(&volume, id, length)).await
    }

    async fn sums(&self, id: BlobId, length: u64) -> Result<Vec<u32>, BlobError> {
        let volume = Arc::clone(&self.0);
        blocking(move || reader::sums(&volume, id, length)).await
    }

    async fn present(&self, ids: Range<u64>) -> Result<Vec<BlobId>, BlobError> {
        let volume = Arc::clone(&self.0);
        blocking(move || volume.present(&ids)).await
    }

    async fn installation(&self) -> Result<Option<InstallationId>, BlobError> {
        let volume = Arc::clone(&self.0);
        blocking(move || volume.installation()).await
    }

    async fn claim(&self, ours: InstallationId) -> Result<InstallationId, BlobError> {
        let volume = Arc::clone(&self.0);
        blocking(move || volume.claim(ours)).await
    }
}
