//! `strongroom migrate`: from one data directory, catalog and blobs to others, while nothing serves either.
//!
//! Guarantees: both data directories are locked, and each catalog in PostgreSQL, before anything is read; the new
//! directory gets the master key of the old one before anything is copied, and never two different ones;
//! the old directory is only read. Does not: know records or blobs; the engine's `migrate` does.

mod home;
mod progress;

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use crate::{
    assemble::{self, Blobs, MoveOptions, Moved, Place},
    cli::MigrateArgs,
    config::parse_blobs,
    data_dir::{DataDir, cannot},
    failure::Failure,
    memory_guard,
    metadata::Metadata,
};

/// Runs the command.
pub(crate) fn run(args: MigrateArgs) -> Result<(), Failure> {
    memory_guard::forbid_core_dumps()?;
    memory_guard::make_files_private();
    let from_metadata = Metadata::parse(args.from_metadata, None)?;
    let to_metadata = Metadata::parse(args.to_metadata, None)?;
    let (from_blobs, to_blobs) = (parse_blobs(args.from_blobs)?, parse_blobs(args.to_blobs)?);
    check_source(&args.from, &from_metadata)?;
    let old = DataDir::open_alone(&args.from)?;
    check_apart(&args.from, &args.to)?;
    let new = DataDir::open_alone(&args.to)?;
    home::furnish(&old, &new)?;
    let blobs = match (&from_blobs, &to_blobs) {
        (Some(from), Some(to)) if from.is_same_store(to) => Blobs::Stay,
        _ => Blobs::Copied,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("cannot start the runtime").detail(error))?;
    let from = Place { data: &old, metadata: &from_metadata, blobs: from_blobs.as_ref() };
    let to = Place { data: &new, metadata: &to_metadata, blobs: to_blobs.as_ref() };
    let options = MoveOptions { blobs, retire: args.retire, read_back: args.read_back };
    let shown = progress::Shown::on_stderr();
    let moved = runtime.block_on(assemble::move_store(&from, &to, options, &shown));
    shown.end();
    print(&moved?)
}

/// Refuses what was never served: opening it would make it.
fn check_source(data: &Path, metadata: &Metadata) -> Result<(), Failure> {
    // With the catalog elsewhere an empty directory will do.
    let is_here = matches!(metadata, Metadata::DataDirectory);
    let has_catalog = if is_here { data.join("catalog").exists() } else { data.is_dir() };
    if has_catalog {
        return Ok(());
    }
    Err(Failure::failed(format!("{} holds no catalog", data.display())).hint(
        "name the data directory of a server with --from, and its --metadata with --from-metadata",
    ))
}

/// Refuses to move a store into itself.
fn check_apart(from: &Path, to: &Path) -> Result<(), Failure> {
    let real = |path: &Path| fs::canonicalize(path).map_err(|error| cannot("find", path, error));
    if to.exists() && real(from)? == real(to)? {
        return Err(Failure::wrong_usage("--from and --to are the same directory")
            .hint("the new server needs a data directory of its own, be it nearly empty"));
    }
    Ok(())
}

fn print(moved: &Moved) -> Result<(), Failure> {
    let mut text = String::new();
    for (name, space) in ["index", "records", "inline"].into_iter().zip(moved.summary.spaces) {
        let (records, bytes, checksum) = (space.records, space.bytes, space.checksum);
        text.push_str(&format!(
            "{name}\t{records} records\t{bytes} bytes\tcrc64 {checksum:016x}\n"
        ));
    }
    let (blobs, bytes) = (moved.summary.blobs, moved.summary.blob_bytes);
    text.push_str(&format!("blobs\t{blobs}\t{bytes} bytes\n"));
    text.push_str(if moved.is_new { "migrated\n" } else { "migrated by an earlier run\n" });
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed("cannot write to stdout").detail(error))
        }
        _ => Ok(()),
    }
}
