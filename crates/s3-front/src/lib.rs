//! The S3 protocol: signatures, routing, XML, errors; one operation, one file.

pub mod body;
pub mod identity;
pub mod signature;
