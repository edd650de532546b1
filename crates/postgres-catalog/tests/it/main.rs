//! The catalog over a real PostgreSQL, which the tests start themselves.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests; a skip is said aloud")]

mod cluster;
mod contract;
mod losses;
mod pooler;
