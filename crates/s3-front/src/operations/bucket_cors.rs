//! GetBucketCors, PutBucketCors and DeleteBucketCors.
//!
//! Does not: answer preflights or add headers to other answers; `service::cors` does.

use object_engine::model::BucketName;

use crate::{
    error::{ErrorCode, S3Error, S3Result},
    request::cors::CorsConfiguration,
    response::Answer,
    service::{Call, HttpBody, Incoming},
};

/// The setting's name in the catalog.
pub(crate) const SETTING: &str = "cors";

/// The rules of the bucket.
pub(crate) async fn get_bucket_cors(call: &Call<'_>, name: &BucketName) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    match bucket.settings.get(SETTING) {
        Some(document) => Ok(Answer::xml(document.clone())),
        None => {
            let error = S3Error::new(ErrorCode::NoSuchCORSConfiguration);
            Err(error.element("BucketName", name.as_str()))
        }
    }
}

/// Replaces the rules of the bucket.
pub(crate) async fn put_bucket_cors<B: HttpBody>(
    call: &Call<'_>,
    name: &BucketName,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    let configuration = CorsConfiguration::parse(&call.guarded_document(incoming).await?)?;
    call.set_setting(&bucket, SETTING, Some(configuration.document())).await?;
    Ok(Answer::ok())
}

/// Removes the rules; that there were none is no error.
pub(crate) async fn delete_bucket_cors(call: &Call<'_>, name: &BucketName) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    call.set_setting(&bucket, SETTING, None).await?;
    Ok(Answer::no_content())
}
