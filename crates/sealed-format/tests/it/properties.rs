//! Properties of sealed objects under any change: always refused, and never a byte released
//! unverified.

use proptest::prelude::*;
use proptest::sample::Index;
use sealed_format::{
    Checksum, ChecksumAlgorithm, ChecksumKind, Damaged, HolderKey, HolderKind, ManifestDigest,
    ObjectContext, ObjectMetadata, ObjectSecrets, PartFacts, PartHeader, PartList, PartOutline,
    UnwrapError, VersionFacts, open_part as open_record, open_version, outline_mac,
    seal_part as seal_record, seal_version, unwrap, verify_outline_mac, wrap,
};

use crate::object::{
    BODY, Counting, SealedPart, UNTOUCHED, assert_nothing_released, context, key, open_part, plain,
    seal_part,
};

const CHUNK: usize = 16_384;
const SEALED_CHUNK: usize = 16_400;

fn secrets() -> ObjectSecrets {
    ObjectSecrets::generate(&Counting::from(77))
}

fn refused(part: &SealedPart, length: usize) -> bool {
    open_part(&secrets().data, (&BODY, 1), part, length as u64).is_err()
}

fn flip(bytes: &mut [u8], at: Index, bit: u8) {
    let at = at.index(bytes.len());
    bytes[at] ^= 1 << bit;
}

/// Lengths from nothing to three chunks, with the borders more often than chance would have them.
fn lengths() -> impl Strategy<Value = usize> {
    let borders = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1];
    prop_oneof![proptest::sample::select(borders.to_vec()), 0..3 * CHUNK]
}

/// Failures are shrunk to values that stand in the message; no files are left in the tree.
fn config() -> ProptestConfig {
    ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_body_opens_to_what_was_sealed(length in lengths(), seed: u64) {
        let part = seal_part(&secrets().data, (&BODY, 1), &plain(length), &Counting::from(seed));
        let opened = open_part(&secrets().data, (&BODY, 1), &part, length as u64);
        prop_assert!(opened == Ok(plain(length)));
    }

    #[test]
    fn a_flipped_bit_of_a_body_is_refused(length in lengths(), at: Index, bit in 0_u8..8) {
        let mut part = seal_part(&secrets().data, (&BODY, 1), &plain(length), &Counting::from(1));
        flip(&mut part.stored, at, bit);
        prop_assert!(refused(&part, length));
    }

    #[test]
    fn a_flipped_bit_of_a_part_header_is_refused(at: Index, bit in 0_u8..8) {
        let mut part = seal_part(&secrets().data, (&BODY, 1), &plain(40), &Counting::from(1));
        let mut header = part.header.encode();
        flip(&mut header, at, bit);
        part.header = PartHeader::decode(&header).unwrap();
        prop_assert!(refused(&part, 40));
    }

    #[test]
    fn a_truncated_body_is_refused_whatever_length_is_claimed(
        length in lengths(), cut: Index, claimed in lengths()
    ) {
        let mut part = seal_part(&secrets().data, (&BODY, 1), &plain(length), &Counting::from(1));
        part.stored.truncate(cut.index(part.stored.len()));
        prop_assert!(refused(&part, length));
        prop_assert!(refused(&part, claimed));
        if let Some(consistent) = sealed_format::layout::plain_length(part.stored.len() as u64) {
            prop_assert!(refused(&part, consistent as usize));
        }
    }

    #[test]
    fn a_flipped_bit_of_an_envelope_is_refused(at: Index, bit in 0_u8..8) {
        let (key, context) = (key(9), context());
        let holder = HolderKey::Customer(&key);
        let mut envelope = wrap(holder, &context, &secrets(), &Counting::from(1));
        flip(&mut envelope, at, bit);
        prop_assert!(unwrap(HolderKey::Customer(&key), &context, &envelope).is_err());
    }

    #[test]
    fn a_truncated_envelope_is_damaged(length in 0_usize..179) {
        let (key, context) = (key(9), context());
        let envelope = wrap(HolderKey::Customer(&key), &context, &secrets(), &Counting::from(1));
        let found = unwrap(HolderKey::Customer(&key), &context, &envelope[..length]);
        prop_assert!(matches!(found, Err(UnwrapError::Damaged(_))));
    }

    #[test]
    fn facts_open_to_what_was_sealed_and_to_nothing_else(
        facts in version_facts(), at: Index, bit in 0_u8..8, cut: Index
    ) {
        let secrets = secrets();
        let mut sealed = seal_version(&secrets.metadata, &facts, &Counting::from(1));
        prop_assert_eq!(&open_version(&secrets.metadata, &sealed).unwrap(), &facts);
        prop_assert!(open_version(&secrets.metadata, &sealed[..cut.index(sealed.len())]).is_err());
        flip(&mut sealed, at, bit);
        prop_assert!(open_version(&secrets.metadata, &sealed).is_err());
    }

    #[test]
    fn a_part_record_belongs_to_its_body(facts in part_facts(), at: Index, bit in 0_u8..8) {
        let secrets = secrets();
        let mut sealed = seal_record(&secrets.data, &BODY, &facts, &Counting::from(1));
        prop_assert_eq!(&open_record(&secrets.data, &BODY, &sealed).unwrap(), &facts);
        prop_assert!(open_record(&secrets.data, &[4; 16], &sealed).is_err());
        flip(&mut sealed, at, bit);
        prop_assert!(open_record(&secrets.data, &BODY, &sealed).is_err());
    }

    #[test]
    fn an_outline_mac_is_over_the_whole_outline(
        one in part_facts(), other in part_facts(), at: Index, bit in 0_u8..8
    ) {
        let completion = secrets().completion;
        let mut mac = outline_mac(&completion, &BODY, &one.outline);
        prop_assert!(verify_outline_mac(&completion, &BODY, &one.outline, &mac).is_ok());
        prop_assert!(verify_outline_mac(&completion, &[4; 16], &one.outline, &mac).is_err());
        let same = one.outline == other.outline;
        let found = verify_outline_mac(&completion, &BODY, &other.outline, &mac);
        prop_assert_eq!(found.is_ok(), same);
        flip(&mut mac, at, bit);
        prop_assert!(verify_outline_mac(&completion, &BODY, &one.outline, &mac).is_err());
    }
}

