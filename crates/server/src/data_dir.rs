//! The data directory: one server at a time, private files, secrets made once.
//!
//! ```text
//! serve.lock    who serves (flock; holds the pid)      0600
//! admin.sock    `strongroom user` speaks to it         0600
//! master.key    32 random bytes                        0600
//! credentials   root's, AWS shared-credentials format  0600
//! tls/          ca.pem ca-key.pem cert.pem key.pem     0600
//! catalog/      metadata
//! blobs/        sealed bytes
//! migrated      filled by `strongroom migrate`, the master key being kept elsewhere
//! ```
//!
//! Guarantees: a [`DataDir`] holds the lock while it lives; no secret file is ever overwritten, and
//! each appears whole or not at all, also after a power loss. Does not: read the catalog or blobs.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::rand;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The name of the master key's file.
pub(crate) const MASTER_KEY: &str = "master.key";

/// The name of the file that says that a migration filled the directory, and no master key with it.
pub(crate) const MIGRATED: &str = "migrated";

/// A data directory that this process alone may change.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// Held, not read: closing it gives the lock up.
    _lock: File,
}

/// Whether the lock could be had.
#[derive(Debug)]
pub(crate) enum Opened {
    /// Ours until dropped.
    Ours(DataDir),
    /// A server holds it.
    Served {
        /// Its process id, where it could be read.
        pid: Option<u32>,
    },
}

impl DataDir {
    /// Makes the directory (0700) if there is none, and takes the lock or finds out who has it.
    pub(crate) fn open(path: &Path) -> Result<Opened, Failure> {
        make_private_dir(path)?;
        warn_if_others_may_enter(path);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join("serve.lock"))
            .map_err(|error| cannot("open", &path.join("serve.lock"), error))?;
        match file.try_lock() {
            Ok(()) => {
                let lock = write_pid(file)
                    .map_err(|error| cannot("write", &path.join("serve.lock"), error))?;
                Ok(Opened::Ours(Self { path: path.to_owned(), _lock: lock }))
            }
            Err(TryLockError::WouldBlock) => Ok(Opened::Served { pid: read_pid(file) }),
            Err(TryLockError::Error(error)) => Err(cannot("lock", &path.join("serve.lock"), error)
                .hint("the data directory must be on a local file system")),
        }
    }

    /// As [`open`](Self::open), for who must have the directory alone.
    pub(crate) fn open_alone(path: &Path) -> Result<Self, Failure> {
        match Self::open(path)? {
            Opened::Ours(data) => Ok(data),
            Opened::Served { pid } => {
                let who = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
                let fact = format!("another server{who} serves {}", path.display());
                Err(Failure::failed(fact)
                    .hint("stop it first, or serve another directory with --data-dir"))
            }
        }
    }

    /// The directory, as it was given.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the catalog is; made if missing.
    pub(crate) fn catalog(&self) -> Result<PathBuf, Failure> {
        self.subdirectory("catalog")
    }

    /// Where the blobs are; made if missing.
    pub(crate) fn blobs(&self) -> Result<PathBuf, Failure> {
        self.subdirectory("blobs")
    }

    /// Where certificates are; made if missing.
    pub(crate) fn tls(&self) -> Result<PathBuf, Failure> {
        self.subdirectory("tls")
    }

    /// Where `strongroom user` finds a running server.
    pub(crate) fn admin_socket(&self) -> PathBuf {
        admin_socket_in(&self.path)
    }

    fn subdirectory(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.path.join(name);
        make_private_dir(&path)?;
        Ok(path)
    }

    /// The master key's bytes, from `given` or from this directory, where first start makes them.
    pub(crate) fn master_key(&self, given: Option<&Path>) -> Result<Zeroizing<[u8; 32]>, Failure> {
        let path = given.map_or_else(|| self.path.join(MASTER_KEY), Path::to_owned);
        match File::open(&path) {
            Ok(file) => read_master_key(file, &path),
            Err(error) if error.kind() == io::ErrorKind::NotFound && given.is_none() => {
                self.make_master_key(&path)
            }
            Err(error) => Err(cannot("read", &path, error)
                .hint("--master-key-file must name a file of exactly 32 random bytes")),
        }
    }

    /// Draws a master key, unless data stands that only the lost one can open.
    fn make_master_key(&self, path: &Path) -> Result<Zeroizing<[u8; 32]>, Failure> {
        if self.path.join(MIGRATED).exists() {
            return Err(Failure::failed(format!(
                "the master key of what was moved to {} is kept elsewhere",
                self.path.display()
            ))
            .hint("name it with --master-key-file, as for the server before"));
        }
        if self.path.join("catalog").exists() {
            return Err(Failure::failed(format!(
                "the master key {} is missing although a catalog stands beside it",
                path.display()
            ))
            .hint("restore it from its backup, or name it with --master-key-file; a new one would not open what is stored"));
        }
        let mut key = Zeroizing::new([0; 32]);
        fill_random(&mut *key)?;
        create_secret(path, &*key)?;
        Ok(key)
    }
}

