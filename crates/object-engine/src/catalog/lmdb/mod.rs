//! The catalog in LMDB: the embedded default.
//!
//! Guarantees: the whole contract. Every commit is synced before it is answered (one `fdatasync` and
//! one synced write of the meta page for all commits that waited together). A read or walk sees one
//! snapshot, copies what it returns, and ends its read transaction before it returns: an old reader
//! would keep every page that was freed since. The checksum of every record is verified when it is
//! read.
//!
//! Does not: keep other processes out (the data directory's lock does), shrink the file, or go on
//! after a commit whose outcome is unknown: see [`LmdbOptions::on_fatal`].
//!
//! Reads run where they are called, without a thread of their own: they touch a few mapped pages and
//! take microseconds, less than a hand-over would.

mod committer;
mod record;
#[cfg(test)]
mod tests;
mod trees;

use std::fmt;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use heed::{RoTxn, WithoutTls};

use self::committer::Committer;
use self::trees::Trees;
use super::{
    Catalog, CatalogError, Commit, CommitError, Direction, Entry, KEY_BYTES_MAX, Key, Read, Space,
    Stamp, Step, Visitor,
};

/// What is done when a commit's outcome is unknown.
pub type OnFatal = Arc<dyn Fn(&str) + Send + Sync>;

/// How the catalog is opened.
#[derive(Clone)]
pub struct LmdbOptions {
    /// The most that the catalog may ever hold, in bytes; a multiple of the page size. Address space
    /// only: neither memory nor disk is used before records are.
    pub map_bytes: usize,
    /// How many reads may run at one moment.
    pub readers_max: u32,
    /// Called when the outcome of a commit is unknown, with what failed. The process must end: what
    /// it believes of the catalog may be wrong, and only a restart reads the truth. The default
    /// ends it at once. If it returns, this catalog commits nothing any more.
    pub on_fatal: OnFatal,
}

impl Default for LmdbOptions {
    fn default() -> Self {
        Self {
            map_bytes: 1 << 40,
            readers_max: 1_024,
            on_fatal: Arc::new(|detail| {
                tracing::error!(detail, "the outcome of a catalog commit is unknown: ending");
                std::process::abort();
            }),
        }
    }
}

impl fmt::Debug for LmdbOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LmdbOptions")
            .field("map_bytes", &self.map_bytes)
            .field("readers_max", &self.readers_max)
            .finish_non_exhaustive()
    }
}

/// Why the catalog cannot be opened. All are the operator's to act on.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// This process has the catalog open already.
    #[error("the catalog is open already in this process")]
    AlreadyOpen,
    /// A record that the catalog cannot do without does not verify.
    #[error("the catalog's root is damaged: {0}")]
    Damaged(String),
    /// LMDB cannot open the files.
    #[error("the catalog's database cannot be opened: {0}")]
    Engine(String),
    /// The operating system refuses the directory or its files.
    #[error("the catalog's files cannot be opened: {0}")]
    Io(#[from] std::io::Error),
    /// The files are an LMDB environment that this program did not write.
    #[error("the database holds no catalog: it has records, but no schema version")]
    NotACatalog,
    /// A newer or unknown program wrote the catalog.
    #[error(
        "the catalog has schema version {found}; this program knows {:?}",
        trees::SCHEMAS_KNOWN
    )]
    UnknownSchema {
        /// The version that stands there.
        found: u32,
    },
}

impl From<heed::Error> for OpenError {
    fn from(error: heed::Error) -> Self {
        match error {
            heed::Error::Io(io) => Self::Io(io),
            heed::Error::EnvAlreadyOpened => Self::AlreadyOpen,
            other => Self::Engine(other.to_string()),
        }
    }
}

/// The catalog in one LMDB environment. Dropping it waits for the commits that it has taken.
pub struct LmdbCatalog {
    // Before the trees, so that its thread has ended and let go of the environment first.
    committer: Committer,
    trees: Trees,
}

impl LmdbCatalog {
    /// Opens, and if need be creates, the catalog in the directory `path`. The caller holds the
    /// lock that keeps other processes out of it.
    ///
    /// # Errors
    /// See [`OpenError`]; nothing was changed.
    pub fn open(path: &Path, options: LmdbOptions) -> Result<Self, OpenError> {
        let trees = Trees::open(path, &options)?;
        let last_stamp = trees.last_stamp()?;
        let committer = Committer::start(trees.clone(), last_stamp, options.on_fatal)?;
        Ok(Self { committer, trees })
    }

