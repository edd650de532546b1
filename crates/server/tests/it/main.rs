//! The binary as its users meet it: transcripts of commands, files with their modes, signals, TLS.
//!
//! Guarantees: needs no network beyond loopback and no privileges; every server that it starts is
//! ended. Does not: speak S3; the conformance lanes do.

#![expect(clippy::unwrap_used, reason = "all of this crate is tests")]

mod commands;
mod memory;
mod proxies;
mod refusals;
mod rig;
mod serving;
mod starting;
