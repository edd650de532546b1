//! Lower-case hexadecimal of 32-byte values.

/// The text of a SHA-256 or an HMAC of it.
pub(crate) fn encode(bytes: &[u8; 32]) -> [u8; 64] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

/// As [`encode`], for error documents.
pub(crate) fn text(bytes: &[u8; 32]) -> String {
    encode(bytes).iter().map(|digit| char::from(*digit)).collect()
}

/// The 32 bytes of 64 hexadecimal digits.
pub(crate) fn decode(text: &[u8]) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = (digit(pair[0])? << 4) | digit(pair[1])?;
    }
    Some(bytes)
}

/// The value of one digit, either case.
pub(crate) fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_agree() {
        let bytes: [u8; 32] = std::array::from_fn(|index| (index * 37 + 200) as u8);
        assert_eq!(decode(&encode(&bytes)), Some(bytes));
        assert_eq!(decode(text(&bytes).to_uppercase().as_bytes()), Some(bytes));
        assert_eq!(decode(&encode(&bytes)[1..]), None);
        assert_eq!(decode(&[b'g'; 64]), None);
    }
}
