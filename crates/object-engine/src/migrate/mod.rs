//! Moves everything stored from one catalog and blob store to others, of any kind, while nothing serves either.
//!
//! # What it guarantees
//!
//! - *Nothing is opened*: records and sealed bytes are copied as they are; this crate has no key.
//! - *The source is only read*, but for one record at the very end where it is to be retired.
//! - *Blobs before records*: no record stands in the target before every blob that it refers to is durable there.
//! - *All or nothing*: from its first commit to its last a journal stands in the target, and the record of the
//!   schema does not. An engine refuses to open such a catalog; one that knows no journal misses the schema.
//!   The last commit removes the one, and writes the other and what the copy was made from.
//! - *Resumable*: each commit carries where the journal stands, and checks that nobody else moved it. A run that
//!   died anywhere is taken up at its last commit; the blobs after that are written again.
//! - *Verified*: each blob's bytes are summed as they are read and compared with the checksums that the source noted
//!   when it was written; then those that the target noted are compared with the source's, and the records of each
//!   space with their number, bytes and checksum in the source, which must be the same at the end as at the beginning.
//!
//! # Why a copy of the records means the same
//!
//! No record that is copied holds a stamp: they are given by the catalog that holds a record, and kept in memory at
//! most. (What engines at work write about themselves may; it is not copied.) What is compared with one is: a record against what the same verb has read of it; a lease against the commit that took
//! it (leases are not copied: every blob that the target gets is referred to, so there is nothing to sweep); and
//! a deferred removal against the first lease of the engine at work. The last is right in the target too: its
//! removals were written before its first engine opened, and no reader of then can be left.
//!
//! Ids of blobs, and the number of the next lease, are copied: an id that the source gave out, the target never
//! gives out again. Where blobs stay in their place, leases are copied as well, since the blobs that nothing refers
//! to stay too; the first engine of the target sweeps them.
//!
//! # From records to blobs
//!
//! A blob must be copied if a version, the manifest of a counted body, or a part of an upload that was not removed
//! refers to it. What else may still be stored is waiting for its removal, in the source as in the target, where
//! removing what is not there is nothing. What must be copied is noted in the target by the blob's id, since a body
//! that many versions share is one blob, and since ids in order are what stores are quick at.
//!
//! # Whose the blobs are
//!
//! Where blobs are copied, the target is another installation than the source: each has its own blobs, and neither
//! may ever be served over the other's. Its id is the migration's, which the journal has from the first commit on,
//! so that a run that is taken up finds its own mark. Where blobs stay, their mark stays, and the id is copied.
//!
//! Does not: run beside a server (the caller holds the locks), merge into what is there, or repair. A damaged or
//! missing blob ends it.

mod begin;
mod blobs;
mod journal;
mod plan;
mod records;

use std::{fmt, sync::Arc};

use crate::{
    blobs::{BlobId, BlobStore, buffers::BufferPool, installation::InstallationId},
    catalog::{Catalog, CatalogError, Commit, CommitError, Entry, Expect, Key, Read, Stamp},
    entropy::Entropy,
    error::EngineError,
    keys,
    record::Installation,
};

use journal::{Journal, Phase};
pub use journal::{SpaceSummary, Summary};

/// One of the two stores.
#[derive(Clone, Debug)]
pub struct Side {
    /// Metadata.
    pub catalog: Arc<dyn Catalog>,
    /// Sealed bytes.
    pub blobs: Arc<dyn BlobStore>,
}

/// What becomes of the blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobsMove {
    /// They are copied to another store, which is empty.
    Copied,
    /// Both sides name the same store. The source must then be retired: two catalogs over one store take
    /// each other's blobs for garbage.
    Stay,
}

/// How it is done.
#[derive(Clone, Debug)]
pub struct MigrateOptions {
    /// What becomes of the blobs.
    pub blobs: BlobsMove,
    /// Whether the source is marked at the end, so that no engine opens it any more.
    pub retire: bool,
    /// Whether each byte that was written to the target is read back from it.
    pub read_back: bool,
    /// Where memory for copying comes from.
    pub buffers: BufferPool,
    /// What names the migration.
    pub entropy: Arc<dyn Entropy>,
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Finding the blobs to copy, and summing up the source's records.
    Planning,
    /// Copying blobs.
    CopyingBlobs,
    /// Copying records.
    CopyingRecords,
    /// Comparing the target's blobs with the source's.
    VerifyingBlobs,
    /// Comparing the target's records with the source's.
    VerifyingRecords,
    /// Removing the notes about blobs.
    CleaningUp,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub step: Step,
    /// Records or blobs that are done.
    pub done: u64,
    /// How many there are; 0 where that is not known.
    pub total: u64,
    /// Bytes of blobs that are done.
    pub bytes: u64,
    /// How many there are.
    pub total_bytes: u64,
}

