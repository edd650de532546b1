//! The other engines of a catalog: which are dead, and what becomes of what they left.
//!
//! Guarantees: an engine counts as dead only when this one saw one and the same stamp of its session for a
//! whole expiry on its own monotonic clock, and could beat all the while (when the catalog was away, nobody
//! could). It is declared so by one swap of its session's record, which its next beat would have to
//! swap too; from then on it can take neither a lease nor a state. Then its leases are fenced, what it was
//! at work on is reverted, its orphans are deleted, and its record goes last: every step can be
//! repeated, by another engine too.
//!
//! A dead one that wakes can do no harm: its commits check stamps that have changed.
//! A blob that it creates after its lease was swept, and dies before deleting it again, stays: its
//! space is lost, nothing else.

use std::{collections::HashMap, time::Duration};

use crate::{
    catalog::{Commit, Expect, Space, Stamp},
    engine::{ObjectEngine, uploads::UploadName},
    error::EngineError,
    keys,
    model::{BucketName, UploadId},
    record::{
        BucketRecord, BucketState, Completing, Malformed, Session, SessionId, SessionState,
        UploadState,
    },
};

/// Which stamps of which sessions were seen, and since when.
#[derive(Debug, Default)]
pub(super) struct Sightings(HashMap<SessionId, (Stamp, Duration)>);

impl Sightings {
    /// Begins to wait anew.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// Those that have been silent for `expiry`, by sessions that were read between two moments.
    fn silent(
        &mut self,
        seen: &[(SessionId, Stamp)],
        (began, returned): (Duration, Duration),
        expiry: Duration,
    ) -> Vec<(SessionId, Stamp)> {
        let mut silent = Vec::new();
        let mut next = HashMap::new();
        for (id, stamp) in seen {
            let before = self.0.get(id).filter(|(before, _)| before == stamp);
            // The first reading counts from its end and the last one to its beginning: whatever the
            // stamp was in between, the wait was no shorter.
            let since = before.map_or(returned, |(_, since)| *since);
            if began.checked_sub(since).is_some_and(|waited| waited >= expiry) {
                silent.push((*id, *stamp));
            }
            next.insert(*id, (*stamp, since));
        }
        self.0 = next;
        silent
    }
}

impl ObjectEngine {
    /// All sessions as they stand.
    pub(super) async fn sessions(&self) -> Result<Vec<(SessionId, Stamp, Session)>, EngineError> {
        let scope = keys::SESSIONS;
        let records = self.stamped_from(Space::Records, scope, scope, usize::MAX).await?;
        let decoded = records.into_iter().map(|(key, stamp, value)| {
            let id = keys::session_of(&key).ok_or(Malformed("session"))?;
            Ok((id, stamp, Session::decode(&value)?))
        });
        decoded.collect()
    }

    /// Looks for signs of life, and gives up who has been silent for `expiry`.
    pub(super) async fn watch(&self, expiry: Duration) -> Result<(), EngineError> {
        let own = self.inner.leases.owner();
        let began = self.monotonic();
        let sessions = self.sessions().await?;
        let returned = self.monotonic();
        let others: Vec<(SessionId, Stamp)> = sessions
            .iter()
            .filter(|(id, _, session)| *id != own && session.state == SessionState::Open)
            .map(|(id, stamp, _)| (*id, *stamp))
            .collect();
        let silent = {
            let mut state = self.inner.sessions.state();
            state.sightings.silent(&others, (began, returned), expiry)
        };
        for (id, stamp) in silent {
            self.give_up(id, stamp).await?;
        }
        Ok(())
    }

    /// Declares a session dead, unless it gives a sign of life this very moment.
    async fn give_up(&self, id: SessionId, stamp: Stamp) -> Result<(), EngineError> {
        let fenced = Session { state: SessionState::Fenced, readers: Stamp(0) };
        let mut commit = Commit::default();
        commit.check(keys::session(id), Expect::Stamp(stamp));
        commit.put(keys::session(id), fenced.encode());
        if self.commit_unagreed(commit).await? {
            tracing::warn!("gave up a server that has shown no sign of life");
        }
        Ok(())
    }

