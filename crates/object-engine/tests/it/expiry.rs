//! Expiry: what is deleted is what was judged, and nothing that is locked.

use object_engine::{
    clock::Timestamp,
    engine::{Expired, NEWER_COUNTED_MAX, ObjectEngine},
    model::*,
};
use tokio::{runtime::Handle, task::block_in_place};

use crate::world::*;

async fn expire(engine: &ObjectEngine, at: (&Bucket, &str), selector: VersionSelector) -> Expired {
    engine.expire(at.0, &key(at.1), selector, &mut |_| true).await.unwrap()
}

fn named(assigned: &Assigned) -> VersionSelector {
    assigned.public.map_or(VersionSelector::Null, VersionSelector::Id)
}

#[tokio::test]
async fn a_newest_object_is_removed_or_hidden_as_a_delete_would() {
    let world = World::new();
    let engine = world.open().await;
    let plain = bucket(&engine, "plain").await;
    put(&world, &engine, (&plain, "k"), &large(1)).await;
    assert_eq!(expire(&engine, (&plain, "k"), VersionSelector::Latest).await, Expired::Removed);
    assert_eq!(get(&engine, (&plain, "k"), VersionSelector::Latest).await, Err("no key"));
    assert_eq!(expire(&engine, (&plain, "k"), VersionSelector::Latest).await, Expired::Kept);

    let kept = versioned(&engine, "kept").await;
    let first = put(&world, &engine, (&kept, "k"), &large(1)).await;
    let hidden = expire(&engine, (&kept, "k"), VersionSelector::Latest).await;
    assert_eq!(hidden, Expired::MarkerWritten);
    assert_eq!(get(&engine, (&kept, "k"), named(&first)).await, Ok(large(1)));
    assert_eq!(expire(&engine, (&kept, "k"), named(&first)).await, Expired::Removed);
    // The marker that is left is removed itself, not hidden again.
    assert_eq!(expire(&engine, (&kept, "k"), VersionSelector::Latest).await, Expired::Removed);
    assert_eq!(get(&engine, (&kept, "k"), VersionSelector::Latest).await, Err("no key"));
    assert_eq!(blob_count(&world).await, 2, "removals are deferred");
    assert_clean(&engine).await;
    assert_eq!(blob_count(&world).await, 0);
}

#[tokio::test]
async fn a_version_is_judged_where_it_stands() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = versioned(&engine, "bucket").await;
    let mut made = Vec::new();
    for at in 0..NEWER_COUNTED_MAX + 3 {
        world.clock.set(1_000 * i64::try_from(at).unwrap());
        made.push(put(&world, &engine, (&bucket, "k"), b"x").await);
    }
    put(&world, &engine, (&bucket, "j"), b"other key").await;
    put(&world, &engine, (&bucket, "l"), b"other key").await;
    let seen = async |selector| {
        let mut seen = None;
        let mut judge = |standing: &object_engine::engine::Standing| {
            let latest = standing.version.is_latest;
            seen = Some((latest, standing.superseded, standing.newer, standing.is_only));
            false
        };
        let kept = engine.expire(&bucket, &key("k"), selector, &mut judge).await.unwrap();
        assert_eq!(kept, Expired::Kept);
        seen
    };
    let last = made.len() - 1;
    assert_eq!(seen(VersionSelector::Latest).await, Some((true, None, 0, false)));
    assert_eq!(seen(named(&made[last])).await, Some((true, None, 0, false)));
    let after = |at: usize| Some(Timestamp(1_000 * (i64::try_from(at).unwrap() + 1)));
    assert_eq!(seen(named(&made[last - 1])).await, Some((false, after(last - 1), 1, false)));
    assert_eq!(seen(named(&made[last - 7])).await, Some((false, after(last - 7), 7, false)));
    assert_eq!(seen(named(&made[0])).await, Some((false, after(0), NEWER_COUNTED_MAX, false)));
    assert_eq!(seen(VersionSelector::Null).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_changes_after_its_judgement_is_judged_again() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    put(&world, &engine, (&bucket, "k"), &large(1)).await;
    let mut etags = Vec::new();
    let mut judge = |standing: &object_engine::engine::Standing| {
        let VersionKind::Object(object) = &standing.version.kind else { panic!("a marker") };
        etags.push(object.etag.0.clone());
        let overwrite = put(&world, &engine, (&bucket, "k"), b"new");
        if etags.len() == 1 {
            block_in_place(|| Handle::current().block_on(overwrite));
            return true;
        }
        false
    };
    let selector = VersionSelector::Latest;
    let expired = engine.expire(&bucket, &key("k"), selector, &mut judge).await.unwrap();
    assert_eq!(expired, Expired::Kept);
    assert_eq!(etags, [etag_of(&large(1)), etag_of(b"new")]);
    assert_eq!(latest(&engine, (&bucket, "k")).await, Some(b"new".to_vec()));
    assert_clean(&engine).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_and_holds_that_change_after_the_judgement_count() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = versioned(&engine, "bucket").await;
    put(&world, &engine, (&bucket, "k"), b"x").await;
    let (version, _) = version(&engine, (&bucket, "k")).await;
    let mut asked = 0;
    let mut judge = |standing: &object_engine::engine::Standing| {
        let VersionKind::Object(object) = &standing.version.kind else { panic!("a marker") };
        asked += 1;
        let tags = vec![("kept".to_owned(), "yes".to_owned())];
        let tagged = engine.set_tags(&bucket, &version, tags);
        if asked == 1 {
            assert!(block_in_place(|| Handle::current().block_on(tagged)).unwrap());
        }
        object.attached.tags.is_empty()
    };
    let selector = VersionSelector::Latest;
    let expired = engine.expire(&bucket, &key("k"), selector, &mut judge).await.unwrap();
    assert_eq!((expired, asked), (Expired::Kept, 2));
    assert_eq!(latest(&engine, (&bucket, "k")).await, Some(b"x".to_vec()));
}

