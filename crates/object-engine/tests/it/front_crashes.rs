//! One of two engines dies, or sleeps for longer than the others wait, at every operation in turn: what was
//! acknowledged is found by the other, nothing is half done, and no blob is left that nothing refers to.

use std::sync::Arc;

use object_engine::{engine::ObjectEngine, model::*};

use crate::{crash::*, decorators::*, fronts::*, world::*};

/// An engine, a bucket, and what a third engine left for the others to sweep.
async fn beginning(world: &World) -> (ObjectEngine, Bucket) {
    let (living, gone) = (world.open().await, world.open().await);
    write(&gone, &large(60)).await.unwrap();
    gone.close().await.unwrap();
    let bucket = bucket(&living, "bucket").await;
    (living, bucket)
}

/// Everything is right for `living` once the other is gone: the state is one that `acknowledged` acts may
/// have left.
async fn check(
    world: &World,
    living: &ObjectEngine,
    bucket: &Bucket,
    acknowledged: usize,
    at: &str,
) {
    outlive(world, &[living]).await;
    assert_exact(world, living, at).await;
    let mut found = state_of(living, bucket).await;
    found.remove("others");
    assert!(states_after(acknowledged).contains(&found), "{at}, after {acknowledged} acts");
    put(world, living, (bucket, "a"), &large(50)).await;
    assert_eq!(latest(living, (bucket, "a")).await, Some(large(50)), "{at}");
    outlive(world, &[living]).await;
    assert_exact(world, living, at).await;
}

async fn die_everywhere(last: LastCommit) {
    for operations in 1.. {
        let world = shared();
        let (living, bucket) = beginning(&world).await;
        let fuse = Fuse::of(operations, last);
        let mortal = World {
            catalog: Arc::new(MortalCatalog(Arc::clone(&world.catalog), Arc::clone(&fuse))),
            blobs: Arc::new(MortalBlobs(Arc::clone(&world.blobs), Arc::clone(&fuse))),
            ..world.clone()
        };
        let acknowledged = match mortal.try_open().await {
            Ok(engine) => run_until_error(&mortal, &engine, &bucket, Some(&living)).await,
            Err(_) => 0,
        };
        if !fuse.is_dead() {
            assert_eq!(acknowledged, ACTS);
            assert!(operations > 300, "the script has become trivial: {operations}");
            return;
        }
        let at = format!("dead at operation {operations}, last commit {last:?}");
        check(&world, &living, &bucket, acknowledged, &at).await;
    }
}

#[tokio::test]
async fn the_death_of_a_front_end_before_any_operation_loses_nothing_acknowledged() {
    die_everywhere(LastCommit::Lost).await;
}

#[tokio::test]
async fn the_death_of_a_front_end_after_any_commit_loses_nothing_acknowledged() {
    die_everywhere(LastCommit::Done).await;
}

/// Whether the one that slept can see how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sees {
    HowLong,
    Nothing,
}

async fn sleep_everywhere(side: Side, sees: Sees) {
    for operation in 1.. {
        let world = shared();
        let (living, bucket) = beginning(&world).await;
        let gate = Gate::at(operation, side);
        let clock = if sees == Sees::HowLong { Arc::clone(&world.clock) } else { Arc::default() };
        let sleepy = World {
            catalog: Arc::new(SleepyCatalog(Arc::clone(&world.catalog), Arc::clone(&gate))),
            blobs: Arc::new(SleepyBlobs(Arc::clone(&world.blobs), Arc::clone(&gate))),
            clock,
            ..world.clone()
        };
        let mut running = tokio::spawn({
            let (living, bucket) = (living.clone(), bucket.clone());
            async move {
                match sleepy.try_open().await {
                    Ok(engine) => run_until_error(&sleepy, &engine, &bucket, Some(&living)).await,
                    Err(_) => 0,
                }
            }
        });
        tokio::select! {
            biased;
            () = gate.reached() => {}
            done = &mut running => {
                assert_eq!(done.unwrap(), ACTS);
                assert!(operation > 300, "the script has become trivial: {operation}");
                return;
            }
        }
        let at = format!("asleep at operation {operation}, {side:?}, seeing {sees:?}");
        outlive(&world, &[&living]).await;
        put(&world, &living, (&bucket, "others"), &large(40)).await;
        assert_exact(&world, &living, &at).await;
        gate.resume();
        let acknowledged = running.await.unwrap();
        // What its dropped writers still have to delete.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        check(&world, &living, &bucket, acknowledged, &at).await;
        assert_eq!(latest(&living, (&bucket, "others")).await, Some(large(40)), "{at}");
    }
}

#[tokio::test]
async fn one_that_sleeps_before_any_operation_and_sees_it_harms_nothing() {
    sleep_everywhere(Side::Before, Sees::HowLong).await;
}

#[tokio::test]
async fn one_that_sleeps_after_any_operation_and_sees_it_harms_nothing() {
    sleep_everywhere(Side::After, Sees::HowLong).await;
}

#[tokio::test]
async fn one_that_sleeps_before_any_operation_and_does_not_know_harms_nothing() {
    sleep_everywhere(Side::Before, Sees::Nothing).await;
}

#[tokio::test]
async fn one_that_sleeps_after_any_operation_and_does_not_know_harms_nothing() {
    sleep_everywhere(Side::After, Sees::Nothing).await;
}

/// The bucket is given back and used while its deleter sleeps, wherever it does.
#[tokio::test]
async fn a_delete_bucket_that_slept_takes_no_object_along() {
    for operation in 1.. {
        let world = shared();
        let (living, bucket) = beginning(&world).await;
        let gate = Gate::at(operation, Side::Before);
        let sleepy = World {
            catalog: Arc::new(SleepyCatalog(Arc::clone(&world.catalog), Arc::clone(&gate))),
            clock: Arc::default(),
            ..world.clone()
        };
        let deleting = bucket.clone();
        let mut running =
            tokio::spawn(async move { sleepy.try_open().await?.delete_bucket(&deleting).await });
        tokio::select! {
            biased;
            () = gate.reached() => {}
            done = &mut running => {
                assert_eq!(done.unwrap(), Ok(DeleteBucket::Deleted));
                assert!(operation > 8, "the deletion has become trivial: {operation}");
                return;
            }
        }
        outlive(&world, &[&living]).await;
        put(&world, &living, (&bucket, "k"), &large(1)).await;
        gate.resume();
        let deleted = running.await.unwrap();
        assert_ne!(deleted, Ok(DeleteBucket::Deleted), "asleep at operation {operation}");
        assert_eq!(latest(&living, (&bucket, "k")).await, Some(large(1)), "{operation}");
    }
}
