//! The worker: passes over the buckets that have rules.
//!
//! Guarantees: a pass holds one page at a time, goes on after a restart, and ends between two pages
//! when told to stop; a failure of one bucket does not keep it from the others; rules that are changed
//! or removed meanwhile stop deleting at the next page. No customer key is needed. Of several servers on
//! one catalog one has the turn; when it dies, another goes on where it noted that it stood.
//! Does not: decide; `evaluate` does, and the engine asks it about the state that is deleted.

use std::sync::Arc;

use futures_util::future::join_all;
use object_engine::{
    clock::Clock,
    engine::{Expired, ObjectEngine, Standing},
    error::EngineError,
    model::{Bucket, ListUploads, ObjectKey, Upload, VersionSelector},
};
use tokio::{sync::watch, time};

use super::{
    Configuration, DayLength, Facts, Moment, SETTING,
    notes::{At, Note, Notes},
    walk::Walk,
};
use crate::limits::{DELETIONS_AT_ONCE, LIST_PAGE_MAX};

/// Milliseconds from one pass to the next. Days end at midnight UTC, which begins an hour.
const PASS_MS: i64 = 60 * 60 * 1_000;
/// Passes in one shortened day.
const PASSES_A_SHORT_DAY: i64 = 8;
/// How often the clock is looked at between passes, in milliseconds, at most.
const LOOK_MS_MAX: i64 = 30_000;
/// Pages between two notes: a restart repeats no more, and a note costs a commit.
const PAGES_A_NOTE: usize = 64;
/// Buckets that one listing of them looks at.
const BUCKETS_A_PAGE: usize = 1_000;
/// The turn at this work.
const TURN: &str = "lifecycle";

/// Applies the rules of all buckets, again and again. Clones share the store.
#[derive(Clone, Debug)]
pub struct LifecycleWorker {
    engine: ObjectEngine,
    clock: Arc<dyn Clock>,
    day: DayLength,
}

/// What a pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pass {
    /// Buckets with rules.
    pub buckets: u64,
    /// Of those, how many were left because of an error.
    pub failed: u64,
    /// Pages that were looked at.
    pub pages: u64,
    /// Versions and delete markers that were removed for good.
    pub removed: u64,
    /// Keys that a delete marker hides now.
    pub hidden: u64,
    /// Uploads that were aborted.
    pub aborted: u64,
    /// Whether it came to its end.
    pub finished: bool,
}

/// Why a bucket, or a pass, is left early.
enum Leave {
    /// The server stops, or another worker has the turn.
    Pass,
    /// The bucket or its rules are no longer what they were.
    Bucket,
    Failed(EngineError),
}

impl From<EngineError> for Leave {
    fn from(error: EngineError) -> Self {
        Self::Failed(error)
    }
}

impl LifecycleWorker {
    /// A worker over a store; `clock` says when objects are due.
    pub fn new(engine: ObjectEngine, clock: Arc<dyn Clock>, day: DayLength) -> Self {
        Self { engine, clock, day }
    }

    /// Works until told to stop.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut last = None;
        loop {
            let number = self.pass_number();
            if last != Some(number) && !*stop.borrow() {
                match self.pass(&stop).await {
                    Ok(pass) => {
                        note(&pass);
                        // What another has the turn at is looked at again: it may die over it.
                        last = pass.finished.then_some(number);
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a lifecycle pass failed");
                        last = Some(number);
                    }
                }
            }
            let look = (self.pass_ms() / 4).clamp(1, LOOK_MS_MAX);
            let pause = std::time::Duration::from_millis(look.unsigned_abs());
            tokio::select! {
                () = time::sleep(pause) => {}
                () = told_to(&mut stop) => return,
            }
        }
    }

    fn pass_ms(&self) -> i64 {
        match self.day {
            DayLength::Calendar => PASS_MS,
            DayLength::Seconds(seconds) => i64::from(seconds.get()) * 1_000 / PASSES_A_SHORT_DAY,
        }
    }

    fn pass_number(&self) -> i64 {
        self.clock.now().0.div_euclid(self.pass_ms())
    }

    /// One pass, or the rest of one that was broken off; nothing if this interval's pass is done, or if it
    /// is another server's turn.
    pub async fn pass(&self, stop: &watch::Receiver<bool>) -> Result<Pass, EngineError> {
        if !self.engine.has_turn(TURN).await? {
            return Ok(Pass::default());
        }
        let (notes, note) = Notes::read(&self.engine).await?;
        let number = self.pass_number();
        let note = note.unwrap_or(Note { pass: number - 1, at: None });
        if note.at.is_none() && note.pass == number {
            return Ok(Pass { finished: true, ..Pass::default() });
        }
        let number = if note.at.is_some() { note.pass } else { number };
        let mut run = Run { worker: self, stop, notes, number, pass: Pass::default() };
        match run.buckets(note.at).await {
            Ok(()) => run.pass.finished = true,
            Err(Leave::Failed(error)) => return Err(error),
            Err(Leave::Pass | Leave::Bucket) => {}
        }
        Ok(run.pass)
    }
}

/// A pass under way.
struct Run<'w> {
    worker: &'w LifecycleWorker,
    stop: &'w watch::Receiver<bool>,
    notes: Notes,
    number: i64,
    pass: Pass,
}

