//! Copying blobs in the order of their ids, and comparing them.
//!
//! Guarantees: what was copied is finished, and so durable, before the journal moves past it; what a run that died
//! left of the batch under way is removed and written again; a blob whose bytes are not what its store
//! noted when it was written is refused, not copied.
//! Does not: hold more than one block of a blob, but for what the target's writer takes from the pool.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{BlobsMove, MigrateError, Run, Step, journal::Phase, source, target};
use crate::{
    blobs::{
        BlobError, BlobId, BlobStore, BlobWriter,
        buffers::{BLOCK_BYTES, BufferPool, block_at},
        sums::Sums,
    },
    catalog::{self, Commit, Direction, Space, Stamp},
    error::EngineError,
    keys,
    record::{Malformed, decode_number},
};

/// Blobs of one batch, after which the journal moves: a commit each would cost more than a small blob.
const BATCH_BLOBS: usize = 64;

/// Stored bytes from which on a batch gets no further blob: what a run that dies has to write again.
const BATCH_BYTES: u64 = 256 << 20;

/// Blobs that are copied or compared at the same time: a store beyond a network answers late.
const AT_ONCE: usize = 8;

/// What a task copies or compares with.
#[derive(Clone)]
struct Stores {
    from: Arc<dyn BlobStore>,
    to: Arc<dyn BlobStore>,
    buffers: BufferPool,
    read_back: bool,
}

/// What is done to each blob of a batch.
#[derive(Clone, Copy)]
enum Deed {
    Copy,
    Compare,
}

impl Run<'_> {
    /// Copies the rest of the blobs.
    pub(super) async fn copy_blobs(&mut self) -> Result<(), MigrateError> {
        while let Some(batch) = self.wanted(BATCH_BLOBS, BATCH_BYTES).await? {
            if std::mem::take(&mut self.is_first_batch) {
                self.remove_leftovers(&batch).await.map_err(target)?;
            }
            self.do_to_batch(batch, Deed::Copy).await?;
            self.see(Step::CopyingBlobs);
        }
        self.enter(Phase::Records(Space::Index)).await
    }

    /// Compares the rest of the blobs.
    pub(super) async fn verify_blobs(&mut self) -> Result<(), MigrateError> {
        while let Some(batch) = self.wanted(BATCH_BLOBS, BATCH_BYTES).await? {
            self.do_to_batch(batch, Deed::Compare).await?;
            self.see(Step::VerifyingBlobs);
        }
        self.enter(Phase::VerifyRecords).await
    }

    /// The next noted blobs after the cursor: at most `limit`, and none after `bytes_max`; `None`: there are no more.
    pub(super) async fn wanted(
        &self,
        limit: usize,
        bytes_max: u64,
    ) -> Result<Option<super::Blobs>, MigrateError> {
        let (mut wanted, mut bytes, mut outcome) = (super::Blobs::new(), 0, Ok(()));
        let mut visitor = |key: &[u8], _: Stamp, value: &[u8]| {
            let is_full = wanted.len() == limit || bytes >= bytes_max;
            if is_full || !key.starts_with(keys::WANTED_BLOBS) {
                return catalog::Step::Stop;
            }
            match decode_wanted(key, value) {
                Ok((blob, length)) => {
                    wanted.push((blob, length));
                    bytes += length;
                    catalog::Step::Next
                }
                Err(error) => {
                    outcome = Err(error);
                    catalog::Step::Stop
                }
            }
        };
        let from = match &self.journal.cursor[..] {
            [] => keys::WANTED_BLOBS.to_vec(),
            cursor => [cursor, &[0]].concat(),
        };
        let catalog = &self.to.catalog;
        let walked = catalog.walk(Space::Records, &from, Direction::Forward, &mut visitor).await;
        walked.map_err(target)?;
        outcome.map_err(target)?;
        Ok((!wanted.is_empty()).then_some(wanted))
    }

    /// Removes what a run that died may have begun to write of these blobs.
    async fn remove_leftovers(&self, batch: &super::Blobs) -> Result<(), BlobError> {
        let (Some((first, _)), Some((last, _))) = (batch.first(), batch.last()) else {
            return Ok(());
        };
        for blob in self.to.blobs.present(first.0..last.0 + 1).await? {
            self.to.blobs.delete(blob).await?;
        }
        Ok(())
    }

    /// Does it to each blob, and moves the journal past them.
    async fn do_to_batch(&mut self, batch: super::Blobs, deed: Deed) -> Result<(), MigrateError> {
        let stores = Stores {
            from: Arc::clone(&self.from.blobs),
            to: Arc::clone(&self.to.blobs),
            buffers: self.options.buffers.clone(),
            read_back: self.options.read_back && self.options.blobs == BlobsMove::Copied,
        };
        let mut at_work = JoinSet::new();
        for (blob, length) in batch.iter().copied() {
            if at_work.len() == AT_ONCE {
                ended(&mut at_work).await?;
            }
            let stores = stores.clone();
            at_work.spawn(async move {
                match deed {
                    Deed::Copy => stores.copy(blob, length).await,
                    Deed::Compare => stores.compare(blob, length).await,
                }
            });
        }
        while !at_work.is_empty() {
            ended(&mut at_work).await?;
        }
        if let Some((last, _)) = batch.last() {
            self.journal.cursor = keys::wanted_blob(*last).bytes;
        }
        self.journal.done.count += batch.len() as u64;
        self.journal.done.bytes += batch.iter().map(|(_, length)| length).sum::<u64>();
        self.step(Commit::default()).await
    }
}

