//! A full check of everything stored, for tests and operators.
//!
//! Guarantees: reads everything and changes nothing; while no verb runs, a clean audit means that
//! heads, versions, counts, owners, manifests and blobs agree with each other, and that every blob
//! that is referred to has the right length and CRC.
//!
//! Does not: run in bounded memory, or beside writers; it holds every record at once.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::{
    blobs::BlobId,
    catalog::Space,
    engine::{ObjectEngine, manifests, reclaim::blob_in},
    error::EngineError,
    keys::{self, LEASE_IDS},
    model::{
        Body, BodyId, BucketName, BucketUid, ObjectKey, Place, StoredPart, Version, VersionKind,
    },
    record::{
        BucketRecord, Head, Owner, RemovedUpload, Shown, UploadRecord, UploadState, decode_count,
        decode_manifest, decode_number, decode_part, decode_version,
    },
};

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// What does not hold, in words; empty when all is well.
    pub problems: Vec<String>,
    /// Versions that hold objects.
    pub objects: u64,
    /// Delete markers.
    pub markers: u64,
    /// Uploads not yet completed.
    pub uploads: u64,
    /// Blobs that are referred to.
    pub blobs: u64,
}

impl Audit {
    /// Whether everything holds.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    fn require(&mut self, holds: bool, problem: impl FnOnce() -> String) {
        if !holds {
            self.problems.push(problem());
        }
    }
}

type Tree = BTreeMap<Vec<u8>, Bytes>;

/// What the catalog says, gathered.
#[derive(Default)]
struct Books {
    index: Tree,
    records: Tree,
    buckets: BTreeSet<BucketUid>,
    /// How often versions refer to a body: put whole by blob, completed by body.
    whole: BTreeMap<BlobId, (BodyId, u64)>,
    completed: BTreeMap<BodyId, (u32, u64)>,
    /// Blobs of parts, and whose.
    parts: BTreeMap<BlobId, BodyId>,
    /// Blobs that are referred to, with their stored lengths.
    lengths: BTreeMap<BlobId, u64>,
    /// Bodies whose manifests may stand without an object: queued for removal, or completing.
    unfinished: BTreeSet<BodyId>,
    /// Blobs that may be there or gone already.
    leaving: BTreeSet<BlobId>,
}

fn under<'t>(tree: &'t Tree, prefix: &'t [u8]) -> impl Iterator<Item = (&'t [u8], &'t Bytes)> {
    let from = tree.range(prefix.to_vec()..);
    from.take_while(move |(key, _)| key.starts_with(prefix)).map(|(key, v)| (&key[..], v))
}

fn uid_of(key: &[u8]) -> BucketUid {
    let mut uid = [0; 16];
    uid.copy_from_slice(&key[2..18]);
    BucketUid(uid)
}

impl ObjectEngine {
    /// Checks everything stored. Not beside verbs at work.
    pub async fn audit(&self) -> Result<Audit, EngineError> {
        let mut audit = Audit::default();
        let mut books = Books::default();
        let all = usize::MAX;
        books.index = self.records_from(Space::Index, b"", b"", all).await?.into_iter().collect();
        books.records =
            self.records_from(Space::Records, b"", b"", all).await?.into_iter().collect();
        books.read_buckets(&mut audit)?;
        books.read_versions(&mut audit)?;
        books.read_uploads(&mut audit)?;
        books.read_removals()?;
        books.read_manifests(&mut audit)?;
        books.check_counts(&mut audit)?;
        self.check_blobs(&books, &mut audit).await?;
        Ok(audit)
    }

    async fn check_blobs(&self, books: &Books, audit: &mut Audit) -> Result<(), EngineError> {
        let blobs = &self.inner.backends.blobs;
        let next = books.records.get(&keys::next_lease().bytes);
        let leases = next.map_or(Ok(0), |value| decode_number(value))?;
        let mut present = BTreeSet::new();
        for lease in 0..leases {
            present.extend(blobs.present(lease * LEASE_IDS..(lease + 1) * LEASE_IDS).await?);
        }
        for (id, length) in &books.lengths {
            audit.blobs += 1;
            if let Err(error) = blobs.scrub(*id, *length).await {
                audit.problems.push(error.to_string());
            }
        }
        let outstanding = self.inner.leases.outstanding();
        for id in present {
            let known = books.lengths.contains_key(&id)
                || books.leaving.contains(&id)
                || outstanding.contains(&id);
            audit.require(known, || format!("{id:?} is referred to by nothing"));
        }
        Ok(())
    }
}

