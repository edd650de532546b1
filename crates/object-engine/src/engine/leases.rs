//! Leases of blob ids, and the ids that are out.
//!
//! Guarantees: a blob id is handed out once, ever; a lease's record stands in the catalog as long as
//! a blob with one of its ids may exist that no record refers to. A commit that refers to a blob for
//! the first time checks its lease's stamp.
//!
//! Does not: give ids back; what is left of a lease at the end is skipped. Where several engines share
//! the catalog, the leases of a session end with it.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    blobs::BlobId,
    catalog::{Commit, Expect, Key, Stamp},
    engine::{ATTEMPTS_MAX, ObjectEngine},
    error::EngineError,
    keys::{self, LEASE_IDS},
    record::{Lease, LeaseState, SessionId, decode_number, encode_number},
    shield::shielded,
};

/// The leases of this engine.
#[derive(Debug)]
pub(super) struct Leases {
    held: Mutex<Held>,
    acquiring: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Held {
    /// This engine's identity in lease records.
    owner: SessionId,
    /// By number; the last is the one that ids are taken from.
    leases: BTreeMap<u64, HeldLease>,
    /// Ids whose blobs nothing refers to and that still have to be deleted.
    abandoned: Vec<BlobId>,
}

#[derive(Debug)]
struct HeldLease {
    stamp: Stamp,
    next: u64,
    /// Ids handed out whose blobs are neither referred to nor deleted.
    out: HashSet<BlobId>,
}

impl Leases {
    pub(super) fn of(owner: SessionId) -> Self {
        let held = Held { owner, leases: BTreeMap::new(), abandoned: Vec::new() };
        Self { held: Mutex::new(held), acquiring: tokio::sync::Mutex::default() }
    }

    pub(super) fn owner(&self) -> SessionId {
        self.held().owner
    }

    /// Goes on under a new session: leases of the former one are the others' to sweep.
    pub(super) fn begin(&self, owner: SessionId) {
        let mut held = self.held();
        held.owner = owner;
        held.leases.clear();
    }

    /// Notes a lease; `false`: its session ended meanwhile.
    fn hold(&self, number: u64, owner: SessionId, stamp: Stamp) -> bool {
        let mut held = self.held();
        if held.owner != owner {
            return false;
        }
        held.leases.insert(number, HeldLease { stamp, next: 0, out: HashSet::new() });
        true
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Every change is complete before anything can panic.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether no id is left to take.
    fn is_used_up(&self) -> bool {
        self.held().leases.last_key_value().is_none_or(|(_, lease)| lease.next == LEASE_IDS)
    }

    fn take(&self) -> Option<BlobId> {
        let mut held = self.held();
        let (number, lease) = held.leases.iter_mut().next_back()?;
        if lease.next == LEASE_IDS {
            return None;
        }
        let id = BlobId(number * LEASE_IDS + lease.next);
        lease.next += 1;
        lease.out.insert(id);
        Some(id)
    }

    /// The lease of `blob`, and the write that made it, if it is this engine's.
    fn fence(&self, blob: BlobId) -> Option<(Key, Stamp)> {
        let held = self.held();
        let lease = held.leases.get(&(blob.0 / LEASE_IDS))?;
        Some((keys::lease_of(blob), lease.stamp))
    }

    /// Notes that `blob` is referred to, or deleted.
    pub(super) fn settle(&self, blob: BlobId) {
        if let Some(lease) = self.held().leases.get_mut(&(blob.0 / LEASE_IDS)) {
            lease.out.remove(&blob);
        }
    }

    /// Notes that `blob` must be deleted when there is time.
    pub(super) fn abandon_later(&self, blob: BlobId) {
        self.held().abandoned.push(blob);
    }

    pub(super) fn take_abandoned(&self) -> Vec<BlobId> {
        std::mem::take(&mut self.held().abandoned)
    }

    /// Ids whose blobs may be there without an owner.
    pub(super) fn outstanding(&self) -> HashSet<BlobId> {
        self.held().leases.values().flat_map(|lease| lease.out.iter().copied()).collect()
    }

    /// Leases without outstanding ids; `all` includes the one in use.
    fn retirable(&self, all: bool) -> Vec<(u64, Stamp)> {
        let held = self.held();
        let is_done = |lease: &HeldLease| lease.out.is_empty() && (all || lease.next == LEASE_IDS);
        let done = held.leases.iter().filter(|(_, lease)| is_done(lease));
        done.map(|(number, lease)| (*number, lease.stamp)).collect()
    }
}

impl ObjectEngine {
    /// Hands out a blob id, under a new lease if need be.
    pub(super) async fn take_blob_id(&self) -> Result<BlobId, EngineError> {
        loop {
            if let Some(id) = self.inner.leases.take() {
                return Ok(id);
            }
            // Whatever becomes of the caller: a lease that was recorded and is not held would stand, with all
            // its ids, until the session ends. The id is taken here, where somebody answers for it.
            let engine = self.clone();
            shielded(async move { engine.refill().await }).await?;
        }
    }

