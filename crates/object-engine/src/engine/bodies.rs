//! Bodies: one part's sealed bytes, in the catalog or in a blob.
//!
//! Guarantees: a body known to be larger than the inline limit is written straight to its blob;
//! one of unknown length stays in memory until it exceeds the limit. A writer that is dropped leaves
//! nothing behind for long: its blob is deleted at once where a runtime is there to do it, by the
//! next `reclaim` otherwise, and by a sweep after a crash.
//!
//! Does not: publish; until a commit refers to it, a finished body is an orphan.

use std::fmt;

use bytes::Bytes;

use crate::{
    blobs::{
        BlobId, BlobReader, BlobWriter,
        buffers::{Buffer, BufferPool},
    },
    engine::{ObjectEngine, ReadPin},
    error::EngineError,
    model::Place,
};

/// Stores one part's sealed bytes, front to back; the caller fills [`spare`](Self::spare).
#[derive(Debug)]
pub struct BodyWriter {
    engine: ObjectEngine,
    target: Target,
}

enum Target {
    Memory {
        buffer: Buffer,
        filled: usize,
    },
    /// The writer goes first: the orphan's deletion counts only after that.
    Blob {
        writer: Box<dyn BlobWriter>,
        orphan: Orphan,
    },
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory { filled, .. } => write!(f, "Memory({filled} bytes)"),
            Self::Blob { orphan, .. } => write!(f, "{:?}", orphan.id),
        }
    }
}

/// A blob that is deleted when this is dropped, unless it was [kept](Orphan::keep).
struct Orphan {
    engine: ObjectEngine,
    id: BlobId,
    is_kept: bool,
}

impl Orphan {
    fn keep(mut self) -> BlobId {
        self.is_kept = true;
        self.id
    }
}

impl Drop for Orphan {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        self.engine.inner.leases.abandon_later(self.id);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let engine = self.engine.clone();
            runtime.spawn(async move { engine.delete_abandoned().await });
        }
    }
}

impl BodyWriter {
    /// Waits until [`spare`](Self::spare) is at least 1 byte long.
    pub async fn ready(&mut self) -> Result<(), EngineError> {
        match &mut self.target {
            Target::Memory { buffer, filled } if *filled < buffer.len() => Ok(()),
            Target::Memory { .. } => self.spill().await,
            Target::Blob { writer, .. } => Ok(writer.ready().await?),
        }
    }

    /// The free rest of the current buffer; empty only before [`ready`](Self::ready).
    pub fn spare(&mut self) -> &mut [u8] {
        match &mut self.target {
            Target::Memory { buffer, filled } => &mut buffer.bytes()[*filled..],
            Target::Blob { writer, .. } => writer.spare(),
        }
    }

    /// Declares the first `n` bytes of `spare` written.
    ///
    /// # Panics
    /// If `n` is more than `spare` is long.
    pub fn advance(&mut self, n: usize) {
        match &mut self.target {
            Target::Memory { buffer, filled } => {
                assert!(n <= buffer.len() - *filled, "advanced beyond the buffer");
                *filled += n;
            }
            Target::Blob { writer, .. } => writer.advance(n),
        }
    }

    /// Writes what is left and syncs; says where the bytes are.
    pub async fn finish(self) -> Result<Place, EngineError> {
        match self.target {
            Target::Memory { mut buffer, filled } => {
                buffer.resize(filled);
                // Only sealed bytes were written here, so the memory need not be wiped.
                buffer.mark_sealed();
                Ok(Place::Inline(buffer.into_bytes()))
            }
            Target::Blob { writer, orphan } => {
                let length = writer.finish().await?;
                Ok(Place::Blob(orphan.keep(), length))
            }
        }
    }

    /// Moves what is in memory to a blob, because there is more of it than fits.
    async fn spill(&mut self) -> Result<(), EngineError> {
        let next = self.engine.blob_target(None).await?;
        let before = std::mem::replace(&mut self.target, next);
        let (Target::Memory { buffer, filled }, Target::Blob { writer, .. }) =
            (before, &mut self.target)
        else {
            return Ok(());
        };
        let mut rest = &buffer[..filled];
        while !rest.is_empty() {
            writer.ready().await?;
            let spare = writer.spare();
            let n = spare.len().min(rest.len());
            spare[..n].copy_from_slice(&rest[..n]);
            writer.advance(n);
            rest = &rest[n..];
        }
        Ok(writer.ready().await?)
    }
}

