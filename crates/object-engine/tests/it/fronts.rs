//! Several engines on one catalog: who counts as dead, and what is left to the living.

use std::{sync::Arc, time::Duration};

use object_engine::{
    catalog::{Direction, Space, Step},
    engine::{ObjectEngine, Sharing},
    error::EngineError,
    model::*,
};

use crate::{decorators::*, world::*};

/// How long an engine may be silent; it beats ten times in that.
pub(crate) const EXPIRY: Duration = Duration::from_secs(10);

/// A world whose engines share the catalog.
pub(crate) fn shared() -> World {
    World { sharing: Sharing::Several { expiry: EXPIRY }, ..World::new() }
}

/// The same stores behind another machine's clock.
fn elsewhere(world: &World) -> World {
    World { clock: Arc::default(), ..world.clone() }
}

/// Lets so many seconds pass, in which only `living` beat.
pub(crate) async fn seconds(world: &World, count: u64, living: &[&ObjectEngine]) {
    for _ in 0..count {
        world.clock.pass(Duration::from_secs(1));
        for engine in living {
            engine.keep_session().await.unwrap();
        }
    }
}

/// Lets the living do all background work that can be done.
pub(crate) async fn settle(world: &World, living: &[&ObjectEngine]) {
    for _ in 0..6 {
        seconds(world, 1, living).await;
        for engine in living {
            engine.sweep().await.unwrap();
            engine.reclaim().await.unwrap();
        }
    }
}

/// Lets the silent ones die, and the living take back what they held.
pub(crate) async fn outlive(world: &World, living: &[&ObjectEngine]) {
    seconds(world, 12, living).await;
    settle(world, living).await;
}

/// Whether every stored blob is referred to, and every reference holds.
pub(crate) async fn assert_exact(world: &World, engine: &ObjectEngine, at: &str) {
    let audit = engine.audit().await.unwrap();
    assert!(audit.is_clean(), "{at}: {:#?}", audit.problems);
    assert_eq!(blob_count(world).await as u64, audit.blobs, "{at}: other blobs than referred to");
}

async fn records(world: &World, scope: &'static [u8]) -> usize {
    let mut seen = 0;
    let mut visitor = |key: &[u8], _, _: &[u8]| {
        if !key.starts_with(scope) {
            return Step::Stop;
        }
        seen += 1;
        Step::Next
    };
    world.catalog.walk(Space::Records, scope, Direction::Forward, &mut visitor).await.unwrap();
    seen
}

async fn publish(
    world: &World,
    engine: &ObjectEngine,
    at: (&Bucket, &str),
    place: Place,
    length: usize,
) -> Result<Published, EngineError> {
    let part = stored_part(1, place, length as u64, "e");
    let new = new_version(world, stored_object(part, BodyId(draw(world))));
    engine.publish(at.0, &key(at.1), new, &mut seals).await
}

#[tokio::test]
async fn engines_that_show_life_leave_each_other_alone() {
    let world = shared();
    let (one, two) = (world.open().await, world.open().await);
    let bucket = bucket(&one, "bucket").await;
    let slow = write(&one, &large(1)).await.unwrap();
    outlive(&world, &[&one, &two]).await;
    outlive(&world, &[&two, &one]).await;
    assert_eq!(blob_count(&world).await, 1, "still being written, for all that the other knows");
    let done = publish(&world, &one, (&bucket, "k"), slow, large(1).len()).await;
    assert!(matches!(done, Ok(Published::Done(_))));
    put(&world, &two, (&bucket, "k2"), &large(2)).await;
    assert_eq!(latest(&two, (&bucket, "k")).await, Some(large(1)));
    assert_eq!(latest(&one, (&bucket, "k2")).await, Some(large(2)));
    assert_exact(&world, &one, "at the end").await;
}

#[tokio::test]
async fn silence_for_a_whole_expiry_is_death_and_less_is_not() {
    let world = shared();
    let (silent, living) = (world.open().await, world.open().await);
    write(&silent, &large(1)).await.unwrap();
    seconds(&world, 10, &[&living]).await;
    assert_eq!(living.sweep().await.unwrap(), 0, "first seen after a second");
    assert_eq!(blob_count(&world).await, 1);
    seconds(&world, 1, &[&living]).await;
    assert_eq!(living.sweep().await.unwrap(), 1);
    assert_eq!(blob_count(&world).await, 0);
    assert_eq!(records(&world, b"f/").await, 1);
    assert_eq!(records(&world, b"l/").await, 0);
}

