//! The crate's integration tests: the contract over every backend that can be had, and faults.

#![expect(clippy::unwrap_used, reason = "tests")]

mod contract;
mod faults;
mod servers;
mod wire;
