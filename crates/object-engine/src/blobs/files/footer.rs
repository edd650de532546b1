//! The end of a blob's file: what lets it be checked without a key.
//!
//! ```text
//! file    = stored bytes | zeros | table | trailer        ends on a 4 KiB border, zeros < 4 KiB
//! table   = u32be CRC32C of each 1 MiB of stored bytes (the last may be shorter)
//! trailer =  0  8  magic "strgblob"
//!            8  4  version, 1
//!           12  4  entries in the table
//!           16  8  blob id
//!           24  8  stored bytes
//!           32 28  zeros
//!           60  4  CRC32C of table and trailer[..60]      integers are big-endian
//! ```
//! Guarantees: every byte of a file is checked by something: stored bytes by the table, table and
//! trailer by the trailer's CRC, the zeros by scrubbing, the size by the stored length.
//! Does not: authenticate; whoever can write the disk can write a CRC. The seal does that.

use super::super::{BlobId, buffers::PAGE_BYTES, sums::SUMMED_BYTES};

/// The fixed end of the footer in bytes.
pub(super) const TRAILER_BYTES: usize = 64;

const MAGIC: [u8; 8] = *b"strgblob";
const VERSION: u32 = 1;

/// What a file says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) id: BlobId,
    pub(super) length: u64,
    /// CRC32C of each [`SUMMED_BYTES`].
    pub(super) table: Vec<u32>,
}

/// Table and trailer of a blob of `length` stored bytes, in bytes. `None` beyond what can exist.
pub(super) fn footer_bytes(length: u64) -> Option<u64> {
    length.div_ceil(SUMMED_BYTES).checked_mul(4)?.checked_add(TRAILER_BYTES as u64)
}

/// The whole file of a blob of `length` stored bytes, in bytes. `None` beyond what can exist.
pub(super) fn file_bytes(length: u64) -> Option<u64> {
    length.checked_add(footer_bytes(length)?)?.checked_next_multiple_of(PAGE_BYTES as u64)
}

impl Footer {
    /// Table and trailer.
    pub(super) fn encode(&self) -> Vec<u8> {
        let entries = u32::try_from(self.table.len()).expect("2^32 entries are 4 PiB");
        let mut bytes: Vec<u8> = self.table.iter().flat_map(|sum| sum.to_be_bytes()).collect();
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend(entries.to_be_bytes());
        bytes.extend(self.id.0.to_be_bytes());
        bytes.extend(self.length.to_be_bytes());
        bytes.extend([0; 28]);
        bytes.extend(crc_fast::crc32_iscsi(&bytes).to_be_bytes());
        bytes
    }

    /// Reads `bytes`, table and trailer, expecting them to be of blob `id` with `length` stored
    /// bytes. The error says what did not hold.
    pub(super) fn decode(bytes: &[u8], id: BlobId, length: u64) -> Result<Self, &'static str> {
        let (body, crc) = bytes.split_last_chunk::<4>().ok_or("the footer is short")?;
        let (table, trailer) =
            bytes.split_last_chunk::<TRAILER_BYTES>().ok_or("the footer is short")?;
        if trailer[..8] != MAGIC {
            return Err("the footer is missing (never finished, or overwritten)");
        }
        if crc_fast::crc32_iscsi(body) != u32::from_be_bytes(*crc) {
            return Err("the footer does not match its CRC32C");
        }
        if u32_at(trailer, 8) != VERSION {
            return Err("the footer is of an unknown version");
        }
        if u64_at(trailer, 16) != id.0 || u64_at(trailer, 24) != length {
            return Err("the footer is of another blob");
        }
        let (table, rest) = table.as_chunks::<4>();
        let entries_match = usize::try_from(u32_at(trailer, 12)) == Ok(table.len());
        let covers_all = table.len() as u64 == length.div_ceil(SUMMED_BYTES);
        if !(entries_match && covers_all && rest.is_empty()) {
            return Err("the checksum table does not cover the stored length");
        }
        let table = table.iter().map(|sum| u32::from_be_bytes(*sum)).collect();
        Ok(Self { id, length, table })
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("slice is 4 bytes long"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(bytes[at..at + 8].try_into().expect("slice is 8 bytes long"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Footer {
        Footer { id: BlobId(7), length: (2 << 20) + 1, table: vec![1, 2, 0xffff_ffff] }
    }

    #[test]
    fn a_footer_comes_back() {
        let bytes = sample().encode();
        assert_eq!(bytes.len() as u64, footer_bytes(sample().length).unwrap());
        assert_eq!(Footer::decode(&bytes, BlobId(7), (2 << 20) + 1), Ok(sample()));
        let empty = Footer { id: BlobId(1), length: 0, table: vec![] };
        assert_eq!(Footer::decode(&empty.encode(), BlobId(1), 0), Ok(empty));
    }

    #[test]
    fn no_changed_bit_goes_unseen() {
        let good = sample().encode();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Footer::decode(&bad, BlobId(7), (2 << 20) + 1).is_err(), "bit {bit}");
        }
        for short in 0..good.len() {
            assert!(Footer::decode(&good[good.len() - short..], BlobId(7), (2 << 20) + 1).is_err());
        }
    }

    #[test]
    fn another_blobs_footer_is_refused() {
        let bytes = sample().encode();
        assert!(Footer::decode(&bytes, BlobId(8), (2 << 20) + 1).is_err());
        assert!(Footer::decode(&bytes, BlobId(7), 2 << 20).is_err());
    }

    #[test]
    fn sizes_end_on_a_page() {
        assert_eq!(file_bytes(0), Some(4096));
        assert_eq!(file_bytes(4096 - 68), Some(4096));
        assert_eq!(file_bytes(4096 - 67), Some(8192));
        assert_eq!(file_bytes(u64::MAX), None);
        assert_eq!(footer_bytes(5 << 30), Some(5 * 1024 * 4 + 64));
    }
}
