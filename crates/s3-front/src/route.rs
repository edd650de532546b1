//! From method, host, path and query to one operation.
//!
//! Guarantees: an allow-list for each method and path shape. A sub-resource that is unknown, or known
//! and not built, is `NotImplemented`; none ever falls through to another operation.
//! Does not: look at headers but `Host`, except for what tells a copy from a put.

use std::fmt;

use http::Method;
use object_engine::model::{BucketName, InvalidObjectKey, OBJECT_KEY_BYTES_MAX, ObjectKey};

use crate::{
    error::{ErrorCode, S3Error, S3Result},
    request::query::{Query, percent_decoded},
};

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// An operation on the account.
    Service(ServiceOperation),
    /// An operation on a bucket.
    Bucket(BucketName, BucketOperation),
    /// An operation on a key.
    Object(BucketName, ObjectKey, ObjectOperation),
    /// An operation on what belongs to a bucket beside its objects.
    BucketSubResource(BucketName, BucketSubResource),
    /// An operation on what belongs to an object beside its bytes.
    ObjectSubResource(BucketName, ObjectKey, ObjectSubResource),
}

macro_rules! operations {
    ($(#[$doc:meta])* $kind:ident { $($name:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $kind {
            $(#[doc = concat!("S3's ", stringify!($name), ".")] $name,)*
        }

        impl $kind {
            /// The operation's name in the S3 API reference.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

operations! {
    /// Operations on the account.
    ServiceOperation {
        ListBuckets,
    }
}

operations! {
    /// Operations on a bucket.
    BucketOperation {
        CreateBucket,
        DeleteBucket,
        DeleteBucketPolicy,
        DeleteObjects,
        DeletePublicAccessBlock,
        GetBucketLocation,
        GetBucketPolicy,
        GetBucketPolicyStatus,
        GetPublicAccessBlock,
        HeadBucket,
        ListMultipartUploads,
        ListObjects,
        ListObjectsV2,
        PutBucketPolicy,
        PutPublicAccessBlock,
        PostObject,
    }
}

operations! {
    /// Operations on a key.
    ObjectOperation {
        AbortMultipartUpload,
        CompleteMultipartUpload,
        CopyObject,
        CreateMultipartUpload,
        DeleteObject,
        GetObject,
        HeadObject,
        ListParts,
        PutObject,
        UploadPart,
        UploadPartCopy,
    }
}

pub(crate) mod query_api;
mod refused;
mod sub_resource;

pub use refused::{REFUSED_ON_BUCKETS, REFUSED_ON_OBJECTS, RefusedOperation};
pub use sub_resource::{BucketSubResource, ObjectSubResource};

impl Route {
    /// The operation's name in the S3 API reference.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Service(operation) => operation.name(),
            Self::Bucket(_, operation) => operation.name(),
            Self::Object(_, _, operation) => operation.name(),
            Self::BucketSubResource(_, operation) => operation.name(),
            Self::ObjectSubResource(_, _, operation) => operation.name(),
        }
    }
}

/// What the router looks at.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The method.
    pub method: &'a Method,
    /// The host without its port, from `Host` or `:authority`.
    pub host: Option<&'a str>,
    /// The raw path.
    pub path: &'a str,
    /// The query, already without what stands for headers.
    pub query: &'a Query,
    /// Whether `x-amz-copy-source` is there.
    pub is_copy: bool,
}

impl fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked")
            .field("method", self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Finds the operation. `domains` are the names under which buckets are addressed as host names.
pub fn route(asked: Asked<'_>, domains: &[String]) -> S3Result<Route> {
    Ok(match named(asked.host, asked.path, domains)? {
        Named::Service => Route::Service(service(asked)?),
        Named::Bucket(name) => match sub_resource::on_bucket(asked)? {
            Some(operation) => Route::BucketSubResource(name, operation),
            None => Route::Bucket(name, on_bucket(asked)?),
        },
        Named::Object(name, key) => match sub_resource::on_object(asked)? {
            Some(operation) => Route::ObjectSubResource(name, key, operation),
            None => Route::Object(name, key, on_object(asked)?),
        },
    })
}

/// What a request is about, whatever it asks of it.
pub(crate) enum Named {
    Service,
    Bucket(BucketName),
    Object(BucketName, ObjectKey),
}

/// Finds the bucket and the key in the host and the raw path.
pub(crate) fn named(host: Option<&str>, path: &str, domains: &[String]) -> S3Result<Named> {
    let path = path.strip_prefix('/').ok_or(ErrorCode::InvalidURI)?;
    let (bucket, key) = match bucket_of_host(host, domains) {
        Some(bucket) => (bucket, path),
        None => path.split_once('/').unwrap_or((path, "")),
    };
    let (bucket, key) = (percent_decoded(bucket)?, percent_decoded(key)?);
    Ok(match (bucket.as_str(), key.as_str()) {
        ("", "") => Named::Service,
        (_, "") => Named::Bucket(bucket_name(&bucket)?),
        _ => Named::Object(bucket_name(&bucket)?, object_key(&key)?),
    })
}

/// The bucket that a host names: what stands before one of the domains. The longest domain counts, so
/// that of `example.com` and `s3.example.com` both may be configured.
pub(crate) fn bucket_of_host<'a>(host: Option<&'a str>, domains: &[String]) -> Option<&'a str> {
    let host = host?;
    let exact = domains.iter().any(|domain| host.eq_ignore_ascii_case(domain));
    let before = |domain: &String| {
        let at = host.len().checked_sub(domain.len())?;
        let tail = host.get(at..)?;
        let bucket = host.get(..at)?.strip_suffix('.')?;
        tail.eq_ignore_ascii_case(domain).then_some(bucket)
    };
    if exact { None } else { domains.iter().filter_map(before).min_by_key(|bucket| bucket.len()) }
}

