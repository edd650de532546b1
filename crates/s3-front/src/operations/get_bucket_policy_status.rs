//! GetBucketPolicyStatus.

use object_engine::model::BucketName;

use crate::{
    error::S3Result,
    response::Answer,
    service::{Call, policies::public_access_block},
    xml::XmlWriter,
};

/// Whether the bucket is public, by its policy or by its ACL as far as those count. A policy that cannot
/// be read allows nothing, and where none was put there is none that could be public.
pub(crate) async fn get_bucket_policy_status(
    call: &Call<'_>,
    name: &BucketName,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    let policy = call.service.policies.of_bucket(&bucket);
    let by_policy = policy.is_some_and(|policy| policy.is_ok_and(|policy| policy.is_public()));
    let by_acl = !public_access_block(&bucket).ignore_public_acls
        && call.shown_bucket_acl(&bucket)?.is_public();
    let mut writer = XmlWriter::new("PolicyStatus");
    writer.text("IsPublic", by_policy || by_acl);
    Ok(Answer::xml(writer.finish()))
}