#[tokio::test]
async fn clocks_that_differ_kill_nobody() {
    let world = shared();
    let far = elsewhere(&world);
    let (one, two) = (world.open().await, far.open().await);
    let slow = write(&one, &large(1)).await.unwrap();
    let bucket = bucket(&one, "bucket").await;
    for step in 0..40 {
        world.clock.pass(Duration::from_secs(1));
        far.clock.pass(Duration::from_secs(1));
        // Years ahead, then years behind: nobody asks.
        far.clock.set(if step % 2 == 0 { 4_000_000_000_000 } else { 5 });
        one.keep_session().await.unwrap();
        two.keep_session().await.unwrap();
        two.sweep().await.unwrap();
    }
    let done = publish(&world, &one, (&bucket, "k"), slow, large(1).len()).await;
    assert!(matches!(done, Ok(Published::Done(_))));
    // And removals dated in the future or the past are carried out all the same.
    for (seed, at) in [(2, 4_000_000_000_000), (3, 5)] {
        far.clock.set(at);
        put(&far, &two, (&bucket, "k"), &large(seed)).await;
    }
    for _ in 0..8 {
        far.clock.pass(Duration::from_secs(1));
        settle(&world, &[&one, &two]).await;
    }
    assert_eq!(latest(&one, (&bucket, "k")).await, Some(large(3)));
    assert_exact(&world, &one, "at the end").await;
}

#[tokio::test]
async fn a_catalog_that_was_away_kills_nobody() {
    let world = shared();
    let (one, two) = (world.open().await, world.open().await);
    let slow = write(&one, &large(1)).await.unwrap();
    let bucket = bucket(&one, "bucket").await;
    seconds(&world, 3, &[&one, &two]).await;
    // Nobody can beat for a minute; then one of the two comes late, but within an expiry.
    world.clock.pass(Duration::from_secs(60));
    seconds(&world, 9, &[&two]).await;
    two.sweep().await.unwrap();
    assert_eq!(blob_count(&world).await, 1);
    one.keep_session().await.unwrap();
    let done = publish(&world, &one, (&bucket, "k"), slow, large(1).len()).await;
    assert!(matches!(done, Ok(Published::Done(_))));
}

#[tokio::test]
async fn who_cannot_beat_stops_by_itself_and_goes_on_with_the_next_beat() {
    let world = shared();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    put(&world, &engine, (&bucket, "k"), &large(1)).await;
    let (_, object) = version(&engine, (&bucket, "k")).await;
    let Body::Whole(part) = object.body else { panic!("one part") };
    world.clock.pass(EXPIRY / 2);
    put(&world, &engine, (&bucket, "k"), b"small").await;
    world.clock.pass(Duration::from_millis(1));
    let refused = try_put(&world, &engine, (&bucket, "k"), b"refused").await;
    assert!(matches!(refused, Err(EngineError::Unavailable(_))), "{refused:?}");
    assert!(matches!(engine.body_reader(&part.place).await, Err(EngineError::Unavailable(_))));
    engine.keep_session().await.unwrap();
    assert_eq!(latest(&engine, (&bucket, "k")).await, Some(b"small".to_vec()));
    put(&world, &engine, (&bucket, "k"), b"taken").await;
}

#[tokio::test]
async fn one_that_was_given_up_goes_on_under_a_new_session() {
    let world = shared();
    let (paused, living) = (world.open().await, world.open().await);
    let bucket = bucket(&living, "bucket").await;
    let slow = write(&paused, &large(1)).await.unwrap();
    outlive(&world, &[&living]).await;
    assert_eq!(blob_count(&world).await, 0);
    paused.keep_session().await.unwrap();
    let late = publish(&world, &paused, (&bucket, "k"), slow, large(1).len()).await;
    assert!(matches!(late, Err(EngineError::Unavailable(_))), "{late:?}");
    put(&world, &paused, (&bucket, "k"), &large(2)).await;
    outlive(&world, &[&living, &paused]).await;
    assert_eq!(latest(&living, (&bucket, "k")).await, Some(large(2)));
    assert_exact(&world, &living, "at the end").await;
    assert_eq!(records(&world, b"f/").await, 2);
}

