//! The SSE-C header trio, read as AWS S3 reads it, and the answer to a trio that is wrong.
//!
//! Guarantees: base64 decodes straight into the key's final memory; the checks come in the order
//! that AWS has them, so the same mistakes get the same answers; an empty header counts as present,
//! so no malformed request is ever taken for one that asks for no encryption.
//!
//! Does not do: decide what a key of the wrong length means (each operation answers in its own way,
//! so the caller gets [`WrongLength`]), look at the transport, or see the names of the headers: the
//! copy-source trio and form fields go through the same code.
//!
//! The order, for a trio of which at least one is present:
//!
//! ```text
//! algorithm absent                     MissingAlgorithm      E2
//! key absent                           MissingKey            E3
//! key not ASCII                        KeyNotAscii           E5
//! key decodes to no byte               KeyTooShort           E4
//! MD5 absent, where it is required     MissingMd5            E6
//! MD5 present and different            Md5Mismatch           E7
//! algorithm not exactly AES256         UnsupportedAlgorithm  E8
//! key not of 32 bytes                  Ok, with WrongLength  E9, E13 or E15, by operation
//! ```

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::customer_key::{CustomerKey, KeyMd5};
use crate::lenient_base64;

/// The only algorithm, compared byte for byte.
const ALGORITHM: &[u8] = b"AES256";

/// The raw values of one trio. An empty value is a present one.
#[derive(Clone, Copy)]
pub struct KeyHeaders<'a> {
    /// `…-customer-algorithm`
    pub algorithm: Option<&'a [u8]>,
    /// `…-customer-key`
    pub key: Option<&'a [u8]>,
    /// `…-customer-key-MD5`
    pub md5: Option<&'a [u8]>,
}

/// What is asked of the key's MD5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Md5Rule {
    /// Writes: it must be there and right.
    Required,
    /// Reads and copy sources: where it is there, it must be right.
    Optional,
    /// The OVH guide's recipe is accepted beside the digest: `base64(hex(MD5(key text + "\n")) +
    /// "\n")`, computed from the key text as received, so the check against a mangled key stays.
    /// Absent is accepted too.
    OptionalOrGuide,
}

/// A trio that passed.
pub struct PresentedKey {
    /// The key, or that it decodes to another length than 32 bytes.
    pub key: Result<CustomerKey, WrongLength>,
    /// The MD5 of what was decoded, to be echoed to the sender.
    pub md5: KeyMd5,
}

/// The key is consistent with its MD5 and has not 32 bytes. Each operation answers that in its own
/// way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key does not have 32 bytes")]
pub struct WrongLength;

/// What is wrong with a trio. The client must act. The names E2 to E8 are those of the behavioural
/// specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyHeaderError {
    /// E2: the algorithm is absent beside a key or an MD5.
    #[error("the algorithm is missing")]
    MissingAlgorithm,
    /// E3: the key is absent.
    #[error("the key is missing")]
    MissingKey,
    /// E4: the key decodes to nothing.
    #[error("the key is too short")]
    KeyTooShort,
    /// E5: the key has bytes outside ASCII, which only a form field can bring this far.
    #[error("the key is not ASCII")]
    KeyNotAscii,
    /// E6: the MD5 is absent where it is required.
    #[error("the MD5 of the key is missing")]
    MissingMd5,
    /// E7: the MD5 is not that of the key.
    #[error("the MD5 is not that of the key")]
    Md5Mismatch,
    /// E8: the algorithm is not exactly `AES256`.
    #[error("the algorithm is not AES256")]
    UnsupportedAlgorithm,
}

impl KeyHeaders<'_> {
    /// Whether any of the three is present, empty or not.
    pub fn any(&self) -> bool {
        self.algorithm.is_some() || self.key.is_some() || self.md5.is_some()
    }

    /// Reads the trio: `None` if no header of it is present.
    ///
    /// # Errors
    /// The first mistake in AWS's order; the module's table has it.
    pub fn parse(&self, rule: Md5Rule) -> Result<Option<PresentedKey>, KeyHeaderError> {
        if !self.any() {
            return Ok(None);
        }
        let algorithm = self.algorithm.ok_or(KeyHeaderError::MissingAlgorithm)?;
        let text = self.key.ok_or(KeyHeaderError::MissingKey)?;
        if !text.is_ascii() {
            return Err(KeyHeaderError::KeyNotAscii);
        }
        let decoded = lenient_base64::decode(text);
        if decoded.length == 0 {
            return Err(KeyHeaderError::KeyTooShort);
        }
        check_md5(self.md5, rule, &decoded.md5, text)?;
        if algorithm != ALGORITHM {
            return Err(KeyHeaderError::UnsupportedAlgorithm);
        }
        Ok(Some(PresentedKey { key: decoded.key, md5: decoded.md5 }))
    }
}

fn check_md5(
    given: Option<&[u8]>,
    rule: Md5Rule,
    md5: &KeyMd5,
    text: &[u8],
) -> Result<(), KeyHeaderError> {
    let Some(given) = given else {
        return match rule {
            Md5Rule::Required => Err(KeyHeaderError::MissingMd5),
            Md5Rule::Optional | Md5Rule::OptionalOrGuide => Ok(()),
        };
    };
    let digest = Zeroizing::new(md5.to_base64());
    if same(given, digest.as_bytes()) {
        return Ok(());
    }
    if rule == Md5Rule::OptionalOrGuide && same(given, guide_md5(text).as_bytes()) {
        return Ok(());
    }
    Err(KeyHeaderError::Md5Mismatch)
}

/// The value that the OVH guide's shell pipeline makes of a key's text: `base64(hex(MD5(text +
/// "\n")) + "\n")`.
fn guide_md5(text: &[u8]) -> Zeroizing<String> {
    let mut hasher = Box::new(Md5::new());
    hasher.update(text);
    hasher.update(b"\n");
    let mut digest = Zeroizing::new([0_u8; 16]);
    hasher.finalize_into_reset((&mut *digest).into());
    // The block that MD5 compressed is the key's text.
    crate::secret::wipe_stack_below();
    let mut line = Zeroizing::new(Vec::with_capacity(33));
    for byte in digest.iter() {
        line.push(HEX[usize::from(byte >> 4)]);
        line.push(HEX[usize::from(byte & 15)]);
    }
    line.push(b'\n');
    Zeroizing::new(STANDARD.encode(&*line))
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn same(given: &[u8], expected: &[u8]) -> bool {
    given.ct_eq(expected).into()
}

impl fmt::Debug for KeyHeaders<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyHeaders")
            .field("algorithm", &self.algorithm.is_some())
            .field("key", &self.key.is_some())
            .field("md5", &self.md5.is_some())
            .finish()
    }
}

impl fmt::Debug for PresentedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresentedKey").field("key", &self.key).finish_non_exhaustive()
    }
}
