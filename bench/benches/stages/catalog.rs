//! The embedded catalog: a synced commit, a read, and a walk over 1,000 records.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, Criterion};
use object_engine::catalog::{
    Catalog, Commit, Direction, Key, Read, Space, Step,
    lmdb::{LmdbCatalog, LmdbOptions},
};
use tokio::runtime::{Builder, Runtime};

/// As many as a page of a listing walks.
const RECORDS: u32 = 1_000;
/// What a head takes.
const RECORD_BYTES: usize = 300;

/// All stages of this module.
pub(crate) fn measure(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a directory for temporary files");
    let options = LmdbOptions { map_bytes: 1 << 30, ..LmdbOptions::default() };
    let catalog = LmdbCatalog::open(directory.path(), options).expect("a new catalog opens");
    let runtime = Builder::new_current_thread().build().expect("a runtime starts");
    runtime.block_on(catalog.commit(filled())).expect("there is space");
    commit(criterion, &catalog, &runtime);
    read(criterion, &catalog, &runtime);
    scan(criterion, &catalog, &runtime);
}

/// One commit that comes alone: the clock's time is that of two synced writes, and the disk's to say.
fn commit(criterion: &mut Criterion, catalog: &LmdbCatalog, runtime: &Runtime) {
    criterion.bench_function("catalog: commit, synced", |bencher| {
        bencher.iter_batched(
            || {
                let mut commit = Commit::default();
                commit.put(key(0), value());
                commit
            },
            |commit| runtime.block_on(catalog.commit(commit)).expect("there is space"),
            BatchSize::SmallInput,
        );
    });
}

fn read(criterion: &mut Criterion, catalog: &LmdbCatalog, runtime: &Runtime) {
    let reads = [Read::Get(key(500))];
    criterion.bench_function("catalog: read", |bencher| {
        bencher.iter(|| runtime.block_on(catalog.read(black_box(&reads))).expect("it is there"));
    });
}

fn scan(criterion: &mut Criterion, catalog: &LmdbCatalog, runtime: &Runtime) {
    criterion.bench_function("catalog: walk of 1,000 records", |bencher| {
        bencher.iter(|| {
            let mut seen = 0;
            let mut visitor = |_: &[u8], _, value: &[u8]| {
                seen += black_box(value).len();
                Step::Next
            };
            let walk = catalog.walk(Space::Index, b"h/", Direction::Forward, &mut visitor);
            runtime.block_on(walk).expect("they are there");
            seen
        });
    });
}

fn filled() -> Commit {
    let mut commit = Commit::default();
    for number in 0..RECORDS {
        commit.put(key(number), value());
    }
    commit
}

fn key(number: u32) -> Key {
    Key { space: Space::Index, bytes: format!("h/bucket/small/{number:06}").into_bytes() }
}

fn value() -> Bytes {
    Bytes::from_static(&[0x5a; RECORD_BYTES])
}
