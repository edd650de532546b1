//! How the engines of a catalog are set up: alike, or the later one is told.
//!
//! Guarantees: of engines that say how they are set up, none is at work beside another that says otherwise, unless
//! its opener tolerates that. Each says so in a commit that swaps one record of the catalog, and has looked at the
//! others since it read that record: of two that come at once, the second sees the first. An engine that lost its
//! session agrees anew before it commits or opens a blob again.
//!
//! One that says otherwise and may be dead is waited for: its next sign of life tells that it lives, and
//! without one it is given up as ever (`fronts`).
//!
//! Does not: know what a setting means, or compare what only one of two says; an older program says less.

use std::{collections::HashMap, fmt};

use crate::{
    catalog::{Commit, CommitError, Entry, Expect, Read, Stamp},
    engine::{ATTEMPTS_MAX, ObjectEngine},
    error::EngineError,
    keys,
    record::{SessionId, SessionState, decode_number, decode_setup, encode_number, encode_setup},
};

/// One thing that the engines of a catalog shall have alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// What the operator calls it.
    pub name: String,
    /// What it is.
    pub value: SettingValue,
}

/// What is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingValue {
    /// In the operator's words; stored in clear.
    Shown(String),
    /// A secret's fingerprint: the same for the same secret, and telling nothing else of it.
    Hidden([u8; 32]),
}

/// What two engines have differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The setting's name.
    pub name: String,
    /// Its value here and there; `None` for a secret.
    pub values: Option<(String, String)>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.values {
            Some((here, there)) => write!(f, "{} is {here} here and {there} there", self.name),
            None => write!(f, "{} is not the same here and there", self.name),
        }
    }
}

/// What becomes of an engine that differs from a live one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Differing {
    /// It is not at work.
    Refused,
    /// It is, and the log says so: settings are being changed on one engine after the other.
    Tolerated,
}

/// What an engine and the others have come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// It may be at work.
    Agreed,
    /// One that gives signs of life says otherwise.
    Differs(Vec<Difference>),
    /// One that says otherwise may be dead: to be asked again after a beat.
    Undecided,
}

/// What this engine says of itself.
#[derive(Debug)]
pub(super) struct Setup {
    settings: Vec<Setting>,
    differing: Differing,
}

/// What this engine knows of how the others are set up.
#[derive(Debug, Default)]
pub(super) struct Agreeing {
    /// Said in the catalog, under the session at hand.
    is_agreed: bool,
    /// The signs of life that those who differ had given when they were met.
    met: HashMap<SessionId, Stamp>,
}

impl Agreeing {
    /// Under a new session everything is to be said anew.
    pub(super) fn begin_anew(&mut self) {
        *self = Self::default();
    }

    /// Whether one of those who differ has given a sign of life since it was met.
    fn judge(&mut self, differing: Vec<Other>) -> Agreement {
        let lives = |other: &&Other| self.met.get(&other.id).is_some_and(|met| *met != other.stamp);
        if let Some(other) = differing.iter().find(lives) {
            return Agreement::Differs(other.differences.clone());
        }
        for other in &differing {
            self.met.entry(other.id).or_insert(other.stamp);
        }
        Agreement::Undecided
    }
}

/// Another engine, which differs.
#[derive(Debug)]
struct Other {
    id: SessionId,
    /// Its last sign of life.
    stamp: Stamp,
    differences: Vec<Difference>,
}

impl ObjectEngine {
    /// Says how this engine is set up. From here on it is not at work until it has agreed with the others. Only
    /// the first call counts; an engine that is alone agrees with itself.
    pub fn set_up(&self, settings: Vec<Setting>, differing: Differing) {
        let _ = self.inner.sessions.setup.set(Setup { settings, differing });
    }

    /// Gives a sign of life, and finds out whether the others are set up as this engine is.
    pub async fn agree(&self) -> Result<Agreement, EngineError> {
        match self.expiry() {
            None => Ok(Agreement::Agreed),
            Some(expiry) => self.live(expiry).await,
        }
    }

