//! DeleteBucketPolicy.

use object_engine::model::BucketName;

use crate::{
    error::S3Result,
    response::Answer,
    service::{Call, no_such_bucket, policies::POLICY},
};

/// Removes a bucket's policy; that there was none is no error.
pub(crate) async fn delete_bucket_policy(call: &Call<'_>, name: &BucketName) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    call.check_owner(&bucket)?;
    match call.engine().set_setting(&bucket, POLICY, None).await? {
        true => Ok(Answer::no_content()),
        false => Err(no_such_bucket(name)),
    }
}
