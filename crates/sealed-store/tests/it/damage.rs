//! What was exchanged or changed in storage is refused, never answered.

use std::sync::Arc;

use object_engine::model::{Body, ETag, Place, StoredObject, Version};
use sealed_store::UnlockError;

use crate::world::{World, customer_key, pattern};

/// One change of one record by somebody who can write the catalog.
type Misdeed = (&'static str, fn(&mut Version, &mut StoredObject));

#[tokio::test]
async fn every_field_in_clear_is_bound() {
    let world = World::new().await;
    let key = customer_key(1);
    world.put("o", &pattern(100), 50, Some(&key)).await;
    let misdeeds: &[Misdeed] = &[
        ("size", |_, object| object.size += 1),
        ("etag", |_, object| object.etag = ETag("0".repeat(32))),
        ("time", |version, _| version.last_modified.0 += 1),
        ("uid", |version, _| version.uid.0[0] ^= 1),
        ("body", |_, object| object.body_id.0[0] ^= 1),
        ("seals", |_, object| object.seals.clear()),
        ("public", |version, _| {
            version.public = Some(object_engine::model::VersionId { sequence: 1, tag: 1 });
        }),
        ("parts", |_, object| object.body = Body::Parts { parts: 1 }),
    ];
    let (version, object) = world.find("o").await;
    assert!(world.store.unlock(&world.bucket, &version, &object, Some(&key)).await.is_ok());
    for (name, misdeed) in misdeeds {
        let (mut version, mut object) = (version.clone(), object.clone());
        misdeed(&mut version, Arc::make_mut(&mut object));
        let refused = world.store.unlock(&world.bucket, &version, &object, Some(&key)).await;
        assert!(refused.is_err(), "{name} is not bound");
    }
}

#[tokio::test]
async fn another_objects_record_does_not_open_in_this_ones_place() {
    let world = World::new().await;
    let key = customer_key(1);
    world.put("a", b"one", 9, Some(&key)).await;
    world.put("b", b"two", 9, Some(&key)).await;
    let (version, _) = world.find("a").await;
    let (_, other) = world.find("b").await;
    let refused = world.store.unlock(&world.bucket, &version, &other, Some(&key)).await;
    assert_eq!(refused.unwrap_err(), UnlockError::WrongKey);
}

#[tokio::test]
async fn inline_bytes_that_changed_are_refused_before_the_answer() {
    let world = World::new().await;
    let key = customer_key(1);
    let bytes = pattern(5_000);
    world.put("o", &bytes, 9_000, Some(&key)).await;
    let (version, object) = world.find("o").await;
    let Body::Whole(part) = &object.body else { panic!("put whole") };
    let Place::Inline(sealed) = &part.place else { panic!("inline") };
    for at in [0, 1, 2_500, sealed.len() - 1] {
        let mut sealed = sealed.to_vec();
        sealed[at] ^= 1;
        let mut part = part.clone();
        part.place = Place::Inline(sealed.into());
        let damaged = Arc::new(StoredObject { body: Body::Whole(part), ..(*object).clone() });
        let unlocked =
            world.store.unlock(&world.bucket, &version, &damaged, Some(&key)).await.unwrap();
        assert!(world.store.read(&unlocked, 0..5_000).await.is_err());
    }
}

#[tokio::test]
async fn a_missing_blob_fails_before_the_answer() {
    let world = World::new().await;
    let key = customer_key(1);
    world.put("o", &pattern(500_000), 9_000, Some(&key)).await;
    let (version, object) = world.find("o").await;
    let Body::Whole(part) = &object.body else { panic!("put whole") };
    let Place::Blob(id, _) = part.place else { panic!("a blob") };
    world.backends.blobs.delete(id).await.unwrap();
    let unlocked = world.store.unlock(&world.bucket, &version, &object, Some(&key)).await.unwrap();
    assert!(world.store.read(&unlocked, 0..500_000).await.is_err());
}
