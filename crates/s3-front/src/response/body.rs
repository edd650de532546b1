//! The body of an answer.
//!
//! Guarantees: exactly as many bytes as the length said; a reader that fails or ends early breaks the
//! connection instead, so that a client never takes a part for the whole.
//! Does not: buffer; one verified frame at a time.

use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::{Stream, stream};
use http_body::{Body, Frame, SizeHint};
use object_engine::error::EngineError;
use sealed_store::PlainReader;

/// Nothing, bytes, or an object's plaintext on its way out.
#[derive(Debug)]
pub struct ResponseBody(Kind);

enum Kind {
    Empty,
    Full(Bytes),
    Plain { frames: Frames, remaining: u64 },
}

type Frames = Pin<Box<dyn Stream<Item = Result<Bytes, EngineError>> + Send>>;

/// Why an answer broke off. The log has the details.
#[derive(Debug, thiserror::Error)]
#[error("the object could not be read to its end")]
pub struct BodyBroken;

impl ResponseBody {
    /// No body.
    pub fn empty() -> Self {
        Self(Kind::Empty)
    }

    /// These bytes.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Full(bytes.into()))
    }

    /// What `reader` gives: `length` bytes.
    pub fn plain(reader: PlainReader, length: u64) -> Self {
        let next = async |mut reader: PlainReader| Some((reader.next().await?, reader));
        Self::frames(Box::pin(stream::unfold(reader, next)), length)
    }

    fn frames(frames: Frames, remaining: u64) -> Self {
        Self(Kind::Plain { frames, remaining })
    }

    /// The length to state; `None` for no body, whose answers state theirs or have none.
    pub(crate) fn stated_length(&self) -> Option<u64> {
        match &self.0 {
            Kind::Empty => None,
            Kind::Full(bytes) => Some(bytes.len() as u64),
            Kind::Plain { remaining, .. } => Some(*remaining),
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyBroken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyBroken>>> {
        match mem::replace(&mut self.0, Kind::Empty) {
            Kind::Empty => Poll::Ready(None),
            Kind::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Kind::Plain { frames, remaining: 0 } => {
                drop(frames);
                Poll::Ready(None)
            }
            Kind::Plain { mut frames, remaining } => match frames.as_mut().poll_next(context) {
                Poll::Pending => {
                    self.0 = Kind::Plain { frames, remaining };
                    Poll::Pending
                }
                Poll::Ready(next) => {
                    Poll::Ready(Some(next_frame(next, remaining).map(|(bytes, remaining)| {
                        self.0 = Kind::Plain { frames, remaining };
                        Frame::data(bytes)
                    })))
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.stated_length().unwrap_or(0) == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.stated_length().unwrap_or(0))
    }
}

/// A frame and what remains after it; broken if the reader failed, ended early or gave too much.
fn next_frame(
    next: Option<Result<Bytes, EngineError>>,
    remaining: u64,
) -> Result<(Bytes, u64), BodyBroken> {
    let bytes = match next {
        Some(Ok(bytes)) => bytes,
        Some(Err(error)) => {
            tracing::error!(%error, "an answer broke off");
            return Err(BodyBroken);
        }
        None => {
            tracing::error!(remaining, "an object ended before its length");
            return Err(BodyBroken);
        }
    };
    match remaining.checked_sub(bytes.len() as u64) {
        Some(rest) => Ok((bytes, rest)),
        None => {
            tracing::error!("an object went on beyond its length");
            Err(BodyBroken)
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Full(bytes) => write!(f, "Full({} bytes)", bytes.len()),
            Self::Plain { remaining, .. } => write!(f, "Plain({remaining} bytes)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn read(
        frames: Vec<Result<Bytes, EngineError>>,
        length: u64,
    ) -> Result<Bytes, BodyBroken> {
        let body = ResponseBody::frames(Box::pin(stream::iter(frames)), length);
        assert_eq!(body.size_hint().exact(), Some(length));
        body.collect().await.map(http_body_util::Collected::to_bytes)
    }

    fn frame(text: &'static str) -> Result<Bytes, EngineError> {
        Ok(Bytes::from_static(text.as_bytes()))
    }

    #[tokio::test]
    async fn exactly_the_stated_length_or_a_broken_connection() {
        assert_eq!(read(vec![frame("ab"), frame("c")], 3).await.unwrap(), "abc");
        assert_eq!(read(vec![], 0).await.unwrap(), "");
        read(vec![frame("ab")], 3).await.unwrap_err();
        read(vec![frame("abcd")], 3).await.unwrap_err();
        read(vec![frame("ab"), Err(EngineError::Full)], 3).await.unwrap_err();
    }

    #[tokio::test]
    async fn whole_bodies() {
        let collected = ResponseBody::full("abc").collect().await.unwrap();
        assert_eq!(collected.to_bytes(), "abc");
        assert!(ResponseBody::empty().is_end_stream());
    }
}
