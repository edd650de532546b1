//! From what the connection gives to the plaintext: nothing to do, or aws-chunked with its signatures
//! and trailers.
//!
//! Guarantees: [`Framing::check_end`] succeeds only if the framing's end was seen, every chunk's
//! signature held, and the trailer was exactly what the head announced.

use bytes::Bytes;

use super::checksum::ChecksumAlgorithm;
use super::chunked::{Decoder, Event};
use super::digests::Sha256;
use super::error::BodyError;
use crate::signature::{ChunkSigner, Payload};

const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// Whether a payload's form has a trailer.
pub(super) fn has_trailers(payload: &Payload) -> bool {
    match payload {
        Payload::Unsigned | Payload::Sha256(_) => false,
        Payload::UnsignedChunks => true,
        Payload::SignedChunks(signer) => signer.has_trailer(),
    }
}

pub(super) enum Framing {
    Plain,
    // Boxed: most bodies are plain.
    Chunked(Box<Chunked>),
}

impl Framing {
    /// `announced`: the checksum that the trailer must hold.
    pub(super) fn new(payload: Payload, announced: Option<ChecksumAlgorithm>) -> Self {
        let signing = match payload {
            Payload::Unsigned | Payload::Sha256(_) => return Self::Plain,
            Payload::UnsignedChunks => None,
            Payload::SignedChunks(signer) => Some(Signing::new(signer)),
        };
        let trailer = Trailer { announced, checksum: None, signature: None, lines: Sha256::new() };
        Self::Chunked(Box::new(Chunked { decoder: Decoder::new(), signing, trailer }))
    }

    /// The next bytes of plaintext from the front of `input`, never empty. `None`: all of it was taken.
    pub(super) fn next(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, BodyError> {
        match self {
            Self::Plain if input.is_empty() => Ok(None),
            Self::Plain => Ok(Some(std::mem::take(input))),
            Self::Chunked(chunked) => chunked.next(input),
        }
    }

    /// To be called when the connection gives no more.
    pub(super) fn check_end(&self) -> Result<(), BodyError> {
        match self {
            Self::Chunked(chunked) if !chunked.decoder.is_done() => Err(BodyError::Incomplete),
            _ => Ok(()),
        }
    }

    /// The value of the announced checksum, once its line was read.
    pub(super) fn trailer_checksum(&self) -> Option<&[u8]> {
        match self {
            Self::Plain => None,
            Self::Chunked(chunked) => chunked.trailer.checksum.as_deref(),
        }
    }
}

pub(super) struct Chunked {
    decoder: Decoder,
    signing: Option<Signing>,
    trailer: Trailer,
}

impl Chunked {
    fn next(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, BodyError> {
        while let Some(event) = self.decoder.next(input)? {
            match event {
                Event::ChunkStart { signature } => self.begin_chunk(signature)?,
                Event::Data(bytes) => {
                    if let Some(signing) = &mut self.signing {
                        signing.sha256.update(&bytes);
                    }
                    return Ok(Some(bytes));
                }
                Event::ChunkEnd => {
                    if let Some(signing) = &mut self.signing {
                        signing.end_chunk()?;
                    }
                }
                Event::Trailer { name, value } => {
                    let signed = self.signing.as_ref().is_some_and(Signing::has_trailer);
                    self.trailer.line(&name, &value, signed)?;
                }
                Event::End => self.end()?,
            }
        }
        Ok(None)
    }

    /// Signed bodies have a signature on every chunk, others on none.
    fn begin_chunk(&mut self, signature: Option<[u8; 64]>) -> Result<(), BodyError> {
        match (&mut self.signing, signature) {
            (Some(signing), Some(signature)) => signing.given = signature,
            (None, None) => {}
            _ => return Err(BodyError::ChunkMalformed),
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), BodyError> {
        if self.trailer.announced.is_some() && self.trailer.checksum.is_none() {
            return Err(BodyError::MalformedTrailer);
        }
        let Some(signing) = self.signing.as_mut().filter(|signing| signing.has_trailer()) else {
            return Ok(());
        };
        let given = self.trailer.signature.take().ok_or(BodyError::MalformedTrailer)?;
        let sha256 = self.trailer.lines.take();
        signing
            .signer
            .verify_trailer(&sha256, given.as_bytes())
            .map_err(BodyError::SignatureDoesNotMatch)
    }
}

/// The signatures of chunks.
struct Signing {
    signer: ChunkSigner,
    /// Of the chunk so far.
    sha256: Sha256,
    /// The chunk's signature, as its header gave it.
    given: [u8; 64],
}

impl Signing {
    fn new(signer: ChunkSigner) -> Self {
        Self { signer, sha256: Sha256::new(), given: [0; 64] }
    }

    fn has_trailer(&self) -> bool {
        self.signer.has_trailer()
    }

    fn end_chunk(&mut self) -> Result<(), BodyError> {
        self.signer
            .verify_chunk(&self.sha256.take(), &self.given)
            .map_err(BodyError::SignatureDoesNotMatch)
    }
}

/// What the trailer may hold and did.
struct Trailer {
    announced: Option<ChecksumAlgorithm>,
    checksum: Option<Vec<u8>>,
    signature: Option<String>,
    /// Of the signed lines so far.
    lines: Sha256,
}

impl Trailer {
    /// One line: the announced checksum, once; then, in signed bodies, the signature.
    fn line(&mut self, name: &str, value: &str, signed: bool) -> Result<(), BodyError> {
        if self.signature.is_some() {
            return Err(BodyError::MalformedTrailer);
        }
        if name == TRAILER_SIGNATURE && signed {
            self.signature = Some(value.to_owned());
            return Ok(());
        }
        let algorithm = self.announced.filter(|algorithm| algorithm.header_name() == name);
        let algorithm = algorithm.ok_or(BodyError::MalformedTrailer)?;
        if self.checksum.is_some() {
            return Err(BodyError::MalformedTrailer);
        }
        let header = algorithm.header_name();
        let invalid = BodyError::ChecksumTrailerInvalid { header };
        self.checksum = Some(algorithm.decode(value).ok_or(invalid)?);
        for part in [name, ":", value, "\n"] {
            self.lines.update(part.as_bytes());
        }
        Ok(())
    }
}
