//! Uploads: parts, completion, manifests, listings.

use object_engine::{clock::Clock, engine::ObjectEngine, error::EngineError, model::*};

use crate::world::*;

#[tokio::test]
async fn parts_are_replaced_listed_and_chosen() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    let upload = upload(&world, &engine, (&bucket, "k")).await;
    for (number, content) in
        [(2, large(2)), (1, large(9)), (1, large(1)), (7, large(7)), (9, b"end".to_vec())]
    {
        assert_eq!(put_part(&engine, &bucket, &upload, number, &content).await, Ok(true));
    }
    let (page, truncated) = engine.parts(&upload, 0, 2).await.unwrap();
    assert_eq!(page[0].last_modified, world.clock.now(), "the engine's clock dates parts");
    assert_eq!(
        (page.iter().map(|p| p.part.number).collect::<Vec<_>>(), truncated),
        (vec![1, 2], true)
    );
    let (page, truncated) = engine.parts(&upload, 2, 2).await.unwrap();
    assert_eq!(
        (page.iter().map(|p| p.part.number).collect::<Vec<_>>(), truncated),
        (vec![7, 9], false)
    );
    assert_eq!(engine.parts(&upload, u32::MAX, 5).await.unwrap(), (vec![], false));

    let (mut chosen, _) = engine.parts(&upload, 0, 10).await.unwrap();
    chosen.remove(2);
    let done = engine.complete(&bucket, &upload, completing(chosen), &mut seals).await.unwrap();
    assert!(matches!(done, Completed::Done(_)));
    let whole = [large(1), large(2), b"end".to_vec()].concat();
    assert_eq!(latest(&engine, (&bucket, "k")).await, Some(whole));
    let (_, object) = version(&engine, (&bucket, "k")).await;
    let second = engine.part_by_number(&object, 9).await.unwrap().unwrap();
    assert_eq!((second.index, second.start), (2, large(1).len() as u64 + large(2).len() as u64));
    assert_eq!(engine.part_by_number(&object, 7).await.unwrap(), None);
    assert_clean(&engine).await;
    assert_eq!(blob_count(&world).await, 2, "the replaced and the unchosen part are gone");
    assert_eq!(engine.upload(&bucket, &key("k"), upload.id).await.unwrap(), None);
    assert_eq!(engine.abort(&bucket, &upload).await, Ok(false));
    delete(&engine, (&bucket, "k"), VersionSelector::Latest).await;
    assert_clean(&engine).await;
    assert_eq!(blob_count(&world).await, 0);
}

#[tokio::test]
async fn copies_share_a_completed_body() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    let upload = upload(&world, &engine, (&bucket, "k")).await;
    assert_eq!(put_part(&engine, &bucket, &upload, 1, &large(1)).await, Ok(true));
    complete_all(&engine, &bucket, &upload).await.unwrap();
    let (source, _) = version(&engine, (&bucket, "k")).await;
    copy(&world, &engine, (&bucket, &source), (&bucket, "copy")).await;
    delete(&engine, (&bucket, "k"), VersionSelector::Latest).await;
    assert_clean(&engine).await;
    assert_eq!(latest(&engine, (&bucket, "copy")).await, Some(large(1)));
    delete(&engine, (&bucket, "copy"), VersionSelector::Latest).await;
    assert_clean(&engine).await;
    assert_eq!(blob_count(&world).await, 0);
}

#[tokio::test]
async fn a_removed_body_may_be_reclaimed_before_its_upload_is_cleaned() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    let upload = upload(&world, &engine, (&bucket, "k")).await;
    assert_eq!(put_part(&engine, &bucket, &upload, 1, &large(1)).await, Ok(true));
    assert_eq!(put_part(&engine, &bucket, &upload, 2, &large(2)).await, Ok(true));
    let (mut chosen, _) = engine.parts(&upload, 0, 10).await.unwrap();
    chosen.truncate(1);
    engine.complete(&bucket, &upload, completing(chosen), &mut seals).await.unwrap();
    delete(&engine, (&bucket, "k"), VersionSelector::Latest).await;
    let audit = engine.audit().await.unwrap();
    assert!(audit.is_clean(), "{:?}", audit.problems);
    assert_clean(&engine).await;
    assert_eq!(blob_count(&world).await, 0);
}