fn text() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[ -~äöü€]{0,40}").unwrap()
}

fn optional_text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(text())
}

fn checksum() -> impl Strategy<Value = Checksum> {
    let algorithms = vec![
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32c,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ];
    (proptest::sample::select(algorithms), any::<[u8; 32]>(), 0..=10_000_u32).prop_map(
        |(algorithm, value, parts)| Checksum {
            algorithm,
            kind: if parts == 0 { ChecksumKind::FullObject } else { ChecksumKind::Composite },
            value: value[..algorithm.value_bytes()].to_vec(),
            parts,
        },
    )
}

fn part_list() -> impl Strategy<Value = PartList> {
    let whole = (any::<[u8; 24]>(), any::<[u8; 32]>(), 1..=10_000_u32).prop_map(
        |(salt, commitment, number)| PartList::Whole {
            header: PartHeader { salt, commitment },
            number,
        },
    );
    let manifest = (1..=10_000_u32, any::<[u8; 32]>()).prop_map(|(count, digest)| {
        let starts = (0..count.div_ceil(1_000)).map(|run| u64::from(run) << 30);
        let records = starts.map(|start| ManifestDigest { start, digest }).collect();
        PartList::Manifest { count, records }
    });
    prop_oneof![whole, manifest]
}

fn metadata() -> impl Strategy<Value = ObjectMetadata> {
    let texts = [(); 7].map(|()| optional_text());
    (texts, proptest::collection::vec((text(), text()), 0..5)).prop_map(|(texts, user)| {
        let [
            content_type,
            content_encoding,
            content_disposition,
            content_language,
            cache_control,
            expires,
            website_redirect,
        ] = texts;
        ObjectMetadata {
            content_type,
            content_encoding,
            content_disposition,
            content_language,
            cache_control,
            expires,
            website_redirect,
            user,
        }
    })
}

fn version_facts() -> impl Strategy<Value = VersionFacts> {
    let checksum = proptest::option::of(checksum());
    let length = 0..=sealed_format::OBJECT_BYTES_MAX;
    (optional_text(), any::<i64>(), length, "[0-9a-f]{0,32}", checksum, metadata(), part_list())
        .prop_map(|(public_version, last_modified_ms, length, etag, checksum, metadata, parts)| {
            VersionFacts {
                public_version,
                holder: HolderKind::Server,
                last_modified_ms,
                length,
                etag,
                checksum,
                metadata,
                parts,
            }
        })
}

fn part_facts() -> impl Strategy<Value = PartFacts> {
    let header = (any::<[u8; 24]>(), any::<[u8; 32]>());
    let checksum = proptest::option::of(checksum());
    (1..=10_000_u32, header, 0..5_u64 << 30, "[0-9a-f]{32}", checksum).prop_map(
        |(number, (salt, commitment), length, etag, checksum)| PartFacts {
            outline: PartOutline { number, header: PartHeader { salt, commitment }, length, etag },
            checksum,
        },
    )
}