/// Two engines of which the first can be stopped in a commit.
async fn with_pauses() -> (World, Arc<PausingCatalog>, ObjectEngine, ObjectEngine) {
    let world = shared();
    let catalog = PausingCatalog::new(Arc::clone(&world.catalog));
    let first = World { catalog: catalog.clone(), ..world.clone() };
    let (first, second) = (first.open().await, world.open().await);
    (world, catalog, first, second)
}

/// Completes an upload of all its parts in a task of its own.
fn spawn_complete(
    engine: &ObjectEngine,
    bucket: &Bucket,
    upload: &Upload,
) -> tokio::task::JoinHandle<Result<Completed, EngineError>> {
    let (engine, bucket, upload) = (engine.clone(), bucket.clone(), upload.clone());
    tokio::spawn(async move { complete_all(&engine, &bucket, &upload).await })
}

#[tokio::test]
async fn a_complete_under_way_is_left_to_a_live_engine_and_taken_from_a_dead_one() {
    let (world, catalog, first, second) = with_pauses().await;
    let bucket = bucket(&first, "bucket").await;
    let upload = upload(&world, &first, (&bucket, "k")).await;
    assert_eq!(put_part(&first, &bucket, &upload, 1, &large(1)).await, Ok(true));
    let mut pause = catalog.pause(|commit| writes(commit, b"r/"));
    let completing = spawn_complete(&first, &bucket, &upload);
    pause.reached().await;
    let refused = put_part(&second, &bucket, &upload, 2, &large(2)).await;
    assert_eq!(refused, Err(EngineError::Busy));
    assert_eq!(complete_all(&second, &bucket, &upload).await, Err(EngineError::Busy));
    outlive(&world, &[&second]).await;
    assert_eq!(put_part(&second, &bucket, &upload, 2, &large(2)).await, Ok(true));
    first.keep_session().await.unwrap();
    pause.resume();
    assert_eq!(completing.await.unwrap(), Err(EngineError::Busy), "not that it was aborted");
    assert_eq!(latest(&second, (&bucket, "k")).await, None);
    assert!(matches!(complete_all(&second, &bucket, &upload).await, Ok(Completed::Done(_))));
    assert_eq!(latest(&first, (&bucket, "k")).await, Some([large(1), large(2)].concat()));
    settle(&world, &[&first, &second]).await;
    assert_exact(&world, &second, "at the end").await;
}

#[tokio::test]
async fn what_waits_for_a_live_engine_goes_on_when_it_is_done() {
    let (world, catalog, first, second) = with_pauses().await;
    let bucket = bucket(&first, "bucket").await;
    let upload = upload(&world, &first, (&bucket, "k")).await;
    assert_eq!(put_part(&first, &bucket, &upload, 1, &large(1)).await, Ok(true));
    let mut pause = catalog.pause(|commit| writes(commit, b"r/"));
    let completing = spawn_complete(&first, &bucket, &upload);
    pause.reached().await;
    let late = tokio::spawn({
        let (second, bucket, upload) = (second.clone(), bucket.clone(), upload.clone());
        async move { put_part(&second, &bucket, &upload, 1, &large(9)).await }
    });
    tokio::task::yield_now().await;
    pause.resume();
    assert!(matches!(completing.await.unwrap(), Ok(Completed::Done(_))));
    assert_eq!(late.await.unwrap(), Ok(false));
    assert_eq!(latest(&second, (&bucket, "k")).await, Some(large(1)));
}

#[tokio::test]
async fn a_paused_delete_bucket_takes_no_bucket_that_was_given_back() {
    let (world, catalog, first, second) = with_pauses().await;
    let shared = bucket(&first, "bucket").await;
    let mut pause = catalog.pause(|commit| writes(commit, b"g/k"));
    let deleting = tokio::spawn({
        let (first, shared) = (first.clone(), shared.clone());
        async move { first.delete_bucket(&shared).await }
    });
    pause.reached().await;
    let refused = try_put(&world, &second, (&shared, "k"), b"x").await;
    assert_eq!(refused, Err(EngineError::Busy));
    assert_eq!(second.delete_bucket(&shared).await, Err(EngineError::Busy));
    outlive(&world, &[&second]).await;
    put(&world, &second, (&shared, "k"), &large(1)).await;
    first.keep_session().await.unwrap();
    pause.resume();
    assert_eq!(deleting.await.unwrap(), Err(EngineError::Busy));
    assert_eq!(latest(&second, (&shared, "k")).await, Some(large(1)));
    assert_exact(&world, &second, "at the end").await;
}

