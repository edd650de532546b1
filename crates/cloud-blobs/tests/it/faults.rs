//! Backends that fail: at every request, and in the middle of an answer.

use std::{
    fmt,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use cloud_blobs::{CloudBlobs, CloudOptions};
use futures_util::{StreamExt as _, stream::BoxStream};
use object_engine::blobs::{
    BlobError, BlobId, BlobStore as _, buffers::BufferPool, contract, installation::InstallationId,
};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions,
    PutPayload, PutResult, Result, memory::InMemory, path::Path,
};

/// What goes wrong with the request that is struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It is refused and not done.
    Refused,
    /// It is done, and its answer is lost.
    Unanswered,
    /// Its answer breaks off half-way (reads only).
    Broken,
    /// The volume is full.
    Full,
}

/// What becomes of a condition on a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Held,
    /// Looked at, and some time later what was asked is done.
    Looked,
    Ignored,
    Unknown,
}

/// A backend whose N-th request, or from there on every one, fails.
struct Faulty {
    inner: InMemory,
    fault: Fault,
    left: AtomicUsize,
    for_good: bool,
    condition: Condition,
    /// What somebody else puts just before the next put.
    rival: Mutex<Option<(Path, String)>>,
    /// How long a put takes.
    delay: Duration,
}

impl Faulty {
    fn new(n: usize, fault: Fault, for_good: bool) -> Arc<Self> {
        let (inner, left) = (InMemory::new(), AtomicUsize::new(n));
        let (condition, rival, delay) = (Condition::Held, Mutex::default(), Duration::ZERO);
        Arc::new(Self { inner, fault, left, for_good, condition, rival, delay })
    }

    /// Refuses the N-th request, and takes its time for puts.
    fn slow(n: usize, delay: Duration) -> Arc<Self> {
        let (inner, left) = (InMemory::new(), AtomicUsize::new(n));
        let (fault, condition, rival) = (Fault::Refused, Condition::Held, Mutex::default());
        Arc::new(Self { inner, fault, left, for_good: false, condition, rival, delay })
    }

    fn without(condition: Condition) -> Arc<Self> {
        let (inner, left) = (InMemory::new(), AtomicUsize::new(usize::MAX));
        let (fault, rival, delay) = (Fault::Refused, Mutex::default(), Duration::ZERO);
        Arc::new(Self { inner, fault, left, for_good: false, condition, rival, delay })
    }