fn decode_wanted(key: &[u8], value: &[u8]) -> Result<(BlobId, u64), Malformed> {
    let blob = keys::blob_of(key).ok_or(Malformed("migration"))?;
    Ok((blob, decode_number(value)?))
}

/// Waits for one of the tasks. After an error the others are dropped with the set, and abandon their blobs.
async fn ended(at_work: &mut JoinSet<Result<(), MigrateError>>) -> Result<(), MigrateError> {
    let Some(done) = at_work.join_next().await else { return Ok(()) };
    let lost = |_| Err(target(EngineError::Unavailable("a copy was interrupted".into())));
    done.unwrap_or_else(lost)
}

impl Stores {
    async fn copy(&self, blob: BlobId, length: u64) -> Result<(), MigrateError> {
        let expected = self.from.sums(blob, length).await.map_err(source)?;
        let reader = self.from.open(blob, length).await.map_err(source)?;
        let mut writer = self.to.create(blob, Some(length)).await.map_err(target)?;
        let mut sums = Sums::default();
        let mut block = self.buffers.take(BLOCK_BYTES);
        block.mark_sealed();
        let mut at = 0;
        while at < length {
            block.resize(block_at(at, length));
            block = reader.read_at(at, block).await.map_err(source)?;
            sums.update(&block);
            write(&mut *writer, &block).await.map_err(target)?;
            at += block.len() as u64;
        }
        if sums.finish() != expected {
            let detail = "its bytes do not match the checksums noted when it was written".into();
            return Err(source(BlobError::Damaged { id: blob, detail }));
        }
        writer.finish().await.map_err(target)?;
        Ok(())
    }

    async fn compare(&self, blob: BlobId, length: u64) -> Result<(), MigrateError> {
        let expected = self.from.sums(blob, length).await.map_err(source)?;
        if self.to.sums(blob, length).await.map_err(target)? != expected {
            return Err(MigrateError::Different(format!("{blob:?} has other checksums")));
        }
        if self.read_back {
            self.to.scrub(blob, length).await.map_err(target)?;
        }
        Ok(())
    }
}

async fn write(writer: &mut dyn BlobWriter, mut bytes: &[u8]) -> Result<(), BlobError> {
    while !bytes.is_empty() {
        writer.ready().await?;
        let spare = writer.spare();
        let n = spare.len().min(bytes.len());
        spare[..n].copy_from_slice(&bytes[..n]);
        writer.advance(n);
        bytes = &bytes[n..];
    }
    Ok(())
}
