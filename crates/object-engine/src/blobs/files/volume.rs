//! The directory tree that blobs lie in, and whether it can still be trusted.
//!
//! Guarantees: a file's directory entry is durable once [`Directory::sync`] returned, and those who
//! ask at the same time share one fsync; after a failed sync nothing more is written (the kernel
//! drops the dirty pages of a failed sync and lets the next one succeed, so a retry would lie).
//!
//! Does not: know what is in a file. Everything here blocks; call it from the blocking pool.

use std::{
    collections::HashMap,
    os::fd::OwnedFd,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags},
    io::Errno,
};

use super::{
    super::{BlobError, BlobId},
    FileOptions,
    faults::{FileFault, FileOperation},
    names::{self, Lease},
};

/// Directories kept open beyond those in use; an evicted one costs two syncs when it comes back.
const DIRECTORIES_KEPT_MAX: usize = 256;

/// Owner only: what lies here is sealed, but nobody else has business with it.
pub(super) const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// A volume of blobs.
#[derive(Debug)]
pub(super) struct Volume {
    root: OwnedFd,
    pub(super) options: FileOptions,
    poisoned: AtomicBool,
    directories: Mutex<HashMap<Lease, Arc<Directory>>>,
}

/// The directory of one lease.
#[derive(Debug)]
pub(super) struct Directory {
    fd: OwnedFd,
    /// Tickets given to those who want the directory synced.
    asked: AtomicU64,
    /// The last ticket that a finished sync covers; held while syncing, so that the others wait.
    covered: Mutex<u64>,
}

impl Volume {
    pub(super) fn open(root: &Path, options: FileOptions) -> Result<Self, BlobError> {
        std::fs::create_dir_all(root).map_err(|error| BlobError::Unavailable(error.to_string()))?;
        let root = open_directory(CWD, root).map_err(write_error)?;
        // Its own entry must be durable too; a parent that may not be read is its owner's duty.
        if let Ok(parent) = open_directory(&root, "..") {
            rustix::fs::fsync(parent).map_err(write_error)?;
        }
        let directories = Mutex::default();
        Ok(Self { root, options, poisoned: AtomicBool::new(false), directories })
    }

    /// Its own directory.
    pub(super) fn root(&self) -> &OwnedFd {
        &self.root
    }

    /// Whether anything may still be written.
    pub(super) fn check(&self) -> Result<(), BlobError> {
        if self.poisoned.load(Ordering::Acquire) { Err(BlobError::Poisoned) } else { Ok(()) }
    }

    /// Asks the fault hook; the errno to act on, as if the kernel had said it.
    pub(super) fn fault(&self, operation: FileOperation) -> Result<(), Errno> {
        match self.options.faults.as_ref().and_then(|faults| faults.before(operation)) {
            None => Ok(()),
            Some(FileFault::InputOutput) => Err(Errno::IO),
            Some(FileFault::NoSpace) => Err(Errno::NOSPC),
            Some(FileFault::Invalid) => Err(Errno::INVAL),
        }
    }

