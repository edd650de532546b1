//! One immutable file a blob.
