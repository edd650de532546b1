//! Where a blob's file lies.
//!
//! `<id>>20, 11 hex digits>/<next 8 bits, 2 digits>/<id, 16 digits>`: each leased range of 4,096 ids
//! owns one directory, so that those who finish blobs at the same time sync one directory between
//! them, and a sweep of a dead lease reads one directory.
//!
//! Does not: touch the disk.

use super::super::BlobId;

/// Ids that share a directory: 2 to this power.
const LEASE_BITS: u32 = 12;

/// Directories that share a parent: 2 to this power.
const GROUP_BITS: u32 = 8;

/// The directory of 4,096 ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Lease(u64);

impl Lease {
    pub(super) fn of(id: BlobId) -> Self {
        Self(id.0 >> LEASE_BITS)
    }

    /// The name of the parent directory.
    pub(super) fn group_name(self) -> String {
        format!("{:011x}", self.0 >> GROUP_BITS)
    }

    /// The directory, relative to the volume.
    pub(super) fn path(self) -> String {
        format!("{}/{:02x}", self.group_name(), self.0 & ((1 << GROUP_BITS) - 1))
    }
}

/// The file's name in its directory.
pub(super) fn file_name(id: BlobId) -> String {
    format!("{:016x}", id.0)
}

/// The file, relative to the volume.
pub(super) fn file_path(id: BlobId) -> String {
    format!("{}/{}", Lease::of(id).path(), file_name(id))
}

/// The ids below a group directory of this name: first and last.
pub(super) fn ids_of_group(name: &str) -> Option<(u64, u64)> {
    span(parse(name, 11)?, LEASE_BITS + GROUP_BITS)
}

/// The ids in the directory `name` of a group that starts at `first`: first and last.
pub(super) fn ids_of_lease(first: u64, name: &str) -> Option<(u64, u64)> {
    span((first >> LEASE_BITS) + parse(name, 2)?, LEASE_BITS)
}

/// The blob whose file has this name.
pub(super) fn id_of_file(name: &str) -> Option<BlobId> {
    parse(name, 16).map(BlobId)
}

fn span(number: u64, bits: u32) -> Option<(u64, u64)> {
    let first = number.checked_mul(1 << bits)?;
    Some((first, first + ((1 << bits) - 1)))
}

/// Exactly `digits` lowercase hex digits: what this module writes and nothing else.
fn parse(name: &str, digits: usize) -> Option<u64> {
    let ours = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let valid = name.len() == digits && name.bytes().all(ours);
    valid.then(|| u64::from_str_radix(name, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_one_directory() {
        assert_eq!(file_path(BlobId(0)), "00000000000/00/0000000000000000");
        assert_eq!(file_path(BlobId(4095)), "00000000000/00/0000000000000fff");
        assert_eq!(file_path(BlobId(4096)), "00000000000/01/0000000000001000");
        assert_eq!(file_path(BlobId(0x12_3456)), "00000000001/23/0000000000123456");
        assert_eq!(file_path(BlobId(u64::MAX)), "fffffffffff/ff/ffffffffffffffff");
    }

    #[test]
    fn names_lead_back_to_ids() {
        for id in [0, 1, 4095, 4096, 0x12_3456, u64::MAX - 4096, u64::MAX] {
            let path = file_path(BlobId(id));
            let names: Vec<&str> = path.split('/').collect();
            let group = ids_of_group(names[0]).unwrap();
            let lease = ids_of_lease(group.0, names[1]).unwrap();
            assert!(group.0 <= lease.0 && lease.1 <= group.1);
            assert!((lease.0..=lease.1).contains(&id));
            assert_eq!(id_of_file(names[2]), Some(BlobId(id)));
        }
    }

    #[test]
    fn foreign_names_are_not_ours() {
        assert_eq!(ids_of_group("lost+found"), None);
        assert_eq!(ids_of_group("0000000000A"), None);
        assert_eq!(ids_of_lease(0, "+1"), None);
        assert_eq!(id_of_file("0000000000000000.tmp"), None);
    }
}
