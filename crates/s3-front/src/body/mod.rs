//! The request body: aws-chunked decoded, lengths, signatures and digests checked.
//!
//! Guarantees: [`RequestBody::finish`] succeeds only if every promise of the request's head held:
//! exact length, payload hash, every chunk's and the trailer's signature, `Content-MD5`, checksum.
//! Frames are handed on as they come, before their chunk's signature could be checked, so nothing may
//! be committed or shown before `finish`. Frames are slices of what the connection read; none is copied.
//! Nothing is polled before the first [`RequestBody::frame`], so `100 Continue` waits for authorisation.
//!
//! Does not: limit the length of a body that is streamed; operations do.

mod checksum;
mod chunked;
mod digests;
mod error;
mod framing;
mod promises;

#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::pin::Pin;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use md5::{Digest as _, Md5};

pub use checksum::{Checksum, ChecksumAlgorithm, ChecksumKind};
use digests::{ChecksumHasher, Digests, Sha256};
pub use error::BodyError;
use framing::Framing;
use promises::SentChecksum;

use crate::signature::{Payload, hex};

/// What is known of a body when it has been read to its end and all promises about it held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyDigests {
    /// MD5 of the plaintext, if it was asked for or the client sent `Content-MD5`.
    pub md5: Option<[u8; 16]>,
    /// The checksum to keep: the default one where [`RequestBody::keep_default_checksum`] asked for
    /// it, else the one that the client sent (verified), else the one that was computed.
    pub checksum: Option<Checksum>,
}

/// A request body on its way in.
pub struct RequestBody<B> {
    body: B,
    /// What the connection gave and nobody took yet.
    input: Bytes,
    framing: Framing,
    digests: Digests,
    promised_md5: Option<[u8; 16]>,
    promised_sha256: Option<[u8; 32]>,
    promised_checksum: Option<SentChecksum>,
    length: Option<u64>,
    received: u64,
    progress: Progress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Reading,
    /// All was read; not yet checked.
    Read,
    /// Checked once, or failed.
    Over,
}

