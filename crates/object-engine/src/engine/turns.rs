//! Turns at background work, of which one engine at a time does each.
//!
//! Guarantees: a turn passes on only when its holder's session is over. Work that checks its turn again and
//! again is done by one engine, but for the moment in which it passes on; so it must do no harm twice.
//! An engine that is alone always has its turn.

use crate::{
    catalog::Commit,
    engine::{ObjectEngine, uploads::stamp_of},
    error::EngineError,
    keys,
    record::{decode_turn, encode_turn},
};

impl ObjectEngine {
    /// Whether it is this engine's turn at the work of this name; takes the turn if it is free.
    pub async fn has_turn(&self, work: &str) -> Result<bool, EngineError> {
        if self.expiry().is_none() {
            return Ok(true);
        }
        let at = keys::turn(work);
        let entry = self.get(at.clone()).await?;
        if let Some(entry) = &entry {
            let holder = decode_turn(&entry.value)?;
            if holder == self.inner.leases.owner() {
                self.check_session()?;
                return Ok(true);
            }
            if self.is_elsewhere(Some(holder)).await? {
                return Ok(false);
            }
        }
        let mut commit = Commit::default();
        let Some(own) = self.sign(&mut commit).await? else { return Ok(true) };
        commit.check(at.clone(), stamp_of(entry.as_ref())).put(at, encode_turn(own));
        self.commit(commit).await
    }
}
