//! Seals: one small record under a key that seals nothing else.
//!
//! ```text
//! offset  length
//!      0       1   format   0x01
//!      1      32   salt     random, new at every seal
//!     33       n   record   AES-256-GCM(HKDF-Expand(key, label || salt, 32), nonce 0, record,
//!   33+n      16   tag                   aad = 0x01 || label || bound)
//! ```
//!
//! Guarantees: sealing the same record twice uses two keys; a seal of one kind never opens as
//! another; nothing unverified is returned, and what was decrypted is wiped.
//!
//! The records' encodings stand in [`crate::facts`].

use aws_lc_rs::digest;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::context::push_prefixed;
use crate::error::Damaged;
use crate::facts::{CompletionFacts, PartFacts, PartOutline, Record, UploadFacts, VersionFacts};
use crate::gcm::{Gcm, SINGLE_USE_NONCE, TAG_BYTES};
use crate::key_schedule::{CompletionKey, DataKey, MetadataKey};
use crate::primitives::{KEY_BYTES, Prk};
use crate::randomness::{Randomness, salt};
use crate::secret::Secret;

const FORMAT: u8 = 1;
const SALT_BYTES: usize = 32;
const RECORD_AT: usize = 1 + SALT_BYTES;

/// How much longer a seal is than its record.
pub(crate) const SEAL_OVERHEAD_BYTES: usize = RECORD_AT + TAG_BYTES;

