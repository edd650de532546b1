//! Writing a blob: segments go out behind the caller, the head goes last.
//!
//! ```text
//! spare() -> block being filled -> full blocks -> segment, put by a task (at most two at a time)
//! finish: all segments are stored -> head with the rest -> the blob exists
//! ```
//! Guarantees: a writer always gets on with one block of its own and uses more only while the pool's budget
//! allows; where it does not, segments get shorter rather than memory larger. A segment is put whole or not
//! at all, and put again from the same sealed bytes when that failed. A dropped writer leaves nothing, unless
//! the backend fails: its puts under way are waited for, then what they stored is deleted. Whoever deletes the
//! blob meanwhile waits for those puts, too, so that what is deleted stays so.
//!
//! Does not: use multipart uploads. Those of a crashed server cannot be listed over every backend, are
//! charged for, and gain nothing where segments are objects already.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use object_engine::blobs::{
    BlobError, BlobId, BlobWriter,
    buffers::{BLOCK_BYTES, Buffer, PAGE_BYTES},
    sums::Sums,
};
use object_store::{ObjectStoreExt as _, PutPayload, path::Path};
use tokio::task::JoinSet;

use crate::{
    UnderWay, Volume,
    failure::{damaged, unavailable},
    head::Head,
};

/// Segments of one blob that are put at the same time: one crosses the network while the backend answers
/// for the other.
const PUTS_MAX: usize = 2;

/// Writes one blob.
pub(crate) struct CloudWriter {
    volume: Arc<Volume>,
    id: BlobId,
    declared: Option<u64>,
    /// The block being filled.
    block: Option<Block>,
    /// Full blocks of the segment to come, and their bytes.
    full: Vec<Bytes>,
    full_bytes: usize,
    /// Whether the block that needs no budget is lent.
    own_lent: bool,
    cuts: Vec<u32>,
    sums: Sums,
    puts: JoinSet<Result<(), BlobError>>,
    failed: Option<BlobError>,
    finished: bool,
}

struct Block {
    buffer: Buffer,
    filled: usize,
}

impl CloudWriter {
    /// A writer for `id`, which the volume has noted as under way.
    pub(crate) fn new(volume: Arc<Volume>, id: BlobId, declared: Option<u64>) -> Self {
        Self {
            volume,
            id,
            declared,
            block: None,
            full: Vec::new(),
            full_bytes: 0,
            own_lent: false,
            cuts: Vec::new(),
            sums: Sums::default(),
            puts: JoinSet::new(),
            failed: None,
            finished: false,
        }
    }

    /// Bytes advanced so far.
    fn written(&self) -> u64 {
        let sent: u64 = self.cuts.iter().map(|cut| u64::from(*cut)).sum();
        let filled = self.block.as_ref().map_or(0, |block| block.filled);
        sent + (self.full_bytes + filled) as u64
    }

    /// Moves a full block to the others. Only sealed bytes are in it now.
    fn retire_block(&mut self) {
        let Some(mut block) = self.block.take() else { return };
        if block.filled == 0 {
            return; // dropped, and wiped as it may hold what was never advanced over
        }
        block.buffer.resize(block.filled);
        self.sums.update(&block.buffer);
        block.buffer.mark_sealed();
        self.full_bytes += block.filled;
        self.full.push(block.buffer.into_bytes());
    }

    /// A block to fill: the writer's own, one ahead, or its own once the backend has taken it.
    async fn next_block(&mut self) -> Result<Buffer, BlobError> {
        let bytes = self.room();
        loop {
            if !self.own_lent {
                self.own_lent = true;
                return Ok(self.volume.options.buffers.take(bytes));
            }
            if let Some(ahead) = self.volume.options.buffers.take_ahead(bytes) {
                return Ok(ahead);
            }
            self.send_segment().await?;
            self.settle(0).await?;
            self.own_lent = false;
        }
    }

    /// What the next block takes: the rest of the declared length, but at least one byte, since a
    /// caller may ask for room before it knows that it has no more.
    fn room(&self) -> usize {
        let left = self.declared.map(|length| length.saturating_sub(self.written()) + 1);
        let left = left.and_then(|left| usize::try_from(left).ok()).unwrap_or(BLOCK_BYTES);
        left.min(BLOCK_BYTES).next_multiple_of(PAGE_BYTES)
    }

    /// How long a segment shall be now.
    fn segment_bytes(&self) -> usize {
        let pressed = self.volume.options.buffers.under_pressure();
        let whole = self.volume.options.segment_bytes;
        if pressed { whole / 4 } else { whole }
    }

