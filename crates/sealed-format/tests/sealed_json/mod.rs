//! JSON as the vector files and the judge have it, to and from the crate's types.

#![expect(clippy::unwrap_used, reason = "a malformed vector file must fail its test")]

use sealed_format::{
    Checksum, ChecksumAlgorithm, ChecksumKind, CompletionFacts, CustomerKey, HolderKind,
    ManifestDigest, ObjectMetadata, PartFacts, PartHeader, PartList, PartOutline, UploadFacts,
    VersionFacts,
};
use serde_json::{Value, json};

const ALGORITHMS: [(&str, ChecksumAlgorithm); 5] = [
    ("CRC32", ChecksumAlgorithm::Crc32),
    ("CRC32C", ChecksumAlgorithm::Crc32c),
    ("CRC64NVME", ChecksumAlgorithm::Crc64Nvme),
    ("SHA1", ChecksumAlgorithm::Sha1),
    ("SHA256", ChecksumAlgorithm::Sha256),
];
const KINDS: [(&str, ChecksumKind); 2] =
    [("FULL_OBJECT", ChecksumKind::FullObject), ("COMPOSITE", ChecksumKind::Composite)];

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("hex text");
    let pairs = text.as_bytes().chunks_exact(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

pub(crate) fn array<const N: usize>(value: &Value) -> [u8; N] {
    unhex(value).try_into().expect("as many bytes as the format says")
}

pub(crate) fn customer_key(value: &Value) -> CustomerKey {
    CustomerKey::filled_by(|key| *key = array(value))
}

pub(crate) fn holder(value: &Value) -> HolderKind {
    match value.as_str().unwrap() {
        "customer" => HolderKind::Customer,
        "server" => HolderKind::Server,
        "kms" => HolderKind::Kms,
        other => panic!("holder {other}"),
    }
}

fn holder_json(holder: HolderKind) -> Value {
    json!(match holder {
        HolderKind::Customer => "customer",
        HolderKind::Server => "server",
        HolderKind::Kms => "kms",
    })
}

fn optional_text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

fn algorithm(value: &Value) -> (ChecksumAlgorithm, ChecksumKind) {
    let algorithm = ALGORITHMS.iter().find(|(name, _)| value["algorithm"] == *name).unwrap().1;
    let kind = KINDS.iter().find(|(name, _)| value["kind"] == *name).unwrap().1;
    (algorithm, kind)
}

fn algorithm_json(algorithm: ChecksumAlgorithm, kind: ChecksumKind) -> Value {
    let algorithm = ALGORITHMS.iter().find(|(_, known)| *known == algorithm).unwrap().0;
    let kind = KINDS.iter().find(|(_, known)| *known == kind).unwrap().0;
    json!({ "algorithm": algorithm, "kind": kind })
}

fn checksum(value: &Value) -> Option<Checksum> {
    (!value.is_null()).then(|| {
        let (algorithm, kind) = algorithm(value);
        Checksum { algorithm, kind, value: unhex(&value["value"]), parts: number(&value["parts"]) }
    })
}

fn checksum_json(checksum: Option<&Checksum>) -> Value {
    checksum.map_or(Value::Null, |checksum| {
        let mut value = algorithm_json(checksum.algorithm, checksum.kind);
        value["parts"] = json!(checksum.parts);
        value["value"] = json!(hex(&checksum.value));
        value
    })
}

fn metadata(value: &Value) -> ObjectMetadata {
    let user = value["user"].as_array().unwrap();
    ObjectMetadata {
        content_type: optional_text(&value["content_type"]),
        content_encoding: optional_text(&value["content_encoding"]),
        content_disposition: optional_text(&value["content_disposition"]),
        content_language: optional_text(&value["content_language"]),
        cache_control: optional_text(&value["cache_control"]),
        expires: optional_text(&value["expires"]),
        website_redirect: optional_text(&value["website_redirect"]),
        user: user.iter().map(|entry| (text(&entry[0]), text(&entry[1]))).collect(),
    }
}

fn metadata_json(metadata: &ObjectMetadata) -> Value {
    json!({
        "content_type": metadata.content_type,
        "content_encoding": metadata.content_encoding,
        "content_disposition": metadata.content_disposition,
        "content_language": metadata.content_language,
        "cache_control": metadata.cache_control,
        "expires": metadata.expires,
        "website_redirect": metadata.website_redirect,
        "user": metadata.user,
    })
}

fn header(value: &Value) -> PartHeader {
    PartHeader::decode(&unhex(value)).unwrap()
}

fn parts(value: &Value) -> PartList {
    if let Some(whole) = value.get("whole") {
        return PartList::Whole {
            header: header(&whole["header"]),
            number: number(&whole["number"]),
        };
    }
    let manifest = &value["manifest"];
    let digest = |record: &Value| ManifestDigest {
        start: record["start"].as_u64().unwrap(),
        digest: array(&record["digest"]),
    };
    PartList::Manifest {
        count: number(&manifest["count"]),
        records: manifest["records"].as_array().unwrap().iter().map(digest).collect(),
    }
}

fn parts_json(parts: &PartList) -> Value {
    match parts {
        PartList::Whole { header, number } => {
            json!({ "whole": { "header": hex(&header.encode()), "number": number } })
        }
        PartList::Manifest { count, records } => {
            let records: Vec<Value> = records
                .iter()
                .map(|record| json!({ "start": record.start, "digest": hex(&record.digest) }))
                .collect();
            json!({ "manifest": { "count": count, "records": records } })
        }
    }
}

pub(crate) fn version(value: &Value) -> VersionFacts {
    VersionFacts {
        public_version: optional_text(&value["public_version"]),
        holder: holder(&value["holder"]),
        last_modified_ms: value["last_modified_ms"].as_i64().unwrap(),
        length: value["length"].as_u64().unwrap(),
        etag: text(&value["etag"]),
        checksum: checksum(&value["checksum"]),
        metadata: metadata(&value["metadata"]),
        parts: parts(&value["parts"]),
    }
}

pub(crate) fn version_json(facts: &VersionFacts) -> Value {
    json!({
        "public_version": facts.public_version,
        "holder": holder_json(facts.holder),
        "last_modified_ms": facts.last_modified_ms,
        "length": facts.length,
        "etag": facts.etag,
        "checksum": checksum_json(facts.checksum.as_ref()),
        "metadata": metadata_json(&facts.metadata),
        "parts": parts_json(&facts.parts),
    })
}

pub(crate) fn upload(value: &Value) -> UploadFacts {
    let checksum = &value["checksum"];
    UploadFacts {
        holder: holder(&value["holder"]),
        metadata: metadata(&value["metadata"]),
        checksum: (!checksum.is_null()).then(|| algorithm(checksum)),
    }
}

pub(crate) fn upload_json(facts: &UploadFacts) -> Value {
    let checksum = facts.checksum.map(|(algorithm, kind)| algorithm_json(algorithm, kind));
    json!({
        "holder": holder_json(facts.holder),
        "metadata": metadata_json(&facts.metadata),
        "checksum": checksum,
    })
}

pub(crate) fn completion(value: &Value) -> CompletionFacts {
    CompletionFacts {
        public_version: optional_text(&value["public_version"]),
        last_modified_ms: value["last_modified_ms"].as_i64().unwrap(),
        length: value["length"].as_u64().unwrap(),
        etag: text(&value["etag"]),
        parts: parts(&value["parts"]),
    }
}

pub(crate) fn completion_json(facts: &CompletionFacts) -> Value {
    json!({
        "public_version": facts.public_version,
        "last_modified_ms": facts.last_modified_ms,
        "length": facts.length,
        "etag": facts.etag,
        "parts": parts_json(&facts.parts),
    })
}

pub(crate) fn outline(value: &Value) -> PartOutline {
    PartOutline {
        number: number(&value["number"]),
        header: header(&value["header"]),
        length: value["length"].as_u64().unwrap(),
        etag: text(&value["etag"]),
    }
}

pub(crate) fn outline_json(outline: &PartOutline) -> Value {
    json!({
        "number": outline.number,
        "header": hex(&outline.header.encode()),
        "length": outline.length,
        "etag": outline.etag,
    })
}

pub(crate) fn part(value: &Value) -> PartFacts {
    PartFacts { outline: outline(&value["outline"]), checksum: checksum(&value["checksum"]) }
}

pub(crate) fn part_json(facts: &PartFacts) -> Value {
    json!({
        "outline": outline_json(&facts.outline),
        "checksum": checksum_json(facts.checksum.as_ref()),
    })
}
