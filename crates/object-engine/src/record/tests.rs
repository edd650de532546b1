//! Golden records: these bytes stand in catalogs, so a change of them needs a new format version.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::{
    blobs::{BlobId, installation::InstallationId},
    catalog::Stamp,
    clock::Timestamp,
    engine::{Setting, SettingValue},
    model::*,
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn part(number: u32, place: Place) -> StoredPart {
    StoredPart {
        number,
        length: 300,
        place,
        header: Bytes::from_static(b"salt"),
        etag: ETag("aa".into()),
        seal: Bytes::from_static(b"sealed"),
    }
}

fn object(body: Body) -> StoredObject {
    StoredObject {
        holder: Holder::Customer,
        size: 300,
        etag: ETag("aa".into()),
        storage_class: "STANDARD".into(),
        checksum: Some(("CRC32".into(), "FULL_OBJECT".into())),
        envelope: Bytes::from_static(b"envelope"),
        seals: vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")],
        attached: Attached {
            tags: vec![("k".into(), "v".into())],
            acl: Some("acl".into()),
            retention: Some(Retention {
                mode: RetentionMode::Compliance,
                until: Timestamp(1_900_000_000_000),
            }),
            legal_hold: Some(LegalHold::On),
        },
        body_id: BodyId([3; 16]),
        body,
    }
}

fn kms() -> Holder {
    Holder::Kms(Box::new(KmsHolder {
        key: "team/finance".into(),
        wrapped: Bytes::from_static(b"wrapped"),
        context: vec![("a".into(), "b".into())],
        bucket_key: true,
    }))
}

fn named_key() -> NamedKey {
    NamedKey {
        name: "team/finance".into(),
        uid: [6; 16],
        created: Timestamp(7),
        enabled: true,
        sealed: Bytes::from_static(b"sealed"),
    }
}

fn version_record(object: Option<&StoredObject>, named: bool) -> Bytes {
    let owner = AccountId("owner".into());
    VersionRecord {
        uid: VersionUid([1; 16]),
        public: named.then_some(VersionId { sequence: 7, tag: 0x0102 }),
        last_modified: Timestamp(1_700_000_000_123),
        owner: &owner,
        object,
    }
    .encode()
}

fn bucket() -> BucketRecord {
    let bucket = Bucket {
        name: BucketName::parse("abc").unwrap(),
        uid: BucketUid([9; 16]),
        owner: AccountId("me".into()),
        created: Timestamp(5),
        region: "us-east-1".into(),
        versioning: Versioning::Suspended,
        settings: [("cors".to_owned(), "<x/>".to_owned())].into(),
        stamp: Stamp(4),
    };
    BucketRecord { bucket, state: BucketState::Deleting { by: None } }
}

fn upload() -> UploadRecord {
    let upload = Upload {
        id: UploadId([4; 16]),
        bucket: BucketUid([9; 16]),
        key: ObjectKey::parse("k").unwrap(),
        version_uid: VersionUid([1; 16]),
        body_id: BodyId([3; 16]),
        owner: AccountId("me".into()),
        initiated: Timestamp(6),
        holder: Holder::Server,
        storage_class: "STANDARD".into(),
        checksum: None,
        envelope: Bytes::from_static(b"e"),
        metadata_seal: Bytes::from_static(b"m"),
        completion_key: Bytes::from_static(b"c"),
        attached: Attached::default(),
    };
    UploadRecord { upload, state: UploadState::Completing { parts: 2, by: None } }
}

fn uploaded_part() -> UploadedPart {
    UploadedPart {
        part: part(2, Place::Inline(Bytes::from_static(b"xy"))),
        last_modified: Timestamp(8),
        completion_mac: Bytes::from_static(b"mac"),
        checksum: Some("AAAA".into()),
    }
}

