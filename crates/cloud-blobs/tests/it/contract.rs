//! The contract suite, over backends that need no server.

use std::sync::Arc;

use cloud_blobs::{CloudBlobs, CloudOptions};
use object_engine::blobs::{BlobId, BlobStore as _, buffers::BufferPool, contract};
use object_store::{ObjectStore, ObjectStoreExt as _, local::LocalFileSystem, memory::InMemory};

/// Segments of `mib` MiB and a budget of `budget` bytes.
fn options(segment_bytes: usize, budget: usize) -> CloudOptions {
    CloudOptions { buffers: BufferPool::new(budget), segment_bytes }
}

#[tokio::test]
async fn memory() {
    let blobs = CloudBlobs::over(Arc::new(InMemory::new()), "a/b", options(8 << 20, 64 << 20));
    contract::all(&blobs).await;
}

#[tokio::test]
async fn memory_in_short_segments() {
    let blobs = CloudBlobs::over(Arc::new(InMemory::new()), "", options(300_000, 64 << 20));
    contract::all(&blobs).await;
}

#[tokio::test]
async fn memory_without_any_budget() {
    let blobs = CloudBlobs::over(Arc::new(InMemory::new()), "p", options(8 << 20, 0));
    contract::all(&blobs).await;
}

#[tokio::test]
async fn local_files() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalFileSystem::new_with_prefix(directory.path()).unwrap();
    let blobs = CloudBlobs::over(Arc::new(store), "p", options(1 << 20, 64 << 20));
    contract::all(&blobs).await;
}

#[tokio::test]
async fn a_writer_holds_no_more_than_its_segments_and_the_budget() {
    let buffers = BufferPool::new(64 << 20);
    let options = CloudOptions { buffers: buffers.clone(), segment_bytes: 1 << 20 };
    let blobs = CloudBlobs::over(Arc::new(InMemory::new()), "p", options);
    let mut writer = blobs.create(BlobId(1), None).await.unwrap();
    let bytes = contract::content(BlobId(1), 1 << 20);
    let mut most = 0;
    for _ in 0..40 {
        contract::feed(&mut *writer, &bytes, usize::MAX).await.unwrap();
        most = most.max(buffers.ahead_bytes());
    }
    // One segment being filled and two under way, each with a block more; InMemory copies at once.
    assert!(most <= 3 * (1 << 20) + 3 * 270_000, "{most} bytes");
    assert_eq!(writer.finish().await, Ok(40 << 20));
}

#[tokio::test]
async fn damage_is_found_without_a_key() {
    let store = Arc::new(InMemory::new());
    let blobs = CloudBlobs::over(Arc::clone(&store) as _, "p", options(1 << 20, 64 << 20));
    let (id, length) = (BlobId(7), 3 << 20);
    contract::put(&blobs, id, length, false).await.unwrap();
    contract::check(&blobs, id, length).await;
    let paths: Vec<_> = listed(&*store).await;
    assert!(paths.len() > 2, "a blob of 3 MiB is cut into segments of 1 MiB: {paths:?}");
    for path in paths {
        let good = store.get(&path).await.unwrap().bytes().await.unwrap();
        for at in [0, good.len() / 2, good.len() - 1] {
            let mut bad = good.to_vec();
            bad[at] ^= 1;
            store.put(&path, bad.into()).await.unwrap();
            assert!(blobs.scrub(id, length).await.is_err(), "{path} at {at}");
        }
        for bad in [good.slice(..good.len() - 1), [&good[..], b"x"].concat().into()] {
            let is_longer = bad.len() > good.len();
            store.put(&path, bad.into()).await.unwrap();
            let refused = blobs.scrub(id, length).await.is_err();
            // A segment's surplus is never read; a head's shows in its size.
            assert!(refused || (is_longer && !path.as_ref().ends_with("head")), "{path}");
        }
        store.delete(&path).await.unwrap();
        assert!(blobs.scrub(id, length).await.is_err(), "{path} is missing");
        store.put(&path, good.into()).await.unwrap();
    }
    contract::check(&blobs, id, length).await;
}

#[tokio::test]
async fn another_servers_blobs_are_not_overwritten() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let first = CloudBlobs::over(Arc::clone(&store), "p", options(8 << 20, 64 << 20));
    contract::put(&first, BlobId(5), 1000, true).await.unwrap();
    let second = CloudBlobs::over(store, "p", options(8 << 20, 64 << 20));
    assert!(second.create(BlobId(5), Some(3)).await.is_err());
    contract::put(&second, BlobId(6), 1000, true).await.unwrap();
    contract::check(&second, BlobId(5), 1000).await;
}

async fn listed(store: &dyn ObjectStore) -> Vec<object_store::path::Path> {
    use futures_util::TryStreamExt as _;
    let objects: Vec<_> = store.list(None).try_collect().await.unwrap();
    objects.into_iter().map(|object| object.location).collect()
}
