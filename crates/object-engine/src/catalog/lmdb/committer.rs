//! The one thread that writes.
//!
//! Commits that wait while a transaction is being synced go together into the next one: the sync is
//! the cost, and it is the same for one commit and for a hundred. In a group, each commit's checks
//! see what the commits before it did, so the group is one serial order.
//!
//! Guarantees: a commit is answered `Ok` only when its transaction is synced. A commit whose checks
//! fail takes nothing from the others of its group; neither does one that finds no space. No
//! transaction whose outcome is unknown is ever tried again.
//!
//! Does not: order commits by anything but arrival, or hold back one that comes alone. Under load it
//! waits for a fraction of a sync's time for those that it has just answered: see [`Rhythm`].

use std::mem;
use std::slice;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use heed::{MdbError, RwTxn};
use rustix::io::Errno;
use tokio::sync::oneshot;

use super::trees::{Trees, put_record};
use super::{OnFatal, record};
use crate::catalog::{Commit, CommitError, Expect, Key, Mutation, Stamp};

/// The most commits of one transaction: bounds how long the first one waits for the others.
const GROUP_COMMITS_MAX: usize = 1_024;

/// The most bytes of values of one transaction, which LMDB holds as dirty pages until it commits.
/// A larger commit forms a group by itself.
const GROUP_BYTES_MAX: usize = 16 << 20;

/// Less free space than this, and a short write to a file system means that it is full.
/// More than one group can need.
const FULL_BYTES: u64 = 64 << 20;

/// Of the time that a transaction took, this part is worth waiting so that the next one is shared.
const PATIENCE_FRACTION: u32 = 8;

/// And never longer than this, however slow the disk.
const PATIENCE_MAX: Duration = Duration::from_millis(1);

type Answer = Result<Stamp, CommitError>;

struct Waiting {
    commit: Commit,
    answer: oneshot::Sender<Answer>,
}

/// The handle to the thread. Dropping it ends the thread after the commits that it has taken.
pub(super) struct Committer {
    queue: Option<Sender<Waiting>>,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    /// Starts the thread.
    pub(super) fn start(
        trees: Trees,
        last_stamp: Stamp,
        on_fatal: OnFatal,
    ) -> std::io::Result<Self> {
        let (queue, waiting) = mpsc::channel();
        let mut writer = Writer { trees, last_stamp, on_fatal, stopped: false, frees_wait: true };
        let thread = thread::Builder::new()
            .name("catalog-commit".into())
            .spawn(move || writer.run(&waiting))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Waits until the commit is synced or refused. Dropping the future does not undo it.
    pub(super) async fn commit(&self, commit: Commit) -> Answer {
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().expect("the queue is taken only when this is dropped");
        if queue.send(Waiting { commit, answer }).is_err() {
            return Err(CommitError::Unavailable("the committer has ended".into()));
        }
        // The thread drops a commit unanswered only by panicking, perhaps after the sync.
        let lost = CommitError::Unknown("the committer ended before it answered".into());
        answered.await.unwrap_or(Err(lost))
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the catalog's committer panicked");
        }
    }
}

/// Why a whole transaction failed.
enum Failure {
    /// No space; nothing was changed.
    Full,
    /// The engine refuses; nothing was changed.
    Refused(String),
    /// It may have been committed, or the disk can no longer be trusted.
    Unknown(String),
}

struct Writer {
    trees: Trees,
    last_stamp: Stamp,
    on_fatal: OnFatal,
    /// An outcome was unknown, and the process was not ended.
    stopped: bool,
    /// The last transaction may have freed pages that the next one may not use yet.
    frees_wait: bool,
}

impl Writer {
    fn run(&mut self, waiting: &Receiver<Waiting>) {
        let mut held_over = None;
        let mut rhythm = Rhythm::after(1, Duration::ZERO);
        while let Some(first) = held_over.take().or_else(|| waiting.recv().ok()) {
            let (group, next) = rhythm.gather(first, waiting);
            held_over = next;
            let (commits, begun) = (group.len(), Instant::now());
            self.serve(group);
            rhythm = Rhythm::after(commits, begun.elapsed());
        }
    }