impl<B> RequestBody<B>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Reads what the head promises about the body; polls nothing. Errors: `Content-MD5`'s syntax
    /// (E21), checksum headers, lengths.
    pub fn new(headers: &HeaderMap, payload: Payload, body: B) -> Result<Self, BodyError> {
        let md5 = promises::content_md5(headers)?;
        let checksum = SentChecksum::read(headers, framing::has_trailers(&payload))?;
        Self::build(headers, payload, body, (md5, checksum))
    }

    /// As [`Self::new`], for operations whose `x-amz-checksum-*` headers are not about their body
    /// (CompleteMultipartUpload: they are the object's).
    pub fn ignoring_checksums(
        headers: &HeaderMap,
        payload: Payload,
        body: B,
    ) -> Result<Self, BodyError> {
        let md5 = promises::content_md5(headers)?;
        Self::build(headers, payload, body, (md5, None))
    }

    fn build(
        headers: &HeaderMap,
        payload: Payload,
        body: B,
        (promised_md5, promised_checksum): (Option<[u8; 16]>, Option<SentChecksum>),
    ) -> Result<Self, BodyError> {
        let length = match &payload {
            Payload::UnsignedChunks | Payload::SignedChunks(_) => {
                Some(promises::decoded_length(headers)?)
            }
            Payload::Unsigned | Payload::Sha256(_) => {
                promises::content_length(headers).or_else(|| body.size_hint().exact())
            }
        };
        let promised_sha256 = match &payload {
            Payload::Sha256(hash) => Some(*hash),
            _ => None,
        };
        let announced = match &promised_checksum {
            Some(SentChecksum::Trailer(algorithm)) => Some(*algorithm),
            _ => None,
        };
        let hasher = promised_checksum.as_ref().map(|sent| ChecksumHasher::new(sent.algorithm()));
        Ok(Self {
            body,
            input: Bytes::new(),
            framing: Framing::new(payload, announced),
            digests: Digests {
                md5: promised_md5.map(|_| Md5::new()),
                sha256: promised_sha256.map(|_| Sha256::new()),
                checksum: Some(hasher.unwrap_or_else(|| ChecksumHasher::new(COMPUTED))),
                kept: None,
            },
            promised_md5,
            promised_sha256,
            promised_checksum,
            length,
            received: 0,
            progress: Progress::Reading,
        })
    }

    /// Asks for the MD5 of the plaintext (the ETag of objects under the server's key). To be called
    /// before the first frame.
    pub fn want_md5(&mut self) {
        self.digests.md5.get_or_insert_with(Md5::new);
    }

    /// Asks for a checksum of this algorithm where the client sent none (CRC64NVME otherwise). To be
    /// called before the first frame. False: the client sent one of another algorithm.
    pub fn want_checksum(&mut self, algorithm: ChecksumAlgorithm) -> bool {
        if let Some(sent) = &self.promised_checksum {
            return sent.algorithm() == algorithm;
        }
        self.digests.checksum = Some(ChecksumHasher::new(algorithm));
        true
    }

    /// Asks for the checksum to keep to be CRC64NVME, computed beside the client's where it sends one
    /// of another algorithm. To be called before the first frame.
    pub fn keep_default_checksum(&mut self) {
        let is_other = |sent: &SentChecksum| sent.algorithm() != COMPUTED;
        if self.promised_checksum.as_ref().is_some_and(is_other) {
            self.digests.kept = Some(ChecksumHasher::new(COMPUTED));
        }
    }

    /// The checksum that the client sent, also if another is kept; one of a trailer is known at the end.
    /// It is verified when [`Self::finish`] has succeeded.
    pub fn sent(&self) -> Option<Checksum> {
        let algorithm = self.sent_checksum()?;
        let value = self.promised_value()?.to_vec();
        Some(Checksum { algorithm, kind: ChecksumKind::FullObject, value, parts: 0 })
    }

    fn promised_value(&self) -> Option<&[u8]> {
        match self.promised_checksum.as_ref()? {
            SentChecksum::Header { value, .. } => Some(value.as_slice()),
            SentChecksum::Trailer(_) => self.framing.trailer_checksum(),
        }
    }

    /// The algorithm of the checksum that the client sends, in a header or a trailer.
    pub fn sent_checksum(&self) -> Option<ChecksumAlgorithm> {
        self.promised_checksum.as_ref().map(SentChecksum::algorithm)
    }

    /// Whether the client sent `Content-MD5` or a checksum: operations that demand one ask this.
    pub fn has_integrity_header(&self) -> bool {
        self.promised_md5.is_some() || self.promised_checksum.is_some()
    }

    /// Plaintext length, where known: of aws-chunked bodies always, of others by `Content-Length`.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The next bytes of plaintext, never empty; `None` at the end. They are not verified before
    /// [`Self::finish`].
    pub async fn frame(&mut self) -> Result<Option<Bytes>, BodyError> {
        if self.progress != Progress::Reading {
            return Ok(None);
        }
        let frame = self.advance().await;
        match &frame {
            Ok(Some(bytes)) => self.digests.update(bytes),
            Ok(None) => self.progress = Progress::Read,
            Err(_) => self.progress = Progress::Over,
        }
        frame
    }

    async fn advance(&mut self) -> Result<Option<Bytes>, BodyError> {
        loop {
            if let Some(bytes) = self.framing.next(&mut self.input)? {
                self.received += bytes.len() as u64;
                if self.length.is_some_and(|length| self.received > length) {
                    return Err(BodyError::TooLong);
                }
                return Ok(Some(bytes));
            }
            match poll_fn(|context| Pin::new(&mut self.body).poll_frame(context)).await {
                Some(Ok(frame)) => self.input = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Err(broken_connection(error.into())),
                None => break,
            }
        }
        self.framing.check_end()?;
        if self.length.is_some_and(|length| self.received < length) {
            return Err(BodyError::Incomplete);
        }
        Ok(None)
    }

    /// After the last frame, before anything is committed: fails unless every promise held. It can
    /// succeed once.
    pub fn finish(&mut self) -> Result<BodyDigests, BodyError> {
        if std::mem::replace(&mut self.progress, Progress::Over) != Progress::Read {
            return Err(BodyError::Incomplete);
        }
        let digests = std::mem::take(&mut self.digests);
        if let (Some(promised), Some(mut sha256)) = (&self.promised_sha256, digests.sha256) {
            check_sha256(promised, &sha256.take())?;
        }
        let md5 = digests.md5.map(|md5| md5.finalize().into());
        if let (Some(promised), Some(md5)) = (&self.promised_md5, &md5) {
            check_md5(promised, md5)?;
        }
        let checksum = digests.checksum.map(ChecksumHasher::finish);
        let kept = digests.kept.map(ChecksumHasher::finish);
        match (self.promised_value(), checksum) {
            (Some(promised), Some(checksum)) if promised != checksum.value => {
                Err(BodyError::ChecksumMismatch(checksum.algorithm))
            }
            (_, checksum) => Ok(BodyDigests { md5, checksum: kept.or(checksum) }),
        }
    }

    /// A whole small body (XML), verified; `TooLarge` over `limit` bytes, before anything is read
    /// where the length is known.
    pub async fn read_all(mut self, limit: usize) -> Result<Bytes, BodyError> {
        if self.length.is_some_and(|length| length > limit as u64) {
            return Err(BodyError::TooLarge { limit });
        }
        let mut whole = BytesMut::new();
        while let Some(bytes) = self.frame().await? {
            if whole.len() + bytes.len() > limit {
                return Err(BodyError::TooLarge { limit });
            }
            whole.extend_from_slice(&bytes);
        }
        self.finish()?;
        Ok(whole.freeze())
    }
}

/// A body that ended early is one that is too short; all else is the connection's.
pub(crate) fn broken_connection(error: Box<dyn std::error::Error + Send + Sync>) -> BodyError {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error.as_ref());
    while let Some(cause) = source {
        let http = cause.downcast_ref::<hyper::Error>();
        let io = cause.downcast_ref::<std::io::Error>();
        if http.is_some_and(hyper::Error::is_incomplete_message)
            || io.is_some_and(|io| io.kind() == std::io::ErrorKind::UnexpectedEof)
        {
            return BodyError::Incomplete;
        }
        source = cause.source();
    }
    BodyError::Connection(error)
}

fn check_sha256(promised: &[u8; 32], computed: &[u8; 32]) -> Result<(), BodyError> {
    if promised == computed {
        return Ok(());
    }
    let (client, server) = (hex::text(promised), hex::text(computed));
    Err(BodyError::ContentSha256Mismatch { client, server })
}

fn check_md5(promised: &[u8; 16], computed: &[u8; 16]) -> Result<(), BodyError> {
    if promised == computed {
        return Ok(());
    }
    let (expected, calculated) = (STANDARD.encode(promised), STANDARD.encode(computed));
    Err(BodyError::BadContentMd5 { expected, calculated })
}

/// What S3 computes where the client sends no checksum.
const COMPUTED: ChecksumAlgorithm = ChecksumAlgorithm::Crc64Nvme;
