//! Commits, and what became of those whose answer was lost.
//!
//! Guarantees: `Ok` only if the commit took effect once and is durable; `Conflict`, `Full` and
//! `Unavailable` only if it did not and never will; `Unknown` where even the look-up got no answer.
//! A commit is asked again, under a new id, only if the one before is known to be without effect.

use std::{collections::BTreeMap, time::Duration};

use object_engine::{
    catalog::{Commit, CommitError, Expect, Key, Mutation, Stamp},
    entropy::random_16,
};
use tokio::time::Instant;

use crate::{
    PostgresCatalog,
    checked::stored,
    failure::{Verdict, told_unanswered, verdict},
    number,
    session::Unanswered,
};

/// How long a commit is tried, and a lost one asked about: longer than a failover takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The first pause between two attempts; each is twice as long, up to the longest.
const PAUSE_MIN: Duration = Duration::from_millis(2);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// A commit in the form of the function's parameters: keys sorted, each once.
struct Parameters {
    spaces: Vec<i16>,
    keys: Vec<Vec<u8>>,
    expected: Vec<Option<i64>>,
    written: Vec<bool>,
    values: Vec<Option<Vec<u8>>>,
}

/// What a commit wants of one key.
#[derive(Default)]
struct Wanted {
    /// The stamp that must stand there, 0 for none.
    expected: Option<i64>,
    /// What is written: a value, or `Some(None)` for its removal.
    written: Option<Option<Vec<u8>>>,
}

pub(crate) async fn commit(
    catalog: &PostgresCatalog,
    commit: Commit,
) -> Result<Stamp, CommitError> {
    commit.refuse_misuse()?;
    let parameters = Parameters::of(commit)?;
    let deadline = Instant::now() + PATIENCE;
    let mut pauses = Pauses::new(catalog);
    loop {
        let id = random_16(&*catalog.inner.entropy);
        let again = match attempt(catalog, &id, &parameters).await {
            Ok(stamp) => return Ok(stamp),
            Err(Verdict::Conflict) => return Err(CommitError::Conflict),
            Err(Verdict::Full) => return Err(CommitError::Full),
            Err(Verdict::Refused(told)) => return Err(CommitError::Unavailable(told)),
            Err(Verdict::Again(told)) => told,
            Err(Verdict::Lost(told)) => match fate(catalog, &id, deadline).await {
                Some(Some(stamp)) => return Ok(stamp),
                Some(None) => told,
                None => return Err(CommitError::Unknown(told)),
            },
        };
        if Instant::now() > deadline {
            return Err(CommitError::Unavailable(again));
        }
        pauses.pause().await;
    }
}

/// One attempt.
async fn attempt(
    catalog: &PostgresCatalog,
    id: &[u8; 16],
    parameters: &Parameters,
) -> Result<Stamp, Verdict> {
    // Without a connection nothing was asked.
    let session = catalog.session().await.map_err(Verdict::Again)?;
    let Parameters { spaces, keys, expected, written, values } = parameters;
    let statement = &catalog.inner.statements.commit;
    let id = &id[..];
    let rows = session.ask(statement, &[&id, spaces, keys, expected, written, values]).await;
    let rows = rows.map_err(|error| verdict(&error))?;
    stamp_of(&rows).ok_or_else(|| Verdict::Lost("PostgreSQL answered without a stamp".into()))
}

/// What became of a commit: its stamp; `Some(None)`: it is refused for good; `None`: nobody could say.
async fn fate(
    catalog: &PostgresCatalog,
    id: &[u8; 16],
    deadline: Instant,
) -> Option<Option<Stamp>> {
    let mut pauses = Pauses::new(catalog);
    loop {
        match asked_fate(catalog, id).await {
            Ok(Stamp(0)) => return Some(None),
            Ok(stamp) => return Some(Some(stamp)),
            Err(told) => tracing::warn!(told, "a lost commit could not be looked up yet"),
        }
        if Instant::now() > deadline {
            return None;
        }
        pauses.pause().await;
    }
}

async fn asked_fate(catalog: &PostgresCatalog, id: &[u8; 16]) -> Result<Stamp, String> {
    let session = catalog.session().await?;
    let id = &id[..];
    let rows = session.ask(&catalog.inner.statements.fate, &[&id]).await;
    let rows = rows.map_err(|error: Unanswered| told_unanswered(&error))?;
    stamp_of(&rows).ok_or_else(|| "PostgreSQL answered without a stamp".to_owned())
}

fn stamp_of(rows: &[tokio_postgres::Row]) -> Option<Stamp> {
    let stamp: i64 = rows.first()?.try_get(0).ok()?;
    Some(Stamp(stamp.cast_unsigned()))
}

impl Parameters {
    /// Sorts a commit's keys. Two checks of one key that contradict each other can never hold.
    fn of(commit: Commit) -> Result<Self, CommitError> {
        let mut wanted: BTreeMap<Key, Wanted> = BTreeMap::new();
        for (key, expect) in commit.checks {
            let expected = match expect {
                Expect::Absent => 0,
                Expect::Stamp(stamp) => stamp.0.cast_signed(),
            };
            let known = wanted.entry(key).or_default().expected.replace(expected);
            if known.is_some_and(|known| known != expected) {
                return Err(CommitError::Conflict);
            }
        }
        for mutation in commit.mutations {
            let (key, value) = match mutation {
                Mutation::Put(key, value) => {
                    let value = stored(&key.bytes, &value);
                    (key, Some(value))
                }
                Mutation::Delete(key) => (key, None),
            };
            wanted.entry(key).or_default().written = Some(value);
        }
        let mut all = Self {
            spaces: Vec::with_capacity(wanted.len()),
            keys: Vec::with_capacity(wanted.len()),
            expected: Vec::with_capacity(wanted.len()),
            written: Vec::with_capacity(wanted.len()),
            values: Vec::with_capacity(wanted.len()),
        };
        for (key, Wanted { expected, written: value }) in wanted {
            all.spaces.push(number(key.space));
            all.keys.push(key.bytes);
            all.expected.push(expected);
            all.written.push(value.is_some());
            all.values.push(value.flatten());
        }
        Ok(all)
    }
}

/// Pauses that grow, each of a random part of its length, so that two that met do not meet again.
struct Pauses<'a> {
    catalog: &'a PostgresCatalog,
    longest: Duration,
}

impl<'a> Pauses<'a> {
    fn new(catalog: &'a PostgresCatalog) -> Self {
        Self { catalog, longest: PAUSE_MIN }
    }

    async fn pause(&mut self) {
        let mut drawn = [0; 1];
        self.catalog.inner.entropy.fill(&mut drawn);
        tokio::time::sleep(self.longest.mul_f64(f64::from(drawn[0]) / 255.0)).await;
        self.longest = (self.longest * 2).min(PAUSE_MAX);
    }
}
