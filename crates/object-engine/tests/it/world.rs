//! What the tests stand on: an engine over backends that can be opened again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use object_engine::{
    blobs::{BlobStore, memory::MemoryBlobs},
    catalog::{Catalog, memory::MemoryCatalog},
    clock::{Clock, Timestamp},
    engine::{Backends, EngineOptions, ObjectEngine, Sharing},
    entropy::Entropy,
    model::*,
};

/// Sealed bytes up to this many are inline in the tests.
pub(crate) const INLINE_BYTES_MAX: usize = 100;

/// A clock that the test moves.
#[derive(Debug, Default)]
pub(crate) struct HandClock {
    now: AtomicI64,
    monotonic: AtomicU64,
}

impl HandClock {
    /// Sets the time of day; no time passes.
    pub(crate) fn set(&self, millis: i64) {
        self.now.store(millis, Ordering::SeqCst);
    }

    pub(crate) fn pass(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.now.fetch_add(millis.cast_signed(), Ordering::SeqCst);
        self.monotonic.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.monotonic.load(Ordering::SeqCst))
    }
}

/// Different bytes at every call, the same in every run.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Entropy for Counter {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let n = self.0.fetch_add(1, Ordering::SeqCst) + 1;
            let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31) ^ n;
            chunk.copy_from_slice(&mixed.to_be_bytes()[..chunk.len()]);
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) blobs: Arc<dyn BlobStore>,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) entropy: Arc<Counter>,
    pub(crate) grace_ms: i64,
    pub(crate) sharing: Sharing,
    /// Where the backends are, if they are on disk; removed with the last clone.
    pub(crate) directory: Option<Arc<tempfile::TempDir>>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::over(Arc::new(MemoryCatalog::new()), Arc::new(MemoryBlobs::new()))
    }

    pub(crate) fn over(catalog: Arc<dyn Catalog>, blobs: Arc<dyn BlobStore>) -> Self {
        let clock = Arc::new(HandClock::default());
        clock.set(1_000_000);
        let sharing = Sharing::Alone;
        let entropy = Arc::default();
        Self { catalog, blobs, clock, entropy, grace_ms: 0, sharing, directory: None }
    }

    pub(crate) async fn open(&self) -> ObjectEngine {
        self.try_open().await.unwrap()
    }

    pub(crate) async fn try_open(&self) -> Result<ObjectEngine, object_engine::error::EngineError> {
        let backends = Backends {
            catalog: Arc::clone(&self.catalog),
            blobs: Arc::clone(&self.blobs),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
        };
        let options = EngineOptions {
            inline_bytes_max: INLINE_BYTES_MAX,
            removal_grace_ms: self.grace_ms,
            sharing: self.sharing,
            ..EngineOptions::default()
        };
        ObjectEngine::open(backends, options).await
    }
}

pub(crate) fn owner() -> AccountId {
    AccountId("owner".into())
}

pub(crate) fn key(name: &str) -> ObjectKey {
    ObjectKey::parse(name).unwrap()
}

pub(crate) async fn bucket(engine: &ObjectEngine, name: &str) -> Bucket {
    let name = BucketName::parse(name).unwrap();
    match engine.create_bucket(&name, &owner(), "us-east-1").await.unwrap() {
        CreateBucket::Created(bucket) => bucket,
        other => panic!("{other:?}"),
    }
}

/// Enables versioning; the bucket as it is then.
pub(crate) async fn versioned(engine: &ObjectEngine, name: &str) -> Bucket {
    let bucket = bucket(engine, name).await;
    assert!(engine.set_versioning(&bucket, Versioning::Enabled).await.unwrap());
    engine.bucket(&bucket.name).await.unwrap().unwrap()
}

