//! The environment and its databases: one tree for each space, and the root's own two records.
//!
//! The root (LMDB's unnamed database) holds the names of the trees and, beside them, `!schema` and
//! `!stamp`. They stand there because every commit rewrites that page in any case: counting stamps
//! durably costs no page of its own.
//!
//! Guarantees: an environment whose schema this program does not know is not opened, and not changed.
//!
//! Does not: migrate. There is one version so far.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use heed::types::Bytes as Raw;
use heed::{Database, Env, RoTxn, RwTxn, WithoutTls};
use memory::lmdb::{MapOptions, map_lmdb};

use super::record;
use super::{LmdbOptions, OpenError};
use crate::catalog::{Space, Stamp};

/// The versions of the records' layout that this program reads. The last is what it writes.
pub(super) const SCHEMAS_KNOWN: [u32; 1] = [1];

const SCHEMA_KEY: &[u8] = b"!schema";
const STAMP_KEY: &[u8] = b"!stamp";
const TREE_NAMES: [(Space, &str); 3] =
    [(Space::Index, "index"), (Space::Records, "records"), (Space::Inline, "inline")];

/// Bytes to bytes, ordered by LMDB's default: unsigned bytes, the shorter first.
pub(super) type Tree = Database<Raw, Raw>;

/// An open environment and its trees.
#[derive(Clone)]
pub(super) struct Trees {
    pub(super) env: Env<WithoutTls>,
    root: Tree,
    index: Tree,
    records: Tree,
    inline: Tree,
}

impl Trees {
    /// Opens the environment, makes what is missing, and refuses an unknown schema.
    pub(super) fn open(path: &Path, options: &LmdbOptions) -> Result<Self, OpenError> {
        make_directory(path)?;
        let map = MapOptions {
            map_bytes: options.map_bytes,
            readers_max: options.readers_max,
            databases_max: TREE_NAMES.len() as u32,
        };
        let env = map_lmdb(path, &map)?;
        env.clear_stale_readers()?;
        let mut txn = env.write_txn()?;
        let root: Tree = env.create_database(&mut txn, None)?;
        let fresh = adopt_schema(root, &mut txn)?;
        let [index, records, inline] =
            TREE_NAMES.map(|(_, name)| env.create_database(&mut txn, Some(name)));
        let trees =
            Self { root, index: index?, records: records?, inline: inline?, env: env.clone() };
        txn.commit()?;
        if fresh {
            // LMDB syncs its files, but not the directory that names them.
            File::open(path)?.sync_all()?;
        }
        Ok(trees)
    }

    /// The tree of a space.
    pub(super) fn of(&self, space: Space) -> Tree {
        match space {
            Space::Index => self.index,
            Space::Records => self.records,
            Space::Inline => self.inline,
        }
    }

    /// The last stamp that a commit was given; zero in a new environment.
    pub(super) fn last_stamp(&self) -> Result<Stamp, OpenError> {
        let txn = self.env.read_txn()?;
        match root_record(self.root, &txn, STAMP_KEY)? {
            Some((stamp, _)) => Ok(stamp),
            None => Ok(Stamp(0)),
        }
    }

    /// Writes the last stamp that a commit of this transaction was given.
    pub(super) fn put_last_stamp(&self, txn: &mut RwTxn<'_>, stamp: Stamp) -> heed::Result<()> {
        put_record(self.root, txn, (STAMP_KEY, stamp, b""))
    }
}

/// Writes one record straight into the page that it will stand in.
pub(super) fn put_record(
    tree: Tree,
    txn: &mut RwTxn<'_>,
    (key, stamp, value): (&[u8], Stamp, &[u8]),
) -> heed::Result<()> {
    tree.put_reserved(txn, key, record::OVERHEAD_BYTES + value.len(), |space| {
        record::encode(space, key, stamp, value)
    })
}

fn make_directory(path: &Path) -> Result<(), OpenError> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().mode(0o700).create(path)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}

/// Verifies the schema's version; writes it into an environment that holds nothing. True if it did.
fn adopt_schema(root: Tree, txn: &mut RwTxn<'_>) -> Result<bool, OpenError> {
    match root_record(root, txn, SCHEMA_KEY)? {
        Some((_, version)) => {
            let version = version.as_slice().try_into().map(u32::from_be_bytes);
            match version {
                Ok(known) if SCHEMAS_KNOWN.contains(&known) => Ok(false),
                Ok(found) => Err(OpenError::UnknownSchema { found }),
                Err(_) => Err(OpenError::Damaged("the schema's version is not of 4 bytes".into())),
            }
        }
        None if root.is_empty(txn)? => {
            let current = SCHEMAS_KNOWN[SCHEMAS_KNOWN.len() - 1].to_be_bytes();
            put_record(root, txn, (SCHEMA_KEY, Stamp(0), &current))?;
            Ok(true)
        }
        None => Err(OpenError::NotACatalog),
    }
}

fn root_record(
    root: Tree,
    txn: &RoTxn<'_>,
    key: &[u8],
) -> Result<Option<(Stamp, Vec<u8>)>, OpenError> {
    let Some(stored) = root.get(txn, key)? else { return Ok(None) };
    match record::decode(key, stored) {
        Ok((stamp, value)) => Ok(Some((stamp, value.to_vec()))),
        Err(detail) => Err(OpenError::Damaged(format!("{}: {detail}", key.escape_ascii()))),
    }
}
