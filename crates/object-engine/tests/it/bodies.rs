//! Bodies: where they go, and what becomes of those that are given up.

use object_engine::{error::EngineError, model::*};

use crate::world::*;

#[tokio::test]
async fn small_bodies_stay_in_the_catalog_and_large_ones_do_not() {
    let world = World::new();
    let engine = world.open().await;
    for length in [0, 1, INLINE_BYTES_MAX, INLINE_BYTES_MAX + 1, 200_000] {
        let content: Vec<u8> = (0..length).map(|i| i as u8).collect();
        let place = write(&engine, &content).await.unwrap();
        assert_eq!(matches!(place, Place::Inline(_)), length <= INLINE_BYTES_MAX);
        assert_eq!(read(&engine, &place).await, content);
        engine.abandon(place).await;
    }
    assert_eq!(blob_count(&world).await, 0);
}

#[tokio::test]
async fn a_body_of_unknown_length_spills_when_it_outgrows_memory() {
    let world = World::new();
    let engine = world.open().await;
    for length in [0, INLINE_BYTES_MAX, INLINE_BYTES_MAX + 1, 120_000] {
        let mut writer = engine.body_writer(None).await.unwrap();
        for i in 0..length {
            writer.ready().await.unwrap();
            writer.spare()[0] = i as u8;
            writer.advance(1);
        }
        let place = writer.finish().await.unwrap();
        assert_eq!(matches!(place, Place::Blob(..)), length > INLINE_BYTES_MAX);
        let expected: Vec<u8> = (0..length).map(|i| i as u8).collect();
        assert_eq!(read(&engine, &place).await, expected);
    }
}

#[tokio::test]
async fn a_dropped_writer_leaves_nothing() {
    let world = World::new();
    let engine = world.open().await;
    let mut writer = engine.body_writer(Some(10_000)).await.unwrap();
    writer.ready().await.unwrap();
    writer.advance(1);
    drop(writer);
    tokio::task::yield_now().await;
    engine.reclaim().await.unwrap();
    assert_eq!(blob_count(&world).await, 0);
    assert_clean(&engine).await;
}

#[tokio::test]
async fn reads_beyond_a_body_are_refused() {
    let world = World::new();
    let engine = world.open().await;
    for content in [vec![1; 10], large(1)] {
        let place = write(&engine, &content).await.unwrap();
        let reader = engine.body_reader(&place).await.unwrap();
        let buffer = engine.buffers().take(content.len());
        let error = reader.read_at(1, buffer).await.unwrap_err();
        assert!(matches!(error, EngineError::Damaged(_)), "{error}");
    }
}

#[tokio::test]
async fn an_overwritten_body_waits_for_its_readers() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    put(&world, &engine, (&bucket, "k"), &large(1)).await;
    let pin = engine.pin();
    let (_, object) = version(&engine, (&bucket, "k")).await;
    world.clock.set(2_000_000);
    put(&world, &engine, (&bucket, "k"), &large(2)).await;
    world.clock.set(9_000_000);
    assert_eq!(engine.reclaim().await.unwrap(), 0);
    assert_eq!(content(&engine, &object).await, large(1));
    drop(pin);
    assert_eq!(engine.reclaim().await.unwrap(), 1);
    assert_eq!(blob_count(&world).await, 1);
    assert_clean(&engine).await;
}

#[tokio::test]
async fn an_overwritten_body_stays_for_the_grace_of_requests_on_their_way() {
    let world = World { grace_ms: 500, ..World::new() };
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    put(&world, &engine, (&bucket, "k"), &large(1)).await;
    let (_, object) = version(&engine, (&bucket, "k")).await;
    put(&world, &engine, (&bucket, "k"), &large(2)).await;
    world.clock.set(1_000_499);
    assert_eq!(engine.reclaim().await.unwrap(), 0);
    let pin = engine.pin();
    world.clock.set(1_001_000);
    assert_eq!(engine.reclaim().await.unwrap(), 0, "pinned within the grace");
    assert_eq!(content(&engine, &object).await, large(1));
    drop(pin);
    assert_eq!(engine.reclaim().await.unwrap(), 1);
}

#[tokio::test]
async fn leases_go_on_where_one_ends_and_are_given_back() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    for n in 0..4_100 {
        let place = write(&engine, &large(1)).await.unwrap();
        if n % 1_000 == 0 {
            let part = stored_part(1, place, large(1).len() as u64, "e");
            let new = new_version(&world, stored_object(part, BodyId(draw(&world))));
            engine.publish(&bucket, &key(&format!("k{n}")), new, &mut seals).await.unwrap();
        } else {
            engine.abandon(place).await;
        }
    }
    assert_clean(&engine).await;
    engine.close().await.unwrap();
    let again = world.open().await;
    assert_eq!(again.sweep().await.unwrap(), 0);
    assert_eq!(latest(&again, (&bucket, "k4000")).await, Some(large(1)));
    assert_clean(&again).await;
}

#[tokio::test]
async fn a_full_volume_refuses_and_keeps_what_was() {
    let blobs = object_engine::blobs::memory::MemoryBlobs::with_capacity_bytes(1_000);
    let catalog = std::sync::Arc::new(object_engine::catalog::memory::MemoryCatalog::new());
    let world = World::over(catalog, std::sync::Arc::new(blobs));
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    put(&world, &engine, (&bucket, "k"), &[7; 600]).await;
    let refused = try_put(&world, &engine, (&bucket, "k"), &[8; 600]).await;
    assert_eq!(refused, Err(EngineError::Full));
    assert_eq!(latest(&engine, (&bucket, "k")).await, Some(vec![7; 600]));
    tokio::task::yield_now().await;
    assert_clean(&engine).await;
}
