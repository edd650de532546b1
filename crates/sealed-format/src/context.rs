//! Where a version lives: what a wrap is bound to.
//!
//! The encoded context is authenticated by the verifier, by the key that wraps and by the wrap's
//! associated data. An envelope therefore opens only for the same kind of holder, bucket, object
//! key, version and body.
//!
//! ```text
//! LP(x) = u32be(len x) || x
//! ctx   = LP("strongroom sealed object v1") LP(suite) LP(holder) LP(bucket_uid)
//!         LP(object key) LP(version_uid) LP(body_id)
//! ```

/// The first field of every context. It never changes: a new format gets a new text.
const DOMAIN: &[u8] = b"strongroom sealed object v1";

/// The only suite: HKDF-SHA-512, AES-256-GCM, bodies as Cobblestone-256.
pub(crate) const SUITE: u8 = 1;

/// Who holds the key of a version. The numbers are on disk.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HolderKind {
    /// The customer: SSE-C. The server keeps no key that opens it.
    Customer = 1,
    /// The server: SSE-S3, under its own master key.
    Server = 2,
    /// A named key of a key service: SSE-KMS.
    Kms = 3,
}

impl HolderKind {
    /// The holder of an on-disk number.
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Customer),
            2 => Some(Self::Server),
            3 => Some(Self::Kms),
            _ => None,
        }
    }
}

/// The place of one version: its envelope opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct ObjectContext<'a> {
    /// Who holds the key.
    pub holder: HolderKind,
    /// The bucket's 128 random bits; a bucket made again under the same name has others.
    pub bucket_uid: &'a [u8; 16],
    /// The object's key, at most 1,024 bytes of UTF-8.
    pub object_key: &'a str,
    /// The version's 128 random bits.
    pub version_uid: &'a [u8; 16],
    /// The body's 128 random bits. Versions that share a body share these.
    pub body_id: &'a [u8; 16],
}

impl ObjectContext<'_> {
    /// `label || ctx`, the info of a derivation.
    pub(crate) fn encode_after(&self, label: &[u8]) -> Vec<u8> {
        // Seven length fields, the fixed-length values, and room for the byte that HKDF appends.
        let fixed = 7 * 4 + DOMAIN.len() + 1 + 1 + 3 * 16;
        let mut out = Vec::with_capacity(label.len() + fixed + self.object_key.len() + 1);
        out.extend_from_slice(label);
        for field in [
            DOMAIN,
            &[SUITE],
            &[self.holder as u8],
            self.bucket_uid,
            self.object_key.as_bytes(),
            self.version_uid,
            self.body_id,
        ] {
            push_prefixed(&mut out, field);
        }
        out
    }
}

/// Appends `LP(field)`.
pub(crate) fn push_prefixed(out: &mut Vec<u8>, field: &[u8]) {
    let length = u32::try_from(field.len()).expect("fields are bounded far below 4 GiB");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(field);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_the_documented_one() {
        let context = ObjectContext {
            holder: HolderKind::Customer,
            bucket_uid: &[1; 16],
            object_key: "a/b",
            version_uid: &[2; 16],
            body_id: &[3; 16],
        };
        let mut expected = b"wrap\0\0\0\x1bstrongroom sealed object v1".to_vec();
        expected.extend_from_slice(b"\0\0\0\x01\x01\0\0\0\x01\x01\0\0\0\x10");
        expected.extend_from_slice(&[1; 16]);
        expected.extend_from_slice(b"\0\0\0\x03a/b\0\0\0\x10");
        expected.extend_from_slice(&[2; 16]);
        expected.extend_from_slice(b"\0\0\0\x10");
        expected.extend_from_slice(&[3; 16]);
        assert_eq!(context.encode_after(b"wrap"), expected);
    }
}
