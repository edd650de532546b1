//! Tests of the engine over its contracts, from outside.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test, also in what tests share")]

mod accounts;
mod agreement;
mod bodies;
mod conditions;
mod crash;
mod decorators;
mod disk;
mod expiry;
mod front_crashes;
mod fronts;
mod histories;
mod installations;
mod listing_model;
mod listings;
mod locks;
mod migrate;
mod model;
mod multipart;
mod named_keys;
mod world;
