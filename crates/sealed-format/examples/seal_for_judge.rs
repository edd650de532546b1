//! Writes sealed objects as JSON, for the independent judge to open:
//!
//! ```text
//! cargo run -p sealed-format --example seal_for_judge -- FILE
//! python crates/sealed-format/tests/judge/judge.py check FILE
//! ```
//!
//! Keys and salts are random, so each run asks the judge something new. A second argument seeds
//! them instead.

#[expect(dead_code, reason = "the tests use the rest of it")]
#[path = "../tests/sealed_json/mod.rs"]
mod sealed_json;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use sealed_format::layout::sealed_length;
use sealed_format::{
    CHUNK_BYTES, Checksum, ChecksumAlgorithm, ChecksumKind, CompletionFacts, CustomerKey,
    HolderKey, HolderKind, KmsDataKey, ManifestDigest, MasterKey, MasterUse, ObjectContext,
    ObjectMetadata, ObjectSecrets, PARTS_PER_DIGEST, PartFacts, PartHeader, PartList, PartOutline,
    PartSealer, Randomness, RingKey, SEALED_CHUNK_BYTES, UploadFacts, VersionFacts,
    manifest_digest, outline_mac, seal_completion, seal_part, seal_upload, seal_version, wrap,
};
use sealed_json::{hex, outline_json};
use serde_json::{Value, json};

/// Body lengths around the borders of chunks.
const LENGTHS: [usize; 8] = [0, 1, 16_383, 16_384, 16_385, 32_768, 49_152, 100_000];
/// Enough parts for two manifest digests.
const PARTS: u32 = PARTS_PER_DIGEST + 1;

struct System(SystemRandom);

impl Randomness for System {
    fn fill(&self, out: &mut [u8]) {
        self.0.fill(out).expect("the system has randomness");
    }
}

/// Bytes that were drawn before.
struct Copied([u8; 32]);

impl Randomness for Copied {
    fn fill(&self, out: &mut [u8]) {
        out.copy_from_slice(&self.0);
    }
}

/// A seed and a counter through SHA-256.
struct Seeded(RefCell<Vec<u8>>);

