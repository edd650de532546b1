//! Catalogs and blobs that belong together, and those that do not.

use std::sync::Arc;

use object_engine::{
    blobs::{BlobStore, installation::InstallationId, memory::MemoryBlobs},
    catalog::{Catalog, Commit, Direction, Key, Read, Space, Step, memory::MemoryCatalog},
    engine::{ForeignBlobs, SESSION_EXPIRY_DEFAULT, Sharing},
    error::EngineError,
};

use crate::{decorators::*, world::*};

/// Another world, which draws other ids.
fn beside(world: &World) -> World {
    World { entropy: world.entropy.clone(), ..World::new() }
}

/// A world over given blobs, whose catalog is new.
fn lost(world: &World) -> World {
    World { catalog: Arc::new(MemoryCatalog::new()), ..world.clone() }
}

async fn refusal(world: &World) -> ForeignBlobs {
    match world.try_open().await {
        Err(EngineError::ForeignBlobs(why)) => why,
        other => panic!("{other:?}"),
    }
}

async fn mark_of(world: &World) -> InstallationId {
    world.blobs.installation().await.unwrap().expect("a mark")
}

async fn is_empty(catalog: &dyn Catalog) -> bool {
    let mut is_empty = true;
    for space in [Space::Index, Space::Records] {
        let mut visitor = |_: &[u8], _, _: &[u8]| {
            is_empty = false;
            Step::Stop
        };
        catalog.walk(space, b"", Direction::Forward, &mut visitor).await.unwrap();
    }
    is_empty
}

fn record() -> Key {
    Key { space: Space::Index, bytes: b"s/installation".to_vec() }
}

/// As a program wrote it that knew no marks.
async fn from_before(world: &World) -> (World, Arc<Remarked>) {
    let mut commit = Commit::default();
    commit.delete(record());
    world.catalog.commit(commit).await.unwrap();
    let blobs = Remarked::new(Arc::clone(&world.blobs));
    (World { blobs: blobs.clone(), ..world.clone() }, blobs)
}

/// A world with a bucket and an object that is a blob.
async fn served() -> World {
    served_by(World::new()).await
}

async fn served_by(world: World) -> World {
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    put(&world, &engine, (&bucket, "k"), &large(1)).await;
    engine.close().await.unwrap();
    world
}

async fn finds_its_object(world: &World) {
    let engine = world.open().await;
    let name = object_engine::model::BucketName::parse("bucket").unwrap();
    let bucket = engine.bucket(&name).await.unwrap().unwrap();
    assert_eq!(latest(&engine, (&bucket, "k")).await, Some(large(1)));
    assert_clean(&engine).await;
}

#[tokio::test]
async fn the_first_open_marks_the_blobs_and_the_mark_stays() {
    let world = served().await;
    let mark = mark_of(&world).await;
    finds_its_object(&world).await;
    assert_eq!(mark_of(&world).await, mark);
    let other = beside(&world);
    other.open().await;
    assert_ne!(mark_of(&other).await, mark);
}

#[tokio::test]
async fn a_catalog_that_was_lost_is_refused_and_stays_empty() {
    let world = served().await;
    let found = mark_of(&world).await;
    for sharing in [Sharing::Alone, Sharing::Several { expiry: SESSION_EXPIRY_DEFAULT }] {
        let lost = World { sharing, ..lost(&world) };
        assert_eq!(refusal(&lost).await, ForeignBlobs::OfAnother { found, ours: None });
        assert!(is_empty(&*lost.catalog).await, "what is put back must meet nothing");
    }
    // Without a mark what tells is that there are blobs.
    let (before, blobs) = from_before(&world).await;
    let lost = lost(&before);
    assert_eq!(refusal(&lost).await, ForeignBlobs::OfAnUnknown);
    assert!(is_empty(&*lost.catalog).await && blobs.mark().is_none());
    finds_its_object(&before).await;
}

