//! AbortMultipartUpload.

use super::{At, found};
use crate::{
    error::S3Result,
    request::uploads::{self, no_such_upload},
    response::Answer,
    service::Call,
};

/// Ends an upload and forgets its parts. Key headers are ignored.
pub(crate) async fn abort_multipart_upload(call: &Call<'_>, at: &At<'_>) -> S3Result<Answer> {
    let bucket = call.bucket(at.bucket).await?;
    let id = uploads::upload_id(&call.head.query)?;
    let upload = found::upload(call, &bucket, at.key, id).await?;
    if call.engine().abort(&bucket, &upload).await? {
        Ok(Answer::no_content())
    } else {
        Err(no_such_upload(id))
    }
}
