//! The suite that every blob store must pass.
//!
//! Guarantees: each function states one clause of the contract in the parent module and panics where
//! a store breaks it. Does not: test durability (nobody can cut the power here) or what only one
//! implementation has; that is in the implementation's own tests.

#![cfg(any(test, feature = "contract-tests"))]

use std::{ops::Range, time::Duration};

use super::{
    BlobError, BlobId, BlobReader, BlobStore, BlobWriter,
    buffers::{BLOCK_BYTES, Buffer, BufferPool},
    installation::InstallationId,
    sums::Sums,
};

/// Lengths around every border there is: none, byte, page, block, direct I/O, segment, odd.
pub const LENGTHS: [u64; 20] = [
    0, 1, 4031, 4032, 4095, 4096, 4097, 16_385, 65_535, 65_536, 262_143, 262_144, 262_145,
    1_048_575, 1_048_576, 1_048_577, 4_198_399, 4_198_400, 4_198_401, 5_242_883,
];

/// Runs every clause. `store` is empty, carries no mark, and has room for 64 MiB.
pub async fn all(store: &dyn BlobStore) {
    ownership(store, 0).await;
    lengths(store, 0).await;
    pieces(store, 0x1_0000).await;
    ranges(store, 0x2_0000).await;
    names(store, 0x3_0000).await;
    wrong_lengths(store, 0x4_0000).await;
    declared_lengths(store, 0x5_0000).await;
    deletion(store, 0x6_0000).await;
    presence(store, 0x7_0000).await;
    abandonment(store, 0x8_0000).await;
    concurrency(store, 0x9_0000).await;
}

/// The bytes of blob `id`: a sequence that no other blob and no other offset repeats soon.
#[must_use]
pub fn content(id: BlobId, length: u64) -> Vec<u8> {
    let word =
        |index: u64| (index ^ (id.0 << 40)).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes();
    let length = usize::try_from(length).expect("a test's blob fits memory");
    (0..length.div_ceil(8) as u64).flat_map(word).take(length).collect()
}

/// Feeds `bytes` to a writer in pieces of at most `piece` bytes.
pub async fn feed(
    writer: &mut dyn BlobWriter,
    mut bytes: &[u8],
    piece: usize,
) -> Result<(), BlobError> {
    while !bytes.is_empty() {
        writer.ready().await?;
        let spare = writer.spare();
        assert!(!spare.is_empty(), "a ready writer has room");
        let n = spare.len().min(bytes.len()).min(piece);
        spare[..n].copy_from_slice(&bytes[..n]);
        writer.advance(n);
        bytes = &bytes[n..];
    }
    Ok(())
}

/// Writes a blob of [`content`], with or without its length declared.
pub async fn put(
    store: &dyn BlobStore,
    id: BlobId,
    length: u64,
    declared: bool,
) -> Result<(), BlobError> {
    let mut writer = store.create(id, declared.then_some(length)).await?;
    feed(&mut *writer, &content(id, length), usize::MAX).await?;
    assert_eq!(writer.finish().await?, length, "finish answers the length");
    Ok(())
}

/// Reads all of a blob and compares it with [`content`].
pub async fn check(store: &dyn BlobStore, id: BlobId, length: u64) {
    let reader = store.open(id, length).await.expect("a finished blob opens");
    let expected = content(id, length);
    let mut at = 0;
    while at < length {
        let n = (length - at).min(BLOCK_BYTES as u64 + 256);
        let read = read(&*reader, at..at + n).await.expect("a finished blob reads");
        let start = usize::try_from(at).expect("a test's blob fits memory");
        assert!(*read == expected[start..start + read.len()], "blob {id:?} differs after {at}");
        at += n;
    }
    store.scrub(id, length).await.expect("a finished blob scrubs");
    let mut sums = Sums::default();
    sums.update(&expected);
    assert_eq!(store.sums(id, length).await, Ok(sums.finish()), "{id:?} has its own checksums");
}

async fn read(reader: &dyn BlobReader, range: Range<u64>) -> Result<Buffer, BlobError> {
    let bytes = usize::try_from(range.end - range.start).expect("a test's blob fits memory");
    reader.read_at(range.start, BufferPool::default().take(bytes)).await
}

fn is_damaged<T>(result: Result<T, BlobError>, id: BlobId) -> bool {
    matches!(result, Err(BlobError::Damaged { id: found, .. }) if found == id)
}