    /// Takes a lease, unless somebody else just did.
    async fn refill(&self) -> Result<(), EngineError> {
        let _acquiring = self.inner.leases.acquiring.lock().await;
        if self.inner.leases.is_used_up() {
            self.acquire_lease().await?;
        }
        Ok(())
    }

    /// What a commit checks that refers to `blob` for the first time. Fails if the lease was swept:
    /// then the blob is gone, and no retry can help. (That it stands now is not enough; the commit
    /// checks again.)
    pub(super) async fn fence_of(&self, blob: BlobId) -> Result<(Key, Stamp), EngineError> {
        let over = || EngineError::Unavailable(format!("the lease of {blob:?} is over"));
        let (lease, stamp) = self.inner.leases.fence(blob).ok_or_else(over)?;
        let entry = self.get(lease.clone()).await?;
        if entry.is_some_and(|entry| entry.stamp == stamp) {
            Ok((lease, stamp))
        } else {
            Err(over())
        }
    }

    /// Takes a lease of the next [`LEASE_IDS`] ids; returns the write that recorded it.
    pub(super) async fn acquire_lease(&self) -> Result<Stamp, EngineError> {
        for _ in 0..ATTEMPTS_MAX {
            let counter = self.get(keys::next_lease()).await?;
            let number = counter.as_ref().map_or(Ok(0), |entry| decode_number(&entry.value))?;
            let expect = counter.map_or(Expect::Absent, |entry| Expect::Stamp(entry.stamp));
            let mut commit = Commit::default();
            let signed = self.sign(&mut commit).await?;
            let owner = signed.unwrap_or_else(|| self.inner.leases.owner());
            let lease = Lease { owner, state: LeaseState::Open };
            commit.check(keys::next_lease(), expect);
            commit.put(keys::next_lease(), encode_number(number + 1));
            commit.check(keys::lease(number), Expect::Absent);
            commit.put(keys::lease(number), lease.encode());
            match self.commit_stamped(commit).await? {
                Some(stamp) if self.inner.leases.hold(number, owner, stamp) => return Ok(stamp),
                _ => tokio::task::yield_now().await,
            }
        }
        Err(EngineError::Contended)
    }

    /// Ends leases that are used up and have no ids out; with `all`, also the one in use.
    pub(super) async fn retire_leases(&self, all: bool) -> Result<(), EngineError> {
        let _acquiring = self.inner.leases.acquiring.lock().await;
        for (number, stamp) in self.inner.leases.retirable(all) {
            let mut commit = Commit::default();
            commit.check(keys::lease(number), Expect::Stamp(stamp)).delete(keys::lease(number));
            self.commit(commit).await?;
            self.inner.leases.held().leases.remove(&number);
        }
        Ok(())
    }

    /// Deletes a blob that nothing refers to; if that fails it is tried again later.
    pub(super) async fn delete_unreferenced(&self, blob: BlobId) -> Result<(), EngineError> {
        match self.inner.backends.blobs.delete(blob).await {
            Ok(()) => {
                self.inner.leases.settle(blob);
                Ok(())
            }
            Err(error) => {
                self.inner.leases.abandon_later(blob);
                Err(error.into())
            }
        }
    }
}