fn bucket_name(name: &str) -> S3Result<BucketName> {
    BucketName::parse(name)
        .map_err(|_| S3Error::new(ErrorCode::InvalidBucketName).element("BucketName", name))
}

/// A key as requests and forms name it.
pub(crate) fn object_key(key: &str) -> S3Result<ObjectKey> {
    ObjectKey::parse(key).map_err(|error| match error {
        InvalidObjectKey::TooLong => S3Error::new(ErrorCode::KeyTooLongError)
            .element("Size", key.len().to_string())
            .element("MaxSizeAllowed", OBJECT_KEY_BYTES_MAX.to_string()),
        InvalidObjectKey::Nul | InvalidObjectKey::Empty => ErrorCode::InvalidURI.into(),
    })
}

fn service(asked: Asked<'_>) -> S3Result<ServiceOperation> {
    match *asked.method {
        Method::GET => {
            allow(asked.query, LIST_BUCKETS)?;
            Ok(ServiceOperation::ListBuckets)
        }
        _ => Err(method_not_allowed(asked, "SERVICE")),
    }
}

fn on_bucket(asked: Asked<'_>) -> S3Result<BucketOperation> {
    use BucketOperation as Op;
    refused::refuse(asked, REFUSED_ON_BUCKETS)?;
    let query = asked.query;
    let (operation, allowed) = match *asked.method {
        Method::GET if query.has("policy") => (Op::GetBucketPolicy, POLICY),
        Method::PUT if query.has("policy") => (Op::PutBucketPolicy, POLICY),
        Method::DELETE if query.has("policy") => (Op::DeleteBucketPolicy, POLICY),
        Method::GET if query.has("policyStatus") => (Op::GetBucketPolicyStatus, POLICY_STATUS),
        Method::GET if query.has("publicAccessBlock") => (Op::GetPublicAccessBlock, ACCESS_BLOCK),
        Method::PUT if query.has("publicAccessBlock") => (Op::PutPublicAccessBlock, ACCESS_BLOCK),
        Method::DELETE if query.has("publicAccessBlock") => {
            (Op::DeletePublicAccessBlock, ACCESS_BLOCK)
        }
        Method::GET if query.has("location") => (Op::GetBucketLocation, ["location"].as_slice()),
        Method::GET if query.has("uploads") => (Op::ListMultipartUploads, LIST_UPLOADS),
        Method::GET if query.has("list-type") => (list_type(query)?, LIST_V2),
        Method::GET => (Op::ListObjects, LIST_V1),
        Method::HEAD => (Op::HeadBucket, [].as_slice()),
        Method::PUT => (Op::CreateBucket, [].as_slice()),
        Method::DELETE => (Op::DeleteBucket, [].as_slice()),
        Method::POST if query.has("delete") => (Op::DeleteObjects, ["delete"].as_slice()),
        Method::POST => (Op::PostObject, [].as_slice()),
        _ => return Err(method_not_allowed(asked, "BUCKET")),
    };
    allow(query, allowed)?;
    Ok(operation)
}

fn list_type(query: &Query) -> S3Result<BucketOperation> {
    match query.get("list-type") {
        Some("2") => Ok(BucketOperation::ListObjectsV2),
        Some("1") => Ok(BucketOperation::ListObjects),
        other => Err(S3Error::argument(
            "Invalid List Type specified in query string.",
            "list-type",
            other.unwrap_or_default(),
        )),
    }
}

