//! PutObject.

use object_engine::model::{Assigned, Attached, Published};
use sealed_store::Put;

use super::{
    At,
    encryption_settings::SseCWrite,
    expiration::{self, EXPIRATION},
    found::no_such_key,
    lock_settings::NewLock,
    plaintext::{Plaintext, refused},
    sealing::Sealer,
};
use crate::{
    error::S3Result,
    request::{conditional, metadata, stored},
    response::{
        Answer,
        object::{VERSION_ID, version_name},
    },
    service::{Call, HttpBody, Incoming, no_such_bucket},
};

/// Stores an object, sealed under the customer's key, a named one or the server's.
pub(crate) async fn put_object<B: HttpBody>(
    call: &Call<'_>,
    at: &At<'_>,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let bucket = call.bucket(at.bucket).await?;
    SseCWrite { bucket: &bucket, key: at.key, action: "s3:PutObject" }.check(call)?;
    let head = &call.head;
    // AWS looks at the storage class and Content-MD5 before any SSE-C value.
    let storage_class = stored::storage_class(head)?;
    let mut body = Plaintext::promised(call, incoming)?;
    let sealer = Sealer::of(call, &bucket)?;
    let new = call.new_object(&bucket).await?;
    stored::check_unbuilt(head)?;
    let lock = NewLock::of(call, &bucket)?;
    lock.demand_integrity(body.0.has_integrity_header(), "Put Object")?;
    let put = Put {
        bucket: &bucket,
        key: at.key,
        owner: &new.owner,
        encryption: sealer.encryption(),
        metadata: metadata::parse(head)?,
        storage_class,
        attached: Attached { acl: new.acl, ..lock.with_tags(stored::tags(head)?) },
        condition: conditional::write_condition(head, call.profile())?,
    };
    let condition = put.condition.clone();
    if sealer.wants_md5() {
        // The ETag of an object under the server's key is its MD5.
        body.0.want_md5();
    }
    let outcome = call.store().put(put, &mut body).await.map_err(refused)?;
    match outcome.published {
        Published::Done(assigned) => Ok(sealer
            .told(Answer::ok().etag(&outcome.etag))
            .checksum(outcome.checksum.as_ref())
            .header_if(VERSION_ID, new_version(&assigned))
            .header_if(EXPIRATION, expiration::of_new(call, (&bucket, at.key), &assigned).await)),
        Published::ConditionFailed => Err(conditional::write_failed(&condition)),
        Published::NoSuchKey => Err(no_such_key(at.key)),
        Published::NoSuchBucket => Err(no_such_bucket(at.bucket)),
    }
}

/// A write names the version that it made; a null version has no name worth telling.
pub(super) fn new_version(assigned: &Assigned) -> Option<String> {
    assigned.public.map(|id| version_name(Some(id)))
}
