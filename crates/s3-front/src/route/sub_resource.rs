//! Sub-resources: what a query's bare name selects instead of the bucket or the object itself.
//!
//! Guarantees: one row for each operation, so that a reviewer can hold the tables against the S3 API
//! reference; a request that names two sub-resources is refused.
//! Does not: know sub-resources that have a meaning of their own in listings and uploads.

use super::{Asked, allow};
use crate::error::S3Result;

operations! {
    /// Operations on what belongs to a bucket beside its objects.
    BucketSubResource {
        DeleteBucketCors,
        DeleteBucketEncryption,
        DeleteBucketLifecycle,
        DeleteBucketOwnershipControls,
        DeleteBucketTagging,
        GetBucketAccelerateConfiguration,
        GetBucketAcl,
        GetBucketCors,
        GetBucketEncryption,
        GetBucketLifecycleConfiguration,
        GetBucketOwnershipControls,
        GetBucketRequestPayment,
        GetBucketTagging,
        GetBucketVersioning,
        GetObjectLockConfiguration,
        ListObjectVersions,
        PutBucketAcl,
        PutBucketCors,
        PutBucketEncryption,
        PutBucketLifecycleConfiguration,
        PutBucketOwnershipControls,
        PutBucketRequestPayment,
        PutBucketTagging,
        PutBucketVersioning,
        PutObjectLockConfiguration,
    }
}

operations! {
    /// Operations on what belongs to an object beside its bytes.
    ObjectSubResource {
        DeleteObjectTagging,
        GetObjectAcl,
        GetObjectAttributes,
        GetObjectLegalHold,
        GetObjectRetention,
        GetObjectTagging,
        GetObjectTorrent,
        PutObjectAcl,
        PutObjectLegalHold,
        PutObjectRetention,
        PutObjectTagging,
        RestoreObject,
        SelectObjectContent,
    }
}

/// Sub-resource, method, operation, and which parameters it has besides.
type Row<O> = (&'static str, &'static str, O, &'static [&'static str]);

const ON_BUCKETS: &[Row<BucketSubResource>] = {
    use BucketSubResource as Op;
    &[
        ("accelerate", "GET", Op::GetBucketAccelerateConfiguration, &[]),
        ("acl", "GET", Op::GetBucketAcl, &[]),
        ("acl", "PUT", Op::PutBucketAcl, &[]),
        ("cors", "DELETE", Op::DeleteBucketCors, &[]),
        ("cors", "GET", Op::GetBucketCors, &[]),
        ("cors", "PUT", Op::PutBucketCors, &[]),
        ("encryption", "DELETE", Op::DeleteBucketEncryption, &[]),
        ("encryption", "GET", Op::GetBucketEncryption, &[]),
        ("encryption", "PUT", Op::PutBucketEncryption, &[]),
        ("lifecycle", "DELETE", Op::DeleteBucketLifecycle, &[]),
        ("lifecycle", "GET", Op::GetBucketLifecycleConfiguration, &[]),
        ("lifecycle", "PUT", Op::PutBucketLifecycleConfiguration, &[]),
        ("object-lock", "GET", Op::GetObjectLockConfiguration, &[]),
        ("object-lock", "PUT", Op::PutObjectLockConfiguration, &[]),
        ("ownershipControls", "DELETE", Op::DeleteBucketOwnershipControls, &[]),
        ("ownershipControls", "GET", Op::GetBucketOwnershipControls, &[]),
        ("ownershipControls", "PUT", Op::PutBucketOwnershipControls, &[]),
        ("requestPayment", "GET", Op::GetBucketRequestPayment, &[]),
        ("requestPayment", "PUT", Op::PutBucketRequestPayment, &[]),
        ("tagging", "DELETE", Op::DeleteBucketTagging, &[]),
        ("tagging", "GET", Op::GetBucketTagging, &[]),
        ("tagging", "PUT", Op::PutBucketTagging, &[]),
        ("versioning", "GET", Op::GetBucketVersioning, &[]),
        ("versioning", "PUT", Op::PutBucketVersioning, &[]),
        ("versions", "GET", Op::ListObjectVersions, LIST_VERSIONS),
    ]
};

const LIST_VERSIONS: &[&str] =
    &["delimiter", "encoding-type", "key-marker", "max-keys", "prefix", "version-id-marker"];

const ON_OBJECTS: &[Row<ObjectSubResource>] = {
    use ObjectSubResource as Op;
    &[
        ("acl", "GET", Op::GetObjectAcl, VERSION),
        ("acl", "PUT", Op::PutObjectAcl, VERSION),
        ("attributes", "GET", Op::GetObjectAttributes, VERSION),
        ("legal-hold", "GET", Op::GetObjectLegalHold, VERSION),
        ("legal-hold", "PUT", Op::PutObjectLegalHold, VERSION),
        ("restore", "POST", Op::RestoreObject, VERSION),
        ("retention", "GET", Op::GetObjectRetention, VERSION),
        ("retention", "PUT", Op::PutObjectRetention, VERSION),
        ("select", "POST", Op::SelectObjectContent, &["select-type"]),
        ("tagging", "DELETE", Op::DeleteObjectTagging, VERSION),
        ("tagging", "GET", Op::GetObjectTagging, VERSION),
        ("tagging", "PUT", Op::PutObjectTagging, VERSION),
        ("torrent", "GET", Op::GetObjectTorrent, &[]),
    ]
};

const VERSION: &[&str] = &["versionId"];

/// The operation on a bucket's sub-resource, if the request names one of this table.
pub(super) fn on_bucket(asked: Asked<'_>) -> S3Result<Option<BucketSubResource>> {
    find(asked, ON_BUCKETS)
}

/// The operation on an object's sub-resource, if the request names one of this table.
pub(super) fn on_object(asked: Asked<'_>) -> S3Result<Option<ObjectSubResource>> {
    find(asked, ON_OBJECTS)
}

fn find<O: Copy>(asked: Asked<'_>, rows: &[Row<O>]) -> S3Result<Option<O>> {
    let method = asked.method.as_str();
    let found = rows.iter().find(|(name, of, ..)| *of == method && asked.query.has(name));
    let Some((name, _, operation, parameters)) = found else { return Ok(None) };
    let allowed: Vec<&str> = parameters.iter().copied().chain([*name]).collect();
    allow(asked.query, &allowed)?;
    Ok(Some(*operation))
}
