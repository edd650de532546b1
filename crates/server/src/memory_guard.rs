//! Keeps the process's memory out of files that others could read.
//!
//! Guarantees: no core dump of this process is written, and no process without root's rights may
//! attach to it or read its memory. Does not: hinder root, or keep pages out of swap; the unit file
//! forbids swap (`MemorySwapMax=0`).

use rustix::{
    fs::Mode,
    process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit, umask},
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

/// Whatever this process creates from here on is its own user's alone.
pub(crate) fn make_files_private() {
    umask(Mode::RWXG | Mode::RWXO);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_dumps_are_off_after_the_call() {
        forbid_core_dumps().unwrap();
        assert_eq!(rustix::process::getrlimit(Resource::Core).current, Some(0));
        let behavior = rustix::process::dumpable_behavior().unwrap();
        assert_eq!(behavior, DumpableBehavior::NotDumpable);
    }
}
