//! UploadPart.

use object_engine::{
    error::EngineError,
    model::{Bucket, Holder, Upload},
};
use sealed_store::{UnlockError, UnlockedUpload};

use super::{
    At,
    encryption_settings::SseCWrite,
    found,
    lock_settings::NewLock,
    plaintext::{Plaintext, refused},
    sealing::check_holder,
};
use crate::{
    body::ChecksumAlgorithm,
    error::{ErrorCode, S3Error, S3Result, sse_c},
    request::{
        checksum::shown,
        customer_key::Opening,
        encryption,
        uploads::{self, no_such_upload},
    },
    response::Answer,
    service::{Call, HttpBody, Incoming},
};

/// Stores one part, sealed under the upload's key.
pub(crate) async fn upload_part<B: HttpBody>(
    call: &Call<'_>,
    at: &At<'_>,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let bucket = call.bucket(at.bucket).await?;
    SseCWrite { bucket: &bucket, key: at.key, action: "s3:PutObject" }.check(call)?;
    let query = &call.head.query;
    let mut body = Plaintext::promised(call, incoming)?;
    let asked = encryption::asked_of_part(&call.head, &call.keys, call.profile())?;
    let opening = call.keys.for_part()?;
    let number = uploads::part_number(query)?.unwrap_or_default();
    let id = uploads::upload_id(query)?;
    let upload = found::upload(call, &bucket, at.key, id).await?;
    encryption::check_as_upload(asked, &upload.holder)?;
    let unlocked = unlock(call, &bucket, &upload, opening.as_ref()).await?;
    NewLock::of_upload(&upload.attached, &bucket)?
        .demand_integrity(body.0.has_integrity_header(), "Put Part")?;
    if upload.holder == Holder::Server {
        body.0.want_md5();
    }
    agree_on_checksum(&upload, &mut body)?;

    let stored = call.store().put_part(&bucket, &unlocked, number, &mut body).await;
    let part = stored.map_err(refused)?.ok_or_else(|| no_such_upload(id))?;
    let md5 = opening.as_ref().map(Opening::md5);
    let answer = Answer::ok().etag(&part.etag).held_by(&upload.holder, md5);
    // A part's checksum is told to who sent it or chose its algorithm.
    let chosen = part.checksum.as_ref().filter(|_| upload.checksum.is_some()).map(shown);
    match body.0.sent().or(chosen) {
        Some(checksum) => Ok(answer.header(checksum.algorithm.header_name(), checksum.text())),
        None => Ok(answer),
    }
}

/// E14 and E15; a key of another length is another key.
pub(super) async fn unlock(
    call: &Call<'_>,
    bucket: &Bucket,
    upload: &Upload,
    opening: Option<&Opening>,
) -> S3Result<UnlockedUpload> {
    if opening.is_some_and(|opening| opening.key().is_none()) {
        return Err(match &upload.holder {
            Holder::Customer => sse_c::key_differs(),
            Holder::Server | Holder::Kms(_) => sse_c::upload_encryption_differs(),
        });
    }
    check_holder(call, &upload.holder)?;
    let key = opening.and_then(Opening::key);
    call.store().unlock_upload(bucket, upload, key).await.map_err(|error| match error {
        UnlockError::KeyRequired | UnlockError::KeyNotApplicable => {
            sse_c::upload_encryption_differs()
        }
        UnlockError::WrongKey => sse_c::key_differs(),
        UnlockError::Key(error) => error.into(),
        UnlockError::Damaged(detail) => EngineError::Damaged(detail).into(),
    })
}

/// A part is checked with the upload's algorithm; a client that sends another is refused. Where none
/// was chosen the object will have a CRC64NVME, whatever the client checks its parts with.
fn agree_on_checksum<B: HttpBody>(upload: &Upload, body: &mut Plaintext<B>) -> S3Result<()> {
    let chosen = upload.checksum.as_ref();
    let Some(algorithm) = chosen.and_then(|(name, _)| ChecksumAlgorithm::from_name(name)) else {
        body.0.keep_default_checksum();
        return Ok(());
    };
    let sent = body.0.sent_checksum();
    if body.0.want_checksum(algorithm) {
        return Ok(());
    }
    let lower = |algorithm: ChecksumAlgorithm| algorithm.name().to_ascii_lowercase();
    Err(S3Error::with_message(
        ErrorCode::InvalidRequest,
        format!(
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            lower(algorithm),
            sent.map_or_else(|| "null".to_owned(), lower)
        ),
    )
    .closing())
}
