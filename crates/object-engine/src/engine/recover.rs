//! Opening and closing: schema, recovery, and the sweep of dead leases.
//!
//! Guarantees: after `open`, nothing stands half done that a crash left: completions and bucket
//! deletions are reverted, and blobs that nothing refers to are gone. The work is in the number of
//! leases that were open and of verbs that were at work, not in what is stored.

use crate::{
    blobs::BlobId,
    catalog::{Commit, Expect, Read, Space},
    engine::{ObjectEngine, uploads::UploadName},
    error::EngineError,
    keys::{self, LEASE_IDS},
    migrate,
    model::{BucketName, UploadId},
    record::{
        BucketRecord, BucketState, Completing, Lease, LeaseState, Malformed, decode_number,
        encode_number,
    },
};

/// The layout of the catalog that this program reads and writes.
pub(crate) const SCHEMA: u64 = 1;

/// Owner records that the sweep reads at once.
const SWEEP_BATCH: usize = 256;

impl ObjectEngine {
    /// Refuses a catalog of another schema, or one that a migration left; marks an empty one with ours.
    pub(super) async fn check_schema(&self) -> Result<(), EngineError> {
        migrate::refuse_unless_whole(&*self.inner.backends.catalog).await?;
        let Some(entry) = self.get(keys::schema()).await? else {
            for space in [Space::Index, Space::Records] {
                if !self.records_from(space, b"", b"", 1).await?.is_empty() {
                    return Err(EngineError::Damaged("a catalog without a schema version".into()));
                }
            }
            let mut commit = Commit::default();
            commit.check(keys::schema(), Expect::Absent);
            commit.put(keys::schema(), encode_number(SCHEMA));
            return if self.commit(commit).await? { Ok(()) } else { Err(EngineError::Contended) };
        };
        match decode_number(&entry.value)? {
            SCHEMA => Ok(()),
            other => Err(EngineError::Unavailable(format!(
                "the catalog has schema version {other}; this program knows {SCHEMA}"
            ))),
        }
    }

    /// Reverts what was at work, then sweeps.
    pub(super) async fn recover(&self) -> Result<(), EngineError> {
        for (key, value) in self.records_from(Space::Records, b"c/", b"c/", usize::MAX).await? {
            let id = UploadId(*key.last_chunk().ok_or(Malformed("completion"))?);
            let Completing { bucket, key } = Completing::decode(&value)?;
            let named = UploadName { bucket, key, id };
            if let Some((record, stamp)) = self.upload_record(&named).await? {
                self.thaw(&record, stamp).await?;
            }
        }
        for (key, value) in self.records_from(Space::Index, b"b/", b"b/", usize::MAX).await? {
            let name = std::str::from_utf8(&key[2..]).ok().and_then(|n| BucketName::parse(n).ok());
            let name = name.ok_or(Malformed("bucket"))?;
            let stamp = crate::catalog::Stamp(0); // only the state is looked at
            if BucketRecord::decode(&value, &name, stamp)?.state == BucketState::Deleting {
                self.bucket_at_rest(&name).await?;
            }
        }
        self.sweep().await?;
        Ok(())
    }

    /// Searches the leases that are not this engine's for blobs that nothing refers to, and deletes
    /// them; returns how many.
    pub async fn sweep(&self) -> Result<usize, EngineError> {
        let mut deleted = 0;
        for (key, value) in self.records_from(Space::Records, b"l/", b"l/", usize::MAX).await? {
            let number = keys::lease_number_of(&key).ok_or(Malformed("lease"))?;
            let lease = Lease::decode(&value)?;
            if lease.owner != self.inner.leases.owner && self.fence_off(number).await? {
                deleted += self.sweep_lease(number).await?;
            }
        }
        Ok(deleted)
    }

    /// Swaps a lease to `swept`: from here on no commit can refer to one of its ids for the first
    /// time. `false`: its owner gave it back meanwhile.
    async fn fence_off(&self, number: u64) -> Result<bool, EngineError> {
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

    async fn sweep_lease(&self, number: u64) -> Result<usize, EngineError> {
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

    async fn without_owner(&self, blobs: &[BlobId]) -> Result<Vec<BlobId>, EngineError> {
        let reads: Vec<Read> = blobs.iter().map(|blob| Read::Get(keys::owner(*blob))).collect();
        let owners = self.inner.backends.catalog.read(&reads).await?;
        let orphans = blobs.iter().zip(owners).filter(|(_, owner)| owner.is_none());
        Ok(orphans.map(|(blob, _)| *blob).collect())
    }

    /// Gives back what is left of this engine's leases, so that the next open sweeps nothing.
    /// A lease with blobs that nothing refers to yet stays, and is swept.
    pub async fn close(&self) -> Result<(), EngineError> {
        self.delete_abandoned().await;
        self.retire_leases(true).await
    }
}
