//! PutPublicAccessBlock.

use object_engine::model::BucketName;

use crate::{
    body::RequestBody,
    error::S3Result,
    request::public_access_block::PublicAccessBlock,
    response::Answer,
    service::{Call, HttpBody, Incoming, no_such_bucket, policies::PUBLIC_ACCESS_BLOCK},
};

/// Says what may not become public.
pub(crate) async fn put_public_access_block<B: HttpBody>(
    call: &Call<'_>,
    name: &BucketName,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    let body = RequestBody::new(&call.head.headers, incoming.payload, incoming.body)?;
    let block = PublicAccessBlock::parse(&call.xml_body(body).await?)?;
    let document = Some(block.document());
    match call.engine().set_setting(&bucket, PUBLIC_ACCESS_BLOCK, document).await? {
        true => Ok(Answer::ok()),
        false => Err(no_such_bucket(name)),
    }
}
