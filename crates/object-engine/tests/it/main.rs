//! Tests of the engine over its contracts, from outside.

mod accounts;
mod bodies;
mod conditions;
mod crash;
mod decorators;
mod histories;
mod listings;
mod model;
mod multipart;
mod world;
