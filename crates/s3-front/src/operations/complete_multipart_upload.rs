//! CompleteMultipartUpload.

use object_engine::{
    error::EngineError,
    model::{Bucket, ETag, Holder, PublicVersion, Upload, UploadId},
};
use sealed_format::Checksum;
use sealed_store::{
    ChosenChecksum, CompleteOutcome, PART_BYTES_MIN, UnlockError, UnlockedUpload, completed_etag,
};

use super::{
    At,
    encryption_settings::SseCWrite,
    expiration::{self, EXPIRATION},
    found::no_such_key,
    location,
    lock_settings::LockSettings,
    object_promises::Promises,
    part_list::{check_checksums, chosen_parts, invalid_part, none_chosen},
    sealing::check_holder,
};
use crate::{
    body::RequestBody,
    error::{ErrorCode, S3Error, S3Result, sse_c},
    request::{
        checksum::shown,
        conditional,
        customer_key::{ALGORITHM, Opening},
        uploads::{self, no_such_upload},
    },
    response::{
        Answer,
        object::{VERSION_ID, quoted, version_name},
    },
    service::{Call, HttpBody, Incoming, no_such_bucket},
    xml::XmlWriter,
};

/// Makes the object out of the chosen parts. No key is needed; one that is sent whole must be right.
pub(crate) async fn complete_multipart_upload<B: HttpBody>(
    call: &Call<'_>,
    at: &At<'_>,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let bucket = call.bucket(at.bucket).await?;
    let head = &call.head;
    let promises = Promises::parse(head)?;
    let condition = conditional::write_condition(head, call.profile())?;
    let body = RequestBody::ignoring_checksums(&head.headers, incoming.payload, incoming.body)?;
    let parts = chosen_parts(&call.xml_body(body).await?, call.profile())?;
    let opening = call.keys.for_complete()?;
    let id = uploads::upload_id(&head.query)?;
    let again = Again { bucket: &bucket, at, id };
    let Some(mut upload) = call.engine().upload(&bucket, at.key, id).await? else {
        return again.answer(call, &parts, opening.as_ref()).await;
    };
    if parts.is_empty() {
        return Err(none_chosen());
    }
    if upload.holder == Holder::Customer {
        SseCWrite { bucket: &bucket, key: at.key, action: "s3:PutObject" }.check_sealed(call)?;
    }
    let unlocked = unlock(call, &bucket, &upload, opening.as_ref()).await?;

    promises.check_kind(&upload)?;
    check_checksums(&upload, &parts, unlocked.is_some(), call.profile())?;
    promises.check(call, (&upload, unlocked.as_ref()), &parts).await?;

    if upload.attached.retention.is_none()
        && let Some(settings) = LockSettings::of(&bucket)?
    {
        // The version is created now, so the default counts from now.
        upload.attached.retention = settings.retention(call.service.options.clock.now())?;
    }
    let failed = condition.clone();
    let outcome =
        call.store().complete(&bucket, &upload, &parts, condition, unlocked.as_ref()).await?;
    match outcome {
        CompleteOutcome::Done { assigned, etag, checksum } => {
            let made = (assigned.public, &etag, checksum.as_ref());
            let expires = expiration::of_new(call, (&bucket, at.key), &assigned).await;
            let done = done((call, at), &upload.holder, made, opening.as_ref());
            Ok(done.header_if(EXPIRATION, expires))
        }
        CompleteOutcome::ConditionFailed => Err(conditional::write_failed(&failed)),
        CompleteOutcome::InvalidPart(number) => {
            let listed = parts.iter().find(|part| part.number == number);
            let etag = listed.map_or_else(|| ETag(String::new()), |part| part.etag.clone());
            Err(invalid_part(&upload, number, &etag))
        }
        CompleteOutcome::KeyRequiredForChecksums => Err(sse_c::complete_key_differs()),
        CompleteOutcome::NoSuchBucket => Err(no_such_bucket(at.bucket)),
        CompleteOutcome::NoSuchKey => Err(no_such_key(at.key)),
        CompleteOutcome::NoSuchUpload => again.answer(call, &parts, opening.as_ref()).await,
        CompleteOutcome::PartTooSmall { number, size, etag } => Err(too_small(number, size, &etag)),
    }
}