impl Randomness for Seeded {
    fn fill(&self, out: &mut [u8]) {
        for byte in out {
            let next = digest(&SHA256, &self.0.borrow()).as_ref().to_vec();
            *byte = next[0];
            self.0.replace(next);
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("usage: seal_for_judge FILE [SEED]")?;
    let random: Box<dyn Randomness> = match arguments.next() {
        Some(seed) => Box::new(Seeded(RefCell::new(seed.into_bytes()))),
        None => Box::new(System(SystemRandom::new())),
    };
    let cases = cases(&*random);
    std::fs::write(file, serde_json::to_vec_pretty(&cases)?)?;
    Ok(())
}

fn cases(random: &dyn Randomness) -> Vec<Value> {
    let mut cases = Vec::new();
    for kind in [HolderKind::Customer, HolderKind::Server, HolderKind::Kms] {
        let version = Version::draw(kind, random);
        cases.push(version.case("envelope", json!({})));
        for (number, length) in (1..).zip(LENGTHS) {
            cases.push(version.body(number, length, random));
        }
        cases.extend(version.seals(random));
    }
    cases.extend(master_cases(random));
    cases
}

fn draw<const N: usize>(random: &dyn Randomness) -> [u8; N] {
    let mut out = [0; N];
    random.fill(&mut out);
    out
}

/// One version with its key, its place and its secrets.
struct Version {
    kind: HolderKind,
    key: [u8; 32],
    /// Of a key service's version only.
    wrapped_data_key: Vec<u8>,
    bucket_uid: [u8; 16],
    version_uid: [u8; 16],
    body_id: [u8; 16],
    secrets: ObjectSecrets,
    envelope: Vec<u8>,
}

const OBJECT_KEY: &str = "årsrapport/2026 (final).pdf";

fn kms_context() -> BTreeMap<String, String> {
    BTreeMap::from([("aws:s3:arn".into(), "arn:aws:s3:::b/ä".into()), ("".into(), "x".into())])
}

impl Version {
    fn draw(kind: HolderKind, random: &dyn Randomness) -> Self {
        let (key, secrets) = (draw(random), ObjectSecrets::generate(random));
        let (bucket_uid, version_uid, body_id) = (draw(random), draw(random), draw(random));
        let context = ObjectContext {
            holder: kind,
            bucket_uid: &bucket_uid,
            object_key: OBJECT_KEY,
            version_uid: &version_uid,
            body_id: &body_id,
        };
        let customer = CustomerKey::filled_by(|out| *out = key);
        let server = MasterKey::filled_by(|out| *out = key).server_key();
        let ring_key = RingKey::generate(&Copied(key));
        let data_key = KmsDataKey::filled_by(|out| *out = draw(random));
        let wrapped_data_key = ring_key.wrap(&data_key, &kms_context(), random);
        let holder = match kind {
            HolderKind::Customer => HolderKey::Customer(&customer),
            HolderKind::Server => HolderKey::Server(&server),
            HolderKind::Kms => HolderKey::Kms(&data_key),
        };
        let envelope = wrap(holder, &context, &secrets, random);
        Self { kind, key, wrapped_data_key, bucket_uid, version_uid, body_id, secrets, envelope }
    }

    /// A case of the judge: the envelope, and what stands beside it.
    fn case(&self, kind: &str, fields: Value) -> Value {
        let (holder, key) = match self.kind {
            HolderKind::Customer => ("customer", "key"),
            HolderKind::Server => ("server", "master_key"),
            HolderKind::Kms => ("kms", "ring_key"),
        };
        let mut case = json!({
            "name": format!("{kind} of a {holder}'s version"),
            "kind": kind,
            "expect": "opens",
            key: hex(&self.key),
            "context": {
                "holder": holder,
                "bucket_uid": hex(&self.bucket_uid),
                "object_key": OBJECT_KEY,
                "version_uid": hex(&self.version_uid),
                "body_id": hex(&self.body_id),
            },
            "envelope": hex(&self.envelope),
        });
        if self.kind == HolderKind::Kms {
            case["data_key"] = hex(&self.wrapped_data_key).into();
            case["kms_context"] = json!(kms_context());
        }
        if let (Value::Object(case), Value::Object(fields)) = (&mut case, fields) {
            case.extend(fields);
        }
        case
    }

    fn body(&self, number: u32, length: usize, random: &dyn Randomness) -> Value {
        let mut plain = vec![0; length];
        random.fill(&mut plain);
        let (header, stored) = self.seal_body(number, &plain, random);
        self.case(
            "body",
            json!({
                "part_number": number,
                "plain_length": length,
                "header": hex(&header.encode()),
                "stored": hex(&stored),
                "plain_sha256": hex(digest(&SHA256, &plain).as_ref()),
            }),
        )
    }

    fn seal_body(
        &self,
        number: u32,
        plain: &[u8],
        random: &dyn Randomness,
    ) -> (PartHeader, Vec<u8>) {
        let mut sealer = PartSealer::new(&self.secrets.data, &self.body_id, number, random);
        let header = *sealer.header();
        let sealed = usize::try_from(sealed_length(plain.len() as u64)).expect("it is in memory");
        let mut stored = vec![0; sealed];
        let mut chunks = plain.chunks_exact(CHUNK_BYTES);
        let mut outs = stored.chunks_mut(SEALED_CHUNK_BYTES);
        for (chunk, out) in (&mut chunks).zip(&mut outs) {
            sealer.seal_chunk(chunk, out);
        }
        let out = outs.next().expect("there is always a last chunk");
        assert_eq!(sealer.finish(chunks.remainder(), out), out.len());
        (header, stored)
    }

    fn seals(&self, random: &dyn Randomness) -> Vec<Value> {
        let outlines: Vec<PartOutline> =
            (1..=PARTS).map(|number| outline(number, random)).collect();
        let runs = outlines.chunks(PARTS_PER_DIGEST as usize);
        let mut start = 0;
        let mut records = Vec::new();
        let mut cases = Vec::new();
        for run in runs {
            let digest = manifest_digest(&self.body_id, start, run);
            let listed: Vec<Value> = run.iter().map(outline_json).collect();
            cases.push(self.case(
                "manifest",
                json!({ "start": start, "outlines": listed, "digest": hex(&digest) }),
            ));
            records.push(ManifestDigest { start, digest });
            start += run.iter().map(|outline| outline.length).sum::<u64>();
        }
        let parts = PartList::Manifest { count: PARTS, records };
        cases.extend(self.records(parts, start, &outlines[0], random));
        cases
    }

    fn records(
        &self,
        parts: PartList,
        length: u64,
        outline: &PartOutline,
        random: &dyn Randomness,
    ) -> Vec<Value> {
        let ObjectSecrets { data, metadata, completion } = &self.secrets;
        let version = version_facts(self.kind, length, parts.clone(), random);
        let upload = UploadFacts {
            holder: self.kind,
            metadata: version.metadata.clone(),
            checksum: Some((ChecksumAlgorithm::Crc64Nvme, ChecksumKind::FullObject)),
        };
        let completed = CompletionFacts {
            public_version: None,
            last_modified_ms: version.last_modified_ms,
            length,
            etag: version.etag.clone(),
            parts,
        };
        let part = PartFacts { outline: outline.clone(), checksum: version.checksum.clone() };
        let sealed_upload = seal_upload(metadata, &upload, random);
        let sealed_completion = seal_completion(completion, &completed, random);
        let sealed_part = seal_part(data, &self.body_id, &part, random);
        let mac = outline_mac(completion, &self.body_id, outline);
        let sealed = |facts: Value, sealed: &[u8]| json!({ "facts": facts, "sealed": hex(sealed) });
        vec![
            self.case(
                "version",
                sealed(
                    sealed_json::version_json(&version),
                    &seal_version(metadata, &version, random),
                ),
            ),
            self.case("upload", sealed(sealed_json::upload_json(&upload), &sealed_upload)),
            self.case(
                "completion",
                sealed(sealed_json::completion_json(&completed), &sealed_completion),
            ),
            self.case("part", sealed(sealed_json::part_json(&part), &sealed_part)),
            self.case("outline", json!({ "outline": outline_json(outline), "mac": hex(&mac) })),
        ]
    }
}

fn outline(number: u32, random: &dyn Randomness) -> PartOutline {
    PartOutline {
        number,
        header: PartHeader { salt: draw(random), commitment: draw(random) },
        length: 5 << 20,
        etag: hex(&draw::<16>(random)),
    }
}

fn version_facts(
    holder: HolderKind,
    length: u64,
    parts: PartList,
    random: &dyn Randomness,
) -> VersionFacts {
    let checksum = Checksum {
        algorithm: ChecksumAlgorithm::Sha256,
        kind: ChecksumKind::Composite,
        value: draw::<32>(random).to_vec(),
        parts: PARTS,
    };
    VersionFacts {
        public_version: Some(hex(&draw::<16>(random))),
        holder,
        last_modified_ms: 1_795_219_200_123,
        length,
        etag: format!("{}-{PARTS}", hex(&draw::<16>(random))),
        checksum: Some(checksum),
        metadata: ObjectMetadata {
            content_type: Some("application/pdf".into()),
            expires: Some("never".into()),
            user: vec![("owner".into(), "Zoë".into()), (String::new(), String::new())],
            ..ObjectMetadata::default()
        },
        parts,
    }
}

fn master_cases(random: &dyn Randomness) -> Vec<Value> {
    let (key, secret, aad): ([u8; 32], [u8; 32], [u8; 16]) =
        (draw(random), draw(random), draw(random));
    let master = MasterKey::filled_by(|out| *out = key);
    let purposes = [
        ("open upload", MasterUse::OpenUpload),
        ("user secret", MasterUse::UserSecret),
        ("ring key", MasterUse::RingKey),
    ];
    purposes
        .map(|(name, purpose)| {
            json!({
                "name": name,
                "kind": name,
                "expect": "opens",
                "master_key": hex(&key),
                "aad": hex(&aad),
                "secret": hex(&secret),
                "sealed": hex(&master.seal(purpose, &aad, &secret, random)),
            })
        })
        .to_vec()
}
