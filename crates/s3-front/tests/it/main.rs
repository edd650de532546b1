//! The service over memory, asked as clients ask: signed requests in, whole answers out.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod access;
mod buckets;
mod client;
mod deletes;
mod guides;
mod listings;
mod multipart;
mod objects;
mod profiles;
mod reads;
mod routing;
mod semantics;
mod sse_c;
mod world;
