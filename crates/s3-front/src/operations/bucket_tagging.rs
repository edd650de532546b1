//! GetBucketTagging, PutBucketTagging and DeleteBucketTagging.

use object_engine::model::BucketName;

use crate::{
    error::{ErrorCode, S3Error, S3Result},
    request::tags::{self, Tagged},
    response::Answer,
    service::{Call, HttpBody, Incoming},
};

/// The setting's name in the catalog.
pub(super) const SETTING: &str = "tagging";

/// The bucket's tags.
pub(crate) async fn get_bucket_tagging(call: &Call<'_>, name: &BucketName) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    match bucket.settings.get(SETTING) {
        Some(document) if !tags::read(document.as_bytes())?.is_empty() => {
            Ok(Answer::xml(document.clone()))
        }
        Some(_) | None => {
            Err(S3Error::new(ErrorCode::NoSuchTagSet).element("BucketName", name.as_str()))
        }
    }
}

/// Replaces the bucket's tags.
pub(crate) async fn put_bucket_tagging<B: HttpBody>(
    call: &Call<'_>,
    name: &BucketName,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    let tags = tags::from_document(&call.document(incoming).await?, Tagged::Bucket)?;
    // No tags are no set, as on AWS.
    let document = (!tags.is_empty()).then(|| tags::document(&tags));
    call.set_setting(&bucket, SETTING, document).await?;
    Ok(Answer::no_content())
}

/// Removes the bucket's tags.
pub(crate) async fn delete_bucket_tagging(call: &Call<'_>, name: &BucketName) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    call.set_setting(&bucket, SETTING, None).await?;
    Ok(Answer::no_content())
}
