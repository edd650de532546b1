//! Multipart uploads: keys, order, replacement, completion without a key.

use object_engine::model::{Attached, Upload, WriteCondition};
use sealed_format::CustomerKey;
use sealed_store::{
    ChosenChecksum, CompleteOutcome, CreateUpload, PartPut, UnlockError, UnlockedUpload,
};

use crate::world::{Failure, Frames, World, customer_key, metadata, object_key, pattern};

const PART: usize = 5 << 20;

impl World {
    async fn create(&self, key: Option<&CustomerKey>) -> Upload {
        let create = CreateUpload {
            bucket: &self.bucket,
            key: &object_key("m"),
            owner: &self.owner,
            encryption: key.into(),
            metadata: metadata(),
            storage_class: "STANDARD".into(),
            attached: Attached::default(),
            checksum: None,
        };
        self.store.create_upload(create).await.unwrap().unwrap()
    }

    async fn part(&self, upload: &UnlockedUpload, number: u32, bytes: &[u8]) -> PartPut {
        let mut body = Frames::new(bytes, 60_000);
        self.store.put_part(&self.bucket, upload, number, &mut body).await.unwrap().unwrap()
    }

    async fn complete(&self, upload: &Upload, parts: &[(u32, &PartPut)]) -> CompleteOutcome {
        let parts: Vec<_> = parts
            .iter()
            .map(|(number, put)| ChosenChecksum {
                number: *number,
                etag: put.etag.clone(),
                checksum: None,
            })
            .collect();
        let condition = WriteCondition::default();
        self.store.complete(&self.bucket, upload, &parts, condition, None).await.unwrap()
    }
}

/// The last part may be of any size, and so the only one may be empty.
#[tokio::test]
async fn an_empty_part_alone_makes_an_empty_object() {
    let world = World::new().await;
    for key in [None, Some(&customer_key(1))] {
        let upload = world.create(key).await;
        let open = world.store.unlock_upload(&world.bucket, &upload, key).await.unwrap();
        let part = world.part(&open, 1, b"").await;
        let done = world.complete(&upload, &[(1, &part)]).await;
        assert!(matches!(done, CompleteOutcome::Done { .. }), "{done:?}");
        assert_eq!(world.get("m", key, None).await.unwrap(), b"");
    }
}

#[tokio::test]
async fn parts_become_one_object_without_the_key_at_complete() {
    let world = World::new().await;
    let key = customer_key(1);
    let upload = world.create(Some(&key)).await;
    let open = world.store.unlock_upload(&world.bucket, &upload, Some(&key)).await.unwrap();
    let (one, two, three) = (pattern(PART + 5), pattern(PART), pattern(7));
    // Out of order, with a hole in the numbers, and one of them twice.
    let last = world.part(&open, 9, &three).await;
    world.part(&open, 1, b"replaced").await;
    let first = world.part(&open, 1, &one).await;
    let middle = world.part(&open, 4, &two).await;
    let done = world.complete(&upload, &[(1, &first), (4, &middle), (9, &last)]).await;
    let CompleteOutcome::Done { etag, checksum, .. } = done else { panic!("{done:?}") };
    assert!(etag.0.ends_with("-3"));
    assert!(checksum.is_none(), "no key, no checksum");
    let whole = [one.clone(), two, three].concat();
    assert_eq!(world.get("m", Some(&key), None).await.unwrap(), whole);
    let wrong = world.get("m", Some(&customer_key(2)), None).await;
    assert_eq!(wrong, Err(Failure::Locked(UnlockError::WrongKey)));
    // Across the border of two parts, and the last byte.
    let border = one.len() as u64;
    for range in [border - 3..border + 3, whole.len() as u64 - 1..whole.len() as u64, 0..1] {
        let got = world.get("m", Some(&key), Some(range.clone())).await.unwrap();
        assert_eq!(got, whole[range.start as usize..range.end as usize]);
    }
    let (version, object) = world.find("m").await;
    let unlocked = world.store.unlock(&world.bucket, &version, &object, Some(&key)).await.unwrap();
    assert_eq!(unlocked.facts().parts, Some(3));
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, &whole);
    let derived = world.store.checksum(&unlocked).await.unwrap().unwrap();
    assert_eq!(derived.value, crc.to_be_bytes());
}

