//! Base64 as AWS S3 reads it from a customer-key header, into memory that is wiped.
//!
//! Every character outside `[A-Za-z0-9+/=]` is dropped; complete groups of four are decoded; a
//! trailing group of one to three is discarded; `=` counts as zero bits, and a group ends one byte
//! early for a last `=`, two for two. So `====` adds a zero byte, which no honest MD5 matches.
//!
//! Guarantees: decoded bytes go straight into the key's boxed memory and through the MD5 hasher,
//! nowhere else. The value of a character is computed without a table or a branch on it; what
//! branches is only whether it belongs to the alphabet.

use zeroize::Zeroizing;

use crate::customer_key::{CustomerKey, KeyDigest, KeyMd5};
use crate::key_headers::WrongLength;
use crate::primitives::KEY_BYTES;
use crate::secret::wipe_stack_below;

/// What a key's text decodes to.
pub(crate) struct Decoded {
    /// The key, if it has 32 bytes.
    pub(crate) key: Result<CustomerKey, WrongLength>,
    /// The MD5 over all decoded bytes, however many.
    pub(crate) md5: KeyMd5,
    /// How many bytes were decoded.
    pub(crate) length: usize,
}

/// Decodes `text`. Longer keys than 32 bytes are hashed and counted, and not kept.
pub(crate) fn decode(text: &[u8]) -> Decoded {
    let mut digest = KeyDigest::new();
    let mut length = 0;
    let key = CustomerKey::filled_by(|key| {
        for_each_group(text, |group| {
            digest.update(group);
            for byte in group {
                if let Some(place) = key.get_mut(length) {
                    *place = *byte;
                }
                length += 1;
            }
        });
    });
    let md5 = digest.finish();
    wipe_stack_below();
    let key = if length == KEY_BYTES { Ok(key) } else { Err(WrongLength) };
    Decoded { key, md5, length }
}

/// Calls `each` with the one to three bytes of every complete group.
fn for_each_group(text: &[u8], mut each: impl FnMut(&[u8])) {
    let mut group = Zeroizing::new([0_u8; 4]);
    let mut bytes = Zeroizing::new([0_u8; 3]);
    let mut filled = 0;
    let mut pads = 0;
    for character in text {
        let Some(value) = sextet(*character) else { continue };
        group[filled] = value;
        // Only a run of `=` at the group's end shortens it.
        pads = if *character == b'=' { pads + 1 } else { 0 };
        filled += 1;
        if filled == 4 {
            bytes[0] = group[0] << 2 | group[1] >> 4;
            bytes[1] = group[1] << 4 | group[2] >> 2;
            bytes[2] = group[2] << 6 | group[3];
            each(&bytes[..3 - pads.min(2)]);
            (filled, pads) = (0, 0);
        }
    }
}

/// The six bits of a character, `None` for one outside the alphabet. `=` counts as zero.
fn sextet(character: u8) -> Option<u8> {
    let c = i16::from(character);
    // `within(a, b)` is all ones for a <= c <= b, else zero: both differences are negative exactly
    // then.
    let within =
        |first: u8, last: u8| ((i16::from(first) - 1 - c) & (c - i16::from(last) - 1)) >> 8;
    let mut value = -1;
    value += within(b'A', b'Z') & (c - i16::from(b'A') + 1);
    value += within(b'a', b'z') & (c - i16::from(b'a') + 26 + 1);
    value += within(b'0', b'9') & (c - i16::from(b'0') + 52 + 1);
    value += within(b'+', b'+') & (62 + 1);
    value += within(b'/', b'/') & (63 + 1);
    value += within(b'=', b'=') & 1;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    fn bytes_of(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for_each_group(text, |group| out.extend_from_slice(group));
        out
    }

    #[test]
    fn the_alphabet_is_exact() {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        for character in 0..=255_u8 {
            let expected = match character {
                b'=' => Some(0),
                _ => (0..64).find(|index| alphabet[usize::from(*index)] == character),
            };
            assert_eq!(sextet(character), expected, "{character:#04x}");
        }
    }

    #[test]
    fn strict_base64_decodes_as_itself() {
        for length in 0..100_u8 {
            let bytes: Vec<u8> = (0..length).map(|index| index.wrapping_mul(37) ^ 0xc5).collect();
            assert_eq!(bytes_of(STANDARD.encode(&bytes).as_bytes()), bytes);
        }
    }

    #[test]
    fn foreign_characters_are_dropped() {
        assert_eq!(bytes_of(b" Q U\tJ\r\nD!#-_"), b"ABC");
        assert_eq!(bytes_of(b"####"), b"");
    }

    #[test]
    fn incomplete_groups_are_discarded() {
        assert_eq!(bytes_of(b""), b"");
        assert_eq!(bytes_of(b"a"), b"");
        assert_eq!(bytes_of(b"ZZ"), b"");
        assert_eq!(bytes_of(b"QUJDQUJ"), b"ABC");
        assert_eq!(bytes_of(b"QUJDQQ=="), b"ABCA");
        assert_eq!(bytes_of(b"QUJDQQ====="), b"ABCA");
        assert_eq!(bytes_of(b"QUJDQQ======"), b"ABCA\0", "a full group of padding is garbage");
    }

    #[test]
    fn only_32_bytes_are_a_key() {
        for length in 0..70_u8 {
            let bytes = vec![length; usize::from(length)];
            let decoded = decode(STANDARD.encode(&bytes).as_bytes());
            assert_eq!(decoded.length, bytes.len());
            assert_eq!(decoded.key.is_ok(), length == 32);
        }
    }
}
