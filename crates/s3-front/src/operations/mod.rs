//! The operations: one file each, named as in the S3 API reference.
//!
//! Guarantees: each reads as its paragraph there: authorise, parse, precondition, act, answer; the
//! body is not polled before the caller is authorised.
//! Does not: verify signatures or find the operation; `service` does.

mod abort_multipart_upload;
mod acl;
mod bucket_accelerate;
pub(crate) mod bucket_cors;
mod bucket_encryption;
mod bucket_lifecycle;
mod bucket_request_payment;
mod bucket_tagging;
mod bucket_versioning;
mod complete_multipart_upload;
mod copy_object;
mod copying;
mod create_bucket;
mod create_multipart_upload;
mod delete_bucket;
mod delete_bucket_policy;
mod delete_object;
mod delete_objects;
mod delete_public_access_block;
pub(crate) mod encryption_settings;
mod expiration;
mod found;
mod get_bucket_location;
mod get_bucket_policy;
mod get_bucket_policy_status;
mod get_object;
mod get_object_attributes;
mod get_public_access_block;
mod head_bucket;
mod list_buckets;
mod list_multipart_uploads;
mod list_object_versions;
mod list_objects;
mod list_parts;
mod location;
mod lock_settings;
mod object_legal_hold;
mod object_lock_configuration;
mod object_promises;
mod object_retention;
mod object_tagging;
mod ownership_controls;
mod part_list;
mod plaintext;
mod post_object;
mod put_bucket_policy;
mod put_object;
mod put_public_access_block;
mod sealing;
mod sub_resources;
mod unoffered;
mod upload_part;
mod upload_part_copy;

use object_engine::model::{BucketName, ObjectKey};

pub(crate) use found::no_such_key;

use crate::{
    error::S3Result,
    response::Answer,
    route::{BucketOperation, ObjectOperation, Route},
    service::{Call, HttpBody, Incoming},
};

/// Performs the operation that a request asks for.
pub(crate) async fn perform<B: HttpBody>(
    call: &Call<'_>,
    route: Route,
    body: Incoming<B>,
) -> S3Result<Answer> {
    match route {
        Route::Service(_) => list_buckets::list_buckets(call).await,
        Route::Bucket(bucket, operation) => on_bucket(call, operation, &bucket, body).await,
        Route::Object(bucket, key, operation) => {
            on_object(call, operation, &At { bucket: &bucket, key: &key }, body).await
        }
        Route::BucketSubResource(bucket, operation) => {
            sub_resources::on_bucket(call, operation, &bucket, body).await
        }
        Route::ObjectSubResource(bucket, key, operation) => {
            let at = At { bucket: &bucket, key: &key };
            sub_resources::on_object(call, operation, &at, body).await
        }
    }
}

/// A bucket's name and a key.
pub(crate) struct At<'a> {
    pub(crate) bucket: &'a BucketName,
    pub(crate) key: &'a ObjectKey,
}

async fn on_bucket<B: HttpBody>(
    call: &Call<'_>,
    operation: BucketOperation,
    bucket: &BucketName,
    body: Incoming<B>,
) -> S3Result<Answer> {
    match operation {
        BucketOperation::CreateBucket => create_bucket::create_bucket(call, bucket, body).await,
        BucketOperation::DeleteBucket => delete_bucket::delete_bucket(call, bucket).await,
        BucketOperation::DeleteBucketPolicy => {
            delete_bucket_policy::delete_bucket_policy(call, bucket).await
        }
        BucketOperation::DeleteObjects => delete_objects::delete_objects(call, bucket, body).await,
        BucketOperation::DeletePublicAccessBlock => {
            delete_public_access_block::delete_public_access_block(call, bucket).await
        }
        BucketOperation::GetBucketLocation => {
            get_bucket_location::get_bucket_location(call, bucket).await
        }
        BucketOperation::GetBucketPolicy => {
            get_bucket_policy::get_bucket_policy(call, bucket).await
        }
        BucketOperation::GetBucketPolicyStatus => {
            get_bucket_policy_status::get_bucket_policy_status(call, bucket).await
        }
        BucketOperation::GetPublicAccessBlock => {
            get_public_access_block::get_public_access_block(call, bucket).await
        }
        BucketOperation::HeadBucket => head_bucket::head_bucket(call, bucket).await,
        BucketOperation::ListMultipartUploads => {
            list_multipart_uploads::list_multipart_uploads(call, bucket).await
        }
        BucketOperation::ListObjects => list_objects::list_objects(call, bucket).await,
        BucketOperation::ListObjectsV2 => list_objects::list_objects_v2(call, bucket).await,
        BucketOperation::PutBucketPolicy => {
            put_bucket_policy::put_bucket_policy(call, bucket, body).await
        }
        BucketOperation::PutPublicAccessBlock => {
            put_public_access_block::put_public_access_block(call, bucket, body).await
        }
        BucketOperation::PostObject => post_object::post_object(call, bucket, body).await,
    }
}

async fn on_object<B: HttpBody>(
    call: &Call<'_>,
    operation: ObjectOperation,
    at: &At<'_>,
    body: Incoming<B>,
) -> S3Result<Answer> {
    match operation {
        ObjectOperation::AbortMultipartUpload => {
            abort_multipart_upload::abort_multipart_upload(call, at).await
        }
        ObjectOperation::CompleteMultipartUpload => {
            complete_multipart_upload::complete_multipart_upload(call, at, body).await
        }
        ObjectOperation::CopyObject => copy_object::copy_object(call, at).await,
        ObjectOperation::CreateMultipartUpload => {
            create_multipart_upload::create_multipart_upload(call, at).await
        }
        ObjectOperation::DeleteObject => delete_object::delete_object(call, at).await,
        ObjectOperation::GetObject => get_object::get_object(call, at).await,
        ObjectOperation::HeadObject => get_object::head_object(call, at).await,
        ObjectOperation::ListParts => list_parts::list_parts(call, at).await,
        ObjectOperation::PutObject => put_object::put_object(call, at, body).await,
        ObjectOperation::UploadPart => upload_part::upload_part(call, at, body).await,
        ObjectOperation::UploadPartCopy => upload_part_copy::upload_part_copy(call, at).await,
    }
}
