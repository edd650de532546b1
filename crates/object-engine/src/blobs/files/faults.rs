//! Faults of the disk, injected where they happen.
//!
//! Guarantees: a hook is asked before every write, reservation and sync, so that a test can fail the
//! N-th of them for every N. Does not: exist in production, where no hook is set.

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
};

/// What is about to be done to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileOperation {
    /// Reserve space for a blob.
    Reserve,
    /// Write blocks.
    Write,
    /// Sync a blob's file.
    SyncFile,
    /// Sync a directory.
    SyncDirectory,
}

/// The errors that a hook may inject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFault {
    /// EIO.
    InputOutput,
    /// ENOSPC.
    NoSpace,
    /// EINVAL, as file systems without O_DIRECT answer.
    Invalid,
}

/// Asked before each operation; `Some` makes it fail without being done.
pub trait FileFaults: Send + Sync + fmt::Debug {
    /// The fault of this operation, if any.
    fn before(&self, operation: FileOperation) -> Option<FileFault>;
}

/// Fails the N-th operation of one kind, and no other.
#[derive(Debug)]
pub struct FailNth {
    operation: FileOperation,
    fault: FileFault,
    left: AtomicUsize,
}

impl FailNth {
    /// Fails the `n`-th (from 1) `operation` by `fault`.
    #[must_use]
    pub fn new(n: usize, operation: FileOperation, fault: FileFault) -> Self {
        Self { operation, fault, left: AtomicUsize::new(n) }
    }
}

impl FileFaults for FailNth {
    fn before(&self, operation: FileOperation) -> Option<FileFault> {
        let count =
            |left: usize| (operation == self.operation).then(|| left.checked_sub(1)).flatten();
        let before = self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, count);
        (before == Ok(1)).then_some(self.fault)
    }
}
