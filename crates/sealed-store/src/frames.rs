//! One part of a body, opened: sealed bytes are read, verified and handed on in frames.
//!
//! Guarantees: a frame holds only verified plaintext; memory is at most one sealed and one plain buffer.

use bytes::Bytes;
use object_engine::{
    blobs::buffers::{Buffer, BufferPool},
    engine::{BodyReader, ObjectEngine},
    error::EngineError,
    model::{Place, StoredPart},
};
use sealed_format::{CHUNK_BYTES, PartOpener, SEALED_CHUNK_BYTES, layout};

use crate::error::damaged;

/// Chunks in one frame: 256 KiB of plaintext, which keeps a frame in a core's cache and makes TLS
/// records full.
const FRAME_CHUNKS: u64 = 16;

/// How far behind a page's border a frame begins, in bytes. TLS copies a frame into records that begin
/// a few bytes behind one. Where a copy ends up just ahead of its source within a page, the `rep movsb`
/// of glibc before 2.39 takes twenty times as long on AMD's Zen (glibc's bug 30994): a quarter of a GET.
const FRAME_START: usize = 1_024;

/// Where a part's sealed bytes come from.
enum Source {
    Inline(Bytes),
    Blob(BodyReader),
}

/// An opened part, positioned in a range of its plaintext.
pub(crate) struct OpenPart {
    engine: ObjectEngine,
    source: Source,
    opener: PartOpener,
    length: u64,
    next_chunk: u64,
    last_chunk: u64,
    /// Plaintext bytes to drop before the first one wanted.
    skip: usize,
    /// Plaintext bytes still wanted.
    remaining: u64,
    /// Read into again and again, where opening is not in place.
    sealed: Option<Buffer>,
}

impl OpenPart {
    /// Opens `part` at plaintext `wanted`, relative to the part.
    pub(crate) async fn open(
        engine: &ObjectEngine,
        part: &StoredPart,
        opener: PartOpener,
        wanted: std::ops::Range<u64>,
    ) -> Result<Self, EngineError> {
        let source = match &part.place {
            Place::Inline(bytes) => Source::Inline(bytes.clone()),
            place @ Place::Blob(..) => Source::Blob(engine.body_reader(place).await?),
        };
        let stored = match &source {
            Source::Inline(bytes) => bytes.len() as u64,
            Source::Blob(reader) => reader.length(),
        };
        if stored != layout::sealed_length(part.length) {
            return Err(EngineError::Damaged(
                "a part's stored length is not its sealed one".into(),
            ));
        }
        let cover = layout::cover(part.length, wanted.clone());
        Ok(Self {
            engine: engine.clone(),
            source,
            opener,
            length: part.length,
            next_chunk: cover.first_chunk,
            last_chunk: cover.last_chunk,
            skip: cover.skip,
            remaining: wanted.end - wanted.start,
            sealed: None,
        })
    }

    /// The next frame of verified plaintext; `None` when the range is done.
    pub(crate) async fn frame(&mut self) -> Result<Option<Bytes>, EngineError> {
        if self.next_chunk > self.last_chunk {
            return Ok(None);
        }
        let end = (self.next_chunk + FRAME_CHUNKS).min(self.last_chunk + 1);
        let from = layout::sealed_chunk_range(self.length, self.next_chunk).start;
        let to = layout::sealed_chunk_range(self.length, end - 1).end;
        let mut frame = match &self.source {
            Source::Inline(bytes) => {
                let sealed = &bytes[to_usize(from)..to_usize(to)];
                let mut plain = vec![0; sealed.len()];
                let length = open_into(&self.opener, self.next_chunk, sealed, &mut plain)?;
                plain.truncate(length);
                Bytes::from(plain)
            }
            Source::Blob(reader) if self.opener.prefers_runs() => {
                let run = self.engine.buffers().take_behind(FRAME_START, to_usize(to - from));
                let mut run = reader.read_at(from, run).await?;
                let length = self.opener.open_run(self.next_chunk, &mut run);
                run.resize(length.map_err(|error| damaged(&error))?);
                run.into_bytes()
            }
            Source::Blob(reader) => {
                let buffers = self.engine.buffers();
                let buffer = sealed_buffer(buffers, self.sealed.take(), to_usize(to - from));
                let sealed = reader.read_at(from, buffer).await?;
                let mut plain = buffers.take_behind(FRAME_START, to_usize(to - from));
                let length = open_into(&self.opener, self.next_chunk, &sealed, &mut plain)?;
                self.sealed = Some(sealed);
                plain.resize(length);
                plain.into_bytes()
            }
        };
        self.next_chunk = end;
        let _ = frame.split_to(std::mem::take(&mut self.skip).min(frame.len()));
        frame.truncate(usize::try_from(self.remaining).unwrap_or(usize::MAX));
        self.remaining -= frame.len() as u64;
        Ok(Some(frame))
    }
}

/// The frame before's buffer if it is large enough, or a new one, of `length` bytes.
fn sealed_buffer(buffers: &BufferPool, used: Option<Buffer>, length: usize) -> Buffer {
    match used {
        Some(mut buffer) if buffer.capacity() >= length => {
            buffer.resize(length);
            buffer
        }
        _ => {
            let mut buffer = buffers.take(length);
            buffer.mark_sealed();
            buffer
        }
    }
}

/// Opens a run of sealed chunks beginning with chunk `first` into `plain`. Returns its length.
fn open_into(
    opener: &PartOpener,
    first: u64,
    sealed: &[u8],
    plain: &mut [u8],
) -> Result<usize, EngineError> {
    let mut length = 0;
    for (chunk, index) in sealed.chunks(SEALED_CHUNK_BYTES).zip(first..) {
        let out = &mut plain[length..];
        length += opener.open_chunk(index, chunk, out).map_err(|error| damaged(&error))?;
    }
    debug_assert!(length <= sealed.len().div_ceil(SEALED_CHUNK_BYTES) * CHUNK_BYTES);
    Ok(length)
}

/// A position within one frame's reach.
fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).expect("this crate is built for 64-bit machines")
}
