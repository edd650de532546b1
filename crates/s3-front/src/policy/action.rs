//! The actions of S3's policies.
//!
//! Guarantees: a pattern is resolved against the table when the policy is read, so a misspelt action
//! is refused then and never silently matches nothing.
//! Does not: say which action an operation needs; `service::authorise` does.

use super::{
    error::PolicyError,
    json::Fields,
    pattern::{Pattern, lowered},
};

/// What an action is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The account.
    Account,
    /// A bucket.
    Bucket,
    /// An object.
    Object,
}

macro_rules! actions {
    ($($level:ident { $($name:ident,)* })*) => {
        /// An action of the Amazon S3 service authorization reference.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Action {
            $($(#[doc = concat!("`s3:", stringify!($name), "`.")] $name,)*)*
        }

        impl Action {
            /// Every action.
            pub const ALL: &[Self] = &[$($(Self::$name,)*)*];

            /// The name in policies.
            pub fn name(self) -> &'static str {
                match self { $($(Self::$name => concat!("s3:", stringify!($name)),)*)* }
            }

            /// What it is done to.
            pub fn level(self) -> Level {
                match self { $($(Self::$name)|* => Level::$level,)* }
            }
        }
    };
}

actions! {
    Account {
        GetAccountPublicAccessBlock,
        ListAllMyBuckets,
        PutAccountPublicAccessBlock,
    }
    Bucket {
        CreateBucket,
        DeleteBucket,
        DeleteBucketPolicy,
        DeleteBucketWebsite,
        GetAccelerateConfiguration,
        GetAnalyticsConfiguration,
        GetBucketAcl,
        GetBucketCORS,
        GetBucketLocation,
        GetBucketLogging,
        GetBucketNotification,
        GetBucketObjectLockConfiguration,
        GetBucketOwnershipControls,
        GetBucketPolicy,
        GetBucketPolicyStatus,
        GetBucketPublicAccessBlock,
        GetBucketRequestPayment,
        GetBucketTagging,
        GetBucketVersioning,
        GetBucketWebsite,
        GetEncryptionConfiguration,
        GetIntelligentTieringConfiguration,
        GetInventoryConfiguration,
        GetLifecycleConfiguration,
        GetMetricsConfiguration,
        GetReplicationConfiguration,
        ListBucket,
        ListBucketMultipartUploads,
        ListBucketVersions,
        PutAccelerateConfiguration,
        PutAnalyticsConfiguration,
        PutBucketAcl,
        PutBucketCORS,
        PutBucketLogging,
        PutBucketNotification,
        PutBucketObjectLockConfiguration,
        PutBucketOwnershipControls,
        PutBucketPolicy,
        PutBucketPublicAccessBlock,
        PutBucketRequestPayment,
        PutBucketTagging,
        PutBucketVersioning,
        PutBucketWebsite,
        PutEncryptionConfiguration,
        PutIntelligentTieringConfiguration,
        PutInventoryConfiguration,
        PutLifecycleConfiguration,
        PutMetricsConfiguration,
        PutReplicationConfiguration,
    }
    Object {
        AbortMultipartUpload,
        BypassGovernanceRetention,
        DeleteObject,
        DeleteObjectTagging,
        DeleteObjectVersion,
        DeleteObjectVersionTagging,
        GetObject,
        GetObjectAcl,
        GetObjectAttributes,
        GetObjectLegalHold,
        GetObjectRetention,
        GetObjectTagging,
        GetObjectTorrent,
        GetObjectVersion,
        GetObjectVersionAcl,
        GetObjectVersionAttributes,
        GetObjectVersionForReplication,
        GetObjectVersionTagging,
        GetObjectVersionTorrent,
        InitiateReplication,
        ListMultipartUploadParts,
        ObjectOwnerOverrideToBucketOwner,
        PutObject,
        PutObjectAcl,
        PutObjectLegalHold,
        PutObjectRetention,
        PutObjectTagging,
        PutObjectVersionAcl,
        PutObjectVersionTagging,
        ReplicateDelete,
        ReplicateObject,
        ReplicateTags,
        RestoreObject,
        UpdateObjectEncryption,
    }
}

