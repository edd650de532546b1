//! The engine over what a server runs on: LMDB and files.

use std::{path::Path, sync::Arc};

use object_engine::{
    blobs::files::{FileBlobs, FileOptions},
    catalog::lmdb::{LmdbCatalog, LmdbOptions},
};

use crate::{crash, decorators::LastCommit, model, world::*};

/// A world below `directory`, which may have been one before.
fn below(directory: &Path) -> World {
    let catalog = directory.join("catalog");
    std::fs::create_dir_all(&catalog).unwrap();
    let options = LmdbOptions { map_bytes: 64 << 20, ..LmdbOptions::default() };
    let catalog = LmdbCatalog::open(&catalog, options).unwrap();
    let blobs = FileBlobs::open(directory.join("blobs"), FileOptions::default()).unwrap();
    World::over(Arc::new(catalog), Arc::new(blobs))
}

/// A world in a directory that goes with the test process's temporary files.
fn somewhere() -> World {
    let directory = tempfile::tempdir().unwrap();
    let mut world = below(directory.path());
    world.directory = Some(Arc::new(directory));
    world
}

#[tokio::test]
async fn what_was_stored_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let world = below(directory.path());
    let (bucket, state) = crash::run_script(&world).await;
    drop(world);
    let world = below(directory.path());
    let engine = world.open().await;
    assert_eq!(crash::state_of(&engine, &bucket).await, state);
    assert_clean(&engine).await;
}

#[tokio::test]
async fn a_crash_on_disk_loses_nothing_acknowledged() {
    crash::crash_everywhere(LastCommit::Lost, 23, somewhere).await;
    crash::crash_everywhere(LastCommit::Done, 29, somewhere).await;
}

#[test]
fn the_engine_on_disk_is_s3_on_one_page() {
    model::check(6, somewhere);
}