impl Books {
    fn read_buckets(&mut self, audit: &mut Audit) -> Result<(), EngineError> {
        for (key, value) in under(&self.index, b"b/") {
            let name = String::from_utf8_lossy(&key[2..]);
            let Ok(name) = BucketName::parse(&name) else {
                audit.problems.push(format!("the bucket name {name} is not valid"));
                continue;
            };
            let record = BucketRecord::decode(value, &name, crate::catalog::Stamp(0))?;
            self.buckets.insert(record.bucket.uid);
        }
        Ok(())
    }

    /// Versions against heads, and what they refer to.
    fn read_versions(&mut self, audit: &mut Audit) -> Result<(), EngineError> {
        let heads = self.read_heads(audit)?;
        let mut stacks: BTreeMap<(BucketUid, String), Vec<Version>> = BTreeMap::new();
        for (at, value) in under(&self.records, b"v/") {
            let uid = uid_of(at);
            let name = keys::object_key_of(at, 8).unwrap_or_default();
            let sequence = keys::sequence_of(at).unwrap_or_default();
            let Ok(key) = ObjectKey::parse(name) else {
                audit.problems.push(format!("the key {name} is not valid"));
                continue;
            };
            let version = decode_version(value, uid, &key, sequence)?;
            stacks.entry((uid, name.to_owned())).or_default().push(version);
        }
        for (place, head) in &heads {
            let stack = stacks.get(place).map_or(&[][..], Vec::as_slice);
            audit.require(Some(head) == head_of(stack).as_ref(), || {
                format!("the head of {} is not what its versions say", place.1)
            });
        }
        for (place, stack) in stacks {
            audit.require(heads.contains_key(&place), || format!("{} has no head", place.1));
            audit.require(self.buckets.contains(&place.0), || {
                format!("{} outlived its bucket", place.1)
            });
            let nulls = stack.iter().filter(|version| version.public.is_none()).count();
            audit.require(nulls <= 1, || format!("{} has {nulls} null versions", place.1));
            for version in stack {
                match version.kind {
                    VersionKind::DeleteMarker => audit.markers += 1,
                    VersionKind::Object(object) => {
                        audit.objects += 1;
                        self.refer(object.body_id, &object.body);
                    }
                }
            }
        }
        Ok(())
    }

    fn read_heads(
        &self,
        audit: &mut Audit,
    ) -> Result<BTreeMap<(BucketUid, String), Head>, EngineError> {
        let mut heads = BTreeMap::new();
        for (prefix, is_object) in [(b"h/", true), (b"t/", false)] {
            for (at, value) in under(&self.index, prefix) {
                let name = keys::object_key_of(at, 0).unwrap_or_default().to_owned();
                let head = Head::decode(value)?;
                audit.require(head.shown.is_some() == is_object, || {
                    format!("the head of {name} stands in the wrong place")
                });
                let before = heads.insert((uid_of(at), name.clone()), head);
                audit.require(before.is_none(), || format!("{name} has two heads"));
            }
        }
        Ok(heads)
    }

    fn refer(&mut self, id: BodyId, body: &Body) {
        match body {
            Body::Parts { parts } => self.completed.entry(id).or_insert((*parts, 0)).1 += 1,
            Body::Whole(StoredPart { place: Place::Blob(blob, length), .. }) => {
                self.whole.entry(*blob).or_insert((id, 0)).1 += 1;
                self.lengths.insert(*blob, *length);
            }
            Body::Whole(_) => {}
        }
    }

    fn read_uploads(&mut self, audit: &mut Audit) -> Result<(), EngineError> {
        let mut parts = Vec::new();
        for (at, value) in under(&self.index, b"u/") {
            let name = keys::object_key_of(at, 16).unwrap_or_default();
            let (Ok(key), Some(id)) = (ObjectKey::parse(name), at.last_chunk::<16>()) else {
                audit.problems.push(format!("the upload of {name} is malformed"));
                continue;
            };
            let id = crate::model::UploadId(*id);
            let record = UploadRecord::decode(value, uid_of(at), &key, id)?;
            audit.uploads += 1;
            let is_completing = record.state != UploadState::Open;
            let is_noted = self.records.contains_key(&keys::completing(id).bytes);
            audit.require(is_completing == is_noted, || {
                format!("the upload of {name} is noted wrongly as completing")
            });
            let has_place = self.buckets.contains(&record.upload.bucket)
                || self.records.contains_key(&keys::removed_bucket(record.upload.bucket).bytes);
            audit.require(has_place, || format!("an upload of {name} outlived its bucket"));
            if is_completing {
                self.unfinished.insert(record.upload.body_id);
            }
            for (_, value) in under(&self.records, &keys::parts(id)) {
                parts.push((record.upload.body_id, decode_part(value)?.part));
            }
        }
        for (body, part) in parts {
            self.refer_part(body, &part);
        }
        Ok(())
    }

