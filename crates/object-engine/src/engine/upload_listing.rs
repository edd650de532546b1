//! Listings of uploads.
//!
//! Guarantees: by key, then by time of creation, in one walk of the uploads alone.

use crate::{
    catalog::{Direction, Space, Step},
    engine::{
        ObjectEngine,
        pages::{Shown, Walk},
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
        let walk = Walk::uploads(bucket.uid).of(&ask.prefix, ask.delimiter.as_deref());
        let from = resume(bucket, ask, &walk).or_else(|| walk.start(ask.key_marker.as_deref()));
        let page =
            self.page(&walk, (from, ask.limit), |shown| Entry::of(bucket.uid, shown)).await?;
        let mut listed =
            UploadPage { next: page.last().map(Entry::marker), ..UploadPage::default() };
        for entry in page.entries {
            match entry {
                Entry::Upload(upload) => listed.uploads.push(*upload),
                Entry::CommonPrefix(prefix) => listed.common_prefixes.push(prefix),
            }
        }
        Ok(listed)
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
fn resume(bucket: &Bucket, ask: &ListUploads, walk: &Walk<'_>) -> Option<Vec<u8>> {
    let key = ask.key_marker.as_deref().filter(|key| walk.common_prefix(key).is_none())?;
    let key = ObjectKey::parse(key).ok()?;
    Some(walk.after_record(keys::upload(bucket.uid, &key, ask.upload_id_marker?).bytes))
}

/// One entry of a page, in the order that the marker goes by.
enum Entry {
    Upload(Box<Upload>),
    CommonPrefix(String),
}

impl Entry {
    fn of(bucket: BucketUid, shown: Shown<'_>) -> Result<Self, Malformed> {
        Ok(match shown {
            Shown::CommonPrefix(prefix) => Self::CommonPrefix(prefix.to_owned()),
            Shown::Record(_, at, value) => Self::Upload(Box::new(decode_at(bucket, at, value)?)),
        })
    }

    fn marker(&self) -> (String, Option<UploadId>) {
        match self {
            Self::Upload(upload) => (upload.key.as_str().to_owned(), Some(upload.id)),
            Self::CommonPrefix(prefix) => (prefix.clone(), None),
        }
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
