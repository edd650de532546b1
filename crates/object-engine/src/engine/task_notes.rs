//! Where background tasks stand, so that they go on after a restart.
//!
//! Guarantees: a note is swapped, never overwritten: of two workers at one task, the one that did not
//! see the other's note learns it and can leave.
//! Does not: know what notes say, or when a task has a turn.

use bytes::Bytes;

use crate::{
    catalog::{Commit, Entry},
    engine::{ObjectEngine, uploads::stamp_of},
    error::EngineError,
    keys,
};

impl ObjectEngine {
    /// The note of a task.
    pub async fn task_note(&self, task: &str) -> Result<Option<String>, EngineError> {
        let entry = self.get(keys::task_note(task)).await?;
        entry.as_ref().map(text).transpose()
    }

    /// Writes a task's note in the place of `seen`. `false`: another note stands there by now.
    pub async fn swap_task_note(
        &self,
        task: &str,
        seen: Option<&str>,
        note: &str,
    ) -> Result<bool, EngineError> {
        let at = keys::task_note(task);
        let entry = self.get(at.clone()).await?;
        if entry.as_ref().map(text).transpose()?.as_deref() != seen {
            return Ok(false);
        }
        let mut commit = Commit::default();
        commit.check(at.clone(), stamp_of(entry.as_ref()));
        commit.put(at, Bytes::copy_from_slice(note.as_bytes()));
        self.commit(commit).await
    }
}

fn text(entry: &Entry) -> Result<String, EngineError> {
    let text = std::str::from_utf8(&entry.value);
    text.map(str::to_owned).map_err(|_| EngineError::Damaged("a task's note is not text".into()))
}
