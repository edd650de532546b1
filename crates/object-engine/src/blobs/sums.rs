//! The table of checksums that lets a blob be scrubbed without a key: CRC32C of each 1 MiB of its stored bytes.
//!
//! Guarantees: the table is the same however the bytes are cut when they are fed.
//! Does not: say where it is stored; each store of blobs has a place of its own for it.

/// Stored bytes under one checksum.
pub const SUMMED_BYTES: u64 = 1 << 20;

/// The table as it grows, fed front to back.
#[derive(Debug, Default)]
pub struct Sums {
    table: Vec<u32>,
    /// The entry under way and how many bytes it has.
    open: Option<(crc_fast::Digest, u64)>,
}

impl Sums {
    /// The next stored bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let fresh = || (crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi), 0);
            let (mut digest, summed) = self.open.take().unwrap_or_else(fresh);
            let left = usize::try_from(SUMMED_BYTES - summed).expect("at most 1 MiB");
            let (now, later) = bytes.split_at(left.min(bytes.len()));
            digest.update(now);
            self.open = Some((digest, summed + now.len() as u64));
            self.close_if(now.len() == left);
            bytes = later;
        }
    }

    /// The whole table.
    pub fn finish(mut self) -> Vec<u32> {
        self.close_if(true);
        self.table
    }

    fn close_if(&mut self, complete: bool) {
        if let Some((digest, _)) = self.open.take_if(|_| complete) {
            self.table.push(u32::try_from(digest.finalize()).expect("a CRC32 has 32 bits"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_do_not_depend_on_the_pieces() {
        let bytes: Vec<u8> = (0..3_000_001_u32).map(|i| (i % 251) as u8).collect();
        let expected: Vec<u32> = bytes.chunks(1 << 20).map(crc_fast::crc32_iscsi).collect();
        for piece in [1_000, 65_536, 262_144, 1 << 20, 3_000_001] {
            let mut sums = Sums::default();
            bytes.chunks(piece).for_each(|piece| sums.update(piece));
            assert_eq!(sums.finish(), expected, "pieces of {piece}");
        }
    }
}
