//! One part of a body: C2SP chunked encryption, suite Cobblestone-256, with the header kept apart.
//!
//! ```text
//! input key = HKDF-Expand(DEK, "body", 32)
//! key (32) || base nonce (12) || commitment (32) = HKDF-Expand(input key,
//!     "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM" || 0x00 || salt (24) || context, 76)
//! context   = LP(body_id) LP(u32be part number)
//! chunk i   = AES-256-GCM(key, base nonce XOR i as 96-bit big endian, 16,384 bytes of plaintext),
//!             the last one shorter
//! ```
//!
//! [`PartHeader`] || stored bytes is exactly a Cobblestone-256 ciphertext, so other implementations
//! open it.
//!
//! Guarantees: the salt is drawn at every [`PartSealer::new`], so two attempts at the same part
//! never share a key; a sealer counts its own chunks, so no nonce repeats; sealing allocates
//! nothing per chunk; an opener checks the commitment in constant time before the first chunk,
//! knows each chunk's exact length from the authenticated length of the part, and leaves nothing
//! unverified in the caller's buffer. Which implementation of AES-GCM does it changes no byte.
//!
//! Does not do: know the length by itself. It comes from sealed facts; a range read of a part whose
//! length is not authenticated would prove nothing about truncation.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::context::push_prefixed;
use crate::error::Damaged;
use crate::gcm::{AesGcm, Gcm, NONCE_BYTES};
use crate::key_schedule::DataKey;
use crate::layout::{
    CHUNK_BYTES, CHUNKS_MAX, PLAIN_BYTES_MAX, SEALED_CHUNK_BYTES, TAG_BYTES, chunk_count,
    chunk_plain_bytes,
};
use crate::primitives::{HASH_BYTES, KEY_BYTES, Prk};
use crate::randomness::{Randomness, salt};
use crate::secret::Secret;
use crate::witness;

const BODY_LABEL: &[u8] = b"body";
const C2SP_LABEL: &[u8] = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";
const SALT_BYTES: usize = 24;
const COMMITMENT_BYTES: usize = 32;

/// The length of a part's header.
pub const PART_HEADER_BYTES: usize = SALT_BYTES + COMMITMENT_BYTES;
const _: () = assert!(PART_HEADER_BYTES == 56);

/// What stands before the chunks in a Cobblestone-256 ciphertext, and here in the sealed facts.
/// Neither field is secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartHeader {
    /// Random at every attempt to upload the part: it is the attempt's identity.
    pub salt: [u8; SALT_BYTES],
    /// Commits to the key, the body, the part number and the salt.
    pub commitment: [u8; COMMITMENT_BYTES],
}

impl PartHeader {
    /// `salt || commitment`
    pub fn encode(&self) -> [u8; PART_HEADER_BYTES] {
        let mut out = [0; PART_HEADER_BYTES];
        out[..SALT_BYTES].copy_from_slice(&self.salt);
        out[SALT_BYTES..].copy_from_slice(&self.commitment);
        out
    }

    /// The reverse of [`PartHeader::encode`].
    ///
    /// # Errors
    /// If the length is another.
    pub fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let bytes: &[u8; PART_HEADER_BYTES] =
            bytes.try_into().map_err(|_| Damaged("the part header has another length"))?;
        let (salt, commitment) = bytes.split_at(SALT_BYTES);
        Ok(Self {
            salt: salt.try_into().expect("24 bytes by constants"),
            commitment: commitment.try_into().expect("32 bytes by constants"),
        })
    }
}

/// Seals one attempt at one part, chunk after chunk.
#[derive(Debug)]
pub struct PartSealer {
    cipher: ChunkCipher,
    header: PartHeader,
    chunks: u64,
}

impl PartSealer {
    /// Begins an attempt with a fresh salt. Three HMACs and one AES key schedule.
    pub fn new(
        data: &DataKey,
        body_id: &[u8; 16],
        part_number: u32,
        random: &dyn Randomness,
    ) -> Self {
        Self::by(AesGcm::of_this_processor(), data, body_id, part_number, random)
    }

    /// As [`PartSealer::new`], by a certain implementation of AES-GCM.
    pub fn by(
        gcm: AesGcm,
        data: &DataKey,
        body_id: &[u8; 16],
        part_number: u32,
        random: &dyn Randomness,
    ) -> Self {
        let salt = salt::<SALT_BYTES>(random);
        let context = context(body_id, part_number);
        let (cipher, commitment) = ChunkCipher::derive(gcm, &body_key(data), &context, &salt);
        Self { cipher, header: PartHeader { salt, commitment }, chunks: 0 }
    }

    /// The header of this attempt, to be kept with the part.
    pub fn header(&self) -> &PartHeader {
        &self.header
    }

