//! From a request's head to typed values.
//!
//! Guarantees: each value is parsed once, here; operations never look at raw headers or the query.
//! Does not: verify signatures (`signature`) or read bodies (`body`).

pub mod checksum;
pub mod conditional;
pub mod copy;
pub mod copy_source;
pub(crate) mod cors;
pub mod customer_key;
pub mod encryption;
pub mod head;
pub mod listing;
pub mod metadata;
pub mod mfa;
pub mod object_lock;
pub mod object_ownership;
pub mod public_access_block;
pub mod query;
pub mod range;
pub mod regions;
pub mod stored;
pub mod tags;
pub mod uploads;
