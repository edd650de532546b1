//! A form's file as a body of its own.
//!
//! Guarantees: content passes through as it comes, none of it kept; it ends well only if its length is
//! within what the policy allows and the rest of the form was read and found harmless.
//! Does not: compute digests; `body::RequestBody` around it does.

use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame};
use zeroize::Zeroizing;

use super::{
    Delimiter, FormError, LengthRange,
    delimiter::{Piece, Splitter},
    fields::{Rest, check_after},
};
use crate::{limits::FORM_FIELDS_BYTES_MAX, service::HttpBody};

/// What the connection's errors become, and ours beside them.
type BoxError = Box<dyn Error + Send + Sync>;

/// The file.
pub(crate) struct FileBody<B> {
    body: B,
    input: Bytes,
    splitter: Splitter,
    delimiter: Delimiter,
    range: LengthRange,
    received: u64,
    /// What stands behind the file; `None` before its end.
    after: Option<Zeroizing<Vec<u8>>>,
    over: bool,
}

impl<B: HttpBody> FileBody<B> {
    /// What is left of a form, of which the file may be so long.
    pub(crate) fn new(rest: Rest<B>, range: LengthRange) -> Self {
        let Rest { body, input, delimiter } = rest;
        let splitter = Splitter::new(delimiter.clone());
        Self { body, input, splitter, delimiter, range, received: 0, after: None, over: false }
    }

    /// What the input gives: content, or nothing before there is more input.
    fn content(&mut self) -> Result<Option<Bytes>, FormError> {
        match self.splitter.next(&mut self.input) {
            Piece::Starved => Ok(None),
            Piece::Content(bytes) => {
                self.received += bytes.len() as u64;
                let max = self.range.max;
                let fits = self.received <= max;
                if fits { Ok(Some(bytes)) } else { Err(FormError::FileTooLarge { max }) }
            }
            Piece::Delimiter => {
                let (size, min) = (self.received, self.range.min);
                if size < min {
                    return Err(FormError::FileTooSmall { size, min });
                }
                self.after = Some(Zeroizing::new(Vec::with_capacity(FORM_FIELDS_BYTES_MAX)));
                Ok(None)
            }
        }
    }

    fn keep(&mut self) -> Result<(), FormError> {
        let Some(after) = &mut self.after else { return Ok(()) };
        let input = std::mem::take(&mut self.input);
        if after.len() + input.len() > FORM_FIELDS_BYTES_MAX {
            let room = FORM_FIELDS_BYTES_MAX - after.len();
            after.extend_from_slice(&input[..room]);
            return match check_after(after, &self.delimiter) {
                Err(error @ (FormError::Files(_) | FormError::KeyAfterFile(_))) => Err(error),
                _ => Err(FormError::TooLong),
            };
        }
        after.extend_from_slice(&input);
        Ok(())
    }

    fn end(&mut self) -> Result<(), FormError> {
        let after = self.after.as_ref().ok_or(FormError::Malformed)?;
        check_after(after, &self.delimiter)
    }

    fn poll_content(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BoxError>> {
        loop {
            while self.after.is_none() && !self.input.is_empty() {
                if let Some(bytes) = self.content()? {
                    return Poll::Ready(Ok(Some(bytes)));
                }
            }
            self.keep()?;
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => self.input = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Poll::Ready(Err(error.into())),
                None => {
                    self.end()?;
                    return Poll::Ready(Ok(None));
                }
            }
        }
    }
}

impl<B: HttpBody> Body for FileBody<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if this.over {
            return Poll::Ready(None);
        }
        let content = ready!(this.poll_content(context));
        this.over = !matches!(content, Ok(Some(_)));
        Poll::Ready(content.map(|bytes| bytes.map(Frame::data)).transpose())
    }
}
