//! Answers: status, headers and body, before what every answer has in common is added.
//!
//! Guarantees: an [`Answer`] with a body says its exact length.
//! Does not: add request ids; `service` does.

mod body;
pub(crate) mod bucket;
mod error;
pub mod object;
pub mod time;

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

pub use body::{BodyBroken, ResponseBody};
pub(crate) use error::refused;

/// Room for what a GET is answered with, so that the map does not grow under it.
const USUAL_HEADERS: usize = 12;

/// An answer in the making.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: ResponseBody,
}

impl Answer {
    /// `200` without a body.
    pub fn ok() -> Self {
        Self::status(StatusCode::OK)
    }

    /// `204 No Content`.
    pub fn no_content() -> Self {
        Self::status(StatusCode::NO_CONTENT)
    }

    /// A status without a body.
    pub fn status(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::with_capacity(USUAL_HEADERS),
            body: ResponseBody::empty(),
        }
    }

    /// `200` with an XML document.
    pub fn xml(document: String) -> Self {
        Self { body: ResponseBody::full(document), ..Self::ok() }
            .header(header::CONTENT_TYPE, "application/xml")
    }

    /// Replaces the status.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// Replaces the body.
    #[must_use]
    pub fn with_body(self, body: ResponseBody) -> Self {
        Self { body, ..self }
    }

    /// Sets a header. What HTTP cannot carry in a header is left out; what clients may choose was
    /// checked when it came in.
    #[must_use]
    pub fn header(mut self, name: impl TryInto<HeaderName>, value: impl AsRef<[u8]>) -> Self {
        if let (Ok(name), Ok(value)) = (name.try_into(), HeaderValue::from_bytes(value.as_ref())) {
            self.headers.insert(name, value);
        }
        self
    }

    /// As [`Self::header`], of a name that is known and a text that is not needed further: neither is
    /// copied.
    #[must_use]
    pub fn text(self, name: HeaderName, value: String) -> Self {
        match HeaderValue::try_from(value) {
            Ok(value) => self.constant(name, value),
            Err(_) => self,
        }
    }

    /// Sets a header whose value is known.
    #[must_use]
    pub fn constant(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets a header if there is a value.
    #[must_use]
    pub fn header_if(
        self,
        name: impl TryInto<HeaderName>,
        value: Option<impl AsRef<[u8]>>,
    ) -> Self {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    /// The headers so far.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The headers so far, to be changed.
    pub(crate) fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    /// The answer as HTTP.
    pub(crate) fn into_response(self) -> Response<ResponseBody> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        if let Some(length) = response.body().stated_length() {
            response.headers_mut().entry(header::CONTENT_LENGTH).or_insert(length.into());
        }
        response
    }
}
