//! The histories that the engine promises, each forced by stopping a commit on its way.

use std::sync::Arc;

use object_engine::{catalog::Commit, engine::ObjectEngine, error::EngineError, model::*};

use crate::{decorators::*, world::*};

/// A world whose commits can be stopped.
fn pausing() -> (World, Arc<PausingCatalog>) {
    let plain = World::new();
    let catalog = PausingCatalog::new(Arc::clone(&plain.catalog));
    (World { catalog: catalog.clone(), ..plain }, catalog)
}

fn writes_version(commit: &Commit) -> bool {
    writes(commit, b"v/")
}

fn writes_bucket(commit: &Commit) -> bool {
    writes(commit, b"b/")
}

fn writes_part(commit: &Commit) -> bool {
    writes(commit, b"p/")
}

fn writes_manifest(commit: &Commit) -> bool {
    writes(commit, b"m/")
}

fn is_final(commit: &Commit) -> bool {
    writes(commit, b"r/")
}

async fn other_put(world: &World, engine: &ObjectEngine, bucket: &Bucket, content: Vec<u8>) {
    put(world, engine, (bucket, "k"), &content).await;
}

#[tokio::test]
async fn a_put_that_overlaps_delete_bucket_does_not_outlive_it() {
    let (world, catalog) = pausing();
    let engine = world.open().await;
    let doomed = bucket(&engine, "bucket").await;
    let mut pause = catalog.pause(writes_version);
    let put = tokio::spawn({
        let (world, engine, doomed) = (world.clone(), engine.clone(), doomed.clone());
        async move { try_put(&world, &engine, (&doomed, "k"), &large(1)).await }
    });
    pause.reached().await;
    assert_eq!(engine.delete_bucket(&doomed).await.unwrap(), DeleteBucket::Deleted);
    let again = bucket(&engine, "bucket").await;
    pause.resume();
    assert_eq!(put.await.unwrap(), Ok(Published::NoSuchBucket));
    assert_eq!(latest(&engine, (&again, "k")).await, None);
    assert_eq!(blob_count(&world).await, 0, "the refused body is deleted at once");
    assert_clean(&engine).await;
}

#[tokio::test]
async fn a_put_that_meets_a_deletion_waits_and_wins_if_the_bucket_stays() {
    let (world, catalog) = pausing();
    let engine = world.open().await;
    let shared = bucket(&engine, "bucket").await;
    // Stop the deletion after it looked for the first time and before it marks the bucket.
    let mut pause = catalog.pause(writes_bucket);
    let deletion = tokio::spawn({
        let (engine, shared) = (engine.clone(), shared.clone());
        async move { engine.delete_bucket(&shared).await }
    });
    pause.reached().await;
    other_put(&world, &engine, &shared, large(1)).await;
    pause.resume();
    assert_eq!(deletion.await.unwrap(), Ok(DeleteBucket::NotEmpty));
    other_put(&world, &engine, &shared, large(2)).await;
    assert_eq!(latest(&engine, (&shared, "k")).await, Some(large(2)));
    assert_clean(&engine).await;
}

#[tokio::test]
async fn a_dropped_delete_bucket_is_reverted_by_the_next_verb() {
    let (world, catalog) = pausing();
    let engine = world.open().await;
    let shared = bucket(&engine, "bucket").await;
    let mut marking = catalog.pause(writes_bucket);
    let deletion = tokio::spawn({
        let (engine, shared) = (engine.clone(), shared.clone());
        async move { engine.delete_bucket(&shared).await }
    });
    marking.reached().await;
    let mut removing = catalog.pause(|commit| writes(commit, b"g/k"));
    marking.resume();
    removing.reached().await;
    deletion.abort();
    assert!(deletion.await.unwrap_err().is_cancelled());
    put(&world, &engine, (&shared, "k"), b"small").await;
    assert_eq!(latest(&engine, (&shared, "k")).await, Some(b"small".to_vec()));
    assert_eq!(engine.delete_bucket(&shared).await, Ok(DeleteBucket::NotEmpty));
}

