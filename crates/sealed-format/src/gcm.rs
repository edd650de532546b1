//! AES-256-GCM, by either of two implementations that give the same bytes: docs/decisions/0014.
//!
//! Records and envelopes are sealed by aws-lc, as all other cryptography is done. Bodies are sealed
//! by whichever implementation this processor runs faster: aws-lc has AES-GCM for AVX-512 and, where
//! that is missing, for one block at a time (AES-NI); ring has it for two blocks at a time
//! (VAES with AVX2) as well, which doubles the rate on processors that have the one and not the
//! other.
//!
//! Guarantees: a seal allocates nothing; what does not verify is wiped before the caller sees it; a
//! key schedule stands in one heap block, moves by its pointer, and is overwritten when it is
//! dropped, as are the frames that it was computed in.
//!
//! Does not: keep nonces apart. Who calls guarantees that a nonce is fresh for its key.

use std::sync::LazyLock;

use aws_lc_rs::aead as aws_lc;
use ring::aead as ring;
use zeroize::Zeroize;

use crate::error::Damaged;
use crate::primitives::KEY_BYTES;
use crate::secret::wipe_deep_stack_below;

/// The nonce of AES-GCM.
pub(crate) const NONCE_BYTES: usize = 12;
/// The tag that AES-GCM appends.
pub(crate) const TAG_BYTES: usize = 16;
/// The nonce of every key that seals exactly one thing.
pub(crate) const SINGLE_USE_NONCE: [u8; NONCE_BYTES] = [0; NONCE_BYTES];

/// An implementation of AES-GCM. Both give the same bytes; they differ in speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AesGcm {
    /// aws-lc, which does all other cryptography too.
    AwsLc,
    /// ring.
    Ring,
}

impl AesGcm {
    /// The faster one on this processor: ring where it has VAES, VPCLMULQDQ and AVX2 and lacks what
    /// aws-lc's wide code asks for (`crypto_gcm_avx512_enabled` in its `gcm.c`), else aws-lc.
    #[must_use]
    pub fn of_this_processor() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            let vectors = has!("vaes") && has!("vpclmulqdq") && has!("avx2");
            let wide = has!("avx512f") && has!("avx512dq") && has!("avx512bw") && has!("avx512vl");
            Self::of(vectors, wide)
        }
        #[cfg(not(target_arch = "x86_64"))]
        Self::of(false, false)
    }

    /// The faster one where AES has `vectors` of two blocks, and where it has `wide` ones of four.
    fn of(vectors: bool, wide: bool) -> Self {
        if vectors && !wide { Self::Ring } else { Self::AwsLc }
    }
}

/// AES-256-GCM under one key.
pub(crate) enum Gcm {
    /// The key schedule stands behind a pointer, in memory that aws-lc wipes when it frees it.
    AwsLc(aws_lc::LessSafeKey),
    /// The same by our own doing.
    Ring(Schedule),
}

impl Gcm {
    /// Expands the key, for a record or an envelope.
    pub(crate) fn new(key: &[u8]) -> Self {
        Self::by(AesGcm::AwsLc, key)
    }

    /// Expands the key of a body.
    pub(crate) fn by(implementation: AesGcm, key: &[u8]) -> Self {
        match implementation {
            AesGcm::AwsLc => {
                let key = aws_lc::UnboundKey::new(&aws_lc::AES_256_GCM, key);
                Self::AwsLc(aws_lc::LessSafeKey::new(key.expect("the key has 32 bytes")))
            }
            AesGcm::Ring => Self::Ring(Schedule::of(key)),
        }
    }

    /// Seals `plain` into `out`, which is exactly one tag longer. The caller guarantees that
    /// `nonce` is fresh for the key.
    pub(crate) fn seal(&self, nonce: [u8; NONCE_BYTES], aad: &[u8], plain: &[u8], out: &mut [u8]) {
        assert_eq!(out.len(), plain.len() + TAG_BYTES, "a seal is one tag longer");
        let (cipher, tag) = out.split_at_mut(plain.len());
        match self {
            Self::AwsLc(key) => {
                let (nonce, aad) = (aws_lc_nonce(nonce), aws_lc::Aad::from(aad));
                key.seal_out_of_place_scatter(nonce, aad, plain, cipher, &[], tag)
                    .expect("lengths fit and are far below the limit of one nonce");
            }
            Self::Ring(Schedule(key)) => {
                // ring seals in place only. The copy stays in the first-level cache.
                copy_in_pieces(plain, cipher);
                let sealed = key
                    .seal_in_place_separate_tag(ring_nonce(nonce), ring::Aad::from(aad), cipher)
                    .expect("the length is far below the limit of one nonce");
                tag.copy_from_slice(sealed.as_ref());
            }
        }
    }

