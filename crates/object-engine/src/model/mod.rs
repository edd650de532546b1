//! The types of the model: plain values, no I/O.
//!
//! Guarantees: a [`BucketName`] and an [`ObjectKey`] are valid once they exist.
//! Does not: encode itself for storage; `record` does.

pub mod attached;
pub mod bucket;
pub mod named_key;
pub mod names;
pub mod object;
pub mod upload;

pub use attached::*;
pub use bucket::*;
pub use named_key::*;
pub use names::*;
pub use object::*;
pub use upload::*;
