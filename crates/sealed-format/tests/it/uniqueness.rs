//! No key and nonce twice: an oracle over salts, commitments and first blocks, when the same thing
//! is sealed again and again.

use std::collections::{BTreeMap, HashSet};

use sealed_format::{
    HolderKey, KmsDataKey, MasterKey, MasterUse, ObjectMetadata, ObjectSecrets, Randomness,
    RingKey, UploadFacts, seal_upload, wrap,
};

use crate::object::{BODY, Counting, context, key, plain, seal_part};

const ATTEMPTS: usize = 1_000;

/// Remembers all that it has seen and refuses a repetition.
#[derive(Default)]
struct Seen(HashSet<Vec<u8>>);

impl Seen {
    fn note(&mut self, what: &str, bytes: &[u8]) {
        assert!(self.0.insert(bytes.to_vec()), "{what} repeats");
    }
}

#[test]
fn attempts_at_one_part_share_neither_salt_nor_key_stream() {
    let random = Counting::from(0);
    let secrets = ObjectSecrets::generate(&random);
    let mut seen = Seen::default();
    let same = plain(64);
    for _ in 0..ATTEMPTS {
        let part = seal_part(&secrets.data, (&BODY, 1), &same, &random);
        seen.note("a part's salt", &part.header.salt);
        seen.note("a commitment", &part.header.commitment);
        // The plaintext is the same, so a repeated key stream would show as repeated ciphertext.
        part.stored.chunks_exact(16).for_each(|block| seen.note("a block", block));
    }
}

#[test]
fn chunks_of_one_part_have_key_streams_of_their_own() {
    let random = Counting::from(0);
    let secrets = ObjectSecrets::generate(&random);
    let part = seal_part(&secrets.data, (&BODY, 1), &vec![0; 300 * 16_384], &random);
    let mut seen = Seen::default();
    // The plaintext is zero, so the ciphertext is the key stream itself.
    part.stored.chunks(16_400).for_each(|chunk| seen.note("a key stream", &chunk[..16]));
}

#[test]
fn parts_of_one_body_and_one_salt_have_keys_of_their_own() {
    let secrets = ObjectSecrets::generate(&Counting::from(0));
    let mut seen = Seen::default();
    for number in 1..=100 {
        let part = seal_part(&secrets.data, (&BODY, number), &[0; 16], &Counting::from(7));
        seen.note("a commitment", &part.header.commitment);
        seen.note("a key stream", &part.stored[..16]);
    }
}

#[test]
fn wraps_of_the_same_secrets_share_nothing() {
    let random = Counting::from(0);
    let secrets = ObjectSecrets::generate(&random);
    let (key, context) = (key(9), context());
    let mut seen = Seen::default();
    for _ in 0..ATTEMPTS {
        let envelope = wrap(HolderKey::Customer(&key), &context, &secrets, &random);
        seen.note("a wrap salt", &envelope[3..35]);
        seen.note("a verifier", &envelope[35..67]);
        envelope[67..].chunks_exact(16).for_each(|block| seen.note("a wrapped block", block));
    }
}

#[test]
fn seals_of_the_same_record_share_nothing() {
    let random = Counting::from(0);
    let secrets = ObjectSecrets::generate(&random);
    let master = MasterKey::filled_by(|key| random.fill(key));
    let facts = UploadFacts {
        holder: sealed_format::HolderKind::Customer,
        metadata: ObjectMetadata::default(),
        checksum: None,
    };
    let mut seen = Seen::default();
    for _ in 0..ATTEMPTS {
        for sealed in [
            seal_upload(&secrets.metadata, &facts, &random),
            master.seal(MasterUse::UserSecret, b"user", b"secret of a user", &random),
        ] {
            seen.note("a seal's salt", &sealed[1..33]);
            seen.note("a sealed record", &sealed[33..]);
        }
    }
}

#[test]
fn wraps_of_the_same_data_key_share_nothing() {
    let random = Counting::from(0);
    let ring_key = RingKey::generate(&random);
    let data_key = KmsDataKey::filled_by(|key| random.fill(key));
    let mut seen = Seen::default();
    for _ in 0..ATTEMPTS {
        let wrapped = ring_key.wrap(&data_key, &BTreeMap::new(), &random);
        seen.note("a wrap's salt", &wrapped[1..33]);
        wrapped[33..].chunks_exact(16).for_each(|block| seen.note("a wrapped block", block));
    }
}

#[test]
fn a_shared_body_keeps_its_data_key_and_no_other() {
    let random = Counting::from(0);
    let first = ObjectSecrets::generate(&random);
    let second = first.share_body(&random);
    // Under the same injected randomness, equal keys seal equal bytes.
    let part = |secrets: &ObjectSecrets| {
        seal_part(&secrets.data, (&BODY, 1), b"plain", &Counting::from(5)).stored
    };
    assert_eq!(part(&first), part(&second));
    let facts = UploadFacts {
        holder: sealed_format::HolderKind::Customer,
        metadata: ObjectMetadata::default(),
        checksum: None,
    };
    let upload =
        |secrets: &ObjectSecrets| seal_upload(&secrets.metadata, &facts, &Counting::from(5));
    assert_ne!(upload(&first), upload(&second));
}
