//! Keeps the process's memory out of files that others could read, and its size near to what is used.
//!
//! Guarantees: no core dump of this process is written, and no process without root's rights may
//! attach to it or read its memory; it gets no transparent huge pages, where the kernel lets it refuse
//! them. Does not: hinder root, or keep pages out of swap; the unit file forbids swap
//! (`MemorySwapMax=0`).

use rustix::{
    fs::Mode,
    process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit, umask},
    thread::disable_transparent_huge_pages,
};

use crate::failure::Failure;

/// Forbids core dumps, by the attribute and by the limit: either alone can be undone by a setting of
/// the machine (`fs.suid_dumpable`, a piped `core_pattern` that ignores the limit).
pub(crate) fn forbid_core_dumps() -> Result<(), Failure> {
    let refused = |error: rustix::io::Errno| {
        Failure::failed("cannot forbid core dumps, which would hold customers' keys").detail(error)
    };
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).map_err(refused)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(refused)
}

/// Refuses transparent huge pages. The allocator asks for them for all that it reserves, and scatters
/// what it gives out: the first byte used of 2 MiB then holds all of them. A server with nothing to do
/// held 17 MiB by 0.6 MiB in use, and at its peak 50 MiB too many; no request cost less for it.
pub(crate) fn refuse_huge_pages() {
    if let Err(error) = disable_transparent_huge_pages(true) {
        tracing::warn!(%error, "huge pages cannot be refused: expect some 50 MiB more memory");
    }
}

/// Whatever this process creates from here on is its own user's alone.
pub(crate) fn make_files_private() {
    umask(Mode::RWXG | Mode::RWXO);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn huge_pages_are_off_after_the_call() {
        refuse_huge_pages();
        assert!(rustix::thread::transparent_huge_pages_are_disabled().unwrap());
    }

    #[test]
    fn core_dumps_are_off_after_the_call() {
        forbid_core_dumps().unwrap();
        assert_eq!(rustix::process::getrlimit(Resource::Core).current, Some(0));
        let behavior = rustix::process::dumpable_behavior().unwrap();
        assert_eq!(behavior, DumpableBehavior::NotDumpable);
    }
}
