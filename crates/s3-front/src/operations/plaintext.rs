//! A request body as the store takes it: plaintext, with a verdict at its end.
//!
//! Does not: verify anything itself; `body` does.

use async_trait::async_trait;
use bytes::Bytes;
use sealed_store::{BodyDigests, PlainBody, PutError};

use crate::{
    body::{BodyError, RequestBody},
    error::{ErrorCode, S3Error, S3Result},
    limits::PUT_BYTES_MAX,
    request::checksum::stored,
    service::{Call, HttpBody, Incoming},
};

/// A body of known length, within S3's limit.
pub(crate) struct Plaintext<B>(pub(crate) RequestBody<B>);

impl<B: HttpBody> Plaintext<B> {
    /// What the head promises of the body; nothing is polled.
    pub(crate) fn promised(call: &Call<'_>, incoming: Incoming<B>) -> S3Result<Self> {
        let body = RequestBody::new(&call.head.headers, incoming.payload, incoming.body)?;
        match body.length() {
            None => Err(S3Error::new(ErrorCode::MissingContentLength).closing()),
            Some(length) if length > PUT_BYTES_MAX => Err(S3Error::new(ErrorCode::EntityTooLarge)
                .element("ProposedSize", length.to_string())
                .element("MaxSizeAllowed", PUT_BYTES_MAX.to_string())
                .closing()),
            Some(_) => Ok(Self(body)),
        }
    }
}

#[async_trait]
impl<B: HttpBody> PlainBody for Plaintext<B> {
    type Error = BodyError;

    fn length(&self) -> Option<u64> {
        self.0.length()
    }

    async fn frame(&mut self) -> Result<Option<Bytes>, BodyError> {
        self.0.frame().await
    }

    fn finish(&mut self) -> Result<BodyDigests, BodyError> {
        let digests = self.0.finish()?;
        Ok(BodyDigests { md5: digests.md5, checksum: digests.checksum.map(stored) })
    }
}

/// Why a put stored nothing.
pub(crate) fn refused(error: PutError<BodyError>) -> S3Error {
    match error {
        PutError::Body(error) => error.into(),
        PutError::Store(error) => S3Error::from(error).closing(),
        PutError::Key(error) => S3Error::from(error).closing(),
    }
}
