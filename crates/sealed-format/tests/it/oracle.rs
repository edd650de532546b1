//! The crate `cobblestone` as the judge of bodies, in both directions, at lengths around the
//! chunks' borders.
//!
//! The judge needs the input key that the format derives inside, HKDF-Expand(DEK, "body", 32). It
//! is computed here from a DEK that the injected randomness foresees, with another HKDF than the
//! crate's own code.

use aws_lc_rs::hkdf::{HKDF_SHA512, KeyType, Prk};
use cobblestone::{Key256, decrypt, encrypt};
use sealed_format::{ObjectSecrets, PartHeader};

use crate::object::{BODY, Counting, SealedPart, open_part, plain, seal_part};

const DEK_SEED: u64 = 1_000;
const LENGTHS: [usize; 13] =
    [0, 1, 15, 16, 17, 16_383, 16_384, 16_385, 32_767, 32_768, 32_769, 100_000, 257 * 16_384 + 5];

struct Length32;
impl KeyType for Length32 {
    fn len(&self) -> usize {
        32
    }
}

fn secrets() -> ObjectSecrets {
    ObjectSecrets::generate(&Counting::from(DEK_SEED))
}

/// The input key of the body of [`secrets`].
fn input_key() -> Key256 {
    use sealed_format::Randomness;
    let mut dek = [0; 32];
    Counting::from(DEK_SEED).fill(&mut dek);
    let mut key = [0; 32];
    let prk = Prk::new_less_safe(HKDF_SHA512, &dek);
    prk.expand(&[b"body"], Length32).unwrap().fill(&mut key).unwrap();
    Key256::from_bytes(&key)
}

fn body_context(part_number: u32) -> Vec<u8> {
    [&[0, 0, 0, 16], &BODY[..], &[0, 0, 0, 4], &part_number.to_be_bytes()].concat()
}

#[test]
fn the_judge_opens_what_we_seal() {
    for (number, length) in (1..).zip(LENGTHS) {
        let random = Counting::from(u64::from(number) << 32);
        let part = seal_part(&secrets().data, (&BODY, number), &plain(length), &random);
        let whole = [&part.header.encode()[..], &part.stored].concat();
        let opened = decrypt(&input_key(), &body_context(number), &whole).unwrap();
        assert!(opened == plain(length), "{length} bytes");
    }
}

#[test]
fn we_open_what_the_judge_seals() {
    for (number, length) in (1..).zip(LENGTHS) {
        let whole = encrypt(&input_key(), &body_context(number), &plain(length)).unwrap();
        let header = PartHeader::decode(&whole[..56]).unwrap();
        let part = SealedPart { header, stored: whole[56..].to_vec() };
        let opened = open_part(&secrets().data, (&BODY, number), &part, length as u64).unwrap();
        assert!(opened == plain(length), "{length} bytes");
    }
}
