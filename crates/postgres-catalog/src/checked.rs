//! What stands in a record's value: the value with a CRC32C over key and value before it.
//!
//! Guarantees: bytes that do not verify are damage, never a value. PostgreSQL's own page checksums are
//! off by default, and do not follow a value through backups and replicas.

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};
use object_engine::catalog::CatalogError;

const CRC_BYTES: usize = 4;

/// The stored form.
pub(crate) fn stored(key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(CRC_BYTES + value.len());
    stored.extend_from_slice(&crc32c(key, value).to_be_bytes());
    stored.extend_from_slice(value);
    stored
}

/// The value of a stored form.
pub(crate) fn verified<'a>(key: &[u8], stored: &'a [u8]) -> Result<&'a [u8], CatalogError> {
    let damaged = |detail: &str| CatalogError::Damaged {
        key: key.escape_ascii().to_string(),
        detail: detail.to_owned(),
    };
    let Some((crc, value)) = stored.split_first_chunk::<CRC_BYTES>() else {
        return Err(damaged("it is too short"));
    };
    if crc32c(key, value) == u32::from_be_bytes(*crc) {
        Ok(value)
    } else {
        Err(damaged("its checksum does not match"))
    }
}

/// As [`verified`], of bytes that outlive the row.
pub(crate) fn verified_owned(key: &[u8], stored: &[u8]) -> Result<Bytes, CatalogError> {
    verified(key, stored).map(Bytes::copy_from_slice)
}

fn crc32c(key: &[u8], value: &[u8]) -> u32 {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    digest.update(key);
    digest.update(value);
    u32::try_from(digest.finalize()).expect("a CRC-32 has 32 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_of_key_or_value_is_damage() {
        let whole = stored(b"key", b"value");
        assert_eq!(verified(b"key", &whole).unwrap(), b"value");
        assert!(verified(b"kez", &whole).is_err(), "under another key");
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(verified(b"key", &flipped).is_err(), "bit {bit}");
        }
        for length in 0..whole.len() {
            assert!(verified(b"key", &whole[..length]).is_err(), "{length} bytes");
        }
    }
}