#[tokio::test]
async fn a_removal_waits_for_the_readers_of_every_live_engine() {
    let world = shared();
    let (reading, writing) = (world.open().await, world.open().await);
    let bucket = bucket(&writing, "bucket").await;
    put(&world, &writing, (&bucket, "k"), &large(1)).await;
    settle(&world, &[&writing, &reading]).await;
    // Looked up and pinned after the last publication.
    let (_, object) = version(&reading, (&bucket, "k")).await;
    let pin = reading.pin();
    put(&world, &writing, (&bucket, "k"), &large(2)).await;
    seconds(&world, 4, &[&writing]).await;
    assert_eq!(writing.reclaim().await.unwrap(), 0, "not before the reader's engine says so");
    for _ in 0..50 {
        settle(&world, &[&writing, &reading]).await;
    }
    assert_eq!(content(&reading, &object).await, large(1));
    drop(pin);
    settle(&world, &[&writing, &reading]).await;
    assert_eq!(blob_count(&world).await, 1);
    assert_exact(&world, &writing, "at the end").await;
}

#[tokio::test]
async fn a_look_up_just_before_its_pin_is_covered_for_the_grace() {
    let world = World { grace_ms: 3_000, ..shared() };
    let (reading, writing) = (world.open().await, world.open().await);
    let bucket = bucket(&writing, "bucket").await;
    put(&world, &writing, (&bucket, "k"), &large(1)).await;
    seconds(&world, 20, &[&writing, &reading]).await;
    let (_, object) = version(&reading, (&bucket, "k")).await;
    put(&world, &writing, (&bucket, "k"), &large(2)).await;
    seconds(&world, 3, &[&writing, &reading]).await;
    let pin = reading.pin();
    for _ in 0..5 {
        settle(&world, &[&writing, &reading]).await;
    }
    assert_eq!(content(&reading, &object).await, large(1));
    drop(pin);
    for _ in 0..5 {
        settle(&world, &[&writing, &reading]).await;
    }
    assert_eq!(blob_count(&world).await, 1);
}

#[tokio::test]
async fn the_readers_of_the_dead_hold_nothing_back() {
    let world = shared();
    let (dead, living) = (world.open().await, world.open().await);
    let bucket = bucket(&living, "bucket").await;
    put(&world, &living, (&bucket, "k"), &large(1)).await;
    let _pin = dead.pin();
    delete(&living, (&bucket, "k"), VersionSelector::Latest).await;
    seconds(&world, 8, &[&living]).await;
    assert_eq!(living.reclaim().await.unwrap(), 0);
    outlive(&world, &[&living]).await;
    assert_eq!(blob_count(&world).await, 0);
}

#[tokio::test]
async fn a_turn_is_one_engines_until_it_dies() {
    let world = shared();
    let (one, two) = (world.open().await, world.open().await);
    assert!(one.has_turn("work").await.unwrap());
    assert!(!two.has_turn("work").await.unwrap());
    assert!(two.has_turn("other work").await.unwrap());
    seconds(&world, 30, &[&one, &two]).await;
    assert!(one.has_turn("work").await.unwrap());
    assert!(!two.has_turn("work").await.unwrap());
    seconds(&world, 12, &[&two]).await;
    assert!(matches!(one.has_turn("work").await, Err(EngineError::Unavailable(_))));
    assert!(two.has_turn("work").await.unwrap());
    one.keep_session().await.unwrap();
    assert!(!one.has_turn("work").await.unwrap());
    two.close().await.unwrap();
    assert!(one.has_turn("work").await.unwrap(), "at once after a good end");
}