    /// Seals the next full chunk: 16,384 bytes of `plain` into 16,400 of `out`.
    ///
    /// # Panics
    /// On other lengths, or beyond the format's limit of 4 PiB: mistakes of the caller.
    pub fn seal_chunk(&mut self, plain: &[u8], out: &mut [u8]) {
        assert_eq!(plain.len(), CHUNK_BYTES, "a chunk before the last is full");
        assert_eq!(out.len(), SEALED_CHUNK_BYTES, "the output takes a full chunk");
        assert!(self.chunks + 1 < CHUNKS_MAX, "the last chunk's number is kept for the last");
        self.cipher.gcm.seal(self.cipher.nonce(self.chunks), &[], plain, out);
        self.chunks += 1;
    }

    /// Seals the last chunk, shorter than a full one and perhaps empty, into the front of `out`;
    /// returns its sealed length.
    ///
    /// # Panics
    /// If `rest` is a full chunk or longer, or `out` too short: mistakes of the caller.
    #[must_use = "the sealed length of the last chunk"]
    pub fn finish(self, rest: &[u8], out: &mut [u8]) -> usize {
        assert!(rest.len() < CHUNK_BYTES, "the last chunk is shorter than a full one");
        let sealed = rest.len() + TAG_BYTES;
        self.cipher.gcm.seal(self.cipher.nonce(self.chunks), &[], rest, &mut out[..sealed]);
        sealed
    }

    /// The plaintext bytes in full chunks so far.
    pub fn plain_length(&self) -> u64 {
        self.chunks * CHUNK_BYTES as u64
    }
}

/// Opens the chunks of one part in any order.
#[derive(Debug)]
pub struct PartOpener {
    cipher: ChunkCipher,
    plain_length: u64,
}

impl PartOpener {
    /// Derives the part's key and checks the header's commitment in constant time. `plain_length`
    /// must come from sealed facts. Three HMACs and one AES key schedule.
    ///
    /// # Errors
    /// If the header was not made for this body, part number and key.
    pub fn new(
        data: &DataKey,
        body_id: &[u8; 16],
        part_number: u32,
        header: &PartHeader,
        plain_length: u64,
    ) -> Result<Self, Damaged> {
        let gcm = AesGcm::of_this_processor();
        Self::by(gcm, data, body_id, part_number, header, plain_length)
    }

    /// As [`PartOpener::new`], by a certain implementation of AES-GCM.
    ///
    /// # Errors
    /// If the header was not made for this body, part number and key.
    pub fn by(
        gcm: AesGcm,
        data: &DataKey,
        body_id: &[u8; 16],
        part_number: u32,
        header: &PartHeader,
        plain_length: u64,
    ) -> Result<Self, Damaged> {
        let context = context(body_id, part_number);
        Self::with_input_key(gcm, &body_key(data), &context, header, plain_length)
    }

    fn with_input_key(
        gcm: AesGcm,
        input_key: &Secret<KEY_BYTES>,
        context: &[u8],
        header: &PartHeader,
        plain_length: u64,
    ) -> Result<Self, Damaged> {
        if plain_length > PLAIN_BYTES_MAX {
            return Err(Damaged("no part is as long as this one is said to be"));
        }
        let (cipher, commitment) = ChunkCipher::derive(gcm, input_key, context, &header.salt);
        if !bool::from(commitment.ct_eq(&header.commitment)) {
            return Err(Damaged("the part header is not that of this body and part"));
        }
        Ok(Self { cipher, plain_length })
    }

    /// Opens chunk `index` from its exact sealed bytes into the front of `out`; returns its
    /// plaintext length.
    ///
    /// # Errors
    /// If the part has no such chunk, `sealed` has not the chunk's length, or it does not
    /// authenticate. Then nothing of it is in `out`.
    ///
    /// # Panics
    /// If `out` is shorter than the chunk: a mistake of the caller.
    pub fn open_chunk(&self, index: u64, sealed: &[u8], out: &mut [u8]) -> Result<usize, Damaged> {
        let plain = self.plain_bytes_of(index, sealed.len())?;
        self.cipher
            .gcm
            .open(self.cipher.nonce(index), &[], sealed, &mut out[..plain])
            .map_err(|_| Damaged("a chunk does not authenticate"))?;
        Ok(plain)
    }

    /// Opens the chunks from `first` on that stand in `run` one behind the other, exactly and to its
    /// end; their plaintext is joined at the front of `run`. Returns its length; what stands behind
    /// it is left of the seals.
    ///
    /// # Errors
    /// As [`PartOpener::open_chunk`]. Then all of `run` is wiped.
    pub fn open_run(&self, first: u64, run: &mut [u8]) -> Result<usize, Damaged> {
        let opened = self.open_run_unless(first, run);
        if opened.is_err() {
            run.zeroize();
        }
        opened
    }

