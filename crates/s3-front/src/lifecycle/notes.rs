//! Where the worker stands, kept in the catalog.
//!
//! Guarantees: after a restart, or on another server whose turn it became, the walk goes on behind what was
//! noted. Of two workers that both hold it for their turn, the one whose note was replaced learns it
//! and ends its pass.

use object_engine::{engine::ObjectEngine, error::EngineError};
use serde::{Deserialize, Serialize};

const TASK: &str = "lifecycle";

/// What the note says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// Which interval of the clock the pass began in.
    pub(super) pass: i64,
    /// How far it came; `None`: it is done.
    pub(super) at: Option<At>,
}

/// A place in the walk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct At {
    /// Buckets before this one are done.
    pub(super) bucket: String,
    /// And of it the keys up to this one.
    pub(super) after: Option<String>,
}

/// The note as this worker last saw it.
#[derive(Debug)]
pub(super) struct Notes {
    seen: Option<String>,
}

impl Notes {
    /// Reads the note. One that cannot be read is none: the walk begins anew.
    pub(super) async fn read(engine: &ObjectEngine) -> Result<(Self, Option<Note>), EngineError> {
        let seen = engine.task_note(TASK).await?;
        let note = seen.as_deref().and_then(|text| serde_json::from_str(text).ok());
        Ok((Self { seen }, note))
    }

    /// Writes a note. `false`: another worker has written one; its turn, not ours.
    pub(super) async fn write(
        &mut self,
        engine: &ObjectEngine,
        note: &Note,
    ) -> Result<bool, EngineError> {
        let text = serde_json::to_string(note).unwrap_or_default();
        if self.seen.as_ref() == Some(&text) {
            return Ok(true);
        }
        let is_ours = engine.swap_task_note(TASK, self.seen.as_deref(), &text).await?;
        self.seen = Some(text);
        Ok(is_ours)
    }
}
