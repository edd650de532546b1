//! Filling blocks on the async side while the blocking pool writes full ones behind.
//!
//! ```text
//! spare() -> block being filled -> full blocks -> batch on the blocking pool (one at a time)
//!                 ^------------ the writer's own block comes back -------------'
//! ```
//! Guarantees: a writer always gets on with one block of its own and uses more only while the pool's
//! budget allows; a dropped writer leaves nothing (its file goes as soon as the batch under way is
//! through); memory that may hold a caller's plaintext is wiped.
//!
//! Does not: sync before [`finish`](BlobWriter::finish), or retry anything: an error is final.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::task::JoinHandle;

use super::{
    super::{
        BlobError, BlobId, BlobWriter,
        buffers::{BLOCK_BYTES, Buffer, BufferPool, PAGE_BYTES},
        sums::Sums,
    },
    footer::{Footer, file_bytes},
    sink::{Batch, Sink},
};

/// Full blocks that make a batch while there is memory: 1 MiB, so that the hop to the blocking pool
/// costs little beside the write.
const BATCH_BLOCKS: usize = 4;

/// Blocks that one writer holds at most: 4 MiB; more did not make writes faster.
const HELD_BLOCKS_MAX: usize = 16;

/// A caller that takes longer than this over a block (13 MB/s) is slower than any disk. It gets no
/// memory beyond its own block, so that many slow clients leave the budget to the fast ones.
const SLOW_BLOCK: Duration = Duration::from_millis(20);

/// The outcome of a batch: the file, and the writer's own block if it was among those written.
type Written = (Sink, Result<Option<Buffer>, BlobError>);

/// Writes one blob.
pub(super) struct FileWriter {
    id: BlobId,
    pool: BufferPool,
    declared: Option<u64>,
    direct_bytes_min: u64,
    /// The block being filled, and how much of it is.
    block: Option<Block>,
    /// The writer's own block, back from the disk.
    idle: Option<Buffer>,
    /// Whether its own block was taken at all.
    own_taken: bool,
    full: Vec<Buffer>,
    /// Where `full` begins in the file, in bytes.
    submitted: u64,
    /// How many blocks are in the batch under way.
    in_flight: usize,
    sums: Sums,
    /// When the block before this one was full.
    since: Instant,
    /// Whether that one took longer than [`SLOW_BLOCK`].
    slow: bool,
    disk: Disk,
}

/// Where the file is.
enum Disk {
    Here(Sink),
    Writing(JoinHandle<Written>),
    Failed(BlobError),
}

struct Block {
    buffer: Buffer,
    filled: usize,
    /// How much of it the caller may fill; the rest is for the footer.
    room: usize,
}

impl FileWriter {
    pub(super) fn new(id: BlobId, sink: Sink, declared: Option<u64>) -> Self {
        let options = sink.options();
        let (pool, direct_bytes_min) = (options.buffers.clone(), options.direct_bytes_min);
        Self {
            id,
            pool,
            declared,
            direct_bytes_min,
            block: None,
            idle: None,
            own_taken: false,
            full: Vec::new(),
            submitted: 0,
            in_flight: 0,
            sums: Sums::default(),
            since: Instant::now(),
            slow: false,
            disk: Disk::Here(sink),
        }
    }

    /// Bytes advanced so far.
    fn written(&self) -> u64 {
        let full: usize = self.full.iter().map(|block| block.len()).sum();
        let filled = self.block.as_ref().map_or(0, |block| block.filled);
        self.submitted + (full + filled) as u64
    }

    /// Moves a full block to the others. Only sealed bytes are in it now.
    fn retire_block(&mut self) {
        if let Some(mut block) = self.block.take() {
            block.buffer.resize(block.filled);
            self.sums.update(&block.buffer);
            block.buffer.mark_sealed();
            self.full.push(block.buffer);
        }
    }

