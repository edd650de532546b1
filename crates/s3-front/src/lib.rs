//! The S3 protocol over HTTP: signatures, routing, XML, errors; one operation, one file.
//!
//! Guarantees: a request is authenticated and authorised before a byte of its body is
//! read (of a form: of its file, since the fields before it are what proves its sender); an
//! operation sees typed values only; a customer's key leaves the request's head as soon as the
//! signature over it is verified.
//!
//! Does not: listen, speak TLS, or store anything; `server` and `sealed-store` do.

mod acl;
pub mod body;
pub mod error;
pub mod identity;
mod key_names;
pub mod lifecycle;
pub mod limits;
mod operations;
pub mod policy;
mod post_form;
pub mod profile;
pub mod request;
pub mod response;
pub mod route;
pub mod service;
pub mod signature;
pub mod xml;