/// Of those who claim at the same time one gets the store, and keeps it; the mark is no blob.
async fn ownership(store: &dyn BlobStore, base: u64) {
    assert_eq!(store.installation().await, Ok(None));
    assert_eq!(store.is_empty().await, Ok(true));
    let answers = std::cell::RefCell::new(Vec::new());
    let claims = (1..=8).map(|n| {
        let answers = &answers;
        Box::pin(async move {
            let owner = store.claim(InstallationId([n; 16])).await.expect("claims");
            answers.borrow_mut().push(owner);
        }) as _
    });
    join(claims.collect()).await;
    let answers = answers.into_inner();
    let owner = answers[0];
    assert!((1..=8).any(|n| owner == InstallationId([n; 16])), "{owner} never claimed");
    assert!(answers.iter().all(|answer| *answer == owner), "several owners: {answers:?}");
    for late in [owner, InstallationId([9; 16])] {
        assert_eq!(store.claim(late).await, Ok(owner));
        assert_eq!(store.installation().await, Ok(Some(owner)));
    }
    assert_eq!(store.is_empty().await, Ok(true), "the mark is no blob");
    assert_eq!(store.present(0..u64::MAX).await, Ok(Vec::new()));
    put(store, BlobId(base), 3, true).await.expect("there is room");
    assert_eq!(store.is_empty().await, Ok(false));
    store.delete(BlobId(base)).await.expect("deletes");
    gone(store, BlobId(base)).await;
    assert_eq!(store.is_empty().await, Ok(true));
    assert_eq!(store.installation().await, Ok(Some(owner)));
}

/// Every length comes back, declared or not.
async fn lengths(store: &dyn BlobStore, base: u64) {
    for (index, length) in LENGTHS.into_iter().enumerate() {
        for (offset, declared) in [(0, true), (1, false)] {
            let id = BlobId(base + 2 * index as u64 + offset);
            put(store, id, length, declared).await.expect("there is room");
            check(store, id, length).await;
            store.delete(id).await.expect("deletes");
        }
    }
}

/// However the caller cuts, the bytes are the same; `advance(0)` and `ready` without need are free.
async fn pieces(store: &dyn BlobStore, base: u64) {
    for (index, piece) in [997, 16_400, 100_000, 262_144].into_iter().enumerate() {
        let (id, length) = (BlobId(base + index as u64), 1_500_001);
        let mut writer = store.create(id, None).await.expect("creates");
        assert!(writer.spare().is_empty(), "there is no room before ready");
        writer.advance(0);
        feed(&mut *writer, &content(id, length), piece).await.expect("there is room");
        writer.ready().await.expect("ready");
        writer.ready().await.expect("ready");
        writer.advance(0);
        assert_eq!(writer.finish().await, Ok(length));
        check(store, id, length).await;
        store.delete(id).await.expect("deletes");
    }
}

/// Any range within the blob reads; none beyond it does.
async fn ranges(store: &dyn BlobStore, base: u64) {
    let (id, length) = (BlobId(base), 300_001);
    put(store, id, length, true).await.expect("there is room");
    let reader = store.open(id, length).await.expect("opens");
    let expected = content(id, length);
    for range in
        [0..0, 0..1, 4095..4097, 1..300_001, 262_143..262_146, 300_000..300_001, 300_001..300_001]
    {
        let bytes = read(&*reader, range.clone()).await.expect("a range within reads");
        let (start, end) = (range.start as usize, range.end as usize);
        assert!(*bytes == expected[start..end], "{range:?}");
    }
    for beyond in [0..300_002, 300_001..300_002, 1 << 40..(1 << 40) + 1, u64::MAX - 1..u64::MAX] {
        assert!(is_damaged(read(&*reader, beyond.clone()).await, id), "{beyond:?}");
    }
    let overflow = reader.read_at(u64::MAX, BufferPool::default().take(2)).await;
    assert!(is_damaged(overflow, id));
}

/// A name is used once: by a writer under way or a finished blob.
async fn names(store: &dyn BlobStore, base: u64) {
    let id = BlobId(base);
    let mut writer = store.create(id, None).await.expect("creates");
    assert!(store.create(id, None).await.is_err(), "a blob under way was overwritten");
    feed(&mut *writer, &content(id, 10), 10).await.expect("there is room");
    writer.finish().await.expect("the refused one did not disturb");
    assert!(store.create(id, Some(3)).await.is_err(), "a finished blob was overwritten");
    check(store, id, 10).await;
}

