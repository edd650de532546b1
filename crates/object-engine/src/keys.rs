//! The layout of the catalog's keys.
//!
//! ```text
//! Index    s/schema  s/master                       the schema version; whether a master key is the right one
//!          s/installation                           whose the blobs are
//!          b/<bucket name>                          bucket
//!          h/<bucket uid><key> 00                   head of a key whose newest version is an object
//!          t/<bucket uid><key> 00                   head of a key whose newest version is a delete marker
//!          u/<bucket uid><key> 00 <upload id>       upload (ids begin with their time of creation)
//!          an/<name>  ai/<canonical id>  ak/<access key id>  as/<name> 00 <access key id>
//!          kn/<name>                                a named key of the ring
//! Records  v/<bucket uid><key> 00 <!sequence>       version, newest first; small bodies inside
//!          p/<upload id><part number>               uploaded part
//!          m/<body id><index>                       manifest record: 1,000 parts of a completed body
//!          r/<body id>                              count of the versions that share a completed body
//!          o/<blob id>                              owner of a blob; of a body put whole, also its count
//!          c/<upload id>                            an upload that is completing
//!          g/b<blob id>  g/m<body id>  g/u<upload id>  g/k<bucket uid>   deferred removals
//!          l/<lease number>  n/lease                leases of blob ids, and the next number
//!          w/<task>                                 where a background task stands
//!          f/<session>  x/<work>                    engines that share the catalog, and whose turn a work is
//!          j/<session>  n/setup                     how they are set up, and how often one has said so
//!          y/journal  y/blob<blob id>               a migration into this catalog, and the length of a blob that it copies
//!          y/origin  y/retired                      what this catalog was copied from, that it was moved away
//! ```
//!
//! Guarantees: integers are big-endian, so byte order is number order; object keys stand unescaped
//! and end in 00, which no key holds, so byte order is S3's listing order. A version's small body
//! is in the version's own record, so that a small PUT touches two trees and a small GET reads
//! one record; [`Space::Inline`] is not used.

use crate::{
    blobs::BlobId,
    catalog::{KEY_BYTES_MAX, Key, Space},
    model::{AccountId, BodyId, BucketName, BucketUid, ObjectKey, UploadId},
    record::SessionId,
};

/// How many blob ids one lease covers: lease `n` covers `n * LEASE_IDS ..`, so that a blob's id
/// leads to its lease.
pub(crate) const LEASE_IDS: u64 = 4_096;

/// The longest account name or access key id that is looked up; longer ones cannot exist.
pub(crate) const NAME_BYTES_MAX: usize = 256;

const _: () = assert!(2 + 16 + 1_024 + 1 + 16 <= KEY_BYTES_MAX);
const _: () = assert!(3 + 2 * NAME_BYTES_MAX < KEY_BYTES_MAX);

/// What stands before an object key: two bytes of kind, sixteen of bucket.
const SCOPE_BYTES: usize = 2 + 16;

fn key(space: Space, parts: &[&[u8]]) -> Key {
    Key { space, bytes: parts.concat() }
}

pub(crate) fn schema() -> Key {
    key(Space::Index, &[b"s/schema"])
}

pub(crate) fn master_check() -> Key {
    key(Space::Index, &[b"s/master"])
}

pub(crate) fn installation() -> Key {
    key(Space::Index, &[b"s/installation"])
}

pub(crate) fn bucket(name: &BucketName) -> Key {
    key(Space::Index, &[b"b/", name.as_str().as_bytes()])
}

/// What walks of a bucket's keys begin with. `kind` is one of `h/`, `t/`, `u/` or `v/`.
pub(crate) fn scope(kind: &[u8; 2], bucket: BucketUid) -> Vec<u8> {
    [&kind[..], &bucket.0].concat()
}

pub(crate) fn head(bucket: BucketUid, name: &ObjectKey) -> Key {
    key(Space::Index, &[b"h/", &bucket.0, name.as_str().as_bytes(), &[0]])
}

pub(crate) fn tombstone(bucket: BucketUid, name: &ObjectKey) -> Key {
    key(Space::Index, &[b"t/", &bucket.0, name.as_str().as_bytes(), &[0]])
}

/// What all versions of one key begin with.
pub(crate) fn versions(bucket: BucketUid, name: &ObjectKey) -> Key {
    key(Space::Records, &[b"v/", &bucket.0, name.as_str().as_bytes(), &[0]])
}