    fn strikes(&self) -> bool {
        let count = |left: usize| left.checked_sub(1);
        match self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, count) {
            Ok(left) => left == 1,
            Err(_) => self.for_good,
        }
    }

    fn has_struck(&self) -> bool {
        self.left.load(Ordering::Acquire) == 0
    }

    fn heal(&self) {
        self.left.store(usize::MAX, Ordering::Release);
    }

    fn error(&self) -> Error {
        let text = if self.fault == Fault::Full { "QuotaExceeded" } else { "injected" };
        Error::Generic { store: "faulty", source: text.into() }
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        path: &Path,
        bytes: PutPayload,
        mut how: PutOptions,
    ) -> Result<PutResult> {
        let rival = self.rival.lock().unwrap().take();
        if let Some((path, text)) = rival {
            self.inner.put(&path, text.into()).await?;
        }
        match (self.condition, &how.mode) {
            (Condition::Unknown, PutMode::Create) => {
                let operation = "a conditional put".into();
                return Err(Error::NotImplemented { operation, implementer: "Faulty".into() });
            }
            (Condition::Looked, PutMode::Create) => {
                if self.inner.head(path).await.is_ok() {
                    let (path, source) = (path.to_string(), "it is there".into());
                    return Err(Error::AlreadyExists { path, source });
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
                how.mode = PutMode::Overwrite;
            }
            (Condition::Ignored, _) => how.mode = PutMode::Overwrite,
            _ => {}
        }
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        let struck = self.strikes();
        if struck && self.fault != Fault::Unanswered {
            return Err(self.error());
        }
        let put = self.inner.put_opts(path, bytes, how).await?;
        if struck { Err(self.error()) } else { Ok(put) }
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        panic!("multipart uploads leave what no listing shows");
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let struck = self.strikes();
        if struck && self.fault != Fault::Broken {
            return Err(self.error());
        }
        let mut result = self.inner.get_opts(path, options).await?;
        if struck {
            let Range { start, end } = result.range.clone();
            let (meta, attributes) = (result.meta.clone(), result.attributes.clone());
            let (range, extensions) = (result.range.clone(), result.extensions.clone());
            let bytes = result.bytes().await?;
            let half = bytes.slice(..usize::try_from((end - start) / 2).unwrap());
            let pieces: Vec<Result<Bytes>> = vec![Ok(half), Err(self.error())];
            let payload = GetResultPayload::Stream(futures_util::stream::iter(pieces).boxed());
            result = GetResult { payload, meta, range, attributes, extensions };
        }
        Ok(result)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        if self.strikes() {
            let error = self.error();
            return futures_util::stream::once(async move { Err(error) }).boxed();
        }
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        if self.strikes() {
            let error = self.error();
            return futures_util::stream::once(async move { Err(error) }).boxed();
        }
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

const LENGTH: u64 = 1_300_000;

fn over(faulty: &Arc<Faulty>) -> CloudBlobs {
    let options = CloudOptions { buffers: BufferPool::new(64 << 20), segment_bytes: 512 * 1024 };
    CloudBlobs::over(Arc::clone(faulty) as _, "p", options)
}

/// Waits until what abandoning left to a task is done, and deletes the rest as a sweep does.
async fn swept(blobs: &CloudBlobs) {
    for id in blobs.present(0..10).await.unwrap() {
        blobs.delete(id).await.unwrap();
    }
    for _ in 0..200 {
        if blobs.present(0..10).await.unwrap().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("something was left behind");
}

#[tokio::test]
async fn a_put_that_fails_anywhere_leaves_no_blob_or_a_whole_one() {
    for fault in [Fault::Refused, Fault::Unanswered, Fault::Full] {
        for for_good in [false, true] {
            for n in 1.. {
                let faulty = Faulty::new(n, fault, for_good);
                let blobs = over(&faulty);
                let outcome = contract::put(&blobs, BlobId(1), LENGTH, n % 2 == 0).await;
                let struck = faulty.has_struck();
                faulty.heal();
                if !struck {
                    outcome.unwrap();
                    contract::check(&blobs, BlobId(1), LENGTH).await;
                    break;
                }
                match (fault, outcome.unwrap_err()) {
                    (Fault::Full, BlobError::Full) | (_, BlobError::Unavailable(_)) => {}
                    (_, error) => panic!("{fault:?} {n}: {error}"),
                }
                // A head whose answer was lost is a whole blob until it is deleted; never half a one.
                if blobs.open(BlobId(1), LENGTH).await.is_ok() {
                    assert_eq!(fault, Fault::Unanswered);
                }
                swept(&blobs).await;
                assert!(blobs.open(BlobId(1), LENGTH).await.is_err());
            }
        }
    }
}

/// What is deleted stays so, also where puts of a dropped writer end later and its own deletion fails.
#[tokio::test(start_paused = true)]
async fn a_deletion_waits_for_what_a_dropped_writer_began() {
    for n in 1.. {
        let backend = Faulty::slow(n, Duration::from_secs(1));
        let blobs = over(&backend);
        let mut writer = blobs.create(BlobId(1), None).await;
        if let Ok(writer) = &mut writer {
            let content = contract::content(BlobId(1), LENGTH);
            let _ = contract::feed(&mut **writer, &content, usize::MAX).await;
        }
        drop(writer);
        // As the engine does: until it succeeds, and then never again.
        while blobs.delete(BlobId(1)).await.is_err() {}
        tokio::time::sleep(Duration::from_secs(10)).await;
        let left: Vec<_> = backend.inner.list(None).collect().await;
        assert!(left.is_empty(), "{n}: {left:?}");
        if !backend.has_struck() {
            assert!(n > 4, "puts, and two that list: {n}");
            return;
        }
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again() {
    for n in 1.. {
        let faulty = Faulty::new(usize::MAX, Fault::Broken, false);
        let blobs = over(&faulty);
        contract::put(&blobs, BlobId(1), LENGTH, true).await.unwrap();
        let reader = blobs.open(BlobId(1), LENGTH).await.unwrap();
        faulty.left.store(n, Ordering::Release);
        let mut at = 0;
        let expected = contract::content(BlobId(1), LENGTH);
        while at < LENGTH {
            let bytes = usize::try_from((LENGTH - at).min(262_400)).unwrap();
            let read = reader.read_at(at, BufferPool::default().take(bytes)).await.unwrap();
            let start = usize::try_from(at).unwrap();
            assert!(*read == expected[start..start + bytes], "{n}: differs after {at}");
            at += bytes as u64;
        }
        if !faulty.has_struck() {
            assert!(n > 3, "the blob is read by several requests");
            return;
        }
    }
}

#[tokio::test]
async fn a_backend_that_fails_for_good_is_not_asked_for_ever() {
    for fault in [Fault::Refused, Fault::Broken] {
        let faulty = Faulty::new(usize::MAX, fault, true);
        let blobs = over(&faulty);
        contract::put(&blobs, BlobId(1), LENGTH, true).await.unwrap();
        let reader = blobs.open(BlobId(1), LENGTH).await.unwrap();
        faulty.left.store(1, Ordering::Release);
        let read = reader.read_at(0, BufferPool::default().take(200_000)).await;
        // Each broken answer still brings its half, so a broken one may yet get there.
        if fault == Fault::Refused {
            assert!(matches!(read, Err(BlobError::Unavailable(_))));
        }
        assert!(blobs.delete(BlobId(1)).await.is_err());
        faulty.heal();
        contract::check(&blobs, BlobId(1), LENGTH).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_fails_anywhere_is_made_up_for_and_makes_one_mark() {
    let (ours, theirs) = (InstallationId([1; 16]), InstallationId([2; 16]));
    for fault in [Fault::Refused, Fault::Unanswered, Fault::Full] {
        for n in 1.. {
            let faulty = Faulty::new(n, fault, false);
            let blobs = over(&faulty);
            let claimed = blobs.claim(ours).await;
            let struck = faulty.has_struck();
            faulty.heal();
            match claimed {
                // A put whose answer was lost counts when the mark is read.
                Ok(owner) => assert!(owner == ours && (!struck || fault == Fault::Unanswered)),
                Err(_) => assert!(struck, "{fault:?} {n}"),
            }
            assert_eq!(blobs.claim(ours).await, Ok(ours), "{fault:?} {n}");
            assert_eq!(blobs.claim(theirs).await, Ok(ours));
            if !struck {
                assert!(n > 3, "a claim reads, puts and reads");
                break;
            }
        }
    }
}

/// Between a look at the prefix and the mark another one claims it.
#[tokio::test(start_paused = true)]
async fn of_two_that_found_no_mark_the_second_to_make_one_gives_way() {
    let (ours, theirs) = (InstallationId([1; 16]), InstallationId([2; 16]));
    let backend = Faulty::new(usize::MAX, Fault::Refused, false);
    *backend.rival.lock().unwrap() = Some((Path::from("p/installation"), theirs.to_mark()));
    assert_eq!(over(&backend).claim(ours).await, Ok(theirs));
    assert_eq!(over(&backend).installation().await, Ok(Some(theirs)));
}

#[tokio::test]
async fn what_is_no_mark_is_neither_taken_for_one_nor_replaced() {
    let store = Arc::new(InMemory::new());
    let options = CloudOptions { buffers: BufferPool::default(), segment_bytes: 512 * 1024 };
    let blobs = CloudBlobs::over(Arc::clone(&store) as _, "p", options);
    let mark = Path::from("p/installation");
    for stranger in ["", "strongroom installation x", &"y".repeat(1_000_000)] {
        store.put(&mark, stranger.to_owned().into()).await.unwrap();
        assert!(blobs.installation().await.is_err());
        assert!(blobs.claim(InstallationId([1; 16])).await.is_err());
        assert_eq!(store.head(&mark).await.unwrap().size, stranger.len() as u64);
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_whose_puts_both_succeed_one_gives_way() {
    let (ours, theirs) = (InstallationId([1; 16]), InstallationId([2; 16]));
    for condition in [Condition::Looked, Condition::Ignored, Condition::Unknown] {
        let backend = Faulty::without(condition);
        let (first, second) = (over(&backend), over(&backend));
        let later = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            second.claim(theirs).await
        };
        let (first, second) = tokio::join!(first.claim(ours), later);
        assert!(first.is_ok(), "{condition:?}: {first:?}");
        assert_eq!(first, second, "{condition:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_conditions_a_mark_that_stands_is_found_all_the_same() {
    let (ours, theirs) = (InstallationId([1; 16]), InstallationId([2; 16]));
    for condition in [Condition::Ignored, Condition::Unknown] {
        let backend = Faulty::without(condition);
        assert_eq!(over(&backend).claim(ours).await, Ok(ours), "{condition:?}");
        assert_eq!(over(&backend).claim(theirs).await, Ok(ours), "{condition:?}");
    }
}
