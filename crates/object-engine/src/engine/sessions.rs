//! This engine's session among the others of a catalog.
//!
//! Guarantees: each beat changes the stamp of the session's record and publishes the oldest reader. Leases,
//! and states that others must not touch (`completing`, `deleting`), are taken only in a commit that
//! checks the session's record: none is ever taken under a session that the others have given up.
//! An engine that could not beat for half the expiry neither commits nor opens a blob any more; it goes on
//! with the next beat, under a new session if the others took the old one from it.
//!
//! Does not: judge other engines (`fronts` does), or beat by itself; the server calls
//! [`ObjectEngine::keep_session`]. An engine that is alone has no session.

use std::{
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use crate::{
    catalog::{Commit, CommitError, Expect, Stamp},
    engine::{
        ATTEMPTS_MAX, ObjectEngine,
        agreement::{Agreeing, Agreement, Setup},
        beats::{Beat, Beats},
        fronts::Sightings,
    },
    error::EngineError,
    keys,
    record::{Session, SessionId, SessionState},
};

/// How long an engine may be silent by default before the others count it as dead: longer than what a
/// catalog's failover or a busy machine makes it silent.
pub const SESSION_EXPIRY_DEFAULT: Duration = Duration::from_secs(30);

/// Beats in one expiry: some may be lost.
const BEATS_AN_EXPIRY: u32 = 10;

/// Who else is at work on the catalog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Nobody, which the opener knows by a lock: what other engines left is a dead one's.
    #[default]
    Alone,
    /// Perhaps other engines.
    Several {
        /// One counts as dead when it gave no sign of life for so long.
        expiry: Duration,
    },
}

/// What this engine knows of sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    state: Mutex<State>,
    beating: tokio::sync::Mutex<()>,
    /// How this engine is set up, if that is to be compared.
    pub(super) setup: OnceLock<Setup>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    beats: Beats,
    pub(super) sightings: Sightings,
    pub(super) agreeing: Agreeing,
}

impl Sessions {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // Every change is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ObjectEngine {
    /// How often [`Self::keep_session`] wants to be called; `None`: never.
    #[must_use]
    pub fn beat_interval(&self) -> Option<Duration> {
        self.expiry().map(|expiry| expiry / BEATS_AN_EXPIRY)
    }

    pub(super) fn expiry(&self) -> Option<Duration> {
        match self.inner.options.sharing {
            Sharing::Alone => None,
            Sharing::Several { expiry } => Some(expiry),
        }
    }

    /// Gives a sign of life, and looks for those of the others; nothing for an engine that is alone.
    pub async fn keep_session(&self) -> Result<(), EngineError> {
        let Some(expiry) = self.expiry() else { return Ok(()) };
        if let Agreement::Differs(differences) = self.live(expiry).await? {
            for difference in differences {
                tracing::error!(%difference, "another server is set up differently; this one answers nothing");
            }
        }
        Ok(())
    }

    /// As [`Self::keep_session`]; says whether the others are set up as this engine is.
    pub(super) async fn live(&self, expiry: Duration) -> Result<Agreement, EngineError> {
        let _one_at_a_time = self.inner.sessions.beating.lock().await;
        if !self.renew().await? {
            tracing::error!("the other servers gave this one up; it goes on under a new session");
            self.inner.sessions.state().agreeing.begin_anew();
            self.join().await?;
        }
        self.watch(expiry).await?;
        self.seek_agreement().await
    }

    /// Begins a session. What was leased under a former one is not used any more.
    pub(super) async fn join(&self) -> Result<(), EngineError> {
        let id = SessionId(self.draw());
        let mut commit = Commit::default();
        commit.check(keys::session(id), Expect::Absent);
        if !self.beat(commit, id).await? {
            return Err(EngineError::Contended); // 128 random bits are another's: nobody's luck
        }
        self.inner.leases.begin(id);
        Ok(())
    }

    /// `false`: the session was taken from this engine.
    async fn renew(&self) -> Result<bool, EngineError> {
        let id = self.inner.leases.owner();
        for _ in 0..ATTEMPTS_MAX {
            let Some(stamp) = self.open_session(id).await? else { return Ok(false) };
            let mut commit = Commit::default();
            commit.check(keys::session(id), Expect::Stamp(stamp));
            if self.beat(commit, id).await? {
                return Ok(true);
            }
        }
        Err(EngineError::Contended)
    }