#[test]
fn records_have_these_bytes_for_ever() {
    let whole = object(Body::Whole(part(1, Place::Blob(BlobId(4_097), 316))));
    let parts = object(Body::Parts { parts: 2 });
    let of_kms = StoredObject { holder: kms(), ..parts.clone() };
    let mut kms_upload = upload();
    kms_upload.upload.holder = kms();
    let shown = Shown::of(&whole, Timestamp(-1), &AccountId("owner".into()));
    let head = Head { sequence: 300, null: Some(2), shown: Some(shown) };
    let golden = [
        ("head", head.encode()),
        ("tombstone", Head { sequence: 1, null: None, shown: None }.encode()),
        ("version", version_record(Some(&whole), true)),
        ("null version of parts", version_record(Some(&parts), false)),
        ("delete marker", version_record(None, true)),
        ("manifest", encode_manifest(7, &[part(1, Place::Blob(BlobId(1), 2))])),
        ("bucket", bucket().encode()),
        ("upload", upload().encode()),
        ("part", encode_part(&uploaded_part())),
        ("owner of a whole body", Owner::Whole { body: BodyId([3; 16]), refs: 2 }.encode()),
        ("owner of a part", Owner::Part { body: BodyId([3; 16]) }.encode()),
        ("lease", Lease { owner: SessionId([5; 16]), state: LeaseState::Swept }.encode()),
        ("count", encode_count(200)),
        ("version of a named key", version_record(Some(&of_kms), true)),
        ("upload of a named key", kms_upload.encode()),
        ("named key", encode_named_key(&named_key())),
        ("removal", encode_time(Timestamp(9))),
    ];
    let found: String =
        golden.iter().map(|(name, bytes)| format!("{name} {}\n", hex(bytes))).collect();
    assert_eq!(found, include_str!("golden.txt"));
}

#[test]
fn records_decode_to_what_was_encoded() {
    let key = ObjectKey::parse("k").unwrap();
    for body in [
        Body::Whole(part(1, Place::Inline(Bytes::from_static(b"sealed bytes")))),
        Body::Whole(part(1, Place::Blob(BlobId(u64::MAX), 316))),
        Body::Parts { parts: 10_000 },
    ] {
        let object = object(body);
        let record = version_record(Some(&object), true);
        let version = decode_version(&record, BucketUid([9; 16]), &key, 7).unwrap();
        assert_eq!(version.kind, VersionKind::Object(Arc::new(object)));
        assert_eq!(version.public, Some(VersionId { sequence: 7, tag: 0x0102 }));
    }
    let of_kms = StoredObject { holder: kms(), ..object(Body::Parts { parts: 1 }) };
    let record = version_record(Some(&of_kms), true);
    let version = decode_version(&record, BucketUid([9; 16]), &key, 7).unwrap();
    assert_eq!(version.kind, VersionKind::Object(Arc::new(of_kms)));
    assert_eq!(decode_named_key(&encode_named_key(&named_key())), Ok(named_key()));
    let record = bucket();
    assert_eq!(BucketRecord::decode(&record.encode(), &record.bucket.name, Stamp(4)), Ok(record));
    let record = upload();
    let Upload { bucket, key, id, .. } = record.upload.clone();
    assert_eq!(UploadRecord::decode(&record.encode(), bucket, &key, id), Ok(record));
    assert_eq!(decode_part(&encode_part(&uploaded_part())), Ok(uploaded_part()));
    let completing = Completing { bucket, key };
    assert_eq!(Completing::decode(&completing.encode()), Ok(completing));
    let removed = RemovedUpload { at: Timestamp(1), body: BodyId([2; 16]), completed: true };
    assert_eq!(RemovedUpload::decode(&removed.encode()), Ok(removed));
    assert_eq!(decode_time(&removed.encode()), Ok(Timestamp(1)));
}

