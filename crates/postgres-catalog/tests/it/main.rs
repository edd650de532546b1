//! The catalog over a real PostgreSQL, which the tests start themselves.

#![expect(clippy::unwrap_used, reason = "tests")]

mod cluster;
mod contract;
mod losses;