/// Sees how far it is.
pub trait Watch: Send + Sync {
    /// Called after each batch.
    fn see(&self, progress: Progress);
}

/// How it ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrated {
    /// The target holds what the source holds.
    Now(Summary),
    /// An earlier run did it; nothing was looked at again.
    Before(Summary),
}

/// Why nothing is done. The operator's to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The source was never served.
    #[error("the source holds no catalog")]
    NoSource,
    /// Another version of the program wrote the source.
    #[error("the source's catalog has schema version {0}, which this program does not know")]
    UnknownSchema(u64),
    /// The source is the target of a migration that has not ended.
    #[error("a migration into the source has not ended")]
    SourceNotWhole,
    /// The source was moved elsewhere.
    #[error("the source was retired by an earlier migration")]
    SourceRetired,
    /// The source was served between two runs.
    #[error("the source was served since the migration began; empty the target and begin anew")]
    SourceServed,
    /// The run before meant to do something else with the blobs.
    #[error("the migration was begun with blobs elsewhere")]
    OtherBlobs,
    /// There is a catalog in the target.
    #[error("the target's catalog is not empty")]
    TargetCatalogTaken,
    /// There are blobs in the target.
    #[error("the target's blobs are not empty")]
    TargetBlobsTaken,
    /// Nothing would be found among these blobs, or the wrong ones.
    #[error("the source's blobs are not its own: they are marked as installation {0}'s")]
    SourceBlobsOfAnother(InstallationId),
    /// Somebody else keeps blobs there, or is about to.
    #[error("the target's blobs are marked as installation {0}'s")]
    TargetBlobsOfAnother(InstallationId),
    /// Blobs that stay need a source that goes.
    #[error("where blobs stay in their place, the source must be retired")]
    NotRetired,
    /// Somebody else moves the journal.
    #[error("another migration into the target is at work")]
    NotAlone,
}

/// Why it ended; it can be taken up again, but for what must be acted on first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MigrateError {
    /// Operator: nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Operator: the source cannot be read, or is damaged.
    #[error("the source: {0}")]
    Source(EngineError),
    /// Operator: the target cannot be written or read.
    #[error("the target: {0}")]
    Target(EngineError),
    /// Operator: what the target holds is not what the source held. It is not to be served.
    #[error("the target differs from the source: {0}")]
    Different(String),
}

fn source(error: impl Into<EngineError>) -> MigrateError {
    MigrateError::Source(error.into())
}

fn target(error: impl Into<EngineError>) -> MigrateError {
    MigrateError::Target(error.into())
}

/// Copies everything from one side to the other, or goes on with that. The caller keeps servers and other
/// migrations off both sides.
pub async fn migrate(
    from: &Side,
    to: &Side,
    options: &MigrateOptions,
    watch: &dyn Watch,
) -> Result<Migrated, MigrateError> {
    match begin::begin(from, to, options).await? {
        begin::Begun::Already(summary) => Ok(Migrated::Before(summary)),
        begin::Begun::AtWork(journal, stamp) => {
            Run { from, to, options, watch, journal, stamp, is_first_batch: true }.finish().await
        }
    }
}

/// Refuses a catalog into which a migration has not ended, or that was moved away.
pub(crate) async fn refuse_unless_whole(catalog: &dyn Catalog) -> Result<(), EngineError> {
    let reads = [Read::Get(keys::journal()), Read::Get(keys::retired())];
    let found = catalog.read(&reads).await?;
    match &found[..] {
        [None, None] => Ok(()),
        [Some(_), _] => Err(EngineError::Unavailable(
            "a migration into this catalog has not ended: run `strongroom migrate` again".into(),
        )),
        _ => Err(EngineError::Unavailable(
            "this catalog was moved elsewhere by `strongroom migrate --retire`".into(),
        )),
    }
}