pub(crate) fn version(bucket: BucketUid, name: &ObjectKey, sequence: u64) -> Key {
    let mut version = versions(bucket, name);
    version.bytes.extend_from_slice(&(!sequence).to_be_bytes());
    version
}

/// The sequence at the end of a version's key.
pub(crate) fn sequence_of(version: &[u8]) -> Option<u64> {
    version.last_chunk::<8>().map(|last| !u64::from_be_bytes(*last))
}

/// The object key inside a catalog key that ends in 00 and `suffix` more bytes.
pub(crate) fn object_key_of(bytes: &[u8], suffix: usize) -> Option<&str> {
    let end = bytes.len().checked_sub(1 + suffix)?;
    std::str::from_utf8(bytes.get(SCOPE_BYTES..end)?).ok()
}

pub(crate) fn upload(bucket: BucketUid, name: &ObjectKey, id: UploadId) -> Key {
    key(Space::Index, &[b"u/", &bucket.0, name.as_str().as_bytes(), &[0], &id.0])
}

pub(crate) fn completing(id: UploadId) -> Key {
    key(Space::Records, &[b"c/", &id.0])
}

pub(crate) fn part(id: UploadId, number: u32) -> Key {
    key(Space::Records, &[b"p/", &id.0, &number.to_be_bytes()])
}

pub(crate) fn parts(id: UploadId) -> Vec<u8> {
    [&b"p/"[..], &id.0].concat()
}

pub(crate) fn manifest(body: BodyId, index: u32) -> Key {
    key(Space::Records, &[b"m/", &body.0, &index.to_be_bytes()])
}

pub(crate) fn manifests(body: BodyId) -> Vec<u8> {
    [&b"m/"[..], &body.0].concat()
}

pub(crate) fn body(id: BodyId) -> Key {
    key(Space::Records, &[b"r/", &id.0])
}

pub(crate) fn owner(blob: BlobId) -> Key {
    key(Space::Records, &[b"o/", &blob.0.to_be_bytes()])
}

/// The blob that an owner record is about.
pub(crate) fn blob_of(owner: &[u8]) -> Option<BlobId> {
    owner.last_chunk::<8>().map(|last| BlobId(u64::from_be_bytes(*last)))
}

pub(crate) fn removed_blob(blob: BlobId) -> Key {
    key(Space::Records, &[b"g/b", &blob.0.to_be_bytes()])
}

pub(crate) fn removed_body(body: BodyId) -> Key {
    key(Space::Records, &[b"g/m", &body.0])
}

pub(crate) fn removed_upload(id: UploadId) -> Key {
    key(Space::Records, &[b"g/u", &id.0])
}

pub(crate) fn removed_bucket(bucket: BucketUid) -> Key {
    key(Space::Records, &[b"g/k", &bucket.0])
}

pub(crate) fn lease(number: u64) -> Key {
    key(Space::Records, &[b"l/", &number.to_be_bytes()])
}

/// The number at the end of a lease's key.
pub(crate) fn lease_number_of(lease: &[u8]) -> Option<u64> {
    lease.last_chunk::<8>().map(|last| u64::from_be_bytes(*last))
}

/// The lease that a blob's id came from.
pub(crate) fn lease_of(blob: BlobId) -> Key {
    lease(blob.0 / LEASE_IDS)
}

pub(crate) fn next_lease() -> Key {
    key(Space::Records, &[b"n/lease"])
}

/// What all sessions begin with.
pub(crate) const SESSIONS: &[u8] = b"f/";

pub(crate) fn session(id: SessionId) -> Key {
    key(Space::Records, &[SESSIONS, &id.0])
}

/// The session that a record is about.
pub(crate) fn session_of(session: &[u8]) -> Option<SessionId> {
    session.last_chunk().map(|id| SessionId(*id))
}

/// How the engine of a session is set up.
pub(crate) fn setup(id: SessionId) -> Key {
    key(Space::Records, &[b"j/", &id.0])
}

/// How often an engine has said how it is set up: who says so swaps it.
pub(crate) fn next_setup() -> Key {
    key(Space::Records, &[b"n/setup"])
}

/// Whose turn the background work of this name is.
pub(crate) fn turn(work: &str) -> Key {
    key(Space::Records, &[b"x/", work.as_bytes()])
}

