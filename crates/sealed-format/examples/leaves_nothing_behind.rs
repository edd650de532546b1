//! Uses every key of the format, drops it, and waits to have its memory searched by
//! `tests/judge/memory.py`.
//!
//! ```text
//! cargo build -p sealed-format --features key-witness --example leaves_nothing_behind
//! python crates/sealed-format/tests/judge/memory.py PATH_OF_THE_EXAMPLE
//! ```
//!
//! It runs on the ordinary allocator, which wipes nothing: what is clean here is clean by the
//! crate's own doing. With the argument `forget` it keeps one customer key, so that the search can
//! be seen to find something.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{Read, Write};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use sealed_format::{
    AesGcm, CHUNK_BYTES, CustomerKey, HolderKey, HolderKind, KeyHeaders, KmsDataKey, MasterKey,
    Md5Rule, ObjectContext, ObjectMetadata, ObjectSecrets, PartFacts, PartHeader, PartOpener,
    PartOutline, PartSealer, Randomness, RingKey, SEALED_CHUNK_BYTES, UploadFacts,
    open_completion_key, open_part, open_upload, outline_mac, seal_completion_key, seal_part,
    seal_upload, unwrap, wrap,
};

const BODY: [u8; 16] = [3; 16];
const PART: u32 = 1;
/// Enough that a leftover is not hidden by chance under the next object's.
const OBJECTS: usize = 50;

struct System;

impl Randomness for System {
    fn fill(&self, out: &mut [u8]) {
        SystemRandom::new().fill(out).expect("the system has randomness");
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let forget = std::env::args().nth(1).as_deref() == Some("forget");
    // The key's text comes from outside and stays in this process, in base64: only the crate's own
    // memory is on trial.
    let mut text = Vec::new();
    std::io::stdin().take(44).read_to_end(&mut text)?;
    // In a thread of its own, whose stack stays mapped while it waits.
    let worker = std::thread::spawn(move || {
        for _ in 0..OBJECTS {
            let key = one_object(&text);
            if forget {
                std::mem::forget(key);
            }
        }
        let mut out = std::io::stdout();
        out.write_all(b"ready\n").and_then(|()| out.flush()).expect("somebody listens");
        let _ = std::io::stdin().read(&mut [0]).expect("somebody answers");
    });
    worker.join().map_err(|_| "the worker panicked")?;
    Ok(())
}

/// A life of one object: its key arrives, seals and opens everything once. Returns the key, to be
/// dropped.
#[inline(never)]
fn one_object(text: &[u8]) -> CustomerKey {
    let headers = KeyHeaders { algorithm: Some(b"AES256"), key: Some(text), md5: None };
    let presented = headers.parse(Md5Rule::Optional).expect("the key is well formed");
    let key = presented.and_then(|presented| presented.key.ok()).expect("the key has 32 bytes");
    let context = ObjectContext {
        holder: HolderKind::Customer,
        bucket_uid: &[1; 16],
        object_key: "photos/2026/01.jpg",
        version_uid: &[2; 16],
        body_id: &BODY,
    };
    let sealing = ObjectSecrets::generate(&System);
    let envelope = wrap(HolderKey::Customer(&key), &context, &sealing, &System);
    let opening = unwrap(HolderKey::Customer(&key), &context, &envelope).expect("it opens");
    named_key(&context, &sealing);
    let header = body(&sealing, &opening);
    records(&sealing, &opening, header);
    key
}

/// One part by each implementation of AES-GCM, whichever this processor would take.
fn body(sealing: &ObjectSecrets, opening: &ObjectSecrets) -> PartHeader {
    part(AesGcm::AwsLc, sealing, opening);
    part(AesGcm::Ring, sealing, opening)
}

fn part(gcm: AesGcm, sealing: &ObjectSecrets, opening: &ObjectSecrets) -> PartHeader {
    let mut sealer = PartSealer::by(gcm, &sealing.data, &BODY, PART, &System);
    let header = *sealer.header();
    let (mut full, mut last) = (vec![0; SEALED_CHUNK_BYTES], vec![0; 19]);
    sealer.seal_chunk(&vec![7; CHUNK_BYTES], &mut full);
    assert_eq!(sealer.finish(b"end", &mut last), last.len());
    let length = CHUNK_BYTES as u64 + 3;
    let opener = PartOpener::by(gcm, &opening.data, &BODY, PART, &header, length);
    let opener = opener.expect("it opens");
    opener.open_chunk(0, &full, &mut vec![0; CHUNK_BYTES]).expect("it opens");
    opener.open_run(0, &mut [full, last].concat()).expect("it opens");
    header
}

fn records(sealing: &ObjectSecrets, opening: &ObjectSecrets, header: PartHeader) {
    let upload = UploadFacts {
        holder: HolderKind::Customer,
        metadata: ObjectMetadata::default(),
        checksum: None,
    };
    let sealed = seal_upload(&sealing.metadata, &upload, &System);
    open_upload(&opening.metadata, &sealed).expect("it opens");
    let outline = PartOutline { number: PART, header, length: 3, etag: String::new() };
    outline_mac(&sealing.completion, &BODY, &outline);
    let part = PartFacts { outline, checksum: None };
    let sealed = seal_part(&sealing.data, &BODY, &part, &System);
    open_part(&opening.data, &BODY, &sealed).expect("it opens");
    let master = MasterKey::filled_by(|key| System.fill(key));
    let sealed = seal_completion_key(&master, b"upload", &sealing.completion, &System);
    open_completion_key(&master, b"upload", &sealed).expect("it opens");
}

/// What a version under a named key adds: the ring key and the data key, each opened once.
fn named_key(context: &ObjectContext<'_>, secrets: &ObjectSecrets) {
    let master = MasterKey::filled_by(|key| System.fill(key));
    let sealed = RingKey::generate(&System).seal(&master, b"name", &System);
    let ring_key = RingKey::open(&master, b"name", &sealed).expect("it opens");
    let data_key = KmsDataKey::filled_by(|key| System.fill(key));
    let wrapped = ring_key.wrap(&data_key, &BTreeMap::new(), &System);
    let context = ObjectContext { holder: HolderKind::Kms, ..*context };
    let envelope = wrap(HolderKey::Kms(&data_key), &context, secrets, &System);
    let opened = ring_key.unwrap(&wrapped, &BTreeMap::new()).expect("it opens");
    unwrap(HolderKey::Kms(&opened), &context, &envelope).expect("it opens");
}
