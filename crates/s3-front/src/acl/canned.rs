//! Canned ACLs: names for common sets of grants.
//!
//! Does not: know EC2, which `aws-exec-read` would let read; here it grants nothing more.

use object_engine::model::AccountId;

use super::{Acl, Grant, Grantee, Group, On, Permission};

/// A canned ACL of S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Canned {
    Private,
    PublicRead,
    PublicReadWrite,
    AuthenticatedRead,
    AwsExecRead,
    BucketOwnerRead,
    BucketOwnerFullControl,
    LogDeliveryWrite,
}

impl Canned {
    /// The one of this name; logs are delivered to buckets only.
    pub(crate) fn from_name(name: &str, on: On) -> Option<Self> {
        Some(match (name, on) {
            ("private", _) => Self::Private,
            ("public-read", _) => Self::PublicRead,
            ("public-read-write", _) => Self::PublicReadWrite,
            ("authenticated-read", _) => Self::AuthenticatedRead,
            ("aws-exec-read", _) => Self::AwsExecRead,
            ("bucket-owner-read", _) => Self::BucketOwnerRead,
            ("bucket-owner-full-control", _) => Self::BucketOwnerFullControl,
            ("log-delivery-write", On::Bucket) => Self::LogDeliveryWrite,
            _ => return None,
        })
    }

    /// What it grants on something of `owner` in a bucket of `bucket_owner`.
    pub(crate) fn acl(self, owner: &AccountId, bucket_owner: &AccountId) -> Acl {
        let to = |group, permission| Grant { grantee: Grantee::Group(group), permission };
        let to_bucket_owner = |permission| {
            let grantee = Grantee::User(bucket_owner.clone());
            (owner != bucket_owner).then_some(Grant { grantee, permission })
        };
        let mut grants = Acl::private(owner).grants;
        match self {
            Self::Private | Self::AwsExecRead => {}
            Self::PublicRead => grants.push(to(Group::AllUsers, Permission::Read)),
            Self::PublicReadWrite => {
                grants.push(to(Group::AllUsers, Permission::Read));
                grants.push(to(Group::AllUsers, Permission::Write));
            }
            Self::AuthenticatedRead => {
                grants.push(to(Group::AuthenticatedUsers, Permission::Read));
            }
            Self::BucketOwnerRead => grants.extend(to_bucket_owner(Permission::Read)),
            Self::BucketOwnerFullControl => {
                grants.extend(to_bucket_owner(Permission::FullControl));
            }
            Self::LogDeliveryWrite => {
                grants.push(to(Group::LogDelivery, Permission::Write));
                grants.push(to(Group::LogDelivery, Permission::ReadAcp));
            }
        }
        Acl::new(grants)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The grants, as `<first letter of the grantee> <permission>`.
    fn granted(name: &str, on: On, owner: &str) -> Option<Vec<String>> {
        let (owner, bucket_owner) = (AccountId(owner.into()), AccountId("bucket-owner".into()));
        let acl = Canned::from_name(name, on)?.acl(&owner, &bucket_owner);
        let shown = |grant: &Grant| {
            let grantee = match &grant.grantee {
                Grantee::User(id) => id.0.as_str(),
                Grantee::Group(group) => group.uri().rsplit('/').next().unwrap(),
            };
            format!("{grantee} {}", grant.permission.name())
        };
        Some(acl.grants().iter().map(shown).collect())
    }

    #[test]
    fn names_stand_for_the_documented_grants() {
        for (name, more) in [
            ("private", vec![]),
            ("aws-exec-read", vec![]),
            ("public-read", vec!["AllUsers READ"]),
            ("public-read-write", vec!["AllUsers READ", "AllUsers WRITE"]),
            ("authenticated-read", vec!["AuthenticatedUsers READ"]),
        ] {
            let mut expected: Vec<_> = more.into_iter().map(str::to_owned).collect();
            expected.push("writer FULL_CONTROL".into());
            assert_eq!(granted(name, On::Object, "writer"), Some(expected), "{name}");
        }
        for (name, permission) in
            [("bucket-owner-read", "READ"), ("bucket-owner-full-control", "FULL_CONTROL")]
        {
            let expected = ["writer FULL_CONTROL".into(), format!("bucket-owner {permission}")];
            assert_eq!(granted(name, On::Object, "writer").unwrap(), expected);
            let own = granted(name, On::Object, "bucket-owner").unwrap();
            assert_eq!(own, ["bucket-owner FULL_CONTROL"]);
        }
        let logs = granted("log-delivery-write", On::Bucket, "bucket-owner").unwrap();
        let expected = ["LogDelivery WRITE", "LogDelivery READ_ACP", "bucket-owner FULL_CONTROL"];
        assert_eq!(logs, expected);
        assert_eq!(granted("log-delivery-write", On::Object, "writer"), None);
        assert_eq!(granted("Private", On::Bucket, "writer"), None);
    }
}
