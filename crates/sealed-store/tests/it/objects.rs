//! Put and get: every border, every range, every key.

use std::sync::Arc;

use object_engine::model::{
    Attached, Holder, ObjectKey, Published, VersionSelector, WriteCondition,
};
use sealed_format::CustomerKey;
use sealed_store::{Encryption, Put, UnlockError};

use crate::world::{Failure, Frames, World, customer_key, metadata, object_key, pattern};

const CHUNK: usize = 16_384;

#[tokio::test]
async fn what_is_put_is_got_at_every_border() {
    let world = World::new().await;
    let key = customer_key(1);
    for length in [
        0,
        1,
        4_096,
        CHUNK - 1,
        CHUNK,
        CHUNK + 1,
        16 * CHUNK - 1,
        16 * CHUNK,
        16 * CHUNK + 1,
        17 * CHUNK,
        300_000,
        64 * CHUNK,
        5_000_003,
    ] {
        for frame in [1_000, CHUNK - 3, CHUNK, 100_000] {
            if length / frame > 1_000 {
                continue;
            }
            let bytes = pattern(length);
            let put = world.put("o", &bytes, frame, Some(&key)).await;
            assert!(matches!(put.published, Published::Done(_)));
            assert_eq!(world.get("o", Some(&key), None).await.unwrap(), bytes, "{length}/{frame}");
        }
    }
}

#[tokio::test]
async fn a_length_that_is_not_told_changes_nothing() {
    let world = World::new().await;
    let key = customer_key(1);
    for length in [0, 100, CHUNK, 3_000_000] {
        let bytes = pattern(length);
        let put = Put {
            bucket: &world.bucket,
            key: &object_key("o"),
            owner: &world.owner,
            encryption: Encryption::Customer(&key),
            metadata: metadata(),
            storage_class: "STANDARD".into(),
            attached: Attached::default(),
            condition: WriteCondition::default(),
        };
        world.store.put(put, &mut Frames::new(&bytes, 9_999).unknown()).await.unwrap();
        assert_eq!(world.get("o", Some(&key), None).await.unwrap(), bytes);
    }
}

#[tokio::test]
async fn every_range_around_the_borders_is_right() {
    let world = World::new().await;
    let key = customer_key(1);
    let bytes = pattern(40 * CHUNK + 77);
    world.put("o", &bytes, 70_000, Some(&key)).await;
    let length = bytes.len() as u64;
    let borders = [0, 1, CHUNK as u64, 16 * CHUNK as u64, 32 * CHUNK as u64, length];
    let near = |at: u64| [at.saturating_sub(1), at, (at + 1).min(length)];
    for from in borders.iter().flat_map(|at| near(*at)) {
        for to in borders.iter().flat_map(|at| near(*at)).filter(|to| *to > from) {
            let got = world.get("o", Some(&key), Some(from..to)).await.unwrap();
            assert!(got == bytes[from as usize..to as usize], "{from}..{to}");
        }
    }
}

#[tokio::test]
async fn only_the_right_key_opens_even_an_empty_object() {
    let world = World::new().await;
    let (right, wrong) = (customer_key(1), customer_key(2));
    for length in [0, 10, 200_000] {
        world.put("c", &pattern(length), CHUNK, Some(&right)).await;
        let refused = |key| world.get("c", key, None);
        assert_eq!(refused(Some(&wrong)).await, Err(Failure::Locked(UnlockError::WrongKey)));
        assert_eq!(refused(None).await, Err(Failure::Locked(UnlockError::KeyRequired)));
        world.put("s", &pattern(length), CHUNK, None).await;
        let refused = world.get("s", Some(&right), None).await;
        assert_eq!(refused, Err(Failure::Locked(UnlockError::KeyNotApplicable)));
        assert_eq!(world.get("s", None, None).await.unwrap(), pattern(length));
    }
}

#[tokio::test]
async fn etags_are_md5_for_the_servers_key_and_random_for_the_customers() {
    let world = World::new().await;
    let key = customer_key(1);
    let plain = world.put("s", b"hello", 5, None).await;
    assert_eq!(plain.etag.0, "5d41402abc4b2a76b9719d911017c592");
    let one = world.put("c", b"hello", 5, Some(&key)).await;
    let two = world.put("c", b"hello", 5, Some(&key)).await;
    assert_ne!(one.etag, two.etag);
    assert_ne!(one.etag, plain.etag);
    assert_eq!(one.etag.0.len(), 32);
}