    fn refer_part(&mut self, body: BodyId, part: &StoredPart) {
        if let Place::Blob(blob, length) = part.place {
            self.parts.insert(blob, body);
            self.lengths.insert(blob, length);
        }
    }

    fn read_removals(&mut self) -> Result<(), EngineError> {
        let mut leaving = Vec::new();
        let mut unfinished = Vec::new();
        for (at, value) in under(&self.records, b"g/") {
            match at.get(2) {
                Some(b'b') => leaving.extend(keys::blob_of(at)),
                Some(b'm') => unfinished.extend(at.last_chunk().map(|id| BodyId(*id))),
                Some(b'u') => {
                    let removed = RemovedUpload::decode(value)?;
                    if !removed.completed {
                        unfinished.push(removed.body);
                    }
                    let scope = [b"p/", &at[3..]].concat();
                    for (_, value) in under(&self.records, &scope) {
                        leaving.extend(blob_in(&decode_part(value)?.part));
                    }
                }
                _ => {}
            }
        }
        self.leaving.extend(leaving);
        self.unfinished.extend(unfinished);
        Ok(())
    }

    fn read_manifests(&mut self, audit: &mut Audit) -> Result<(), EngineError> {
        let mut seen: BTreeMap<BodyId, (u64, u32, u64)> = BTreeMap::new();
        let manifests: Vec<_> =
            under(&self.records, b"m/").map(|(key, v)| (key.to_vec(), v.clone())).collect();
        for (at, value) in manifests {
            let mut id = [0; 16];
            id.copy_from_slice(&at[2..18]);
            let id = BodyId(id);
            let (start, parts) = decode_manifest(&value)?;
            let (records, count, length) = seen.entry(id).or_default();
            audit.require(start == *length, || format!("{id:?} has a gap in its manifest"));
            *records += 1;
            *count += parts.len() as u32;
            *length += parts.iter().map(|part| part.length).sum::<u64>();
            if self.completed.contains_key(&id) {
                parts.iter().for_each(|part| self.refer_part(id, part));
            } else {
                audit.require(self.unfinished.contains(&id), || {
                    format!("the manifest of {id:?} is referred to by nothing")
                });
                self.leaving.extend(parts.iter().filter_map(blob_in));
            }
        }
        for (id, (parts, _)) in &self.completed {
            let (records, count, _) = seen.get(id).copied().unwrap_or_default();
            let is_whole = count == *parts && records == u64::from(manifests::record_count(*parts));
            audit.require(is_whole, || format!("the manifest of {id:?} is not whole"));
        }
        Ok(())
    }

    /// Counts and owners against what refers to them.
    fn check_counts(&self, audit: &mut Audit) -> Result<(), EngineError> {
        for (at, value) in under(&self.records, b"r/") {
            let id = at.last_chunk().map_or(BodyId([0; 16]), |id| BodyId(*id));
            let refs = self.completed.get(&id).map_or(0, |(_, refs)| *refs);
            let stored = decode_count(value)?;
            audit.require(refs == stored, || format!("{id:?} has {refs} versions, not {stored}"));
        }
        for id in self.completed.keys() {
            let is_counted = self.records.contains_key(&keys::body(*id).bytes);
            audit.require(is_counted, || format!("{id:?} is not counted"));
        }
        let mut owned = BTreeSet::new();
        for (at, value) in under(&self.records, b"o/") {
            let Some(blob) = keys::blob_of(at) else { continue };
            owned.insert(blob);
            let agrees = match Owner::decode(value)? {
                Owner::Whole { body, refs } => self.whole.get(&blob) == Some(&(body, refs)),
                Owner::Part { body } => {
                    self.parts.get(&blob) == Some(&body) || self.leaving.contains(&blob)
                }
            };
            audit.require(agrees, || format!("the owner of {blob:?} is wrong"));
        }
        for blob in self.lengths.keys() {
            audit.require(owned.contains(blob), || format!("{blob:?} has no owner"));
        }
        Ok(())
    }
}

/// The head that a key with these versions, newest first, must have.
fn head_of(versions: &[Version]) -> Option<Head> {
    let newest = versions.first()?;
    let null = versions.iter().find(|version| version.public.is_none());
    let shown = match &newest.kind {
        VersionKind::DeleteMarker => None,
        VersionKind::Object(object) => Some(Shown::of(object, newest.last_modified, &newest.owner)),
    };
    Some(Head { sequence: newest.sequence, null: null.map(|null| null.sequence), shown })
}