#[tokio::test]
async fn what_is_locked_is_hidden_and_never_removed() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = versioned(&engine, "bucket").await;
    world.clock.set(1_000);
    let lock = async |change: fn(&mut Attached)| {
        let name = named(&put(&world, &engine, (&bucket, "k"), b"x").await);
        let (version, _) = version(&engine, (&bucket, "k")).await;
        let changed = engine.change_attached(&bucket, &version, |attached| {
            change(attached);
            Ok::<(), ()>(())
        });
        changed.await.unwrap();
        name
    };
    let held = lock(|attached| attached.legal_hold = Some(LegalHold::On)).await;
    let retained = lock(|attached| {
        let (mode, until) = (RetentionMode::Governance, Timestamp(5_000));
        attached.retention = Some(Retention { mode, until });
    });
    let retained = retained.await;
    let hidden = expire(&engine, (&bucket, "k"), VersionSelector::Latest).await;
    assert_eq!(hidden, Expired::MarkerWritten);
    for selector in [held, retained] {
        assert_eq!(expire(&engine, (&bucket, "k"), selector).await, Expired::Kept);
        assert_eq!(get(&engine, (&bucket, "k"), selector).await, Ok(b"x".to_vec()));
    }
    world.clock.set(5_000);
    assert_eq!(expire(&engine, (&bucket, "k"), retained).await, Expired::Removed);
    assert_eq!(expire(&engine, (&bucket, "k"), held).await, Expired::Kept);
}

#[tokio::test]
async fn a_null_marker_replaces_no_locked_version() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    put(&world, &engine, (&bucket, "k"), b"x").await;
    let (version, _) = version(&engine, (&bucket, "k")).await;
    let hold = |attached: &mut Attached| {
        attached.legal_hold = Some(LegalHold::On);
        Ok::<(), ()>(())
    };
    engine.change_attached(&bucket, &version, hold).await.unwrap();
    assert_eq!(expire(&engine, (&bucket, "k"), VersionSelector::Latest).await, Expired::Kept);
    assert!(engine.set_versioning(&bucket, Versioning::Suspended).await.unwrap());
    assert_eq!(expire(&engine, (&bucket, "k"), VersionSelector::Latest).await, Expired::Kept);
    assert_eq!(latest(&engine, (&bucket, "k")).await, Some(b"x".to_vec()));
}

#[tokio::test]
async fn a_tasks_note_is_swapped_only_by_who_saw_the_last() {
    let world = World::new();
    let engine = world.open().await;
    assert_eq!(engine.task_note("t").await.unwrap(), None);
    assert!(engine.swap_task_note("t", None, "1").await.unwrap());
    assert!(!engine.swap_task_note("t", None, "2").await.unwrap());
    assert!(engine.swap_task_note("t", Some("1"), "2").await.unwrap());
    let again = world.open().await;
    assert_eq!(again.task_note("t").await.unwrap().as_deref(), Some("2"));
    assert_clean(&again).await;
}
