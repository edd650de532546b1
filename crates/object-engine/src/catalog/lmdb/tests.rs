//! What only an engine with a disk can show, and the contract's suite.

use tempfile::TempDir;

use super::*;
use crate::catalog::contract;

const SMALL_MAP_BYTES: usize = 64 << 20;

fn options() -> LmdbOptions {
    LmdbOptions {
        map_bytes: SMALL_MAP_BYTES,
        on_fatal: Arc::new(|detail| panic!("unknown outcome: {detail}")),
        ..LmdbOptions::default()
    }
}

fn open(directory: &TempDir) -> LmdbCatalog {
    LmdbCatalog::open(directory.path(), options()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_contract_holds() {
    let mut directories = Vec::new();
    contract::holds(|| {
        let directory = tempfile::tempdir().unwrap();
        let catalog = open(&directory);
        directories.push(directory);
        Arc::new(catalog)
    })
    .await;
}
