//! GetBucketPolicy.

use http::header;
use object_engine::model::{Bucket, BucketName};

use crate::{
    error::{ErrorCode, S3Error, S3Result},
    response::{Answer, ResponseBody},
    service::{Call, policies::POLICY},
};

/// The bucket's policy, as it was put.
pub(crate) async fn get_bucket_policy(call: &Call<'_>, name: &BucketName) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    call.check_owner(&bucket)?;
    let body = ResponseBody::full(policy(&bucket)?.to_owned());
    Ok(Answer::ok().with_body(body).header(header::CONTENT_TYPE, "application/json"))
}

/// The document that was put; `NoSuchBucketPolicy` if none was.
pub(super) fn policy(bucket: &Bucket) -> S3Result<&str> {
    let found = bucket.settings.get(POLICY).map(String::as_str);
    found.ok_or_else(|| {
        S3Error::new(ErrorCode::NoSuchBucketPolicy).element("BucketName", bucket.name.as_str())
    })
}
