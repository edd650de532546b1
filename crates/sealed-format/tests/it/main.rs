//! The crate as its users see it, against judges that it did not write and against every misdeed
//! that we can name.

#![expect(clippy::unwrap_used, reason = "a test binary: what does not hold must panic")]

#[path = "../sealed_json/mod.rs"]
mod sealed_json;

mod format_document;
mod key_headers;
mod object;
mod oracle;
mod properties;
mod ranges;
mod secrets_are_silent;
mod uniqueness;
mod vectors;
