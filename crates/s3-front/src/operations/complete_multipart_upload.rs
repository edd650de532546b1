//! CompleteMultipartUpload.

use std::mem;

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
    sealing::check_holder,
};
use crate::{
    body::{ChecksumAlgorithm, RequestBody},
    error::{ErrorCode, S3Error, S3Result, sse_c},
    limits::PART_NUMBER_MAX,
    profile::Profile,
    request::{
        checksum::{shown, to_format},
        conditional,
        customer_key::{ALGORITHM, Opening},
        uploads::{self, no_such_upload},
    },
    response::{
        Answer,
        object::{VERSION_ID, quoted, version_name},
    },
    service::{Call, HttpBody, Incoming, no_such_bucket},
    xml::{Element, XmlWriter, malformed},
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
    let condition = conditional::write_condition(head)?;
    let body = RequestBody::ignoring_checksums(&head.headers, incoming.payload, incoming.body)?;
    let parts = chosen_parts(&call.xml_body(body).await?, call.profile())?;
    let opening = call.keys.for_complete()?;
    let id = uploads::upload_id(&head.query)?;
    let again = Again { bucket: &bucket, at, id };
    let Some(mut upload) = call.engine().upload(&bucket, at.key, id).await? else {
        return again.answer(call, &parts, opening.as_ref()).await;
    };
    if upload.holder == Holder::Customer {
        SseCWrite { bucket: &bucket, key: at.key, action: "s3:PutObject" }.check_sealed(call)?;
    }
    let unlocked = unlock(call, &bucket, &upload, opening.as_ref()).await?;

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
        CompleteOutcome::InvalidPart(number) => Err(invalid_part(&upload, &parts, number)),
        CompleteOutcome::KeyRequiredForChecksums => Err(sse_c::complete_key_differs()),
        CompleteOutcome::NoSuchBucket => Err(no_such_bucket(at.bucket)),
        CompleteOutcome::NoSuchKey => Err(no_such_key(at.key)),
        CompleteOutcome::NoSuchUpload => again.answer(call, &parts, opening.as_ref()).await,
        CompleteOutcome::PartTooSmall { number, size, etag } => Err(too_small(number, size, &etag)),
    }
}

/// The request's list: in ascending order, numbers from 1 to 10,000 (E22).
fn chosen_parts(body: &[u8], profile: Profile) -> S3Result<Vec<ChosenChecksum>> {
    if body.is_empty() {
        return Err(S3Error::with_message(
            ErrorCode::InvalidRequest,
            "You must specify at least one part",
        ));
    }
    let root = Element::parse(body, "CompleteMultipartUpload")?;
    root.only(&["Part"])?;
    let mut parts: Vec<_> = root.children().iter().map(chosen_part).collect::<S3Result<_>>()?;
    if profile.takes_part_listed_again() {
        parts.dedup_by(|later, kept| {
            let is_again = later.number == kept.number;
            if is_again {
                mem::swap(later, kept);
            }
            is_again
        });
    }
    if parts.is_empty() || parts.len() > PART_NUMBER_MAX as usize {
        return Err(malformed());
    }
    if parts.windows(2).any(|pair| pair[0].number >= pair[1].number) {
        return Err(ErrorCode::InvalidPartOrder.into());
    }
    Ok(parts)
}

fn chosen_part(element: &Element) -> S3Result<ChosenChecksum> {
    let mut known = vec!["PartNumber".to_owned(), "ETag".to_owned()];
    known.extend(ChecksumAlgorithm::ALL.map(|algorithm| format!("Checksum{}", algorithm.name())));
    element.only(&known.iter().map(String::as_str).collect::<Vec<_>>())?;
    let etag = element.required("ETag")?.trim().trim_matches('"');
    let number = part_number(element.required("PartNumber")?.trim())?;
    Ok(ChosenChecksum { number, etag: ETag(etag.to_owned()), checksum: part_checksum(element)? })
}

