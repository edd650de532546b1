//! Operations of S3 that this server does not have, by name.
//!
//! Guarantees: a request for one is `NotImplemented` and says which operation that is; the table is
//! the one of docs/s3-compatibility.md, and a test holds the two against each other.
//! Does not: know sub-resources that S3 does not have either; `route::allow` refuses those.

use super::Asked;
use crate::error::{S3Error, S3Result};

/// An operation that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedOperation {
    /// The query parameter that selects it.
    pub sub_resource: &'static str,
    /// Its method.
    pub method: &'static str,
    /// A second parameter that it has, where that tells it from the operation after it.
    pub with: Option<&'static str>,
    /// Its name in the S3 API reference.
    pub name: &'static str,
}

const fn row(
    sub_resource: &'static str,
    method: &'static str,
    name: &'static str,
) -> RefusedOperation {
    RefusedOperation { sub_resource, method, with: None, name }
}

const fn row_of_id(
    sub_resource: &'static str,
    method: &'static str,
    name: &'static str,
) -> RefusedOperation {
    RefusedOperation { sub_resource, method, with: Some("id"), name }
}

/// Those on buckets.
pub const REFUSED_ON_BUCKETS: &[RefusedOperation] = &[
    row("abac", "GET", "GetBucketAbac"),
    row("abac", "PUT", "PutBucketAbac"),
    row("accelerate", "PUT", "PutBucketAccelerateConfiguration"),
    row("analytics", "DELETE", "DeleteBucketAnalyticsConfiguration"),
    row_of_id("analytics", "GET", "GetBucketAnalyticsConfiguration"),
    row("analytics", "GET", "ListBucketAnalyticsConfigurations"),
    row("analytics", "PUT", "PutBucketAnalyticsConfiguration"),
    row("intelligent-tiering", "DELETE", "DeleteBucketIntelligentTieringConfiguration"),
    row_of_id("intelligent-tiering", "GET", "GetBucketIntelligentTieringConfiguration"),
    row("intelligent-tiering", "GET", "ListBucketIntelligentTieringConfigurations"),
    row("intelligent-tiering", "PUT", "PutBucketIntelligentTieringConfiguration"),
    row("inventory", "DELETE", "DeleteBucketInventoryConfiguration"),
    row_of_id("inventory", "GET", "GetBucketInventoryConfiguration"),
    row("inventory", "GET", "ListBucketInventoryConfigurations"),
    row("inventory", "PUT", "PutBucketInventoryConfiguration"),
    row("logging", "GET", "GetBucketLogging"),
    row("logging", "PUT", "PutBucketLogging"),
    row("metadataConfiguration", "DELETE", "DeleteBucketMetadataConfiguration"),
    row("metadataConfiguration", "GET", "GetBucketMetadataConfiguration"),
    row("metadataConfiguration", "POST", "CreateBucketMetadataConfiguration"),
    row("metadataInventoryTable", "PUT", "UpdateBucketMetadataInventoryTableConfiguration"),
    row("metadataJournalTable", "PUT", "UpdateBucketMetadataJournalTableConfiguration"),
    row("metadataTable", "DELETE", "DeleteBucketMetadataTableConfiguration"),
    row("metadataTable", "GET", "GetBucketMetadataTableConfiguration"),
    row("metadataTable", "POST", "CreateBucketMetadataTableConfiguration"),
    row("metrics", "DELETE", "DeleteBucketMetricsConfiguration"),
    row_of_id("metrics", "GET", "GetBucketMetricsConfiguration"),
    row("metrics", "GET", "ListBucketMetricsConfigurations"),
    row("metrics", "PUT", "PutBucketMetricsConfiguration"),
    row("notification", "GET", "GetBucketNotificationConfiguration"),
    row("notification", "PUT", "PutBucketNotificationConfiguration"),
    row("replication", "DELETE", "DeleteBucketReplication"),
    row("replication", "GET", "GetBucketReplication"),
    row("replication", "PUT", "PutBucketReplication"),
    row("session", "GET", "CreateSession"),
    row("website", "DELETE", "DeleteBucketWebsite"),
    row("website", "GET", "GetBucketWebsite"),
    row("website", "PUT", "PutBucketWebsite"),
];

/// Those on objects.
pub const REFUSED_ON_OBJECTS: &[RefusedOperation] = &[
    row("encryption", "PUT", "UpdateObjectEncryption"),
    row("renameObject", "PUT", "RenameObject"),
];

/// `NotImplemented`, if the request names an operation of the table.
pub(super) fn refuse(asked: Asked<'_>, rows: &[RefusedOperation]) -> S3Result<()> {
    let names = |row: &&RefusedOperation| {
        row.method == asked.method.as_str()
            && asked.query.has(row.sub_resource)
            && row.with.is_none_or(|name| asked.query.has(name))
    };
    match rows.iter().find(names) {
        None => Ok(()),
        Some(row) => Err(S3Error::not_implemented(format!("{} is not implemented.", row.name))),
    }
}
