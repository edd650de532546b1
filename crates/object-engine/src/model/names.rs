//! Names and identifiers.
//!
//! Guarantees: parsed once, valid for ever after.

use std::fmt;

use crate::clock::Timestamp;

/// The longest object key in bytes of UTF-8 (S3's limit).
pub const OBJECT_KEY_BYTES_MAX: usize = 1_024;

/// A name that S3's rules for general purpose buckets allow: 3 to 63 of `a-z 0-9 . -`, beginning and
/// ending with a letter or digit, no `..`, no IPv4 form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketName(String);

/// Why a bucket name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bucket name is not valid")]
pub struct InvalidBucketName;

impl BucketName {
    /// Parses a name.
    pub fn parse(name: &str) -> Result<Self, InvalidBucketName> {
        let bytes = name.as_bytes();
        let alnum = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let shape = (3..=63).contains(&bytes.len())
            && bytes.iter().all(|byte| alnum(byte) || matches!(byte, b'.' | b'-'))
            && bytes.first().is_some_and(alnum)
            && bytes.last().is_some_and(alnum)
            && !name.contains("..");
        if shape && name.parse::<std::net::Ipv4Addr>().is_err() {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidBucketName)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether AWS keeps names like this one for itself ("General purpose bucket naming rules"). No new
    /// bucket is to have one; a bucket that was made before may.
    pub fn is_reserved(&self) -> bool {
        RESERVED_STARTS.iter().any(|start| self.0.starts_with(start))
            || RESERVED_ENDS.iter().any(|end| self.0.ends_with(end))
    }
}

const RESERVED_STARTS: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const RESERVED_ENDS: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An object's key: 1 to 1,024 bytes of UTF-8 without NUL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(String);

/// Why an object key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidObjectKey {
    /// Empty.
    #[error("the key is empty")]
    Empty,
    /// More than [`OBJECT_KEY_BYTES_MAX`] bytes.
    #[error("the key is too long")]
    TooLong,
    /// Holds U+0000, which ends keys in the catalog.
    #[error("the key holds a NUL")]
    Nul,
}

impl ObjectKey {
    /// Parses a key.
    pub fn parse(key: &str) -> Result<Self, InvalidObjectKey> {
        if key.is_empty() {
            Err(InvalidObjectKey::Empty)
        } else if key.len() > OBJECT_KEY_BYTES_MAX {
            Err(InvalidObjectKey::TooLong)
        } else if key.contains('\0') {
            Err(InvalidObjectKey::Nul)
        } else {
            Ok(Self(key.to_owned()))
        }
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A bucket's identity, random, new at every creation: 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketUid(pub [u8; 16]);

/// A version's identity, random: 128 bits. The seal binds it; clients never see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionUid(pub [u8; 16]);

/// A body's identity, random: 128 bits. Versions that share a body share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyId(pub [u8; 16]);

/// The public id of a version: its sequence under its key, and 64 random bits so that ids cannot be
/// guessed or mistaken across keys. Text form: 32 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionId {
    /// The per-key sequence that orders versions.
    pub sequence: u64,
    /// Random.
    pub tag: u64,
}

impl VersionId {
    /// Parses the text form.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 32 || !text.bytes().all(hex) {
            return None;
        }
        let number = u128::from_str_radix(text, 16).ok()?;
        Some(Self { sequence: (number >> 64) as u64, tag: number as u64 })
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.sequence, self.tag)
    }
}

/// An upload's id: 48 bits of the time it was begun in milliseconds, so that ids sort as S3 lists
/// uploads, then the last 80 bits of the body's id, which are random: so a body tells for good which
/// upload it came from. Text form: 32 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(pub [u8; 16]);

impl UploadId {
    pub(crate) fn new(initiated: Timestamp, body: BodyId) -> Self {
        let millis = u64::try_from(initiated.0).unwrap_or(0).to_be_bytes();
        let mut id = body.0;
        id[..6].copy_from_slice(&millis[2..]);
        Self(id)
    }

    /// Whether an upload of this id would have made this body.
    pub fn makes(self, body: BodyId) -> bool {
        self.0[6..] == body.0[6..]
    }

    /// Parses the text form.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 32 || !text.bytes().all(hex) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(|number| Self(number.to_be_bytes()))
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// An account's canonical user id: 64 lower-case hex digits as AWS writes them, or any text of 1 to
/// 128 bytes that an operator chose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_follow_s3() {
        for good in ["abc", "a.b-c", "0ab", &"a".repeat(63)] {
            assert!(BucketName::parse(good).is_ok(), "{good}");
        }
        for bad in ["ab", "-ab", "ab-", "a..b", "Abc", "192.168.1.1", "a_b", &"a".repeat(64), ""] {
            assert!(BucketName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn reserved_names_are_names_all_the_same() {
        for reserved in [
            "xn--abc",
            "sthree-abc",
            "amzn-s3-demo-abc",
            "abc-s3alias",
            "abc--ol-s3",
            "abc.mrap",
            "abc--x-s3",
            "abc--table-s3",
        ] {
            assert!(BucketName::parse(reserved).unwrap().is_reserved(), "{reserved}");
        }
        for free in ["abc", "xn-abc", "a-xn--b", "s3alias", "abc-s3alias-1", "abc-x-s3"] {
            assert!(!BucketName::parse(free).unwrap().is_reserved(), "{free}");
        }
    }

    #[test]
    fn upload_ids_sort_by_time_and_know_their_body() {
        let body = BodyId([0xff; 16]);
        let earlier = UploadId::new(Timestamp(1_000), body);
        let later = UploadId::new(Timestamp(1_001), BodyId([0; 16]));
        assert!(earlier < later);
        assert!(earlier.makes(body) && !later.makes(body));
    }

    #[test]
    fn ids_survive_their_text_form() {
        let id = VersionId { sequence: 7, tag: u64::MAX };
        assert_eq!(VersionId::parse(&id.to_string()), Some(id));
        assert_eq!(VersionId::parse("null"), None);
        assert_eq!(VersionId::parse(&"A".repeat(32)), None);
        let upload = UploadId([9; 16]);
        assert_eq!(UploadId::parse(&upload.to_string()), Some(upload));
    }

    #[test]
    fn object_keys_refuse_nul_and_length() {
        assert_eq!(ObjectKey::parse("a\0b"), Err(InvalidObjectKey::Nul));
        assert_eq!(ObjectKey::parse(&"k".repeat(1_025)), Err(InvalidObjectKey::TooLong));
        assert!(ObjectKey::parse(&"k".repeat(1_024)).is_ok());
    }
}
