//! GetObjectLegalHold and PutObjectLegalHold.
//!
//! Guarantees: a hold is in clear beside the object, so that neither operation needs a customer's key.

use object_engine::{
    engine::ChangeAttached,
    model::{Attached, LegalHold},
};

use super::{At, found, lock_settings::demand_lock};
use crate::{
    error::{ErrorCode, S3Result},
    request::{
        listing,
        object_lock::{legal_hold, legal_hold_name},
    },
    response::Answer,
    service::{Call, HttpBody, Incoming},
    xml::{Element, XmlWriter, malformed},
};

/// A version's legal hold, if it was ever set.
pub(crate) async fn get_object_legal_hold(call: &Call<'_>, at: &At<'_>) -> S3Result<Answer> {
    let bucket = call.bucket(at.bucket).await?;
    demand_lock(&bucket)?;
    let selector = listing::version(&call.head.query)?;
    let (_, object) = found::object(call, &bucket, at.key, selector).await?;
    let hold = object.attached.legal_hold.ok_or(ErrorCode::NoSuchObjectLockConfiguration)?;
    let mut writer = XmlWriter::new("LegalHold");
    writer.text("Status", legal_hold_name(hold));
    Ok(Answer::xml(writer.finish()))
}

/// Sets a version's legal hold, or lifts it.
pub(crate) async fn put_object_legal_hold<B: HttpBody>(
    call: &Call<'_>,
    at: &At<'_>,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let bucket = call.bucket(at.bucket).await?;
    demand_lock(&bucket)?;
    let hold = parse(&call.guarded_document(incoming).await?)?;
    call.authorise_legal_hold(&bucket, hold).await?;
    let selector = listing::version(&call.head.query)?;
    let (version, _) = found::object(call, &bucket, at.key, selector).await?;
    let change = |attached: &mut Attached| {
        attached.legal_hold = Some(hold);
        Ok::<(), std::convert::Infallible>(())
    };
    match call.engine().change_attached(&bucket, &version, change).await? {
        ChangeAttached::Changed => Ok(Answer::ok()),
        ChangeAttached::Gone => Err(found::no_such_key(at.key)),
        ChangeAttached::Refused(never) => match never {},
    }
}

fn parse(body: &[u8]) -> S3Result<LegalHold> {
    let root = Element::parse(body, "LegalHold")?;
    root.only(&["Status"])?;
    legal_hold(root.required("Status")?.trim()).ok_or_else(malformed)
}