    /// Opens `sealed` into `out`, which is exactly one tag shorter. On failure `out` is wiped:
    /// nothing unverified is ever left in it.
    pub(crate) fn open(
        &self,
        nonce: [u8; NONCE_BYTES],
        aad: &[u8],
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<(), Damaged> {
        assert_eq!(sealed.len(), out.len() + TAG_BYTES, "a seal is one tag longer");
        let (cipher, tag) = sealed.split_at(out.len());
        let opened = match self {
            Self::AwsLc(key) => {
                let (nonce, aad) = (aws_lc_nonce(nonce), aws_lc::Aad::from(aad));
                key.open_separate_gather(nonce, aad, cipher, tag, out).is_ok()
            }
            Self::Ring(Schedule(key)) => {
                copy_in_pieces(cipher, out);
                let tag = ring::Tag::try_from(tag).expect("a tag has 16 bytes");
                let (nonce, aad) = (ring_nonce(nonce), ring::Aad::from(aad));
                key.open_in_place_separate_tag(nonce, aad, tag, out, 0..).is_ok()
            }
        };
        authentic(opened, out)
    }

    /// Opens what stands in `run` from `at` to its end, to the front of `run`, over which it may
    /// reach. On failure all of `run` is wiped.
    pub(crate) fn open_within(
        &self,
        nonce: [u8; NONCE_BYTES],
        aad: &[u8],
        run: &mut [u8],
        at: usize,
    ) -> Result<(), Damaged> {
        let opened = match self {
            Self::AwsLc(key) => {
                let (nonce, aad) = (aws_lc_nonce(nonce), aws_lc::Aad::from(aad));
                key.open_within(nonce, aad, run, at..).is_ok()
            }
            Self::Ring(Schedule(key)) => {
                let (nonce, aad) = (ring_nonce(nonce), ring::Aad::from(aad));
                key.open_within(nonce, aad, run, at..).is_ok()
            }
        };
        authentic(opened, run)
    }

    /// Whether [`Gcm::open`] has to copy first, so that [`Gcm::open_within`] is the cheaper one.
    pub(crate) fn is_in_place(&self) -> bool {
        matches!(self, Self::Ring(_))
    }
}

/// Copies by kilobytes: longer copies are `rep movsb` in glibc, which before 2.39 takes twenty times as
/// long on AMD's Zen where the destination is just ahead of the source within a page (its bug 30994).
fn copy_in_pieces(from: &[u8], to: &mut [u8]) {
    assert_eq!(from.len(), to.len(), "a copy is as long as its source");
    for (to, from) in to.chunks_mut(1_024).zip(from.chunks(1_024)) {
        to.copy_from_slice(from);
    }
}

fn aws_lc_nonce(nonce: [u8; NONCE_BYTES]) -> aws_lc::Nonce {
    aws_lc::Nonce::assume_unique_for_key(nonce)
}

fn ring_nonce(nonce: [u8; NONCE_BYTES]) -> ring::Nonce {
    ring::Nonce::assume_unique_for_key(nonce)
}

/// Wipes what was not `opened`.
fn authentic(opened: bool, out: &mut [u8]) -> Result<(), Damaged> {
    if !opened {
        out.zeroize();
        return Err(Damaged("authentication failed"));
    }
    Ok(())
}

/// ring's key schedule, which ring itself keeps inline and never wipes.
pub(crate) struct Schedule(Box<ring::LessSafeKey>);

impl Schedule {
    fn of(key: &[u8]) -> Self {
        let schedule = expanded(key);
        wipe_deep_stack_below();
        Self(schedule)
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        /// What a schedule is overwritten with, since ring gives no access to its bytes: that of a key
        /// that everybody knows. The same processor makes the same form of it, field by field.
        static BLANK: LazyLock<Box<ring::LessSafeKey>> =
            LazyLock::new(|| expanded(&[0; KEY_BYTES]));
        self.0.clone_from(&BLANK);
        zeroize::optimization_barrier(&*self.0);
    }
}

/// Apart from its caller, so that its frame is below it and can be wiped.
#[inline(never)]
fn expanded(key: &[u8]) -> Box<ring::LessSafeKey> {
    let key = ring::UnboundKey::new(&ring::AES_256_GCM, key).expect("the key has 32 bytes");
    Box::new(ring::LessSafeKey::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::CHUNK_BYTES;

    const BOTH: [AesGcm; 2] = [AesGcm::AwsLc, AesGcm::Ring];
    const NONCE: [u8; NONCE_BYTES] = [9; NONCE_BYTES];

    /// Around the edges of a block, of what is done at once (2, 4, 8 and 16 blocks), and of a chunk.
    fn lengths() -> impl Iterator<Item = usize> {
        let around = |edge: usize| edge.saturating_sub(17)..=edge + 17;
        [0, 32, 64, 128, 256, 512, 3_072, 4_096, CHUNK_BYTES].into_iter().flat_map(around)
    }

    fn plain(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 31 + at / 256) as u8).collect()
    }

