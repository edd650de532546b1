//! A record as it stands in the database.
//!
//! ```text
//! offset  bytes  what
//! 0       4      CRC32C, big-endian, over: the key, then everything from offset 4
//! 4       8      the stamp, big-endian
//! 12      n      the value
//! ```
//!
//! Guarantees: a record that was changed, cut or moved to another key on the disk does not decode.
//!
//! Does not: authenticate. A checksum is against faults of disks and memory; who can write the disk
//! can write a checksum, and what must hold against that is sealed above.

use std::io::Write;

use crc_fast::{CrcAlgorithm, Digest};

use crate::catalog::Stamp;

/// What a record adds to its value.
pub(super) const OVERHEAD_BYTES: usize = CRC_BYTES + STAMP_BYTES;

const CRC_BYTES: usize = 4;
const STAMP_BYTES: usize = 8;

/// Writes a record of [`OVERHEAD_BYTES`] and the value's length.
pub(super) fn encode(
    to: &mut impl Write,
    key: &[u8],
    stamp: Stamp,
    value: &[u8],
) -> std::io::Result<()> {
    let stamp = stamp.0.to_be_bytes();
    to.write_all(&crc32c([key, &stamp, value]).to_be_bytes())?;
    to.write_all(&stamp)?;
    to.write_all(value)
}

/// Takes a record apart, or says what does not hold.
pub(super) fn decode<'r>(key: &[u8], record: &'r [u8]) -> Result<(Stamp, &'r [u8]), &'static str> {
    let Some((crc, stamped)) = record.split_first_chunk::<CRC_BYTES>() else {
        return Err("it is shorter than a checksum");
    };
    let Some((stamp, value)) = stamped.split_first_chunk::<STAMP_BYTES>() else {
        return Err("it is shorter than a stamp");
    };
    if crc32c([key, stamped, b""]) != u32::from_be_bytes(*crc) {
        return Err("its checksum does not match");
    }
    Ok((Stamp(u64::from_be_bytes(*stamp)), value))
}

fn crc32c(pieces: [&[u8]; 3]) -> u32 {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    pieces.iter().for_each(|piece| digest.update(piece));
    u32::try_from(digest.finalize()).expect("a CRC of 32 bits fits into 32 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(key: &[u8], stamp: Stamp, value: &[u8]) -> Vec<u8> {
        let mut record = Vec::new();
        encode(&mut record, key, stamp, value).unwrap();
        record
    }

    #[test]
    fn the_layout_is_frozen() {
        // CRC32C("123456789") = e3069283 is the check value of the catalogue of CRC algorithms.
        assert_eq!(crc32c([b"1234", b"", b"56789"]), 0xe306_9283);
        let record = encoded(b"key", Stamp(7), b"value");
        assert_eq!(record.len(), OVERHEAD_BYTES + 5);
        assert_eq!(&record[4..], b"\0\0\0\0\0\0\0\x07value");
        assert_eq!(record[..4], crc32c([b"key", b"\0\0\0\0\0\0\0\x07", b"value"]).to_be_bytes());
    }

    #[test]
    fn what_was_encoded_decodes() {
        for value in [&b""[..], b"v", &[0xA5; 20_000]] {
            let record = encoded(b"key", Stamp(u64::MAX), value);
            assert_eq!(decode(b"key", &record), Ok((Stamp(u64::MAX), value)));
        }
    }

    #[test]
    fn every_flipped_bit_cut_and_move_is_seen() {
        let record = encoded(b"key", Stamp(7), b"value");
        for bit in 0..record.len() * 8 {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(b"key", &flipped).is_err(), "bit {bit}");
        }
        for cut in 0..record.len() {
            assert!(decode(b"key", &record[..cut]).is_err(), "cut to {cut}");
        }
        assert!(decode(b"kez", &record).is_err(), "moved");
    }
}
