//! From a sub-resource's operation to its file.
//!
//! Does not: do anything itself; it is the second half of `operations::perform`.

use object_engine::model::BucketName;

use super::{
    At, acl, bucket_accelerate, bucket_cors, bucket_encryption, bucket_lifecycle,
    bucket_request_payment, bucket_tagging, bucket_versioning, get_object_attributes,
    list_object_versions, object_legal_hold, object_lock_configuration, object_retention,
    object_tagging, ownership_controls, unoffered,
};
use crate::{
    error::S3Result,
    response::Answer,
    route::{BucketSubResource, ObjectSubResource},
    service::{Call, HttpBody, Incoming},
};

pub(super) async fn on_bucket<B: HttpBody>(
    call: &Call<'_>,
    operation: BucketSubResource,
    bucket: &BucketName,
    body: Incoming<B>,
) -> S3Result<Answer> {
    use BucketSubResource as Op;
    match operation {
        Op::DeleteBucketCors => bucket_cors::delete_bucket_cors(call, bucket).await,
        Op::DeleteBucketEncryption => {
            bucket_encryption::delete_bucket_encryption(call, bucket).await
        }
        Op::DeleteBucketLifecycle => bucket_lifecycle::delete_bucket_lifecycle(call, bucket).await,
        Op::DeleteBucketOwnershipControls => {
            ownership_controls::delete_bucket_ownership_controls(call, bucket).await
        }
        Op::DeleteBucketTagging => bucket_tagging::delete_bucket_tagging(call, bucket).await,
        Op::GetBucketAccelerateConfiguration => {
            bucket_accelerate::get_bucket_accelerate_configuration(call, bucket).await
        }
        Op::GetBucketAcl => acl::get_bucket_acl(call, bucket).await,
        Op::GetBucketCors => bucket_cors::get_bucket_cors(call, bucket).await,
        Op::GetBucketEncryption => bucket_encryption::get_bucket_encryption(call, bucket).await,
        Op::GetBucketLifecycleConfiguration => {
            bucket_lifecycle::get_bucket_lifecycle_configuration(call, bucket).await
        }
        Op::GetBucketOwnershipControls => {
            ownership_controls::get_bucket_ownership_controls(call, bucket).await
        }
        Op::GetBucketRequestPayment => {
            bucket_request_payment::get_bucket_request_payment(call, bucket).await
        }
        Op::GetBucketTagging => bucket_tagging::get_bucket_tagging(call, bucket).await,
        Op::GetBucketVersioning => bucket_versioning::get_bucket_versioning(call, bucket).await,
        Op::GetObjectLockConfiguration => {
            object_lock_configuration::get_object_lock_configuration(call, bucket).await
        }
        Op::ListObjectVersions => list_object_versions::list_object_versions(call, bucket).await,
        Op::PutBucketAcl => acl::put_bucket_acl(call, bucket, body).await,
        Op::PutBucketCors => bucket_cors::put_bucket_cors(call, bucket, body).await,
        Op::PutBucketEncryption => {
            bucket_encryption::put_bucket_encryption(call, bucket, body).await
        }
        Op::PutBucketLifecycleConfiguration => {
            bucket_lifecycle::put_bucket_lifecycle_configuration(call, bucket, body).await
        }
        Op::PutBucketOwnershipControls => {
            ownership_controls::put_bucket_ownership_controls(call, bucket, body).await
        }
        Op::PutBucketRequestPayment => {
            bucket_request_payment::put_bucket_request_payment(call, bucket, body).await
        }
        Op::PutBucketTagging => bucket_tagging::put_bucket_tagging(call, bucket, body).await,
        Op::PutBucketVersioning => {
            bucket_versioning::put_bucket_versioning(call, bucket, body).await
        }
        Op::PutObjectLockConfiguration => {
            object_lock_configuration::put_object_lock_configuration(call, bucket, body).await
        }
    }
}

pub(super) async fn on_object<B: HttpBody>(
    call: &Call<'_>,
    operation: ObjectSubResource,
    at: &At<'_>,
    body: Incoming<B>,
) -> S3Result<Answer> {
    use ObjectSubResource as Op;
    match operation {
        Op::DeleteObjectTagging => object_tagging::delete_object_tagging(call, at).await,
        Op::GetObjectAcl => acl::get_object_acl(call, at).await,
        Op::GetObjectAttributes => get_object_attributes::get_object_attributes(call, at).await,
        Op::GetObjectLegalHold => object_legal_hold::get_object_legal_hold(call, at).await,
        Op::GetObjectRetention => object_retention::get_object_retention(call, at).await,
        Op::GetObjectTagging => object_tagging::get_object_tagging(call, at).await,
        Op::GetObjectTorrent => unoffered::get_object_torrent(call, at).await,
        Op::PutObjectAcl => acl::put_object_acl(call, at, body).await,
        Op::PutObjectLegalHold => object_legal_hold::put_object_legal_hold(call, at, body).await,
        Op::PutObjectRetention => object_retention::put_object_retention(call, at, body).await,
        Op::PutObjectTagging => object_tagging::put_object_tagging(call, at, body).await,
        Op::RestoreObject => unoffered::restore_object(call, at).await,
        Op::SelectObjectContent => unoffered::select_object_content(call, at).await,
    }
}