/// Writes sealed bytes; they stay inline up to the limit.
pub(crate) async fn write(
    engine: &ObjectEngine,
    bytes: &[u8],
) -> Result<Place, object_engine::error::EngineError> {
    let mut writer = engine.body_writer(Some(bytes.len() as u64)).await?;
    let mut rest = bytes;
    while !rest.is_empty() {
        writer.ready().await?;
        let spare = writer.spare();
        let n = spare.len().min(rest.len());
        spare[..n].copy_from_slice(&rest[..n]);
        writer.advance(n);
        rest = &rest[n..];
    }
    writer.finish().await
}

pub(crate) async fn read(engine: &ObjectEngine, place: &Place) -> Vec<u8> {
    let reader = engine.body_reader(place).await.unwrap();
    let buffer = engine.buffers().take(usize::try_from(reader.length()).unwrap());
    if buffer.is_empty() {
        return Vec::new();
    }
    reader.read_at(0, buffer).await.unwrap().to_vec()
}

pub(crate) fn stored_part(number: u32, place: Place, length: u64, etag: &str) -> StoredPart {
    StoredPart {
        number,
        length,
        place,
        header: Bytes::from_static(b"header"),
        etag: ETag(etag.into()),
        seal: Bytes::new(),
    }
}

pub(crate) fn stored_object(part: StoredPart, body_id: BodyId) -> StoredObject {
    StoredObject {
        holder: Holder::Customer,
        size: part.length,
        etag: part.etag.clone(),
        storage_class: "STANDARD".into(),
        checksum: None,
        envelope: Bytes::from_static(b"envelope"),
        seals: Vec::new(),
        attached: Attached::default(),
        body_id,
        body: Body::Whole(part),
    }
}

pub(crate) fn draw(world: &World) -> [u8; 16] {
    let mut out = [0; 16];
    world.entropy.fill(&mut out);
    out
}

pub(crate) fn new_version(world: &World, object: StoredObject) -> NewVersion {
    NewVersion {
        uid: VersionUid(draw(world)),
        owner: owner(),
        object,
        condition: WriteCondition::default(),
    }
}

pub(crate) fn seals(assigned: &Assigned) -> Vec<Bytes> {
    vec![Bytes::from(format!("{assigned:?}"))]
}

/// Puts `content`, whose ETag is the content's own length and first bytes.
pub(crate) async fn try_put(
    world: &World,
    engine: &ObjectEngine,
    at: (&Bucket, &str),
    content: &[u8],
) -> Result<Published, object_engine::error::EngineError> {
    let place = write(engine, content).await?;
    let part = stored_part(1, place, content.len() as u64, &etag_of(content));
    let new = new_version(world, stored_object(part, BodyId(draw(world))));
    engine.publish(at.0, &key(at.1), new, &mut seals).await
}

pub(crate) async fn put(
    world: &World,
    engine: &ObjectEngine,
    at: (&Bucket, &str),
    content: &[u8],
) -> Assigned {
    match try_put(world, engine, at, content).await.unwrap() {
        Published::Done(assigned) => assigned,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn etag_of(content: &[u8]) -> String {
    let sum: u64 = content.iter().map(|byte| u64::from(*byte)).sum();
    format!("{:x}-{sum:x}", content.len())
}

/// The content of a version, part by part.
pub(crate) async fn content(engine: &ObjectEngine, object: &StoredObject) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() as u64 != object.size {
        let slices = engine.slices(object, all.len() as u64..object.size).await.unwrap();
        assert!(!slices.is_empty());
        for slice in slices {
            assert_eq!(slice.start + slice.wanted.start, all.len() as u64);
            all.extend(read(engine, &slice.part.place).await);
        }
    }
    all
}

/// What a GET finds: content, or how it is missing.
pub(crate) async fn get(
    engine: &ObjectEngine,
    at: (&Bucket, &str),
    selector: VersionSelector,
) -> Result<Vec<u8>, &'static str> {
    match engine.version(at.0, &key(at.1), selector).await.unwrap() {
        Lookup::Object(version, object) => {
            assert_eq!(version.kind, VersionKind::Object(object.clone()));
            Ok(content(engine, &object).await)
        }
        Lookup::DeleteMarker(_) => Err("marker"),
        Lookup::NoSuchKey => Err("no key"),
        Lookup::NoSuchVersion => Err("no version"),
    }
}