/// Where a server of `data_dir` listens for `strongroom user`.
pub(crate) fn admin_socket_in(data_dir: &Path) -> PathBuf {
    data_dir.join("admin.sock")
}

fn read_master_key(mut file: File, path: &Path) -> Result<Zeroizing<[u8; 32]>, Failure> {
    let mut key = Zeroizing::new([0; 32]);
    let mut beyond = [0; 1];
    let whole = file.read_exact(&mut *key).and_then(|()| file.read(&mut beyond));
    match whole {
        Ok(0) => Ok(key),
        Ok(_) => Err(Failure::failed(format!("the master key {} is not valid", path.display()))
            .detail("it has more than 32 bytes")
            .hint("it must be raw bytes, not text")),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(Failure::failed(format!("the master key {} is not valid", path.display()))
                .detail("it has fewer than 32 bytes")
                .hint("restore it from its backup"))
        }
        Err(error) => Err(cannot("read", path, error)),
    }
}

/// Fills `out` from the operating system's generator.
pub(crate) fn fill_random(out: &mut [u8]) -> Result<(), Failure> {
    rand::fill(out).map_err(|_| Failure::failed("the operating system gives no randomness"))
}

/// Makes `path` with these contents and mode 0600. An existing file is left alone and is an error.
pub(crate) fn create_secret(path: &Path, contents: &[u8]) -> Result<(), Failure> {
    create_file(path, contents).map_err(|error| cannot("create", path, error))
}

/// Writes beside the name, syncs, then links: the name appears with everything in it or not at all,
/// and linking onto an existing name fails where renaming would replace it.
fn create_file(path: &Path, contents: &[u8]) -> io::Result<()> {
    let draft = draft_of(path);
    write_draft(&draft, contents)?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    linked?;
    sync_parent(path)
}

/// Makes or replaces `path` (0600), atomically. For certificates, made again when names change.
pub(crate) fn replace_file(path: &Path, contents: &[u8]) -> Result<(), Failure> {
    let draft = draft_of(path);
    write_draft(&draft, contents)
        .and_then(|()| fs::rename(&draft, path))
        .and_then(|()| sync_parent(path))
        .map_err(|error| cannot("write", path, error))
}

fn draft_of(path: &Path) -> PathBuf {
    path.with_added_extension("new")
}

fn write_draft(draft: &Path, contents: &[u8]) -> io::Result<()> {
    match fs::remove_file(draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {} // a draft left by a crash is nobody's
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(contents)?;
    file.sync_all()
}

fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

fn make_private_dir(path: &Path) -> Result<(), Failure> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| cannot("make the directory", path, error))
}

fn warn_if_others_may_enter(path: &Path) {
    let mode = fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        tracing::warn!(
            directory = %path.display(),
            mode = format!("{:04o}", mode & 0o7777),
            "others may enter the data directory; it should have mode 0700"
        );
    }
}

fn write_pid(mut file: File) -> io::Result<File> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())?;
    Ok(file)
}

fn read_pid(mut file: File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// "cannot VERB PATH: why".
pub(crate) fn cannot(verb: &str, path: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("cannot {verb} {}", path.display())).detail(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_lock_is_had_once_and_names_its_holder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let first = DataDir::open_alone(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        let refusal = DataDir::open_alone(&path).unwrap_err().to_string();
        assert!(refusal.contains(&format!("(pid {})", std::process::id())), "{refusal}");
        drop(first);
        assert!(DataDir::open_alone(&path).is_ok());
    }

    #[test]
    fn the_master_key_is_made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open_alone(dir.path()).unwrap();
        let first = data.master_key(None).unwrap();
        assert_eq!(mode(&dir.path().join("master.key")), 0o600);
        assert_eq!(*data.master_key(None).unwrap(), *first);
        assert_ne!(*first, [0; 32]);
    }

    #[test]
    fn a_lost_master_key_is_not_replaced_beside_a_catalog() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open_alone(dir.path()).unwrap();
        data.catalog().unwrap();
        let refusal = data.master_key(None).unwrap_err().to_string();
        assert!(refusal.contains("restore it from its backup"), "{refusal}");
        assert!(!dir.path().join("master.key").exists());
    }

    #[test]
    fn a_master_key_of_another_length_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open_alone(dir.path()).unwrap();
        for length in [0, 31, 33] {
            let path = dir.path().join(format!("key-{length}"));
            fs::write(&path, vec![1; length]).unwrap();
            assert!(data.master_key(Some(&path)).is_err(), "{length}");
        }
        assert!(data.master_key(Some(&dir.path().join("absent"))).is_err());
    }

    #[test]
    fn a_secret_is_never_overwritten_and_a_draft_of_a_crash_does_not_hinder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        fs::write(dir.path().join("secret.new"), "torn").unwrap();
        create_secret(&path, b"first").unwrap();
        assert!(create_secret(&path, b"second").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert!(!dir.path().join("secret.new").exists());
    }
}
