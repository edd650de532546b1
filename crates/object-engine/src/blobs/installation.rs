//! Whose blobs these are: the mark that keeps two installations off one place.
//!
//! An installation is one catalog and the blobs that belong to it. Blob ids are given out by catalogs, each of
//! which counts from nought, and a sweep deletes what its own catalog does not refer to: two catalogs over one
//! place would take each other's blobs for garbage. So the place carries a mark, made once and never changed:
//! a file or object [`MARK`] beside the blobs, of one line:
//!
//! ```text
//! strongroom installation 00112233445566778899aabbccddeeff
//! ```
//!
//! Guarantees: no blob has the mark's name. Does not: keep a secret; the id opens nothing. Does not decide who
//! may claim a place; the engine does.

use std::fmt;

use super::BlobError;

/// The name of the mark, in the directory or below the prefix that the blobs are in.
pub const MARK: &str = "installation";

/// The longest mark that is read, in bytes: more than there is in one.
pub const MARK_BYTES_MAX: u64 = 256;

const BEFORE_ID: &str = "strongroom installation ";

/// One catalog and its blobs: 128 bits that are drawn once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct InstallationId(pub [u8; 16]);

impl InstallationId {
    /// What a mark of this installation holds.
    #[must_use]
    pub fn to_mark(self) -> String {
        format!("{BEFORE_ID}{self}\n")
    }

    /// Whose mark this is. An operator who writes it anew need not end the line.
    pub fn from_mark(mark: &[u8]) -> Result<Self, BlobError> {
        let text = std::str::from_utf8(mark).ok().map(str::trim_end);
        let id = text.and_then(|text| text.strip_prefix(BEFORE_ID)).and_then(parse);
        let unread = || BlobError::Unavailable(format!("`{MARK}` beside the blobs is no mark"));
        id.map(Self).ok_or_else(unread)
    }
}

fn parse(digits: &str) -> Option<[u8; 16]> {
    let ours = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let fits = digits.len() == 32 && digits.bytes().all(ours);
    fits.then(|| u128::from_str_radix(digits, 16).ok()).flatten().map(u128::to_be_bytes)
}

impl fmt::Display for InstallationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for InstallationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InstallationId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_leads_back_to_its_installation() {
        let id = InstallationId(*b"\0\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff");
        let mark = id.to_mark();
        assert_eq!(mark, "strongroom installation 00112233445566778899aabbccddeeff\n");
        assert_eq!(InstallationId::from_mark(mark.as_bytes()), Ok(id));
        assert_eq!(InstallationId::from_mark(mark.trim_end().as_bytes()), Ok(id));
        assert!((mark.len() as u64) < MARK_BYTES_MAX);
    }

    #[test]
    fn anything_else_is_no_mark() {
        let good = InstallationId([0xab; 16]).to_mark();
        for bad in [
            String::new(),
            good.trim_end()[1..].to_owned(),
            good.trim_end()[..good.len() - 2].to_owned(),
            good.to_uppercase(),
            good.replace("ab\n", "+b\n"),
            format!("{good}{good}"),
        ] {
            let refused = InstallationId::from_mark(bad.as_bytes());
            assert!(matches!(refused, Err(BlobError::Unavailable(_))), "{bad:?}");
        }
        assert!(InstallationId::from_mark(&[0xff; 60]).is_err());
    }
}
