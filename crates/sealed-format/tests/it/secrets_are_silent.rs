//! What prints, prints no secret, no metadata and no checksum.

use std::fmt::Debug;

use sealed_format::{
    Checksum, ChecksumAlgorithm, ChecksumKind, CompletionFacts, HolderKey, HolderKind, KeyHeaders,
    KmsDataKey, MasterKey, Md5Rule, ObjectMetadata, ObjectSecrets, PartFacts, PartHeader, PartList,
    PartOutline, PartSealer, RingKey, UploadFacts, VersionFacts,
};

use crate::object::{BODY, Counting, key};

fn shown(value: &dyn Debug) -> String {
    format!("{value:?} {value:#?}")
}

#[test]
fn secrets_print_their_type_only() {
    let random = Counting::from(0);
    let customer = key(0x41);
    let master = MasterKey::filled_by(|key| key.fill(0x41));
    let server = master.server_key();
    let data_key = KmsDataKey::filled_by(|key| key.fill(0x41));
    let secrets = ObjectSecrets::generate(&random);
    let sealer = PartSealer::new(&secrets.data, &BODY, 1, &random);
    let headers = KeyHeaders {
        algorithm: Some(b"AES256"),
        key: Some(b"QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="),
        md5: None,
    };
    let presented = headers.parse(Md5Rule::Optional).unwrap().unwrap();
    for (text, expected) in [
        (format!("{customer:?}"), "CustomerKey(..)"),
        (format!("{:?}", customer.md5()), "KeyMd5(..)"),
        (format!("{master:?}"), "MasterKey(..)"),
        (format!("{server:?}"), "ServerKey(..)"),
        (format!("{:?}", HolderKey::Customer(&customer)), "Customer(CustomerKey(..))"),
        (format!("{:?}", HolderKey::Kms(&data_key)), "Kms(KmsDataKey(..))"),
        (format!("{:?}", RingKey::generate(&Counting::from(0))), "RingKey(..)"),
        (
            format!("{secrets:?}"),
            "ObjectSecrets { data: DataKey(..), metadata: MetadataKey(..), completion: CompletionKey(..) }",
        ),
        (format!("{headers:?}"), "KeyHeaders { algorithm: true, key: true, md5: false }"),
        (format!("{presented:?}"), "PresentedKey { key: Ok(CustomerKey(..)), .. }"),
    ] {
        assert_eq!(text, expected);
    }
    assert!(shown(&sealer).contains("ChunkCipher(..)"));
}

#[test]
fn facts_print_counts() {
    const MARK: &str = "unprintable";
    let metadata = ObjectMetadata {
        content_type: Some(MARK.into()),
        website_redirect: Some(MARK.into()),
        user: vec![(MARK.into(), MARK.into())],
        ..ObjectMetadata::default()
    };
    let value = b"\x75\x6e\x70\x72".to_vec();
    let checksum = Checksum {
        algorithm: ChecksumAlgorithm::Crc32,
        kind: ChecksumKind::FullObject,
        value,
        parts: 0,
    };
    let header = PartHeader { salt: [0; 24], commitment: [0; 32] };
    let parts = PartList::Whole { header, number: 1 };
    let version = VersionFacts {
        public_version: Some(MARK.into()),
        holder: HolderKind::Customer,
        last_modified_ms: 0,
        length: 5,
        etag: MARK.into(),
        checksum: Some(checksum.clone()),
        metadata: metadata.clone(),
        parts: parts.clone(),
    };
    let upload =
        UploadFacts { holder: HolderKind::Customer, metadata: metadata.clone(), checksum: None };
    let completion = CompletionFacts {
        public_version: Some(MARK.into()),
        last_modified_ms: 0,
        length: 5,
        etag: MARK.into(),
        parts,
    };
    let outline = PartOutline { number: 1, header, length: 5, etag: MARK.into() };
    let part = PartFacts { outline: outline.clone(), checksum: Some(checksum.clone()) };
    let all: [&dyn Debug; 7] =
        [&metadata, &checksum, &version, &upload, &completion, &outline, &part];
    for facts in all {
        let text = shown(facts);
        assert!(!text.contains(MARK) && !text.contains("117"), "{text}");
    }
    assert_eq!(format!("{metadata:?}"), "ObjectMetadata(2 texts, 1 user entries)");
}

/// Requests move between threads, and front-ends share the master key.
#[test]
fn what_requests_hold_may_change_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<sealed_format::CustomerKey>();
    shared::<MasterKey>();
    shared::<ObjectSecrets>();
    shared::<PartSealer>();
    shared::<sealed_format::PartOpener>();
    shared::<sealed_format::ServerKey>();
}