    fn sealed(gcm: &Gcm, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut out = vec![0xee; plain.len() + TAG_BYTES];
        gcm.seal(NONCE, aad, plain, &mut out);
        out
    }

    #[test]
    fn the_faster_one_is_taken_and_the_one_that_was_asked_for() {
        assert_eq!(AesGcm::of(true, false), AesGcm::Ring);
        assert_eq!(AesGcm::of(true, true), AesGcm::AwsLc);
        assert_eq!(AesGcm::of(false, false), AesGcm::AwsLc);
        assert_eq!(AesGcm::of(false, true), AesGcm::AwsLc);
        for which in BOTH {
            let gcm = Gcm::by(which, &[7; KEY_BYTES]);
            assert_eq!(gcm.is_in_place(), which == AesGcm::Ring);
        }
        assert!(matches!(Gcm::new(&[7; KEY_BYTES]), Gcm::AwsLc(_)));
    }

    #[test]
    fn both_give_the_same_bytes_and_open_each_others() {
        let [first, second] = BOTH.map(|which| Gcm::by(which, &[7; KEY_BYTES]));
        for length in lengths() {
            let plain = plain(length);
            for aad in [&b""[..], b"aad", &[5; 16], &[6; 33]] {
                let stored = sealed(&first, aad, &plain);
                assert_eq!(stored, sealed(&second, aad, &plain), "{length}");
                for gcm in [&first, &second] {
                    let mut out = vec![0xee; length];
                    gcm.open(NONCE, aad, &stored, &mut out).unwrap();
                    assert_eq!(out, plain, "{length}");
                }
            }
        }
    }

    #[test]
    fn both_open_within_a_run_at_any_place() {
        for gcm in BOTH.map(|which| Gcm::by(which, &[7; KEY_BYTES])) {
            for length in lengths() {
                let plain = plain(length);
                for at in [0, 1, 15, 16, 17, 240] {
                    let mut run = vec![0xee; at];
                    run.extend(sealed(&gcm, b"", &plain));
                    gcm.open_within(NONCE, b"", &mut run, at).unwrap();
                    assert_eq!(run[..length], plain, "{length} at {at}");
                }
            }
        }
    }

    #[test]
    fn both_refuse_and_wipe_what_was_tampered_with() {
        for gcm in BOTH.map(|which| Gcm::by(which, &[7; KEY_BYTES])) {
            for length in [0, 1, 15, 16, 17, 100, 4_096, CHUNK_BYTES - 1, CHUNK_BYTES] {
                let stored = sealed(&gcm, b"aad", &plain(length));
                for at in [0, length / 2, length, length + TAG_BYTES - 1] {
                    let mut broken = stored.clone();
                    broken[at] ^= 1;
                    let mut out = vec![0xee; length];
                    assert!(gcm.open(NONCE, b"aad", &broken, &mut out).is_err(), "{length}");
                    assert_eq!(out, vec![0; length]);
                    broken.splice(0..0, [0xee; 16]);
                    assert!(gcm.open_within(NONCE, b"aad", &mut broken, 16).is_err());
                    assert!(broken.iter().all(|byte| *byte == 0));
                }
                let mut out = vec![0xee; length];
                assert!(gcm.open(NONCE, b"other", &stored, &mut out).is_err(), "{length}");
                assert!(gcm.open([8; NONCE_BYTES], b"aad", &stored, &mut out).is_err());
            }
        }
    }

    /// McGrew and Viega's test cases 13 to 16, "The Galois/Counter Mode of Operation", appendix B.
    #[test]
    fn both_are_aes_256_gcm() {
        let key = bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
        let nonce = bytes("cafebabefacedbaddecaf888").try_into().unwrap();
        let plain = bytes(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
             1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        );
        let aad = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let expected = bytes(
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
             8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662\
             76fc6ece0f4e1768cddf8853bb2d551b",
        );
        for which in BOTH {
            let mut out = vec![0; plain.len() + TAG_BYTES];
            Gcm::by(which, &key).seal(nonce, &aad, &plain, &mut out);
            assert_eq!(out, expected, "{which:?}");
            let mut tag = [0; TAG_BYTES];
            Gcm::by(which, &[0; KEY_BYTES]).seal([0; NONCE_BYTES], b"", b"", &mut tag);
            assert_eq!(tag[..], bytes("530f8afbc74536b9a963b4f1c4cb738b"), "{which:?}");
        }
    }

    fn bytes(hex: &str) -> Vec<u8> {
        let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(digit).collect()
    }
}
