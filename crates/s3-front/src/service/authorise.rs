//! What each operation must be allowed: the actions that the S3 API reference names for it.
//!
//! Guarantees: one exhaustive `match`, so no operation is built without its action.
//! Does not: decide; `policy` does, and `access` asks it.

use http::HeaderValue;
use object_engine::model::ObjectKey;

use crate::{
    policy::Action,
    request::{head::Head, object_lock},
    route::{
        BucketOperation, BucketSubResource, ObjectOperation, ObjectSubResource, Route,
        ServiceOperation,
    },
};

/// What a request must be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) actions: Actions,
    /// The key, if the actions are an object's.
    pub(crate) key: Option<ObjectKey>,
}

/// Which actions, and how many of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Actions {
    /// Every one.
    All(Vec<Action>),
    /// At least one, on some key: the request names its keys in its body, and each is asked about
    /// again when it is known.
    Some(&'static [Action]),
}

/// The actions of DeleteObjects.
const DELETIONS: &[Action] = &[Action::DeleteObject, Action::DeleteObjectVersion];

impl Needs {
    /// Those of a request.
    pub(crate) fn of(route: &Route, head: &Head) -> Self {
        match route {
            Route::Service(operation) => Self::on(on_service(*operation)),
            Route::Bucket(_, BucketOperation::DeleteObjects) => {
                Self { actions: Actions::Some(DELETIONS), key: None }
            }
            Route::Bucket(_, BucketOperation::PostObject) => {
                Self { actions: Actions::Some(&[Action::PutObject]), key: None }
            }
            Route::Bucket(_, BucketOperation::CreateBucket) => {
                Self { actions: Actions::All(new_bucket(head)), key: None }
            }
            Route::Bucket(_, operation) => Self::on(on_bucket(*operation)),
            Route::Object(_, key, operation) => {
                Self { actions: Actions::All(on_object(*operation, head)), key: Some(key.clone()) }
            }
            Route::BucketSubResource(_, operation) => Self::on(on_bucket_sub_resource(*operation)),
            Route::ObjectSubResource(_, key, operation) => Self {
                actions: Actions::All(on_object_sub_resource(*operation, head)),
                key: Some(key.clone()),
            },
        }
    }

    fn on(action: Action) -> Self {
        Self { actions: Actions::All(vec![action]), key: None }
    }
}

fn on_service(operation: ServiceOperation) -> Action {
    match operation {
        ServiceOperation::ListBuckets => Action::ListAllMyBuckets,
    }
}

fn on_bucket(operation: BucketOperation) -> Action {
    use BucketOperation as Op;
    match operation {
        Op::CreateBucket => Action::CreateBucket,
        Op::DeleteBucket => Action::DeleteBucket,
        Op::DeleteBucketPolicy => Action::DeleteBucketPolicy,
        Op::DeleteObjects => Action::DeleteObject,
        Op::DeletePublicAccessBlock | Op::PutPublicAccessBlock => {
            Action::PutBucketPublicAccessBlock
        }
        Op::GetBucketLocation => Action::GetBucketLocation,
        Op::GetBucketPolicy => Action::GetBucketPolicy,
        Op::GetBucketPolicyStatus => Action::GetBucketPolicyStatus,
        Op::GetPublicAccessBlock => Action::GetBucketPublicAccessBlock,
        Op::HeadBucket | Op::ListObjects | Op::ListObjectsV2 => Action::ListBucket,
        Op::ListMultipartUploads => Action::ListBucketMultipartUploads,
        Op::PostObject => Action::PutObject,
        Op::PutBucketPolicy => Action::PutBucketPolicy,
    }
}

fn on_object(operation: ObjectOperation, head: &Head) -> Vec<Action> {
    use ObjectOperation as Op;
    let of_version = head.query.filled("versionId").is_some();
    match operation {
        Op::AbortMultipartUpload => vec![Action::AbortMultipartUpload],
        Op::CopyObject | Op::CreateMultipartUpload | Op::PutObject => new_object(head),
        Op::CompleteMultipartUpload | Op::UploadPart | Op::UploadPartCopy => {
            vec![Action::PutObject]
        }
        Op::DeleteObject => deletion(head),
        Op::GetObject | Op::HeadObject if of_version => vec![Action::GetObjectVersion],
        Op::GetObject | Op::HeadObject => vec![Action::GetObject],
        Op::ListParts => vec![Action::ListMultipartUploadParts],
    }
}

fn on_bucket_sub_resource(operation: BucketSubResource) -> Action {
    use BucketSubResource as Op;
    match operation {
        Op::DeleteBucketCors | Op::PutBucketCors => Action::PutBucketCORS,
        Op::DeleteBucketEncryption | Op::PutBucketEncryption => Action::PutEncryptionConfiguration,
        Op::DeleteBucketLifecycle | Op::PutBucketLifecycleConfiguration => {
            Action::PutLifecycleConfiguration
        }
        Op::DeleteBucketOwnershipControls | Op::PutBucketOwnershipControls => {
            Action::PutBucketOwnershipControls
        }
        Op::DeleteBucketTagging | Op::PutBucketTagging => Action::PutBucketTagging,
        Op::GetBucketAccelerateConfiguration => Action::GetAccelerateConfiguration,
        Op::GetBucketAcl => Action::GetBucketAcl,
        Op::GetBucketCors => Action::GetBucketCORS,
        Op::GetBucketEncryption => Action::GetEncryptionConfiguration,
        Op::GetBucketLifecycleConfiguration => Action::GetLifecycleConfiguration,
        Op::GetBucketOwnershipControls => Action::GetBucketOwnershipControls,
        Op::GetBucketRequestPayment => Action::GetBucketRequestPayment,
        Op::GetBucketTagging => Action::GetBucketTagging,
        Op::GetBucketVersioning => Action::GetBucketVersioning,
        Op::GetObjectLockConfiguration => Action::GetBucketObjectLockConfiguration,
        Op::ListObjectVersions => Action::ListBucketVersions,
        Op::PutBucketAcl => Action::PutBucketAcl,
        Op::PutBucketRequestPayment => Action::PutBucketRequestPayment,
        Op::PutBucketVersioning => Action::PutBucketVersioning,
        Op::PutObjectLockConfiguration => Action::PutBucketObjectLockConfiguration,
    }
}

