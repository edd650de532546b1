//! DeleteBucket.

use object_engine::{
    model::{Bucket, BucketName, DeleteBucket, Versioning},
    shield::shielded,
};

use crate::{
    error::{ErrorCode, S3Error, S3Result},
    response::Answer,
    service::{Call, no_such_bucket},
};

/// Deletes a bucket that holds no version and no delete marker.
pub(crate) async fn delete_bucket(call: &Call<'_>, name: &BucketName) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    // Half done it would keep everybody's writes out of the bucket, so it goes on if the client hangs up.
    let (engine, deleted) = (call.engine().clone(), bucket.clone());
    let ended = shielded(async move { engine.delete_bucket(&deleted).await }).await?;
    match ended {
        DeleteBucket::Deleted => Ok(Answer::no_content()),
        DeleteBucket::NotEmpty => Err(not_empty(&bucket)),
        DeleteBucket::NoSuchBucket => Err(no_such_bucket(name)),
    }
}

/// Of a bucket that has versions AWS says what else must go.
fn not_empty(bucket: &Bucket) -> S3Error {
    let code = ErrorCode::BucketNotEmpty;
    let error = match bucket.versioning {
        Versioning::Unversioned => S3Error::new(code),
        Versioning::Enabled | Versioning::Suspended => S3Error::with_message(
            code,
            "The bucket you tried to delete is not empty. You must delete all versions in the bucket.",
        ),
    };
    error.element("BucketName", bucket.name.as_str())
}