pub(crate) async fn latest(engine: &ObjectEngine, at: (&Bucket, &str)) -> Option<Vec<u8>> {
    get(engine, at, VersionSelector::Latest).await.ok()
}

/// The newest version as stored.
pub(crate) async fn version(engine: &ObjectEngine, at: (&Bucket, &str)) -> (Version, StoredObject) {
    match engine.version(at.0, &key(at.1), VersionSelector::Latest).await.unwrap() {
        Lookup::Object(version, object) => (version, (*object).clone()),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn copy(
    world: &World,
    engine: &ObjectEngine,
    from: (&Bucket, &Version),
    to: (&Bucket, &str),
) -> PublishedShared {
    let VersionKind::Object(object) = &from.1.kind else { panic!("a marker") };
    let new = new_version(world, (**object).clone());
    engine.publish_shared(to.0, &key(to.1), new, from, &mut seals).await.unwrap()
}

pub(crate) async fn delete(
    engine: &ObjectEngine,
    at: (&Bucket, &str),
    selector: VersionSelector,
) -> Deleted {
    engine.delete(at.0, &key(at.1), selector, &WriteCondition::default()).await.unwrap()
}

pub(crate) fn new_upload(world: &World, name: &str) -> NewUpload {
    NewUpload {
        key: key(name),
        version_uid: VersionUid(draw(world)),
        body_id: BodyId(draw(world)),
        owner: owner(),
        holder: Holder::Customer,
        storage_class: "STANDARD".into(),
        checksum: None,
        envelope: Bytes::from_static(b"envelope"),
        metadata_seal: Bytes::from_static(b"metadata"),
        completion_key: Bytes::from_static(b"completion"),
        attached: Attached::default(),
    }
}

pub(crate) async fn upload(world: &World, engine: &ObjectEngine, at: (&Bucket, &str)) -> Upload {
    engine.create_upload(at.0, new_upload(world, at.1)).await.unwrap().unwrap()
}

pub(crate) async fn put_part(
    engine: &ObjectEngine,
    bucket: &Bucket,
    upload: &Upload,
    number: u32,
    content: &[u8],
) -> Result<bool, object_engine::error::EngineError> {
    let place = write(engine, content).await?;
    let part = UploadedPart {
        part: stored_part(number, place, content.len() as u64, &etag_of(content)),
        last_modified: Timestamp(1),
        completion_mac: Bytes::new(),
        checksum: None,
    };
    engine.put_part(bucket, upload, part).await
}

pub(crate) fn completing(parts: Vec<UploadedPart>) -> CompleteUpload {
    CompleteUpload {
        etag: ETag(format!("whole-{}", parts.len())),
        size: parts.iter().map(|part| part.part.length).sum(),
        parts,
        condition: WriteCondition::default(),
        attached: Attached::default(),
    }
}

pub(crate) async fn complete_all(
    engine: &ObjectEngine,
    bucket: &Bucket,
    upload: &Upload,
) -> Result<Completed, object_engine::error::EngineError> {
    let (parts, _) = engine.parts(upload, 0, 10_000).await?;
    engine.complete(bucket, upload, completing(parts), &mut seals).await
}

/// Reclaims, then audits; panics unless all is well.
pub(crate) async fn assert_clean(engine: &ObjectEngine) {
    engine.reclaim().await.unwrap();
    let audit = engine.audit().await.unwrap();
    assert!(audit.is_clean(), "{:#?}", audit.problems);
}

/// How many blobs are stored.
pub(crate) async fn blob_count(world: &World) -> usize {
    world.blobs.present(0..1 << 20).await.unwrap().len()
}

/// Bytes that go to a blob.
pub(crate) fn large(seed: u8) -> Vec<u8> {
    vec![seed; INLINE_BYTES_MAX + 1 + usize::from(seed)]
}
