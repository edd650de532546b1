//! Every file of `tests/vectors`, made by the independent judge, is answered as it says; and
//! sealing the same thing with the same salts gives the same bytes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aws_lc_rs::digest::{SHA256, digest};
use sealed_format::{
    Damaged, HolderKey, KmsDataKey, MasterKey, MasterUse, ObjectContext, ObjectSecrets, PartHeader,
    RingKey, UnwrapError, manifest_digest, open_completion, open_part, open_upload, open_version,
    outline_mac, seal_completion, seal_part, seal_upload, seal_version, unwrap, verify_outline_mac,
    wrap,
};
use serde_json::Value;

use crate::object::{self, Scripted, SealedPart};
use crate::sealed_json::{self, array, customer_key, unhex};

/// The fewest vectors that there may be: a lost directory must not pass.
const VECTORS_MIN: usize = 100;
/// The most bytes of all vector files: they are read in each checkout.
const VECTOR_BYTES_MAX: usize = 300 * 1024;

#[test]
fn every_vector_is_answered_as_it_says() {
    let vectors = load_all();
    assert!(vectors.len() >= VECTORS_MIN, "only {} vectors", vectors.len());
    for (name, case) in &vectors {
        let answer = match judge(case) {
            Ok(()) => "opens",
            Err(UnwrapError::WrongKey) => "wrong key",
            Err(UnwrapError::Damaged(_)) => "damaged",
        };
        assert_eq!(answer, case["expect"].as_str().unwrap(), "{name}: {}", case["comment"]);
    }
}

pub(crate) fn load_all() -> BTreeMap<String, Value> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut bytes = 0;
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        bytes += text.len();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        files.insert(name, serde_json::from_str::<Value>(&text).unwrap());
    }
    assert!(bytes <= VECTOR_BYTES_MAX, "the vectors have {bytes} bytes");
    let resolved = files.values().map(|case| resolve(case, &files)).collect::<Vec<_>>();
    files.into_keys().zip(resolved).collect()
}

/// A misdeed may be an edit of another file: its fields over that file's, and ranges of that file's
/// stored bytes.
fn resolve(case: &Value, files: &BTreeMap<String, Value>) -> Value {
    let mut whole = case.clone();
    if let Some(base) = case["based_on"].as_str() {
        whole = files[base.trim_end_matches(".json")].clone();
        let fields = whole.as_object_mut().unwrap();
        fields.extend(case.as_object().unwrap().clone());
    }
    if let Some(pieces) = case["stored_pieces"].as_array() {
        let stored = unhex(&whole["stored"]);
        let at = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
        let pieces = pieces.iter().map(|piece| &stored[at(&piece[0])..at(&piece[1])]);
        whole["stored"] = Value::from(sealed_json::hex(&pieces.collect::<Vec<_>>().concat()));
    }
    whole
}

fn judge(case: &Value) -> Result<(), UnwrapError> {
    match case["kind"].as_str().unwrap() {
        "open upload" => return Ok(judge_master(case, MasterUse::OpenUpload)?),
        "user secret" => return Ok(judge_master(case, MasterUse::UserSecret)?),
        "ring key" => return Ok(judge_ring_key(case)?),
        _ => {}
    }
    let place = &case["context"];
    let (bucket_uid, version_uid, body_id) =
        (array(&place["bucket_uid"]), array(&place["version_uid"]), array(&place["body_id"]));
    let context = ObjectContext {
        holder: sealed_json::holder(&place["holder"]),
        bucket_uid: &bucket_uid,
        object_key: place["object_key"].as_str().unwrap(),
        version_uid: &version_uid,
        body_id: &body_id,
    };
    let secrets = open_envelope(case, &context)?;
    Ok(judge_kind(case, &body_id, &secrets)?)
}

fn open_envelope(case: &Value, context: &ObjectContext<'_>) -> Result<ObjectSecrets, UnwrapError> {
    let envelope = unhex(&case["envelope"]);
    let server = case.get("master_key").map(|key| master(key).server_key());
    let customer = case.get("key").map(customer_key);
    let kms = case.get("data_key").map(|_| data_key(case)).transpose()?;
    let key = match (&server, &customer, &kms) {
        (Some(key), None, None) => HolderKey::Server(key),
        (None, Some(key), None) => HolderKey::Customer(key),
        (None, None, Some(key)) => HolderKey::Kms(key),
        _ => panic!("a case has one holder's key"),
    };
    let secrets = unwrap(key, context, &envelope)?;
    let again = wrap(key, context, &secrets, &Scripted::once(&envelope[3..35]));
    assert_eq!(again, envelope, "the same wrap gives the same envelope");
    Ok(secrets)
}

/// The data key of a case, as its ring key and its encryption context give it.
fn data_key(case: &Value) -> Result<KmsDataKey, Damaged> {
    let pairs = case["kms_context"].as_object().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let context = pairs.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    let wrapped = unhex(&case["data_key"]);
    let ring_key = RingKey::generate(&Scripted::once(&unhex(&case["ring_key"])));
    let key = ring_key.unwrap(&wrapped, &context)?;
    let again = ring_key.wrap(&key, &context, &Scripted::once(&wrapped[1..33]));
    assert_eq!(again, wrapped, "the same wrap gives the same bytes");
    Ok(key)
}