/// Opening and scrubbing fail for what is not there, unfinished or of another length.
async fn wrong_lengths(store: &dyn BlobStore, base: u64) {
    let (id, missing, unfinished) = (BlobId(base), BlobId(base + 1), BlobId(base + 2));
    put(store, id, 5000, true).await.expect("there is room");
    for length in [0, 4999, 5001, 4096, 1 << 20, 1 << 40, u64::MAX] {
        assert!(is_damaged(store.open(id, length).await, id), "opened as {length}");
        assert!(is_damaged(store.scrub(id, length).await, id), "scrubbed as {length}");
    }
    assert!(is_damaged(store.open(missing, 0).await, missing));
    assert!(is_damaged(store.scrub(missing, 0).await, missing));
    let mut writer = store.create(unfinished, Some(2 << 20)).await.expect("creates");
    feed(&mut *writer, &[1; 100], 100).await.expect("there is room");
    for length in [0, 100, 2 << 20] {
        assert!(is_damaged(store.open(unfinished, length).await, unfinished));
    }
}

/// A declared length is a promise: more or less is refused and nothing stays.
async fn declared_lengths(store: &dyn BlobStore, base: u64) {
    let cases =
        [(10, 9), (10, 11), (0, 1), (1 << 20, 1), (300_000, 700_000), (2 << 20, (2 << 20) - 1)];
    for (index, (declared, length)) in cases.into_iter().enumerate() {
        let id = BlobId(base + index as u64);
        let mut writer = store.create(id, Some(declared)).await.expect("creates");
        let outcome = match feed(&mut *writer, &content(id, length), usize::MAX).await {
            Ok(()) => writer.finish().await.map(|_| ()),
            Err(error) => {
                drop(writer);
                Err(error)
            }
        };
        assert!(is_damaged(outcome, id), "{length} bytes passed for {declared}");
        gone(store, id).await;
    }
}

/// Deleting is idempotent, and is for unfinished blobs too.
async fn deletion(store: &dyn BlobStore, base: u64) {
    let (id, never) = (BlobId(base), BlobId(base + 1));
    put(store, id, 100_000, true).await.expect("there is room");
    for _ in 0..2 {
        store.delete(id).await.expect("deleting what is not there succeeds");
        store.delete(never).await.expect("deleting what never was succeeds");
        assert!(is_damaged(store.open(id, 100_000).await, id), "deleted and still open");
    }
    gone(store, id).await;
}

/// Presence answers exactly the range, in order, finished or not.
async fn presence(store: &dyn BlobStore, base: u64) {
    let ids = [0, 1, 4095, 4096, 8191, 0x2000].map(|offset| BlobId(base + offset));
    for id in &ids[1..] {
        put(store, *id, 3, true).await.expect("there is room");
    }
    let _unfinished = store.create(ids[0], Some(1 << 20)).await.expect("creates");
    let expect =
        |range: Range<u64>| ids.iter().filter(|id| range.contains(&id.0)).copied().collect();
    let leases = [0..0x2001, 0..4096, 4096..8192, 1..4095, 1..4096, 0x2000..0x3000, 5..5];
    for range in leases.map(|range| base + range.start..base + range.end) {
        let expected: Vec<BlobId> = expect(range.clone());
        assert_eq!(store.present(range.clone()).await, Ok(expected), "{range:?}");
    }
    let all = store.present(0..u64::MAX).await.expect("any range is allowed");
    assert!(ids.iter().all(|id| all.contains(id)) && all.is_sorted());
    assert_eq!(
        store.present(Range { start: 9, end: 3 }).await,
        Ok(Vec::new()),
        "a range upside down is empty"
    );
}

/// A dropped writer leaves nothing, at whatever moment it is dropped.
async fn abandonment(store: &dyn BlobStore, base: u64) {
    for (index, length) in [0, 1, 300_000, 3 << 20].into_iter().enumerate() {
        for (offset, declared) in [(0, None), (1, Some(4 << 20))] {
            let id = BlobId(base + 2 * index as u64 + offset);
            let mut writer = store.create(id, declared).await.expect("creates");
            feed(&mut *writer, &content(id, length), usize::MAX).await.expect("there is room");
            drop(writer);
            gone(store, id).await;
        }
    }
}

/// Writers and readers do not disturb each other.
async fn concurrency(store: &dyn BlobStore, base: u64) {
    let lengths = [5_000, 70_000, 300_000, 1_100_000, 2_000_000, 1, 0, 262_144];
    let blobs = lengths.into_iter().enumerate().map(|(index, length)| async move {
        let id = BlobId(base + index as u64);
        put(store, id, length, index % 2 == 0).await.expect("there is room");
        check(store, id, length).await;
    });
    join(blobs.map(|blob| Box::pin(blob) as _).collect()).await;
}

