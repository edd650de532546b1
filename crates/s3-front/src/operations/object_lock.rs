//! Object Lock: configuration, retention and legal holds, which no bucket has.
//!
//! Guarantees: nothing is ever said to be locked that is not. Answers are those of a bucket that was
//! made without Object Lock.

use object_engine::model::BucketName;

use super::{At, found};
use crate::{
    error::{ErrorCode, S3Error, S3Result},
    request::{listing, stored},
    response::Answer,
    service::Call,
};

/// GetObjectLockConfiguration.
pub(crate) async fn get_object_lock_configuration(
    call: &Call<'_>,
    name: &BucketName,
) -> S3Result<Answer> {
    call.bucket(name).await?;
    Err(S3Error::new(ErrorCode::ObjectLockConfigurationNotFoundError)
        .element("BucketName", name.as_str()))
}

/// PutObjectLockConfiguration.
pub(crate) async fn put_object_lock_configuration(
    call: &Call<'_>,
    name: &BucketName,
) -> S3Result<Answer> {
    call.bucket(name).await?;
    Err(S3Error::not_implemented("Object Lock is not implemented.").closing())
}

/// GetObjectRetention, PutObjectRetention, GetObjectLegalHold and PutObjectLegalHold.
pub(crate) async fn refuse_object_lock(call: &Call<'_>, at: &At<'_>) -> S3Result<Answer> {
    let bucket = call.bucket(at.bucket).await?;
    let selector = listing::version(&call.head.query)?;
    found::object(call, &bucket, at.key, selector).await?;
    Err(stored::no_object_lock())
}
