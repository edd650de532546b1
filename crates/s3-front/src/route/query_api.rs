//! The query APIs of STS and IAM, which clients may be pointed at this endpoint for.
//!
//! Guarantees: their requests are told apart by method, path and form alone, before a signature is
//! looked at (theirs is for another service) and before a byte of the body is asked for. Does not:
//! answer any of them; users and keys are the operator's, on the machine itself.

use http::{Method, header, request::Parts};

use crate::{
    error::S3Error,
    request::{head, query::Query},
};

/// Whether a request is one of them: `Action` on the path `/`, in the query or in a form's body. A form
/// that uploads an object is `multipart/form-data`, and goes to a bucket.
pub(crate) fn is_asked(parts: &Parts, query: &Query, domains: &[String]) -> bool {
    let to_service = parts.uri.path() == "/"
        && super::bucket_of_host(head::host(&parts.headers, &parts.uri).as_deref(), domains)
            .is_none();
    to_service && (query.has("Action") || (parts.method == Method::POST && is_form(parts)))
}

fn is_form(parts: &Parts) -> bool {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// What they are answered: `<ErrorResponse><Error>`, which is where their clients look.
pub(crate) fn refused() -> S3Error {
    S3Error::not_implemented(
        "This endpoint has no STS and no IAM. Users and access keys are managed on the server, \
         with the commands strongroom user and strongroom key.",
    )
    .nested()
}