type Pinned<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Drives all of them on this task.
pub(crate) async fn join(mut futures: Vec<Pinned<'_>>) {
    std::future::poll_fn(|context| {
        futures.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if futures.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

/// Waits until nothing is left under `id`: abandoning goes on in the background.
pub(crate) async fn gone(store: &dyn BlobStore, id: BlobId) {
    for _ in 0..1000 {
        if store.present(id.0..id.0 + 1).await.expect("presence").is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("blob {id:?} was left behind");
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::blobs::{
        faulty::{BlobOperation, FailingBlobs, SlowBlobs, Tear, TornBlobs},
        memory::MemoryBlobs,
    };

    #[tokio::test]
    async fn memory() {
        all(&MemoryBlobs::new()).await;
    }

    #[tokio::test]
    async fn a_failing_store_that_does_not_fail() {
        let error = BlobError::Unavailable("injected".into());
        let inner = Arc::new(MemoryBlobs::new());
        let store = FailingBlobs::new(inner, usize::MAX, BlobOperation::Read, error);
        all(&store).await;
        assert!(!store.has_struck());
    }

    #[tokio::test]
    async fn a_slow_store() {
        all(&SlowBlobs::new(Arc::new(MemoryBlobs::new()), Duration::ZERO)).await;
    }

    #[tokio::test]
    async fn a_torn_store_without_tears() {
        all(&TornBlobs::new(Arc::new(MemoryBlobs::new()))).await;
    }

    #[tokio::test]
    async fn memory_can_be_full() {
        let store = MemoryBlobs::with_capacity_bytes(100_000);
        put(&store, BlobId(1), 60_000, true).await.unwrap();
        assert_eq!(put(&store, BlobId(2), 60_000, true).await, Err(BlobError::Full));
        assert_eq!(put(&store, BlobId(3), 60_000, false).await, Err(BlobError::Full));
        assert_eq!(
            store.present(0..10).await,
            Ok(vec![BlobId(1)]),
            "nothing is kept of the others"
        );
        store.delete(BlobId(1)).await.unwrap();
        put(&store, BlobId(4), 60_000, true).await.unwrap();
    }

    /// One blob's life; the operations that a fault can strike.
    async fn life(store: &dyn BlobStore, id: BlobId) -> Result<(), BlobError> {
        put(store, id, 120_000, false).await?;
        let reader = store.open(id, 120_000).await?;
        read(&*reader, 0..50).await?;
        store.scrub(id, 120_000).await?;
        store.present(0..10).await?;
        store.installation().await?;
        store.claim(InstallationId([1; 16])).await?;
        store.delete(id).await
    }

    #[tokio::test]
    async fn the_nth_operation_fails_and_only_that() {
        use BlobOperation::{
            Claim, Create, Delete, Finish, Installation, Open, Present, Read, Scrub, Write,
        };
        let error = BlobError::Unavailable("injected".into());
        for operation in
            [Create, Write, Finish, Open, Read, Scrub, Present, Installation, Claim, Delete]
        {
            let inner: Arc<dyn BlobStore> = Arc::new(MemoryBlobs::new());
            let per_life = if operation == Write { 3 } else { 1 };
            for n in [1, per_life + 1] {
                let store = FailingBlobs::new(Arc::clone(&inner), n, operation, error.clone());
                let outcomes = [life(&store, BlobId(1)).await, {
                    inner.delete(BlobId(1)).await.unwrap();
                    life(&store, BlobId(2)).await
                }];
                inner.delete(BlobId(2)).await.unwrap();
                let expected = if n == 1 {
                    [Err(error.clone()), Ok(())]
                } else {
                    [Ok(()), Err(error.clone())]
                };
                assert_eq!(outcomes, expected, "{operation:?} {n}");
                assert!(store.has_struck());
            }
        }
    }

    #[tokio::test]
    async fn tears_are_seen_and_mended() {
        let (store, id) = (TornBlobs::new(Arc::new(MemoryBlobs::new())), BlobId(1));
        put(&store, id, 1000, true).await.unwrap();
        store.tear(id, Tear::Truncated(1000));
        check(&store, id, 1000).await;
        for tear in [Tear::Missing, Tear::Truncated(999)] {
            store.tear(id, tear);
            assert!(is_damaged(store.open(id, 1000).await, id));
            assert!(is_damaged(store.scrub(id, 1000).await, id));
        }
        store.tear(id, Tear::Flipped(500));
        assert!(is_damaged(store.scrub(id, 1000).await, id));
        let reader = store.open(id, 1000).await.unwrap();
        let expected = content(id, 1000);
        assert_eq!(*read(&*reader, 0..500).await.unwrap(), expected[..500]);
        assert_eq!(read(&*reader, 400..600).await.unwrap()[100], expected[500] ^ 1);
        store.mend(id);
        check(&store, id, 1000).await;
    }
}