    fn snapshot(&self) -> Result<RoTxn<'_, WithoutTls>, CatalogError> {
        self.trees.env.read_txn().map_err(unavailable)
    }

    fn read_one(
        &self,
        txn: &RoTxn<'_, WithoutTls>,
        read: &Read,
    ) -> Result<Option<(Vec<u8>, Entry)>, CatalogError> {
        let found = match read {
            Read::Get(key) if !is_possible(&key.bytes) => None,
            Read::Get(key) => {
                let record = self.trees.of(key.space).get(txn, &key.bytes).map_err(unavailable)?;
                record.map(|record| (key.space, key.bytes.as_slice(), record))
            }
            Read::First(prefix) => {
                let next = self.first_from(txn, prefix).map_err(unavailable)?;
                next.filter(|(key, _)| key.starts_with(&prefix.bytes))
                    .map(|(key, record)| (prefix.space, key, record))
            }
        };
        let Some((space, key, record)) = found else { return Ok(None) };
        let (stamp, value) = verified(space, key, record)?;
        Ok(Some((key.to_vec(), Entry { stamp, value: Bytes::copy_from_slice(value) })))
    }

    fn first_from<'t>(
        &self,
        txn: &'t RoTxn<'_, WithoutTls>,
        from: &Key,
    ) -> heed::Result<Option<(&'t [u8], &'t [u8])>> {
        let tree = self.trees.of(from.space);
        // LMDB refuses to look for a key of no bytes.
        if from.bytes.is_empty() {
            return tree.first(txn);
        }
        tree.get_greater_than_or_equal_to(txn, &from.bytes)
    }
}

/// Counts would need a transaction; where it stands is enough.
impl fmt::Debug for LmdbCatalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LmdbCatalog").field("path", &self.trees.env.path()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Catalog for LmdbCatalog {
    async fn read(&self, reads: &[Read]) -> Result<Vec<Option<(Vec<u8>, Entry)>>, CatalogError> {
        let txn = self.snapshot()?;
        reads.iter().map(|read| self.read_one(&txn, read)).collect()
    }

    async fn walk(
        &self,
        space: Space,
        from: &[u8],
        direction: Direction,
        visitor: &mut Visitor<'_>,
    ) -> Result<(), CatalogError> {
        let txn = self.snapshot()?;
        let walk = Walk { tree: self.trees.of(space), space, direction, txn: &txn };
        let mut target = from.to_vec();
        while let Some(seek) = walk.visit(&target, visitor)? {
            target = seek;
        }
        Ok(())
    }

    async fn commit(&self, commit: Commit) -> Result<Stamp, CommitError> {
        commit.refuse_misuse()?;
        self.committer.commit(commit).await
    }
}

/// One walk through one tree of one snapshot.
struct Walk<'t> {
    tree: trees::Tree,
    space: Space,
    direction: Direction,
    txn: &'t RoTxn<'t, WithoutTls>,
}

impl Walk<'_> {
    /// Visits records from `from` on. Answers where the visitor wants to go on: the caller comes
    /// back with it, and one descent of the tree finds it, however much lies between.
    fn visit(
        &self,
        from: &[u8],
        visitor: &mut Visitor<'_>,
    ) -> Result<Option<Vec<u8>>, CatalogError> {
        let (tree, txn) = (self.tree, self.txn);
        match self.direction {
            // LMDB refuses to look for a key of no bytes: all are above it, and none below.
            Direction::Forward if from.is_empty() => {
                self.pass(tree.iter(txn).map_err(unavailable)?, visitor)
            }
            Direction::Backward if from.is_empty() => Ok(None),
            Direction::Forward => {
                let range = (Bound::Included(from), Bound::Unbounded);
                self.pass(tree.range(txn, &range).map_err(unavailable)?, visitor)
            }
            Direction::Backward => {
                let range = (Bound::Unbounded, Bound::Included(from));
                self.pass(tree.rev_range(txn, &range).map_err(unavailable)?, visitor)
            }
        }
    }

    fn pass<'r>(
        &self,
        records: impl Iterator<Item = heed::Result<(&'r [u8], &'r [u8])>>,
        visitor: &mut Visitor<'_>,
    ) -> Result<Option<Vec<u8>>, CatalogError> {
        for record in records {
            let (key, record) = record.map_err(unavailable)?;
            let (stamp, value) = verified(self.space, key, record)?;
            match visitor(key, stamp, value) {
                Step::Seek(target) if self.is_beyond(&target, key) => return Ok(Some(target)),
                Step::Next | Step::Seek(_) => {}
                Step::Stop => return Ok(None),
            }
        }
        Ok(None)
    }

    fn is_beyond(&self, target: &[u8], key: &[u8]) -> bool {
        match self.direction {
            Direction::Forward => target > key,
            Direction::Backward => target < key,
        }
    }
}

fn verified<'r>(
    space: Space,
    key: &[u8],
    record: &'r [u8],
) -> Result<(Stamp, &'r [u8]), CatalogError> {
    record::decode(key, record).map_err(|detail| CatalogError::Damaged {
        key: format!("{space:?}/{}", key.escape_ascii()),
        detail: detail.into(),
    })
}

fn is_possible(key: &[u8]) -> bool {
    (1..=KEY_BYTES_MAX).contains(&key.len())
}

fn unavailable(error: heed::Error) -> CatalogError {
    CatalogError::Unavailable(error.to_string())
}
