//! Versions under named keys.

use std::sync::Arc;

use object_engine::model::{Holder, KmsHolder, WriteCondition};
use sealed_store::{
    CopyMode, CopyObject, CopyOutcome, CopySource, Encryption, KeyName, KeyServiceError,
    KmsEncryption, PutError, UnlockError,
};

use crate::world::{Failure, World, customer_key, metadata, object_key, pattern};

fn name(text: &str) -> KeyName {
    KeyName::parse(text).unwrap()
}

fn asked(key: &str) -> KmsEncryption {
    let context = [("team".to_owned(), "finance".to_owned())].into();
    KmsEncryption { key: name(key), context, bucket_key: false }
}

fn locked(error: KeyServiceError) -> Failure {
    Failure::Locked(UnlockError::Key(error))
}

async fn world_with(keys: &[&str]) -> World {
    let world = World::new().await;
    for key in keys {
        assert!(world.store.key_ring().add(&name(key)).await.unwrap());
    }
    world
}

async fn copy(world: &World, from: &str, to: &str, encryption: Encryption<'_>) {
    let (version, object) = world.find(from).await;
    let unlocked = world.store.unlock(&world.bucket, &version, &object, None).await.unwrap();
    let copy = CopyObject {
        source: CopySource { bucket: &world.bucket, version: &version, unlocked: &unlocked },
        bucket: &world.bucket,
        key: &object_key(to),
        owner: &world.owner,
        encryption,
        metadata: metadata(),
        storage_class: "STANDARD".into(),
        attached: object_engine::model::Attached::default(),
        checksum: None,
        condition: WriteCondition::default(),
        mode: CopyMode::Share,
        sealed_bytes_max: u64::MAX,
    };
    let outcome = world.store.copy(copy).await.unwrap();
    assert!(matches!(outcome, CopyOutcome::Put(_)));
}

#[tokio::test]
async fn an_object_opens_under_its_named_key_only_while_that_may_be_used() {
    let world = world_with(&["a"]).await;
    let bytes = pattern(40_000);
    let put = world.put_encrypted("k", &bytes, 1_000, Encryption::Kms(&asked("a"))).await;
    let etag = put.unwrap().etag;
    assert_eq!(world.get("k", None, None).await.unwrap(), bytes);
    let (_, object) = world.find("k").await;
    assert_eq!(object.etag, etag);
    let Holder::Kms(holder) = &object.holder else { panic!("{:?}", object.holder) };
    assert_eq!(holder.key, "a");

    let ring = world.store.key_ring();
    assert!(ring.set_enabled(&name("a"), false).await.unwrap());
    let disabled = KeyServiceError::Disabled("a".into());
    assert_eq!(world.get("k", None, None).await, Err(locked(disabled)));
    assert!(ring.set_enabled(&name("a"), true).await.unwrap());
    assert_eq!(world.get("k", None, None).await.unwrap(), bytes);

    // Made again, a key has the old name and is another.
    assert!(ring.remove(&name("a")).await.unwrap());
    let gone = || Err(locked(KeyServiceError::NotFound("a".into())));
    assert_eq!(world.get("k", None, None).await, gone());
    assert!(ring.add(&name("a")).await.unwrap());
    assert_eq!(world.get("k", None, None).await, gone());
}

#[tokio::test]
async fn a_customer_key_does_not_apply_to_a_named_keys_object() {
    let world = world_with(&["a"]).await;
    world.put_encrypted("k", b"x", 1, Encryption::Kms(&asked("a"))).await.unwrap();
    let refused = world.get("k", Some(&customer_key(1)), None).await;
    assert_eq!(refused, Err(Failure::Locked(UnlockError::KeyNotApplicable)));
}

#[tokio::test]
async fn a_key_that_is_not_there_stores_nothing_and_the_default_key_is_made() {
    let world = world_with(&[]).await;
    let refused = world.put_encrypted("k", b"x", 1, Encryption::Kms(&asked("a"))).await;
    let Err(PutError::Key(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(error, KeyServiceError::NotFound("a".into()));
    let default = KmsEncryption::default();
    world.put_encrypted("k", b"x", 1, Encryption::Kms(&default)).await.unwrap();
    assert_eq!(world.get("k", None, None).await.unwrap(), b"x");
    let names: Vec<_> = world.store.key_ring().list().await.unwrap();
    assert_eq!(names.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["aws/s3"]);
}

#[tokio::test]
async fn a_changed_record_of_the_holder_is_damage() {
    let world = world_with(&["a", "b"]).await;
    world.put_encrypted("k", b"x", 1, Encryption::Kms(&asked("a"))).await.unwrap();
    let (version, object) = world.find("k").await;
    let Holder::Kms(holder) = object.holder.clone() else { panic!("{:?}", object.holder) };
    let changed = [
        KmsHolder { context: Vec::new(), ..(*holder).clone() },
        KmsHolder { wrapped: holder.wrapped.slice(..20), ..(*holder).clone() },
        KmsHolder { wrapped: holder.wrapped.slice(..3), ..(*holder).clone() },
        KmsHolder { key: "no name".into(), ..(*holder).clone() },
    ];
    for holder in changed {
        let object = Arc::new(object_engine::model::StoredObject {
            holder: Holder::Kms(Box::new(holder)),
            ..(*object).clone()
        });
        let refused = world.store.unlock(&world.bucket, &version, &object, None).await;
        let Err(UnlockError::Key(KeyServiceError::Damaged(_))) = refused else {
            panic!("{refused:?}")
        };
    }
    let other = KmsHolder { key: "b".into(), ..*holder };
    let other = Arc::new(object_engine::model::StoredObject {
        holder: Holder::Kms(Box::new(other)),
        ..(*object).clone()
    });
    let refused = world.store.unlock(&world.bucket, &version, &other, None).await;
    let Err(UnlockError::Key(KeyServiceError::NotFound(_))) = refused else {
        panic!("{refused:?}")
    };
}

#[tokio::test]
async fn a_body_is_shared_between_named_keys_and_with_no_other_holder() {
    let world = world_with(&["a", "b"]).await;
    let bytes = pattern(20_000);
    world.put_encrypted("k", &bytes, 1_000, Encryption::Kms(&asked("a"))).await.unwrap();
    copy(&world, "k", "under b", Encryption::Kms(&asked("b"))).await;
    copy(&world, "k", "plain", Encryption::Server).await;
    let key = customer_key(1);
    copy(&world, "k", "sealed", Encryption::Customer(&key)).await;
    copy(&world, "plain", "back", Encryption::Kms(&asked("b"))).await;
    let body = async |key: &str| world.find(key).await.1.body_id;
    assert_eq!(body("under b").await, body("k").await);
    assert_ne!(body("plain").await, body("k").await);
    assert_ne!(body("sealed").await, body("k").await);
    assert_ne!(body("back").await, body("plain").await);
    // What is under the other key outlives the first.
    assert!(world.store.key_ring().remove(&name("a")).await.unwrap());
    for (name, key) in [("under b", None), ("plain", None), ("sealed", Some(&key)), ("back", None)]
    {
        assert_eq!(world.get(name, key, None).await.unwrap(), bytes, "{name}");
    }
}