#[tokio::test]
async fn refusals_leave_the_upload_open() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    put(&world, &engine, (&bucket, "k"), b"old").await;
    let upload = upload(&world, &engine, (&bucket, "k")).await;
    assert_eq!(put_part(&engine, &bucket, &upload, 1, &large(1)).await, Ok(true));
    let (parts, _) = engine.parts(&upload, 0, 10).await.unwrap();
    let mut conditional = completing(parts.clone());
    conditional.condition.if_none_match = Some(ETagCondition::Any);
    let outcome = engine.complete(&bucket, &upload, conditional, &mut seals).await;
    assert_eq!(outcome, Ok(Completed::ConditionFailed));
    let mut missing = parts.clone();
    missing[0].part.number = 2;
    let outcome = engine.complete(&bucket, &upload, completing(missing), &mut seals).await;
    assert_eq!(outcome, Ok(Completed::PartsChanged));
    assert_clean(&engine).await;
    assert_eq!(latest(&engine, (&bucket, "k")).await, Some(b"old".to_vec()));
    assert!(matches!(complete_all(&engine, &bucket, &upload).await, Ok(Completed::Done(_))));
    assert_clean(&engine).await;
}

/// 2,345 parts of which each is as long as its number modulo 7, plus one.
async fn many_parts(world: &World, engine: &ObjectEngine, bucket: &Bucket) -> StoredObject {
    let upload = upload(world, engine, (bucket, "many")).await;
    for n in 0..2_345_u32 {
        let content = vec![n as u8; (n % 7 + 1) as usize];
        assert_eq!(put_part(engine, bucket, &upload, 2 * n + 1, &content).await, Ok(true));
    }
    assert!(matches!(complete_all(engine, bucket, &upload).await, Ok(Completed::Done(_))));
    version(engine, (bucket, "many")).await.1
}

#[tokio::test]
async fn long_manifests_are_read_by_range_and_number() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    let object = many_parts(&world, &engine, &bucket).await;
    let starts: Vec<u64> = (0..2_346_u64).map(|n| (0..n).map(|i| i % 7 + 1).sum()).collect();
    assert_eq!(object.size, starts[2_345]);
    for n in [0_usize, 1, 999, 1_000, 1_001, 1_999, 2_000, 2_344] {
        let slice = engine.part_by_number(&object, 2 * n as u32 + 1).await.unwrap().unwrap();
        assert_eq!((slice.index as usize, slice.start), (n, starts[n]));
        assert_eq!(engine.part_by_number(&object, 2 * n as u32 + 2).await.unwrap(), None);
        let last = starts[n + 1] - 1;
        let slices = engine.slices(&object, last..(last + 2).min(object.size)).await.unwrap();
        assert_eq!((slices[0].index as usize, slices[0].start), (n, starts[n]));
        let length = starts[n + 1] - starts[n];
        assert_eq!(slices[0].wanted, length - 1..length);
    }
    assert_eq!(content(&engine, &object).await.len() as u64, object.size);
    assert_eq!(engine.manifest(object.body_id, 2).await.unwrap().len(), 345);
    assert!(matches!(engine.manifest(object.body_id, 3).await, Err(EngineError::Damaged(_))));
    assert_clean(&engine).await;
    delete(&engine, (&bucket, "many"), VersionSelector::Latest).await;
    assert_clean(&engine).await;
}

#[tokio::test]
async fn uploads_are_listed_by_key_and_then_by_time() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = bucket(&engine, "bucket").await;
    let mut ids = Vec::new();
    for (at, name) in [(10, "b"), (30, "a"), (20, "a"), (40, "d/x"), (50, "d/y"), (60, "e")] {
        world.clock.set(at);
        ids.push((name, upload(&world, &engine, (&bucket, name)).await.id));
    }
    let mut ask = ListUploads { delimiter: Some("/".into()), limit: 2, ..ListUploads::default() };
    let mut seen = Vec::new();
    loop {
        let page = engine.list_uploads(&bucket, &ask).await.unwrap();
        seen.extend(page.uploads.iter().map(|upload| upload.id));
        seen.extend(page.common_prefixes.iter().map(|_| UploadId([0; 16])));
        let Some((key, id)) = page.next else { break };
        ask.key_marker = Some(key);
        ask.upload_id_marker = id;
    }
    let prefix = UploadId([0; 16]);
    assert_eq!(seen, [ids[2].1, ids[1].1, ids[0].1, prefix, ids[5].1]);
    let all = ListUploads { prefix: "d/".into(), limit: 10, ..ListUploads::default() };
    assert_eq!(engine.list_uploads(&bucket, &all).await.unwrap().uploads.len(), 2);
    let none = ListUploads::default();
    assert_eq!(engine.list_uploads(&bucket, &none).await.unwrap(), UploadPage::default());
}
