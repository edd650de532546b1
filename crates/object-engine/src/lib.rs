//! Buckets, versions, uploads, listings and blobs.
//!
//! Guarantees: strong consistency for every S3 verb (one compare-and-swap of a key's head orders all
//! of them), a blob is synced before the commit that refers to it, and a commit is synced before its
//! verb returns.
//!
//! Does not: see a key or a plaintext. What it stores of an object's content is sealed bytes that it
//! cannot open, and this crate cannot even name the crate that could.

pub mod blobs;
pub mod catalog;
pub mod clock;
pub mod engine;
pub mod entropy;
pub mod error;
mod invariants;
mod keys;
pub mod migrate;
pub mod model;
mod record;
pub mod shield;
