//! GetBucketAccelerateConfiguration.
//!
//! Does not: accelerate; PutBucketAccelerateConfiguration is refused by the router.

use object_engine::model::BucketName;

use crate::{error::S3Result, response::Answer, service::Call, xml::XmlWriter};

/// A configuration without a status, as of a bucket where none was ever set.
pub(crate) async fn get_bucket_accelerate_configuration(
    call: &Call<'_>,
    name: &BucketName,
) -> S3Result<Answer> {
    call.bucket(name).await?;
    Ok(Answer::xml(XmlWriter::new("AccelerateConfiguration").finish()))
}
