//! A store over memory, with a clock and randomness of its own.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use object_engine::{
    blobs::memory::MemoryBlobs,
    catalog::memory::MemoryCatalog,
    clock::{Clock, Timestamp},
    engine::{Backends, EngineOptions, ObjectEngine},
    entropy::Entropy,
    model::{
        AccountId, Attached, Bucket, BucketName, CreateBucket, Lookup, ObjectKey, StoredObject,
        Version, VersionSelector, WriteCondition,
    },
};
use sealed_format::{
    Checksum, ChecksumAlgorithm, ChecksumKind, CustomerKey, MasterKey, ObjectMetadata, Randomness,
};
use sealed_store::{
    BodyDigests, Encryption, PlainBody, Put, PutError, PutOutcome, SealedStore, UnlockError,
};

/// Distinct bytes at every draw: never repeats, always the same sequence.
#[derive(Debug, Default)]
pub(crate) struct Counting(AtomicU64);

impl Counting {
    fn draw(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let next = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&next.to_be_bytes()[..chunk.len()]);
        }
    }
}

impl Randomness for Counting {
    fn fill(&self, out: &mut [u8]) {
        self.draw(out);
    }
}

impl Entropy for Counting {
    fn fill(&self, out: &mut [u8]) {
        self.draw(out);
    }
}

/// A clock that moves one second at every look.
#[derive(Debug, Default)]
pub(crate) struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000 + self.0.fetch_add(1_000, Ordering::Relaxed))
    }
}

/// A store, its backends and one bucket.
pub(crate) struct World {
    pub(crate) store: SealedStore,
    pub(crate) bucket: Bucket,
    pub(crate) owner: AccountId,
    pub(crate) backends: Backends,
}

impl World {
    pub(crate) async fn new() -> Self {
        let random = Arc::new(Counting::default());
        let backends = Backends {
            catalog: Arc::new(MemoryCatalog::default()),
            blobs: Arc::new(MemoryBlobs::default()),
            clock: Arc::new(Ticking::default()),
            entropy: random.clone(),
        };
        let options = EngineOptions { removal_grace_ms: 0, ..EngineOptions::default() };
        let engine = ObjectEngine::open(backends.clone(), options).await.unwrap();
        let owner = AccountId("owner".into());
        let name = BucketName::parse("vault").unwrap();
        let made = engine.create_bucket(&name, &owner, "us-east-1").await.unwrap();
        let CreateBucket::Created(bucket) = made else { panic!("the bucket is new") };
        let master = Arc::new(MasterKey::filled_by(|key| key.fill(0x4d)));
        let store = SealedStore::new(engine, master, random);
        Self { store, bucket, owner, backends }
    }

    /// Puts `bytes`, cut into frames of `frame` bytes.
    pub(crate) async fn put(
        &self,
        key: &str,
        bytes: &[u8],
        frame: usize,
        customer_key: Option<&CustomerKey>,
    ) -> PutOutcome {
        self.put_encrypted(key, bytes, frame, customer_key.into()).await.unwrap()
    }

    /// Puts `bytes` under whatever key is asked for.
    pub(crate) async fn put_encrypted(
        &self,
        key: &str,
        bytes: &[u8],
        frame: usize,
        encryption: Encryption<'_>,
    ) -> Result<PutOutcome, PutError<Infallible>> {
        let put = Put {
            bucket: &self.bucket,
            key: &object_key(key),
            owner: &self.owner,
            encryption,
            metadata: metadata(),
            storage_class: "STANDARD".into(),
            attached: Attached::default(),
            condition: WriteCondition::default(),
        };
        self.store.put(put, &mut Frames::new(bytes, frame)).await
    }

    pub(crate) async fn find(&self, key: &str) -> (Version, Arc<StoredObject>) {
        let found = self
            .store
            .engine()
            .version(&self.bucket, &object_key(key), VersionSelector::Latest)
            .await
            .unwrap();
        let Lookup::Object(version, object) = found else { panic!("no object: {found:?}") };
        (version, object)
    }

