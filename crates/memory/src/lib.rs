//! The one crate where unsafe code may stand, and why each piece of it does.
//!
//! - [`lmdb`]: mapping a database file is unsafe by nature, since another program could write the
//!   file under the map. One function does it, with the proof.
//!
//! Guarantees: nothing here is unsafe to call. Every unsafe block carries its proof, and every item
//! that contains one is marked with the reason.
//!
//! Does not: hold policy. When to wipe and what is secret is decided by the crates that call.

pub mod lmdb;
