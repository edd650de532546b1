//! Limits are held when sealing as well as when opening: what would not be read back is never
//! written.

use super::encoding::Reader;
use super::records::Record;
use super::*;
use crate::error::Damaged;

fn part() -> PartFacts {
    PartFacts {
        outline: PartOutline {
            number: 1,
            header: PartHeader { salt: [1; 24], commitment: [2; 32] },
            length: 5,
            etag: "0".repeat(32),
        },
        checksum: None,
    }
}

fn upload(metadata: ObjectMetadata) -> UploadFacts {
    UploadFacts { holder: HolderKind::Customer, metadata, checksum: None }
}

#[test]
fn the_longest_record_of_metadata_is_read_back() {
    let entry = (String::new(), "v".repeat(METADATA_BYTES_MAX / USER_ENTRIES_MAX));
    let facts =
        upload(ObjectMetadata { user: vec![entry; USER_ENTRIES_MAX], ..ObjectMetadata::default() });
    assert!(UploadFacts::decode(&facts.encode()).unwrap() == facts);
    let facts = upload(ObjectMetadata {
        content_type: Some("t".repeat(TEXT_BYTES_MAX)),
        ..ObjectMetadata::default()
    });
    assert!(UploadFacts::decode(&facts.encode()).unwrap() == facts);
}

#[test]
fn a_record_cut_anywhere_is_refused() {
    let record = part().encode();
    for length in 0..record.len() {
        assert!(PartFacts::decode(&record[..length]).is_err(), "{length}");
    }
}

#[test]
fn a_length_beyond_its_limit_is_refused_before_it_is_believed() {
    let mut input = Reader(&[0xff, 0xff, 0xff, 0xff, b'a']);
    assert_eq!(input.text(10), Err(Damaged("a count is above its limit")));
}

#[test]
#[should_panic(expected = "a sealed text keeps its limit")]
fn an_etag_that_would_not_be_read_back_is_not_sealed() {
    let mut facts = part();
    facts.outline.etag = "0".repeat(ETAG_BYTES_MAX + 1);
    let _ = facts.encode();
}

#[test]
#[should_panic(expected = "a part number keeps its limit")]
fn part_number_zero_is_not_sealed() {
    let mut facts = part();
    facts.outline.number = 0;
    let _ = facts.encode();
}

#[test]
#[should_panic(expected = "a checksum has its length")]
fn a_checksum_of_another_length_is_not_sealed() {
    let mut facts = part();
    facts.checksum = Some(Checksum {
        algorithm: ChecksumAlgorithm::Crc32,
        kind: ChecksumKind::FullObject,
        value: vec![0; 5],
        parts: 0,
    });
    let _ = facts.encode();
}

#[test]
#[should_panic(expected = "a part list keeps its limits")]
fn a_manifest_without_its_digests_is_not_sealed() {
    let facts = CompletionFacts {
        public_version: None,
        last_modified_ms: 0,
        length: 0,
        etag: String::new(),
        parts: PartList::Manifest { count: 1, records: Vec::new() },
    };
    let _ = facts.encode();
}