fn on_object(asked: Asked<'_>) -> S3Result<ObjectOperation> {
    use ObjectOperation as Op;
    refused::refuse(asked, REFUSED_ON_OBJECTS)?;
    let query = asked.query;
    let (operation, allowed) = match *asked.method {
        Method::GET if query.has("uploadId") => (Op::ListParts, LIST_PARTS),
        Method::GET => (Op::GetObject, READ),
        Method::HEAD => (Op::HeadObject, READ),
        Method::PUT if query.has("uploadId") || query.has("partNumber") => (part(asked), PART),
        // A copy must never become a put of its empty body.
        Method::PUT if asked.is_copy => (Op::CopyObject, [].as_slice()),
        Method::PUT => (Op::PutObject, [].as_slice()),
        Method::DELETE if query.has("uploadId") => (Op::AbortMultipartUpload, UPLOAD),
        Method::DELETE => (Op::DeleteObject, VERSION),
        Method::POST if query.has("uploads") => (Op::CreateMultipartUpload, ["uploads"].as_slice()),
        Method::POST if query.has("uploadId") => (Op::CompleteMultipartUpload, UPLOAD),
        Method::POST => {
            allow(query, &[])?;
            return Err(method_not_allowed(asked, "OBJECT"));
        }
        _ => return Err(method_not_allowed(asked, "OBJECT")),
    };
    allow(query, allowed)?;
    check_part_query(operation, query)?;
    Ok(operation)
}

fn part(asked: Asked<'_>) -> ObjectOperation {
    if asked.is_copy { ObjectOperation::UploadPartCopy } else { ObjectOperation::UploadPart }
}

/// A part needs both of its parameters; neither alone may become a PutObject.
fn check_part_query(operation: ObjectOperation, query: &Query) -> S3Result<()> {
    use ObjectOperation::{UploadPart, UploadPartCopy};
    let missing = ["uploadId", "partNumber"].into_iter().find(|name| !query.has(name));
    match missing {
        Some(name) if matches!(operation, UploadPart | UploadPartCopy) => {
            Err(S3Error::argument("This operation needs both uploadId and partNumber.", name, ""))
        }
        _ => Ok(()),
    }
}

/// Refuses every query parameter that the operation does not have. `x-id` is the SDKs' own note of the
/// operation's name and means nothing.
fn allow(query: &Query, allowed: &[&str]) -> S3Result<()> {
    let known = |name: &str| name == "x-id" || allowed.contains(&name);
    match query.iter().find(|(name, _)| !known(name)) {
        None => Ok(()),
        Some((name, _)) => Err(refused_parameter(name)),
    }
}

fn refused_parameter(name: &str) -> S3Error {
    let shown: String = name.chars().take(64).collect();
    S3Error::not_implemented(format!(
        "The query parameter '{shown}' implies functionality that is not implemented."
    ))
}

fn method_not_allowed(asked: Asked<'_>, resource: &str) -> S3Error {
    S3Error::new(ErrorCode::MethodNotAllowed)
        .element("Method", asked.method.as_str())
        .element("ResourceType", resource)
}

const LIST_BUCKETS: &[&str] = &["bucket-region", "continuation-token", "max-buckets", "prefix"];
/// The last three are what S3 itself adds to where a form's sender is redirected, which may be a bucket.
const LIST_V1: &[&str] = &[
    "delimiter",
    "encoding-type",
    "marker",
    "max-keys",
    "prefix",
    "list-type",
    "bucket",
    "key",
    "etag",
];
const LIST_V2: &[&str] = &[
    "continuation-token",
    "delimiter",
    "encoding-type",
    "fetch-owner",
    "list-type",
    "marker",
    "max-keys",
    "prefix",
    "start-after",
];
const LIST_UPLOADS: &[&str] = &[
    "delimiter",
    "encoding-type",
    "key-marker",
    "max-uploads",
    "prefix",
    "upload-id-marker",
    "uploads",
];
const LIST_PARTS: &[&str] = &["encoding-type", "max-parts", "part-number-marker", "uploadId"];
const READ: &[&str] = &[
    "partNumber",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "versionId",
];
const PART: &[&str] = &["partNumber", "uploadId"];
const UPLOAD: &[&str] = &["uploadId"];
const POLICY: &[&str] = &["policy"];
const POLICY_STATUS: &[&str] = &["policyStatus"];
const ACCESS_BLOCK: &[&str] = &["publicAccessBlock"];
const VERSION: &[&str] = &["versionId"];

#[cfg(test)]
mod tests;