#[tokio::test]
async fn two_puts_of_one_key_both_take_effect_in_one_order() {
    let (world, catalog) = pausing();
    let engine = world.open().await;
    let bucket = versioned(&engine, "bucket").await;
    world.clock.set(5_000);
    let mut pause = catalog.pause(writes_version);
    let slow = tokio::spawn({
        let (world, engine, bucket) = (world.clone(), engine.clone(), bucket.clone());
        async move { put(&world, &engine, (&bucket, "k"), b"slow").await }
    });
    pause.reached().await;
    let fast = put(&world, &engine, (&bucket, "k"), b"fast").await;
    // The clock steps back: order must not follow it.
    world.clock.set(1_000);
    pause.resume();
    let slow = slow.await.unwrap();
    assert_eq!((fast.sequence, slow.sequence), (1, 2));
    assert!(slow.last_modified < fast.last_modified);
    assert_eq!(latest(&engine, (&bucket, "k")).await, Some(b"slow".to_vec()));
    let id = VersionSelector::Id(fast.public.unwrap());
    assert_eq!(get(&engine, (&bucket, "k"), id).await, Ok(b"fast".to_vec()));
    assert_clean(&engine).await;
}

#[tokio::test]
async fn conditional_creators_race_and_one_wins() {
    let (world, catalog) = pausing();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    let create = |world: World, engine: ObjectEngine, bucket: Bucket, content: Vec<u8>| async move {
        let place = write(&engine, &content).await.unwrap();
        let part = stored_part(1, place, content.len() as u64, "e");
        let mut new = new_version(&world, stored_object(part, BodyId(draw(&world))));
        new.condition.if_none_match = Some(ETagCondition::Any);
        engine.publish(&bucket, &key("k"), new, &mut seals).await.unwrap()
    };
    let mut pause = catalog.pause(writes_version);
    let slow = tokio::spawn(create(world.clone(), engine.clone(), bucket.clone(), large(1)));
    pause.reached().await;
    let fast = create(world.clone(), engine.clone(), bucket.clone(), large(2)).await;
    pause.resume();
    assert!(matches!(fast, Published::Done(_)));
    assert_eq!(slow.await.unwrap(), Published::ConditionFailed);
    assert_eq!(latest(&engine, (&bucket, "k")).await, Some(large(2)));
    assert_eq!(blob_count(&world).await, 1);
    assert_clean(&engine).await;
}

#[tokio::test]
async fn a_marker_and_an_object_for_a_new_key_do_not_both_become_its_head() {
    let (world, catalog) = pausing();
    let engine = world.open().await;
    let bucket = versioned(&engine, "bucket").await;
    let mut pause = catalog.pause(writes_version);
    let marker = tokio::spawn({
        let (engine, bucket) = (engine.clone(), bucket.clone());
        async move { delete(&engine, (&bucket, "k"), VersionSelector::Latest).await }
    });
    pause.reached().await;
    put(&world, &engine, (&bucket, "k"), b"object").await;
    pause.resume();
    assert!(matches!(marker.await.unwrap(), Deleted::MarkerWritten(Some(_))));
    assert_eq!(get(&engine, (&bucket, "k"), VersionSelector::Latest).await, Err("marker"));
    assert_clean(&engine).await;
}

#[tokio::test]
async fn a_copy_takes_no_share_of_a_body_that_is_going() {
    let (world, catalog) = pausing();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    for body in [large(1), b"inline, and so without a count".to_vec()] {
        put(&world, &engine, (&bucket, "k"), &body).await;
        let (source, _) = version(&engine, (&bucket, "k")).await;
        let mut pause = catalog.pause(writes_version);
        let copying = tokio::spawn({
            let (world, engine, bucket) = (world.clone(), engine.clone(), bucket.clone());
            async move { copy(&world, &engine, (&bucket, &source), (&bucket, "copy")).await }
        });
        pause.reached().await;
        delete(&engine, (&bucket, "k"), VersionSelector::Latest).await;
        engine.reclaim().await.unwrap();
        pause.resume();
        assert_eq!(copying.await.unwrap(), PublishedShared::SourceGone);
        assert_eq!(latest(&engine, (&bucket, "copy")).await, None);
        assert_eq!(blob_count(&world).await, 0);
        assert_clean(&engine).await;
    }
}

