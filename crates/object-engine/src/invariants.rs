//! What must hold of every commit, by name.
//!
//! Guarantees: a predicate here is asserted before the commit it is about, in every build; each is
//! cheap. Each tells the history that it closes. A failed one is this crate's own mistake, and stops
//! the verb before anything is written.

use crate::{
    catalog::{Commit, Expect, Space},
    model::{Body, Place, StoredObject, StoredPart},
    record::{HEAD_BYTES_MAX, Head},
};

/// A head's sequence only grows while the key has versions, and the null version is never newer than
/// the newest. *Near miss:* with order taken from the clock, a step back in time made an overwrite
/// invisible: it sorted below what it replaced.
pub(crate) fn head_moves_forward(old: Option<&Head>, new: &Head) -> bool {
    old.is_none_or(|old| new.sequence > old.sequence) && new.null.is_none_or(|n| n <= new.sequence)
}

/// A head is small. *Near miss:* user metadata kept in heads made one page of a listing 2 MiB.
pub(crate) fn head_is_small(encoded: &[u8]) -> bool {
    encoded.len() <= HEAD_BYTES_MAX
}

/// A commit that writes a version checks its key's head and its bucket. *Near miss:* without the
/// bucket's check, an object outlived its bucket and came back in the next one of that name.
pub(crate) fn version_commit_is_guarded(commit: &Commit) -> bool {
    let checks = |prefix: &[u8]| {
        commit
            .checks
            .iter()
            .any(|(key, _)| key.space == Space::Index && key.bytes.starts_with(prefix))
    };
    checks(b"b/") && (checks(b"h/") || checks(b"t/"))
}

/// A blob that is referred to for the first time is fenced by its lease. *Near miss:* a writer that
/// paused for longer than its lease committed a reference to a blob that the sweeper had deleted.
pub(crate) fn new_blob_is_fenced(commit: &Commit) -> bool {
    let fenced = commit
        .checks
        .iter()
        .any(|(key, expect)| key.bytes.starts_with(b"l/") && matches!(expect, Expect::Stamp(_)));
    let introduces = commit
        .checks
        .iter()
        .any(|(key, expect)| key.bytes.starts_with(b"o/") && *expect == Expect::Absent);
    fenced || !introduces
}

/// A body put whole is one part of the object's own length. *Near miss:* a length taken from the
/// request's header instead of from what was sealed.
pub(crate) fn body_matches_size(object: &StoredObject) -> bool {
    match &object.body {
        Body::Whole(part) => part.length == object.size,
        Body::Parts { parts } => *parts > 0,
    }
}

/// Chosen parts ascend by number. *Near miss:* a list with one part twice doubled an object.
pub(crate) fn parts_ascend<'p>(mut parts: impl Iterator<Item = &'p StoredPart>) -> bool {
    let Some(first) = parts.next() else { return false };
    let mut last = first.number;
    parts.all(|part| std::mem::replace(&mut last, part.number) < part.number)
}

/// Two places are the same stored bytes. *Near miss:* a part uploaded again with the same ETag was
/// completed in the place of the one that had been verified.
pub(crate) fn is_same_place(one: &Place, other: &Place) -> bool {
    one == other
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ETag;
    use bytes::Bytes;

    fn head(sequence: u64, null: Option<u64>) -> Head {
        Head { sequence, null, shown: None }
    }

    fn part(number: u32) -> StoredPart {
        StoredPart {
            number,
            length: 0,
            place: Place::Inline(Bytes::new()),
            header: Bytes::new(),
            etag: ETag(String::new()),
            seal: Bytes::new(),
        }
    }

    #[test]
    fn heads_never_move_back() {
        assert!(head_moves_forward(None, &head(1, Some(1))));
        assert!(head_moves_forward(Some(&head(1, None)), &head(2, Some(1))));
        assert!(!head_moves_forward(Some(&head(2, None)), &head(2, None)));
        assert!(!head_moves_forward(Some(&head(2, None)), &head(3, Some(4))));
    }

    #[test]
    fn parts_may_neither_repeat_nor_descend() {
        let parts = |numbers: &[u32]| numbers.iter().map(|n| part(*n)).collect::<Vec<_>>();
        assert!(parts_ascend(parts(&[1, 2, 9]).iter()));
        assert!(!parts_ascend(parts(&[1, 1]).iter()));
        assert!(!parts_ascend(parts(&[2, 1]).iter()));
        assert!(!parts_ascend(parts(&[]).iter()));
    }
}
