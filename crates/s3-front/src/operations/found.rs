//! Looking an object or an upload up, and unlocking it, with S3's refusals.
//!
//! Guarantees: an SSE-C object is never answered 404 for want of its key, and nothing of it is known
//! before its key is verified.
//! Does not: read bodies.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, header};
use object_engine::{
    error::EngineError,
    model::{
        Bucket, Holder, Lookup, ObjectKey, StoredObject, Upload, UploadId, Version, VersionSelector,
    },
};
use sealed_store::{UnlockError, Unlocked};

use super::sealing::check_holder;
use crate::{
    error::{ErrorCode, S3Error, S3Result, sse_c},
    request::{copy_source::CopySource, customer_key::Opening, uploads::no_such_upload},
    response::{
        object::{DELETE_MARKER, VERSION_ID, version_id, version_name},
        time,
    },
    service::{Call, access::denied},
};

/// The object that a read means.
pub(crate) async fn object(
    call: &Call<'_>,
    bucket: &Bucket,
    key: &ObjectKey,
    selector: VersionSelector,
) -> S3Result<(Version, Arc<StoredObject>)> {
    looked_up(call, bucket, (key, selector), Marker::Hides).await
}

/// The object beside which something stands in clear that an operation is about (tags; an ACL that is set).
/// There AWS speaks of a delete marker also where it is the newest version.
pub(super) async fn annotated(
    call: &Call<'_>,
    bucket: &Bucket,
    key: &ObjectKey,
    selector: VersionSelector,
) -> S3Result<(Version, Arc<StoredObject>)> {
    looked_up(call, bucket, (key, selector), Marker::Shows).await
}

/// What a delete marker that is a key's newest version does to a request that names no version.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Marker {
    /// It hides its key (404).
    Hides,
    /// It is what was asked for, and not for this (405).
    Shows,
}

async fn looked_up(
    call: &Call<'_>,
    bucket: &Bucket,
    (key, selector): (&ObjectKey, VersionSelector),
    marker: Marker,
) -> S3Result<(Version, Arc<StoredObject>)> {
    match call.engine().version(bucket, key, selector).await? {
        Lookup::Object(version, object) => {
            call.authorise_found(bucket, selector, (&version, &object))?;
            Ok((version, object))
        }
        // Whether a key is there is only for those who may list.
        _ if !call.may_list(bucket, key) => Err(denied()),
        Lookup::NoSuchKey => Err(no_such_key(key)),
        Lookup::NoSuchVersion => Err(no_such_version(key, selector)),
        Lookup::DeleteMarker(version) => {
            let hides = marker == Marker::Hides && selector == VersionSelector::Latest;
            Err(delete_marker(call, bucket, &version, hides))
        }
    }
}

/// `404 NoSuchKey`.
pub(crate) fn no_such_key(key: &ObjectKey) -> S3Error {
    S3Error::new(ErrorCode::NoSuchKey).element("Key", key.as_str())
}

fn no_such_version(key: &ObjectKey, selector: VersionSelector) -> S3Error {
    let asked = match selector {
        VersionSelector::Id(id) => version_name(Some(id)),
        VersionSelector::Null | VersionSelector::Latest => version_name(None),
    };
    S3Error::new(ErrorCode::NoSuchVersion).element("Key", key.as_str()).element("VersionId", asked)
}

/// A delete marker hides its key (404); asked for by its own name it is there, but cannot be read (405).
fn delete_marker(call: &Call<'_>, bucket: &Bucket, version: &Version, hides: bool) -> S3Error {
    let error = match hides {
        true => no_such_key(&version.key),
        false => {
            let error = S3Error::new(ErrorCode::MethodNotAllowed)
                .element("Method", call.head.method.as_str())
                .element("ResourceType", "DeleteMarker");
            let error = with_header(error, header::ALLOW.as_str(), "DELETE");
            with_header(error, header::LAST_MODIFIED.as_str(), &time::http(version.last_modified))
        }
    };
    let error = with_header(error, DELETE_MARKER, "true");
    match version_id(bucket, version.public) {
        Some(id) => with_header(error, VERSION_ID, &id),
        None => error,
    }
}

