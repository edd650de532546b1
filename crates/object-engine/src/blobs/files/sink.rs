//! The disk's end of a blob being written: what happens on the blocking pool.
//!
//! Guarantees: bytes land where they were meant to or the operation fails; dropping a sink that was
//! not [kept](Sink::keep) removes the file; file systems without O_DIRECT or fallocate are served
//! without. Does not: run on an async thread; every method blocks.

use std::{io::IoSlice, os::fd::OwnedFd, sync::Arc};

use rustix::{
    fs::{FallocateFlags, OFlags},
    io::Errno,
};

use super::{
    super::{BlobError, BlobId, buffers::Buffer},
    FileOptions,
    faults::FileOperation,
    footer::file_bytes,
    volume::{Directory, Volume, write_error},
};

/// How space is reserved for a blob of unknown length, in bytes: large enough that a stream of
/// O_DIRECT writes seldom extends the file, small enough to borrow from a nearly full disk.
const RESERVE_STEP_BYTES: u64 = 64 << 20;

/// A blob's file while it is written.
#[derive(Debug)]
pub(super) struct Sink {
    volume: Arc<Volume>,
    directory: Arc<Directory>,
    id: BlobId,
    file: OwnedFd,
    direct: bool,
    reserve: Reserve,
    /// Bytes reserved so far.
    reserved: u64,
    kept: bool,
}

/// How much space to reserve next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reserve {
    /// Once, or not at all.
    Settled,
    /// Steps, since the length is unknown.
    Steps,
}

/// Blocks that lie behind each other in the file.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) blocks: Vec<Buffer>,
    /// Where the first one begins, in bytes.
    pub(super) offset: u64,
    /// Past the page cache from here on.
    pub(super) direct: bool,
}

impl Sink {
    /// A new file. `length` is the stored length where known.
    pub(super) fn create(
        volume: Arc<Volume>,
        id: BlobId,
        length: Option<u64>,
    ) -> Result<Self, BlobError> {
        let size = length.map(|length| file_bytes(length).ok_or(BlobError::Full)).transpose()?;
        let (file, directory) = volume.create(id)?;
        let reserve = if length.is_none() { Reserve::Steps } else { Reserve::Settled };
        let mut sink =
            Self { volume, directory, id, file, direct: false, reserve, reserved: 0, kept: false };
        let large = length.is_some_and(|length| length >= sink.volume.options.direct_bytes_min);
        if let (Some(size), true) = (size, large) {
            sink.go_direct();
            sink.reserve_to(size)?;
        }
        Ok(sink)
    }

    /// How the volume is used.
    pub(super) fn options(&self) -> &FileOptions {
        &self.volume.options
    }

    /// Writes a batch. The block that is not write-ahead comes back for its writer to use again.
    pub(super) fn write(&mut self, batch: Batch) -> Result<Option<Buffer>, BlobError> {
        self.volume.check()?;
        let bytes: usize = batch.blocks.iter().map(|block| block.len()).sum();
        if batch.direct {
            self.go_direct();
            self.step_to(batch.offset + bytes as u64)?;
        }
        let mut slices: Vec<_> = batch.blocks.iter().map(|block| IoSlice::new(block)).collect();
        self.write_slices(&mut slices, batch.offset)?;
        Ok(batch.blocks.into_iter().find(|block| !block.is_ahead()))
    }

    /// Writes the last batch, which ends the file, and makes all of it durable.
    pub(super) fn seal(&mut self, last: Batch) -> Result<(), BlobError> {
        let bytes: usize = last.blocks.iter().map(|block| block.len()).sum();
        let end = last.offset + bytes as u64;
        self.reserve = Reserve::Settled; // the end is known now
        self.write(last)?;
        if self.reserved > end {
            rustix::fs::ftruncate(&self.file, end).map_err(write_error)?;
        }
        self.volume.sync_file(&self.file)?;
        self.directory.sync(&self.volume)
    }

    /// The blob is finished and its writer knows it: the file stays.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }

    /// Bypasses the page cache from here on, where the file system can.
    fn go_direct(&mut self) {
        if !self.direct {
            self.direct = rustix::fs::fcntl_setfl(&self.file, OFlags::DIRECT).is_ok();
        }
    }

    /// Reserves for a blob of unknown length. It may fit even where a whole step does not: then the
    /// writes themselves find out.
    fn step_to(&mut self, end: u64) -> Result<(), BlobError> {
        if self.reserve == Reserve::Steps && end > self.reserved {
            match self.reserve_to(end.next_multiple_of(RESERVE_STEP_BYTES)) {
                Err(BlobError::Full) => self.reserve = Reserve::Settled,
                other => other?,
            }
        }
        Ok(())
    }

    fn reserve_to(&mut self, size: u64) -> Result<(), BlobError> {
        let (from, bytes) = (self.reserved, size - self.reserved);
        let allocate = || rustix::fs::fallocate(&self.file, FallocateFlags::empty(), from, bytes);
        match self.volume.fault(FileOperation::Reserve).and_then(|()| allocate()) {
            Ok(()) => self.reserved = size,
            // The file system cannot: it allocates as it is written.
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => self.reserve = Reserve::Settled,
            Err(errno) => return Err(write_error(errno)),
        }
        Ok(())
    }

    fn write_slices(&self, mut slices: &mut [IoSlice<'_>], mut at: u64) -> Result<(), BlobError> {
        while !slices.is_empty() {
            let written = self.volume.fault(FileOperation::Write);
            match written.and_then(|()| rustix::io::pwritev(&self.file, slices, at)) {
                Ok(0) => return Err(BlobError::Unavailable("the disk takes no bytes".into())),
                Ok(written) => {
                    IoSlice::advance_slices(&mut slices, written);
                    at += written as u64;
                }
                Err(Errno::INTR) => {}
                // O_DIRECT was granted but does not work here (or a short write left it unaligned).
                Err(Errno::INVAL) if self.leave_direct() => {}
                Err(errno) => return Err(write_error(errno)),
            }
        }
        Ok(())
    }

    /// Back to the page cache; false if that is where we are, so that EINVAL is final.
    fn leave_direct(&self) -> bool {
        let flags = rustix::fs::fcntl_getfl(&self.file).unwrap_or(OFlags::empty());
        flags.contains(OFlags::DIRECT)
            && rustix::fs::fcntl_setfl(&self.file, flags.difference(OFlags::DIRECT)).is_ok()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        if let Err(error) = self.volume.unlink(self.id) {
            // The sweep of the lease looks for it again.
            tracing::warn!(id = self.id.0, %error, "an abandoned blob could not be removed");
        }
    }
}
