//! Opening and closing: schema, recovery, and the sweep of dead leases.
//!
//! Guarantees: after an engine that is alone opened, nothing stands half done that a crash left: completions
//! and bucket deletions are reverted, and blobs that nothing refers to are gone. The work is in the
//! number of leases that were open and of verbs that were at work, not in what is stored. Of several
//! engines each does the same for those that died, once `fronts` has given them up.

use crate::{
    blobs::BlobId,
    catalog::{Commit, Expect, Read, Space},
    engine::ObjectEngine,
    error::EngineError,
    keys::{self, LEASE_IDS},
    migrate,
    record::{Lease, LeaseState, Malformed, SessionId, decode_number, encode_number},
};

/// The layout of the catalog that this program reads and writes.
pub(crate) const SCHEMA: u64 = 1;

/// The turn at sweeping.
const TURN: &str = "sweep";

/// Blobs whose records the sweep reads at once.
const SWEEP_BATCH: usize = 256;

impl ObjectEngine {
    /// Refuses a catalog of another schema, or one that a migration left; marks an empty one with ours, unless the
    /// blobs are another's.
    pub(super) async fn check_schema(&self) -> Result<(), EngineError> {
        migrate::refuse_unless_whole(&*self.inner.backends.catalog).await?;
        if self.get(keys::schema()).await?.is_none() {
            self.refuse_foreign_blobs().await?;
            self.mark_schema().await?;
        }
        let entry = self.get(keys::schema()).await?;
        let missing = || EngineError::Damaged("a catalog without a schema version".into());
        match decode_number(&entry.ok_or_else(missing)?.value)? {
            SCHEMA => Ok(()),
            other => Err(EngineError::Unavailable(format!(
                "the catalog has schema version {other}; this program knows {SCHEMA}"
            ))),
        }
    }

    /// Marks a catalog with our schema, if it is empty or another engine does so right now.
    async fn mark_schema(&self) -> Result<(), EngineError> {
        for space in [Space::Index, Space::Records] {
            if !self.records_from(space, b"", b"", 1).await?.is_empty() {
                return Ok(());
            }
        }
        let mut commit = Commit::default();
        commit.check(keys::schema(), Expect::Absent);
        commit.put(keys::schema(), encode_number(SCHEMA));
        self.commit(commit).await.map(drop)
    }

    /// Reverts what was at work, then sweeps. For an engine that is alone.
    pub(super) async fn recover(&self) -> Result<(), EngineError> {
        self.revert_completions().await?;
        self.revert_deletions().await?;
        self.bury().await.map(drop)
    }

    /// Takes back what dead engines held: searches their leases for blobs that nothing refers to, and
    /// deletes them; returns how many. Of several engines one has the turn at it.
    pub async fn sweep(&self) -> Result<usize, EngineError> {
        if self.has_turn(TURN).await? { self.bury().await } else { Ok(0) }
    }

    /// All leases, and whose they are.
    pub(super) async fn leases(&self) -> Result<Vec<(u64, SessionId)>, EngineError> {
        let records = self.records_from(Space::Records, b"l/", b"l/", usize::MAX).await?;
        let decoded = records.into_iter().map(|(key, value)| {
            let number = keys::lease_number_of(&key).ok_or(Malformed("lease"))?;
            Ok((number, Lease::decode(&value)?.owner))
        });
        decoded.collect()
    }

    /// Swaps a lease to `swept`: from here on no commit can refer to one of its ids for the first
    /// time. `false`: its owner gave it back meanwhile.
    pub(super) async fn fence_off(&self, number: u64) -> Result<bool, EngineError> {
        let Some(entry) = self.get(keys::lease(number)).await? else { return Ok(false) };
        let lease = Lease::decode(&entry.value)?;
        if lease.state == LeaseState::Swept {
            return Ok(true);
        }
        let swept = Lease { state: LeaseState::Swept, ..lease };
        let mut commit = Commit::default();
        commit.check(keys::lease(number), Expect::Stamp(entry.stamp));
        commit.put(keys::lease(number), swept.encode());
        self.commit(commit).await
    }

    pub(super) async fn sweep_lease(&self, number: u64) -> Result<usize, EngineError> {
        let ids = number * LEASE_IDS..(number + 1) * LEASE_IDS;
        let present = self.inner.backends.blobs.present(ids).await?;
        let mut deleted = 0;
        for batch in present.chunks(SWEEP_BATCH) {
            for orphan in self.without_owner(batch).await? {
                self.inner.backends.blobs.delete(orphan).await?;
                deleted += 1;
            }
        }
        let mut commit = Commit::default();
        commit.delete(keys::lease(number));
        self.commit(commit).await?;
        Ok(deleted)
    }

    /// Those of `blobs` that nothing refers to. One that lost its last reference and is queued for removal
    /// may be being read, and is `reclaim`'s to delete when its readers are done.
    async fn without_owner(&self, blobs: &[BlobId]) -> Result<Vec<BlobId>, EngineError> {
        let records = |blob: &BlobId| [keys::owner(*blob), keys::removed_blob(*blob)];
        let reads: Vec<Read> = blobs.iter().flat_map(records).map(Read::Get).collect();
        let found = self.inner.backends.catalog.read(&reads).await?;
        let orphans = blobs.iter().zip(found.chunks(2));
        let orphans = orphans.filter(|(_, found)| found.iter().all(Option::is_none));
        Ok(orphans.map(|(blob, _)| *blob).collect())
    }

    /// Gives back what is left of this engine's leases, so that the next open sweeps nothing, and ends
    /// its session. A lease with blobs that nothing refers to yet stays, and is swept.
    pub async fn close(&self) -> Result<(), EngineError> {
        self.delete_abandoned().await;
        self.retire_leases(true).await?;
        self.leave().await
    }
}