    /// A block to fill: the writer's own, one ahead, or its own once the disk has given it back.
    async fn next_block(&mut self) -> Result<Buffer, BlobError> {
        let bytes = self.room() + PAGE_BYTES;
        loop {
            if let Some(mut own) = self.idle.take() {
                own.unmark_sealed();
                own.resize(bytes); // no block needs more than the first
                return Ok(own);
            }
            if !std::mem::replace(&mut self.own_taken, true) {
                return Ok(self.pool.take(bytes));
            }
            if !self.slow
                && self.full.len() + self.in_flight < HELD_BLOCKS_MAX
                && let Some(ahead) = self.pool.take_ahead(bytes)
            {
                return Ok(ahead);
            }
            self.submit().await?;
            self.settle().await?;
        }
    }

    /// What the next block takes: the rest of the declared length, but at least one byte, since a
    /// caller may ask for room before it knows that it has no more.
    fn room(&self) -> usize {
        let left = self.declared.map(|length| length.saturating_sub(self.written()) + 1);
        let left = left.and_then(|left| usize::try_from(left).ok()).unwrap_or(BLOCK_BYTES);
        left.min(BLOCK_BYTES).next_multiple_of(PAGE_BYTES)
    }

    /// Hands the full blocks to the blocking pool.
    async fn submit(&mut self) -> Result<(), BlobError> {
        if self.full.is_empty() {
            return Ok(());
        }
        self.settle().await?;
        let batch = self.take_batch(Vec::new());
        self.start(move |sink| sink.write(batch))
    }

    /// The full blocks and `last` as one batch.
    fn take_batch(&mut self, last: Vec<Buffer>) -> Batch {
        let mut blocks = std::mem::take(&mut self.full);
        blocks.extend(last);
        let bytes: usize = blocks.iter().map(|block| block.len()).sum();
        let offset = self.submitted;
        self.in_flight = blocks.len();
        self.submitted += bytes as u64;
        let large = self.declared.unwrap_or(self.submitted) >= self.direct_bytes_min;
        Batch { blocks, offset, direct: large }
    }

    /// Runs `work` on the file, on the blocking pool.
    fn start<F>(&mut self, work: F) -> Result<(), BlobError>
    where
        F: FnOnce(&mut Sink) -> Result<Option<Buffer>, BlobError> + Send + 'static,
    {
        let lost = || Disk::Failed(BlobError::Unavailable("the writer was interrupted".into()));
        match std::mem::replace(&mut self.disk, lost()) {
            Disk::Here(mut sink) => {
                self.disk = Disk::Writing(tokio::task::spawn_blocking(move || {
                    let outcome = work(&mut sink);
                    (sink, outcome)
                }));
                Ok(())
            }
            Disk::Failed(error) => self.fail(error),
            writing @ Disk::Writing(_) => {
                self.disk = writing;
                Err(BlobError::Unavailable("one batch at a time".into()))
            }
        }
    }

    /// Waits for the batch under way, if any. Cancel-safe: the handle stays until it has answered.
    async fn settle(&mut self) -> Result<(), BlobError> {
        let job = match &mut self.disk {
            Disk::Here(_) => return Ok(()),
            Disk::Failed(error) => return Err(error.clone()),
            Disk::Writing(job) => job,
        };
        let outcome = job.await;
        self.in_flight = 0;
        match outcome {
            Ok((sink, Ok(own))) => {
                self.disk = Disk::Here(sink);
                self.idle = own.or(self.idle.take());
                Ok(())
            }
            Ok((sink, Err(error))) => {
                // Nothing is kept of the blob, from before its caller hears of the error.
                let failed = self.fail(error);
                let _ = tokio::task::spawn_blocking(move || drop(sink)).await;
                failed
            }
            Err(_) => self.fail(BlobError::Unavailable("the blocking pool is shut down".into())),
        }
    }

    fn fail(&mut self, error: BlobError) -> Result<(), BlobError> {
        self.disk = Disk::Failed(error.clone());
        Err(error)
    }

