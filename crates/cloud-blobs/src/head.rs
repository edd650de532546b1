//! The head of a blob: how it is cut, and what lets it be checked without a key.
//!
//! ```text
//! head    = header | cuts | table | tail
//! header  =  0  8  magic "strgclou"
//!            8  4  version, 1
//!           12  4  entries in cuts
//!           16  8  blob id
//!           24  8  stored bytes of the whole blob
//!           32 28  zeros
//!           60  4  CRC32C of header[..60], cuts and table
//! cuts    = u32be length of each segment
//! table   = u32be CRC32C of each 1 MiB of stored bytes (the last may be shorter)
//! tail    = the stored bytes after the last segment               integers are big-endian
//! ```
//! It stands in front of the bytes because one request then opens a blob of unknown cut, and reads a small
//! one whole. The head is written last; before that there is no blob.
//!
//! Does not: authenticate; whoever can write the backend can write a CRC. The seal does that.

use object_engine::blobs::{BlobId, sums::SUMMED_BYTES};

/// The fixed begin in bytes.
pub(crate) const HEADER_BYTES: usize = 64;

/// What a header may claim: more segments than any blob has, and a table that fits memory (64 MiB).
const CUTS_MAX: u32 = 1 << 24;

const MAGIC: [u8; 8] = *b"strgclou";
const VERSION: u32 = 1;

/// What a blob says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) id: BlobId,
    /// Stored bytes.
    pub(crate) length: u64,
    /// The lengths of the segments in bytes.
    pub(crate) cuts: Vec<u32>,
    /// CRC32C of each [`SUMMED_BYTES`].
    pub(crate) table: Vec<u32>,
}

impl Head {
    /// Header, cuts and table.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let cuts = u32::try_from(self.cuts.len()).expect("2^32 cuts are more than 2^32 requests");
        let mut bytes = Vec::with_capacity(HEADER_BYTES + 4 * (self.cuts.len() + self.table.len()));
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend(cuts.to_be_bytes());
        bytes.extend(self.id.0.to_be_bytes());
        bytes.extend(self.length.to_be_bytes());
        bytes.extend([0; 32]);
        bytes.extend(self.cuts.iter().chain(&self.table).flat_map(|word| word.to_be_bytes()));
        let sum = sum_of(&bytes);
        bytes[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&sum.to_be_bytes());
        bytes
    }

    /// How many bytes header, cuts and table take, from the header alone, which must be of blob `id`
    /// with `length` stored bytes. The error says what did not hold.
    pub(crate) fn extent(start: &[u8], id: BlobId, length: u64) -> Result<usize, &'static str> {
        let header = start.first_chunk::<HEADER_BYTES>().ok_or("its head is short")?;
        if header[..8] != MAGIC {
            return Err("its head is overwritten");
        }
        if u32_at(header, 8) != VERSION {
            return Err("its head is of an unknown version");
        }
        if u64_at(header, 16) != id.0 || u64_at(header, 24) != length {
            return Err("its head is of another blob or length");
        }
        let (cuts, sums) = (u32_at(header, 12), length.div_ceil(SUMMED_BYTES));
        if cuts > CUTS_MAX || sums > u64::from(CUTS_MAX) {
            return Err("its head is longer than can be");
        }
        let words = u64::from(cuts) + sums;
        usize::try_from(words * 4).map(|bytes| bytes + HEADER_BYTES).map_err(|_| "its head is long")
    }

    /// Reads exactly header, cuts and table.
    pub(crate) fn decode(bytes: &[u8], id: BlobId, length: u64) -> Result<Self, &'static str> {
        if Self::extent(bytes, id, length)? != bytes.len() {
            return Err("its head is short");
        }
        if u32_at(bytes, HEADER_BYTES - 4) != sum_of(bytes) {
            return Err("its head does not match its CRC32C");
        }
        let (words, _) = bytes[HEADER_BYTES..].as_chunks::<4>();
        let mut cuts: Vec<u32> = words.iter().map(|word| u32::from_be_bytes(*word)).collect();
        let table = cuts.split_off(u32_at(bytes, 12) as usize);
        let head = Self { id, length, cuts, table };
        if head.segmented() > length {
            return Err("its segments are longer than itself");
        }
        Ok(head)
    }

    /// Stored bytes in segments; the rest is in the tail.
    pub(crate) fn segmented(&self) -> u64 {
        self.cuts.iter().map(|cut| u64::from(*cut)).sum()
    }
}

fn sum_of(bytes: &[u8]) -> u32 {
    let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
    digest.update(&bytes[..HEADER_BYTES - 4]);
    digest.update(&bytes[HEADER_BYTES..]);
    u32::try_from(digest.finalize()).expect("a CRC32 has 32 bits")
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

    fn sample() -> Head {
        Head { id: BlobId(7), length: (2 << 20) + 1, cuts: vec![5, 1 << 20], table: vec![1, 2, 9] }
    }

    #[test]
    fn a_head_comes_back() {
        let bytes = sample().encode();
        assert_eq!(Head::extent(&bytes[..64], BlobId(7), (2 << 20) + 1), Ok(bytes.len()));
        assert_eq!(Head::decode(&bytes, BlobId(7), (2 << 20) + 1), Ok(sample()));
        let empty = Head { id: BlobId(1), length: 0, cuts: vec![], table: vec![] };
        assert_eq!(Head::decode(&empty.encode(), BlobId(1), 0), Ok(empty));
    }

    #[test]
    fn no_changed_bit_and_no_missing_byte_goes_unseen() {
        let good = sample().encode();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Head::decode(&bad, BlobId(7), (2 << 20) + 1).is_err(), "bit {bit}");
        }
        for short in 0..good.len() {
            assert!(Head::decode(&good[..short], BlobId(7), (2 << 20) + 1).is_err());
        }
    }

    #[test]
    fn another_blobs_head_is_refused() {
        let bytes = sample().encode();
        assert!(Head::decode(&bytes, BlobId(8), (2 << 20) + 1).is_err());
        assert!(Head::decode(&bytes, BlobId(7), 2 << 20).is_err());
        assert!(Head::extent(&bytes, BlobId(7), u64::MAX).is_err());
        let overlong = Head { length: 3, ..sample() };
        let table = vec![1];
        assert!(Head::decode(&Head { table, ..overlong }.encode(), BlobId(7), 3).is_err());
    }
}
