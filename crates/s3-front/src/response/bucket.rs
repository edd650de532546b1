//! How answers name a bucket.

use object_engine::model::BucketName;

/// The header of CreateBucket and HeadBucket.
pub(crate) const BUCKET_ARN: &str = "x-amz-bucket-arn";

/// The bucket's Amazon Resource Name.
pub(crate) fn bucket_arn(name: &BucketName) -> String {
    format!("arn:aws:s3:::{name}")
}
