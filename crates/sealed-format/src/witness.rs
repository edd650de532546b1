//! The key witness: in a build made for one test, every secret is written down so that the test can
//! look for it.
//!
//! With the feature `key-witness` each customer key and each derived or drawn secret is appended to
//! the file that the environment variable `STRONGROOM_KEY_WITNESS` names, one line a secret: `label
//! hex`. The line is made in one stack buffer that is wiped, and written by one unbuffered call, so
//! that the witness leaves no copy in the process that it bears witness about. Without the feature
//! this module is one empty function, and the crate has no I/O at all.
//!
//! Never enable it in a build that serves anybody: it defeats the product.

/// Notes a secret. Does nothing without the feature `key-witness`.
#[cfg(not(feature = "key-witness"))]
#[inline(always)]
pub(crate) fn record(_label: &'static str, _secret: &[u8]) {}

#[cfg(feature = "key-witness")]
pub(crate) use enabled::record;

#[cfg(feature = "key-witness")]
mod enabled {
    use std::fs::{File, OpenOptions};
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    use std::sync::OnceLock;

    use zeroize::Zeroizing;

    /// The longest label and the longest secret (a PRK of 64 bytes), in hex, with a space and a
    /// line feed.
    const LINE_BYTES_MAX: usize = 160;
    const HEX: &[u8; 16] = b"0123456789abcdef";

    static FILE: OnceLock<Option<File>> = OnceLock::new();

    /// Appends one line `label hex` to the witness file. Without the variable nothing is written.
    ///
    /// # Panics
    /// When the file cannot be written: a witness that misses a secret would make the test pass for
    /// the wrong reason.
    pub(crate) fn record(label: &'static str, secret: &[u8]) {
        let Some(mut file) = FILE.get_or_init(open).as_ref() else { return };
        let mut line = Zeroizing::new([0_u8; LINE_BYTES_MAX]);
        let written = format_line(label, secret, &mut line);
        let count = file.write(&line[..written]).expect("the key witness takes a line");
        assert_eq!(count, written, "the key witness takes a line as a whole");
    }

    fn open() -> Option<File> {
        let path = std::env::var_os("STRONGROOM_KEY_WITNESS")?;
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        Some(file.expect("the key witness opens"))
    }

    fn format_line(label: &str, secret: &[u8], line: &mut [u8; LINE_BYTES_MAX]) -> usize {
        let length = label.len() + 1 + 2 * secret.len() + 1;
        assert!(length <= LINE_BYTES_MAX, "a witness line fits its buffer");
        line[..label.len()].copy_from_slice(label.as_bytes());
        line[label.len()] = b' ';
        let hex = &mut line[label.len() + 1..length - 1];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(secret) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        line[length - 1] = b'\n';
        length
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_line_is_a_label_and_hex() {
            let mut line = [0; LINE_BYTES_MAX];
            let written = format_line("kek", &[0x00, 0xff, 0x1a], &mut line);
            assert_eq!(&line[..written], b"kek 00ff1a\n");
        }
    }
}
