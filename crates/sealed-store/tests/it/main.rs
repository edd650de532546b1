//! The store over engines in memory: what is sealed opens again, and nothing else does.

mod copies;
mod damage;
mod multipart;
mod objects;
mod world;
