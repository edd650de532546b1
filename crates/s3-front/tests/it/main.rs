//! The service over memory, asked as clients ask: signed requests in, whole answers out.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod access;
mod attributes;
mod buckets;
mod client;
mod copy_keys;
mod copy_object;
mod counted;
mod deletes;
mod encryption_settings;
mod guides;
mod kms;
mod listings;
mod log;
mod multipart;
mod objects;
mod ownership;
mod policies;
mod post_object;
mod presigned;
mod profiles;
mod reads;
mod routing;
mod semantics;
mod sse_c;
mod tagging;
mod upload_part_copy;
mod versions;
mod world;
