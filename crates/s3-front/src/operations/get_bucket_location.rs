//! GetBucketLocation.

use object_engine::model::BucketName;

use crate::{error::S3Result, response::Answer, service::Call, xml::XmlWriter};

/// The region; us-east-1 is said by saying nothing, unless the profile names it.
pub(crate) async fn get_bucket_location(call: &Call<'_>, name: &BucketName) -> S3Result<Answer> {
    call.bucket(name).await?;
    let region = call.service.options.region.as_str();
    let is_named = region != "us-east-1" || call.profile().names_classic_region();
    let shown = if is_named { region } else { "" };
    Ok(Answer::xml(XmlWriter::new("LocationConstraint").content(shown).finish()))
}
