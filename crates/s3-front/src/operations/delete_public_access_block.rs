//! DeletePublicAccessBlock.

use object_engine::model::BucketName;

use crate::{
    error::S3Result,
    response::Answer,
    service::{Call, no_such_bucket, policies::PUBLIC_ACCESS_BLOCK},
};

/// Lets the bucket become public again; that nothing was said is no error.
pub(crate) async fn delete_public_access_block(
    call: &Call<'_>,
    name: &BucketName,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    match call.engine().set_setting(&bucket, PUBLIC_ACCESS_BLOCK, None).await? {
        true => Ok(Answer::no_content()),
        false => Err(no_such_bucket(name)),
    }
}
