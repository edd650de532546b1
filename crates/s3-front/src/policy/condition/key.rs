//! The names of condition keys.
//!
//! Guarantees: a key of S3 that does not exist is refused, since a Deny with a misspelt key would deny
//! nothing.
//! Does not: know which keys a request has; keys of `aws:` that mean nothing here are always absent.

/// Condition keys of S3, in lower case; those that end in `/` have a tag's name after it.
const S3: &[&str] = &[
    "s3:authtype",
    "s3:bucket-policy",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "s3:delimiter",
    "s3:existingjoboperation",
    "s3:existingobjecttag/",
    "s3:if-match",
    "s3:if-none-match",
    "s3:locationconstraint",
    "s3:max-keys",
    "s3:object-lock-legal-hold",
    "s3:object-lock-mode",
    "s3:object-lock-remaining-retention-days",
    "s3:object-lock-retain-until-date",
    "s3:objectcreationoperation",
    "s3:prefix",
    "s3:requestobjecttag/",
    "s3:requestobjecttagkeys",
    "s3:resourceaccount",
    "s3:signatureage",
    "s3:signatureversion",
    "s3:tlsversion",
    "s3:versionid",
    "s3:x-amz-acl",
    "s3:x-amz-content-sha256",
    "s3:x-amz-copy-source",
    "s3:x-amz-grant-full-control",
    "s3:x-amz-grant-read",
    "s3:x-amz-grant-read-acp",
    "s3:x-amz-grant-write",
    "s3:x-amz-grant-write-acp",
    "s3:x-amz-metadata-directive",
    "s3:x-amz-object-ownership",
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:x-amz-server-side-encryption-customer-algorithm",
    "s3:x-amz-storage-class",
    "s3:x-amz-website-redirect-location",
];

/// The key in lower case, if there is such a key.
pub(super) fn parse(key: &str) -> Option<String> {
    let lower = key.to_ascii_lowercase();
    let is_known = |known: &&str| match known.strip_suffix('/') {
        Some(_) => lower.len() > known.len() && lower.starts_with(known),
        None => lower == **known,
    };
    let of_aws = lower.strip_prefix("aws:").is_some_and(|name| !name.is_empty());
    (of_aws || S3.iter().any(is_known)).then_some(lower)
}
