//! What ACLs say to a question, and which grant each action asks for.
//!
//! Guarantees: the table of "Access control list (ACL) overview" of the S3 User Guide; an action that is
//! not in it cannot be granted by an ACL.
//! Does not: read ACLs; `service::access` does.

use super::action::Action;
use crate::acl::Permission;

/// What ACLs say to a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acls {
    /// Nothing: they are disabled, or grant this to nobody who asks.
    #[default]
    Silent,
    /// A grant allows it.
    Granted,
    /// The object is another account's than the bucket, and its ACL does not grant it: then neither
    /// owning the bucket nor the bucket's policy helps.
    Withheld,
    /// The object decides, and nobody has looked at it yet: whoever does must ask again.
    Pending,
}

/// What could grant an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GrantedBy {
    /// This permission on the bucket.
    Bucket(Permission),
    /// This permission on the object.
    Object(Permission),
    /// No ACL.
    Nothing,
}

impl GrantedBy {
    /// What could grant this action.
    pub(crate) fn of(action: Action) -> Self {
        match action {
            Action::ListBucket
            | Action::ListBucketMultipartUploads
            | Action::ListBucketVersions => Self::Bucket(Permission::Read),
            // Who may write here may see to its uploads; S3 lets each account do that for its own.
            Action::AbortMultipartUpload
            | Action::DeleteObject
            | Action::ListMultipartUploadParts
            | Action::PutObject => Self::Bucket(Permission::Write),
            Action::GetBucketAcl => Self::Bucket(Permission::ReadAcp),
            Action::PutBucketAcl => Self::Bucket(Permission::WriteAcp),
            Action::GetObject | Action::GetObjectVersion => Self::Object(Permission::Read),
            Action::GetObjectAcl | Action::GetObjectVersionAcl => Self::Object(Permission::ReadAcp),
            Action::PutObjectAcl | Action::PutObjectVersionAcl => {
                Self::Object(Permission::WriteAcp)
            }
            _ => Self::Nothing,
        }
    }
}
