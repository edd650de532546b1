//! A store moved from one place to another: both opened without an engine, and handed to the engine's `migrate`.
//!
//! Guarantees: each catalog in PostgreSQL is this process's alone; where blobs of the new store are is noted in its
//! data directory before the first is copied. Does not: lock data directories; who has a [`DataDir`] has.

use std::sync::Arc;

use object_engine::{
    blobs::buffers::BufferPool,
    migrate::{self, BlobsMove, MigrateError, MigrateOptions, Migrated, Refusal, Side, Summary},
};

use super::{BlobsLocation, SystemRandom, blobs, open_catalog};
use crate::{data_dir::DataDir, failure::Failure, metadata::Metadata};

pub(crate) use migrate::{Progress, Step as ProgressStep, Watch as WatchMove};

/// Where one of the two stores is.
pub(crate) struct Place<'p> {
    /// Its data directory.
    pub(crate) data: &'p DataDir,
    /// Its catalog.
    pub(crate) metadata: &'p Metadata,
    /// Its blobs; `None`: in files of the data directory.
    pub(crate) blobs: Option<&'p BlobsLocation>,
}

/// What becomes of the blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blobs {
    /// They are copied.
    Copied,
    /// They are where they shall be.
    Stay,
}

/// How it is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MoveOptions {
    /// What becomes of the blobs.
    pub(crate) blobs: Blobs,
    /// Whether no server shall take the old catalog any more.
    pub(crate) retire: bool,
    /// Whether what was written is read back.
    pub(crate) read_back: bool,
}

/// What was moved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moved {
    /// What is there now.
    pub(crate) summary: Summary,
    /// Whether this run did it.
    pub(crate) is_new: bool,
}

/// Moves a store.
pub(crate) async fn move_store(
    from: &Place<'_>,
    to: &Place<'_>,
    options: MoveOptions,
    watch: &dyn WatchMove,
) -> Result<Moved, Failure> {
    let buffers = BufferPool::default();
    let (from, _) = open(from, "FROM", buffers.clone()).await?;
    let (to, place) = open(to, "TO", buffers.clone()).await?;
    let is_new = place.note()?;
    let options = MigrateOptions {
        blobs: match options.blobs {
            Blobs::Copied => BlobsMove::Copied,
            Blobs::Stay => BlobsMove::Stay,
        },
        retire: options.retire,
        read_back: options.read_back,
        buffers,
        entropy: Arc::new(SystemRandom),
    };
    match migrate::migrate(&from, &to, &options, watch).await {
        Ok(Migrated::Now(summary)) => Ok(Moved { summary, is_new: true }),
        Ok(Migrated::Before(summary)) => Ok(Moved { summary, is_new: false }),
        Err(error) => {
            if is_new && is_taken(&error) {
                place.forget()?;
            }
            Err(failure(&error))
        }
    }
}

/// Whether somebody else's blobs are where the new store's were to be.
fn is_taken(error: &MigrateError) -> bool {
    let is_taken =
        |why: &Refusal| matches!(why, Refusal::TargetBlobsTaken | Refusal::TargetBlobsOfAnother(_));
    matches!(error, MigrateError::Refused(why) if is_taken(why))
}

async fn open(
    place: &Place<'_>,
    side: &str,
    buffers: BufferPool,
) -> Result<(Side, blobs::Opened), Failure> {
    let catalog = open_catalog(place.data, place.metadata).await?;
    let opened = blobs::open_for(place.data, place.blobs, (side, buffers)).await?;
    Ok((Side { catalog, blobs: Arc::clone(&opened.blobs) }, opened))
}

fn failure(error: &MigrateError) -> Failure {
    let failure = Failure::failed("the store was not moved").detail(error);
    match error {
        MigrateError::Refused(Refusal::NotRetired) => failure.hint("add --retire"),
        MigrateError::Refused(
            Refusal::TargetCatalogTaken
            | Refusal::TargetBlobsTaken
            | Refusal::TargetBlobsOfAnother(_),
        ) => failure.hint("move to a place where nothing is yet"),
        MigrateError::Refused(Refusal::SourceBlobsOfAnother(_)) => {
            failure.hint("name the blobs of that catalog with --from-blobs")
        }
        MigrateError::Refused(_) => failure,
        MigrateError::Source(_) | MigrateError::Target(_) => {
            failure.hint("the same command goes on where it was, once that is mended")
        }
        MigrateError::Different(_) => failure.hint("empty the target and begin anew"),
    }
}
