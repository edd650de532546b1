//! Copying records in the order of their keys, and summing them up.
//!
//! Guarantees: memory for one page at a time; the records of a page and the journal's move are one commit.

use bytes::Bytes;

use super::{MigrateError, Refusal, Run, SpaceSummary, journal::Phase, source, target};
use crate::{
    catalog::{Catalog, CatalogError, Commit, Direction, Key, Space, Stamp, Step},
    keys,
};

/// Records of one page and of one commit at most.
pub(super) const PAGE_RECORDS: usize = 1_000;

/// Bytes from which on a page gets no further record: records with sealed bytes in them are larger than others.
const PAGE_BYTES: usize = 1 << 20;

/// Records that are summed up in one walk, between two looks at how far it is.
const SUMMED_RECORDS: u32 = 100_000;

/// Records of one page: keys and values.
pub(super) type Page = Vec<(Vec<u8>, Bytes)>;

/// The records of `space` that come after the key `after`, as many as a page holds and as are `copied`.
pub(super) async fn page(
    catalog: &dyn Catalog,
    (space, after): (Space, &[u8]),
    is_copied: impl Fn(&[u8]) -> bool + Send + Sync,
) -> Result<Page, CatalogError> {
    let mut page = Page::new();
    let mut bytes = 0;
    let mut visitor = |key: &[u8], _: Stamp, value: &[u8]| {
        if page.len() == PAGE_RECORDS || bytes >= PAGE_BYTES {
            return Step::Stop;
        }
        if is_copied(key) {
            bytes += key.len() + value.len();
            page.push((key.to_vec(), Bytes::copy_from_slice(value)));
        }
        Step::Next
    };
    let from = if after.is_empty() { Vec::new() } else { [after, &[0]].concat() };
    catalog.walk(space, &from, Direction::Forward, &mut visitor).await?;
    Ok(page)
}

/// Whether a record is copied: not the schema, which comes last, nor what is about migrations or engines at work;
/// leases, and whose the blobs are, only where the blobs stay, with those that nothing refers to.
pub(super) fn is_copied(space: Space, key: &[u8], blobs_stay: bool) -> bool {
    match space {
        Space::Index => {
            key != keys::schema().bytes && (blobs_stay || key != keys::installation().bytes)
        }
        Space::Records => {
            let is_left = |prefix: &[u8]| key.starts_with(prefix);
            !is_left(keys::MIGRATION)
                && !keys::AT_WORK.into_iter().any(is_left)
                && (blobs_stay || !is_left(keys::LEASES))
        }
        Space::Inline => true,
    }
}

/// The spaces, in the order in which they are summed up and copied.
pub(super) const SPACES: [Space; 3] = [Space::Index, Space::Records, Space::Inline];

impl Run<'_> {
    /// Copies the rest of a space.
    pub(super) async fn copy_records(&mut self, space: Space) -> Result<(), MigrateError> {
        let blobs_stay = self.journal.blobs_stay;
        loop {
            let at = (space, &self.journal.cursor[..]);
            let is_copied = |key: &[u8]| is_copied(space, key, blobs_stay);
            let page = page(&*self.from.catalog, at, is_copied).await.map_err(source)?;
            let Some((last, _)) = page.last() else { break };
            self.journal.cursor = last.clone();
            self.journal.done.count += page.len() as u64;
            let mut commit = Commit::default();
            for (bytes, value) in page {
                commit.put(Key { space, bytes }, value);
            }
            self.step(commit).await?;
            self.see(super::Step::CopyingRecords);
        }
        self.enter(match space {
            Space::Index => Phase::Records(Space::Records),
            Space::Records => Phase::Records(Space::Inline),
            Space::Inline => Phase::VerifyBlobs,
        })
        .await
    }

    /// Compares the target's records with what the source's came to, and the source's too: no write to it went
    /// unseen.
    pub(super) async fn verify_records(&mut self) -> Result<(), MigrateError> {
        let step = super::Step::VerifyingRecords;
        for (space, expected) in SPACES.into_iter().zip(self.journal.summary.spaces) {
            let still = self.sum(&*self.from.catalog, space, step).await.map_err(source)?;
            if still != expected {
                return Err(Refusal::SourceServed.into());
            }
            let found = self.sum(&*self.to.catalog, space, step).await.map_err(target)?;
            if found != expected {
                let wrong = format!("{space:?} has {found:?}, not {expected:?}");
                return Err(MigrateError::Different(wrong));
            }
        }
        self.enter(Phase::CleanUp).await
    }

    /// Sums up the records of a space that are copied.
    pub(super) async fn sum(
        &mut self,
        catalog: &dyn Catalog,
        space: Space,
        step: super::Step,
    ) -> Result<SpaceSummary, CatalogError> {
        let (blobs_stay, before) = (self.journal.blobs_stay, self.journal.done.count);
        let mut found = SpaceSummary::default();
        let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc64Nvme);
        let mut from = Some(Vec::new());
        while let Some(start) = from.take() {
            let mut left = SUMMED_RECORDS;
            let mut visitor = |key: &[u8], _: Stamp, value: &[u8]| {
                if left == 0 {
                    from = Some(key.to_vec());
                    return Step::Stop;
                }
                left -= 1;
                if is_copied(space, key, blobs_stay) {
                    for part in [key, value] {
                        digest.update(&(part.len() as u64).to_be_bytes());
                        digest.update(part);
                        found.bytes += part.len() as u64;
                    }
                    found.records += 1;
                }
                Step::Next
            };
            catalog.walk(space, &start, Direction::Forward, &mut visitor).await?;
            self.journal.done.count = before + found.records;
            self.see(step);
        }
        found.checksum = digest.finalize();
        Ok(found)
    }
}