    /// Writes the session's record, if what `commit` checks holds.
    async fn beat(&self, mut commit: Commit, id: SessionId) -> Result<bool, EngineError> {
        let grace = self.grace();
        let began = self.monotonic();
        let session = Session { state: SessionState::Open, readers: self.oldest_epoch() };
        commit.put(keys::session(id), session.encode());
        let stamp = match self.inner.backends.catalog.commit(commit).await {
            Ok(stamp) => stamp,
            Err(CommitError::Conflict) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let mut state = self.inner.sessions.state();
        let returned = self.monotonic();
        if self.is_late(state.beats.last(), returned) {
            // Perhaps nobody could beat. Whoever can by now gets a whole expiry to do so.
            state.sightings.forget();
        }
        state.beats.push(Beat { stamp, began, returned }, grace);
        Ok(true)
    }

    /// The last write of a session that is not given up.
    pub(super) async fn open_session(&self, id: SessionId) -> Result<Option<Stamp>, EngineError> {
        let Some(entry) = self.get(keys::session(id)).await? else { return Ok(None) };
        let session = Session::decode(&entry.value)?;
        Ok((session.state == SessionState::Open).then_some(entry.stamp))
    }

    /// Lets `commit` take effect only under this engine's session; says under which.
    pub(super) async fn sign(&self, commit: &mut Commit) -> Result<Option<SessionId>, EngineError> {
        if self.expiry().is_none() {
            return Ok(None);
        }
        let id = self.inner.leases.owner();
        let over = || EngineError::Unavailable("this server's session is over".into());
        let stamp = self.open_session(id).await?.ok_or_else(over)?;
        commit.check(keys::session(id), Expect::Stamp(stamp));
        Ok(Some(id))
    }

    /// Whether what a session is at work on is to be left to it. What carries this engine's own session is
    /// its own to decide about.
    pub(super) async fn is_elsewhere(&self, by: Option<SessionId>) -> Result<bool, EngineError> {
        match by {
            Some(by) if self.expiry().is_some() && by != self.inner.leases.owner() => {
                Ok(self.open_session(by).await?.is_some())
            }
            _ => Ok(false),
        }
    }

    /// Refuses while the others may have given this engine up, or are not known to be set up as it is.
    pub(super) fn check_session(&self) -> Result<(), EngineError> {
        self.check_beat()?;
        self.check_agreement()
    }

    /// Refuses while the others may have given this engine up.
    pub(super) fn check_beat(&self) -> Result<(), EngineError> {
        if self.expiry().is_none() {
            return Ok(());
        }
        let now = self.monotonic();
        if self.is_late(self.inner.sessions.state().beats.last(), now) {
            let told = "this server could not show the others that it lives";
            return Err(EngineError::Unavailable(told.into()));
        }
        Ok(())
    }

    fn is_late(&self, last: Option<&Beat>, now: Duration) -> bool {
        let (Some(last), Some(expiry)) = (last, self.expiry()) else { return false };
        now.saturating_sub(last.began) > expiry / 2
    }

    pub(super) fn monotonic(&self) -> Duration {
        self.inner.backends.clock.monotonic()
    }

    pub(super) fn grace(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.inner.options.removal_grace_ms).unwrap_or(0))
    }

    /// What a reader that is pinned now is pinned at.
    pub(super) fn epoch(&self) -> Stamp {
        let now = self.monotonic();
        self.inner.sessions.state().beats.epoch(now, self.grace())
    }

    /// Removals asked before this write may be carried out, as far as readers go.
    pub(super) async fn horizon(&self) -> Result<Stamp, EngineError> {
        let sessions = self.sessions().await?;
        let open = sessions.iter().filter(|(.., session)| session.state == SessionState::Open);
        let readers = open.map(|(.., session)| session.readers).min().unwrap_or(Stamp(0));
        Ok(self.inner.sessions.state().beats.horizon(readers, self.grace()))
    }

    /// Ends the session; what is left of its leases is swept by the others.
    pub(super) async fn leave(&self) -> Result<(), EngineError> {
        if self.expiry().is_none() {
            return Ok(());
        }
        let _one_at_a_time = self.inner.sessions.beating.lock().await;
        let mut commit = Commit::default();
        let own = self.inner.leases.owner();
        commit.delete(keys::session(own)).delete(keys::setup(own));
        self.inner.backends.catalog.commit(commit).await?;
        Ok(())
    }
}
