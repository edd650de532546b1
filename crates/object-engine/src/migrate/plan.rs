//! Which blobs must be copied, and what the source holds.
//!
//! Guarantees: every blob that the target's engine may ever read is noted, once. What waits for its removal is not:
//! its blob may be gone already.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    BlobsMove, MigrateError, Run, Step, get,
    journal::Phase,
    records::{SPACES, page},
    source, target,
};
use crate::{
    blobs::BlobId,
    catalog::{self, Catalog, Commit, Direction, Space, Stamp},
    error::EngineError,
    keys,
    model::{Body, BodyId, BucketUid, ObjectKey, Place, StoredPart, UploadId, VersionKind},
    record::{
        Malformed, decode_manifest, decode_number, decode_part, decode_version, encode_number,
    },
};

/// The blobs of a page, with their stored lengths.
type Found = BTreeMap<BlobId, u64>;

impl Run<'_> {
    /// Notes every blob that must be copied; then sums the source up.
    pub(super) async fn plan(&mut self) -> Result<(), MigrateError> {
        let mut uploads = Uploads::default();
        loop {
            let at = (Space::Records, &self.journal.cursor[..]);
            let page = page(&*self.from.catalog, at, refers).await.map_err(source)?;
            let Some((last, _)) = page.last() else { break };
            self.journal.cursor = last.clone();
            self.journal.done.count += page.len() as u64;
            let mut found = Found::new();
            for (key, value) in &page {
                self.blobs_of(key, value, (&mut found, &mut uploads)).await.map_err(source)?;
            }
            let mut commit = Commit::default();
            for (blob, length) in found {
                commit.put(keys::wanted_blob(blob), encode_number(length));
            }
            self.step(commit).await?;
            self.see(Step::Planning);
        }
        for (at, space) in SPACES.into_iter().enumerate() {
            let found = self.sum(&*self.from.catalog, space, Step::Planning).await;
            self.journal.summary.spaces[at] = found.map_err(source)?;
        }
        self.count_blobs().await?;
        // Blobs that stay are looked at all the same, when they are verified.
        self.enter(match self.options.blobs {
            BlobsMove::Copied => Phase::Blobs,
            BlobsMove::Stay => Phase::Records(Space::Index),
        })
        .await
    }

    async fn count_blobs(&mut self) -> Result<(), MigrateError> {
        let mut count = Ok((0, 0));
        let mut visitor = |key: &[u8], _: Stamp, value: &[u8]| {
            if !key.starts_with(keys::WANTED_BLOBS) {
                return catalog::Step::Stop;
            }
            count = count.and_then(|(blobs, bytes)| Ok((blobs + 1, bytes + decode_number(value)?)));
            catalog::Step::Next
        };
        let (space, from) = (Space::Records, keys::WANTED_BLOBS);
        let catalog = &self.to.catalog;
        catalog.walk(space, from, Direction::Forward, &mut visitor).await.map_err(target)?;
        let (blobs, bytes) = count.map_err(|error: Malformed| target(error))?;
        (self.journal.summary.blobs, self.journal.summary.blob_bytes) = (blobs, bytes);
        Ok(())
    }

    /// The blobs that one record refers to and that must be there.
    async fn blobs_of(
        &self,
        key: &[u8],
        value: &Bytes,
        (found, uploads): (&mut Found, &mut Uploads),
    ) -> Result<(), EngineError> {
        let catalog = &*self.from.catalog;
        match key.first_chunk() {
            Some(b"v/") => refer(found, whole_part(key, value)?.as_ref()),
            Some(b"m/") => {
                let body = BodyId(id_at(key)?);
                // Of a body that is not counted the parts are an upload's still, or wait for removal.
                if get(catalog, keys::body(body)).await?.is_some() {
                    refer(found, &decode_manifest(value)?.1);
                }
            }
            _ if uploads.stands(catalog, UploadId(id_at(key)?)).await? => {
                refer(found, [&decode_part(value)?.part]);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether records of this kind refer to blobs by themselves.
fn refers(key: &[u8]) -> bool {
    matches!(key.first_chunk(), Some(b"v/" | b"m/" | b"p/"))
}

/// The upload that was looked at last, and whether it was not removed: its parts come one after the other.
#[derive(Default)]
struct Uploads(Option<(UploadId, bool)>);

impl Uploads {
    async fn stands(&mut self, catalog: &dyn Catalog, id: UploadId) -> Result<bool, EngineError> {
        if let Some((last, stands)) = self.0
            && last == id
        {
            return Ok(stands);
        }
        let stands = get(catalog, keys::removed_upload(id)).await?.is_none();
        self.0 = Some((id, stands));
        Ok(stands)
    }
}

/// The one part of a version's body, if it was put whole.
fn whole_part(key: &[u8], value: &Bytes) -> Result<Option<StoredPart>, Malformed> {
    let malformed = Malformed("version");
    let name = keys::object_key_of(key, 8).ok_or(malformed)?;
    let name = ObjectKey::parse(name).map_err(|_| malformed)?;
    let sequence = keys::sequence_of(key).ok_or(malformed)?;
    let version = decode_version(value, BucketUid(id_at(key)?), &name, sequence)?;
    Ok(match version.kind {
        VersionKind::Object(object) => match &object.body {
            Body::Whole(part) => Some(part.clone()),
            Body::Parts { .. } => None,
        },
        VersionKind::DeleteMarker => None,
    })
}

fn refer<'p>(found: &mut Found, parts: impl IntoIterator<Item = &'p StoredPart>) {
    for part in parts {
        if let Place::Blob(blob, length) = part.place {
            found.insert(blob, length);
        }
    }
}

/// The id behind the two bytes of a record's kind.
fn id_at(key: &[u8]) -> Result<[u8; 16], Malformed> {
    let id = key.get(2..18).and_then(|id| id.try_into().ok());
    id.ok_or(Malformed("key"))
}
