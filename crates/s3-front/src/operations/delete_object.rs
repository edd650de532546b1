//! DeleteObject.

use object_engine::model::{Bucket, Deleted, ObjectKey, VersionSelector, WriteCondition};

use super::{At, lock_settings::object_locked};
use crate::{
    error::{S3Error, S3Result},
    request::{conditional, head::Head, listing, mfa, object_lock},
    response::{
        Answer,
        object::{DELETE_MARKER, VERSION_ID, version_name},
    },
    service::Call,
};

/// Deletes a version for good, or hides the key behind a delete marker. Key headers are ignored.
pub(crate) async fn delete_object(call: &Call<'_>, at: &At<'_>) -> S3Result<Answer> {
    let bucket = call.bucket(at.bucket).await?;
    let selector = listing::version(&call.head.query)?;
    refuse_unbuilt(&call.head)?;
    mfa::refuse(&call.head)?;
    let condition = conditional::delete_condition(&call.head)?;
    let bypasses_governance = object_lock::bypasses_governance(&call.head);
    let target = Target { bucket: &bucket, key: at.key, selector, condition, bypasses_governance };
    let outcome = target.delete(call).await?;
    let marker = outcome.is_marker.then_some("true");
    Ok(Answer::no_content().header_if(DELETE_MARKER, marker).header_if(VERSION_ID, outcome.version))
}

/// Conditions that AWS has for directory buckets only.
fn refuse_unbuilt(head: &Head) -> S3Result<()> {
    let names = ["x-amz-if-match-last-modified-time", "x-amz-if-match-size"];
    match names.into_iter().find(|name| head.headers.contains_key(*name)) {
        Some(name) => {
            Err(S3Error::not_implemented(format!("The header {name} is not implemented.")))
        }
        None => Ok(()),
    }
}

/// What is to be deleted.
pub(super) struct Target<'a> {
    pub(super) bucket: &'a Bucket,
    pub(super) key: &'a ObjectKey,
    pub(super) selector: VersionSelector,
    pub(super) condition: WriteCondition,
    /// By who was authorised to.
    pub(super) bypasses_governance: bool,
}

/// What an answer says of a deletion.
pub(super) struct Outcome {
    /// A delete marker was made or removed.
    pub(super) is_marker: bool,
    /// The version that was made or removed, where versions have names.
    pub(super) version: Option<String>,
}

impl Target<'_> {
    /// Deletes it; that nothing was there is no error.
    pub(super) async fn delete(&self, call: &Call<'_>) -> S3Result<Outcome> {
        let asked = match self.selector {
            VersionSelector::Latest => None,
            VersionSelector::Null => Some(version_name(None)),
            VersionSelector::Id(id) => Some(version_name(Some(id))),
        };
        let Self { bucket, key, selector, ref condition, bypasses_governance } = *self;
        let deleted = if bypasses_governance {
            call.engine().delete_bypassing_governance(bucket, key, selector, condition).await?
        } else {
            call.engine().delete(bucket, key, selector, condition).await?
        };
        match deleted {
            Deleted::Nothing => Ok(Outcome { is_marker: false, version: asked }),
            Deleted::MarkerWritten(public) => {
                Ok(Outcome { is_marker: true, version: Some(version_name(public)) })
            }
            Deleted::Removed { was_marker, .. } => {
                Ok(Outcome { is_marker: was_marker, version: asked })
            }
            Deleted::Locked => Err(object_locked()),
            Deleted::ConditionFailed => Err(conditional::failed("If-Match")),
        }
    }
}
