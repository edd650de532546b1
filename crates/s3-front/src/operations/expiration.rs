//! The headers that tell what lifecycle rules will do: `x-amz-expiration`, and `x-amz-abort-*` of
//! uploads.
//!
//! Guarantees: days are days of UTC, whatever the worker's are; a rule's id is URL-encoded, as on S3.
//! Does not: fail an operation: rules that cannot be read are logged, and not told.

use object_engine::model::{
    Assigned, Bucket, Lookup, ObjectKey, Upload, Version, VersionKind, VersionSelector,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    lifecycle::{Configuration, DayLength, Facts, Kind, Place},
    response::{Answer, time},
    service::Call,
};

/// `x-amz-expiration`.
pub(super) const EXPIRATION: &str = "x-amz-expiration";

/// What a rule's id keeps unescaped.
const ID: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// When a version expires, if it is its key's newest, and by which rule.
pub(super) fn of(bucket: &Bucket, version: &Version) -> Option<String> {
    let VersionKind::Object(object) = &version.kind else { return None };
    let facts = Facts {
        key: version.key.as_str(),
        kind: Kind::of(object),
        last_modified: version.last_modified,
        place: Place::Newest { is_only: false },
    };
    let rules = rules(bucket).filter(|_| version.is_latest)?;
    let (due, id) = rules.expiry(&facts)?;
    let id = utf8_percent_encode(id, ID);
    Some(format!("expiry-date=\"{}\", rule-id=\"{id}\"", time::http(due)))
}

/// The same of a version that was just written; it is read again only where there are rules.
pub(super) async fn of_new(
    call: &Call<'_>,
    (bucket, key): (&Bucket, &ObjectKey),
    assigned: &Assigned,
) -> Option<String> {
    rules(bucket)?;
    match call.engine().version(bucket, key, VersionSelector::Latest).await {
        Ok(Lookup::Object(version, _)) if version.sequence == assigned.sequence => {
            of(bucket, &version)
        }
        _ => None,
    }
}

/// Adds when an upload will be aborted, and by which rule.
pub(super) fn with_abort(answer: Answer, bucket: &Bucket, upload: &Upload) -> Answer {
    let Some(rules) = rules(bucket) else { return answer };
    match rules.abort(upload.key.as_str(), upload.initiated, DayLength::Calendar) {
        Some((due, id)) => answer
            .header("x-amz-abort-date", time::http(due))
            .header("x-amz-abort-rule-id", utf8_percent_encode(id, ID).to_string()),
        None => answer,
    }
}

fn rules(bucket: &Bucket) -> Option<Configuration> {
    Configuration::of(bucket).unwrap_or_else(|error| {
        tracing::error!(bucket = %bucket.name, %error, "stored lifecycle rules are not valid");
        None
    })
}