    fn serve(&mut self, group: Vec<Waiting>) {
        let (commits, askers): (Vec<_>, Vec<_>) =
            group.into_iter().map(|waiting| (waiting.commit, waiting.answer)).unzip();
        for (asker, answer) in askers.into_iter().zip(self.answers(&commits)) {
            // Who asked may have gone away; the commit stands all the same.
            let _gone = asker.send(answer);
        }
    }

    /// Commits a group in one transaction. If that fails cleanly, each alone, so that a commit that
    /// is too large for the disk does not fail the small one behind it.
    fn answers(&mut self, commits: &[Commit]) -> Vec<Answer> {
        if self.stopped {
            let stopped = CommitError::Unavailable("an earlier commit's outcome is unknown".into());
            return vec![Err(stopped); commits.len()];
        }
        match (self.transact(commits), commits) {
            (Ok(answers), _) => answers,
            (Err(Failure::Full), [_]) => match self.turn_over() {
                Ok(()) => self.answers(commits),
                Err(failure) => vec![Err(self.refusal(failure))],
            },
            (Err(Failure::Full | Failure::Refused(_)), [_, _, ..]) => {
                commits.iter().flat_map(|one| self.answers(slice::from_ref(one))).collect()
            }
            (Err(failure), _) => vec![Err(self.refusal(failure)); commits.len()],
        }
    }

    fn refusal(&mut self, failure: Failure) -> CommitError {
        match failure {
            Failure::Full => CommitError::Full,
            Failure::Refused(detail) => CommitError::Unavailable(detail),
            Failure::Unknown(detail) => {
                self.stopped = true;
                (self.on_fatal)(&detail);
                CommitError::Unknown(detail)
            }
        }
    }

    /// Commits nothing but the last stamp, if the last transaction changed something. LMDB reuses
    /// the pages that a transaction freed from the second one after it on. When there is no space,
    /// that second one could never be: what was deleted would stay out of reach.
    fn turn_over(&mut self) -> Result<(), Failure> {
        if !mem::take(&mut self.frees_wait) {
            return Err(Failure::Full);
        }
        let env = self.trees.env.clone();
        let mut txn = env.write_txn().map_err(|error| self.before_commit(&error))?;
        self.finish(&mut txn)?;
        txn.commit().map_err(|error| self.at_commit(&error))
    }

    fn transact(&mut self, commits: &[Commit]) -> Result<Vec<Answer>, Failure> {
        let env = self.trees.env.clone();
        let mut txn = env.write_txn().map_err(|error| self.before_commit(&error))?;
        let mut answers = Vec::with_capacity(commits.len());
        for commit in commits {
            answers.push(self.apply(&mut txn, commit)?);
        }
        if answers.iter().all(Result::is_err) {
            return Ok(answers);
        }
        self.finish(&mut txn)?;
        txn.commit().map_err(|error| self.at_commit(&error))?;
        self.frees_wait = true;
        Ok(answers)
    }

    fn finish(&self, txn: &mut RwTxn<'_>) -> Result<(), Failure> {
        let put = self.trees.put_last_stamp(txn, self.last_stamp);
        put.map_err(|error| self.before_commit(&error))
    }

    /// Applies one commit to the transaction, or leaves it untouched if a check fails.
    fn apply(&mut self, txn: &mut RwTxn<'_>, commit: &Commit) -> Result<Answer, Failure> {
        for (key, expect) in &commit.checks {
            match self.holds(txn, key, *expect)? {
                Ok(true) => {}
                Ok(false) => return Ok(Err(CommitError::Conflict)),
                Err(damage) => return Ok(Err(damage)),
            }
        }
        // Also after a transaction that failed: stamps may leave gaps, but never repeat.
        self.last_stamp = Stamp(self.last_stamp.0 + 1);
        for mutation in &commit.mutations {
            self.change(txn, mutation).map_err(|error| self.before_commit(&error))?;
        }
        Ok(Ok(self.last_stamp))
    }

