//! Buckets and accounts.
//!
//! Does not: hold policies yet; a bucket's settings are opaque texts under a name (`settings`).

use std::collections::BTreeMap;

use crate::{
    catalog::Stamp,
    clock::Timestamp,
    model::{AccountId, BucketName, BucketUid},
};

/// Whether a bucket keeps old versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Versioning {
    /// Never enabled: one null version a key.
    #[default]
    Unversioned,
    /// Each write makes a version with an id.
    Enabled,
    /// Writes replace the null version; ids made before stay.
    Suspended,
}

/// The setting that makes a bucket one with Object Lock, whatever its document says. The engine keeps
/// such a bucket versioned for good, so that no write ever replaces a version of it.
pub const OBJECT_LOCK: &str = "object-lock";

/// A bucket as read from the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: BucketName,
    /// Its identity; a bucket made again under the same name has another.
    pub uid: BucketUid,
    /// Who owns it.
    pub owner: AccountId,
    /// When it was made.
    pub created: Timestamp,
    /// The region asked for at creation.
    pub region: String,
    /// Whether old versions are kept.
    pub versioning: Versioning,
    /// Settings by the name of their sub-resource (`policy`, `cors`...), as documents.
    pub settings: BTreeMap<String, String>,
    /// Which write of the bucket's record this is; every object commit checks it.
    pub stamp: Stamp,
}

/// What creating a bucket came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateBucket {
    /// It is new.
    Created(Bucket),
    /// It stands already and the same account owns it.
    OwnedByYou(Bucket),
    /// It stands already and another account owns it.
    OwnedByOther,
}

/// What a change of a bucket that may be refused came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeBucket {
    /// It is made.
    Changed,
    /// The bucket as it stands does not allow it.
    Refused,
    /// There is no such bucket (any more).
    NoSuchBucket,
}

/// What deleting a bucket came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteBucket {
    /// It is gone, with its incomplete uploads.
    Deleted,
    /// It holds a version or a delete marker; it stays.
    NotEmpty,
    /// There is none (any more).
    NoSuchBucket,
}

/// An account and its access keys, as read from the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Canonical user id.
    pub id: AccountId,
    /// The name it was added under; unique.
    pub name: String,
    /// What listings show.
    pub display_name: String,
    /// Optional e-mail address.
    pub email: Option<String>,
    /// The account's identity policy, a JSON document.
    pub policy: Option<String>,
}

/// An access key: its id in clear, its secret sealed under the server's master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// The public id.
    pub id: String,
    /// Whose it is, by [`Account::name`].
    pub account: String,
    /// Sealed secret; this crate cannot open it.
    pub sealed_secret: bytes::Bytes,
    /// Whether it may sign.
    pub enabled: bool,
}

/// What adding an access key to an account came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddAccessKey {
    /// It may sign.
    Added,
    /// There is no account of that name.
    NoSuchAccount,
    /// A key with this id stands already, of this account or another.
    IdTaken,
}
