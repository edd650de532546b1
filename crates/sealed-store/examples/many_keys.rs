//! Fills a bucket with many small objects, sealed as PutObject seals them, for measuring listings:
//! `cargo run --release -p sealed-store --example many_keys -- DATA_DIR BUCKET COUNT`.
//!
//! The data directory and the bucket must have been made by a server, which must not run now. Commits
//! wait together, so that a synced transaction holds many of them. Key `n` of `0..COUNT` is
//! `dDDDDDD/eE/object-NNNNNNNNNN.parquet` with D = n / 1,000 and E = n / 100 % 10: folders of 1,000
//! keys, each of ten folders. `conformance/many_keys.py` relies on it.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for a terminal")]

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use object_engine::blobs::files::{FileBlobs, FileOptions};
use object_engine::catalog::lmdb::{LmdbCatalog, LmdbOptions};
use object_engine::clock::SystemClock;
use object_engine::engine::{Backends, EngineOptions, ObjectEngine};
use object_engine::entropy::Entropy;
use object_engine::model::{Attached, Bucket, BucketName, ObjectKey, WriteCondition};
use sealed_format::{Checksum, ChecksumAlgorithm, ChecksumKind};
use sealed_format::{MasterKey, ObjectMetadata, Randomness};
use sealed_store::{BodyDigests, PlainBody, Put, SealedStore};

/// Commits under way at once: as many as the catalog takes into one transaction.
const WRITERS: u64 = 1_024;
const BODY: &[u8] = b"content";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, bucket, count] = &arguments[..] else { panic!("DATA_DIR BUCKET COUNT") };
    let store = open(Path::new(data)).await;
    let name = BucketName::parse(bucket).unwrap();
    let bucket = store.engine().bucket(&name).await.unwrap().expect("the bucket exists");
    let (count, next, begun) =
        (count.parse().unwrap(), Arc::new(AtomicU64::new(0)), Instant::now());
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| tokio::spawn(fill(store.clone(), bucket.clone(), Arc::clone(&next), count)))
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    store.engine().close().await.unwrap();
    println!("{count} objects in {:.0} s", begun.elapsed().as_secs_f64());
}

async fn open(data: &Path) -> SealedStore {
    let catalog = LmdbCatalog::open(&data.join("catalog"), LmdbOptions::default()).unwrap();
    let blobs = FileBlobs::open(data.join("blobs"), FileOptions::default()).unwrap();
    let backends = Backends {
        catalog: Arc::new(catalog),
        blobs: Arc::new(blobs),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemRandom),
    };
    let engine = ObjectEngine::open(backends, EngineOptions::default()).await.unwrap();
    let secret = std::fs::read(data.join("master.key")).unwrap();
    let master = MasterKey::filled_by(|key| key.copy_from_slice(&secret));
    SealedStore::new(engine, Arc::new(master), Arc::new(SystemRandom))
}

/// Takes the next number and puts its object, until all are taken.
async fn fill(store: SealedStore, bucket: Bucket, next: Arc<AtomicU64>, count: u64) {
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= count {
            return;
        }
        let put = Put {
            bucket: &bucket,
            key: &name_of(n),
            owner: &bucket.owner,
            encryption: sealed_store::Encryption::Server,
            metadata: ObjectMetadata::default(),
            storage_class: "STANDARD".into(),
            attached: Attached::default(),
            condition: WriteCondition::default(),
        };
        store.put(put, &mut Small { taken: false }).await.unwrap();
        if n.is_multiple_of(250_000) {
            println!("{n} of {count}");
        }
    }
}

fn name_of(n: u64) -> ObjectKey {
    let name = format!("d{:06}/e{}/object-{n:010}.parquet", n / 1_000, n / 100 % 10);
    ObjectKey::parse(&name).unwrap()
}

/// The body of every object.
struct Small {
    taken: bool,
}

#[async_trait]
impl PlainBody for Small {
    type Error = Infallible;

    fn length(&self) -> Option<u64> {
        Some(BODY.len() as u64)
    }

    async fn frame(&mut self) -> Result<Option<Bytes>, Infallible> {
        let first = !std::mem::replace(&mut self.taken, true);
        Ok(first.then_some(Bytes::from_static(BODY)))
    }

    fn finish(&mut self) -> Result<BodyDigests, Infallible> {
        use md5::{Digest as _, Md5};
        let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, BODY);
        let checksum = Checksum {
            algorithm: ChecksumAlgorithm::Crc64Nvme,
            kind: ChecksumKind::FullObject,
            value: crc.to_be_bytes().to_vec(),
            parts: 0,
        };
        Ok(BodyDigests { md5: Some(Md5::digest(BODY).into()), checksum: Some(checksum) })
    }
}

#[derive(Clone, Copy, Debug)]
struct SystemRandom;

impl Entropy for SystemRandom {
    fn fill(&self, out: &mut [u8]) {
        aws_lc_rs::rand::fill(out).unwrap();
    }
}

impl Randomness for SystemRandom {
    fn fill(&self, out: &mut [u8]) {
        Entropy::fill(self, out);
    }
}
