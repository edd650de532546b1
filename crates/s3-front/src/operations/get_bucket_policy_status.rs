//! GetBucketPolicyStatus.

use object_engine::model::BucketName;

use super::get_bucket_policy::policy;
use crate::{
    error::S3Result, policy::BucketPolicy, response::Answer, service::Call, xml::XmlWriter,
};

/// Whether the bucket's policy is public. One that cannot be read allows nothing.
pub(crate) async fn get_bucket_policy_status(
    call: &Call<'_>,
    name: &BucketName,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    let parsed = BucketPolicy::parse(policy(&bucket)?, name);
    let mut writer = XmlWriter::new("PolicyStatus");
    writer.text("IsPublic", parsed.is_ok_and(|policy| policy.is_public()));
    Ok(Answer::xml(writer.finish()))
}
