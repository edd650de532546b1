//! ListParts.

use object_engine::{
    error::EngineError,
    model::{Bucket, Holder, Upload, UploadedPart},
};
use sealed_format::Checksum;
use sealed_store::{UnlockError, UnlockedUpload};

use super::{At, expiration, found, list_multipart_uploads::write_people, sealing::check_holder};
use crate::{
    error::{S3Result, sse_c},
    request::{checksum::shown, customer_key::Opening, listing, uploads},
    response::{Answer, object::quoted, time},
    service::Call,
    xml::XmlWriter,
};

/// The parts of an upload, by number; with their checksums where they can be opened.
pub(crate) async fn list_parts(call: &Call<'_>, at: &At<'_>) -> S3Result<Answer> {
    let bucket = call.bucket(at.bucket).await?;
    let query = &call.head.query;
    let limit = listing::page_size(query, "max-parts")?;
    let after = uploads::part_number_marker(query)?;
    let opening = call.keys.for_read()?;
    let id = uploads::upload_id(query)?;
    let upload = found::upload(call, &bucket, at.key, id).await?;
    let unlocked = unlock(call, &bucket, &upload, opening.as_ref()).await?;
    let (parts, truncated) = call.engine().parts(&upload, after, limit).await?;
    let owner = call.display_name(&upload.owner).await?;

    let mut writer = XmlWriter::new("ListPartsResult");
    writer
        .text("Bucket", at.bucket)
        .text("Key", at.key)
        .text("UploadId", id)
        .text("PartNumberMarker", after);
    let last = parts.last().map_or(0, |part| part.part.number);
    writer
        .text("NextPartNumberMarker", last)
        .text("MaxParts", limit)
        .text("IsTruncated", truncated);
    if let Some((algorithm, kind)) = &upload.checksum {
        writer.text("ChecksumAlgorithm", algorithm).text("ChecksumType", kind);
    }
    for part in &parts {
        // Shown to who chose its algorithm.
        let shown = unlocked.as_ref().filter(|_| upload.checksum.is_some());
        let checksum = checksum(call, shown, part)?;
        writer.inside("Part", |entry| write_part(entry, part, checksum.as_ref()));
    }
    write_people(&mut writer, &upload, &owner);
    writer.text("StorageClass", &upload.storage_class);
    Ok(expiration::with_abort(Answer::xml(writer.finish()), &bucket, &upload))
}

/// E17 and E15. Without checksums to show, an SSE-C upload is listed without its key.
async fn unlock(
    call: &Call<'_>,
    bucket: &Bucket,
    upload: &Upload,
    opening: Option<&Opening>,
) -> S3Result<Option<UnlockedUpload>> {
    match (&upload.holder, opening) {
        (Holder::Customer, None) if upload.checksum.is_some() => {
            return Err(sse_c::key_required_for_part_checksums());
        }
        (Holder::Customer, None) => return Ok(None),
        (_, Some(opening)) if opening.key().is_none() => return Err(sse_c::key_differs()),
        _ => {}
    }
    check_holder(call, &upload.holder)?;
    let key = opening.and_then(Opening::key);
    let unlocked =
        call.store().unlock_upload(bucket, upload, key).await.map_err(|error| match error {
            UnlockError::KeyRequired | UnlockError::KeyNotApplicable | UnlockError::WrongKey => {
                sse_c::key_differs()
            }
            UnlockError::Key(error) => error.into(),
            UnlockError::Damaged(detail) => EngineError::Damaged(detail).into(),
        })?;
    Ok(Some(unlocked))
}

fn checksum(
    call: &Call<'_>,
    unlocked: Option<&UnlockedUpload>,
    part: &UploadedPart,
) -> S3Result<Option<Checksum>> {
    let Some(unlocked) = unlocked else { return Ok(None) };
    let checksum = call.store().part_checksum(unlocked, part);
    Ok(checksum.map_err(|damaged| EngineError::Damaged(damaged.to_string()))?)
}

fn write_part(writer: &mut XmlWriter, part: &UploadedPart, checksum: Option<&Checksum>) {
    writer
        .text("PartNumber", part.part.number)
        .text("LastModified", time::iso(part.last_modified))
        .text("ETag", quoted(&part.part.etag))
        .text("Size", part.part.length);
    if let Some(checksum) = checksum.map(shown) {
        writer.text(&format!("Checksum{}", checksum.algorithm.name()), checksum.text());
    }
}
