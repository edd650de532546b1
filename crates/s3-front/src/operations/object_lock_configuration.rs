//! GetObjectLockConfiguration and PutObjectLockConfiguration.

use object_engine::model::{BucketName, ChangeBucket};

use super::lock_settings::LockSettings;
use crate::{
    error::{ErrorCode, S3Error, S3Result},
    response::Answer,
    service::{Call, HttpBody, Incoming, no_such_bucket},
};

/// Whether the bucket has Object Lock, and what it gives new versions.
pub(crate) async fn get_object_lock_configuration(
    call: &Call<'_>,
    name: &BucketName,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    match LockSettings::of(&bucket)? {
        Some(settings) => Ok(Answer::xml(settings.document())),
        None => Err(S3Error::new(ErrorCode::ObjectLockConfigurationNotFoundError)
            .element("BucketName", name.as_str())),
    }
}

/// Gives a versioned bucket Object Lock for good, or another default for new versions.
pub(crate) async fn put_object_lock_configuration<B: HttpBody>(
    call: &Call<'_>,
    name: &BucketName,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    let settings = LockSettings::parse(&call.guarded_document(incoming).await?)?;
    match call.engine().set_object_lock(&bucket, &settings.document()).await? {
        ChangeBucket::Changed => Ok(Answer::ok()),
        ChangeBucket::Refused => Err(S3Error::with_message(
            ErrorCode::InvalidBucketState,
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
        )),
        ChangeBucket::NoSuchBucket => Err(no_such_bucket(name)),
    }
}
