//! What CopyObject and UploadPartCopy have in common: a source that may be copied.
//!
//! Guarantees: nothing of a source is known before its key is verified; conditions come after that.
//! Does not: write anything.

use std::sync::Arc;

use object_engine::model::{Bucket, StoredObject, Version};
use sealed_store::Unlocked;

use super::found;
use crate::{
    error::S3Result,
    policy::Action,
    request::{conditional::ReadConditions, copy_source::CopySource, customer_key::Opening},
    response::{Answer, object::version_name},
    service::Call,
};

/// A source that is there, whose key fits and whose conditions hold.
pub(super) struct Source {
    pub(super) bucket: Bucket,
    pub(super) version: Version,
    pub(super) object: Arc<StoredObject>,
    pub(super) unlocked: Unlocked,
}

impl Source {
    /// Finds and unlocks what `asked` names in a bucket that the caller may copy from.
    pub(super) async fn open(
        call: &Call<'_>,
        bucket: Bucket,
        asked: &CopySource,
        opening: Option<&Opening>,
    ) -> S3Result<Self> {
        let conditions =
            ReadConditions::parse_copy_source(&call.head, call.service.options.clock.now())?;
        let (version, object) = found::copy_source(call, &bucket, asked).await?;
        let unlocked =
            found::unlock_copy_source(call, &bucket, (&version, &object), opening).await?;
        let facts = unlocked.facts();
        conditions.check_copy_source(&facts.etag, facts.last_modified)?;
        Ok(Self { bucket, version, object, unlocked })
    }

    /// The source in the store's terms.
    pub(super) fn as_copied(&self) -> sealed_store::CopySource<'_> {
        sealed_store::CopySource {
            bucket: &self.bucket,
            version: &self.version,
            unlocked: &self.unlocked,
        }
    }

    /// Refuses to carry the source's tags for who may not read them there, or not write them in the target's
    /// bucket. A source without tags needs neither permission.
    pub(super) async fn authorise_tags(
        &self,
        call: &Call<'_>,
        (target, asked): (&Bucket, &CopySource),
    ) -> S3Result<()> {
        let tags = &self.object.attached.tags;
        if tags.is_empty() {
            return Ok(());
        }
        let found = (&self.version, self.object.as_ref());
        call.authorise_source_tags(&self.bucket, asked, found)?;
        call.authorise_tags(target, Action::PutObjectTagging, tags).await
    }

    /// Names the version that was copied; of a null version AWS says nothing.
    pub(super) fn named_in(&self, answer: Answer) -> Answer {
        let version = self.version.public.map(|id| version_name(Some(id)));
        answer.header_if("x-amz-copy-source-version-id", version)
    }
}