    /// Begins to put the full blocks as one segment.
    async fn send_segment(&mut self) -> Result<(), BlobError> {
        if self.full.is_empty() {
            return Ok(());
        }
        self.settle(PUTS_MAX - 1).await?;
        let cut = u32::try_from(self.full_bytes).map_err(|_| self.overlong())?;
        let path = self.volume.names.segment(self.id, self.cuts.len());
        self.cuts.push(cut);
        self.full_bytes = 0;
        let payload = std::mem::take(&mut self.full).into_iter().collect();
        self.put(path, payload);
        Ok(())
    }

    fn overlong(&self) -> BlobError {
        damaged(self.id, "a segment of it is longer than 4 GiB")
    }

    /// Puts an object, by a task of its own: a put that was begun is known to have ended before what it
    /// stored is deleted.
    fn put(&mut self, path: Path, payload: PutPayload) {
        let volume = Arc::clone(&self.volume);
        self.puts.spawn(async move {
            let put = volume.store.put(&path, payload).await;
            put.map(|_| ()).map_err(|error| unavailable(&error))
        });
    }

    /// Waits until at most `left` puts are under way. Cancel-safe.
    async fn settle(&mut self, left: usize) -> Result<(), BlobError> {
        while self.puts.len() > left {
            let Some(put) = self.puts.join_next().await else { break };
            let lost = |_| Err(BlobError::Unavailable("a put was interrupted".into()));
            if let Err(error) = put.unwrap_or_else(lost) {
                self.failed.get_or_insert(error);
            }
        }
        self.failed.clone().map_or(Ok(()), Err)
    }

    fn check_declared(&self, wrong: impl FnOnce(u64, u64) -> bool) -> Result<(), BlobError> {
        let written = self.written();
        match self.declared {
            Some(declared) if wrong(written, declared) => {
                Err(damaged(self.id, format!("got {written} bytes where {declared} were declared")))
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl BlobWriter for CloudWriter {
    async fn ready(&mut self) -> Result<(), BlobError> {
        if self.block.as_ref().is_some_and(|block| block.filled < block.buffer.len()) {
            return Ok(());
        }
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.check_declared(|written, declared| written > declared)?;
        self.retire_block();
        if self.full_bytes >= self.segment_bytes() {
            self.send_segment().await?;
        }
        let buffer = self.next_block().await?;
        self.block = Some(Block { buffer, filled: 0 });
        Ok(())
    }

    fn spare(&mut self) -> &mut [u8] {
        match &mut self.block {
            Some(block) => &mut block.buffer[block.filled..],
            None => &mut [],
        }
    }

    fn advance(&mut self, n: usize) {
        if n == 0 {
            return;
        }
        let block = self.block.as_mut().expect("spare is empty before ready, so n is 0");
        assert!(n <= block.buffer.len() - block.filled, "advance stays within spare");
        block.filled += n;
    }

    async fn finish(mut self: Box<Self>) -> Result<u64, BlobError> {
        let length = self.written();
        self.check_declared(|written, declared| written != declared)?;
        self.retire_block();
        self.settle(0).await?;
        let table = std::mem::take(&mut self.sums).finish();
        let cuts = std::mem::take(&mut self.cuts);
        let head = Head { id: self.id, length, cuts, table }.encode();
        let tail = std::mem::take(&mut self.full);
        let payload = std::iter::once(Bytes::from(head)).chain(tail).collect();
        self.put(self.volume.names.head(self.id), payload);
        self.settle(0).await?;
        // Only here, after the last await, does the blob stay: a caller that went away meanwhile has
        // dropped this future, and with it the blob.
        self.finished = true;
        Ok(length)
    }
}

impl Drop for CloudWriter {
    fn drop(&mut self) {
        let (volume, id) = (Arc::clone(&self.volume), self.id);
        let mut puts = std::mem::take(&mut self.puts);
        let runtime = tokio::runtime::Handle::try_current();
        let (Ok(runtime), false) = (runtime, self.finished) else {
            puts.detach_all();
            volume.end(id);
            return;
        };
        // Nothing may be stored after the deletion has looked.
        let begun = !puts.is_empty() || !self.cuts.is_empty() || self.failed.is_some();
        if !begun {
            volume.end(id);
            return;
        }
        volume.under_way().insert(id, UnderWay::Abandoned);
        runtime.spawn(async move {
            while puts.join_next().await.is_some() {}
            if let Err(error) = volume.delete(id).await {
                // Who took the name deletes it, too, and only once the puts have ended.
                tracing::debug!(%error, "what a dropped writer stored could not be deleted yet");
            }
            volume.end(id);
        });
    }
}