#[tokio::test]
async fn two_copies_of_one_body_count_two() {
    let (world, catalog) = pausing();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    put(&world, &engine, (&bucket, "k"), &large(1)).await;
    let (source, _) = version(&engine, (&bucket, "k")).await;
    let mut pause = catalog.pause(writes_version);
    let slow = tokio::spawn({
        let (world, engine, bucket, source) =
            (world.clone(), engine.clone(), bucket.clone(), source.clone());
        async move { copy(&world, &engine, (&bucket, &source), (&bucket, "slow")).await }
    });
    pause.reached().await;
    let fast = copy(&world, &engine, (&bucket, &source), (&bucket, "fast")).await;
    pause.resume();
    assert!(matches!(fast, PublishedShared::Done(_)));
    assert!(matches!(slow.await.unwrap(), PublishedShared::Done(_)));
    assert_clean(&engine).await;
    for name in ["k", "slow"] {
        delete(&engine, (&bucket, name), VersionSelector::Latest).await;
        assert_clean(&engine).await;
        assert_eq!(latest(&engine, (&bucket, "fast")).await, Some(large(1)));
    }
    delete(&engine, (&bucket, "fast"), VersionSelector::Latest).await;
    assert_clean(&engine).await;
    assert_eq!(blob_count(&world).await, 0);
}

#[tokio::test]
async fn a_copy_onto_itself_passes_the_share_on() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    for content in [b"inline".to_vec(), large(3)] {
        put(&world, &engine, (&bucket, "k"), &content).await;
        let (source, _) = version(&engine, (&bucket, "k")).await;
        let done = copy(&world, &engine, (&bucket, &source), (&bucket, "k")).await;
        assert!(matches!(done, PublishedShared::Done(_)));
        let again = copy(&world, &engine, (&bucket, &source), (&bucket, "k")).await;
        assert_eq!(again, PublishedShared::SourceGone);
        assert_clean(&engine).await;
        assert_eq!(latest(&engine, (&bucket, "k")).await, Some(content));
    }
}

#[tokio::test]
async fn the_sweeper_fences_a_paused_writer() {
    let (world, catalog) = pausing();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    let mut pause = catalog.pause(writes_version);
    let paused = tokio::spawn({
        let (world, engine, bucket) = (world.clone(), engine.clone(), bucket.clone());
        async move { try_put(&world, &engine, (&bucket, "k"), &large(1)).await }
    });
    pause.reached().await;
    // Another engine takes over while the first one sleeps.
    let successor = world.open().await;
    assert_eq!(blob_count(&world).await, 0, "swept");
    pause.resume();
    assert!(matches!(paused.await.unwrap(), Err(EngineError::Unavailable(_))));
    assert_eq!(latest(&successor, (&bucket, "k")).await, None);
    assert_clean(&successor).await;
}

#[tokio::test]
async fn the_sweep_leaves_what_is_referred_to() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    put(&world, &engine, (&bucket, "k"), &large(1)).await;
    let upload = upload(&world, &engine, (&bucket, "u")).await;
    assert_eq!(put_part(&engine, &bucket, &upload, 1, &large(2)).await, Ok(true));
    write(&engine, &large(3)).await.unwrap();
    assert_eq!(blob_count(&world).await, 3);
    drop(engine);
    let engine = world.open().await;
    assert_eq!(blob_count(&world).await, 2);
    assert!(matches!(complete_all(&engine, &bucket, &upload).await, Ok(Completed::Done(_))));
    assert_eq!(latest(&engine, (&bucket, "u")).await, Some(large(2)));
    assert_clean(&engine).await;
}

