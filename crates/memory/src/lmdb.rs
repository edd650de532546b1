//! Mapping the catalog's LMDB environment into memory.
//!
//! Guarantees: the map is read-only, writes go through `pwrite` and `fdatasync`, and no flag is set
//! that trades safety for speed (no `WRITEMAP`, `NOSYNC`, `NOMETASYNC`, `NOLOCK` or `NOMEMINIT`).
//!
//! Does not: guard the directory against other programs. Who opens it holds its lock file.

use std::path::Path;

use heed::{Env, EnvOpenOptions, WithoutTls};

/// What an environment is opened with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapOptions {
    /// The address space reserved, and so the most that the database may ever hold. A multiple of
    /// the page size. It costs neither memory nor disk until it is used.
    pub map_bytes: usize,
    /// How many read transactions may be open at one moment.
    pub readers_max: u32,
    /// How many named databases the environment may hold.
    pub databases_max: u32,
}

/// Opens, and if need be creates, the environment in the directory `path`.
///
/// Read transactions are not tied to threads, so that async workers may use any number of them.
///
/// # Errors
/// The directory does not exist or cannot be written, its files are no LMDB environment, or this
/// process has it open already.
#[expect(
    unsafe_code,
    reason = "a file is mapped: only its owner can promise that none else writes it"
)]
pub fn map_lmdb(path: &Path, options: &MapOptions) -> heed::Result<Env<WithoutTls>> {
    let mut open = EnvOpenOptions::new().read_txn_without_tls();
    open.map_size(options.map_bytes)
        .max_readers(options.readers_max)
        .max_dbs(options.databases_max);
    // SAFETY: the danger is that the file changes under the map other than through LMDB.
    // - This process opens a directory once: heed keeps a table of the open environments by
    //   canonical path and refuses a second one (`EnvAlreadyOpened`).
    // - Another process of this program is kept out by `serve.lock`, which is held while the catalog
    //   is open; were it bypassed, LMDB's own lock file still serialises writers and keeps pages
    //   that another's reader uses (NOLOCK is not set).
    // - Any other program that writes the file is outside what a mapped file can defend against.
    //   The directory is 0700 and the files are 0600, so it would be the same user's or root's.
    //   Records carry a checksum that is verified on every read, which narrows the damage.
    // - The map is read-only (WRITEMAP is not set): no stray write in this process can reach it.
    unsafe { open.open(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: MapOptions = MapOptions { map_bytes: 1 << 20, readers_max: 8, databases_max: 2 };

    #[test]
    fn a_directory_is_opened_once_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let first = map_lmdb(directory.path(), &SMALL).unwrap();
        let second = map_lmdb(directory.path(), &SMALL);
        assert!(matches!(second, Err(heed::Error::EnvAlreadyOpened)));
        drop(first);
        assert!(map_lmdb(directory.path(), &SMALL).is_ok());
    }

    #[test]
    fn no_flag_trades_safety_for_speed() {
        let directory = tempfile::tempdir().unwrap();
        let environment = map_lmdb(directory.path(), &SMALL).unwrap();
        // MDB_NOTLS alone.
        assert_eq!(environment.get_flags().unwrap(), 0x20_0000);
    }
}
