//! Reading blobs, and checking them without a key.
//!
//! Guarantees: a blob whose file is missing, of the wrong size, never finished, another blob's or
//! damaged in its footer is refused before any byte is answered; what the page cache holds is read
//! without leaving the async thread; a deleted blob's open readers go on.
//!
//! Does not: check stored bytes on reads (the seal does, and covers more); scrubbing does.

use std::{io::IoSliceMut, os::fd::OwnedFd, sync::Arc};

use async_trait::async_trait;
use rustix::{
    fs::OFlags,
    io::{Errno, ReadWriteFlags},
};

use super::{
    super::{
        BlobError, BlobId, BlobReader,
        buffers::{BLOCK_BYTES, Buffer, BufferPool},
        sums::Sums,
    },
    footer::{Footer, file_bytes, footer_bytes},
    volume::Volume,
};

/// Whether an operation may wait for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    Never,
    Allowed,
}

/// Reads one finished blob.
#[derive(Debug)]
pub(super) struct FileReader {
    id: BlobId,
    length: u64,
    file: Arc<OwnedFd>,
}

/// A blob's file whose footer was found right.
struct Checked {
    file: OwnedFd,
    footer: Footer,
}

impl FileReader {
    /// Opens and checks; `None` where that would have to wait and must not.
    pub(super) fn open(
        volume: &Volume,
        id: BlobId,
        length: u64,
        wait: Wait,
    ) -> Result<Option<Self>, BlobError> {
        let checked = Checked::open(volume, id, length, wait)?;
        Ok(checked.map(|checked| Self { id, length, file: Arc::new(checked.file) }))
    }
}

#[async_trait]
impl BlobReader for FileReader {
    async fn read_at(&self, offset: u64, mut buffer: Buffer) -> Result<Buffer, BlobError> {
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.length) {
            return Err(damaged(self.id, "was read beyond its end"));
        }
        let cached = read(&self.file, &mut buffer, offset, Wait::Never).unwrap_or(0);
        if cached == buffer.len() {
            return Ok(buffer);
        }
        let (id, file) = (self.id, Arc::clone(&self.file));
        blocking(move || {
            let rest = offset + cached as u64;
            read_all(&file, &mut buffer[cached..], rest).map_err(|what| damaged(id, what))?;
            Ok(buffer)
        })
        .await
    }
}

/// Verifies every byte of a blob's file, past the page cache where possible: what counts is what the
/// disk would give back.
pub(super) fn scrub(volume: &Volume, id: BlobId, length: u64) -> Result<(), BlobError> {
    let Some(Checked { file, footer }) = Checked::open(volume, id, length, Wait::Allowed)? else {
        return Err(damaged(id, "cannot be opened"));
    };
    let direct = rustix::fs::fcntl_setfl(&file, OFlags::DIRECT).is_ok();
    match sum(&file, length, &volume.options.buffers) {
        Err(_) if direct => {
            // A file system may grant O_DIRECT and refuse its reads.
            rustix::fs::fcntl_setfl(&file, OFlags::empty())
                .map_err(|errno| damaged(id, errno.to_string()))?;
            sum(&file, length, &volume.options.buffers)
        }
        summed => summed,
    }
    .and_then(|table| compare(&table, &footer.table))
    .map_err(|what| damaged(id, what))
}

/// The table of checksums as it was written.
pub(super) fn sums(volume: &Volume, id: BlobId, length: u64) -> Result<Vec<u32>, BlobError> {
    let checked = Checked::open(volume, id, length, Wait::Allowed)?;
    checked.map(|checked| checked.footer.table).ok_or_else(|| damaged(id, "cannot be opened"))
}

/// The checksums of the stored bytes as they are; fails where the padding is not zeros.
fn sum(file: &OwnedFd, length: u64, pool: &BufferPool) -> Result<Vec<u32>, String> {
    let size = file_bytes(length).ok_or("is longer than can be")?;
    let padded = size - footer_bytes(length).ok_or("is longer than can be")?;
    let mut sums = Sums::default();
    let mut block = pool.take(BLOCK_BYTES);
    block.mark_sealed();
    let mut at = 0;
    while at < size {
        block.resize(usize::try_from(size - at).map_or(BLOCK_BYTES, |left| left.min(BLOCK_BYTES)));
        read_all(file, &mut block, at)?;
        let within = |border: u64| {
            usize::try_from(border.saturating_sub(at)).map_or(block.len(), |n| n.min(block.len()))
        };
        let (stored, zeros) = (within(length), within(padded));
        sums.update(&block[..stored]);
        if block[stored..zeros].iter().any(|byte| *byte != 0) {
            return Err("its padding is not zeros".into());
        }
        at += block.len() as u64;
    }
    Ok(sums.finish())
}

fn compare(found: &[u32], table: &[u32]) -> Result<(), String> {
    match found.iter().zip(table).position(|(found, expected)| found != expected) {
        Some(entry) => Err(format!("MiB {entry} does not match its CRC32C")),
        None => Ok(()),
    }
}

impl Checked {
    fn open(
        volume: &Volume,
        id: BlobId,
        length: u64,
        wait: Wait,
    ) -> Result<Option<Self>, BlobError> {
        let file = match volume.open_file(id, wait == Wait::Never) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Err(damaged(id, "is missing")),
            Err(_) if wait == Wait::Never => return Ok(None),
            Err(errno) => return Err(BlobError::Unavailable(errno.to_string())),
        };
        let size =
            rustix::fs::fstat(&file).map_err(|errno| damaged(id, errno.to_string()))?.st_size;
        let expected = file_bytes(length).filter(|expected| u64::try_from(size) == Ok(*expected));
        let (Some(size), Some(footer)) = (expected, footer_bytes(length)) else {
            return Err(damaged(id, format!("its file of {size} bytes cannot hold {length}")));
        };
        let mut bytes = vec![0; usize::try_from(footer).map_err(|_| damaged(id, "is too long"))?];
        let at = size - footer;
        if wait == Wait::Allowed {
            read_all(&file, &mut bytes, at).map_err(|what| damaged(id, what))?;
        } else if read(&file, &mut bytes, at, wait) != Ok(bytes.len()) {
            return Ok(None);
        }
        let footer = Footer::decode(&bytes, id, length).map_err(|what| damaged(id, what))?;
        Ok(Some(Self { file, footer }))
    }
}

/// One read; may be short.
fn read(file: &OwnedFd, out: &mut [u8], offset: u64, wait: Wait) -> Result<usize, Errno> {
    let flags = match wait {
        Wait::Never => ReadWriteFlags::NOWAIT,
        Wait::Allowed => ReadWriteFlags::empty(),
    };
    rustix::io::preadv2(file, &mut [IoSliceMut::new(out)], offset, flags)
}

fn read_all(file: &OwnedFd, mut out: &mut [u8], mut offset: u64) -> Result<(), String> {
    while !out.is_empty() {
        match rustix::io::pread(file, &mut *out, offset) {
            Ok(0) => return Err("is shorter than it was".into()),
            Ok(n) => {
                out = &mut out[n..];
                offset += n as u64;
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(format!("cannot be read: {errno}")),
        }
    }
    Ok(())
}

/// Runs what may wait for the disk on the blocking pool.
pub(super) async fn blocking<T, F>(work: F) -> Result<T, BlobError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, BlobError> + Send + 'static,
{
    let shut_down = || BlobError::Unavailable("the blocking pool is shut down".into());
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(shut_down()))
}

fn damaged(id: BlobId, detail: impl Into<String>) -> BlobError {
    BlobError::Damaged { id, detail: detail.into() }
}
