//! UploadPartCopy.

use std::ops::Range;

use object_engine::model::Upload;
use sealed_store::PartPut;

use super::{At, copying::Source, encryption_settings::SseCWrite, found, upload_part::unlock};
use crate::{
    error::S3Result,
    limits::COPY_BYTES_MAX,
    request::{
        checksum::shown,
        copy_source::{self, CopySource, SourceRange},
        customer_key::Opening,
        encryption,
        uploads::{self, no_such_upload},
    },
    response::{Answer, object::quoted, time},
    service::Call,
    xml::XmlWriter,
};

/// Stores one part out of another object's bytes, sealed anew under the upload's key.
pub(crate) async fn upload_part_copy(call: &Call<'_>, at: &At<'_>) -> S3Result<Answer> {
    let head = &call.head;
    let asked = CopySource::parse(head)?;
    let bucket = call.bucket(at.bucket).await?;
    let source_bucket = call.source_bucket(&asked).await?;
    SseCWrite { bucket: &bucket, key: at.key, action: "s3:PutObject" }.check(call)?;
    let asked_encryption = encryption::asked_of_part(head, &call.keys, call.profile())?;
    // AWS refuses what is wrong with the source's trio before it looks at the target's.
    let source_opening = call.source_keys.for_read()?;
    let opening = call.keys.for_part()?;
    let number = uploads::part_number(&head.query)?.unwrap_or_default();
    let id = uploads::upload_id(&head.query)?;
    let range = copy_source::range(head)?;
    let source = Source::open(call, source_bucket, &asked, source_opening.as_ref()).await?;
    let upload = found::upload(call, &bucket, at.key, id).await?;
    encryption::check_as_upload(asked_encryption, &upload.holder)?;
    let unlocked = unlock(call, &bucket, &upload, opening.as_ref()).await?;
    let bytes = wanted(range, source.unlocked.facts().length)?;

    let stored = call.store().copy_part(source.as_copied(), bytes, &bucket, (&unlocked, number));
    let part = stored.await?.ok_or_else(|| no_such_upload(id))?;
    Ok(source.named_in(answer(call, &upload, &part, opening.as_ref())))
}

/// The bytes to copy: a range, or everything.
fn wanted(range: Option<SourceRange>, length: u64) -> S3Result<Range<u64>> {
    let bytes = range.map_or(Ok(0..length), |range| range.within(length))?;
    if bytes.end - bytes.start > COPY_BYTES_MAX {
        return Err(copy_source::too_large());
    }
    Ok(bytes)
}

/// `CopyPartResult`, and the upload's encryption in the headers.
fn answer(call: &Call<'_>, upload: &Upload, part: &PartPut, opening: Option<&Opening>) -> Answer {
    let mut writer = XmlWriter::new("CopyPartResult");
    let now = call.service.options.clock.now();
    writer.text("LastModified", time::iso(now)).text("ETag", quoted(&part.etag));
    // A part's checksum is told to who chose its algorithm.
    let told = part.checksum.as_ref().filter(|_| upload.checksum.is_some());
    if let Some(checksum) = told.map(shown) {
        writer.text(&format!("Checksum{}", checksum.algorithm.name()), checksum.text());
    }
    Answer::xml(writer.finish()).held_by(&upload.holder, opening.map(Opening::md5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_at_most_5_gib() {
        assert_eq!(wanted(None, COPY_BYTES_MAX).unwrap(), 0..COPY_BYTES_MAX);
        let error = wanted(None, COPY_BYTES_MAX + 1).unwrap_err();
        assert_eq!(
            error.message(),
            "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120"
        );
    }
}
