//! The crate's integration tests: the contract over every backend that can be had, and faults.

mod contract;
mod faults;
mod servers;
mod wire;