fn on_object_sub_resource(operation: ObjectSubResource, head: &Head) -> Vec<Action> {
    use ObjectSubResource as Op;
    let of_version = head.query.filled("versionId").is_some();
    match operation {
        Op::DeleteObjectTagging if of_version => vec![Action::DeleteObjectVersionTagging],
        Op::DeleteObjectTagging => vec![Action::DeleteObjectTagging],
        Op::GetObjectAcl if of_version => vec![Action::GetObjectVersionAcl],
        Op::GetObjectAcl => vec![Action::GetObjectAcl],
        // Attributes tell what a read of the object would, so S3 asks for both.
        Op::GetObjectAttributes if of_version => {
            vec![Action::GetObjectVersion, Action::GetObjectVersionAttributes]
        }
        Op::GetObjectAttributes => vec![Action::GetObject, Action::GetObjectAttributes],
        Op::GetObjectLegalHold => vec![Action::GetObjectLegalHold],
        Op::GetObjectRetention => vec![Action::GetObjectRetention],
        Op::GetObjectTagging if of_version => vec![Action::GetObjectVersionTagging],
        Op::GetObjectTagging => vec![Action::GetObjectTagging],
        Op::GetObjectTorrent => vec![Action::GetObjectTorrent],
        Op::PutObjectAcl if of_version => vec![Action::PutObjectVersionAcl],
        Op::PutObjectAcl => vec![Action::PutObjectAcl],
        Op::PutObjectLegalHold => vec![Action::PutObjectLegalHold],
        Op::PutObjectRetention if object_lock::bypasses_governance(head) => {
            vec![Action::PutObjectRetention, Action::BypassGovernanceRetention]
        }
        Op::PutObjectRetention => vec![Action::PutObjectRetention],
        Op::PutObjectTagging if of_version => vec![Action::PutObjectVersionTagging],
        Op::PutObjectTagging => vec![Action::PutObjectTagging],
        Op::RestoreObject => vec![Action::RestoreObject],
        Op::SelectObjectContent => vec![Action::GetObject],
    }
}

/// Whoever gives a new bucket an ACL or an object ownership needs the permission for that too; Object
/// Lock makes it versioned, so S3 asks for both of these.
fn new_bucket(head: &Head) -> Vec<Action> {
    let mut actions = vec![Action::CreateBucket];
    if object_lock::wanted_of_bucket(head) {
        actions.extend([Action::PutBucketObjectLockConfiguration, Action::PutBucketVersioning]);
    }
    if asks_for(head, ACL).is_some_and(|acl| acl != b"private") || has_grants(head) {
        actions.push(Action::PutBucketAcl);
    }
    if asks_for(head, "x-amz-object-ownership").is_some() {
        actions.push(Action::PutBucketOwnershipControls);
    }
    actions
}

/// Whoever compares the object's ETag learns something of it, and whoever bypasses governance needs
/// the permission for that.
fn deletion(head: &Head) -> Vec<Action> {
    let mut actions = match head.query.filled("versionId") {
        Some(_) => vec![Action::DeleteObjectVersion],
        None => vec![Action::DeleteObject],
    };
    if head.headers.get("if-match").is_some_and(|etag| etag != "*") {
        actions.push(Action::GetObject);
    }
    if object_lock::bypasses_governance(head) {
        actions.push(Action::BypassGovernanceRetention);
    }
    actions
}

/// Whoever gives a new object tags, an ACL or a lock needs the permission for that too.
fn new_object(head: &Head) -> Vec<Action> {
    let mut actions = vec![Action::PutObject];
    if asks_for(head, "x-amz-tagging").is_some() {
        actions.push(Action::PutObjectTagging);
    }
    if asks_for(head, ACL).is_some() || has_grants(head) {
        actions.push(Action::PutObjectAcl);
    }
    if asks_for(head, object_lock::MODE).is_some()
        || asks_for(head, object_lock::RETAIN_UNTIL).is_some()
    {
        actions.push(Action::PutObjectRetention);
    }
    if asks_for(head, object_lock::LEGAL_HOLD).is_some() {
        actions.push(Action::PutObjectLegalHold);
    }
    actions
}

const ACL: &str = "x-amz-acl";

/// What a header says, unless it is empty.
fn asks_for<'h>(head: &'h Head, name: &str) -> Option<&'h [u8]> {
    head.value(name).map(HeaderValue::as_bytes).filter(|value| !value.is_empty())
}

fn has_grants(head: &Head) -> bool {
    head.headers.keys().any(|name| name.as_str().starts_with("x-amz-grant-"))
}
