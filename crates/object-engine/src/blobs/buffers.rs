//! Pooled, page-aligned buffers.
//!
//! Guarantees: a [`Buffer`] is 4 KiB-aligned and is wiped before another holder gets it.
//! Does not: limit by itself; the pool's budget bounds what is kept and lent.

/// A page-aligned buffer on loan from the pool.
#[derive(Debug)]
pub struct Buffer {
    bytes: Vec<u8>,
}

impl Buffer {
    /// Its bytes.
    pub fn bytes(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

/// The pool of buffers.
#[derive(Clone, Debug, Default)]
pub struct BufferPool {}
