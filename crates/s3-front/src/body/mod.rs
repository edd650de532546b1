//! The request body: aws-chunked decoded, lengths, signatures and digests checked.

mod checksum;
mod error;

pub use checksum::{Checksum, ChecksumAlgorithm, ChecksumKind};
pub use error::BodyError;

use crate::signature::Payload;
use bytes::Bytes;
use http::HeaderMap;

/// What is known of a body when it has been read to its end and all promises about it held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyDigests {
    /// MD5 of the plaintext, if it was asked for or the client sent `Content-MD5`.
    pub md5: Option<[u8; 16]>,
    /// The checksum that the client sent (verified), else the one that was computed.
    pub checksum: Option<Checksum>,
}

/// A request body on its way in.
pub struct RequestBody<B> {
    body: B,
}

impl<B> RequestBody<B>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Reads what the head promises about the body; polls nothing. Errors: E21 (`InvalidContentMd5`),
    /// checksum headers, lengths.
    pub fn new(_headers: &HeaderMap, _payload: Payload, _body: B) -> Result<Self, BodyError> {
        unreachable!("being written")
    }

    /// Asks for the MD5 of the plaintext (the ETag of objects under the server's key).
    pub fn want_md5(&mut self) {}

    /// Asks for a checksum of this algorithm where the client sent none (the default is CRC64NVME).
    /// False: the client sent one of another algorithm.
    pub fn want_checksum(&mut self, _algorithm: ChecksumAlgorithm) -> bool {
        false
    }

    /// The algorithm of the checksum that the client sends, in a header or a trailer.
    pub fn sent_checksum(&self) -> Option<ChecksumAlgorithm> {
        None
    }

    /// Whether the client sent `Content-MD5` or a checksum: operations that demand one ask this.
    pub fn has_integrity_header(&self) -> bool {
        false
    }

    /// Plaintext length, where known.
    pub fn length(&self) -> Option<u64> {
        None
    }

    /// The next bytes of plaintext; `None` at the end. They are not verified before [`Self::finish`].
    pub async fn frame(&mut self) -> Result<Option<Bytes>, BodyError> {
        let _ = &self.body;
        Ok(None)
    }

    /// After the last frame, before anything is committed: fails unless every promise held.
    pub fn finish(&mut self) -> Result<BodyDigests, BodyError> {
        Err(BodyError::Incomplete)
    }

    /// A whole small body (XML), verified; `TooLarge` over `limit` bytes.
    pub async fn read_all(self, _limit: usize) -> Result<Bytes, BodyError> {
        Err(BodyError::Incomplete)
    }
}
