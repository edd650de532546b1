//! PutBucketPolicy.

use object_engine::model::BucketName;

use crate::{
    body::{BodyError, RequestBody},
    error::{S3Error, S3Result},
    limits::POLICY_BYTES_MAX,
    policy::{BucketPolicy, PolicyError},
    response::Answer,
    service::{
        Call, HttpBody, Incoming,
        access::denied,
        no_such_bucket,
        policies::{POLICY, public_access_block},
    },
};

/// Sets a bucket's policy; a public one is refused where BlockPublicPolicy says so.
pub(crate) async fn put_bucket_policy<B: HttpBody>(
    call: &Call<'_>,
    name: &BucketName,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    call.check_owner(&bucket)?;
    let body = RequestBody::new(&call.head.headers, incoming.payload, incoming.body)?;
    let document = match body.read_all(POLICY_BYTES_MAX).await {
        Ok(bytes) => String::from_utf8(bytes.into()).map_err(|_| PolicyError::InvalidJson)?,
        Err(BodyError::TooLarge { .. }) => {
            return Err(S3Error::from(PolicyError::TooLarge).closing());
        }
        Err(error) => return Err(error.into()),
    };
    if !document.trim_start().starts_with('{') {
        return Err(PolicyError::NotAnObject.into());
    }
    let policy = BucketPolicy::parse(&document, name)?;
    if !call.profile().takes_idle_statements() {
        policy.check_applies()?;
    }
    if public_access_block(&bucket).block_public_policy && policy.is_public() {
        tracing::info!(request_id = call.request_id, "refused: BlockPublicPolicy");
        return Err(denied());
    }
    match call.engine().set_setting(&bucket, POLICY, Some(document)).await? {
        true => Ok(Answer::no_content()),
        false => Err(no_such_bucket(name)),
    }
}