    /// The end of the file: what is left of the stored bytes, zeros, table and trailer.
    fn tail(&mut self, length: u64) -> Result<Buffer, BlobError> {
        let block = self.block.take();
        let (mut buffer, filled) = block
            .map_or_else(|| (self.pool.take(PAGE_BYTES), 0), |block| (block.buffer, block.filled));
        self.sums.update(&buffer[..filled]);
        let table = std::mem::take(&mut self.sums).finish();
        let footer = Footer { id: self.id, length, table }.encode();
        let end = file_bytes(length).ok_or(BlobError::Full)?;
        let bytes = usize::try_from(end - (length - filled as u64)).map_err(|_| BlobError::Full)?;
        if bytes > buffer.capacity() {
            let mut larger = self.pool.take(bytes);
            larger[..filled].copy_from_slice(&buffer[..filled]);
            buffer = larger;
        }
        buffer.resize(bytes);
        buffer[filled..bytes - footer.len()].fill(0);
        buffer[bytes - footer.len()..].copy_from_slice(&footer);
        Ok(buffer)
    }

    fn check_declared(&mut self, wrong: impl FnOnce(u64, u64) -> bool) -> Result<(), BlobError> {
        let written = self.written();
        match self.declared {
            Some(declared) if wrong(written, declared) => Err(BlobError::Damaged {
                id: self.id,
                detail: format!("got {written} bytes where {declared} were declared"),
            }),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl BlobWriter for FileWriter {
    async fn ready(&mut self) -> Result<(), BlobError> {
        if self.block.as_ref().is_some_and(|block| block.filled < block.room) {
            return Ok(());
        }
        self.check_declared(|written, declared| written > declared)?;
        self.retire_block();
        if matches!(&self.disk, Disk::Writing(job) if job.is_finished()) {
            self.settle().await?;
        }
        self.slow = std::mem::replace(&mut self.since, Instant::now()).elapsed() > SLOW_BLOCK;
        let patience = if self.slow || self.pool.under_pressure() { 1 } else { BATCH_BLOCKS };
        if self.full.len() >= patience && !matches!(self.disk, Disk::Writing(_)) {
            self.submit().await?;
        }
        let buffer = self.next_block().await?;
        let room = self.room().min(buffer.len());
        self.block = Some(Block { buffer, filled: 0, room });
        Ok(())
    }

    fn spare(&mut self) -> &mut [u8] {
        match &mut self.block {
            Some(block) => &mut block.buffer[block.filled..block.room],
            None => &mut [],
        }
    }

    fn advance(&mut self, n: usize) {
        if n == 0 {
            return;
        }
        let block = self.block.as_mut().expect("spare is empty before ready, so n is 0");
        assert!(n <= block.room - block.filled, "advance stays within spare");
        block.filled += n;
    }

    async fn finish(mut self: Box<Self>) -> Result<u64, BlobError> {
        let length = self.written();
        self.settle().await?;
        self.check_declared(|written, declared| written != declared)?;
        let tail = self.tail(length)?;
        let last = self.take_batch(vec![tail]);
        self.start(move |sink| sink.seal(last).map(|()| None))?;
        self.settle().await?;
        // Only here, after the last await, does the file stay: a caller that went away meanwhile has
        // dropped this future, and with it the file.
        let done = Disk::Failed(BlobError::Unavailable("the writer is finished".into()));
        if let Disk::Here(sink) = std::mem::replace(&mut self.disk, done) {
            sink.keep();
        }
        Ok(length)
    }
}

impl Drop for FileWriter {
    /// Unlinking blocks, so it goes to the blocking pool, with the batch under way if there is one.
    fn drop(&mut self) {
        let gone = Disk::Failed(BlobError::Unavailable("the writer is gone".into()));
        let disk = std::mem::replace(&mut self.disk, gone);
        if let (Disk::Here(_) | Disk::Writing(_), Ok(runtime)) =
            (&disk, tokio::runtime::Handle::try_current())
        {
            runtime.spawn_blocking(move || drop(disk));
        }
    }
}