fn part_number(text: &str) -> S3Result<u32> {
    let number: i64 = text.parse().map_err(|_| malformed())?;
    match u32::try_from(number) {
        Ok(number @ 1..=PART_NUMBER_MAX) => Ok(number),
        _ if number < 1 => Err(S3Error::argument("PartNumber must be >= 1", "PartNumber", text)),
        _ => Err(S3Error::argument("PartNumber must be <= 10000", "PartNumber", text)),
    }
}

fn part_checksum(
    element: &Element,
) -> S3Result<Option<(sealed_format::ChecksumAlgorithm, Vec<u8>)>> {
    let mut found = None;
    for algorithm in ChecksumAlgorithm::ALL {
        let name = format!("Checksum{}", algorithm.name());
        let Some(text) = element.optional(&name)?.filter(|text| !text.is_empty()) else { continue };
        let value = algorithm.decode(text.trim()).ok_or_else(|| {
            S3Error::with_message(
                ErrorCode::InvalidRequest,
                format!("Value for {} header is invalid.", algorithm.header_name()),
            )
        })?;
        if found.replace((to_format(algorithm), value)).is_some() {
            return Err(malformed());
        }
    }
    Ok(found)
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

fn invalid_part(upload: &Upload, parts: &[ChosenChecksum], number: u32) -> S3Error {
    let etag = parts.iter().find(|part| part.number == number).map(|part| part.etag.0.as_str());
    S3Error::new(ErrorCode::InvalidPart)
        .element("UploadId", upload.id.to_string())
        .element("PartNumber", number.to_string())
        .element("ETag", etag.unwrap_or_default())
}

fn too_small(number: u32, size: u64, etag: &ETag) -> S3Error {
    S3Error::new(ErrorCode::EntityTooSmall)
        .element("ProposedSize", size.to_string())
        .element("MinSizeAllowed", PART_BYTES_MIN.to_string())
        .element("PartNumber", number.to_string())
        .element("ETag", etag.0.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(parts: &str) -> Result<Vec<u32>, ErrorCode> {
        let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        let parts = chosen_parts(body.as_bytes(), Profile::Aws).map_err(|error| error.code())?;
        Ok(parts.into_iter().map(|part| part.number).collect())
    }

    fn part(number: &str) -> String {
        format!("<Part><ETag>&quot;e&quot;</ETag><PartNumber>{number}</PartNumber></Part>")
    }

    #[test]
    fn the_list_has_its_schema() {
        assert_eq!(parsed(&(part("1") + &part("10000"))), Ok(vec![1, 10_000]));
        for (parts, code) in [
            (String::new(), ErrorCode::MalformedXML),
            (part("0"), ErrorCode::InvalidArgument),
            (part("-1"), ErrorCode::InvalidArgument),
            (part("10001"), ErrorCode::InvalidArgument),
            (part("x"), ErrorCode::MalformedXML),
            (part("2") + &part("1"), ErrorCode::InvalidPartOrder),
            (part("1") + &part("1"), ErrorCode::InvalidPartOrder),
            ("<Part><PartNumber>1</PartNumber></Part>".into(), ErrorCode::MalformedXML),
            ("<X/>".into(), ErrorCode::MalformedXML),
            (
                "<Part><ETag>e</ETag><PartNumber>1</PartNumber><ChecksumCRC32>x</ChecksumCRC32></Part>".into(),
                ErrorCode::InvalidRequest,
            ),
        ] {
            assert_eq!(parsed(&parts), Err(code), "{parts}");
        }
        assert_eq!(chosen_parts(b"", Profile::Aws).unwrap_err().code(), ErrorCode::InvalidRequest);
    }

    #[test]
    fn a_part_number_below_one_is_e22() {
        let body = format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", part("0"));
        let error = chosen_parts(body.as_bytes(), Profile::Aws).unwrap_err();
        assert_eq!(error.message(), "PartNumber must be >= 1");
        assert_eq!(
            error.elements(),
            [("ArgumentName", "PartNumber".to_owned()), ("ArgumentValue", "0".to_owned())]
        );
    }
}