/// What a seal is of. The labels are in the derivations and never change.
#[derive(Clone, Copy)]
pub(crate) struct SealKind(pub(crate) &'static [u8]);

const VERSION: SealKind = SealKind(b"version seal");
const UPLOAD: SealKind = SealKind(b"upload seal");
const COMPLETION: SealKind = SealKind(b"completion seal");
const PART: SealKind = SealKind(b"part record");
const OUTLINE_MAC: &[u8] = b"outline mac";
const MANIFEST: &[u8] = b"strongroom manifest v1";

/// Seals a version's facts under its MK.
pub fn seal_version(key: &MetadataKey, facts: &VersionFacts, random: &dyn Randomness) -> Vec<u8> {
    VERSION.seal_record(&key.prk(), &[], facts, random)
}

/// Opens a version's facts.
///
/// # Errors
/// If the seal was changed, is another version's or of another kind, or does not decode.
pub fn open_version(key: &MetadataKey, sealed: &[u8]) -> Result<VersionFacts, Damaged> {
    VERSION.open_record(&key.prk(), &[], sealed)
}

/// Seals an upload's facts under its version's MK, at CreateMultipartUpload.
pub fn seal_upload(key: &MetadataKey, facts: &UploadFacts, random: &dyn Randomness) -> Vec<u8> {
    UPLOAD.seal_record(&key.prk(), &[], facts, random)
}

/// Opens an upload's facts.
///
/// # Errors
/// As [`open_version`].
pub fn open_upload(key: &MetadataKey, sealed: &[u8]) -> Result<UploadFacts, Damaged> {
    UPLOAD.open_record(&key.prk(), &[], sealed)
}

/// Seals a completion's facts under CK, at CompleteMultipartUpload: no customer key is needed.
pub fn seal_completion(
    key: &CompletionKey,
    facts: &CompletionFacts,
    random: &dyn Randomness,
) -> Vec<u8> {
    COMPLETION.seal_record(&key.prk(), &[], facts, random)
}

/// Opens a completion's facts.
///
/// # Errors
/// As [`open_version`].
pub fn open_completion(key: &CompletionKey, sealed: &[u8]) -> Result<CompletionFacts, Damaged> {
    COMPLETION.open_record(&key.prk(), &[], sealed)
}

/// Seals a part's record under its body's DEK, so that versions that share the body share its
/// records.
pub fn seal_part(
    key: &DataKey,
    body_id: &[u8; 16],
    facts: &PartFacts,
    random: &dyn Randomness,
) -> Vec<u8> {
    PART.seal_record(&key.prk(), body_id, facts, random)
}

/// Opens a part's record.
///
/// # Errors
/// As [`open_version`]; also if it is another body's.
pub fn open_part(key: &DataKey, body_id: &[u8; 16], sealed: &[u8]) -> Result<PartFacts, Damaged> {
    PART.open_record(&key.prk(), body_id, sealed)
}

/// Authenticates the checksum-free part of a part's record under CK, so that Complete can trust it
/// without a customer key: HKDF-Expand(CK, "outline mac" || body_id || outline, 32).
pub fn outline_mac(key: &CompletionKey, body_id: &[u8; 16], outline: &PartOutline) -> [u8; 32] {
    let mut message = Vec::with_capacity(256);
    message.extend_from_slice(OUTLINE_MAC);
    message.extend_from_slice(body_id);
    outline.encode_into(&mut message);
    key.prk().expand_public(&mut message)
}

/// Checks an outline's authenticator in constant time.
///
/// # Errors
/// If it is not that of this outline, body and upload.
pub fn verify_outline_mac(
    key: &CompletionKey,
    body_id: &[u8; 16],
    outline: &PartOutline,
    mac: &[u8],
) -> Result<(), Damaged> {
    if bool::from(outline_mac(key, body_id, outline)[..].ct_eq(mac)) {
        Ok(())
    } else {
        Err(Damaged("the part's outline does not authenticate"))
    }
}

/// The SHA-256 of one run of up to 1,000 parts as they follow each other in the object; `start` is
/// the plaintext offset of the first. The digests stand in the version's seal, so a reader of one
/// part reads one run and not 10,000 records.
pub fn manifest_digest(body_id: &[u8; 16], start: u64, outlines: &[PartOutline]) -> [u8; 32] {
    let mut message = Vec::with_capacity(64 + outlines.len() * 128);
    push_prefixed(&mut message, MANIFEST);
    push_prefixed(&mut message, body_id);
    message.extend_from_slice(&start.to_be_bytes());
    let count = u32::try_from(outlines.len()).expect("a run has at most 1,000 parts");
    message.extend_from_slice(&count.to_be_bytes());
    for outline in outlines {
        outline.encode_into(&mut message);
    }
    digest::digest(&digest::SHA256, &message).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

impl SealKind {
    fn seal_record<R: Record>(
        self,
        prk: &Prk,
        bound: &[u8],
        record: &R,
        random: &dyn Randomness,
    ) -> Vec<u8> {
        self.seal(prk, bound, &record.encode(), random)
    }

    fn open_record<R: Record>(self, prk: &Prk, bound: &[u8], sealed: &[u8]) -> Result<R, Damaged> {
        if sealed.len() > R::BYTES_MAX + SEAL_OVERHEAD_BYTES {
            return Err(Damaged("the seal is longer than its kind can be"));
        }
        let mut record = Zeroizing::new(vec![0; record_length(sealed)?]);
        self.open(prk, bound, sealed, &mut record)?;
        R::decode(&record)
    }

    /// Seals `record`, bound to `bound`, under a key of its own.
    pub(crate) fn seal(
        self,
        prk: &Prk,
        bound: &[u8],
        record: &[u8],
        random: &dyn Randomness,
    ) -> Vec<u8> {
        let salt = salt::<SALT_BYTES>(random);
        let mut sealed = vec![0; SEAL_OVERHEAD_BYTES + record.len()];
        sealed[0] = FORMAT;
        sealed[1..RECORD_AT].copy_from_slice(&salt);
        let key = Gcm::new(self.key(prk, &salt).expose());
        key.seal(SINGLE_USE_NONCE, &self.aad(bound), record, &mut sealed[RECORD_AT..]);
        sealed
    }

    /// Opens into `out`, which has the length that [`record_length`] tells.
    pub(crate) fn open(
        self,
        prk: &Prk,
        bound: &[u8],
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<(), Damaged> {
        assert_eq!(record_length(sealed), Ok(out.len()), "the output has the record's length");
        if sealed[0] != FORMAT {
            return Err(Damaged("the seal's format is unknown"));
        }
        let key = Gcm::new(self.key(prk, &sealed[1..RECORD_AT]).expose());
        key.open(SINGLE_USE_NONCE, &self.aad(bound), &sealed[RECORD_AT..], out)
            .map_err(|_| Damaged("the seal does not authenticate"))
    }

    fn key(self, prk: &Prk, salt: &[u8]) -> Secret<KEY_BYTES> {
        let mut info = Vec::with_capacity(self.0.len() + SALT_BYTES + 1);
        info.extend_from_slice(self.0);
        info.extend_from_slice(salt);
        prk.expand_key("seal-key", &mut info)
    }

    fn aad(self, bound: &[u8]) -> Vec<u8> {
        [&[FORMAT], self.0, bound].concat()
    }
}

/// The length of the record in a seal.
pub(crate) fn record_length(sealed: &[u8]) -> Result<usize, Damaged> {
    sealed.len().checked_sub(SEAL_OVERHEAD_BYTES).ok_or(Damaged("the seal is too short"))
}