    /// Takes back what dead sessions held; returns how many blobs were deleted.
    pub(super) async fn bury(&self) -> Result<usize, EngineError> {
        // Leases first: one that is taken meanwhile belongs to a session that is found below.
        let leases = self.leases().await?;
        let sessions = self.sessions().await?;
        let own = self.inner.leases.owner();
        let is_live = |owner: SessionId| {
            let is_open = sessions
                .iter()
                .any(|(id, _, session)| *id == owner && session.state == SessionState::Open);
            owner == own || (self.expiry().is_some() && is_open)
        };
        let mut dead = Vec::new();
        for (number, owner) in leases {
            if !is_live(owner) && self.fence_off(number).await? {
                dead.push(number);
            }
        }
        let graves: Vec<SessionId> =
            sessions.iter().map(|(id, ..)| *id).filter(|id| !is_live(*id)).collect();
        if self.expiry().is_some() && !graves.is_empty() {
            self.revert_completions().await?;
            self.revert_deletions().await?;
        }
        let mut deleted = 0;
        for number in dead {
            deleted += self.sweep_lease(number).await?;
        }
        for id in graves {
            let mut commit = Commit::default();
            commit.delete(keys::session(id)).delete(keys::setup(id));
            self.commit(commit).await?;
        }
        Ok(deleted)
    }

    /// Opens uploads again whose Complete nobody is at any more.
    pub(super) async fn revert_completions(&self) -> Result<(), EngineError> {
        for (key, value) in self.records_from(Space::Records, b"c/", b"c/", usize::MAX).await? {
            let id = UploadId(*key.last_chunk().ok_or(Malformed("completion"))?);
            let Completing { bucket, key } = Completing::decode(&value)?;
            let named = UploadName { bucket, key, id };
            let Some((record, stamp)) = self.upload_record(&named).await? else { continue };
            let UploadState::Completing { by, .. } = record.state else { continue };
            if !self.is_at_work(by).await? {
                self.thaw(&record, stamp).await?;
            }
        }
        Ok(())
    }

    /// Reverts deletions of buckets that nobody is at any more.
    pub(super) async fn revert_deletions(&self) -> Result<(), EngineError> {
        for (key, stamp, value) in self.stamped_from(Space::Index, b"b/", b"b/", usize::MAX).await?
        {
            let name = std::str::from_utf8(&key[2..]).ok().and_then(|n| BucketName::parse(n).ok());
            let record = BucketRecord::decode(&value, &name.ok_or(Malformed("bucket"))?, stamp)?;
            if let BucketState::Deleting { by } = record.state
                && !self.is_at_work(by).await?
            {
                self.turn_bucket(&record, BucketState::Active).await?;
            }
        }
        Ok(())
    }

    /// Whether a session may be in the middle of something: another's that lives, or this engine's own, which
    /// takes back by itself what it left (`at_work`).
    async fn is_at_work(&self, by: Option<SessionId>) -> Result<bool, EngineError> {
        let is_own = by.is_some_and(|by| by == self.inner.leases.owner());
        Ok((is_own && self.expiry().is_some()) || self.is_elsewhere(by).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPIRY: Duration = Duration::from_secs(30);

    fn look(sightings: &mut Sightings, stamp: u64, began: u64) -> bool {
        let at = (Duration::from_secs(began), Duration::from_secs(began + 2));
        !sightings.silent(&[(SessionId([1; 16]), Stamp(stamp))], at, EXPIRY).is_empty()
    }

    #[test]
    fn only_one_stamp_for_a_whole_expiry_is_silence() {
        let mut sightings = Sightings::default();
        assert!(!look(&mut sightings, 1, 100));
        assert!(!look(&mut sightings, 1, 131), "seen at 102 at the latest");
        assert!(!look(&mut sightings, 2, 132), "a sign of life");
        assert!(!look(&mut sightings, 2, 163));
        assert!(look(&mut sightings, 2, 164));
        assert!(look(&mut sightings, 2, 165), "until it is given up");
    }

    #[test]
    fn who_could_not_look_begins_anew() {
        let mut sightings = Sightings::default();
        assert!(!look(&mut sightings, 1, 100));
        sightings.forget();
        assert!(!look(&mut sightings, 1, 200));
        assert!(!look(&mut sightings, 1, 231));
        assert!(look(&mut sightings, 1, 232));
    }
}