    /// Reads `range` of what stands under `key`.
    pub(crate) async fn get(
        &self,
        key: &str,
        customer_key: Option<&CustomerKey>,
        range: Option<std::ops::Range<u64>>,
    ) -> Result<Vec<u8>, Failure> {
        let (version, object) = self.find(key).await;
        let unlocked = self.store.unlock(&self.bucket, &version, &object, customer_key).await?;
        let range = range.unwrap_or(0..unlocked.facts().length);
        let mut reader = self.store.read(&unlocked, range).await.map_err(|_| Failure::Before)?;
        let mut out = Vec::new();
        while let Some(frame) = reader.next().await {
            out.extend_from_slice(&frame.map_err(|_| Failure::Within(out.len()))?);
        }
        Ok(out)
    }
}

/// How a read failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The key was refused, or the metadata.
    Locked(UnlockError),
    /// Storage failed before the answer began.
    Before,
    /// Storage failed after this many good bytes.
    Within(usize),
}

impl From<UnlockError> for Failure {
    fn from(error: UnlockError) -> Self {
        Self::Locked(error)
    }
}

pub(crate) fn object_key(key: &str) -> ObjectKey {
    ObjectKey::parse(key).unwrap()
}

pub(crate) fn customer_key(byte: u8) -> CustomerKey {
    CustomerKey::filled_by(|key| key.fill(byte))
}

pub(crate) fn metadata() -> ObjectMetadata {
    ObjectMetadata {
        content_type: Some("text/plain".into()),
        user: vec![("colour".into(), "green".into())],
        ..ObjectMetadata::default()
    }
}

/// Bytes that show a shift or a swap.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at as u64).wrapping_mul(0x9e37_79b9).to_be_bytes()[5]).collect()
}

/// A body from memory.
pub(crate) struct Frames {
    frames: Mutex<std::collections::VecDeque<Bytes>>,
    whole: Vec<u8>,
    known: bool,
    checksum: ChecksumAlgorithm,
}

impl Frames {
    pub(crate) fn new(bytes: &[u8], frame: usize) -> Self {
        let frames = bytes.chunks(frame).map(Bytes::copy_from_slice).collect();
        Self {
            frames: Mutex::new(frames),
            whole: bytes.to_vec(),
            known: true,
            checksum: ChecksumAlgorithm::Crc64Nvme,
        }
    }

    /// Checked with a CRC-32 alone.
    pub(crate) fn with_crc32(mut self) -> Self {
        self.checksum = ChecksumAlgorithm::Crc32;
        self
    }

    /// Does not tell its length beforehand.
    pub(crate) fn unknown(mut self) -> Self {
        self.known = false;
        self
    }
}

#[async_trait]
impl PlainBody for Frames {
    type Error = Infallible;

    fn length(&self) -> Option<u64> {
        self.known.then_some(self.whole.len() as u64)
    }

    async fn frame(&mut self) -> Result<Option<Bytes>, Infallible> {
        Ok(self.frames.lock().unwrap().pop_front())
    }

    fn finish(&mut self) -> Result<BodyDigests, Infallible> {
        use md5::{Digest as _, Md5};
        let (crc, bytes) = match self.checksum {
            ChecksumAlgorithm::Crc32 => (crc_fast::CrcAlgorithm::Crc32IsoHdlc, 4),
            _ => (crc_fast::CrcAlgorithm::Crc64Nvme, 8),
        };
        let crc = crc_fast::checksum(crc, &self.whole);
        let checksum = Checksum {
            algorithm: self.checksum,
            kind: ChecksumKind::FullObject,
            value: crc.to_be_bytes()[8 - bytes..].to_vec(),
            parts: 0,
        };
        let md5 = Some(Md5::digest(&self.whole).into());
        Ok(BodyDigests { md5, checksum: Some(checksum) })
    }
}