    fn holds(
        &self,
        txn: &RwTxn<'_>,
        key: &Key,
        expect: Expect,
    ) -> Result<Result<bool, CommitError>, Failure> {
        let tree = self.trees.of(key.space);
        let stored = tree.get(txn, &key.bytes).map_err(|error| self.before_commit(&error))?;
        let found = match stored.map(|stored| record::decode(&key.bytes, stored)).transpose() {
            Ok(found) => found.map(|(stamp, _)| stamp),
            Err(detail) => {
                let damage = format!("the record {key:?} is damaged: {detail}");
                return Ok(Err(CommitError::Unavailable(damage)));
            }
        };
        Ok(Ok(match expect {
            Expect::Absent => found.is_none(),
            Expect::Stamp(stamp) => found == Some(stamp),
        }))
    }

    fn change(&self, txn: &mut RwTxn<'_>, mutation: &Mutation) -> heed::Result<()> {
        let tree = self.trees.of(mutation.key().space);
        match mutation {
            Mutation::Put(key, value) => {
                put_record(tree, txn, (&key.bytes, self.last_stamp, value))
            }
            Mutation::Delete(key) => tree.delete(txn, &key.bytes).map(drop),
        }
    }

    /// A failure before the commit: the transaction is aborted and changed nothing.
    fn before_commit(&self, error: &heed::Error) -> Failure {
        match error {
            // LMDB says so after a commit that failed too late; that commit was judged already.
            heed::Error::Mdb(MdbError::Panic) => Failure::Unknown(error.to_string()),
            _ if self.means_full(error) => Failure::Full,
            _ => Failure::Refused(error.to_string()),
        }
    }

    /// A failure of the commit itself. LMDB writes the pages, syncs them, and then writes and syncs
    /// the meta page, which is what commits. If that last write fails, it refuses every later
    /// transaction: so if one can begin, nothing was committed. Even then only a full disk is
    /// forgiven. After any other failed write or sync the kernel may have dropped pages that it
    /// reports as written the next time.
    fn at_commit(&self, error: &heed::Error) -> Failure {
        if self.means_full(error) && self.trees.env.write_txn().is_ok() {
            Failure::Full
        } else {
            Failure::Unknown(error.to_string())
        }
    }

    fn means_full(&self, error: &heed::Error) -> bool {
        match error {
            heed::Error::Mdb(MdbError::MapFull) => true,
            heed::Error::Io(io) => match Errno::from_io_error(io) {
                Some(Errno::NOSPC | Errno::DQUOT) => true,
                // LMDB reports a short write as EIO, and a short write is how a full disk begins.
                Some(Errno::IO) => self.disk_is_full(),
                _ => false,
            },
            _ => false,
        }
    }

    fn disk_is_full(&self) -> bool {
        rustix::fs::statvfs(self.trees.env.path())
            .is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < FULL_BYTES)
    }
}

/// What the last group says of the next one.
///
/// Those whose commits were just answered come back with their next ones at about the same time. A
/// transaction begun with the first of them would make all others wait for a sync of its own.
struct Rhythm {
    /// How many commits the last group had: with one at a time, nothing is ever waited for.
    commits: usize,
    /// How long to wait for as many: a fraction of what the last transaction took.
    patience: Duration,
}

impl Rhythm {
    fn after(commits: usize, took: Duration) -> Self {
        Self { commits, patience: (took / PATIENCE_FRACTION).min(PATIENCE_MAX) }
    }

    /// Takes what waits, up to the limits; what exceeded them comes back for the next group.
    fn gather(
        &self,
        first: Waiting,
        waiting: &Receiver<Waiting>,
    ) -> (Vec<Waiting>, Option<Waiting>) {
        let deadline = Instant::now() + self.patience;
        let mut bytes = value_bytes(&first.commit);
        let mut group = vec![first];
        while group.len() < GROUP_COMMITS_MAX {
            let next = waiting.try_recv().ok().or_else(|| {
                let left = deadline.saturating_duration_since(Instant::now());
                let expected = group.len() < self.commits && !left.is_zero();
                expected.then(|| waiting.recv_timeout(left).ok()).flatten()
            });
            let Some(next) = next else { return (group, None) };
            bytes += value_bytes(&next.commit);
            if bytes > GROUP_BYTES_MAX {
                return (group, Some(next));
            }
            group.push(next);
        }
        (group, None)
    }
}

fn value_bytes(commit: &Commit) -> usize {
    let size = |mutation: &Mutation| match mutation {
        Mutation::Put(_, value) => value.len(),
        Mutation::Delete(_) => 0,
    };
    commit.mutations.iter().map(size).sum()
}
