//! What the tests seal, and randomness that they can foresee.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use aws_lc_rs::digest::{SHA256, digest};
use sealed_format::layout::{sealed_chunk_range, sealed_length};
use sealed_format::{
    CHUNK_BYTES, CustomerKey, Damaged, DataKey, HolderKind, ObjectContext, PartHeader, PartOpener,
    PartSealer, Randomness,
};

/// Bytes that never repeat and are the same in each run.
pub(crate) struct Counting(Cell<u64>);

impl Counting {
    pub(crate) fn from(start: u64) -> Self {
        Self(Cell::new(start))
    }
}

impl Randomness for Counting {
    fn fill(&self, out: &mut [u8]) {
        for piece in out.chunks_mut(32) {
            let count = self.0.replace(self.0.get() + 1);
            piece.copy_from_slice(&digest(&SHA256, &count.to_be_bytes()).as_ref()[..piece.len()]);
        }
    }
}

/// Gives out what it was given: for comparing with vectors.
pub(crate) struct Scripted(RefCell<VecDeque<Vec<u8>>>);

impl Scripted {
    pub(crate) fn once(bytes: &[u8]) -> Self {
        Self(RefCell::new(VecDeque::from([bytes.to_vec()])))
    }
}

impl Randomness for Scripted {
    fn fill(&self, out: &mut [u8]) {
        out.copy_from_slice(&self.0.borrow_mut().pop_front().expect("no more was foreseen"));
    }
}

pub(crate) fn key(byte: u8) -> CustomerKey {
    CustomerKey::filled_by(|key| key.fill(byte))
}

pub(crate) const BODY: [u8; 16] = [3; 16];

pub(crate) fn context() -> ObjectContext<'static> {
    ObjectContext {
        holder: HolderKind::Customer,
        bucket_uid: &[1; 16],
        object_key: "photos/2026/01.jpg",
        version_uid: &[2; 16],
        body_id: &BODY,
    }
}

/// Plaintext in which every 8 bytes differ.
pub(crate) fn plain(length: usize) -> Vec<u8> {
    let words = (0_u64..).flat_map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    words.take(length).collect()
}

/// One part as stored.
#[derive(Clone)]
pub(crate) struct SealedPart {
    pub(crate) header: PartHeader,
    pub(crate) stored: Vec<u8>,
}

pub(crate) fn seal_part(
    data: &DataKey,
    place: (&[u8; 16], u32),
    plain: &[u8],
    random: &dyn Randomness,
) -> SealedPart {
    let mut sealer = PartSealer::new(data, place.0, place.1, random);
    let header = *sealer.header();
    let mut stored = vec![0; usize::try_from(sealed_length(plain.len() as u64)).unwrap()];
    let mut out = &mut stored[..];
    let mut chunks = plain.chunks_exact(CHUNK_BYTES);
    for chunk in &mut chunks {
        let (sealed, rest) = out.split_at_mut(CHUNK_BYTES + 16);
        sealer.seal_chunk(chunk, sealed);
        out = rest;
    }
    assert_eq!(sealer.plain_length() as usize, plain.len() - chunks.remainder().len());
    let last = sealer.finish(chunks.remainder(), out);
    assert_eq!(last, out.len(), "the last chunk ends the stored bytes");
    SealedPart { header, stored }
}

/// Opens a whole part as a reader does: the length first, then each chunk. Whatever is refused must
/// not have been released.
pub(crate) fn open_part(
    data: &DataKey,
    place: (&[u8; 16], u32),
    part: &SealedPart,
    plain_length: u64,
) -> Result<Vec<u8>, Damaged> {
    let opener = PartOpener::new(data, place.0, place.1, &part.header, plain_length)?;
    if part.stored.len() as u64 != sealed_length(plain_length) {
        return Err(Damaged("the stored bytes have another length"));
    }
    let mut plain = Vec::new();
    for index in 0..sealed_format::layout::chunk_count(plain_length) {
        let range = sealed_chunk_range(plain_length, index);
        let sealed = &part.stored[range.start as usize..range.end as usize];
        let mut out = vec![UNTOUCHED; CHUNK_BYTES];
        match opener.open_chunk(index, sealed, &mut out) {
            Ok(length) => plain.extend_from_slice(&out[..length]),
            Err(damaged) => {
                assert_nothing_released(&out);
                return Err(damaged);
            }
        }
    }
    Ok(plain)
}

pub(crate) const UNTOUCHED: u8 = 0xee;

/// After a refusal the buffer is as it was, or wiped.
pub(crate) fn assert_nothing_released(out: &[u8]) {
    let wiped = out.iter().take_while(|byte| **byte == 0).count();
    assert!(out[wiped..].iter().all(|byte| *byte == UNTOUCHED), "unverified bytes were released");
}