fn with_header(error: S3Error, name: &'static str, value: &str) -> S3Error {
    match HeaderValue::from_str(value) {
        Ok(value) => error.header(HeaderName::from_static(name), value),
        Err(_) => error,
    }
}

/// The version that a copy is made of. A delete marker is nothing to copy, whoever names it.
pub(super) async fn copy_source(
    call: &Call<'_>,
    bucket: &Bucket,
    source: &CopySource,
) -> S3Result<(Version, Arc<StoredObject>)> {
    let (key, selector) = (&source.key, source.version);
    match call.engine().version(bucket, key, selector).await? {
        Lookup::Object(version, object) => {
            let action = source.action();
            call.authorise_object(bucket, selector, (&[action], (&version, &object)))?;
            Ok((version, object))
        }
        _ if !call.may_miss(bucket, key) => Err(denied()),
        Lookup::NoSuchVersion => Err(no_such_version(key, selector)),
        Lookup::DeleteMarker(_) if selector != VersionSelector::Latest => {
            Err(S3Error::with_message(
                ErrorCode::InvalidRequest,
                "The source of a copy request may not specifically refer to a delete marker by version id.",
            ))
        }
        Lookup::NoSuchKey | Lookup::DeleteMarker(_) => Err(no_such_key(key)),
    }
}

/// Unlocks a copy's source (E11, E12, E15; a key of another length is another key, E9p).
pub(super) async fn unlock_copy_source(
    call: &Call<'_>,
    bucket: &Bucket,
    (version, object): (&Version, &Arc<StoredObject>),
    opening: Option<&Opening>,
) -> S3Result<Unlocked> {
    if opening.is_some_and(|opening| opening.key().is_none()) {
        return Err(match object.holder {
            Holder::Customer => sse_c::key_differs(),
            Holder::Server | Holder::Kms(_) => sse_c::key_not_applicable(),
        });
    }
    check_holder(call, &object.holder)?;
    let key = opening.and_then(Opening::key);
    call.store().unlock(bucket, version, object, key).await.map_err(|error| match error {
        UnlockError::KeyRequired => call.profile().key_required(),
        UnlockError::KeyNotApplicable => sse_c::key_not_applicable(),
        UnlockError::WrongKey => sse_c::key_differs(),
        UnlockError::Key(error) => error.into(),
        UnlockError::Damaged(detail) => EngineError::Damaged(detail).into(),
    })
}

/// Unlocks an object for a read (E11, E12, E13).
pub(crate) async fn unlock(
    call: &Call<'_>,
    bucket: &Bucket,
    (version, object): (&Version, &Arc<StoredObject>),
    opening: Option<&Opening>,
) -> S3Result<Unlocked> {
    let wrong_length = opening.is_some_and(|opening| opening.key().is_none());
    if wrong_length {
        return Err(match object.holder {
            Holder::Customer => sse_c::wrong_key(),
            Holder::Server | Holder::Kms(_) => sse_c::key_not_applicable(),
        });
    }
    check_holder(call, &object.holder)?;
    let key = opening.and_then(Opening::key);
    call.store().unlock(bucket, version, object, key).await.map_err(|error| match error {
        UnlockError::KeyRequired => call.profile().key_required(),
        UnlockError::KeyNotApplicable => sse_c::key_not_applicable(),
        UnlockError::WrongKey => sse_c::wrong_key(),
        UnlockError::Key(error) => error.into(),
        UnlockError::Damaged(detail) => EngineError::Damaged(detail).into(),
    })
}

/// The open upload of this id.
pub(crate) async fn upload(
    call: &Call<'_>,
    bucket: &Bucket,
    key: &ObjectKey,
    id: UploadId,
) -> S3Result<Upload> {
    call.engine().upload(bucket, key, id).await?.ok_or_else(|| no_such_upload(id))
}
