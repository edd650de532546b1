//! Plaintext on its way in, sealed chunk by chunk into the engine's buffers.
//!
//! Guarantees: plaintext is copied at most once before it is sealed, and that copy is wiped; nothing
//! is finished before the source has verified itself.
//!
//! Does not: know where the plaintext comes from.

use async_trait::async_trait;
use bytes::Bytes;
use object_engine::{
    engine::BodyWriter,
    error::EngineError,
    model::{BodyId, Place},
};
use sealed_format::{
    CHUNK_BYTES, Checksum, DataKey, PartHeader, PartSealer, SEALED_CHUNK_BYTES, TAG_BYTES, layout,
};
use zeroize::Zeroizing;

use crate::{error::PutError, store::SealedStore};

/// Plaintext as it arrives: frames of any size, then a verdict.
#[async_trait]
pub trait PlainBody: Send {
    /// Why the body failed.
    type Error: Send;

    /// The plaintext's length in bytes, where known.
    fn length(&self) -> Option<u64>;

    /// The next frame; `None` at the end.
    async fn frame(&mut self) -> Result<Option<Bytes>, Self::Error>;

    /// Called once after the last frame and before anything is committed: verifies trailers,
    /// digests and signatures. An `Err` stores nothing.
    fn finish(&mut self) -> Result<BodyDigests, Self::Error>;
}

/// What a body's source computed of its plaintext.
#[derive(Clone, Debug, Default)]
pub struct BodyDigests {
    /// MD5; present for every object that the server's own key seals, since it is the ETag.
    pub md5: Option<[u8; 16]>,
    /// The checksum the client chose, or CRC64NVME.
    pub checksum: Option<Checksum>,
}

/// One part as it was sealed and stored.
pub(crate) struct SealedBody {
    pub(crate) place: Place,
    pub(crate) header: PartHeader,
    pub(crate) length: u64,
    pub(crate) digests: BodyDigests,
}

/// Which part of which body is sealed, and under which key.
pub(crate) struct PartKey<'a> {
    pub(crate) data: &'a DataKey,
    pub(crate) body: &'a BodyId,
    pub(crate) number: u32,
}

impl SealedStore {
    /// Seals `body` as one part. On error nothing of it stays.
    pub(crate) async fn seal_body<B: PlainBody>(
        &self,
        key: PartKey<'_>,
        body: &mut B,
    ) -> Result<SealedBody, PutError<B::Error>> {
        let sealer = PartSealer::new(key.data, &key.body.0, key.number, &*self.inner.random);
        let sealed_length = body.length().map(layout::sealed_length);
        let writer = self.inner.engine.body_writer(sealed_length).await?;
        let mut sink = ChunkSink { sealer, writer, pending: Vec::new().into(), held: Bytes::new() };
        while let Some(frame) = body.frame().await.map_err(PutError::Body)? {
            sink.push(frame).await?;
        }
        let digests = body.finish().map_err(PutError::Body)?;
        let (place, header, length) = sink.finish().await?;
        Ok(SealedBody { place, header, length, digests })
    }
}

/// Cuts frames into chunks and seals each straight into the writer's buffer.
struct ChunkSink {
    sealer: PartSealer,
    writer: BodyWriter,
    /// Plaintext of a chunk that spans frames: less than one chunk.
    pending: Zeroizing<Vec<u8>>,
    /// A first frame shorter than a chunk, held uncopied until it is known whether more follows.
    held: Bytes,
}

impl ChunkSink {
    /// Takes one frame.
    async fn push(&mut self, mut frame: Bytes) -> Result<(), EngineError> {
        if frame.is_empty() {
            return Ok(());
        }
        self.copy_held();
        if !self.pending.is_empty() {
            let wanted = CHUNK_BYTES - self.pending.len();
            let taken = frame.split_to(wanted.min(frame.len()));
            self.pending.extend_from_slice(&taken);
            if self.pending.len() < CHUNK_BYTES {
                return Ok(());
            }
            let chunk = std::mem::replace(&mut self.pending, Vec::new().into());
            self.seal(&chunk).await?;
            self.pending = chunk;
            self.pending.clear();
        }
        while frame.len() >= CHUNK_BYTES {
            let chunk = frame.split_to(CHUNK_BYTES);
            self.seal(&chunk).await?;
        }
        self.held = frame;
        if self.sealer.plain_length() > 0 {
            // More than a chunk: likely more follows, and who holds a piece of the connection's buffer
            // makes it take another one for what follows. A copy of the piece is less.
            self.copy_held();
        }
        Ok(())
    }

    /// Moves a held short frame into the pending chunk.
    fn copy_held(&mut self) {
        if self.held.is_empty() {
            return;
        }
        debug_assert!(self.pending.is_empty(), "a frame is held only when no chunk is pending");
        // Reserved whole at once: a vector that grew would leave unwiped copies behind.
        self.pending.reserve_exact(CHUNK_BYTES);
        let held = std::mem::take(&mut self.held);
        self.pending.extend_from_slice(&held);
    }

    /// Seals one full chunk into the writer.
    async fn seal(&mut self, chunk: &[u8]) -> Result<(), EngineError> {
        self.writer.ready().await?;
        if self.writer.spare().len() >= SEALED_CHUNK_BYTES {
            self.sealer.seal_chunk(chunk, &mut self.writer.spare()[..SEALED_CHUNK_BYTES]);
            self.writer.advance(SEALED_CHUNK_BYTES);
            return Ok(());
        }
        // On the heap: what lives across an await lives in the future of every request.
        let mut sealed = vec![0; SEALED_CHUNK_BYTES];
        self.sealer.seal_chunk(chunk, &mut sealed);
        write_all(&mut self.writer, &sealed).await
    }

    /// Seals the last, always shorter chunk and finishes the writer.
    async fn finish(mut self) -> Result<(Place, PartHeader, u64), EngineError> {
        let rest: &[u8] = if self.held.is_empty() { &self.pending } else { &self.held };
        let header = *self.sealer.header();
        let length = self.sealer.plain_length() + rest.len() as u64;
        self.writer.ready().await?;
        let sealed_length = rest.len() + TAG_BYTES;
        if self.writer.spare().len() >= sealed_length {
            let sealed = self.sealer.finish(rest, self.writer.spare());
            self.writer.advance(sealed);
        } else {
            let mut sealed = vec![0; sealed_length];
            let length = self.sealer.finish(rest, &mut sealed);
            write_all(&mut self.writer, &sealed[..length]).await?;
        }
        let place = self.writer.finish().await?;
        Ok((place, header, length))
    }
}

/// Copies `bytes` (sealed ones) into the writer, across the ends of its buffers.
async fn write_all(writer: &mut BodyWriter, mut bytes: &[u8]) -> Result<(), EngineError> {
    while !bytes.is_empty() {
        writer.ready().await?;
        let spare = writer.spare();
        let count = spare.len().min(bytes.len());
        spare[..count].copy_from_slice(&bytes[..count]);
        writer.advance(count);
        bytes = &bytes[count..];
    }
    Ok(())
}