impl Action {
    /// Whether it is about the bucket policy itself.
    pub fn is_about_policy(self) -> bool {
        matches!(self, Self::DeleteBucketPolicy | Self::GetBucketPolicy | Self::PutBucketPolicy)
    }
}

/// `Action` or `NotAction`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Actions {
    /// For each pattern, what it stands for; nothing for an action of another service.
    Only(Vec<Vec<Action>>),
    AllBut(Vec<Vec<Action>>),
}

impl Actions {
    /// Takes the element out of a statement.
    pub(super) fn take(fields: &mut Fields) -> Result<Self, PolicyError> {
        let resolved = |json: super::json::Json| {
            json.into_texts()?.iter().map(|text| resolve(text)).collect::<Result<Vec<_>, _>>()
        };
        match (fields.take("Action"), fields.take("NotAction")) {
            (None, None) => Err(PolicyError::MissingField("Action")),
            (Some(json), None) => Ok(Self::Only(resolved(json)?)),
            (None, Some(json)) => Ok(Self::AllBut(resolved(json)?)),
            (Some(_), Some(_)) => Err(PolicyError::Syntax),
        }
    }

    /// Whether they include the action.
    pub(super) fn include(&self, action: Action) -> bool {
        let listed = |lists: &[Vec<Action>]| lists.iter().any(|list| list.contains(&action));
        match self {
            Self::Only(lists) => listed(lists),
            Self::AllBut(lists) => !listed(lists),
        }
    }

    /// What each pattern of an `Action` stands for; nothing to say about a `NotAction`.
    pub(super) fn patterns(&self) -> &[Vec<Action>] {
        match self {
            Self::Only(lists) => lists,
            Self::AllBut(_) => &[],
        }
    }
}

fn resolve(text: &str) -> Result<Vec<Action>, PolicyError> {
    if text == "*" {
        return Ok(Action::ALL.to_vec());
    }
    let (service, _) = text.split_once(':').ok_or(PolicyError::InvalidAction)?;
    if !service.eq_ignore_ascii_case("s3") {
        let named =
            !service.is_empty() && service.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        return if named { Ok(Vec::new()) } else { Err(PolicyError::InvalidAction) };
    }
    let pattern = Pattern::new(text).lowered();
    let fits = |action: &Action| pattern.matches(&lowered(action.name()));
    let found: Vec<_> = Action::ALL.iter().copied().filter(fits).collect();
    if found.is_empty() { Err(PolicyError::InvalidAction) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actions(field: &str, json: &str) -> Result<Actions, PolicyError> {
        Actions::take(&mut Fields(vec![(field.to_owned(), serde_json::from_str(json).unwrap())]))
    }

    #[test]
    fn patterns_stand_for_known_actions_in_any_case() {
        let only = |json| actions("Action", json).unwrap();
        assert!(only(r#""S3:getobject""#).include(Action::GetObject));
        assert!(!only(r#""s3:GetObject""#).include(Action::GetObjectVersion));
        assert!(only(r#"["s3:Get*", "s3:ListBucket"]"#).include(Action::GetObjectVersion));
        assert!(only(r#""s3:?etObject""#).include(Action::GetObject));
        for all in [r#""*""#, r#""s3:*""#] {
            assert!(Action::ALL.iter().all(|action| only(all).include(*action)));
        }
        let other = only(r#""ec2:*""#);
        assert!(!Action::ALL.iter().any(|action| other.include(*action)));
        let all_but = actions("NotAction", r#""s3:Delete*""#).unwrap();
        assert!(all_but.include(Action::GetObject) && !all_but.include(Action::DeleteObject));
    }

    #[test]
    fn unknown_actions_are_refused() {
        for bad in [
            r#""s3:GetObjekt""#,
            r#""GetObject""#,
            r#""s3:""#,
            r#""""#,
            r#"":*""#,
            r#""*:GetObject""#,
        ] {
            assert_eq!(actions("Action", bad), Err(PolicyError::InvalidAction), "{bad}");
        }
        assert_eq!(actions("Action", "[]"), Err(PolicyError::Syntax));
        let none = Actions::take(&mut Fields(Vec::new()));
        assert_eq!(none, Err(PolicyError::MissingField("Action")));
    }
}