#[test]
fn a_body_cut_or_shuffled_at_chunk_borders_is_refused() {
    let length = 3 * CHUNK + 9;
    let part = seal_part(&secrets().data, (&BODY, 1), &plain(length), &Counting::from(1));
    let chunks: Vec<&[u8]> = part.stored.chunks(SEALED_CHUNK).collect();
    for order in [
        &[1, 0, 2, 3][..],
        &[0, 2, 1, 3],
        &[2, 1, 0, 3],
        &[0, 0, 2, 3],
        &[0, 1, 1, 3],
        &[0, 1, 2],
        &[0, 1, 3],
        &[1, 2, 3],
        &[3],
        &[0, 1, 2, 2, 3],
        &[0, 1, 2, 3, 3],
    ] {
        let stored = order.iter().map(|index| chunks[*index]).collect::<Vec<_>>().concat();
        let claimed = sealed_format::layout::plain_length(stored.len() as u64);
        let shuffled = SealedPart { header: part.header, stored };
        assert!(refused(&shuffled, length), "{order:?}");
        if let Some(claimed) = claimed {
            assert!(refused(&shuffled, claimed as usize), "{order:?} with its own length");
        }
    }
}

#[test]
fn a_chunk_opens_at_its_own_place_only() {
    let length = 3 * CHUNK as u64;
    let secrets = secrets();
    let part = seal_part(&secrets.data, (&BODY, 1), &plain(3 * CHUNK), &Counting::from(1));
    let opener =
        sealed_format::PartOpener::new(&secrets.data, &BODY, 1, &part.header, length).unwrap();
    for sealed in 0..3_usize {
        let bytes = &part.stored[sealed * SEALED_CHUNK..(sealed + 1) * SEALED_CHUNK];
        for index in 0..3 {
            let mut out = vec![UNTOUCHED; CHUNK];
            let opened = opener.open_chunk(index, bytes, &mut out);
            assert_eq!(opened.is_ok(), index == sealed as u64, "chunk {sealed} as {index}");
            if opened.is_err() {
                assert_nothing_released(&out);
            }
        }
    }
    let mut out = vec![UNTOUCHED; CHUNK];
    for index in [4, 1 << 38, u64::MAX] {
        assert!(opener.open_chunk(index, &[0; 16], &mut out).is_err());
    }
    // A full chunk is not the last one, and the last one is not a full chunk.
    assert!(opener.open_chunk(3, &part.stored[..SEALED_CHUNK], &mut out).is_err());
    assert!(opener.open_chunk(0, &part.stored[3 * SEALED_CHUNK..], &mut out).is_err());
    assert!(out.iter().all(|byte| *byte == UNTOUCHED));
}

#[test]
fn parts_bodies_and_keys_do_not_stand_in_for_each_other() {
    let (first, second) = (secrets(), ObjectSecrets::generate(&Counting::from(78)));
    let part = seal_part(&first.data, (&BODY, 1), &plain(100), &Counting::from(1));
    let open = |secrets: &ObjectSecrets, place| open_part(&secrets.data, place, &part, 100);
    assert!(open(&first, (&BODY, 1)).is_ok());
    assert!(open(&first, (&BODY, 2)).is_err(), "another part");
    assert!(open(&first, (&[4; 16], 1)).is_err(), "another body");
    assert!(open(&second, (&BODY, 1)).is_err(), "another data key");
}

#[test]
fn an_envelope_opens_at_its_own_place_only() {
    let (key, home) = (key(9), context());
    let envelope = wrap(HolderKey::Customer(&key), &home, &secrets(), &Counting::from(1));
    let open = |context: &ObjectContext<'_>| {
        unwrap(HolderKey::Customer(&key), context, &envelope).map(|_| ())
    };
    assert_eq!(open(&home), Ok(()));
    for moved in [
        ObjectContext { bucket_uid: &[9; 16], ..home },
        ObjectContext { object_key: "photos/2026/02.jpg", ..home },
        ObjectContext { object_key: "", ..home },
        ObjectContext { version_uid: &[9; 16], ..home },
        ObjectContext { body_id: &[9; 16], ..home },
        // The same bytes, cut into other fields.
        ObjectContext { version_uid: home.body_id, body_id: home.version_uid, ..home },
    ] {
        assert_eq!(open(&moved), Err(UnwrapError::WrongKey), "{moved:?}");
    }
    let server = ObjectContext { holder: HolderKind::Server, ..home };
    assert!(matches!(open(&server), Err(UnwrapError::Damaged(_))));
    let wrong = unwrap(HolderKey::Customer(&crate::object::key(8)), &home, &envelope);
    assert_eq!(wrong.map(|_| ()), Err(UnwrapError::WrongKey));
}

#[test]
fn a_length_that_no_part_has_is_refused() {
    let part = seal_part(&secrets().data, (&BODY, 1), &plain(5), &Counting::from(1));
    let found = open_part(&secrets().data, (&BODY, 1), &part, u64::MAX);
    assert_eq!(found, Err(Damaged("no part is as long as this one is said to be")));
}