/// What the client checked a part with was kept alone, before a CRC64NVME was computed beside it.
#[tokio::test]
async fn parts_of_an_older_server_are_read_and_make_an_object_without_a_checksum() {
    let world = World::new().await;
    let upload = world.create(None).await;
    let open = world.store.unlock_upload(&world.bucket, &upload, None).await.unwrap();
    let mut parts = Vec::new();
    for (number, bytes) in [(1, pattern(PART)), (2, b"last".to_vec())] {
        let mut body = Frames::new(&bytes, 60_000).with_crc32();
        let put = world.store.put_part(&world.bucket, &open, number, &mut body).await;
        parts.push((number, put.unwrap().unwrap()));
    }
    let chosen: Vec<_> = parts
        .iter()
        .map(|(number, put)| ChosenChecksum {
            number: *number,
            etag: put.etag.clone(),
            checksum: None,
        })
        .collect();
    let condition = WriteCondition::default();
    let done = world.store.complete(&world.bucket, &upload, &chosen, condition, Some(&open)).await;
    let CompleteOutcome::Done { checksum, .. } = done.unwrap() else { panic!("not done") };
    assert!(checksum.is_none());
    let whole = [pattern(PART), b"last".to_vec()].concat();
    assert_eq!(world.get("m", None, None).await.unwrap(), whole);
    let (version, object) = world.find("m").await;
    let unlocked = world.store.unlock(&world.bucket, &version, &object, None).await.unwrap();
    assert!(world.store.checksum(&unlocked).await.unwrap().is_none());
}

#[tokio::test]
async fn parts_need_the_uploads_own_key() {
    let world = World::new().await;
    let (key, other) = (customer_key(1), customer_key(2));
    let sealed = world.create(Some(&key)).await;
    let unlock = async |upload, key| {
        world.store.unlock_upload(&world.bucket, upload, key).await.unwrap_err()
    };
    assert_eq!(unlock(&sealed, None).await, UnlockError::KeyRequired);
    assert_eq!(unlock(&sealed, Some(&other)).await, UnlockError::WrongKey);
    let plain = world.create(None).await;
    assert_eq!(unlock(&plain, Some(&key)).await, UnlockError::KeyNotApplicable);
}

#[tokio::test]
async fn a_wrong_list_is_refused_and_the_upload_stays() {
    let world = World::new().await;
    let key = customer_key(1);
    let upload = world.create(Some(&key)).await;
    let open = world.store.unlock_upload(&world.bucket, &upload, Some(&key)).await.unwrap();
    let small = world.part(&open, 1, b"small").await;
    let other = world.part(&open, 2, b"other").await;
    let refused = world.complete(&upload, &[(1, &small), (2, &other)]).await;
    assert!(matches!(refused, CompleteOutcome::PartTooSmall { number: 1, size: 5, .. }));
    let refused = world.complete(&upload, &[(1, &other)]).await;
    assert!(matches!(refused, CompleteOutcome::InvalidPart(1)));
    let refused = world.complete(&upload, &[(3, &other)]).await;
    assert!(matches!(refused, CompleteOutcome::InvalidPart(3)));
    assert!(matches!(world.complete(&upload, &[(2, &other)]).await, CompleteOutcome::Done { .. }));
    assert_eq!(world.get("m", Some(&key), None).await.unwrap(), b"other");
    assert!(matches!(world.complete(&upload, &[(2, &other)]).await, CompleteOutcome::NoSuchUpload));
}

#[tokio::test]
async fn the_servers_own_uploads_have_md5_etags_and_a_checksum_at_complete() {
    let world = World::new().await;
    let upload = world.create(None).await;
    let open = world.store.unlock_upload(&world.bucket, &upload, None).await.unwrap();
    let part = world.part(&open, 1, b"hello").await;
    assert_eq!(part.etag.0, "5d41402abc4b2a76b9719d911017c592");
    let chosen = [ChosenChecksum {
        number: 1,
        etag: part.etag.clone(),
        checksum: part.checksum.clone().map(|sum| (sum.algorithm, sum.value)),
    }];
    let condition = WriteCondition::default();
    let done = world.store.complete(&world.bucket, &upload, &chosen, condition, Some(&open)).await;
    let CompleteOutcome::Done { checksum, .. } = done.unwrap() else { panic!("done") };
    assert_eq!(checksum.unwrap().value, part.checksum.unwrap().value);
    assert_eq!(world.get("m", None, None).await.unwrap(), b"hello");
}

#[tokio::test]
async fn repeating_checksums_without_the_key_is_refused() {
    let world = World::new().await;
    let key = customer_key(1);
    let upload = world.create(Some(&key)).await;
    let open = world.store.unlock_upload(&world.bucket, &upload, Some(&key)).await.unwrap();
    let part = world.part(&open, 1, b"hello").await;
    let sum = part.checksum.clone().unwrap();
    let with = |value: Vec<u8>| {
        vec![ChosenChecksum {
            number: 1,
            etag: part.etag.clone(),
            checksum: Some((sum.algorithm, value)),
        }]
    };
    let complete = async |parts: Vec<ChosenChecksum>, unlocked| {
        let condition = WriteCondition::default();
        world.store.complete(&world.bucket, &upload, &parts, condition, unlocked).await.unwrap()
    };
    let keyless = complete(with(sum.value.clone()), None).await;
    assert!(matches!(keyless, CompleteOutcome::KeyRequiredForChecksums));
    let wrong = complete(with(vec![0; 8]), Some(&open)).await;
    assert!(matches!(wrong, CompleteOutcome::InvalidPart(1)));
    let right = complete(with(sum.value.clone()), Some(&open)).await;
    assert!(matches!(right, CompleteOutcome::Done { checksum: Some(_), .. }));
}
