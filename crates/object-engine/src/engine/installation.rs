//! Whose the blobs are: this catalog's, or those of another.
//!
//! Guarantees: an engine opens only over blobs that carry the mark of its own catalog's installation, so that no
//! sweep, no deletion and no new blob ever meets another's. A new catalog is refused before anything is written to
//! it, so that one that was lost can be put back.
//!
//! # Who may mark blobs that carry no mark
//!
//! - A catalog over a place without any blob: there is nothing to lose.
//! - A catalog that has leased ids, over whatever it finds: it was served before there were marks, and the blobs of
//!   before are its own. (Of two such catalogs that share a place already, the first to open gets it. To look for
//!   its blobs would tell no more: every catalog counts its ids from nought.)
//! - Nobody else. A new catalog among blobs is the accident: its own was lost, or it was given another's place.
//! - Nor a catalog that marked its blobs before: these are others, or a volume that is not mounted.
//!
//! The id stands in the catalog before the mark is made, and that it was made is noted after that: what dies in
//! between is made up for by the next open.
//!
//! Does not: tell a catalog from its own copy. Two that were copied from each other have one id.

use crate::{
    blobs::installation::InstallationId,
    catalog::{Commit, Expect, Stamp},
    engine::ObjectEngine,
    error::EngineError,
    keys,
    record::Installation,
};

/// Operator: the blobs are not this catalog's. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForeignBlobs {
    /// They carry the mark of another installation.
    #[error("they are marked as installation {found}'s, {}", this_catalog(.ours))]
    OfAnother {
        /// Whose they are.
        found: InstallationId,
        /// Whose the catalog is; `None`: nobody's yet.
        ours: Option<InstallationId>,
    },
    /// They carry no mark, and there are some, though the catalog never had any.
    #[error("there are blobs already, and this catalog is new")]
    OfAnUnknown,
    /// They carry no mark, though the catalog marked its own.
    #[error("they carry no mark, and this catalog marked its own as installation {ours}'s")]
    Unmarked {
        /// Whose the catalog is.
        ours: InstallationId,
    },
}

fn this_catalog(ours: &Option<InstallationId>) -> String {
    let ours = ours.map(|ours| format!("and this catalog is installation {ours}'s"));
    ours.unwrap_or_else(|| "and this catalog was never served over them".into())
}

impl ObjectEngine {
    /// Refuses blobs that are not this catalog's. Only reads.
    pub(super) async fn refuse_foreign_blobs(&self) -> Result<(), EngineError> {
        let ours = self.installation().await?.map(|(ours, _)| ours);
        let found = self.inner.backends.blobs.installation().await?;
        match (ours, found) {
            (Some(ours), Some(found)) if ours.id == found => Ok(()),
            (ours, Some(found)) => {
                Err(ForeignBlobs::OfAnother { found, ours: ours.map(|ours| ours.id) }.into())
            }
            (Some(Installation { id: ours, is_marked: true }), None) => {
                Err(ForeignBlobs::Unmarked { ours }.into())
            }
            (_, None) => {
                let has_leased = self.get(keys::next_lease()).await?.is_some();
                if has_leased || self.inner.backends.blobs.is_empty().await? {
                    Ok(())
                } else {
                    Err(ForeignBlobs::OfAnUnknown.into())
                }
            }
        }
    }

    /// Marks the blobs as this catalog's, if they are not; for who has checked that it may.
    pub(super) async fn claim_blobs(&self) -> Result<(), EngineError> {
        let (ours, stamp) = self.own_installation().await?;
        if ours.is_marked {
            return Ok(());
        }
        let found = self.inner.backends.blobs.claim(ours.id).await?;
        if found != ours.id {
            return Err(ForeignBlobs::OfAnother { found, ours: Some(ours.id) }.into());
        }
        let mut commit = Commit::default();
        commit.check(keys::installation(), Expect::Stamp(stamp));
        commit.put(keys::installation(), Installation { is_marked: true, ..ours }.encode());
        // Another engine of the catalog has noted it, or does so now.
        self.commit(commit).await.map(drop)
    }

    async fn installation(&self) -> Result<Option<(Installation, Stamp)>, EngineError> {
        let Some(entry) = self.get(keys::installation()).await? else { return Ok(None) };
        Ok(Some((Installation::decode(&entry.value)?, entry.stamp)))
    }

    /// The catalog's id, drawn if it has none.
    async fn own_installation(&self) -> Result<(Installation, Stamp), EngineError> {
        loop {
            if let Some(found) = self.installation().await? {
                return Ok(found);
            }
            let new = Installation { id: InstallationId(self.draw()), is_marked: false };
            let mut commit = Commit::default();
            commit.check(keys::installation(), Expect::Absent);
            commit.put(keys::installation(), new.encode());
            self.commit(commit).await?;
        }
    }
}