#[tokio::test]
async fn metadata_comes_back_and_stands_nowhere_in_clear() {
    let world = World::new().await;
    let key = customer_key(1);
    world.put("o", b"the plaintext itself", 100, Some(&key)).await;
    let (version, object) = world.find("o").await;
    assert_eq!(object.holder, Holder::Customer);
    let unlocked = world.store.unlock(&world.bucket, &version, &object, Some(&key)).await.unwrap();
    assert_eq!(unlocked.facts().metadata, metadata());
    assert_eq!(unlocked.facts().etag, object.etag);
    assert_eq!(unlocked.facts().last_modified, version.last_modified);
    let stored = format!("{object:?}");
    for secret in ["green", "colour", "text/plain", "the plaintext itself"] {
        assert!(!stored.contains(secret), "{secret} stands in the catalog");
    }
    let checksum = world.store.checksum(&unlocked).await.unwrap().unwrap();
    assert_eq!(checksum.value.len(), 8);
}

#[tokio::test]
async fn a_body_that_fails_leaves_the_old_object_and_no_blob() {
    struct Broken(Frames);
    #[async_trait::async_trait]
    impl sealed_store::PlainBody for Broken {
        type Error = &'static str;
        fn length(&self) -> Option<u64> {
            self.0.length()
        }
        async fn frame(&mut self) -> Result<Option<bytes::Bytes>, &'static str> {
            Ok(self.0.frame().await.unwrap())
        }
        fn finish(&mut self) -> Result<sealed_store::BodyDigests, &'static str> {
            Err("the checksum does not match")
        }
    }
    let world = World::new().await;
    let key = customer_key(1);
    world.put("o", b"old", 3, Some(&key)).await;
    let object = object_key("o");
    let put = put_to(&world, &object, &key);
    let mut body = Broken(Frames::new(&pattern(1_000_000), 50_000));
    assert!(world.store.put(put, &mut body).await.is_err());
    assert_eq!(world.get("o", Some(&key), None).await.unwrap(), b"old");
}

/// A put that demands nothing.
fn put_to<'a>(world: &'a World, object: &'a ObjectKey, key: &'a CustomerKey) -> Put<'a> {
    Put {
        bucket: &world.bucket,
        key: object,
        owner: &world.owner,
        encryption: Encryption::Customer(key),
        metadata: metadata(),
        storage_class: "STANDARD".into(),
        attached: Attached::default(),
        condition: WriteCondition::default(),
    }
}

/// A connection reads into the buffer that its last frame was cut from only when nobody holds a piece of it.
#[tokio::test]
async fn no_frame_of_a_long_body_is_held_while_the_next_is_awaited() {
    struct Lent {
        bytes: bytes::Bytes,
        _counted: Arc<()>,
    }
    impl AsRef<[u8]> for Lent {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }
    struct Lending(Frames, Arc<()>);
    #[async_trait::async_trait]
    impl sealed_store::PlainBody for Lending {
        type Error = std::convert::Infallible;
        fn length(&self) -> Option<u64> {
            self.0.length()
        }
        async fn frame(&mut self) -> Result<Option<bytes::Bytes>, Self::Error> {
            assert_eq!(Arc::strong_count(&self.1), 1, "a frame is still held");
            let frame = self.0.frame().await?;
            let lent = |bytes| Lent { bytes, _counted: Arc::clone(&self.1) };
            Ok(frame.map(|frame| bytes::Bytes::from_owner(lent(frame))))
        }
        fn finish(&mut self) -> Result<sealed_store::BodyDigests, Self::Error> {
            self.0.finish()
        }
    }
    let world = World::new().await;
    let key = customer_key(1);
    let bytes = pattern(1_000_000);
    let mut body = Lending(Frames::new(&bytes, 50_000), Arc::default());
    let object = object_key("o");
    let put = put_to(&world, &object, &key);
    world.store.put(put, &mut body).await.unwrap();
    assert_eq!(world.get("o", Some(&key), None).await.unwrap(), bytes);
}

#[tokio::test]
async fn versions_keep_their_own_keys() {
    let world = World::new().await;
    let engine = world.store.engine();
    let enabled = object_engine::model::Versioning::Enabled;
    assert!(engine.set_versioning(&world.bucket, enabled).await.unwrap());
    let bucket = engine.bucket(&world.bucket.name).await.unwrap().unwrap();
    let world = World { bucket, ..world };
    let (one, two) = (customer_key(1), customer_key(2));
    let Published::Done(first) = world.put("o", b"first", 9, Some(&one)).await.published else {
        panic!("published")
    };
    world.put("o", b"second", 9, Some(&two)).await;
    assert_eq!(world.get("o", Some(&two), None).await.unwrap(), b"second");
    let selector = VersionSelector::Id(first.public.unwrap());
    let found =
        world.store.engine().version(&world.bucket, &object_key("o"), selector).await.unwrap();
    let object_engine::model::Lookup::Object(version, object) = found else { panic!("object") };
    let unlock = async |key| world.store.unlock(&world.bucket, &version, &object, Some(key)).await;
    assert_eq!(unlock(&two).await.unwrap_err(), UnlockError::WrongKey);
    assert!(unlock(&one).await.is_ok());
}