#[tokio::test]
async fn another_installations_place_is_refused_by_name() {
    let one = served().await;
    let two = served_by(beside(&one)).await;
    let (found, ours) = (mark_of(&one).await, mark_of(&two).await);
    let moved = World { blobs: Arc::clone(&one.blobs), ..two.clone() };
    let why = refusal(&moved).await;
    assert_eq!(why, ForeignBlobs::OfAnother { found, ours: Some(ours) });
    let said = EngineError::from(why).to_string();
    assert!(said.contains(&found.to_string()) && said.contains(&ours.to_string()), "{said}");
    finds_its_object(&one).await;
    finds_its_object(&two).await;
}

#[tokio::test]
async fn a_store_from_before_there_were_marks_goes_on_and_is_marked() {
    for with_blob in [true, false] {
        let world = if with_blob { served().await } else { World::new() };
        world.open().await.close().await.unwrap();
        let (before, blobs) = from_before(&world).await;
        before.open().await.close().await.unwrap();
        assert!(blobs.mark().is_some());
        if with_blob {
            finds_its_object(&before).await;
        }
        let found = mark_of(&before).await;
        assert_eq!(refusal(&lost(&before)).await, ForeignBlobs::OfAnother { found, ours: None });
    }
}

#[tokio::test]
async fn a_mark_that_is_gone_is_not_made_anew() {
    let (world, blobs) = from_before(&served().await).await;
    finds_its_object(&world).await;
    let mark = blobs.mark();
    blobs.set_mark(None);
    let ours = mark.unwrap();
    assert_eq!(refusal(&world).await, ForeignBlobs::Unmarked { ours });
    // Nor where there is nothing, which is how a volume looks that is not mounted.
    let unmounted = World { blobs: Arc::new(MemoryBlobs::new()), ..world.clone() };
    assert_eq!(refusal(&unmounted).await, ForeignBlobs::Unmarked { ours });
    assert_eq!(unmounted.blobs.installation().await, Ok(None));
    blobs.set_mark(mark);
    finds_its_object(&world).await;
}

#[tokio::test]
async fn of_catalogs_that_come_to_one_place_at_once_one_gets_it() {
    let entropy = World::new().entropy;
    let blobs: Arc<dyn BlobStore> = Arc::new(MemoryBlobs::new());
    let opening: Vec<_> = (0..8)
        .map(|_| {
            let world = World::over(Arc::new(MemoryCatalog::new()), Arc::clone(&blobs));
            let world = World { entropy: entropy.clone(), ..world };
            tokio::spawn(async move { (world.try_open().await.is_ok(), world) })
        })
        .collect();
    let mut opened = Vec::new();
    for one in opening {
        opened.push(one.await.unwrap());
    }
    assert_eq!(opened.iter().filter(|(is_open, _)| *is_open).count(), 1);
    for (is_open, world) in opened {
        assert_eq!(world.try_open().await.is_ok(), is_open, "and keeps it");
    }
}

#[tokio::test]
async fn an_open_that_dies_anywhere_is_made_up_for() {
    for last in [LastCommit::Lost, LastCommit::Done] {
        for operations in 1.. {
            let world = World::new();
            let fuse = Fuse::of(operations, last);
            let mortal = World {
                catalog: Arc::new(MortalCatalog(Arc::clone(&world.catalog), Arc::clone(&fuse))),
                blobs: Arc::new(MortalBlobs(Arc::clone(&world.blobs), Arc::clone(&fuse))),
                ..world.clone()
            };
            drop(mortal.try_open().await);
            let engine = world.open().await;
            let noted = world.catalog.read(&[Read::Get(record())]).await.unwrap();
            let (_, noted) = noted[0].clone().expect("an id");
            assert!(noted.value.ends_with(&[1]), "it is noted that the mark was made");
            assert!(noted.value[1..].starts_with(&mark_of(&world).await.0));
            drop(engine);
            if !fuse.is_dead() {
                assert!(operations > 10, "opening has become trivial: {operations}");
                break;
            }
        }
    }
}
