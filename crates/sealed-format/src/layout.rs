//! Where plaintext stands in sealed bytes: pure arithmetic.
//!
//! A part's plaintext is cut into chunks of 16,384 bytes; each is sealed to 16,400. The last chunk
//! is always shorter than a full one, and empty when the length is a multiple of 16,384, so a
//! length belongs to exactly one sealed length and the other way round.
//!
//! ```text
//! plaintext   |    16,384    |    16,384    |  rest < 16,384  |
//! sealed      |    16,400    |    16,400    |    rest + 16    |
//! ```
//!
//! Does not do: trust anything. Lengths come from sealed facts; arithmetic on a length that no part
//! can have saturates and never panics.

use std::ops::Range;

/// The plaintext of a full chunk.
pub const CHUNK_BYTES: usize = 16_384;
/// The authentication tag of each chunk.
pub const TAG_BYTES: usize = crate::gcm::TAG_BYTES;
/// A full chunk as sealed.
pub const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;
/// The chunks of one part: the counter of the body format has 38 usable bits.
pub const CHUNKS_MAX: u64 = 1 << 38;
/// The longest plaintext of one part: its last chunk is the last that the counter reaches.
pub const PLAIN_BYTES_MAX: u64 = CHUNKS_MAX * CHUNK - 1;

const CHUNK: u64 = CHUNK_BYTES as u64;
const TAG: u64 = TAG_BYTES as u64;
const SEALED_CHUNK: u64 = SEALED_CHUNK_BYTES as u64;
const _: () = assert!(SEALED_CHUNK_BYTES == 16_400);

/// The number of chunks of a part, the last, shorter one included: at least 1.
pub fn chunk_count(plain: u64) -> u64 {
    plain / CHUNK + 1
}

/// The length of a part's sealed bytes.
pub fn sealed_length(plain: u64) -> u64 {
    plain.saturating_add(chunk_count(plain).saturating_mul(TAG))
}

/// The plaintext length of sealed bytes; `None` if no part has that sealed length.
pub fn plain_length(sealed: u64) -> Option<u64> {
    let full = sealed / SEALED_CHUNK;
    let rest = (sealed % SEALED_CHUNK).checked_sub(TAG)?;
    (full < CHUNKS_MAX).then(|| full * CHUNK + rest)
}

/// The sealed bytes of chunk `index` of a part.
///
/// # Panics
/// If the part has no such chunk: that is a mistake of the caller.
pub fn sealed_chunk_range(plain_length: u64, index: u64) -> Range<u64> {
    assert!(index < chunk_count(plain_length), "the part has the chunk");
    let start = index * SEALED_CHUNK;
    start..start + chunk_plain_bytes(plain_length, index) as u64 + TAG
}

/// The plaintext bytes of chunk `index`, which the part has.
pub(crate) fn chunk_plain_bytes(plain_length: u64, index: u64) -> usize {
    let rest = plain_length - index * CHUNK;
    usize::try_from(rest).map_or(CHUNK_BYTES, |rest| rest.min(CHUNK_BYTES))
}

/// The chunks that cover a range of plaintext, and where they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    /// The first chunk to open.
    pub first_chunk: u64,
    /// The last chunk to open, inclusive. A range that reaches the part's end always covers the
    /// part's last chunk, even when that one is empty, so that reading a part to its end proves
    /// that it ends there.
    pub last_chunk: u64,
    /// The sealed bytes of these chunks.
    pub sealed: Range<u64>,
    /// Plaintext bytes to drop at the front of the first chunk.
    pub skip: usize,
}

/// The cover of `wanted` in a part of `plain_length` bytes.
///
/// # Panics
/// If `wanted` is empty, unless the part is, or reaches beyond the part: ranges are resolved before
/// they come here.
pub fn cover(plain_length: u64, wanted: Range<u64>) -> Cover {
    assert!(wanted.start < wanted.end || plain_length == 0, "the range wants something");
    assert!(wanted.start <= wanted.end && wanted.end <= plain_length, "the range is within");
    let first_chunk = wanted.start / CHUNK;
    let last_chunk =
        if wanted.end == plain_length { plain_length / CHUNK } else { (wanted.end - 1) / CHUNK };
    let sealed = sealed_chunk_range(plain_length, first_chunk).start
        ..sealed_chunk_range(plain_length, last_chunk).end;
    let skip = usize::try_from(wanted.start % CHUNK).expect("below 16,384");
    Cover { first_chunk, last_chunk, sealed, skip }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_at_the_borders() {
        for (plain, sealed, chunks) in [
            (0, 16, 1),
            (1, 17, 1),
            (16_383, 16_399, 1),
            (16_384, 16_416, 2),
            (16_385, 16_417, 2),
            (32_768, 32_816, 3),
            (5 << 30, (5 << 30) + 16 * 327_681, 327_681),
        ] {
            assert_eq!(sealed_length(plain), sealed, "{plain}");
            assert_eq!(chunk_count(plain), chunks, "{plain}");
            assert_eq!(plain_length(sealed), Some(plain), "{sealed}");
        }
    }

    #[test]
    fn no_part_has_these_sealed_lengths() {
        for sealed in (0..16).chain(16_400..16_416).chain(32_800..32_816) {
            assert_eq!(plain_length(sealed), None, "{sealed}");
        }
        assert_eq!(plain_length(sealed_length(PLAIN_BYTES_MAX)), Some(PLAIN_BYTES_MAX));
        assert_eq!(plain_length(sealed_length(PLAIN_BYTES_MAX) + 17), None);
    }

    #[test]
    fn impossible_lengths_do_not_panic() {
        assert_eq!(sealed_length(u64::MAX), u64::MAX);
        assert_eq!(plain_length(u64::MAX), None);
    }

    #[test]
    #[should_panic(expected = "the range is within")]
    fn a_range_beyond_the_end_is_a_mistake() {
        let _ = cover(10, 5..11);
    }
}
