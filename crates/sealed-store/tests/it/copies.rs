//! Copies: which share a body, which must not, and what the keys open afterwards.

use object_engine::model::{Attached, Body, BodyId, Holder, WriteCondition};
use sealed_format::CustomerKey;
use sealed_store::{CopyMode, CopyObject, CopyOutcome, CopySource, UnlockError};

use crate::world::{Failure, World, customer_key, metadata, object_key, pattern};

impl World {
    async fn copy(
        &self,
        (from, source_key): (&str, Option<&CustomerKey>),
        (to, target_key): (&str, Option<&CustomerKey>),
        mode: CopyMode,
    ) -> CopyOutcome {
        self.copy_at_most(u64::MAX, (from, source_key), (to, target_key), mode).await
    }

    async fn copy_at_most(
        &self,
        sealed_bytes_max: u64,
        (from, source_key): (&str, Option<&CustomerKey>),
        (to, target_key): (&str, Option<&CustomerKey>),
        mode: CopyMode,
    ) -> CopyOutcome {
        let (version, object) = self.find(from).await;
        let unlocked =
            self.store.unlock(&self.bucket, &version, &object, source_key).await.unwrap();
        let copy = CopyObject {
            source: CopySource { bucket: &self.bucket, version: &version, unlocked: &unlocked },
            bucket: &self.bucket,
            key: &object_key(to),
            owner: &self.owner,
            encryption: target_key.into(),
            metadata: metadata(),
            storage_class: "STANDARD".into(),
            attached: Attached::default(),
            checksum: None,
            condition: WriteCondition::default(),
            mode,
            sealed_bytes_max,
        };
        self.store.copy(copy).await.unwrap()
    }

    async fn body(&self, key: &str) -> BodyId {
        self.find(key).await.1.body_id
    }
}

#[tokio::test]
async fn a_new_key_shares_the_body_and_shuts_out_the_old_one() {
    let world = World::new().await;
    let (old, new) = (customer_key(1), customer_key(2));
    for length in [0, 100, 1_000_000] {
        let bytes = pattern(length);
        world.put("o", &bytes, 70_000, Some(&old)).await;
        let before = world.body("o").await;
        world.copy(("o", Some(&old)), ("o", Some(&new)), CopyMode::Share).await;
        assert_eq!(world.body("o").await, before, "the body is shared");
        let refused = world.get("o", Some(&old), None).await;
        assert_eq!(refused, Err(Failure::Locked(UnlockError::WrongKey)));
        assert_eq!(world.get("o", Some(&new), None).await.unwrap(), bytes);
    }
}

#[tokio::test]
async fn a_copy_across_kinds_of_holder_never_shares() {
    let world = World::new().await;
    let key = customer_key(1);
    let bytes = pattern(500_000);
    world.put("plain", &bytes, 70_000, None).await;
    world.copy(("plain", None), ("sealed", Some(&key)), CopyMode::Share).await;
    world.copy(("sealed", Some(&key)), ("plain again", None), CopyMode::Share).await;
    let bodies =
        [world.body("plain").await, world.body("sealed").await, world.body("plain again").await];
    assert!(bodies[0] != bodies[1] && bodies[1] != bodies[2] && bodies[0] != bodies[2]);
    assert_eq!(world.get("sealed", Some(&key), None).await.unwrap(), bytes);
    assert_eq!(world.get("plain again", None, None).await.unwrap(), bytes);
    assert_eq!(world.find("sealed").await.1.holder, Holder::Customer);
}

#[tokio::test]
async fn a_shared_body_outlives_its_first_version_and_goes_with_its_last() {
    let world = World::new().await;
    let key = customer_key(1);
    let bytes = pattern(500_000);
    world.put("one", &bytes, 70_000, Some(&key)).await;
    world.copy(("one", Some(&key)), ("two", Some(&key)), CopyMode::Share).await;
    let engine = world.store.engine();
    let latest = object_engine::model::VersionSelector::Latest;
    let remove = async |name| {
        let condition = WriteCondition::default();
        engine.delete(&world.bucket, &object_key(name), latest, &condition).await.unwrap();
        engine.reclaim().await.unwrap();
    };
    remove("one").await;
    assert_eq!(world.get("two", Some(&key), None).await.unwrap(), bytes);
    let Body::Whole(part) = world.find("two").await.1.body.clone() else { panic!("put whole") };
    let object_engine::model::Place::Blob(id, length) = part.place else { panic!("a blob") };
    remove("two").await;
    assert!(world.backends.blobs.open(id, length).await.is_err(), "the blob is gone");
}

#[tokio::test]
async fn reencrypting_draws_a_new_body() {
    let world = World::new().await;
    let key = customer_key(1);
    let bytes = pattern(300_000);
    world.put("one", &bytes, 70_000, Some(&key)).await;
    world.copy(("one", Some(&key)), ("two", Some(&key)), CopyMode::Reencrypt).await;
    assert_ne!(world.body("one").await, world.body("two").await);
    assert_eq!(world.get("two", Some(&key), None).await.unwrap(), bytes);
}

#[tokio::test]
async fn only_a_body_that_is_sealed_anew_can_be_too_large() {
    let world = World::new().await;
    let key = customer_key(1);
    world.put("one", &pattern(1_001), 70_000, Some(&key)).await;
    let from = ("one", Some(&key));
    for (to, mode, limit, refused) in [
        (Some(&key), CopyMode::Share, 0, false),
        (Some(&key), CopyMode::Reencrypt, 1_000, true),
        (None, CopyMode::Share, 1_000, true),
        (None, CopyMode::Share, 1_001, false),
    ] {
        let outcome = world.copy_at_most(limit, from, ("two", to), mode).await;
        assert_eq!(matches!(outcome, CopyOutcome::TooLarge), refused, "{mode:?} {limit}");
    }
}