#[tokio::test]
async fn one_that_ends_in_good_order_leaves_nothing_to_wait_for() {
    let world = shared();
    let (ending, living) = (world.open().await, world.open().await);
    let bucket = bucket(&ending, "bucket").await;
    put(&world, &ending, (&bucket, "k"), &large(1)).await;
    write(&ending, &large(2)).await.unwrap();
    ending.close().await.unwrap();
    assert_eq!(records(&world, b"f/").await, 1);
    assert_eq!(living.sweep().await.unwrap(), 1, "its last lease is nobody's");
    assert_exact(&world, &living, "at the end").await;
}

#[tokio::test]
async fn engines_that_were_alone_and_engines_that_share_clean_up_after_each_other() {
    let world = shared();
    let alone = World { sharing: Sharing::Alone, ..world.clone() };
    let engine = alone.open().await;
    let bucket = bucket(&engine, "bucket").await;
    put(&world, &engine, (&bucket, "k"), &large(1)).await;
    write(&engine, &large(2)).await.unwrap();
    drop(engine);
    let engine = world.open().await;
    assert_eq!(engine.sweep().await.unwrap(), 1);
    write(&engine, &large(3)).await.unwrap();
    drop(engine);
    let engine = alone.open().await;
    assert_eq!(records(&world, b"f/").await, 0);
    assert_eq!(latest(&engine, (&bucket, "k")).await, Some(large(1)));
    assert_exact(&world, &engine, "at the end").await;
}

#[tokio::test]
async fn many_engines_may_open_an_empty_catalog_at_once() {
    let world = shared();
    let opening: Vec<_> = (0..8)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move { world.open().await })
        })
        .collect();
    for one in opening {
        one.await.unwrap();
    }
    assert_eq!(records(&world, b"f/").await, 8);
}

#[tokio::test]
async fn a_sweep_spares_what_a_living_reader_reads() {
    let world = shared();
    let (writing, reading) = (world.open().await, world.open().await);
    let bucket = bucket(&reading, "bucket").await;
    put(&world, &writing, (&bucket, "k"), &large(1)).await;
    seconds(&world, 10, &[&writing, &reading]).await;
    let (_, object) = version(&reading, (&bucket, "k")).await;
    let pin = reading.pin();
    // Its lease is a dead one's by the time of the sweep; its removal waits for the reader.
    put(&world, &reading, (&bucket, "k"), &large(2)).await;
    outlive(&world, &[&reading]).await;
    assert_eq!(records(&world, b"l/").await, 1, "the dead one's lease was swept");
    assert_eq!(content(&reading, &object).await, large(1));
    drop(pin);
    settle(&world, &[&reading]).await;
    assert_eq!(blob_count(&world).await, 1);
    assert_exact(&world, &reading, "at the end").await;
}

/// Deletes a bucket in a task of its own.
fn spawn_delete_bucket(
    engine: &ObjectEngine,
    bucket: &Bucket,
) -> tokio::task::JoinHandle<Result<DeleteBucket, EngineError>> {
    let (engine, bucket) = (engine.clone(), bucket.clone());
    tokio::spawn(async move { engine.delete_bucket(&bucket).await })
}

#[tokio::test]
async fn what_a_dropped_delete_bucket_left_its_own_engine_takes_back() {
    let (world, catalog, first, second) = with_pauses().await;
    let shared = bucket(&first, "bucket").await;
    let mut pause = catalog.pause(|commit| writes(commit, b"g/k"));
    let deleting = spawn_delete_bucket(&first, &shared);
    pause.reached().await;
    settle(&world, &[&first, &second]).await;
    assert_eq!(second.delete_bucket(&shared).await, Err(EngineError::Busy), "still at work");
    deleting.abort();
    assert!(deleting.await.unwrap_err().is_cancelled());
    settle(&world, &[&first, &second]).await;
    put(&world, &second, (&shared, "k"), &large(1)).await;
    assert_exact(&world, &second, "at the end").await;
}

