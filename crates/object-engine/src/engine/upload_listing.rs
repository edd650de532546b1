//! Listings of uploads.
//!
//! Guarantees: by key, then by time of creation, in one walk of the uploads alone.

use crate::{
    catalog::{Direction, Space, Step},
    engine::{
        ObjectEngine,
        rollup::{Rollup, past},
    },
    error::EngineError,
    keys,
    model::{Bucket, BucketUid, ListUploads, ObjectKey, Upload, UploadId, UploadPage},
    record::{Malformed, UploadRecord},
};

impl ObjectEngine {
    /// One page of a bucket's uploads. A limit of 0 gives an empty page that is not truncated.
    pub async fn list_uploads(
        &self,
        bucket: &Bucket,
        ask: &ListUploads,
    ) -> Result<UploadPage, EngineError> {
        let scope = keys::scope(b"u/", bucket.uid);
        let rollup = Rollup::new(&ask.prefix, ask.delimiter.as_deref());
        let from = match resume(bucket, ask, rollup) {
            Some(from) => Some(from.max(rollup.base(&scope))),
            None => rollup.start(&scope, ask.key_marker.as_deref()),
        };
        let (Some(from), true) = (from, ask.limit > 0) else { return Ok(UploadPage::default()) };
        let mut walk = UploadWalk {
            bucket: bucket.uid,
            base: rollup.base(&scope),
            rollup,
            scope,
            limit: ask.limit,
            last: None,
            page: UploadPage::default(),
        };
        let mut outcome = Ok(());
        let mut visitor = |at: &[u8], _, value: &[u8]| {
            walk.visit(at, value).unwrap_or_else(|error| {
                outcome = Err(error);
                Step::Stop
            })
        };
        let catalog = &self.inner.backends.catalog;
        catalog.walk(Space::Index, &from, Direction::Forward, &mut visitor).await?;
        outcome?;
        Ok(walk.page)
    }

    /// A page of the records of a bucket's uploads, whatever became of the bucket.
    pub(super) async fn uploads_of(
        &self,
        bucket: BucketUid,
        limit: usize,
    ) -> Result<Vec<Upload>, EngineError> {
        let scope = keys::scope(b"u/", bucket);
        let mut found = Vec::new();
        let mut visitor = |at: &[u8], _, value: &[u8]| {
            if !at.starts_with(&scope) || found.len() == limit {
                return Step::Stop;
            }
            found.push(decode_at(bucket, at, value));
            Step::Next
        };
        let catalog = &self.inner.backends.catalog;
        catalog.walk(Space::Index, &scope, Direction::Forward, &mut visitor).await?;
        Ok(found.into_iter().collect::<Result<_, _>>()?)
    }
}

/// Where to go on after an upload marker; `None`: the marker is a key alone.
fn resume(bucket: &Bucket, ask: &ListUploads, rollup: Rollup<'_>) -> Option<Vec<u8>> {
    let key = ask.key_marker.as_deref().filter(|key| rollup.common_prefix(key).is_none())?;
    let key = ObjectKey::parse(key).ok()?;
    let mut last = keys::upload(bucket.uid, &key, ask.upload_id_marker?).bytes;
    last.push(0);
    Some(last)
}

struct UploadWalk<'r> {
    bucket: BucketUid,
    scope: Vec<u8>,
    base: Vec<u8>,
    rollup: Rollup<'r>,
    limit: usize,
    /// What was shown last: the marker of the next page.
    last: Option<(String, Option<UploadId>)>,
    page: UploadPage,
}

impl UploadWalk<'_> {
    fn visit(&mut self, at: &[u8], value: &[u8]) -> Result<Step, Malformed> {
        if !at.starts_with(&self.base) {
            return Ok(Step::Stop);
        }
        if self.page.uploads.len() + self.page.common_prefixes.len() == self.limit {
            self.page.next = self.last.take();
            return Ok(Step::Stop);
        }
        let key = keys::object_key_of(at, 16).ok_or(Malformed("upload key"))?;
        if let Some(shown) = self.rollup.common_prefix(key) {
            self.page.common_prefixes.push(shown.to_owned());
            self.last = Some((shown.to_owned(), None));
            return Ok(past(&self.scope, shown).map_or(Step::Stop, Step::Seek));
        }
        let upload = decode_at(self.bucket, at, value)?;
        self.last = Some((upload.key.as_str().to_owned(), Some(upload.id)));
        self.page.uploads.push(upload);
        Ok(Step::Next)
    }
}

/// Decodes the upload record at a catalog key.
fn decode_at(bucket: BucketUid, at: &[u8], value: &[u8]) -> Result<Upload, Malformed> {
    let malformed = Malformed("upload key");
    let key = keys::object_key_of(at, 16).ok_or(malformed)?;
    let key = ObjectKey::parse(key).map_err(|_| malformed)?;
    let id = UploadId(*at.last_chunk().ok_or(malformed)?);
    Ok(UploadRecord::decode(value, bucket, &key, id)?.upload)
}
