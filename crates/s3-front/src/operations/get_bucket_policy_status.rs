//! GetBucketPolicyStatus.

use object_engine::model::BucketName;

use super::get_bucket_policy::policy;
use crate::{
    error::S3Result,
    policy::BucketPolicy,
    response::Answer,
    service::{Call, policies::public_access_block},
    xml::XmlWriter,
};

/// Whether the bucket's policy is public. One that cannot be read allows nothing.
pub(crate) async fn get_bucket_policy_status(
    call: &Call<'_>,
    name: &BucketName,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    let by_policy = |document| BucketPolicy::parse(document, name).is_ok_and(|it| it.is_public());
    let is_public = match policy(&bucket).map(by_policy) {
        Ok(false) | Err(_) if call.profile().counts_acl_as_policy_status() => {
            let counts = !public_access_block(&bucket).ignore_public_acls;
            counts && call.shown_bucket_acl(&bucket)?.is_public()
        }
        by_policy => by_policy?,
    };
    let mut writer = XmlWriter::new("PolicyStatus");
    writer.text("IsPublic", is_public);
    Ok(Answer::xml(writer.finish()))
}