#[tokio::test]
async fn what_a_failed_complete_left_its_own_engine_takes_back() {
    let (world, catalog, first, second) = with_pauses().await;
    let bucket = bucket(&first, "bucket").await;
    let upload = upload(&world, &first, (&bucket, "k")).await;
    assert_eq!(put_part(&first, &bucket, &upload, 1, &large(1)).await, Ok(true));
    let mut pause = catalog.pause(|commit| writes(commit, b"r/"));
    let completing = spawn_complete(&first, &bucket, &upload);
    pause.reached().await;
    settle(&world, &[&first, &second]).await;
    assert_eq!(records(&world, b"c/").await, 1, "left alone while at work");
    pause.refuse();
    assert!(matches!(completing.await.unwrap(), Err(EngineError::Unavailable(_))));
    settle(&world, &[&first, &second]).await;
    assert_eq!(put_part(&second, &bucket, &upload, 1, &large(2)).await, Ok(true));
    assert!(matches!(complete_all(&second, &bucket, &upload).await, Ok(Completed::Done(_))));
    assert_eq!(latest(&first, (&bucket, "k")).await, Some(large(2)));
    settle(&world, &[&first, &second]).await;
    assert_exact(&world, &second, "at the end").await;
}

/// Twice what one waits; in a row the eight would wait eight times that.
const BESIDE_EACH_OTHER: Duration = Duration::from_secs(4);

#[tokio::test]
async fn writes_wait_for_another_engines_delete_bucket_beside_each_other() {
    let (world, catalog, first, second) = with_pauses().await;
    let shared = bucket(&first, "bucket").await;
    let mut pause = catalog.pause(|commit| writes(commit, b"g/k"));
    let deleting = spawn_delete_bucket(&first, &shared);
    pause.reached().await;
    let begun = std::time::Instant::now();
    let puts: Vec<_> = (0..6)
        .map(|n| {
            let (world, second, shared) = (world.clone(), second.clone(), shared.clone());
            let key = format!("k{n}");
            tokio::spawn(async move { try_put(&world, &second, (&shared, &key), b"x").await })
        })
        .collect();
    let deletions = [0; 2].map(|_| spawn_delete_bucket(&second, &shared));
    for put in puts {
        assert_eq!(put.await.unwrap(), Err(EngineError::Busy));
    }
    for deletion in deletions {
        assert_eq!(deletion.await.unwrap(), Err(EngineError::Busy));
    }
    assert!(begun.elapsed() < BESIDE_EACH_OTHER, "{:?}", begun.elapsed());
    pause.resume();
    assert_eq!(deleting.await.unwrap(), Ok(DeleteBucket::Deleted));
}

#[tokio::test]
async fn parts_and_completes_wait_for_another_engines_complete_beside_each_other() {
    let (world, catalog, first, second) = with_pauses().await;
    let bucket = bucket(&first, "bucket").await;
    let upload = upload(&world, &first, (&bucket, "k")).await;
    assert_eq!(put_part(&first, &bucket, &upload, 1, &large(1)).await, Ok(true));
    let mut pause = catalog.pause(|commit| writes(commit, b"r/"));
    let completing = spawn_complete(&first, &bucket, &upload);
    pause.reached().await;
    let begun = std::time::Instant::now();
    let parts: Vec<_> = (0..6)
        .map(|_| {
            let (second, bucket, upload) = (second.clone(), bucket.clone(), upload.clone());
            tokio::spawn(async move { put_part(&second, &bucket, &upload, 2, &large(2)).await })
        })
        .collect();
    let completes = [0; 2].map(|_| spawn_complete(&second, &bucket, &upload));
    for part in parts {
        assert_eq!(part.await.unwrap(), Err(EngineError::Busy));
    }
    for complete in completes {
        assert_eq!(complete.await.unwrap(), Err(EngineError::Busy));
    }
    assert!(begun.elapsed() < BESIDE_EACH_OTHER, "{:?}", begun.elapsed());
    pause.resume();
    assert!(matches!(completing.await.unwrap(), Ok(Completed::Done(_))));
}

#[tokio::test]
async fn a_lease_whose_taker_went_away_is_used_all_the_same() {
    let (world, catalog, first, _) = with_pauses().await;
    let mut pause = catalog.pause_at(Side::After, |commit| writes(commit, b"l/"));
    let taking = tokio::spawn({
        let first = first.clone();
        async move { write(&first, &large(1)).await }
    });
    pause.reached().await;
    taking.abort();
    assert!(taking.await.unwrap_err().is_cancelled());
    pause.resume();
    write(&first, &large(2)).await.unwrap();
    assert_eq!(records(&world, b"l/").await, 1);
}
