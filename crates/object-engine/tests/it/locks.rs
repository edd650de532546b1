//! Object Lock: what may be removed, decided in the commit that removes it.

use object_engine::{
    clock::{Clock, Timestamp},
    engine::{ChangeAttached, ObjectEngine},
    model::*,
};

use crate::world::*;

const HOLD: Attached =
    Attached { tags: Vec::new(), acl: None, retention: None, legal_hold: Some(LegalHold::On) };

fn retained(mode: RetentionMode, until: Timestamp) -> Attached {
    Attached { retention: Some(Retention { mode, until }), ..Attached::default() }
}

/// A versioned bucket with one version of `k`, and that version's id.
async fn scene(world: &World) -> (ObjectEngine, Bucket, VersionId) {
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    assert!(engine.set_versioning(&bucket, Versioning::Enabled).await.unwrap());
    let id = put(world, &engine, (&bucket, "k"), b"content").await.public.unwrap();
    (engine, bucket, id)
}

async fn lock(engine: &ObjectEngine, bucket: &Bucket, id: VersionId, attached: &Attached) {
    let found = engine.version(bucket, &key("k"), VersionSelector::Id(id)).await.unwrap();
    let Lookup::Object(version, _) = found else { panic!("{found:?}") };
    let changed = engine
        .change_attached(bucket, &version, |now| {
            now.clone_from(attached);
            Ok::<(), ()>(())
        })
        .await;
    assert_eq!(changed, Ok(ChangeAttached::Changed));
}

async fn delete(engine: &ObjectEngine, bucket: &Bucket, selector: VersionSelector) -> Deleted {
    engine.delete(bucket, &key("k"), selector, &WriteCondition::default()).await.unwrap()
}

async fn delete_bypassing(engine: &ObjectEngine, bucket: &Bucket, id: VersionId) -> Deleted {
    let (selector, condition) = (VersionSelector::Id(id), WriteCondition::default());
    engine.delete_bypassing_governance(bucket, &key("k"), selector, &condition).await.unwrap()
}

#[tokio::test]
async fn a_locked_version_stays_and_can_be_hidden() {
    let world = World::new();
    let (engine, bucket, id) = scene(&world).await;
    let until = Timestamp(world.clock.now().0 + 1_000);
    for (attached, bypassed) in [
        (HOLD, Deleted::Locked),
        (retained(RetentionMode::Compliance, until), Deleted::Locked),
        (
            retained(RetentionMode::Governance, until),
            Deleted::Removed { public: Some(id), was_marker: false },
        ),
    ] {
        lock(&engine, &bucket, id, &attached).await;
        assert_eq!(delete(&engine, &bucket, VersionSelector::Id(id)).await, Deleted::Locked);
        let marker = delete(&engine, &bucket, VersionSelector::Latest).await;
        let Deleted::MarkerWritten(Some(marker)) = marker else { panic!("{marker:?}") };
        let gone = delete(&engine, &bucket, VersionSelector::Id(marker)).await;
        assert_eq!(gone, Deleted::Removed { public: Some(marker), was_marker: true });
        assert_eq!(delete_bypassing(&engine, &bucket, id).await, bypassed, "{attached:?}");
    }
}

#[tokio::test]
async fn a_lock_ends_with_its_date() {
    let world = World::new();
    let (engine, bucket, id) = scene(&world).await;
    let until = world.clock.now().0 + 1_000;
    lock(&engine, &bucket, id, &retained(RetentionMode::Compliance, Timestamp(until))).await;
    world.clock.set(until - 1);
    assert_eq!(delete(&engine, &bucket, VersionSelector::Id(id)).await, Deleted::Locked);
    world.clock.set(until);
    let removed = Deleted::Removed { public: Some(id), was_marker: false };
    assert_eq!(delete(&engine, &bucket, VersionSelector::Id(id)).await, removed);
}

/// A hold and a delete at once: whoever comes first wins, and a version with a hold is never gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_that_was_set_is_never_overtaken_by_a_delete() {
    let world = World::new();
    let (engine, bucket, _) = scene(&world).await;
    let (mut held, mut removed) = (0, 0);
    for _ in 0..200 {
        let id = put(&world, &engine, (&bucket, "k"), b"content").await.public.unwrap();
        let found = engine.version(&bucket, &key("k"), VersionSelector::Id(id)).await.unwrap();
        let Lookup::Object(version, _) = found else { panic!("{found:?}") };
        let deleting = {
            let (engine, bucket) = (engine.clone(), bucket.clone());
            tokio::spawn(async move { delete(&engine, &bucket, VersionSelector::Id(id)).await })
        };
        let holding = engine.change_attached(&bucket, &version, |now| {
            now.clone_from(&HOLD);
            Ok::<(), ()>(())
        });
        let held_it = holding.await.unwrap() == ChangeAttached::Changed;
        let deleted = deleting.await.unwrap();
        assert_eq!(held_it, deleted == Deleted::Locked, "{deleted:?}");
        if held_it {
            held += 1
        } else {
            removed += 1
        }
        let there = engine.version(&bucket, &key("k"), VersionSelector::Id(id)).await.unwrap();
        assert_eq!(held_it, matches!(there, Lookup::Object(..)));
    }
    assert_eq!(held + removed, 200);
}

#[tokio::test]
async fn object_lock_needs_versioning_and_keeps_it() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    let versioning = async || engine.bucket(&bucket.name).await.unwrap().unwrap().versioning;
    let refused = Ok(ChangeBucket::Refused);
    assert_eq!(engine.set_object_lock(&bucket, "x").await, refused);
    assert!(engine.set_versioning(&bucket, Versioning::Suspended).await.unwrap());
    assert_eq!(engine.set_object_lock(&bucket, "x").await, refused);
    let now = engine.bucket(&bucket.name).await.unwrap().unwrap();
    assert!(!now.settings.contains_key(OBJECT_LOCK));
    assert!(engine.set_versioning(&bucket, Versioning::Enabled).await.unwrap());
    assert_eq!(engine.set_object_lock(&bucket, "x").await, Ok(ChangeBucket::Changed));
    for wanted in [Versioning::Suspended, Versioning::Unversioned] {
        assert_eq!(engine.change_versioning(&bucket, wanted).await, refused);
    }
    let enabled = engine.change_versioning(&bucket, Versioning::Enabled).await;
    assert_eq!(enabled, Ok(ChangeBucket::Changed));
    assert_eq!(versioning().await, Versioning::Enabled);
    let name = BucketName::parse("locked").unwrap();
    let settings = [(OBJECT_LOCK.to_owned(), "x".to_owned())].into();
    let made = engine.create_bucket_with(&name, &bucket.owner, "r", &settings).await.unwrap();
    assert!(matches!(made, CreateBucket::Created(made) if made.versioning == Versioning::Enabled));
}