/// The key, where it is at hand; E16 for one that is not the upload's.
async fn unlock(
    call: &Call<'_>,
    bucket: &Bucket,
    upload: &Upload,
    opening: Option<&Opening>,
) -> S3Result<Option<UnlockedUpload>> {
    match (&upload.holder, opening) {
        (Holder::Customer, None) => return Ok(None),
        (Holder::Server | Holder::Kms(_), Some(_)) => return Err(sse_c::complete_key_differs()),
        (Holder::Customer, Some(opening)) if opening.key().is_none() => {
            return Err(sse_c::complete_key_differs());
        }
        _ => {}
    }
    check_holder(call, &upload.holder)?;
    let key = opening.and_then(Opening::key);
    let unlocked = call.store().unlock_upload(bucket, upload, key).await.map_err(refused_key)?;
    Ok(Some(unlocked))
}

/// A Complete of an upload that is gone: perhaps one that was done before, whose answer was lost.
struct Again<'a> {
    bucket: &'a Bucket,
    at: &'a At<'a>,
    id: UploadId,
}

impl Again<'_> {
    /// The first answer once more, if the key still holds what the same list made of the same upload.
    async fn answer(
        &self,
        call: &Call<'_>,
        parts: &[ChosenChecksum],
        opening: Option<&Opening>,
    ) -> S3Result<Answer> {
        let Self { bucket, at, id } = *self;
        let found = call.engine().completed(bucket, at.key, id).await?;
        let etag = completed_etag(parts.iter().map(|part| &part.etag));
        let Some((version, object)) = found.filter(|(_, object)| object.etag == etag) else {
            return Err(no_such_upload(id));
        };
        check_holder(call, &object.holder)?;
        let checksum = if object.holder == Holder::Customer && opening.is_none() {
            None
        } else {
            let key = opening.and_then(Opening::key);
            if opening.is_some() && key.is_none() {
                return Err(sse_c::complete_key_differs());
            }
            let unlocked = call.store().unlock(bucket, &version, &object, key).await;
            call.store().checksum(&unlocked.map_err(refused_key)?).await?
        };
        Ok(done((call, at), &object.holder, (version.public, &etag, checksum.as_ref()), opening))
    }
}

fn refused_key(error: UnlockError) -> S3Error {
    match error {
        UnlockError::KeyRequired | UnlockError::KeyNotApplicable | UnlockError::WrongKey => {
            sse_c::complete_key_differs()
        }
        UnlockError::Key(error) => error.into(),
        UnlockError::Damaged(detail) => EngineError::Damaged(detail).into(),
    }
}

fn done(
    (call, at): (&Call<'_>, &At<'_>),
    holder: &Holder,
    (public, etag, checksum): (PublicVersion, &ETag, Option<&Checksum>),
    opening: Option<&Opening>,
) -> Answer {
    let mut writer = XmlWriter::new("CompleteMultipartUploadResult");
    writer
        .text("Location", location::of_target(call, at.bucket, at.key))
        .text("Bucket", at.bucket)
        .text("Key", at.key)
        .text("ETag", quoted(etag));
    if let Some(checksum) = checksum.map(shown) {
        writer
            .text(&format!("Checksum{}", checksum.algorithm.name()), checksum.text())
            .text("ChecksumType", checksum.kind.name());
    }
    let answer =
        Answer::xml(writer.finish()).header_if(VERSION_ID, public.map(|id| version_name(Some(id))));
    match (holder, opening) {
        (Holder::Customer, None) => answer.header(ALGORITHM, "AES256"),
        (holder, opening) => answer.held_by(holder, opening.map(Opening::md5)),
    }
}

fn too_small(number: u32, size: u64, etag: &ETag) -> S3Error {
    S3Error::new(ErrorCode::EntityTooSmall)
        .element("ProposedSize", size.to_string())
        .element("MinSizeAllowed", PART_BYTES_MIN.to_string())
        .element("PartNumber", number.to_string())
        .element("ETag", etag.0.as_str())
}