#[test]
fn what_engines_that_share_a_catalog_write_survives() {
    let id = SessionId([0xab; 16]);
    for state in [SessionState::Open, SessionState::Fenced] {
        let session = Session { state, readers: Stamp(300) };
        assert_eq!(Session::decode(&session.encode()), Ok(session));
    }
    let session = Session { state: SessionState::Fenced, readers: Stamp(300) };
    assert_eq!(hex(&session.encode()), "0101ac02");
    let setup = [
        Setting { name: "--region".into(), value: SettingValue::Shown("eu-1".into()) },
        Setting { name: "s".into(), value: SettingValue::Hidden([0xef; 32]) },
    ];
    assert_eq!(decode_setup(&encode_setup(&setup)), Ok(setup.to_vec()));
    let expected = format!("0102082d2d726567696f6e000465752d31017301{}", "ef".repeat(32));
    assert_eq!(hex(&encode_setup(&setup)), expected);
    assert_eq!(decode_turn(&encode_turn(id)), Ok(id));
    for is_marked in [false, true] {
        let installation = Installation { id: InstallationId([0xcd; 16]), is_marked };
        assert_eq!(Installation::decode(&installation.encode()), Ok(installation));
        assert_eq!(
            hex(&installation.encode()),
            format!("01{}0{}", "cd".repeat(16), u8::from(is_marked))
        );
    }
    assert_eq!(hex(&encode_master_check(b"ab")), "01026162");
    assert_eq!(decode_master_check(&encode_master_check(b"ab")), Ok(Bytes::from_static(b"ab")));

    let record = BucketRecord { state: BucketState::Deleting { by: Some(id) }, ..bucket() };
    let name = record.bucket.name.clone();
    assert_eq!(hex(&record.encode()[..4]), "0102abab");
    assert_eq!(BucketRecord::decode(&record.encode(), &name, Stamp(4)), Ok(record));
    let record =
        UploadRecord { state: UploadState::Completing { parts: 2, by: Some(id) }, ..upload() };
    let Upload { bucket, key, id, .. } = record.upload.clone();
    assert_eq!(hex(&record.encode()[..4]), "0202abab");
    assert_eq!(UploadRecord::decode(&record.encode(), bucket, &key, id), Ok(record));
}

#[test]
fn accounts_and_access_keys_survive() {
    let account = Account {
        id: AccountId("id".into()),
        name: "n".into(),
        display_name: "d".into(),
        email: Some("e".into()),
        policy: None,
    };
    assert_eq!(decode_account(&encode_account(&account)), Ok(account));
    let key = AccessKey {
        id: "AKIA".into(),
        account: "n".into(),
        sealed_secret: Bytes::from_static(b"s"),
        enabled: false,
    };
    assert_eq!(decode_access_key(&encode_access_key(&key)), Ok(key));
}

#[test]
fn the_largest_head_fits() {
    let mut object = object(Body::Parts { parts: 10_000 });
    object.etag = ETag(format!("{}-10000", "f".repeat(32)));
    object.checksum = Some(("CRC64NVME".into(), "FULL_OBJECT".into()));
    object.storage_class = "INTELLIGENT_TIERING".into();
    object.size = u64::MAX;
    let shown = Shown::of(&object, Timestamp(i64::MAX), &AccountId("x".repeat(128)));
    let head = Head { sequence: u64::MAX, null: Some(u64::MAX), shown: Some(shown) };
    assert!(head.encode().len() <= HEAD_BYTES_MAX);
}

#[test]
fn every_truncation_and_every_tail_is_refused() {
    let key = ObjectKey::parse("k").unwrap();
    let object = object(Body::Whole(part(1, Place::Blob(BlobId(4_097), 316))));
    let record = version_record(Some(&object), true);
    let decode =
        |bytes: &[u8]| decode_version(&Bytes::copy_from_slice(bytes), BucketUid([9; 16]), &key, 7);
    for length in 0..record.len() {
        assert!(decode(&record[..length]).is_err(), "{length}");
    }
    assert!(decode(&[&record[..], &[0]].concat()).is_err());
}

proptest! {
    /// Whatever stands in a record, decoding neither panics nor allocates without bound.
    #[test]
    fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Some(first) = bytes.first_mut() {
            *first = 1;
        }
        let key = ObjectKey::parse("k").unwrap();
        let shared = Bytes::from(bytes.clone());
        let _ = decode_version(&shared, BucketUid([0; 16]), &key, 1);
        let _ = decode_manifest(&shared);
        let _ = Head::decode(&bytes);
        let _ = VersionFront::decode(&bytes);
        let _ = UploadRecord::decode(&bytes, BucketUid([0; 16]), &key, UploadId([0; 16]));
        let _ = decode_part(&bytes);
        let _ = decode_account(&bytes);
        let _ = decode_named_key(&bytes);
        let _ = Owner::decode(&bytes);
        let _ = Lease::decode(&bytes);
    }
}