    /// A new, empty file for `id` and the directory it is in.
    pub(super) fn create(&self, id: BlobId) -> Result<(OwnedFd, Arc<Directory>), BlobError> {
        self.check()?;
        let directory = self.directory(Lease::of(id))?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&directory.fd, names::file_name(id), flags, FILE_MODE);
        match file {
            Ok(file) => Ok((file, directory)),
            Err(Errno::EXIST) => Err(BlobError::Unavailable(format!("blob {id:?} exists already"))),
            Err(errno) => Err(write_error(errno)),
        }
    }

    /// Opens a blob's file for reading; with `cached_only`, fails by EAGAIN rather than wait.
    pub(super) fn open_file(&self, id: BlobId, cached_only: bool) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let path = names::file_path(id);
        if cached_only {
            let resolve = rustix::fs::ResolveFlags::CACHED;
            rustix::fs::openat2(&self.root, path, flags, Mode::empty(), resolve)
        } else {
            rustix::fs::openat(&self.root, path, flags, Mode::empty())
        }
    }

    /// Removes a blob's file, if there is one.
    pub(super) fn unlink(&self, id: BlobId) -> Result<(), BlobError> {
        match rustix::fs::unlinkat(&self.root, names::file_path(id), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(write_error(errno)),
        }
    }

    /// Syncs a blob's file. Where that fails the blob is lost and, but for lack of space (which
    /// file systems that allocate late report only here), the volume is poisoned.
    pub(super) fn sync_file(&self, file: &OwnedFd) -> Result<(), BlobError> {
        let synced = self.fault(FileOperation::SyncFile).and_then(|()| rustix::fs::fdatasync(file));
        synced.map_err(|errno| match write_error(errno) {
            BlobError::Full => BlobError::Full,
            _ => self.poison("a file", errno),
        })
    }

    /// Those of `ids` for which there is a file, in order.
    pub(super) fn present(&self, ids: &std::ops::Range<u64>) -> Result<Vec<BlobId>, BlobError> {
        let mut found = Vec::new();
        let touches = |span: &(u64, u64)| span.0 < ids.end && ids.start <= span.1;
        for group in self.list(".")? {
            let Some(span) = names::ids_of_group(&group).filter(touches) else { continue };
            for lease in self.list(&group)? {
                if names::ids_of_lease(span.0, &lease).filter(touches).is_some() {
                    let files = self.list(&format!("{group}/{lease}"))?;
                    found.extend(files.iter().filter_map(|name| names::id_of_file(name)));
                }
            }
        }
        found.retain(|id| ids.contains(&id.0));
        found.sort_unstable();
        Ok(found)
    }

    /// The names in a directory; none where it has just gone.
    fn list(&self, path: &str) -> Result<Vec<String>, BlobError> {
        let fd = match open_directory(&self.root, path) {
            Err(Errno::NOENT) => return Ok(Vec::new()),
            opened => opened.map_err(write_error)?,
        };
        let entries = rustix::fs::Dir::read_from(&fd).map_err(write_error)?;
        let name = |entry: Result<rustix::fs::DirEntry, Errno>| {
            entry.map(|entry| entry.file_name().to_string_lossy().into_owned())
        };
        entries.map(name).collect::<Result<_, _>>().map_err(write_error)
    }

    /// The directory of a lease, made durably if need be.
    fn directory(&self, lease: Lease) -> Result<Arc<Directory>, BlobError> {
        let mut directories = locked(&self.directories);
        if let Some(directory) = directories.get(&lease) {
            return Ok(Arc::clone(directory));
        }
        if directories.len() >= DIRECTORIES_KEPT_MAX {
            directories.retain(|_, directory| Arc::strong_count(directory) > 1);
        }
        let directory = Arc::new(self.make_directory(lease)?);
        directories.insert(lease, Arc::clone(&directory));
        Ok(directory)
    }

    /// Both parents are synced even where the directories exist: whoever made them may have died
    /// before its own sync.
    fn make_directory(&self, lease: Lease) -> Result<Directory, BlobError> {
        for path in [lease.group_name(), lease.path()] {
            match rustix::fs::mkdirat(&self.root, path, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(write_error(errno)),
            }
        }
        let group = open_directory(&self.root, lease.group_name()).map_err(write_error)?;
        self.sync_directory(&group)?;
        self.sync_directory(&self.root)?;
        let fd = open_directory(&self.root, lease.path()).map_err(write_error)?;
        Ok(Directory { fd, asked: AtomicU64::new(0), covered: Mutex::new(0) })
    }

    pub(super) fn sync_directory(&self, directory: &OwnedFd) -> Result<(), BlobError> {
        let synced =
            self.fault(FileOperation::SyncDirectory).and_then(|()| rustix::fs::fsync(directory));
        synced.map_err(|errno| self.poison("a directory", errno))
    }

    fn poison(&self, what: &str, errno: Errno) -> BlobError {
        self.poisoned.store(true, Ordering::Release);
        tracing::error!(%errno, "syncing {what} failed; nothing more is written to this volume");
        BlobError::Unavailable(format!("syncing {what} failed: {errno}"))
    }
}

impl Directory {
    /// Makes every entry that was created before this call durable.
    pub(super) fn sync(&self, volume: &Volume) -> Result<(), BlobError> {
        let ticket = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        let mut covered = locked(&self.covered);
        if *covered >= ticket {
            return Ok(());
        }
        // One that failed before us has taken our entry's error with it: ours would succeed falsely.
        volume.check()?;
        let covers = self.asked.load(Ordering::Acquire);
        volume.sync_directory(&self.fd)?;
        *covered = covers;
        Ok(())
    }
}

/// The class of an errno of writing, making or removing.
pub(super) fn write_error(errno: Errno) -> BlobError {
    match errno {
        Errno::NOSPC | Errno::DQUOT => BlobError::Full,
        errno => BlobError::Unavailable(errno.to_string()),
    }
}

fn open_directory(
    at: impl std::os::fd::AsFd,
    path: impl rustix::path::Arg,
) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(at, path, flags, Mode::empty())
}

/// What these locks guard changes in one step, so that a panic elsewhere leaves it whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
