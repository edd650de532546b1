//! Bodies.

use crate::{
    blobs::buffers::{Buffer, BufferPool},
    engine::ObjectEngine,
    error::EngineError,
    model::Place,
};

/// Stores one part's sealed bytes.
#[derive(Debug)]
pub struct BodyWriter {}

impl BodyWriter {
    /// Waits until `spare` is at least 1 byte long.
    pub async fn ready(&mut self) -> Result<(), EngineError> {
        unimplemented!()
    }
    /// The free rest of the current buffer.
    pub fn spare(&mut self) -> &mut [u8] {
        unimplemented!()
    }
    /// Declares the first `n` bytes of `spare` written.
    pub fn advance(&mut self, n: usize) {
        unimplemented!()
    }
    /// Ends the body.
    pub async fn finish(self) -> Result<Place, EngineError> {
        unimplemented!()
    }
}

/// Reads one part's sealed bytes.
#[derive(Debug)]
pub struct BodyReader {}

impl BodyReader {
    /// Fills `buffer` from `offset`.
    pub async fn read_at(&self, offset: u64, buffer: Buffer) -> Result<Buffer, EngineError> {
        unimplemented!()
    }
    /// Stored bytes.
    pub fn length(&self) -> u64 {
        unimplemented!()
    }
}

impl ObjectEngine {
    /// Begins to store one part's sealed bytes.
    pub async fn body_writer(&self, length: Option<u64>) -> Result<BodyWriter, EngineError> {
        unimplemented!()
    }
    /// Opens stored bytes.
    pub async fn body_reader(&self, place: &Place) -> Result<BodyReader, EngineError> {
        unimplemented!()
    }
    /// Removes stored bytes that no commit refers to.
    pub async fn abandon(&self, place: Place) {
        unimplemented!()
    }
    /// The pool that buffers come from.
    pub fn buffers(&self) -> &BufferPool {
        unimplemented!()
    }
}
