//! The service over memory, asked as clients ask: signed requests in, whole answers out.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod access;
mod attributes;
mod buckets;
mod client;
mod deletes;
mod encryption_settings;
mod listings;
mod multipart;
mod objects;
mod ownership;
mod reads;
mod routing;
mod semantics;
mod sse_c;
mod tagging;
mod versions;
mod world;
