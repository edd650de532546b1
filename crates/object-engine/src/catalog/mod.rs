//! The catalog contract: one ordered key-value map with stamps.
//!
//! # Contract, for implementors
//!
//! - *Order*: within a [`Space`], keys are ordered as unsigned bytes. Keys are at most
//!   [`KEY_BYTES_MAX`] long.
//! - *Atomicity*: [`Catalog::commit`] applies every mutation or none; all its checks hold at the one
//!   moment at which it takes effect. Concurrent commits are serializable.
//! - *Visibility*: what a commit wrote is seen by every read that begins after it returned.
//! - *Durability*: when `commit` returns `Ok`, its effect survives a crash and a power loss.
//! - *Snapshots*: one `read` sees one state of the catalog; so does one `walk` on engines that can
//!   hold a snapshot cheaply. A `walk` never outlives its call.
//! - *Stamps*: a commit gives every record that it puts one new [`Stamp`], larger than any before.
//! - *Damage*: a record whose bytes do not verify is [`CatalogError::Damaged`], never a value.
//!
//! Implementations: [`memory::MemoryCatalog`], [`lmdb::LmdbCatalog`]; `contract` is the suite that
//! each must pass.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

#[cfg(any(test, feature = "contract-tests"))]
#[doc(hidden)]
pub mod contract;
pub mod lmdb;
pub mod memory;

/// The longest key: LMDB's limit with 4 KiB pages and longer keys.
/// An object key of 1,024 bytes fits with every prefix and suffix that the model adds.
pub const KEY_BYTES_MAX: usize = 1_982;

/// The trees of the catalog. At most three are touched by one PUT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    /// Small records that listings walk: heads, buckets, accounts, uploads.
    Index,
    /// Everything read by exact key or short range: versions, parts, manifests, references, leases.
    Records,
    /// Sealed bytes of small objects.
    Inline,
}

/// One key of one space.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The tree.
    pub space: Space,
    /// 1 to [`KEY_BYTES_MAX`] bytes.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/{}", self.space, self.bytes.escape_ascii())
    }
}

/// The identity of one write of one record; grows with every commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub u64);

/// A record as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which write put it.
    pub stamp: Stamp,
    /// Its bytes, copied out of the engine.
    pub value: Bytes,
}

/// What a commit demands of a key before it takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// No record stands there. Allowed only on keys that the same commit writes.
    Absent,
    /// The record there carries this stamp.
    Stamp(Stamp),
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// Writes a record, new or over an old one.
    Put(Key, Bytes),
    /// Removes a record; nothing happens if there is none.
    Delete(Key),
}

impl Mutation {
    /// The key that it changes.
    pub fn key(&self) -> &Key {
        match self {
            Self::Put(key, _) | Self::Delete(key) => key,
        }
    }
}

/// A set of changes that take effect together, or not at all.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// What must hold.
    pub checks: Vec<(Key, Expect)>,
    /// What is changed; no key twice.
    pub mutations: Vec<Mutation>,
}

impl Commit {
    /// Adds a check.
    pub fn check(&mut self, key: Key, expect: Expect) -> &mut Self {
        self.checks.push((key, expect));
        self
    }

    /// Adds a write.
    pub fn put(&mut self, key: Key, value: impl Into<Bytes>) -> &mut Self {
        self.mutations.push(Mutation::Put(key, value.into()));
        self
    }

    /// Adds a removal.
    pub fn delete(&mut self, key: Key) -> &mut Self {
        self.mutations.push(Mutation::Delete(key));
        self
    }

    /// Refuses what no commit may ask for, the same in every engine: a key written twice, a key of
    /// no or too many bytes, `Absent` on a key that the commit does not write. The caller's bug, so
    /// nothing is changed.
    pub fn refuse_misuse(&self) -> Result<(), CommitError> {
        let mut written: Vec<&Key> = self.mutations.iter().map(Mutation::key).collect();
        written.sort_unstable();
        let misuse = |what: &str, key: &Key| {
            Err(CommitError::Unavailable(format!("a commit {what} {key:?}")))
        };
        if let Some(twice) = written.windows(2).find(|pair| pair[0] == pair[1]) {
            return misuse("writes twice the key", twice[0]);
        }
        let mut keys = written.iter().copied().chain(self.checks.iter().map(|(key, _)| key));
        if let Some(key) = keys.find(|key| !(1..=KEY_BYTES_MAX).contains(&key.bytes.len())) {
            return misuse("has the impossible key", key);
        }
        let unwritten_absent = self.checks.iter().find(|(key, expect)| {
            *expect == Expect::Absent && written.binary_search(&key).is_err()
        });
        match unwritten_absent {
            Some((key, _)) => misuse("demands the absence of what it does not write,", key),
            None => Ok(()),
        }
    }
}

/// One read of a snapshot.
#[derive(Clone, Debug)]
pub enum Read {
    /// The record at exactly this key.
    Get(Key),
    /// The first record whose key starts with this one's bytes (its newest version, for a version prefix).
    First(Key),
}

/// Which way a walk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Ascending keys.
    Forward,
    /// Descending keys.
    Backward,
}

/// What a visitor wants next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The next record in the walk's direction.
    Next,
    /// The first record at or beyond this key in the walk's direction: how a delimiter skips a
    /// prefix without walking it. A walk never turns: a key that is not beyond the present one
    /// means [`Step::Next`].
    Seek(Vec<u8>),
    /// No more.
    Stop,
}

/// Sees each record of a walk: key, stamp, value. The slices live only for the call.
pub type Visitor<'v> = dyn FnMut(&[u8], Stamp, &[u8]) -> Step + Send + 'v;

/// Why a read failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// Operator: a stored record does not verify.
    #[error("the catalog record {key} is damaged: {detail}")]
    Damaged {
        /// The key, escaped.
        key: String,
        /// What did not hold.
        detail: String,
    },
    /// Operator: the engine cannot be reached or fails.
    #[error("the catalog is unavailable: {0}")]
    Unavailable(String),
}

/// Why a commit did not take effect, or may have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Caller: a check did not hold; nothing was changed. Read again and retry.
    #[error("a check of the commit does not hold")]
    Conflict,
    /// Operator: no space is left; nothing was changed.
    #[error("the catalog's disk is full")]
    Full,
    /// Operator: the engine failed before the commit could take effect; nothing was changed.
    #[error("the catalog is unavailable: {0}")]
    Unavailable(String),
    /// Operator: the engine failed while committing; whether it took effect is unknown.
    #[error("the outcome of a catalog commit is unknown: {0}")]
    Unknown(String),
}

/// The ordered map that all S3 semantics stand on. See the module for the contract.
#[async_trait]
pub trait Catalog: Send + Sync + fmt::Debug {
    /// Reads several keys in one snapshot; answers in the order of `reads`, with the key found.
    async fn read(&self, reads: &[Read]) -> Result<Vec<Option<(Vec<u8>, Entry)>>, CatalogError>;

    /// Visits records of `space` from `from` (inclusive) in `direction` until the visitor stops or
    /// the space ends.
    async fn walk(
        &self,
        space: Space,
        from: &[u8],
        direction: Direction,
        visitor: &mut Visitor<'_>,
    ) -> Result<(), CatalogError>;

    /// Checks and changes, atomically and durably. Returns the stamp of what it put.
    async fn commit(&self, commit: Commit) -> Result<Stamp, CommitError>;
}