impl Run<'_> {
    async fn buckets(&mut self, from: Option<At>) -> Result<(), Leave> {
        let (mut from, mut after) = match from {
            Some(at) => (at.bucket, at.after),
            None => (String::new(), None),
        };
        loop {
            let page = self.worker.engine.buckets_with(SETTING, &from, BUCKETS_A_PAGE).await?;
            for bucket in &page.buckets {
                // A key stands in the note for the bucket that it is in, if that is still there.
                let after = after.take().filter(|_| from == bucket.name.as_str());
                match self.bucket(bucket, after).await {
                    Ok(()) | Err(Leave::Bucket) => {}
                    Err(Leave::Pass) => return Err(Leave::Pass),
                    Err(Leave::Failed(error)) => {
                        self.pass.failed += 1;
                        tracing::warn!(bucket = %bucket.name, %error, "lifecycle rules could not be applied");
                    }
                }
            }
            let Some(next) = page.next else { break };
            from = next;
        }
        if self.pass.buckets > 0 {
            self.write(None).await?;
        }
        Ok(())
    }

    async fn bucket(&mut self, bucket: &Bucket, after: Option<String>) -> Result<(), Leave> {
        let Some(rules) = Configuration::of(bucket)? else { return Ok(()) };
        self.pass.buckets += 1;
        for prefix in rules.object_prefixes() {
            let mut walk = Walk::begin(bucket, prefix, after.as_deref());
            loop {
                self.turn_page(bucket).await?;
                let at = self.moment();
                let due = walk.page(&self.worker.engine, &rules, at).await?;
                for together in due.versions.chunks(DELETIONS_AT_ONCE) {
                    self.expire(bucket, &rules, together).await?;
                }
                if due.is_last {
                    break;
                }
                if self.pass.pages.is_multiple_of(PAGES_A_NOTE as u64) {
                    let bucket = bucket.name.as_str().to_owned();
                    self.write(Some(At { bucket, after: due.done })).await?;
                }
            }
        }
        for prefix in rules.upload_prefixes() {
            self.uploads(bucket, &rules, prefix).await?;
        }
        Ok(())
    }

    /// Whether to go on with this bucket: its rules are read again for each page.
    async fn turn_page(&mut self, bucket: &Bucket) -> Result<(), Leave> {
        if *self.stop.borrow() || !self.worker.engine.has_turn(TURN).await? {
            return Err(Leave::Pass);
        }
        if self.pass.pages > 0 {
            let current = self.worker.engine.bucket(&bucket.name).await?;
            let same = current.is_some_and(|current| {
                let rules = |bucket: &Bucket| bucket.settings.get(SETTING).cloned();
                current.uid == bucket.uid && rules(&current) == rules(bucket)
            });
            if !same {
                return Err(Leave::Bucket);
            }
        }
        self.pass.pages += 1;
        Ok(())
    }

    fn moment(&self) -> Moment {
        Moment { now: self.worker.clock.now(), day: self.worker.day }
    }

    async fn write(&mut self, at: Option<At>) -> Result<(), Leave> {
        let note = Note { pass: self.number, at };
        if self.notes.write(&self.worker.engine, &note).await? {
            return Ok(());
        }
        tracing::info!("another worker applies the lifecycle rules");
        Err(Leave::Pass)
    }

    /// Deletes what is still due, some together so that they share synced commits.
    async fn expire(
        &mut self,
        bucket: &Bucket,
        rules: &Configuration,
        due: &[(ObjectKey, VersionSelector)],
    ) -> Result<(), Leave> {
        let at = self.moment();
        let engine = &self.worker.engine;
        let expiries: Vec<_> =
            due.iter().map(|due| expire_one((engine, bucket), due, (rules, at))).collect();
        for outcome in join_all(expiries).await {
            match outcome? {
                Expired::Kept => {}
                Expired::MarkerWritten => self.pass.hidden += 1,
                Expired::Removed => self.pass.removed += 1,
            }
        }
        Ok(())
    }

    async fn uploads(
        &mut self,
        bucket: &Bucket,
        rules: &Configuration,
        prefix: &str,
    ) -> Result<(), Leave> {
        let mut ask = ListUploads {
            prefix: prefix.to_owned(),
            limit: LIST_PAGE_MAX,
            ..ListUploads::default()
        };
        loop {
            self.turn_page(bucket).await?;
            let page = self.worker.engine.list_uploads(bucket, &ask).await?;
            let Moment { now, day } = self.moment();
            let is_due = |upload: &&Upload| {
                let abort = rules.abort(upload.key.as_str(), upload.initiated, day);
                abort.is_some_and(|(due, _)| due <= now)
            };
            for upload in page.uploads.iter().filter(is_due) {
                if self.worker.engine.abort(bucket, upload).await? {
                    self.pass.aborted += 1;
                }
            }
            let Some((key, id)) = page.next else { return Ok(()) };
            (ask.key_marker, ask.upload_id_marker) = (Some(key), id);
        }
    }
}

async fn expire_one(
    (engine, bucket): (&ObjectEngine, &Bucket),
    (key, selector): &(ObjectKey, VersionSelector),
    (rules, at): (&Configuration, Moment),
) -> Result<Expired, EngineError> {
    let mut judge = |standing: &Standing| rules.expires(&Facts::of(standing), at);
    engine.expire(bucket, key, *selector, &mut judge).await
}

/// Ends when the server stops, or is gone.
async fn told_to(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

fn note(pass: &Pass) {
    let Pass { buckets, failed, pages, removed, hidden, aborted, finished } = *pass;
    if removed + hidden + aborted > 0 {
        tracing::info!(
            buckets,
            failed,
            pages,
            removed,
            hidden,
            aborted,
            finished,
            "applied lifecycle rules"
        );
    } else {
        tracing::debug!(buckets, failed, pages, finished, "lifecycle rules found nothing to do");
    }
}