#[tokio::test]
async fn parts_are_frozen_while_a_complete_is_at_work() {
    let (world, catalog) = pausing();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    let upload = upload(&world, &engine, (&bucket, "k")).await;
    assert_eq!(put_part(&engine, &bucket, &upload, 1, &large(1)).await, Ok(true));
    let mut pause = catalog.pause(writes_manifest);
    let completing = tokio::spawn({
        let (engine, bucket, upload) = (engine.clone(), bucket.clone(), upload.clone());
        async move { complete_all(&engine, &bucket, &upload).await }
    });
    pause.reached().await;
    let late = tokio::spawn({
        let (engine, bucket, upload) = (engine.clone(), bucket.clone(), upload.clone());
        async move { put_part(&engine, &bucket, &upload, 1, &large(9)).await }
    });
    tokio::task::yield_now().await;
    pause.resume();
    assert!(matches!(completing.await.unwrap(), Ok(Completed::Done(_))));
    assert_eq!(late.await.unwrap(), Ok(false));
    assert_eq!(latest(&engine, (&bucket, "k")).await, Some(large(1)));
    assert_clean(&engine).await;
    assert_eq!(blob_count(&world).await, 1);
}

#[tokio::test]
async fn a_part_on_its_way_when_the_upload_freezes_is_refused_or_detected() {
    let (world, catalog) = pausing();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    let upload = upload(&world, &engine, (&bucket, "k")).await;
    assert_eq!(put_part(&engine, &bucket, &upload, 1, &large(1)).await, Ok(true));
    let mut pause = catalog.pause(writes_part);
    let late = tokio::spawn({
        let (engine, bucket, upload) = (engine.clone(), bucket.clone(), upload.clone());
        async move { put_part(&engine, &bucket, &upload, 1, &large(9)).await }
    });
    pause.reached().await;
    assert!(matches!(complete_all(&engine, &bucket, &upload).await, Ok(Completed::Done(_))));
    pause.resume();
    assert_eq!(late.await.unwrap(), Ok(false));
    assert_eq!(latest(&engine, (&bucket, "k")).await, Some(large(1)));
    assert_clean(&engine).await;
}

#[tokio::test]
async fn a_part_replaced_after_it_was_chosen_is_detected() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    let upload = upload(&world, &engine, (&bucket, "k")).await;
    assert_eq!(put_part(&engine, &bucket, &upload, 1, &large(1)).await, Ok(true));
    let (chosen, _) = engine.parts(&upload, 0, 10).await.unwrap();
    // The same content again, so the same ETag: still another blob than the verified one.
    assert_eq!(put_part(&engine, &bucket, &upload, 1, &large(1)).await, Ok(true));
    let outcome = engine.complete(&bucket, &upload, completing(chosen), &mut seals).await;
    assert_eq!(outcome, Ok(Completed::PartsChanged));
    assert!(matches!(complete_all(&engine, &bucket, &upload).await, Ok(Completed::Done(_))));
    assert_clean(&engine).await;
}

#[tokio::test]
async fn an_abort_during_a_complete_leaves_nothing() {
    let (world, catalog) = pausing();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    for stop_at in [writes_manifest as fn(&Commit) -> bool, is_final] {
        let upload = upload(&world, &engine, (&bucket, "k")).await;
        assert_eq!(put_part(&engine, &bucket, &upload, 1, &large(1)).await, Ok(true));
        let mut pause = catalog.pause(stop_at);
        let completing = tokio::spawn({
            let (engine, bucket, upload) = (engine.clone(), bucket.clone(), upload.clone());
            async move { complete_all(&engine, &bucket, &upload).await }
        });
        pause.reached().await;
        assert_eq!(engine.abort(&bucket, &upload).await, Ok(true));
        engine.reclaim().await.unwrap();
        pause.resume();
        assert_eq!(completing.await.unwrap(), Ok(Completed::NoSuchUpload));
        assert_eq!(latest(&engine, (&bucket, "k")).await, None);
        assert_clean(&engine).await;
        assert_eq!(blob_count(&world).await, 0);
    }
}