fn judge_ring_key(case: &Value) -> Result<(), Damaged> {
    let (aad, sealed) = (unhex(&case["aad"]), unhex(&case["sealed"]));
    let key = RingKey::open(&master(&case["master_key"]), &aad, &sealed)?;
    let again = key.seal(&master(&case["master_key"]), &aad, &Scripted::once(&sealed[1..33]));
    assert_eq!(again, sealed);
    judge_master(case, MasterUse::RingKey)
}

fn master(key: &Value) -> MasterKey {
    MasterKey::filled_by(|out| *out = array(key))
}

fn judge_master(case: &Value, purpose: MasterUse) -> Result<(), Damaged> {
    let (aad, sealed) = (unhex(&case["aad"]), unhex(&case["sealed"]));
    let master = master(&case["master_key"]);
    let secret = master.open(purpose, &aad, &sealed)?;
    assert_eq!(*secret, unhex(&case["secret"]));
    let again = master.seal(purpose, &aad, &secret, &Scripted::once(&sealed[1..33]));
    assert_eq!(again, sealed);
    Ok(())
}

fn judge_kind(case: &Value, body_id: &[u8; 16], secrets: &ObjectSecrets) -> Result<(), Damaged> {
    match case["kind"].as_str().unwrap() {
        "envelope" => Ok(()),
        "body" => judge_body(case, body_id, secrets),
        "outline" => {
            let outline = sealed_json::outline(&case["outline"]);
            let mac = unhex(&case["mac"]);
            verify_outline_mac(&secrets.completion, body_id, &outline, &mac)?;
            assert_eq!(outline_mac(&secrets.completion, body_id, &outline)[..], mac);
            Ok(())
        }
        "manifest" => {
            let outlines = case["outlines"].as_array().unwrap();
            let outlines: Vec<_> = outlines.iter().map(sealed_json::outline).collect();
            let digest = manifest_digest(body_id, case["start"].as_u64().unwrap(), &outlines);
            assert_eq!(digest[..], unhex(&case["digest"]));
            Ok(())
        }
        kind => judge_seal(case, kind, body_id, secrets),
    }
}

/// Opens a seal, compares what it says, and seals it again under the same salt to the same bytes.
fn judge_seal(
    case: &Value,
    kind: &str,
    body_id: &[u8; 16],
    secrets: &ObjectSecrets,
) -> Result<(), Damaged> {
    let (facts, sealed) = (&case["facts"], unhex(&case["sealed"]));
    let salt = Scripted::once(sealed.get(1..33).unwrap_or_default());
    let again = match kind {
        "version" => {
            let opened = open_version(&secrets.metadata, &sealed)?;
            assert_eq!(&sealed_json::version_json(&opened), facts);
            assert_eq!(opened, sealed_json::version(facts));
            seal_version(&secrets.metadata, &opened, &salt)
        }
        "upload" => {
            let opened = open_upload(&secrets.metadata, &sealed)?;
            assert_eq!(&sealed_json::upload_json(&opened), facts);
            assert_eq!(opened, sealed_json::upload(facts));
            seal_upload(&secrets.metadata, &opened, &salt)
        }
        "completion" => {
            let opened = open_completion(&secrets.completion, &sealed)?;
            assert_eq!(&sealed_json::completion_json(&opened), facts);
            assert_eq!(opened, sealed_json::completion(facts));
            seal_completion(&secrets.completion, &opened, &salt)
        }
        "part" => {
            let opened = open_part(&secrets.data, body_id, &sealed)?;
            assert_eq!(&sealed_json::part_json(&opened), facts);
            assert_eq!(opened, sealed_json::part(facts));
            seal_part(&secrets.data, body_id, &opened, &salt)
        }
        other => panic!("kind {other}"),
    };
    assert_eq!(again, sealed, "the same seal gives the same bytes");
    Ok(())
}

fn judge_body(case: &Value, body_id: &[u8; 16], secrets: &ObjectSecrets) -> Result<(), Damaged> {
    let header = PartHeader::decode(&unhex(&case["header"]))?;
    let part = SealedPart { header, stored: unhex(&case["stored"]) };
    let number = u32::try_from(case["part_number"].as_u64().unwrap()).unwrap();
    let length = case["plain_length"].as_u64().unwrap();
    let plain = object::open_part(&secrets.data, (body_id, number), &part, length)?;
    assert_eq!(digest(&SHA256, &plain).as_ref(), unhex(&case["plain_sha256"]));
    let salt = Scripted::once(&header.salt);
    let again = object::seal_part(&secrets.data, (body_id, number), &plain, &salt);
    assert_eq!(again.header, part.header);
    assert_eq!(again.stored, part.stored);
    Ok(())
}
