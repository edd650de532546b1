//! HeadBucket.

use object_engine::model::BucketName;

use crate::{
    error::S3Result,
    response::{
        Answer,
        bucket::{BUCKET_ARN, bucket_arn},
    },
    service::Call,
};

/// Whether the bucket is there and the caller may use it, and in which region.
pub(crate) async fn head_bucket(call: &Call<'_>, name: &BucketName) -> S3Result<Answer> {
    call.bucket(name).await?;
    Ok(Answer::ok()
        .header(BUCKET_ARN, bucket_arn(name))
        .header("x-amz-bucket-region", &call.service.options.region)
        .header("x-amz-access-point-alias", "false")
        .header("content-type", "application/xml"))
}