/// A migration at work.
struct Run<'m> {
    from: &'m Side,
    to: &'m Side,
    options: &'m MigrateOptions,
    watch: &'m dyn Watch,
    /// As it stands in the target.
    journal: Journal,
    /// The write that put it there.
    stamp: Stamp,
    /// Whether what comes next may have been begun by a run that died.
    is_first_batch: bool,
}

impl fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("journal", &self.journal).finish_non_exhaustive()
    }
}

impl Run<'_> {
    /// Does what is left.
    async fn finish(mut self) -> Result<Migrated, MigrateError> {
        loop {
            match self.journal.phase {
                Phase::Plan => self.plan().await?,
                Phase::Blobs => self.copy_blobs().await?,
                Phase::Records(space) => self.copy_records(space).await?,
                Phase::VerifyBlobs => self.verify_blobs().await?,
                Phase::VerifyRecords => self.verify_records().await?,
                Phase::CleanUp => return self.end().await,
            }
        }
    }

    /// Commits to the target, if nobody else moved the journal, and moves it.
    async fn step(&mut self, mut commit: Commit) -> Result<(), MigrateError> {
        commit.check(keys::journal(), Expect::Stamp(self.stamp));
        commit.put(keys::journal(), self.journal.encode());
        self.stamp = committed(self.to, commit).await?;
        Ok(())
    }

    /// Goes over to the next phase.
    async fn enter(&mut self, phase: Phase) -> Result<(), MigrateError> {
        self.journal.enter(phase);
        self.step(Commit::default()).await
    }

    fn see(&self, step: Step) {
        let Journal { done, summary, .. } = &self.journal;
        let (total, total_bytes) = match step {
            Step::Planning => (0, 0),
            Step::CopyingBlobs | Step::VerifyingBlobs => (summary.blobs, summary.blob_bytes),
            Step::CopyingRecords => (summary.records(), 0),
            // Of both sides.
            Step::VerifyingRecords => (2 * summary.records(), 0),
            Step::CleaningUp => (summary.blobs, 0),
        };
        let (bytes, done) = (done.bytes, done.count);
        self.watch.see(Progress { step, done, total, bytes, total_bytes });
    }

    /// Removes the notes about blobs, retires the source if asked to, and declares the target whole.
    async fn end(mut self) -> Result<Migrated, MigrateError> {
        while let Some(batch) = self.wanted(records::PAGE_RECORDS, u64::MAX).await? {
            let mut commit = Commit::default();
            self.journal.done.count += batch.len() as u64;
            for (blob, _) in batch {
                commit.delete(keys::wanted_blob(blob));
            }
            self.step(commit).await?;
            self.see(Step::CleaningUp);
        }
        let schema = get(&*self.from.catalog, keys::schema()).await.map_err(source)?;
        let schema = schema.ok_or(Refusal::NoSource)?;
        if self.options.retire {
            // Before the target is whole: at no moment may both be served.
            let mut commit = Commit::default();
            commit.put(keys::retired(), self.journal.id.to_vec());
            self.from.catalog.commit(commit).await.map_err(source)?;
        }
        let mut commit = Commit::default();
        commit.check(keys::journal(), Expect::Stamp(self.stamp)).delete(keys::journal());
        commit.put(keys::origin(), self.journal.encode());
        commit.put(keys::schema(), schema.value);
        if !self.journal.blobs_stay {
            let id = self.journal.installation();
            commit.put(keys::installation(), Installation { id, is_marked: true }.encode());
        }
        committed(self.to, commit).await?;
        Ok(Migrated::Now(self.journal.summary))
    }
}

async fn committed(to: &Side, commit: Commit) -> Result<Stamp, MigrateError> {
    match to.catalog.commit(commit).await {
        Err(CommitError::Conflict) => Err(Refusal::NotAlone.into()),
        outcome => outcome.map_err(target),
    }
}

async fn get(catalog: &dyn Catalog, key: Key) -> Result<Option<Entry>, CatalogError> {
    Ok(catalog.read(&[Read::Get(key)]).await?.pop().flatten().map(|(_, entry)| entry))
}

/// Blobs with their stored lengths.
type Blobs = Vec<(BlobId, u64)>;