/// Where the background task of this name stands.
pub(crate) fn task_note(task: &str) -> Key {
    key(Space::Records, &[b"w/", task.as_bytes()])
}

/// What all records about migrations begin with; no migration copies them.
pub(crate) const MIGRATION: &[u8] = b"y/";

/// Where the migration into this catalog stands; while it is there nothing may be served.
pub(crate) fn journal() -> Key {
    key(Space::Records, &[MIGRATION, b"journal"])
}

/// Which source this catalog was copied from.
pub(crate) fn origin() -> Key {
    key(Space::Records, &[MIGRATION, b"origin"])
}

/// That this catalog was moved away and may not be served any more.
pub(crate) fn retired() -> Key {
    key(Space::Records, &[MIGRATION, b"retired"])
}

/// What the records of all blobs begin with that a migration copies.
pub(crate) const WANTED_BLOBS: &[u8] = b"y/blob";

pub(crate) fn wanted_blob(blob: BlobId) -> Key {
    key(Space::Records, &[WANTED_BLOBS, &blob.0.to_be_bytes()])
}

/// What all leases begin with.
pub(crate) const LEASES: &[u8] = b"l/";

/// Records of engines at work, which begin so: their sessions, how they are set up, and whose turn a work is. None is
/// at work on a catalog that is copied, and the stamps in them are that catalog's.
pub(crate) const AT_WORK: [&[u8]; 3] = [b"f/", b"j/", b"x/"];

pub(crate) fn account(name: &str) -> Key {
    key(Space::Index, &[b"an/", name.as_bytes()])
}

pub(crate) fn account_id(id: &AccountId) -> Key {
    key(Space::Index, &[b"ai/", id.0.as_bytes()])
}

pub(crate) fn access_key(id: &str) -> Key {
    key(Space::Index, &[b"ak/", id.as_bytes()])
}

pub(crate) fn access_key_of(name: &str, id: &str) -> Key {
    key(Space::Index, &[b"as/", name.as_bytes(), &[0], id.as_bytes()])
}

pub(crate) fn access_keys_of(name: &str) -> Vec<u8> {
    [b"as/", name.as_bytes(), &[0]].concat()
}

/// What all named keys of the ring begin with.
pub(crate) const NAMED_KEYS: &[u8] = b"kn/";

pub(crate) fn named_key(name: &str) -> Key {
    key(Space::Index, &[NAMED_KEYS, name.as_bytes()])
}

/// Whether a name can stand in a key: not empty, not long, no NUL.
pub(crate) fn is_storable(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.contains('\0')
}

/// The first key after all that begin with `prefix`; `None` if there can be none.
pub(crate) fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != 0xff)?;
    let mut next = prefix[..=last].to_vec();
    next[last] += 1;
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> ObjectKey {
        ObjectKey::parse(name).unwrap()
    }

    #[test]
    fn newer_versions_sort_first_and_keys_sort_as_s3_lists_them() {
        let uid = BucketUid([7; 16]);
        assert!(version(uid, &named("a"), 2) < version(uid, &named("a"), 1));
        assert!(version(uid, &named("a"), 1) < version(uid, &named("a!"), 9));
        assert!(head(uid, &named("a")) < head(uid, &named("a\u{1}")));
        assert!(head(uid, &named("a/b")) < head(uid, &named("a0")));
    }

    #[test]
    fn keys_lead_back_to_what_they_name() {
        let uid = BucketUid([7; 16]);
        let name = named("a/ä");
        assert_eq!(object_key_of(&head(uid, &name).bytes, 0), Some("a/ä"));
        assert_eq!(object_key_of(&version(uid, &name, 5).bytes, 8), Some("a/ä"));
        assert_eq!(sequence_of(&version(uid, &name, 5).bytes), Some(5));
        assert_eq!(object_key_of(&upload(uid, &name, UploadId([1; 16])).bytes, 16), Some("a/ä"));
        assert_eq!(object_key_of(b"h/", 0), None);
        assert_eq!(lease_of(BlobId(LEASE_IDS)), lease(1));
        assert_eq!(lease_of(BlobId(LEASE_IDS - 1)), lease(0));
    }

    #[test]
    fn the_successor_skips_exactly_the_prefix() {
        assert_eq!(successor(b"a/"), Some(b"a0".to_vec()));
        assert_eq!(successor(&[1, 0xff]), Some(vec![2]));
        assert_eq!(successor(&[0xff]), None);
    }
}
