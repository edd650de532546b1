//! GetBucketLifecycleConfiguration, PutBucketLifecycleConfiguration and DeleteBucketLifecycle.
//!
//! Does not: apply the rules; `lifecycle` does.

use object_engine::model::BucketName;

use crate::{
    error::{ErrorCode, S3Error, S3Result},
    lifecycle::{Configuration, SETTING, TransitionMinimum},
    request::head::Head,
    response::Answer,
    service::{Call, HttpBody, Incoming},
};

const MINIMUM: &str = "x-amz-transition-default-minimum-object-size";

/// The bucket's rules.
pub(crate) async fn get_bucket_lifecycle_configuration(
    call: &Call<'_>,
    name: &BucketName,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    let Some(configuration) = Configuration::of(&bucket)? else {
        return Err(S3Error::new(ErrorCode::NoSuchLifecycleConfiguration)
            .element("BucketName", name.as_str()));
    };
    let minimum = configuration.transition_minimum.name();
    Ok(Answer::xml(configuration.document()).header(MINIMUM, minimum))
}

/// Replaces the bucket's rules.
pub(crate) async fn put_bucket_lifecycle_configuration<B: HttpBody>(
    call: &Call<'_>,
    name: &BucketName,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    let minimum = transition_minimum(&call.head)?;
    let document = call.guarded_document(incoming).await?;
    let configuration =
        Configuration::parse(&document, minimum, call.profile(), &mut || new_id(call))?;
    call.set_setting(&bucket, SETTING, Some(configuration.to_stored())).await?;
    Ok(Answer::ok().header(MINIMUM, minimum.name()))
}

/// Removes the bucket's rules.
pub(crate) async fn delete_bucket_lifecycle(
    call: &Call<'_>,
    name: &BucketName,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    call.set_setting(&bucket, SETTING, None).await?;
    Ok(Answer::no_content())
}

fn transition_minimum(head: &Head) -> S3Result<TransitionMinimum> {
    match head.filled(MINIMUM)? {
        None => Ok(TransitionMinimum::default()),
        Some(name) => TransitionMinimum::parse(name)
            .ok_or_else(|| S3Error::argument("Argument value is invalid", MINIMUM, name)),
    }
}

/// S3 names rules that have no id.
fn new_id(call: &Call<'_>) -> String {
    let mut id = [0; 16];
    call.service.options.entropy.fill(&mut id);
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
