//! GetObjectTagging, PutObjectTagging and DeleteObjectTagging.
//!
//! Guarantees: tags are in clear, so no operation here needs a key, also for an object under a
//! customer's; key headers are ignored.

use std::sync::Arc;

use object_engine::model::{Bucket, StoredObject, Version};

use super::{At, found};
use crate::{
    error::S3Result,
    policy::Action,
    request::{
        listing,
        tags::{self, Tagged, Tags},
    },
    response::{
        Answer,
        object::{VERSION_ID, version_id},
    },
    service::{Call, HttpBody, Incoming},
};

/// A version's tags; none is an empty set.
pub(crate) async fn get_object_tagging(call: &Call<'_>, at: &At<'_>) -> S3Result<Answer> {
    let target = Target::find(call, at).await?;
    Ok(target.named(Answer::xml(tags::document(&target.object.attached.tags))))
}

/// Replaces a version's tags.
pub(crate) async fn put_object_tagging<B: HttpBody>(
    call: &Call<'_>,
    at: &At<'_>,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let target = Target::find(call, at).await?;
    let tags = tags::from_document(&call.document(incoming).await?, Tagged::Object)?;
    let action = match call.head.query.filled("versionId") {
        Some(_) => Action::PutObjectVersionTagging,
        None => Action::PutObjectTagging,
    };
    call.authorise_tags(&target.bucket, action, &tags).await?;
    target.tag(call, at, tags).await?;
    Ok(target.named(Answer::ok()))
}

/// Removes a version's tags.
pub(crate) async fn delete_object_tagging(call: &Call<'_>, at: &At<'_>) -> S3Result<Answer> {
    let target = Target::find(call, at).await?;
    target.tag(call, at, Tags::new()).await?;
    Ok(target.named(Answer::no_content()))
}

/// The version that is meant.
struct Target {
    bucket: Bucket,
    version: Version,
    object: Arc<StoredObject>,
}

impl Target {
    async fn find(call: &Call<'_>, at: &At<'_>) -> S3Result<Self> {
        let bucket = call.bucket(at.bucket).await?;
        let selector = listing::version(&call.head.query)?;
        let (version, object) = found::annotated(call, &bucket, at.key, selector).await?;
        Ok(Self { bucket, version, object })
    }

    /// A version that goes while its tags change was not there.
    async fn tag(&self, call: &Call<'_>, at: &At<'_>, tags: Tags) -> S3Result<()> {
        if call.engine().set_tags(&self.bucket, &self.version, tags).await? {
            Ok(())
        } else {
            Err(found::no_such_key(at.key))
        }
    }

    fn named(&self, answer: Answer) -> Answer {
        answer.header_if(VERSION_ID, version_id(&self.bucket, self.version.public))
    }
}
