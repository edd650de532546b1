//! GetPublicAccessBlock.

use object_engine::model::BucketName;

use crate::{
    error::{ErrorCode, S3Error, S3Result},
    response::Answer,
    service::{
        Call,
        policies::{PUBLIC_ACCESS_BLOCK, public_access_block},
    },
};

/// What may not become public.
pub(crate) async fn get_public_access_block(
    call: &Call<'_>,
    name: &BucketName,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    if !bucket.settings.contains_key(PUBLIC_ACCESS_BLOCK) {
        let error = S3Error::new(ErrorCode::NoSuchPublicAccessBlockConfiguration);
        return Err(error.element("BucketName", name.as_str()));
    }
    Ok(Answer::xml(public_access_block(&bucket).document()))
}