    fn open_run_unless(&self, first: u64, run: &mut [u8]) -> Result<usize, Damaged> {
        let (mut plain_at, mut sealed_at) = (0, 0);
        for index in first.. {
            if sealed_at == run.len() {
                break;
            }
            let end = run.len().min(sealed_at + SEALED_CHUNK_BYTES);
            let plain = self.plain_bytes_of(index, end - sealed_at)?;
            self.cipher
                .gcm
                .open_within(
                    self.cipher.nonce(index),
                    &[],
                    &mut run[plain_at..end],
                    sealed_at - plain_at,
                )
                .map_err(|_| Damaged("a chunk does not authenticate"))?;
            (plain_at, sealed_at) = (plain_at + plain, end);
        }
        Ok(plain_at)
    }

    /// Whether [`PartOpener::open_run`] costs less than [`PartOpener::open_chunk`] by chunk: it
    /// depends on the implementation of AES-GCM.
    pub fn prefers_runs(&self) -> bool {
        self.cipher.gcm.is_in_place()
    }

    /// The plaintext length of chunk `index`, if there is one and it has this sealed length.
    fn plain_bytes_of(&self, index: u64, sealed: usize) -> Result<usize, Damaged> {
        if index >= chunk_count(self.plain_length) {
            return Err(Damaged("the part has no such chunk"));
        }
        let plain = chunk_plain_bytes(self.plain_length, index);
        if sealed != plain + TAG_BYTES {
            return Err(Damaged("the chunk has another length"));
        }
        Ok(plain)
    }
}

/// The input key of the body format.
fn body_key(data: &DataKey) -> Secret<KEY_BYTES> {
    let mut info = Vec::with_capacity(BODY_LABEL.len() + 1);
    info.extend_from_slice(BODY_LABEL);
    data.prk().expand_key("body-key", &mut info)
}

/// The key and the base nonce of one attempt at one part.
struct ChunkCipher {
    gcm: Gcm,
    base_nonce: Zeroizing<[u8; NONCE_BYTES]>,
}

impl ChunkCipher {
    fn derive(
        gcm: AesGcm,
        input_key: &Secret<KEY_BYTES>,
        context: &[u8],
        salt: &[u8; SALT_BYTES],
    ) -> (Self, [u8; COMMITMENT_BYTES]) {
        let okm = expand(input_key, &[C2SP_LABEL, salt, context].concat());
        let (key, rest) = okm.expose().split_at(KEY_BYTES);
        witness::record("part-key", key);
        let mut base_nonce = Zeroizing::new([0; NONCE_BYTES]);
        base_nonce.copy_from_slice(&rest[..NONCE_BYTES]);
        let mut commitment = [0; COMMITMENT_BYTES];
        commitment.copy_from_slice(&rest[NONCE_BYTES..NONCE_BYTES + COMMITMENT_BYTES]);
        (Self { gcm: Gcm::by(gcm, key), base_nonce }, commitment)
    }

    /// The base nonce XOR the chunk's number, as a big-endian integer of 96 bits.
    fn nonce(&self, index: u64) -> [u8; NONCE_BYTES] {
        debug_assert!(index < CHUNKS_MAX, "the counter stays in its range");
        let mut nonce = *self.base_nonce;
        for (byte, counter) in nonce[NONCE_BYTES - 8..].iter_mut().zip(index.to_be_bytes()) {
            *byte ^= counter;
        }
        nonce
    }
}

impl fmt::Debug for ChunkCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChunkCipher(..)")
    }
}

/// `LP(body_id) LP(u32be part number)`
fn context(body_id: &[u8; 16], part_number: u32) -> Vec<u8> {
    let mut context = Vec::with_capacity(4 + 16 + 4 + 4);
    push_prefixed(&mut context, body_id);
    push_prefixed(&mut context, &part_number.to_be_bytes());
    context
}

/// HKDF-Expand-SHA-512(key, info, 128): T(1) || T(2), of which the format uses 76 bytes.
fn expand(key: &Secret<KEY_BYTES>, info: &[u8]) -> Secret<{ 2 * HASH_BYTES }> {
    let prk = Prk::of(key.expose());
    let mut okm = Secret::<{ 2 * HASH_BYTES }>::unwitnessed();
    let (first, second) = okm.expose_mut().split_at_mut(HASH_BYTES);
    let first: &mut [u8; HASH_BYTES] = first.try_into().expect("half of the output");
    let second: &mut [u8; HASH_BYTES] = second.try_into().expect("half of the output");

    // T(1) || info || counter, in one buffer that never grows: T(1) is the chunks' key.
    let mut message = Zeroizing::new(vec![0; HASH_BYTES + info.len() + 1]);
    let counter = HASH_BYTES + info.len();
    message[HASH_BYTES..counter].copy_from_slice(info);
    message[counter] = 1;
    prk.sign(&message[HASH_BYTES..], first);
    message[..HASH_BYTES].copy_from_slice(first);
    message[counter] = 2;
    prk.sign(&message, second);
    // The bytes after the commitment belong to nobody.
    second[KEY_BYTES + NONCE_BYTES + COMMITMENT_BYTES - HASH_BYTES..].zeroize();
    okm
}

#[cfg(test)]
mod wycheproof;
