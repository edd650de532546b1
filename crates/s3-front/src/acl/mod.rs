//! Access control lists: who is granted what on a bucket or an object, beside what policies say.
//!
//! Guarantees: pure data; an [`Acl`] holds only grantees that were found to exist when it was set.
//! Does not: decide about requests (`service::access` asks), or find accounts (`service::acls` does).

mod asked;
mod canned;
mod document;

use object_engine::model::AccountId;

pub(crate) use asked::{Asked, AskedGrant, NamedGrantee, On};
pub(crate) use canned::Canned;
pub(crate) use document::malformed_acl;

/// Grants of one ACL at most (S3's limit).
pub(crate) const GRANTS_MAX: usize = 100;

/// What a grant gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    /// To list a bucket, or to read an object.
    Read,
    /// To write and delete objects of a bucket; on an object it means nothing.
    Write,
    /// To read the ACL.
    ReadAcp,
    /// To set the ACL.
    WriteAcp,
    /// All of these.
    FullControl,
}

impl Permission {
    /// Every permission, in the order in which headers are read.
    pub(crate) const ALL: [Self; 5] =
        [Self::Read, Self::Write, Self::ReadAcp, Self::WriteAcp, Self::FullControl];

    /// The name in documents.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::ReadAcp => "READ_ACP",
            Self::WriteAcp => "WRITE_ACP",
            Self::FullControl => "FULL_CONTROL",
        }
    }

    /// The header that grants it.
    fn header(self) -> &'static str {
        match self {
            Self::Read => "x-amz-grant-read",
            Self::Write => "x-amz-grant-write",
            Self::ReadAcp => "x-amz-grant-read-acp",
            Self::WriteAcp => "x-amz-grant-write-acp",
            Self::FullControl => "x-amz-grant-full-control",
        }
    }

    fn covers(self, wanted: Self) -> bool {
        self == Self::FullControl || self == wanted
    }
}

/// A predefined group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Everybody, also who does not sign.
    AllUsers,
    /// Every account.
    AuthenticatedUsers,
    /// AWS's own log writer: nobody here.
    LogDelivery,
}

impl Group {
    const ALL: [Self; 3] = [Self::AllUsers, Self::AuthenticatedUsers, Self::LogDelivery];

    /// The name in documents and headers.
    pub(crate) fn uri(self) -> &'static str {
        match self {
            Self::AllUsers => "http://acs.amazonaws.com/groups/global/AllUsers",
            Self::AuthenticatedUsers => "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
            Self::LogDelivery => "http://acs.amazonaws.com/groups/s3/LogDelivery",
        }
    }

    fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.uri() == uri)
    }

    fn is_public(self) -> bool {
        matches!(self, Self::AllUsers | Self::AuthenticatedUsers)
    }

    fn includes(self, caller: Option<&AccountId>) -> bool {
        match self {
            Self::AllUsers => true,
            Self::AuthenticatedUsers => caller.is_some(),
            Self::LogDelivery => false,
        }
    }
}

/// Whom a grant is to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Grantee {
    /// An account, by its canonical id.
    User(AccountId),
    /// A group.
    Group(Group),
}

/// One grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) grantee: Grantee,
    pub(crate) permission: Permission,
}

/// The grants of a bucket or an object: those to groups first, else in the order they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Acl {
    grants: Vec<Grant>,
}

impl Acl {
    /// An ACL of these grants.
    pub(crate) fn new(mut grants: Vec<Grant>) -> Self {
        grants.sort_by_key(|grant| matches!(grant.grantee, Grantee::User(_)));
        Self { grants }
    }

    /// The ACL of what nobody set one for: its owner's full control.
    pub(crate) fn private(owner: &AccountId) -> Self {
        Self::new(vec![Grant {
            grantee: Grantee::User(owner.clone()),
            permission: Permission::FullControl,
        }])
    }

