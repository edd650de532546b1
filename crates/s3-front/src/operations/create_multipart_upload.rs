//! CreateMultipartUpload.

use object_engine::model::Attached;
use sealed_store::CreateUpload;

use super::{
    At, encryption_settings::SseCWrite, expiration, lock_settings::NewLock, sealing::Sealer,
};
use crate::{
    error::S3Result,
    request::{
        checksum::{self, from_format},
        metadata, stored,
    },
    response::Answer,
    service::{Call, no_such_bucket},
    xml::XmlWriter,
};

/// Begins an upload; what the object will carry beside its bytes is settled here.
pub(crate) async fn create_multipart_upload(call: &Call<'_>, at: &At<'_>) -> S3Result<Answer> {
    let bucket = call.bucket(at.bucket).await?;
    SseCWrite { bucket: &bucket, key: at.key, action: "s3:PutObject" }.check(call)?;
    let head = &call.head;
    let storage_class = stored::storage_class(head)?;
    let sealer = Sealer::of(call, &bucket)?;
    let new = call.new_object(&bucket).await?;
    stored::check_unbuilt(head)?;
    let lock = NewLock::asked(call, &bucket)?;
    let chosen = checksum::chosen(head)?;
    let create = CreateUpload {
        bucket: &bucket,
        key: at.key,
        owner: &new.owner,
        encryption: sealer.encryption(),
        metadata: metadata::parse(head)?,
        storage_class,
        attached: Attached { acl: new.acl, ..lock.with_tags(stored::tags(head)?) },
        checksum: chosen,
    };
    let upload =
        call.store().create_upload(create).await?.ok_or_else(|| no_such_bucket(at.bucket))?;

    let mut writer = XmlWriter::new("InitiateMultipartUploadResult");
    writer.text("Bucket", at.bucket).text("Key", at.key).text("UploadId", upload.id);
    let answer = sealer.told(Answer::xml(writer.finish()));
    let mut answer = expiration::with_abort(answer, &bucket, &upload);
    if let (Some((algorithm, _)), Some((_, kind))) = (chosen, &upload.checksum) {
        answer = answer
            .header("x-amz-checksum-algorithm", from_format(algorithm).name())
            .header("x-amz-checksum-type", kind);
    }
    Ok(answer)
}
