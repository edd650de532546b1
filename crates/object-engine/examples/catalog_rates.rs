//! Rates of the embedded catalog on this machine: `cargo run --release --example catalog_rates -- DIRECTORY`.
//!
//! Prints synced commits a second with 64 writers of 4.5 KiB, and walks of 1,000 heads a second.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for a terminal")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use object_engine::catalog::lmdb::{LmdbCatalog, LmdbOptions};
use object_engine::catalog::{Catalog, Commit, Direction, Key, Space, Stamp, Step};

const WRITERS: u64 = 64;
const VALUE_BYTES: usize = 4_608;
const HEAD_BYTES: usize = 300;
const TIME: Duration = Duration::from_secs(4);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let directory = std::env::args_os().nth(1).expect("a directory for the catalog");
    let catalog = LmdbCatalog::open(directory.as_ref(), LmdbOptions::default()).unwrap();
    let catalog: Arc<dyn Catalog> = Arc::new(catalog);
    println!("{} commits/s of a head and {VALUE_BYTES} bytes", commits(&catalog).await);
    for direction in [Direction::Forward, Direction::Backward] {
        println!("{} walks/s of 1,000 heads, {direction:?}", walks(&catalog, direction).await);
    }
}

async fn commits(catalog: &Arc<dyn Catalog>) -> u64 {
    let done = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (catalog, done) = (Arc::clone(catalog), Arc::clone(&done));
            tokio::spawn(async move {
                for n in 0_u64.. {
                    let mixed = (n * WRITERS + writer).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                    let bytes = format!("bucket/{mixed:020}").into_bytes();
                    let mut commit = Commit::default();
                    commit.put(
                        Key { space: Space::Index, bytes: bytes.clone() },
                        vec![1; HEAD_BYTES],
                    );
                    commit.put(Key { space: Space::Inline, bytes }, vec![2; VALUE_BYTES]);
                    catalog.commit(commit).await.unwrap();
                    done.fetch_add(1, Ordering::Relaxed);
                    if begun.elapsed() > TIME {
                        return;
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    done.load(Ordering::Relaxed) / TIME.as_secs()
}

async fn walks(catalog: &Arc<dyn Catalog>, direction: Direction) -> u64 {
    let begun = Instant::now();
    let mut done = 0;
    while begun.elapsed() < TIME {
        let mut seen = 0;
        let mut bytes = 0;
        let mut visitor = |key: &[u8], _: Stamp, value: &[u8]| {
            seen += 1;
            bytes += key.len() + value.len();
            if seen == 1_000 { Step::Stop } else { Step::Next }
        };
        let from = format!("bucket/{:02}", 1 + done % 17);
        catalog.walk(Space::Index, from.as_bytes(), direction, &mut visitor).await.unwrap();
        done += 1;
    }
    done / TIME.as_secs()
}
