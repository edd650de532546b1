//! Who may do what, until there are policies: root everything, an account what it owns, nobody else
//! anything.
//!
//! Guarantees: a caller learns nothing of another account's bucket but that its name is taken.
//! Does not: read policies or ACLs.

use object_engine::model::{AccountId, Bucket};

use crate::{
    error::{ErrorCode, S3Error, S3Result},
    identity::Principal,
    service::Inner,
};

/// An authentic caller.
#[derive(Debug)]
pub(crate) struct Caller<'a> {
    /// The account.
    pub(crate) id: &'a AccountId,
    /// What listings show of it.
    pub(crate) display_name: &'a str,
    is_root: bool,
}

impl<'a> Caller<'a> {
    /// The caller behind a principal; an anonymous one is denied.
    pub(crate) fn of(principal: &'a Principal, service: &'a Inner) -> S3Result<Self> {
        let root = &service.options.root;
        match principal {
            Principal::Anonymous => Err(denied()),
            Principal::Account(account) => {
                Ok(Self { id: &account.id, display_name: &account.display_name, is_root: false })
            }
            Principal::Root => {
                Ok(Self { id: &root.id, display_name: &root.display_name, is_root: true })
            }
        }
    }

    /// Whether the caller may do anything with a bucket.
    pub(crate) fn check(&self, bucket: &Bucket) -> S3Result<()> {
        if self.is_root || bucket.owner == *self.id { Ok(()) } else { Err(denied()) }
    }

    /// Whose buckets the caller sees: `None` for everybody's.
    pub(crate) fn sees(&self) -> Option<&'a AccountId> {
        (!self.is_root).then_some(self.id)
    }
}

/// `403 AccessDenied`.
pub(crate) fn denied() -> S3Error {
    ErrorCode::AccessDenied.into()
}
