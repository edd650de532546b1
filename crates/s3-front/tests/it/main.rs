//! The service over memory, asked as clients ask: signed requests in, whole answers out.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod access;
mod acls;
mod attributes;
mod buckets;
mod client;
mod copy_keys;
mod copy_object;
mod cors;
mod counted;
mod deletes;
mod encryption_settings;
mod guides;
mod key_coverage;
mod kms;
mod lifecycle;
mod listings;
mod log;
mod multipart;
mod object_lock;
mod objects;
mod ownership;
mod policies;
mod post_object;
mod presigned;
mod profiles;
mod reads;
mod refused;
mod routing;
mod semantics;
mod sse_c;
mod tagging;
mod upload_part_copy;
mod version_2_signatures;
mod versions;
mod world;
