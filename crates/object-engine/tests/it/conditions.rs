//! Conditions of writes, version semantics and deletes, as S3 has them.

use object_engine::model::*;

use crate::world::*;

async fn put_if(
    world: &World,
    at: (&object_engine::engine::ObjectEngine, &Bucket),
    condition: WriteCondition,
) -> Published {
    let place = write(at.0, &large(5)).await.unwrap();
    let part = stored_part(1, place, large(5).len() as u64, "new");
    let new =
        NewVersion { condition, ..new_version(world, stored_object(part, BodyId(draw(world)))) };
    at.0.publish(at.1, &key("k"), new, &mut seals).await.unwrap()
}

fn if_match(etag: &str) -> WriteCondition {
    let one = ETagCondition::OneOf(vec![ETag(etag.into())]);
    WriteCondition { if_match: Some(one), if_none_match: None }
}

fn if_absent() -> WriteCondition {
    WriteCondition { if_match: None, if_none_match: Some(ETagCondition::Any) }
}

#[tokio::test]
async fn conditions_are_about_the_newest_version() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = versioned(&engine, "bucket").await;
    let on = (&engine, &bucket);
    assert_eq!(put_if(&world, on, if_match("new")).await, Published::NoSuchKey);
    assert!(matches!(put_if(&world, on, if_absent()).await, Published::Done(_)));
    assert_eq!(put_if(&world, on, if_absent()).await, Published::ConditionFailed);
    assert_eq!(put_if(&world, on, if_match("old")).await, Published::ConditionFailed);
    assert!(matches!(put_if(&world, on, if_match("new")).await, Published::Done(_)));
    delete(&engine, (&bucket, "k"), VersionSelector::Latest).await;
    assert_eq!(put_if(&world, on, if_match("new")).await, Published::NoSuchKey);
    assert!(matches!(put_if(&world, on, if_absent()).await, Published::Done(_)));
    assert_eq!(blob_count(&world).await, 3, "refused bodies are deleted");
    assert_clean(&engine).await;
}

#[tokio::test]
async fn a_conditional_delete_fails_where_its_etag_is_not_there() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    let delete_if = |etag: &str| {
        let condition = if_match(etag);
        let (engine, bucket) = (engine.clone(), bucket.clone());
        async move {
            engine.delete(&bucket, &key("k"), VersionSelector::Latest, &condition).await.unwrap()
        }
    };
    assert_eq!(delete_if("a").await, Deleted::ConditionFailed);
    put(&world, &engine, (&bucket, "k"), b"ab").await;
    assert_eq!(delete_if("a").await, Deleted::ConditionFailed);
    let removed = Deleted::Removed { public: None, was_marker: false };
    assert_eq!(delete_if(&etag_of(b"ab")).await, removed);
    assert_eq!(latest(&engine, (&bucket, "k")).await, None);
}

#[tokio::test]
async fn versions_come_and_go_as_on_s3() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    let at = (&bucket, "k");
    put(&world, &engine, at, b"null").await;
    assert!(engine.set_versioning(&bucket, Versioning::Enabled).await.unwrap());
    let one = put(&world, &engine, at, &large(1)).await.public.unwrap();
    let two = put(&world, &engine, at, b"two").await.public.unwrap();
    assert_eq!(get(&engine, at, VersionSelector::Null).await, Ok(b"null".to_vec()));
    assert_eq!(get(&engine, at, VersionSelector::Id(one)).await, Ok(large(1)));
    let guessed = VersionId { tag: one.tag ^ 1, ..one };
    assert_eq!(get(&engine, at, VersionSelector::Id(guessed)).await, Err("no version"));

    let Deleted::MarkerWritten(Some(marker)) = delete(&engine, at, VersionSelector::Latest).await
    else {
        panic!("no marker")
    };
    assert_eq!(get(&engine, at, VersionSelector::Latest).await, Err("marker"));
    let removed = delete(&engine, at, VersionSelector::Id(marker)).await;
    assert_eq!(removed, Deleted::Removed { public: Some(marker), was_marker: true });
    assert_eq!(latest(&engine, at).await, Some(b"two".to_vec()));
    delete(&engine, at, VersionSelector::Id(two)).await;
    assert_eq!(latest(&engine, at).await, Some(large(1)));
    assert_eq!(delete(&engine, at, VersionSelector::Id(two)).await, Deleted::Nothing);

    assert!(engine.set_versioning(&bucket, Versioning::Suspended).await.unwrap());
    let marker = delete(&engine, at, VersionSelector::Latest).await;
    assert_eq!(marker, Deleted::MarkerWritten(None));
    assert_eq!(get(&engine, at, VersionSelector::Null).await, Err("marker"));
    put(&world, &engine, at, b"null again").await;
    assert_eq!(get(&engine, at, VersionSelector::Null).await, Ok(b"null again".to_vec()));
    assert_eq!(get(&engine, at, VersionSelector::Id(one)).await, Ok(large(1)));
    let audit = engine.audit().await.unwrap();
    assert_eq!((audit.objects, audit.markers), (2, 0));
    assert_clean(&engine).await;
}

