//! Ranges, exhaustively around the chunks' borders: what a cover names opens to exactly the wanted
//! bytes.

use std::ops::Range;

use sealed_format::layout::{
    CHUNK_BYTES, SEALED_CHUNK_BYTES, chunk_count, cover, plain_length, sealed_chunk_range,
    sealed_length,
};
use sealed_format::{ObjectSecrets, PartOpener};

use crate::object::{BODY, Counting, SealedPart, plain, seal_part};

const CHUNK: u64 = CHUNK_BYTES as u64;

/// Positions around each border of a part of up to three chunks.
fn positions(length: u64) -> Vec<u64> {
    let around = |border: u64| border.saturating_sub(2)..=border + 2;
    let mut all: Vec<u64> = (0..=4).flat_map(|chunk| around(chunk * CHUNK)).collect();
    all.extend(around(length));
    all.retain(|position| *position <= length);
    all.sort_unstable();
    all.dedup();
    all
}

fn read(opener: &PartOpener, part: &SealedPart, length: u64, wanted: Range<u64>) -> Vec<u8> {
    let cover = cover(length, wanted.clone());
    let mut sealed = &part.stored[cover.sealed.start as usize..cover.sealed.end as usize];
    let mut opened = Vec::new();
    let mut out = vec![0; CHUNK_BYTES];
    for index in cover.first_chunk..=cover.last_chunk {
        let range = sealed_chunk_range(length, index);
        let (chunk, rest) = sealed.split_at((range.end - range.start) as usize);
        let count = opener.open_chunk(index, chunk, &mut out).unwrap();
        opened.extend_from_slice(&out[..count]);
        sealed = rest;
    }
    assert!(sealed.is_empty(), "a cover names no more than its chunks");
    opened.drain(..cover.skip);
    opened.truncate((wanted.end - wanted.start) as usize);
    opened
}

#[test]
fn every_range_around_the_borders_is_exact() {
    let secrets = ObjectSecrets::generate(&Counting::from(0));
    let lengths =
        [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1, 3 * CHUNK - 1, 3 * CHUNK];
    for length in lengths {
        let plain = plain(length as usize);
        let part = seal_part(&secrets.data, (&BODY, 1), &plain, &Counting::from(length));
        let opener = PartOpener::new(&secrets.data, &BODY, 1, &part.header, length).unwrap();
        let positions = positions(length);
        for start in &positions {
            for end in positions.iter().filter(|end| *end > start || length == 0) {
                let opened = read(&opener, &part, length, *start..*end);
                assert!(
                    opened == plain[*start as usize..*end as usize],
                    "{start}..{end} of {length}"
                );
            }
        }
    }
}

#[test]
fn a_cover_is_as_small_as_it_can_be() {
    let length = 3 * CHUNK + 7;
    for (wanted, first, last) in [
        (0..1, 0, 0),
        (CHUNK - 1..CHUNK, 0, 0),
        (CHUNK - 1..CHUNK + 1, 0, 1),
        (CHUNK..2 * CHUNK, 1, 1),
        (length - 1..length, 3, 3),
        (0..length, 0, 3),
    ] {
        let cover = cover(length, wanted.clone());
        assert_eq!((cover.first_chunk, cover.last_chunk), (first, last), "{wanted:?}");
        assert_eq!(cover.skip as u64, wanted.start % CHUNK);
    }
}

#[test]
fn a_read_to_the_end_covers_the_empty_last_chunk() {
    let cover = cover(2 * CHUNK, CHUNK..2 * CHUNK);
    assert_eq!((cover.first_chunk, cover.last_chunk), (1, 2));
    assert_eq!(cover.sealed, SEALED_CHUNK_BYTES as u64..2 * SEALED_CHUNK_BYTES as u64 + 16);
}

#[test]
fn lengths_are_one_to_one() {
    let mut sealed_lengths = (0..=3 * CHUNK + 2).map(|plain| {
        let sealed = sealed_length(plain);
        assert_eq!(plain_length(sealed), Some(plain));
        let chunks: u64 = (0..chunk_count(plain))
            .map(|index| sealed_chunk_range(plain, index))
            .map(|range| range.end - range.start)
            .sum();
        assert_eq!(chunks, sealed, "the chunks are the sealed bytes");
        sealed
    });
    let mut possible = Vec::from_iter(&mut sealed_lengths);
    possible.dedup();
    let last = possible[possible.len() - 1];
    let impossible = (0..=last).filter(|sealed| plain_length(*sealed).is_none()).count();
    assert_eq!(possible.len() + impossible, last as usize + 1);
}
