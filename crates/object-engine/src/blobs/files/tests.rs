//! What only files have: damage on the disk, faults of its syncs, shared syncs, bounded memory.

use std::{
    fs,
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::*;
use crate::blobs::{
    buffers::BLOCK_BYTES,
    contract::{self, check, content, feed, gone, put},
    faulty::{BlobOperation, FailingBlobs, SlowBlobs, TornBlobs},
};

/// Beside the test's binary, which is on a disk; temporary directories often are not.
fn directory() -> tempfile::TempDir {
    let binary = std::env::current_exe().unwrap();
    tempfile::tempdir_in(binary.parent().unwrap()).unwrap()
}

fn faulty(n: usize, operation: FileOperation, fault: FileFault) -> FileOptions {
    let faults: Arc<dyn FileFaults> = Arc::new(FailNth::new(n, operation, fault));
    FileOptions { faults: Some(faults), ..FileOptions::default() }
}

fn path_of(directory: &tempfile::TempDir, id: BlobId) -> PathBuf {
    directory.path().join(names::file_path(id))
}

fn is_damaged<T>(result: &Result<T, BlobError>) -> bool {
    matches!(result, Err(BlobError::Damaged { .. }))
}

#[tokio::test]
async fn files_keep_the_contract() {
    let directory = directory();
    let options = FileOptions::default();
    let buffers = options.buffers.clone();
    contract::all(&FileBlobs::open(directory.path(), options).unwrap()).await;
    assert_eq!(buffers.ahead_bytes(), 0, "all write-ahead was given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_keep_the_contract_buffered() {
    let directory = directory();
    let options = FileOptions { direct_bytes_min: u64::MAX, ..FileOptions::default() };
    contract::all(&FileBlobs::open(directory.path(), options).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_keep_the_contract_always_direct() {
    let directory = directory();
    let options = FileOptions { direct_bytes_min: 0, ..FileOptions::default() };
    contract::all(&FileBlobs::open(directory.path(), options).unwrap()).await;
}

#[tokio::test]
async fn files_keep_the_contract_without_write_ahead() {
    let directory = directory();
    let options = FileOptions { buffers: BufferPool::new(0), ..FileOptions::default() };
    contract::all(&FileBlobs::open(directory.path(), options).unwrap()).await;
}

#[tokio::test]
async fn files_keep_the_contract_in_memory_file_systems() {
    if let Ok(directory) = tempfile::tempdir_in("/dev/shm") {
        let options = FileOptions::default();
        contract::all(&FileBlobs::open(directory.path(), options).unwrap()).await;
    }
}

#[tokio::test]
async fn decorated_files_keep_the_contract() {
    let directory = directory();
    let files = FileBlobs::open(directory.path(), FileOptions::default()).unwrap();
    let failing =
        FailingBlobs::new(Arc::new(files), usize::MAX, BlobOperation::Finish, BlobError::Full);
    let slow = SlowBlobs::new(Arc::new(failing), Duration::ZERO);
    contract::all(&TornBlobs::new(Arc::new(slow))).await;
}

#[tokio::test]
async fn a_volume_is_there_after_reopening() {
    let directory = directory();
    for round in 0..3 {
        let store = FileBlobs::open(directory.path(), FileOptions::default()).unwrap();
        put(&store, BlobId(round), 2_000_000, false).await.unwrap();
        for id in 0..=round {
            check(&store, BlobId(id), 2_000_000).await;
        }
    }
}

#[tokio::test]
async fn files_are_no_larger_than_they_must_be() {
    let directory = directory();
    let store = FileBlobs::open(directory.path(), FileOptions::default()).unwrap();
    for (id, declared) in [(1, true), (2, false)] {
        put(&store, BlobId(id), 3_000_000, declared).await.unwrap();
        let metadata = fs::metadata(path_of(&directory, BlobId(id))).unwrap();
        assert_eq!(Some(metadata.len()), footer::file_bytes(3_000_000));
        let allocated = std::os::unix::fs::MetadataExt::blocks(&metadata) * 512;
        assert!(allocated <= 3_100_000, "{allocated} bytes are allocated");
    }
}

/// Changes the file of a finished blob and tells who notices: (opening, scrubbing).
async fn damage(length: u64, change: impl FnOnce(&fs::File, u64)) -> (bool, bool) {
    let (directory, id) = (directory(), BlobId(5));
    let store = FileBlobs::open(directory.path(), FileOptions::default()).unwrap();
    put(&store, id, length, true).await.unwrap();
    let path = path_of(&directory, id);
    let file = fs::File::options().read(true).write(true).open(path).unwrap();
    change(&file, file.metadata().unwrap().len());
    file.sync_all().unwrap();
    (
        is_damaged(&store.open(id, length).await.map(|_| ())),
        is_damaged(&store.scrub(id, length).await),
    )
}

fn flip(file: &fs::File, at: u64) {
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    byte[0] ^= 0x10;
    file.write_all_at(&byte, at).unwrap();
}

#[tokio::test]
async fn damaged_data_is_found_by_scrubbing() {
    for at in [0, 1, 4095, 262_144, 1_048_575, 1_048_576, 2_999_999] {
        assert_eq!(damage(3_000_000, |file, _| flip(file, at)).await, (false, true), "byte {at}");
    }
}

#[tokio::test]
async fn damaged_padding_is_found_by_scrubbing() {
    assert_eq!(damage(10, |file, _| flip(file, 10)).await, (false, true));
    assert_eq!(damage(10, |file, size| flip(file, size - 69)).await, (false, true));
}

#[tokio::test]
async fn a_damaged_footer_is_found_by_opening() {
    for from_end in [1, 4, 5, 40, 57, 64, 65, 68, 76] {
        let found = damage(3_000_000, |file, size| flip(file, size - from_end)).await;
        assert_eq!(found, (true, true), "{from_end} bytes before the end");
    }
}

#[tokio::test]
async fn a_file_of_the_wrong_size_is_found_by_opening() {
    for change in [-4096, -1, 1, 4096] {
        let resize = |file: &fs::File, size: u64| {
            file.set_len(size.checked_add_signed(change).unwrap()).unwrap();
        };
        assert_eq!(damage(100_000, resize).await, (true, true), "{change} bytes");
    }
    assert_eq!(damage(100_000, |file, _| file.set_len(0).unwrap()).await, (true, true));
}

#[tokio::test]
async fn another_blobs_file_is_refused() {
    let directory = directory();
    let store = FileBlobs::open(directory.path(), FileOptions::default()).unwrap();
    put(&store, BlobId(1), 5000, true).await.unwrap();
    fs::copy(path_of(&directory, BlobId(1)), path_of(&directory, BlobId(2))).unwrap();
    assert!(is_damaged(&store.open(BlobId(2), 5000).await.map(|_| ())));
}

#[tokio::test]
async fn a_reader_outlives_the_deletion() {
    let directory = directory();
    let store = FileBlobs::open(directory.path(), FileOptions::default()).unwrap();
    put(&store, BlobId(1), 2_000_000, true).await.unwrap();
    let reader = store.open(BlobId(1), 2_000_000).await.unwrap();
    store.delete(BlobId(1)).await.unwrap();
    let buffer = reader.read_at(1_999_000, BufferPool::default().take(1000)).await.unwrap();
    assert_eq!(*buffer, content(BlobId(1), 2_000_000)[1_999_000..]);
}

#[tokio::test]
async fn a_failed_sync_poisons_writing_but_not_reading() {
    // Sync 1 and 2 of directories are the parents', 3 and 4 the blobs'.
    for (n, operation) in [(2, FileOperation::SyncFile), (4, FileOperation::SyncDirectory)] {
        let directory = directory();
        let options = faulty(n, operation, FileFault::InputOutput);
        let store = FileBlobs::open(directory.path(), options).unwrap();
        put(&store, BlobId(1), 2_000_000, true).await.unwrap();
        let mut under_way = store.create(BlobId(9), None).await.unwrap();
        let failed = put(&store, BlobId(2), 5_000, true).await;
        assert!(matches!(failed, Err(BlobError::Unavailable(_))), "{operation:?}: {failed:?}");
        gone(&store, BlobId(2)).await;
        assert_eq!(store.create(BlobId(3), None).await.err(), Some(BlobError::Poisoned));
        let fed = feed(&mut *under_way, &[0; 8 << 20], usize::MAX).await;
        assert_eq!(fed, Err(BlobError::Poisoned), "{operation:?}");
        assert_eq!(under_way.finish().await, Err(BlobError::Poisoned));
        gone(&store, BlobId(9)).await;
        check(&store, BlobId(1), 2_000_000).await;
        store.delete(BlobId(1)).await.unwrap();
    }
}

#[tokio::test]
async fn a_blob_is_not_finished_where_its_new_parents_are_not_synced() {
    for n in [1, 2] {
        let directory = directory();
        let options = faulty(n, FileOperation::SyncDirectory, FileFault::InputOutput);
        let store = FileBlobs::open(directory.path(), options).unwrap();
        assert!(put(&store, BlobId(1), 10, true).await.is_err());
        assert_eq!(put(&store, BlobId(2), 10, true).await, Err(BlobError::Poisoned));
        assert_eq!(store.present(0..10).await, Ok(vec![]));
    }
}

#[tokio::test]
async fn a_full_disk_keeps_nothing_and_poisons_nothing() {
    use FileOperation::{Reserve, SyncFile, Write};
    for (operation, declared, n) in [
        (Reserve, true, 1),
        (Write, true, 1),
        (Write, true, 2),
        (Write, false, 1),
        (Write, false, 3),
        (SyncFile, true, 1),
    ] {
        let directory = directory();
        let options = faulty(n, operation, FileFault::NoSpace);
        let store = FileBlobs::open(directory.path(), options).unwrap();
        let failed = put(&store, BlobId(1), 6 << 20, declared).await;
        assert_eq!(failed, Err(BlobError::Full), "{operation:?} {declared} {n}");
        gone(&store, BlobId(1)).await;
        put(&store, BlobId(2), 6 << 20, declared).await.unwrap();
        check(&store, BlobId(2), 6 << 20).await;
    }
}

#[tokio::test]
async fn nothing_is_kept_by_the_time_an_error_is_told() {
    let directory = directory();
    let options = faulty(1, FileOperation::Write, FileFault::NoSpace);
    let store = FileBlobs::open(directory.path(), options).unwrap();
    let mut writer = store.create(BlobId(1), None).await.unwrap();
    let failed = feed(&mut *writer, &[0; 32 << 20], usize::MAX).await;
    assert_eq!(failed, Err(BlobError::Full));
    assert_eq!(store.present(0..10).await, Ok(vec![]), "even while the writer is held");
    assert_eq!(writer.ready().await.and(Ok(0)).and(writer.finish().await), Err(BlobError::Full));
}

#[tokio::test]
async fn an_unknown_length_may_fit_where_its_reservation_does_not() {
    let directory = directory();
    let options = faulty(1, FileOperation::Reserve, FileFault::NoSpace);
    let store = FileBlobs::open(directory.path(), options).unwrap();
    put(&store, BlobId(1), 6 << 20, false).await.unwrap();
    check(&store, BlobId(1), 6 << 20).await;
}

#[tokio::test]
async fn where_direct_writes_are_refused_the_page_cache_serves() {
    for (operation, n) in
        [(FileOperation::Reserve, 1), (FileOperation::Write, 1), (FileOperation::Write, 2)]
    {
        for declared in [true, false] {
            let directory = directory();
            let options = faulty(n, operation, FileFault::Invalid);
            let store = FileBlobs::open(directory.path(), options).unwrap();
            put(&store, BlobId(1), 6_000_001, declared).await.unwrap();
            check(&store, BlobId(1), 6_000_001).await;
        }
    }
}

/// Counts operations and fails none.
#[derive(Debug, Default)]
struct Counting {
    directory_syncs: AtomicUsize,
    writes: AtomicUsize,
}

impl FileFaults for Counting {
    fn before(&self, operation: FileOperation) -> Option<FileFault> {
        match operation {
            FileOperation::SyncDirectory => {
                // Slow enough that the others gather meanwhile, as on a real disk.
                std::thread::sleep(Duration::from_millis(20));
                self.directory_syncs.fetch_add(1, Ordering::Relaxed);
            }
            FileOperation::Write => {
                self.writes.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        }
        None
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_finish_together_share_a_directory_sync() {
    let (directory, counting) = (directory(), Arc::new(Counting::default()));
    let faults: Arc<dyn FileFaults> = counting.clone();
    let options = FileOptions { faults: Some(faults), ..FileOptions::default() };
    let store = FileBlobs::open(directory.path(), options).unwrap();
    let blob = |id| {
        let store = store.clone();
        tokio::spawn(async move { put(&store, BlobId(id), 100, true).await })
    };
    for blob in (0..64).map(blob).collect::<Vec<_>>() {
        blob.await.unwrap().unwrap();
    }
    let syncs = counting.directory_syncs.load(Ordering::Relaxed);
    assert!((3..40).contains(&syncs), "{syncs} directory syncs for 64 blobs");
}

#[tokio::test]
async fn blocks_are_written_several_at_once() {
    let (directory, counting) = (directory(), Arc::new(Counting::default()));
    let faults: Arc<dyn FileFaults> = counting.clone();
    let options = FileOptions { faults: Some(faults), ..FileOptions::default() };
    let store = FileBlobs::open(directory.path(), options).unwrap();
    put(&store, BlobId(1), 32 << 20, true).await.unwrap();
    let writes = counting.writes.load(Ordering::Relaxed);
    assert!(writes <= 36, "{writes} writes for 32 MiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_slow_writers_hold_bounded_memory_and_all_get_on() {
    const WRITERS: u64 = 200;
    let directory = directory();
    let buffers = BufferPool::new(8 << 20);
    let options = FileOptions { buffers: buffers.clone(), ..FileOptions::default() };
    let store = FileBlobs::open(directory.path(), options).unwrap();
    let mut writers = Vec::new();
    for id in 0..WRITERS {
        writers.push(store.create(BlobId(id), None).await.unwrap());
    }
    // In turns, so that each is slow beside the others and none may wait for another.
    for turn in 0..5_u64 {
        for (id, writer) in writers.iter_mut().enumerate() {
            let piece = piece_of(id as u64, turn);
            feed(&mut **writer, &piece, usize::MAX).await.unwrap();
            assert!(buffers.ahead_bytes() <= 8 << 20, "{} bytes ahead", buffers.ahead_bytes());
        }
    }
    let fast =
        tokio::time::timeout(Duration::from_secs(60), put(&store, BlobId(999), 8 << 20, true));
    fast.await.expect("slow writers do not hold up a fast one").unwrap();
    for (id, writer) in writers.into_iter().enumerate().step_by(50) {
        let length = writer.finish().await.unwrap();
        assert_eq!(length, 5 * piece_of(0, 0).len() as u64);
        store.scrub(BlobId(id as u64), length).await.unwrap();
    }
    for id in (0..WRITERS).filter(|id| id % 50 != 0) {
        gone(&store, BlobId(id)).await;
    }
    assert_eq!(buffers.ahead_bytes(), 0);
    assert!(buffers.kept_bytes() <= 2 * (8 << 20), "{} bytes kept", buffers.kept_bytes());
}

#[tokio::test]
async fn slow_writers_take_nothing_from_the_budget() {
    let directory = directory();
    let options = FileOptions::default();
    let buffers = options.buffers.clone();
    let store = FileBlobs::open(directory.path(), options).unwrap();
    let slow = |id| {
        let (store, buffers) = (store.clone(), buffers.clone());
        async move {
            let mut writer = store.create(BlobId(id), None).await.unwrap();
            for _ in 0..8 {
                tokio::time::sleep(Duration::from_millis(40)).await;
                feed(&mut *writer, &[1; BLOCK_BYTES], usize::MAX).await.unwrap();
                assert_eq!(buffers.ahead_bytes(), 0);
            }
            assert_eq!(writer.finish().await, Ok(8 * BLOCK_BYTES as u64));
        }
    };
    contract::join((0..10).map(|id| Box::pin(slow(id)) as _).collect()).await;
}

fn piece_of(id: u64, turn: u64) -> Vec<u8> {
    content(BlobId(id * 10 + turn), BLOCK_BYTES as u64 / 2 + 1)
}

#[tokio::test]
async fn plaintext_of_an_abandoned_block_is_wiped() {
    let directory = directory();
    let options = FileOptions::default();
    let pool = options.buffers.clone();
    let store = FileBlobs::open(directory.path(), options).unwrap();
    let mut writer = store.create(BlobId(1), None).await.unwrap();
    writer.ready().await.unwrap();
    writer.spare()[..1000].fill(0x77); // filled, never declared sealed by advance
    drop(writer);
    gone(&store, BlobId(1)).await;
    let mut memory = pool.take(BLOCK_BYTES);
    assert!(!memory.bytes().contains(&0x77));
}

#[tokio::test]
async fn plaintext_in_a_block_that_came_back_from_the_disk_is_wiped() {
    let directory = directory();
    let options = FileOptions { buffers: BufferPool::new(300_000), ..FileOptions::default() };
    let pool = options.buffers.clone();
    let _rest_of_the_budget = pool.take_ahead(1).unwrap();
    let store = FileBlobs::open(directory.path(), options).unwrap();
    let mut writer = store.create(BlobId(1), None).await.unwrap();
    feed(&mut *writer, &[0; 2 * BLOCK_BYTES], usize::MAX).await.unwrap();
    writer.ready().await.unwrap();
    writer.spare()[..1000].fill(0x77);
    drop(writer);
    gone(&store, BlobId(1)).await;
    let mut memory = pool.take(BLOCK_BYTES);
    assert!(!memory.bytes().contains(&0x77));
}

#[tokio::test]
async fn a_caller_that_leaves_during_finish_leaves_nothing() {
    let directory = directory();
    let faults: Arc<dyn FileFaults> = Arc::new(Counting::default());
    let options = FileOptions { faults: Some(faults), ..FileOptions::default() };
    let store = FileBlobs::open(directory.path(), options).unwrap();
    for micros in [0, 300, 1_000, 5_000, 10_000] {
        let id = BlobId(micros);
        let mut writer = store.create(id, None).await.unwrap();
        feed(&mut *writer, &[3; 1_300_000], usize::MAX).await.unwrap();
        let finished = tokio::time::timeout(Duration::from_micros(micros), writer.finish()).await;
        assert!(finished.is_err(), "its directory sync alone takes longer");
        gone(&store, id).await;
    }
}

/// Fails the third sync of a directory, late.
#[derive(Debug, Default)]
struct LateFailure(AtomicUsize);

impl FileFaults for LateFailure {
    fn before(&self, operation: FileOperation) -> Option<FileFault> {
        let third = operation == FileOperation::SyncDirectory
            && self.0.fetch_add(1, Ordering::Relaxed) == 2;
        third.then(|| {
            std::thread::sleep(Duration::from_millis(200));
            FileFault::InputOutput
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_trusts_a_sync_after_a_failed_one() {
    let directory = directory();
    let faults: Arc<dyn FileFaults> = Arc::new(LateFailure::default());
    let options = FileOptions { faults: Some(faults), ..FileOptions::default() };
    let store = FileBlobs::open(directory.path(), options).unwrap();
    let blob = |id| {
        let store = store.clone();
        tokio::spawn(async move { put(&store, BlobId(id), 100, true).await })
    };
    for blob in (0..8).map(blob).collect::<Vec<_>>() {
        assert!(blob.await.unwrap().is_err(), "the kernel drops what a failed sync did not write");
    }
    assert_eq!(store.present(0..8).await, Ok(vec![]));
}
