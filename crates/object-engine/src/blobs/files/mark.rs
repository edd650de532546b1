//! The mark of a volume: a file beside the directories of its blobs.
//!
//! Guarantees: the mark appears whole or not at all, for one of those who claim at the same time, also on
//! other machines that share the file system, and it is durable when the claim returns. Blocks.
//!
//! How: it is written under a name of the claimant's own, synced, and linked to its place, which fails where one
//! stands. Claimants of one installation share that name: they write the same bytes, and none cuts the file.

use std::{fs::File, io::Read as _, os::fd::OwnedFd};

use rustix::{
    fs::{AtFlags, Mode, OFlags},
    io::Errno,
};

use super::{
    super::{
        BlobError,
        installation::{InstallationId, MARK, MARK_BYTES_MAX},
    },
    faults::FileOperation,
    volume::{FILE_MODE, Volume, write_error},
};

impl Volume {
    /// Whose volume this is; `None`: it carries no mark.
    pub(super) fn installation(&self) -> Result<Option<InstallationId>, BlobError> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(self.root(), MARK, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            opened => File::from(opened.map_err(write_error)?),
        };
        let mut mark = Vec::new();
        let read = file.take(MARK_BYTES_MAX).read_to_end(&mut mark);
        read.map_err(|error| BlobError::Unavailable(error.to_string()))?;
        InstallationId::from_mark(&mark).map(Some)
    }

    /// Marks the volume, unless it carries a mark; whose it is from now on.
    pub(super) fn claim(&self, ours: InstallationId) -> Result<InstallationId, BlobError> {
        self.check()?;
        if self.installation()?.is_none() {
            self.make_mark(ours)?;
        }
        // Also a mark that somebody else made: who that was may have died before its own sync.
        self.sync_directory(self.root())?;
        let gone =
            || BlobError::Unavailable(format!("`{MARK}` was removed as soon as it was made"));
        self.installation()?.ok_or_else(gone)
    }

    fn make_mark(&self, ours: InstallationId) -> Result<(), BlobError> {
        let draft = format!("{MARK}.{ours}");
        let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
        let file =
            rustix::fs::openat(self.root(), &draft, flags, FILE_MODE).map_err(write_error)?;
        self.write_mark(&file, ours.to_mark().as_bytes()).map_err(write_error)?;
        self.sync_file(&file)?;
        let (root, no_flags) = (self.root(), AtFlags::empty());
        match rustix::fs::linkat(root, &draft, root, MARK, no_flags) {
            // Without a draft: another of the same installation has linked and removed it.
            Ok(()) | Err(Errno::EXIST | Errno::NOENT) => {}
            Err(errno) => return Err(write_error(errno)),
        }
        match rustix::fs::unlinkat(root, &draft, no_flags) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(write_error(errno)),
        }
    }

    fn write_mark(&self, file: &OwnedFd, mut mark: &[u8]) -> Result<(), Errno> {
        let mut at = 0;
        while !mark.is_empty() {
            self.fault(FileOperation::Write)?;
            match rustix::io::pwrite(file, mark, at) {
                Ok(0) => return Err(Errno::IO),
                Ok(written) => {
                    mark = &mark[written..];
                    at += written as u64;
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::Arc};

    use super::{
        super::{
            FileOptions,
            faults::{FailNth, FileFault},
        },
        *,
    };

    const OURS: InstallationId = InstallationId([5; 16]);
    const ANOTHERS: InstallationId = InstallationId([6; 16]);

    fn volume(directory: &tempfile::TempDir) -> Volume {
        Volume::open(directory.path(), FileOptions::default()).unwrap()
    }

    fn names(directory: &tempfile::TempDir) -> Vec<String> {
        let entries = fs::read_dir(directory.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_mark_that_came_between_the_look_and_the_link_stays() {
        let directory = tempfile::tempdir().unwrap();
        let volume = volume(&directory);
        volume.make_mark(ANOTHERS).unwrap();
        volume.make_mark(OURS).unwrap();
        assert_eq!(volume.installation(), Ok(Some(ANOTHERS)));
        assert_eq!(volume.claim(OURS), Ok(ANOTHERS));
        assert_eq!(names(&directory), [MARK], "no draft is left");
    }

    #[test]
    fn a_draft_that_was_left_half_written_is_written_anew() {
        let directory = tempfile::tempdir().unwrap();
        let draft = directory.path().join(format!("{MARK}.{OURS}"));
        fs::write(draft, &OURS.to_mark().as_bytes()[..9]).unwrap();
        assert_eq!(volume(&directory).claim(OURS), Ok(OURS));
        let mark = fs::read_to_string(directory.path().join(MARK)).unwrap();
        assert_eq!(mark, OURS.to_mark());
        assert_eq!(names(&directory), [MARK], "no draft is left");
    }

    #[test]
    fn no_mark_appears_that_is_not_written_and_synced() {
        for operation in [FileOperation::Write, FileOperation::SyncFile] {
            let directory = tempfile::tempdir().unwrap();
            let faults = Arc::new(FailNth::new(1, operation, FileFault::InputOutput));
            let options = FileOptions { faults: Some(faults), ..FileOptions::default() };
            let faulty = Volume::open(directory.path(), options).unwrap();
            assert!(faulty.claim(OURS).is_err(), "{operation:?}");
            let next = volume(&directory);
            assert_eq!(next.installation(), Ok(None), "{operation:?}");
            assert_eq!(next.claim(ANOTHERS), Ok(ANOTHERS));
        }
    }
}