/// Reads one part's sealed bytes. Holds a [`ReadPin`].
pub struct BodyReader {
    source: Source,
    length: u64,
    _pin: ReadPin,
}

enum Source {
    Memory(Bytes),
    Blob(Box<dyn BlobReader>),
}

impl fmt::Debug for BodyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BodyReader({} bytes)", self.length)
    }
}

impl BodyReader {
    /// Fills `buffer` from `offset`. A range beyond the body's length is a caller's bug and answers
    /// [`EngineError::Damaged`].
    pub async fn read_at(&self, offset: u64, mut buffer: Buffer) -> Result<Buffer, EngineError> {
        match &self.source {
            Source::Blob(reader) => Ok(reader.read_at(offset, buffer).await?),
            Source::Memory(bytes) => {
                let start = usize::try_from(offset).ok();
                let range = start.and_then(|start| Some(start..start.checked_add(buffer.len())?));
                let beyond = || EngineError::Damaged("a read beyond an inline body".into());
                let wanted = range.and_then(|range| bytes.get(range)).ok_or_else(beyond)?;
                buffer.bytes().copy_from_slice(wanted);
                Ok(buffer)
            }
        }
    }

    /// Stored bytes.
    pub fn length(&self) -> u64 {
        self.length
    }
}

impl ObjectEngine {
    /// Begins to store one part's sealed bytes; `length` is the sealed length where it is known.
    pub async fn body_writer(&self, length: Option<u64>) -> Result<BodyWriter, EngineError> {
        let limit = self.inner.options.inline_bytes_max;
        let target = match length.map(usize::try_from) {
            Some(Ok(length)) if length <= limit => self.memory_target(length),
            None => self.memory_target(limit),
            Some(_) => self.blob_target(length).await?,
        };
        Ok(BodyWriter { engine: self.clone(), target })
    }

    fn memory_target(&self, capacity: usize) -> Target {
        Target::Memory { buffer: self.inner.options.buffers.take(capacity), filled: 0 }
    }

    async fn blob_target(&self, length: Option<u64>) -> Result<Target, EngineError> {
        let id = self.take_blob_id().await?;
        let orphan = Orphan { engine: self.clone(), id, is_kept: false };
        let writer = self.inner.backends.blobs.create(id, length).await?;
        Ok(Target::Blob { writer, orphan })
    }

    /// Opens stored bytes; a missing or short blob fails here.
    pub async fn body_reader(&self, place: &Place) -> Result<BodyReader, EngineError> {
        let pin = self.pin();
        let (source, length) = match place {
            Place::Inline(bytes) => (Source::Memory(bytes.clone()), bytes.len() as u64),
            Place::Blob(id, length) => {
                self.check_session()?;
                (Source::Blob(self.inner.backends.blobs.open(*id, *length).await?), *length)
            }
        };
        Ok(BodyReader { source, length, _pin: pin })
    }

    /// Removes stored bytes that no commit refers to (a put that failed after `finish`).
    pub async fn abandon(&self, place: Place) {
        if let Place::Blob(id, _) = place
            && let Err(error) = self.delete_unreferenced(id).await
        {
            tracing::warn!(%error, "an abandoned blob could not be deleted yet");
        }
    }

    /// The pool that buffers come from.
    pub fn buffers(&self) -> &BufferPool {
        &self.inner.options.buffers
    }

    /// Deletes the blobs of dropped writers; returns how many went.
    pub(super) async fn delete_abandoned(&self) -> usize {
        let mut deleted = 0;
        for blob in self.inner.leases.take_abandoned() {
            match self.delete_unreferenced(blob).await {
                Ok(()) => deleted += 1,
                Err(error) => tracing::warn!(%error, "an abandoned blob could not be deleted yet"),
            }
        }
        deleted
    }
}
