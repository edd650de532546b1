//! DeleteBucket.

use object_engine::model::{BucketName, DeleteBucket};

use crate::{
    error::{ErrorCode, S3Error, S3Result},
    response::Answer,
    service::{Call, no_such_bucket},
};

/// Deletes a bucket that holds no version and no delete marker.
pub(crate) async fn delete_bucket(call: &Call<'_>, name: &BucketName) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    match call.engine().delete_bucket(&bucket).await? {
        DeleteBucket::Deleted => Ok(Answer::no_content()),
        DeleteBucket::NotEmpty => {
            Err(S3Error::new(ErrorCode::BucketNotEmpty).element("BucketName", name.as_str()))
        }
        DeleteBucket::NoSuchBucket => Err(no_such_bucket(name)),
    }
}