    /// Refuses before this engine has agreed.
    pub(super) fn check_agreement(&self) -> Result<(), EngineError> {
        let sessions = &self.inner.sessions;
        let is_asked = self.expiry().is_some() && sessions.setup.get().is_some();
        if is_asked && !sessions.state().agreeing.is_agreed {
            let told = "this server has not agreed with the others on how they are set up";
            return Err(EngineError::Unavailable(told.into()));
        }
        Ok(())
    }

    /// Says how this engine is set up, if nobody says otherwise.
    pub(super) async fn seek_agreement(&self) -> Result<Agreement, EngineError> {
        let sessions = &self.inner.sessions;
        let Some(setup) = sessions.setup.get() else { return Ok(Agreement::Agreed) };
        if sessions.state().agreeing.is_agreed {
            return Ok(Agreement::Agreed);
        }
        for _ in 0..ATTEMPTS_MAX {
            let said_last = self.get(keys::next_setup()).await?;
            let differing = self.differing(&setup.settings).await?;
            if !differing.is_empty() && setup.differing == Differing::Refused {
                return Ok(sessions.state().agreeing.judge(differing));
            }
            if self.say(setup, said_last).await? {
                sessions.state().agreeing.is_agreed = true;
                for difference in differing.iter().flat_map(|other| &other.differences) {
                    tracing::warn!(%difference, "another server of the catalog is set up differently");
                }
                return Ok(Agreement::Agreed);
            }
        }
        Err(EngineError::Contended)
    }

    /// `false`: another engine has said something since `said_last` was read.
    async fn say(&self, setup: &Setup, said_last: Option<Entry>) -> Result<bool, EngineError> {
        let number = said_last.as_ref().map_or(Ok(0), |entry| decode_number(&entry.value))?;
        let expect = said_last.map_or(Expect::Absent, |entry| Expect::Stamp(entry.stamp));
        let mut commit = Commit::default();
        let Some(own) = self.sign(&mut commit).await? else { return Ok(true) };
        commit.check(keys::next_setup(), expect);
        commit.put(keys::next_setup(), encode_number(number + 1));
        commit.put(keys::setup(own), encode_setup(&setup.settings));
        self.commit_unagreed(commit).await
    }

    /// Commits what keeps sessions, which goes on before an agreement; `false` on conflict.
    pub(super) async fn commit_unagreed(&self, commit: Commit) -> Result<bool, EngineError> {
        self.check_beat()?;
        match self.inner.backends.catalog.commit(commit).await {
            Ok(_) => Ok(true),
            Err(CommitError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Those of the other engines that say otherwise, as far as nobody has given them up.
    async fn differing(&self, ours: &[Setting]) -> Result<Vec<Other>, EngineError> {
        let own = self.inner.leases.owner();
        let mut others = self.sessions().await?;
        others.retain(|(id, _, session)| *id != own && session.state == SessionState::Open);
        let reads: Vec<Read> = others.iter().map(|(id, ..)| Read::Get(keys::setup(*id))).collect();
        let said = self.inner.backends.catalog.read(&reads).await?;
        let mut differing = Vec::new();
        for ((id, stamp, _), said) in others.into_iter().zip(said) {
            let Some((_, said)) = said else { continue };
            let differences = differences(ours, &decode_setup(&said.value)?);
            if !differences.is_empty() {
                differing.push(Other { id, stamp, differences });
            }
        }
        Ok(differing)
    }
}

/// What both name and have differently.
fn differences(ours: &[Setting], theirs: &[Setting]) -> Vec<Difference> {
    let mut found = Vec::new();
    for our in ours {
        let Some(their) = theirs.iter().find(|their| their.name == our.name) else { continue };
        if our.value == their.value {
            continue;
        }
        let values = match (&our.value, &their.value) {
            (SettingValue::Shown(here), SettingValue::Shown(there)) => {
                Some((here.clone(), there.clone()))
            }
            _ => None,
        };
        found.push(Difference { name: our.name.clone(), values });
    }
    found
}
