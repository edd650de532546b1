//! S3's XML: request bodies in, within limits, and answers out.
//!
//! Does not: know any schema; operations read [`Element`]s and write with [`XmlWriter`].

mod reader;
mod writer;

pub use reader::{Element, malformed};
pub use writer::{Encoding, XmlWriter};

/// The namespace of S3's answers.
pub const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
