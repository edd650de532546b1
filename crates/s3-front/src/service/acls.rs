//! ACLs of buckets and objects: what a request may ask for, whom it grants to, and whose a new object is.
//!
//! Guarantees: where ACLs are disabled none is taken but what says that the bucket's owner has full
//! control; a grantee that does not exist is refused; BlockPublicAcls holds however an ACL is spelled.
//! Does not: decide who may do what; `service::access` does.

use object_engine::model::{Account, AccountId, Bucket, StoredObject, Version};

use super::{Call, access::denied, policies::public_access_block, settings::damaged};
use crate::{
    acl::{Acl, Asked, AskedGrant, Canned, Grant, Grantee, NamedGrantee, On},
    error::{ErrorCode, S3Error, S3Result},
    identity::Principal,
    request::object_ownership::ObjectOwnership,
};

/// The setting of a bucket under which its ACL is kept; absent: its owner's full control.
pub(crate) const ACL: &str = "acl";

/// Whose a new object is, and its ACL as it is kept.
#[derive(Debug)]
pub(crate) struct NewObject {
    pub(crate) owner: AccountId,
    pub(crate) acl: Option<String>,
}

/// A bucket's ACL, whatever its object ownership; `None`: it cannot be read.
pub(crate) fn of_bucket(bucket: &Bucket) -> Option<Acl> {
    match bucket.settings.get(ACL) {
        None => Some(Acl::private(&bucket.owner)),
        Some(kept) => Acl::read(kept),
    }
}

/// Whose an object counts as: where ACLs are disabled, the bucket owner's.
pub(crate) fn owner_of<'a>(bucket: &'a Bucket, version: &'a Version) -> &'a AccountId {
    match ObjectOwnership::of(bucket).has_acls() {
        true => &version.owner,
        false => &bucket.owner,
    }
}

/// Makes of whoever a listing has for an owner whom the object counts as.
pub(crate) fn show_owner(bucket: &Bucket, owner: &mut AccountId) {
    if !ObjectOwnership::of(bucket).has_acls() && *owner != bucket.owner {
        owner.clone_from(&bucket.owner);
    }
}

/// An object's ACL as it was set; `None`: it cannot be read.
pub(crate) fn of_object(version: &Version, object: &StoredObject) -> Option<Acl> {
    match &object.attached.acl {
        None => Some(Acl::private(&version.owner)),
        Some(kept) => Acl::read(kept),
    }
}

/// `400 AccessControlListNotSupported`.
pub(crate) fn not_supported() -> S3Error {
    ErrorCode::AccessControlListNotSupported.into()
}

impl Call<'_> {
    /// What a write of an object asks of its ACL, and whose the object will be.
    pub(crate) async fn new_object(&self, bucket: &Bucket) -> S3Result<NewObject> {
        let asked = Asked::in_headers(&self.head, On::Object)?;
        let ownership = ObjectOwnership::of(bucket);
        if !ownership.has_acls() {
            self.check_enforced(&asked, bucket)?;
            return Ok(NewObject { owner: bucket.owner.clone(), acl: None });
        }
        let is_handed_over = ownership == ObjectOwnership::BucketOwnerPreferred
            && asked == Asked::Canned(Canned::BucketOwnerFullControl);
        // What anybody may write has no account to belong to.
        let writer = if is_handed_over { None } else { self.caller_id() };
        let owner = writer.unwrap_or(&bucket.owner).clone();
        let acl = self.resolved(asked, &owner, &bucket.owner).await?;
        self.refuse_public(&acl, bucket)?;
        Ok(NewObject { acl: acl.kept(&owner), owner })
    }

    /// What may be asked for where ACLs are disabled: full control for the bucket's owner. Its owner may
    /// call that `private`, as clients do by default.
    pub(crate) fn check_enforced(&self, asked: &Asked, bucket: &Bucket) -> S3Result<()> {
        let is_owners = |grant: &AskedGrant| grant.is_full_control_of(&bucket.owner);
        let is_owner = match &self.principal {
            Principal::Root => true,
            Principal::Account(account) => account.id == bucket.owner,
            Principal::Anonymous => false,
        };
        let is_taken = match asked {
            Asked::Nothing | Asked::Canned(Canned::BucketOwnerFullControl) => true,
            Asked::Canned(Canned::Private) => is_owner,
            Asked::Canned(_) => false,
            Asked::Grants(grants) => !grants.is_empty() && grants.iter().all(is_owners),
        };
        if is_taken { Ok(()) } else { Err(not_supported()) }
    }

    /// BlockPublicAcls.
    pub(crate) fn refuse_public(&self, acl: &Acl, bucket: &Bucket) -> S3Result<()> {
        if acl.is_public() && public_access_block(bucket).block_public_acls {
            tracing::info!(request_id = self.request_id, "refused: BlockPublicAcls");
            return Err(denied());
        }
        Ok(())
    }

    /// The ACL that is asked for on something of `owner`, with grantees that exist.
    pub(crate) async fn resolved(
        &self,
        asked: Asked,
        owner: &AccountId,
        bucket_owner: &AccountId,
    ) -> S3Result<Acl> {
        let asked = match asked {
            Asked::Nothing => return Ok(Acl::private(owner)),
            Asked::Canned(canned) => return Ok(canned.acl(owner, bucket_owner)),
            Asked::Grants(asked) => asked,
        };
        let mut accounts = None;
        let mut grants = Vec::with_capacity(asked.len());
        for AskedGrant { grantee, permission } in asked {
            let grantee = match grantee {
                NamedGrantee::Group(group) => Grantee::Group(group),
                NamedGrantee::Id(id) => {
                    let id = AccountId(id);
                    let is_known = id == *owner || id == *bucket_owner || self.exists(&id).await?;
                    if !is_known {
                        return Err(S3Error::argument("Invalid id", "CanonicalUser/ID", id.0));
                    }
                    Grantee::User(id)
                }
                NamedGrantee::Email(email) => {
                    let known = match &accounts {
                        Some(known) => known,
                        None => accounts.insert(self.engine().accounts().await?),
                    };
                    Grantee::User(of_email(known, &email)?)
                }
            };
            grants.push(Grant { grantee, permission });
        }
        Ok(Acl::new(grants))
    }

    async fn exists(&self, id: &AccountId) -> S3Result<bool> {
        let is_root = *id == self.service.options.root.id;
        Ok(is_root || self.engine().account_by_id(id).await?.is_some())
    }

    /// A bucket's ACL to show, as it holds.
    pub(crate) fn shown_bucket_acl(&self, bucket: &Bucket) -> S3Result<Acl> {
        if !ObjectOwnership::of(bucket).has_acls() {
            return Ok(Acl::private(&bucket.owner));
        }
        of_bucket(bucket).ok_or_else(|| damaged(bucket, ACL))
    }
}

fn of_email(accounts: &[Account], email: &str) -> S3Result<AccountId> {
    let is_named = |account: &&Account| {
        account.email.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(email))
    };
    let mut found = accounts.iter().filter(is_named);
    match (found.next(), found.next()) {
        (Some(account), None) => Ok(account.id.clone()),
        (None, _) => Err(ErrorCode::UnresolvableGrantByEmailAddress.into()),
        (Some(_), Some(_)) => Err(ErrorCode::AmbiguousGrantByEmailAddress.into()),
    }
}
