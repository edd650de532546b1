//! From a request's head to typed values.
//!
//! Guarantees: each value is parsed once, here; operations never look at raw headers or the query.
//! Does not: verify signatures (`signature`) or read bodies (`body`).

pub mod query;
