//! What a request that is refused gets.
//!
//! Guarantees: an [`S3Error`] carries all that its answer shows (code, status, message, the extra XML
//! elements in AWS's order) and, of a failure of the stores, a detail that only the log shows; its `Debug`
//! prints no element values, because AWS echoes malformed customer keys in `ArgumentValue`. What is echoed
//! of a request has a limit, so that no answer is many times as long as what it answers.
//! Does not: write the answer; `response::error` does.

mod body;
mod code;
mod engine;
pub(crate) mod kms;
mod policy;
pub(crate) mod post_form;
mod signature;
pub mod sse_c;

use std::{borrow::Cow, fmt};

use http::{HeaderName, HeaderValue, StatusCode};

pub use code::ErrorCode;

use crate::limits::ERROR_TEXT_BYTES_MAX;

/// A refusal, ready to be written.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Error {
    code: ErrorCode,
    status: StatusCode,
    message: Cow<'static, str>,
    elements: Vec<(&'static str, String)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    close: bool,
    nested: bool,
    /// For the log alone.
    detail: Option<String>,
}

/// The result of everything that can be refused.
pub type S3Result<T> = Result<T, S3Error>;

impl S3Error {
    /// The code's row of the table, as it stands there.
    pub fn new(code: ErrorCode) -> Self {
        Self {
            code,
            status: code.status(),
            message: Cow::Borrowed(code.message()),
            elements: Vec::new(),
            headers: Vec::new(),
            close: false,
            nested: false,
            detail: None,
        }
    }

    /// The code with another message, of which no more than [`ERROR_TEXT_BYTES_MAX`] are shown.
    pub fn with_message(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        let mut message = message.into();
        if message.len() > ERROR_TEXT_BYTES_MAX {
            let end = message.floor_char_boundary(ERROR_TEXT_BYTES_MAX);
            message.to_mut().truncate(end);
        }
        Self { message, ..Self::new(code) }
    }

    /// `InvalidArgument` about the argument `name`, which was `value`.
    pub fn argument(
        message: impl Into<Cow<'static, str>>,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        Self::with_message(ErrorCode::InvalidArgument, message)
            .element("ArgumentName", name)
            .element("ArgumentValue", value)
    }

    /// `NotImplemented`, naming what it is that this server does not do.
    pub fn not_implemented(what: impl Into<Cow<'static, str>>) -> Self {
        Self::with_message(ErrorCode::NotImplemented, what)
    }

    /// Adds an XML element after those already there, unless its text is longer than
    /// [`ERROR_TEXT_BYTES_MAX`]: nearly all of them echo what the client has sent.
    #[must_use]
    pub fn element(mut self, name: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        if text.len() <= ERROR_TEXT_BYTES_MAX {
            self.elements.push((name, text));
        }
        self
    }

    /// Adds an XML element, if there is a text for it, whose length whoever made it has limited.
    #[must_use]
    fn computed(mut self, name: &'static str, text: Option<String>) -> Self {
        self.elements.extend(text.map(|text| (name, text)));
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Asks for the connection to be closed after the answer, for instance because body bytes that
    /// nobody will read may be on their way.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    /// Writes the document one level deeper, as the clients of STS and IAM read it.
    #[must_use]
    pub fn nested(mut self) -> Self {
        self.nested = true;
        self
    }

    /// The same refusal by another code, with that one's status.
    #[must_use]
    pub(crate) fn recoded(self, code: ErrorCode) -> Self {
        Self { code, status: code.status(), ..self }
    }

    /// Adds what the operator needs to know and the client must not: it goes into the request's line of
    /// the log. `detail` is a store's own text, which holds no key.
    #[must_use]
    pub(crate) fn because(mut self, detail: String) -> Self {
        self.detail = Some(detail);
        self
    }

    /// What the log says beside the code.
    pub(crate) fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// Whether the document is that of STS and IAM.
    pub fn is_nested(&self) -> bool {
        self.nested
    }

    /// The code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The extra XML elements, in order.
    pub fn elements(&self) -> &[(&'static str, String)] {
        &self.elements
    }

    /// The extra headers.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    /// Whether the connection closes after the answer.
    pub fn closes(&self) -> bool {
        self.close
    }
}

impl From<ErrorCode> for S3Error {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for S3Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status.as_u16(), self.code.as_str())
    }
}

impl fmt::Debug for S3Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.elements.iter().map(|(name, _)| name).collect();
        f.debug_struct("S3Error")
            .field("code", &self.code)
            .field("status", &self.status.as_u16())
            .field("elements", &names)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for S3Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_or_left_out() {
        let long = format!("{}é", "a".repeat(ERROR_TEXT_BYTES_MAX - 1));
        let error = S3Error::argument(long.clone(), "name", long).element("Last", "x");
        assert_eq!(error.message().len(), ERROR_TEXT_BYTES_MAX - 1);
        let names: Vec<_> = error.elements().iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["ArgumentName", "Last"]);
    }

    #[test]
    fn debug_prints_no_element_values() {
        let error = S3Error::argument("m", "x-amz-server-side-encryption", "c2VjcmV0");
        let text = format!("{error:?} {error}");
        assert!(text.contains("ArgumentValue") && !text.contains("c2VjcmV0"), "{text}");
    }
}
