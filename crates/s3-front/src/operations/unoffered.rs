//! Operations that exist in S3 and that no object here can ever answer otherwise.
//!
//! Guarantees: they are refused after authorisation, as S3 refuses them; no key is needed for it.

use super::{At, found};
use crate::{
    error::{ErrorCode, S3Error, S3Result},
    request::listing,
    response::Answer,
    service::Call,
};

/// RestoreObject: no storage class that needs a restore is offered.
pub(crate) async fn restore_object(call: &Call<'_>, at: &At<'_>) -> S3Result<Answer> {
    let bucket = call.bucket(at.bucket).await?;
    let selector = listing::version(&call.head.query)?;
    let (_, object) = found::object(call, &bucket, at.key, selector).await?;
    Err(S3Error::with_message(
        ErrorCode::InvalidObjectState,
        "Restore is not allowed for the object's current storage class",
    )
    .element("StorageClass", &object.storage_class)
    .closing())
}

/// SelectObjectContent.
pub(crate) async fn select_object_content(call: &Call<'_>, at: &At<'_>) -> S3Result<Answer> {
    call.bucket(at.bucket).await?;
    Err(S3Error::not_implemented("SelectObjectContent is not implemented.").closing())
}

/// GetObjectTorrent: S3 has withdrawn it, and never had it for encrypted objects.
pub(crate) async fn get_object_torrent(call: &Call<'_>, at: &At<'_>) -> S3Result<Answer> {
    call.bucket(at.bucket).await?;
    Err(S3Error::new(ErrorCode::MethodNotAllowed)
        .element("Method", "GET")
        .element("ResourceType", "TORRENT"))
}