#[tokio::test]
async fn a_dropped_complete_can_be_repeated() {
    let (world, catalog) = pausing();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    let upload = upload(&world, &engine, (&bucket, "k")).await;
    assert_eq!(put_part(&engine, &bucket, &upload, 1, &large(1)).await, Ok(true));
    let mut pause = catalog.pause(is_final);
    let completing = tokio::spawn({
        let (engine, bucket, upload) = (engine.clone(), bucket.clone(), upload.clone());
        async move { complete_all(&engine, &bucket, &upload).await }
    });
    pause.reached().await;
    completing.abort();
    assert!(completing.await.unwrap_err().is_cancelled());
    assert_eq!(put_part(&engine, &bucket, &upload, 2, &large(2)).await, Ok(true));
    assert!(matches!(complete_all(&engine, &bucket, &upload).await, Ok(Completed::Done(_))));
    assert_eq!(latest(&engine, (&bucket, "k")).await, Some([large(1), large(2)].concat()));
    assert_clean(&engine).await;
}

#[tokio::test]
async fn two_completes_of_one_upload_make_one_version() {
    let (world, catalog) = pausing();
    let engine = world.open().await;
    let bucket = versioned(&engine, "bucket").await;
    let upload = upload(&world, &engine, (&bucket, "k")).await;
    assert_eq!(put_part(&engine, &bucket, &upload, 1, &large(1)).await, Ok(true));
    let mut pause = catalog.pause(is_final);
    let run = |engine: ObjectEngine, bucket: Bucket, upload: Upload| async move {
        complete_all(&engine, &bucket, &upload).await.unwrap()
    };
    let first = tokio::spawn(run(engine.clone(), bucket.clone(), upload.clone()));
    pause.reached().await;
    let second = tokio::spawn(run(engine.clone(), bucket.clone(), upload.clone()));
    tokio::task::yield_now().await;
    pause.resume();
    assert!(matches!(first.await.unwrap(), Completed::Done(_)));
    assert_eq!(second.await.unwrap(), Completed::NoSuchUpload);
    assert_clean(&engine).await;
}

#[tokio::test]
async fn listings_walk_no_tombstones() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = versioned(&engine, "bucket").await;
    for n in 0..50 {
        let name = format!("k{n:02}");
        put(&world, &engine, (&bucket, &name), b"x").await;
        delete(&engine, (&bucket, &name), VersionSelector::Latest).await;
    }
    put(&world, &engine, (&bucket, "z"), b"x").await;
    let seen = heads_of(&world).await;
    assert_eq!(seen, 1, "only keys whose newest version is an object are under h/");
    assert_clean(&engine).await;
}

async fn heads_of(world: &World) -> usize {
    use object_engine::catalog::{Direction, Space, Step};
    let mut seen = 0;
    let mut visitor = |key: &[u8], _, _: &[u8]| {
        if !key.starts_with(b"h/") {
            return Step::Stop;
        }
        seen += 1;
        Step::Next
    };
    world.catalog.walk(Space::Index, b"h/", Direction::Forward, &mut visitor).await.unwrap();
    seen
}

#[tokio::test]
async fn an_unknown_schema_is_refused() {
    let world = World::new();
    world.open().await.close().await.unwrap();
    let schema = object_engine::catalog::Key {
        space: object_engine::catalog::Space::Index,
        bytes: b"s/schema".to_vec(),
    };
    let mut commit = Commit::default();
    commit.put(schema, vec![1, 2]);
    world.catalog.commit(commit).await.unwrap();
    assert!(matches!(world.try_open().await, Err(EngineError::Unavailable(_))));
}

