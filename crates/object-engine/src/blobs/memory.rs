//! Blobs in memory, for tests.
//!
//! Guarantees: the whole blob contract but durability; a volume of a given size, so that "full" can
//! be tested. Does not: outlive the process, or share memory between store and readers cheaply.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use async_trait::async_trait;

use super::{
    BlobError, BlobId, BlobReader, BlobStore, BlobWriter, buffers::Buffer,
    installation::InstallationId,
};

/// What a writer offers at once, in bytes: no multiple of anything, so that callers meet borders.
const SPARE_BYTES: usize = 50_000;

/// Blobs in memory. Clones share them.
#[derive(Clone, Debug)]
pub struct MemoryBlobs(Arc<Volume>);

#[derive(Debug)]
struct Volume {
    capacity_bytes: u64,
    blobs: Mutex<BTreeMap<BlobId, Stored>>,
    installation: OnceLock<InstallationId>,
}

#[derive(Clone, Debug)]
enum Stored {
    /// Being written; counts what was written so far.
    Unfinished(u64),
    Finished {
        bytes: Arc<[u8]>,
        crc: u32,
    },
}

impl Default for MemoryBlobs {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryBlobs {
    /// Without a limit.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity_bytes(u64::MAX)
    }

    /// A volume that is full beyond `capacity_bytes`.
    #[must_use]
    pub fn with_capacity_bytes(capacity_bytes: u64) -> Self {
        let (blobs, installation) = Default::default();
        Self(Arc::new(Volume { capacity_bytes, blobs, installation }))
    }
}

impl Volume {
    fn blobs(&self) -> MutexGuard<'_, BTreeMap<BlobId, Stored>> {
        // Every change is one insert or remove: a panic elsewhere leaves the map whole.
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finished(&self, id: BlobId, length: u64) -> Result<(Arc<[u8]>, u32), BlobError> {
        match self.blobs().get(&id) {
            Some(Stored::Finished { bytes, crc }) if bytes.len() as u64 == length => {
                Ok((Arc::clone(bytes), *crc))
            }
            Some(Stored::Finished { bytes, .. }) => {
                Err(damaged(id, format!("is {} bytes long, not {length}", bytes.len())))
            }
            Some(Stored::Unfinished(_)) => Err(damaged(id, "was never finished")),
            None => Err(damaged(id, "is missing")),
        }
    }

    /// Records that `id` holds `written` bytes by now, if there is room for them.
    fn grow(&self, id: BlobId, written: u64) -> Result<(), BlobError> {
        let mut blobs = self.blobs();
        let others = blobs.iter().filter(|(other, _)| **other != id);
        let used: u64 = others.map(|(_, stored)| stored.length()).sum();
        if used.saturating_add(written) > self.capacity_bytes {
            return Err(BlobError::Full);
        }
        blobs.insert(id, Stored::Unfinished(written));
        Ok(())
    }
}

impl Stored {
    fn length(&self) -> u64 {
        match self {
            Self::Unfinished(length) => *length,
            Self::Finished { bytes, .. } => bytes.len() as u64,
        }
    }
}

#[async_trait]
impl BlobStore for MemoryBlobs {
    async fn create(
        &self,
        id: BlobId,
        length: Option<u64>,
    ) -> Result<Box<dyn BlobWriter>, BlobError> {
        if self.0.blobs().contains_key(&id) {
            return Err(BlobError::Unavailable(format!("blob {id:?} exists already")));
        }
        self.0.grow(id, length.unwrap_or(0))?;
        let volume = Arc::clone(&self.0);
        Ok(Box::new(MemoryWriter { volume, id, declared: length, bytes: Vec::new(), filled: 0 }))
    }

    async fn open(&self, id: BlobId, length: u64) -> Result<Box<dyn BlobReader>, BlobError> {
        let (bytes, _) = self.0.finished(id, length)?;
        Ok(Box::new(MemoryReader { id, bytes }))
    }

    async fn delete(&self, id: BlobId) -> Result<(), BlobError> {
        self.0.blobs().remove(&id);
        Ok(())
    }

    async fn scrub(&self, id: BlobId, length: u64) -> Result<(), BlobError> {
        let (bytes, crc) = self.0.finished(id, length)?;
        if crc_fast::crc32_iscsi(&bytes) == crc {
            Ok(())
        } else {
            Err(damaged(id, "does not match its CRC32C"))
        }
    }

    async fn present(&self, ids: Range<u64>) -> Result<Vec<BlobId>, BlobError> {
        if ids.is_empty() {
            return Ok(Vec::new()); // a BTreeMap panics on a range that is upside down
        }
        let range = BlobId(ids.start)..BlobId(ids.end);
        Ok(self.0.blobs().range(range).map(|(id, _)| *id).collect())
    }

    async fn installation(&self) -> Result<Option<InstallationId>, BlobError> {
        Ok(self.0.installation.get().copied())
    }

    async fn claim(&self, ours: InstallationId) -> Result<InstallationId, BlobError> {
        Ok(*self.0.installation.get_or_init(|| ours))
    }
}

/// Leaves the map entry behind only as a finished blob.
struct MemoryWriter {
    volume: Arc<Volume>,
    id: BlobId,
    declared: Option<u64>,
    bytes: Vec<u8>,
    filled: usize,
}

#[async_trait]
impl BlobWriter for MemoryWriter {
    async fn ready(&mut self) -> Result<(), BlobError> {
        if self.filled == self.bytes.len() {
            let written = (self.filled as u64).max(self.declared.unwrap_or(0));
            self.volume.grow(self.id, written)?;
            self.bytes.resize(self.filled + SPARE_BYTES, 0);
        }
        Ok(())
    }

    fn spare(&mut self) -> &mut [u8] {
        &mut self.bytes[self.filled..]
    }

    fn advance(&mut self, n: usize) {
        assert!(n <= self.bytes.len() - self.filled, "advance stays within spare");
        self.filled += n;
    }

    async fn finish(mut self: Box<Self>) -> Result<u64, BlobError> {
        let length = self.filled as u64;
        if self.declared.is_some_and(|declared| declared != length) {
            return Err(damaged(self.id, format!("got {length} bytes, not the declared length")));
        }
        self.volume.grow(self.id, length)?;
        self.bytes.truncate(self.filled);
        let bytes: Arc<[u8]> = std::mem::take(&mut self.bytes).into();
        let crc = crc_fast::crc32_iscsi(&bytes);
        self.volume.blobs().insert(self.id, Stored::Finished { bytes, crc });
        Ok(length)
    }
}

impl Drop for MemoryWriter {
    fn drop(&mut self) {
        let mut blobs = self.volume.blobs();
        if matches!(blobs.get(&self.id), Some(Stored::Unfinished(_))) {
            blobs.remove(&self.id);
        }
    }
}

struct MemoryReader {
    id: BlobId,
    bytes: Arc<[u8]>,
}

#[async_trait]
impl BlobReader for MemoryReader {
    async fn read_at(&self, offset: u64, mut buffer: Buffer) -> Result<Buffer, BlobError> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let range = start..start.saturating_add(buffer.len());
        let Some(bytes) = self.bytes.get(range) else {
            return Err(damaged(self.id, "was read beyond its end"));
        };
        buffer.copy_from_slice(bytes);
        Ok(buffer)
    }
}

fn damaged(id: BlobId, detail: impl Into<String>) -> BlobError {
    BlobError::Damaged { id, detail: detail.into() }
}
