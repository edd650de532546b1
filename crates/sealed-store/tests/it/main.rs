//! The store over engines in memory: what is sealed opens again, and nothing else does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

mod copies;
mod damage;
mod kms;
mod multipart;
mod objects;
mod world;