/// A server spawns its requests, so every verb's future must be `Send`. Compiling is the test; the
/// futures are dropped before they begin.
#[tokio::test]
async fn every_verb_can_be_spawned() {
    fn is_send<T: Send>(_: T) {}
    let world = World::new();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    put(&world, &engine, (&bucket, "k"), b"x").await;
    let (stored, object) = version(&engine, (&bucket, "k")).await;
    is_send(world.try_open());
    is_send(engine.buckets(None));
    is_send(engine.set_setting(&bucket, "cors", None));
    is_send(engine.put_account(
        &Account {
            id: owner(),
            name: String::new(),
            display_name: String::new(),
            email: None,
            policy: None,
        },
        None,
    ));
    is_send(engine.accounts());
    is_send(engine.remove_account(""));
    is_send(engine.set_tags(&bucket, &stored, Vec::new()));
    is_send(engine.slices(&object, 0..1));
    is_send(engine.part_by_number(&object, 1));
    is_send(engine.list_objects(&bucket, &ListObjects::default()));
    is_send(engine.list_versions(&bucket, &ListVersions::default()));
    is_send(engine.list_uploads(&bucket, &ListUploads::default()));
    is_send(engine.reclaim());
    is_send(engine.sweep());
    is_send(engine.audit());
    is_send(engine.close());
}

/// Many verbs of one key and one body at once, on several threads: none fails, and all adds up.
async fn crowd(world: World) {
    let engine = world.open().await;
    let bucket = versioned(&engine, "bucket").await;
    put(&world, &engine, (&bucket, "source"), &large(1)).await;
    let (source, _) = version(&engine, (&bucket, "source")).await;
    let crowd: Vec<_> = (0..24_u8)
        .map(|n| {
            let (world, engine, bucket, source) =
                (world.clone(), engine.clone(), bucket.clone(), source.clone());
            tokio::spawn(async move {
                put(&world, &engine, (&bucket, "k"), &large(n)).await;
                let copied = copy(&world, &engine, (&bucket, &source), (&bucket, "k")).await;
                let PublishedShared::Done(Assigned { public: Some(id), .. }) = copied else {
                    panic!("{copied:?}")
                };
                let removed = delete(&engine, (&bucket, "k"), VersionSelector::Id(id)).await;
                assert!(matches!(removed, Deleted::Removed { .. }));
                engine.reclaim().await.unwrap();
            })
        })
        .collect();
    for one in crowd {
        one.await.unwrap();
    }
    assert_clean(&engine).await;
    let audit = engine.audit().await.unwrap();
    assert_eq!((audit.objects, audit.blobs), (25, 25));
    assert_eq!(latest(&engine, (&bucket, "source")).await, Some(large(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_at_one_key_adds_up() {
    crowd(World::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_at_one_key_on_disk_adds_up() {
    crowd(crate::disk::somewhere()).await;
}

#[tokio::test]
async fn a_page_that_begins_inside_a_key_knows_the_latest_of_what_it_shows() {
    let (world, catalog) = pausing();
    let engine = world.open().await;
    let bucket = versioned(&engine, "bucket").await;
    for content in [b"1", b"2", b"3"] {
        put(&world, &engine, (&bucket, "k"), content).await;
    }
    let ask = ListVersions { limit: 1, ..ListVersions::default() };
    let (name, newest) = engine.list_versions(&bucket, &ask).await.unwrap().next.unwrap();
    let mut pause = catalog.pause_walk();
    let page = tokio::spawn({
        let (engine, bucket) = (engine.clone(), bucket.clone());
        let rest = ListVersions {
            key_marker: Some(name),
            version_marker: newest,
            limit: 9,
            ..ListVersions::default()
        };
        async move { engine.list_versions(&bucket, &rest).await.unwrap() }
    });
    pause.reached().await;
    let selector = VersionSelector::Id(newest.unwrap().unwrap());
    delete(&engine, (&bucket, "k"), selector).await;
    pause.resume();
    let latest =
        |entry: &ListedVersion| matches!(entry, ListedVersion::Version { is_latest: true, .. });
    let page = page.await.unwrap();
    assert_eq!(page.entries.iter().map(latest).collect::<Vec<_>>(), [true, false]);
}
