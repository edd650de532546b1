//! The one place where a key meets stored bytes.
