//! GetBucketLocation.

use object_engine::model::BucketName;

use crate::{error::S3Result, response::Answer, service::Call, xml::XmlWriter};

/// The region; us-east-1 is said by saying nothing.
pub(crate) async fn get_bucket_location(call: &Call<'_>, name: &BucketName) -> S3Result<Answer> {
    call.bucket(name).await?;
    let region = call.service.options.region.as_str();
    let shown = if region == "us-east-1" { "" } else { region };
    Ok(Answer::xml(XmlWriter::new("LocationConstraint").content(shown).finish()))
}
