//! What a lifecycle pass costs where nothing is due:
//! `cargo run --release -p s3-front --example lifecycle_pass -- DIRECTORY KEYS`.
//!
//! Fills a catalog in an empty directory, then prints the time and the CPU time of one pass.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for a terminal")]

use std::{path::Path, sync::Arc, time::Instant};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use object_engine::{
    blobs::memory::MemoryBlobs,
    catalog::lmdb::{LmdbCatalog, LmdbOptions},
    clock::SystemClock,
    engine::{Backends, EngineOptions, ObjectEngine},
    entropy::Entropy,
    model::*,
};
use s3_front::lifecycle::{DayLength, LifecycleWorker};
use tokio::sync::watch;

/// Puts that are under way together, so that they share synced commits.
const TOGETHER: usize = 512;

#[derive(Debug)]
struct Random;

impl Entropy for Random {
    fn fill(&self, out: &mut [u8]) {
        aws_lc_rs::rand::fill(out).unwrap();
    }
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().expect("a directory for the catalog");
    let keys: u64 = arguments.next().expect("a number of keys").parse().unwrap();
    let engine = open(Path::new(&directory)).await;
    let name = BucketName::parse("bucket").unwrap();
    let owner = AccountId("owner".into());
    let made = engine.create_bucket(&name, &owner, "us-east-1").await.unwrap();
    let CreateBucket::Created(bucket) = made else { panic!("the directory is not empty") };
    let rules = "<LifecycleConfiguration><TransitionDefaultMinimumObjectSize>all_storage_classes_128K</TransitionDefaultMinimumObjectSize><Rule><ID>a</ID><Filter></Filter><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>";
    assert!(engine.set_setting(&bucket, "lifecycle", Some(rules.into())).await.unwrap());
    let bucket = engine.bucket(&name).await.unwrap().unwrap();
    stream::iter(0..keys).for_each_concurrent(TOGETHER, |at| put(&engine, &bucket, at)).await;
    let worker = LifecycleWorker::new(engine, Arc::new(SystemClock), DayLength::Calendar);
    let (_stop, stopped) = watch::channel(false);
    let (begun, cpu) = (Instant::now(), cpu_ticks());
    let pass = worker.pass(&stopped).await.unwrap();
    let cpu = (cpu_ticks() - cpu) * 10;
    println!("{keys} keys: {:?}, {cpu} ms of CPU; {pass:?}", begun.elapsed());
}

async fn open(directory: &Path) -> ObjectEngine {
    let backends = Backends {
        catalog: Arc::new(LmdbCatalog::open(directory, LmdbOptions::default()).unwrap()),
        blobs: Arc::new(MemoryBlobs::default()),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(Random),
    };
    ObjectEngine::open(backends, EngineOptions::default()).await.unwrap()
}

async fn put(engine: &ObjectEngine, bucket: &Bucket, at: u64) {
    let key = ObjectKey::parse(&format!("logs/{at:012}/of-some-application")).unwrap();
    let part = StoredPart {
        number: 1,
        length: 100,
        place: Place::Inline(Bytes::from_static(&[7; 148])),
        header: Bytes::from_static(&[7; 56]),
        etag: ETag(format!("{at:032x}")),
        seal: Bytes::new(),
    };
    let object = StoredObject {
        holder: Holder::Customer,
        size: part.length,
        etag: part.etag.clone(),
        storage_class: "STANDARD".into(),
        checksum: None,
        envelope: Bytes::from_static(&[7; 200]),
        seals: Vec::new(),
        attached: Attached::default(),
        body_id: BodyId(u128::from(at).to_be_bytes()),
        body: Body::Whole(part),
    };
    let uid = VersionUid(u128::from(at).to_be_bytes());
    let owner = bucket.owner.clone();
    let new = NewVersion { uid, owner, object, condition: WriteCondition::default() };
    let mut seals = |_: &Assigned| vec![Bytes::from_static(&[7; 120])];
    let published = engine.publish(bucket, &key, new, &mut seals).await.unwrap();
    assert!(matches!(published, Published::Done(_)));
}

/// User and system time of this process, in hundredths of a second.
fn cpu_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