#[tokio::test]
async fn is_latest_is_told_of_every_look_up() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = versioned(&engine, "bucket").await;
    let one = put(&world, &engine, (&bucket, "k"), b"1").await.public.unwrap();
    let two = put(&world, &engine, (&bucket, "k"), b"2").await.public.unwrap();
    for (id, expected) in [(one, false), (two, true)] {
        let found = engine.version(&bucket, &key("k"), VersionSelector::Id(id)).await.unwrap();
        let Lookup::Object(version, object) = found else { panic!("{found:?}") };
        assert_eq!(version.is_latest, expected);
        assert!(!object.seals.is_empty(), "sealed by what was assigned");
    }
}

#[tokio::test]
async fn tags_are_replaced_on_versions_that_stand() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    put(&world, &engine, (&bucket, "k"), &large(1)).await;
    let (stored, _) = version(&engine, (&bucket, "k")).await;
    let tags = vec![("a".to_owned(), "b".to_owned())];
    assert_eq!(engine.set_tags(&bucket, &stored, tags.clone()).await, Ok(true));
    assert_eq!(version(&engine, (&bucket, "k")).await.1.attached.tags, tags);
    put(&world, &engine, (&bucket, "k"), b"other").await;
    assert_eq!(engine.set_tags(&bucket, &stored, tags).await, Ok(false));
    assert_clean(&engine).await;
}

/// A change is made of what stands there, not of what its caller read before.
#[tokio::test]
async fn a_setting_is_changed_from_what_it_is_now() {
    let world = World::new();
    let engine = world.open().await;
    let name = BucketName::parse("made").unwrap();
    let settings = [("cors".to_owned(), "a".to_owned())].into();
    let made = engine.create_bucket_with(&name, &owner(), "r", &settings).await.unwrap();
    let CreateBucket::Created(stale) = made else { panic!("{made:?}") };
    assert_eq!(stale.settings, settings);
    assert_eq!(engine.set_setting(&stale, "cors", Some("b".into())).await, Ok(true));
    let append = |current: Option<&str>| current.map(|current| format!("{current}c"));
    assert_eq!(engine.change_setting(&stale, "cors", &append).await, Ok(true));
    let now = engine.bucket(&name).await.unwrap().unwrap();
    assert_eq!(now.settings.get("cors").map(String::as_str), Some("bc"));
    assert_eq!(engine.change_setting(&stale, "cors", &|_| None).await, Ok(true));
    assert_eq!(engine.change_setting(&stale, "cors", &append).await, Ok(true));
    assert_eq!(engine.bucket(&name).await.unwrap().unwrap().settings.get("cors"), None);
}

#[tokio::test]
async fn buckets_are_owned_settled_and_deleted() {
    let world = World::new();
    let engine = world.open().await;
    let mine = bucket(&engine, "mine").await;
    let create = |owner: &str| {
        let (engine, owner) = (engine.clone(), AccountId(owner.into()));
        let name = mine.name.clone();
        async move { engine.create_bucket(&name, &owner, "eu").await.unwrap() }
    };
    assert_eq!(create("owner").await, CreateBucket::OwnedByYou(mine.clone()));
    assert_eq!(create("other").await, CreateBucket::OwnedByOther);
    assert_eq!(engine.set_setting(&mine, "cors", Some("<x/>".into())).await, Ok(true));
    let now = engine.bucket(&mine.name).await.unwrap().unwrap();
    assert_eq!(now.settings.get("cors").map(String::as_str), Some("<x/>"));
    assert!(now.stamp > mine.stamp);
    assert_eq!(engine.set_setting(&mine, "cors", None).await, Ok(true));
    bucket(&engine, "also").await;
    let names: Vec<_> = engine.buckets(Some(&owner())).await.unwrap();
    assert_eq!(names.iter().map(|b| b.name.as_str()).collect::<Vec<_>>(), ["also", "mine"]);
    assert_eq!(engine.buckets(Some(&AccountId("x".into()))).await.unwrap(), []);

    put(&world, &engine, (&mine, "k"), b"x").await;
    assert_eq!(engine.delete_bucket(&mine).await, Ok(DeleteBucket::NotEmpty));
    delete(&engine, (&mine, "k"), VersionSelector::Latest).await;
    let left = upload(&world, &engine, (&mine, "u")).await;
    assert_eq!(put_part(&engine, &mine, &left, 1, &large(1)).await, Ok(true));
    assert_eq!(engine.delete_bucket(&mine).await, Ok(DeleteBucket::Deleted));
    assert_eq!(engine.delete_bucket(&mine).await, Ok(DeleteBucket::NoSuchBucket));
    assert_eq!(put_part(&engine, &mine, &left, 2, &large(2)).await, Ok(false));
    assert_eq!(engine.set_setting(&mine, "cors", None).await, Ok(false));
    assert_clean(&engine).await;
    assert_eq!(engine.audit().await.unwrap().uploads, 0);
    assert_eq!(blob_count(&world).await, 0, "its uploads went with it");
}