    /// The grants.
    pub(crate) fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// Whether it grants anything to everybody, or to every account.
    pub(crate) fn is_public(&self) -> bool {
        let is_public = |grant: &Grant| match &grant.grantee {
            Grantee::User(_) => false,
            Grantee::Group(group) => group.is_public(),
        };
        self.grants.iter().any(is_public)
    }

    /// Whether it grants a permission to the caller (`None`: anonymous). Grants to everybody and to
    /// every account count unless `ignore_public`.
    pub(crate) fn allows(
        &self,
        caller: Option<&AccountId>,
        wanted: Permission,
        ignore_public: bool,
    ) -> bool {
        self.grants.iter().any(|grant| {
            let includes = match &grant.grantee {
                Grantee::User(id) => caller == Some(id),
                Grantee::Group(group) => {
                    group.includes(caller) && !(ignore_public && group.is_public())
                }
            };
            includes && grant.permission.covers(wanted)
        })
    }

    /// How it is kept; `None` if it is what `owner`'s things have anyway.
    pub(crate) fn kept(&self, owner: &AccountId) -> Option<String> {
        (*self != Self::private(owner)).then(|| document::kept(self))
    }

    /// Reads what [`Self::kept`] wrote; `None`: it cannot be read.
    pub(crate) fn read(kept: &str) -> Option<Self> {
        document::read_kept(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> AccountId {
        AccountId(text.into())
    }

    fn grant(grantee: Grantee, permission: Permission) -> Grant {
        Grant { grantee, permission }
    }

    #[test]
    fn a_grant_covers_its_own_permission_and_full_control_all() {
        let (alice, bob) = (id("alice"), id("bob"));
        for given in Permission::ALL {
            let acl = Acl::new(vec![grant(Grantee::User(alice.clone()), given)]);
            for wanted in Permission::ALL {
                let covers = given == wanted || given == Permission::FullControl;
                assert_eq!(acl.allows(Some(&alice), wanted, true), covers, "{given:?} {wanted:?}");
                assert!(!acl.allows(Some(&bob), wanted, false));
                assert!(!acl.allows(None, wanted, false));
            }
            assert!(!acl.is_public());
        }
    }

    #[test]
    fn groups_are_who_they_say_unless_public_grants_are_ignored() {
        let alice = id("alice");
        for (group, account, anonymous, public) in [
            (Group::AllUsers, true, true, true),
            (Group::AuthenticatedUsers, true, false, true),
            (Group::LogDelivery, false, false, false),
        ] {
            let acl = Acl::new(vec![grant(Grantee::Group(group), Permission::Read)]);
            assert_eq!(acl.allows(Some(&alice), Permission::Read, false), account, "{group:?}");
            assert_eq!(acl.allows(None, Permission::Read, false), anonymous, "{group:?}");
            assert!(!acl.allows(Some(&alice), Permission::Read, true), "{group:?}");
            assert!(!acl.allows(Some(&alice), Permission::Write, false), "{group:?}");
            assert_eq!(acl.is_public(), public, "{group:?}");
        }
    }

    #[test]
    fn what_is_kept_comes_back_and_the_default_is_not_kept() {
        let owner = id("a <b>&\"c\"\n");
        assert_eq!(Acl::private(&owner).kept(&owner), None);
        assert!(Acl::private(&owner).kept(&id("other")).is_some());
        let acl = Acl::new(vec![
            grant(Grantee::User(owner.clone()), Permission::WriteAcp),
            grant(Grantee::Group(Group::AllUsers), Permission::Read),
            grant(Grantee::User(owner.clone()), Permission::FullControl),
        ]);
        assert_eq!(acl.grants()[0].grantee, Grantee::Group(Group::AllUsers), "groups come first");
        assert_eq!(Acl::read(&acl.kept(&owner).unwrap()), Some(acl));
        let nobody = Acl::default();
        assert_eq!(Acl::read(&nobody.kept(&owner).unwrap()), Some(nobody));
        assert_eq!(Acl::read("<x/>"), None);
        assert_eq!(Acl::read(""), None);
    }
}
