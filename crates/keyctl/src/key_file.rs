//! A key in memory and in a file.
//!
//! Guarantees: 32 bytes, wiped on drop, never copied by a move, silent in `Debug`; a file is read as
//! raw bytes if it has 32 of them and as strict base64 otherwise, so nothing is guessed.
//! Does not: judge how random a key is.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest as _, Md5};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// A customer's key.
pub(crate) struct Key(Box<Zeroizing<[u8; 32]>>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    fn empty() -> Self {
        Self(Box::new(Zeroizing::new([0; 32])))
    }

    /// 32 bytes from the operating system's generator.
    pub(crate) fn generate() -> Result<Self, Failure> {
        let mut key = Self::empty();
        aws_lc_rs::rand::fill(&mut key.0[..])
            .map_err(|_| Failure::new("the operating system gives no randomness"))?;
        Ok(key)
    }

    /// Reads a file of 32 raw bytes, or of their base64 in one line.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let mut contents = Zeroizing::new(Vec::with_capacity(FILE_BYTES_MAX + 1));
        File::open(path)
            .and_then(|file| file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut contents))
            .map_err(|error| {
                Failure::new(format!("cannot read the key {}", path.display())).detail(error)
            })?;
        Self::parse(&contents).map_err(|why| {
            Failure::new(format!("{} is not a key", path.display()))
                .detail(why)
                .hint("a key is 32 raw bytes, or their base64 in one line (44 characters)")
        })
    }

    fn parse(contents: &[u8]) -> Result<Self, &'static str> {
        let mut key = Self::empty();
        if contents.len() == 32 {
            key.0.copy_from_slice(contents);
            return Ok(key);
        }
        let text = contents.trim_ascii();
        if text.len() != BASE64_CHARS {
            return Err("it has another length");
        }
        // The decoder asks for room for whole groups of three bytes: one more than it fills.
        let mut decoded = Zeroizing::new([0; 33]);
        match STANDARD.decode_slice(text, &mut decoded[..]) {
            Ok(32) => key.0.copy_from_slice(&decoded[..32]),
            _ => return Err("it is not base64 of 32 bytes"),
        }
        Ok(key)
    }

    /// Writes the raw key to a new file with mode 0600, and syncs it: a key that is lost loses data.
    pub(crate) fn write_new(&self, path: &Path) -> Result<(), Failure> {
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .and_then(|mut file| file.write_all(&self.0[..]).and_then(|()| file.sync_all()));
        written.map_err(|error| {
            let failure = Failure::new(format!("cannot write {}", path.display()));
            if error.kind() == io::ErrorKind::AlreadyExists {
                let hint = "choose another name; overwriting a key would lose what it sealed";
                failure.detail("the file exists").hint(hint)
            } else {
                failure.detail(error)
            }
        })
    }

    /// The key as base64, for the header that carries it.
    pub(crate) fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(&self.0[..]))
    }

    /// The base64 of the key's MD5 (RFC 1321), for the header that guards against garbled keys.
    pub(crate) fn md5_base64(&self) -> String {
        STANDARD.encode(Md5::digest(&self.0[..]))
    }
}

/// Base64 of 32 bytes, with its padding.
const BASE64_CHARS: usize = 44;
/// Base64 with line ends and some spaces around it; anything longer is another kind of file.
const FILE_BYTES_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_and_base64_are_the_same_key() {
        let raw = Key::parse(b"0123456789abcdef0123456789abcdef").unwrap();
        let text = b"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n";
        let base64 = Key::parse(text).unwrap();
        assert_eq!(*raw.to_base64(), *base64.to_base64());
        // printf 0123456789abcdef0123456789abcdef | openssl md5 -binary | base64
        assert_eq!(raw.md5_base64(), "hRasmdxgYDKV3nvbahU1MA==");
        assert_eq!(format!("{raw:?}"), "Key(..)");
    }

    #[test]
    fn what_is_nearly_a_key_is_refused() {
        let short = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZQ==";
        let unpadded = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";
        let url_safe = "____________________________________________";
        for text in ["", "x", short, unpadded, url_safe, &"a".repeat(31), &"a".repeat(64)] {
            assert!(Key::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
