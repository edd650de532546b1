//! Whether a bucket policy is public, as "The meaning of public" of the S3 User Guide has it.
//!
//! Guarantees: a policy counts as public unless each Allow names fixed principals, or is narrowed by a
//! condition with fixed values on a key that AWS trusts for it; in doubt it is public.
//! Does not: look at ACLs; `acl` knows which of them are public.

use super::{
    condition::Comparison,
    context::Context,
    document::{BucketPolicy, Effect, Statement},
};

/// The keys whose fixed values make a statement non-public, in lower case. AWS's list has
/// `s3:x-amz-server-side-encryption-aws-kms-key-id` too, since KMS then asks who it is; here the header
/// proves nothing.
const NARROWING: &[&str] = &[
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
];

impl BucketPolicy {
    /// Whether it grants anything to everybody.
    pub fn is_public(&self) -> bool {
        self.statements.iter().any(|(principals, statement)| {
            statement.effect == Effect::Allow && !principals.are_fixed() && !statement.is_narrowed()
        })
    }
}

impl Statement {
    fn is_narrowed(&self) -> bool {
        let mut narrowed = self.conditions.iter().filter_map(|condition| condition.narrowed());
        narrowed.any(|(key, comparison)| {
            let lets_anybody =
                key == "aws:userid" && comparison.fits(ANONYMOUS_USER_ID, &Context::default());
            NARROWING.contains(&key) && is_fixed(comparison) && !lets_anybody
        })
    }
}

/// The `aws:userid` of anonymous callers.
pub(crate) const ANONYMOUS_USER_ID: &str = "anonymous";

fn is_fixed(comparison: &Comparison) -> bool {
    match comparison {
        Comparison::Address(_, networks) => networks.iter().all(|network| !network.is_public()),
        Comparison::Arn(_, templates) | Comparison::Text(_, _, templates) => {
            templates.iter().all(|template| template.is_fixed())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use object_engine::model::BucketName;

    use super::*;

    fn is_public(principal: &str, condition: &str) -> bool {
        let document = format!(
            r#"{{"Version": "2012-10-17", "Statement": [
                {{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::bkt*"}},
                {{"Effect": "Allow", {principal}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bkt/*", "Condition": {{{condition}}}}}]}}"#
        );
        BucketPolicy::parse(&document, &BucketName::parse("bkt").unwrap()).unwrap().is_public()
    }

    const EVERYONE: &str = r#""Principal": "*""#;

    #[test]
    fn everyone_is_public_and_names_are_not() {
        assert!(is_public(EVERYONE, ""));
        assert!(is_public(r#""Principal": {"AWS": ["alice", "*"]}"#, ""));
        assert!(!is_public(r#""Principal": {"AWS": "alice"}"#, ""));
        assert!(!is_public(r#""Principal": {"CanonicalUser": "x"}"#, ""));
    }

    #[test]
    fn conditions_narrow_if_their_values_are_fixed() {
        for (condition, public) in [
            (r#""IpAddress": {"aws:SourceIp": "192.0.2.0/24"}"#, false),
            (r#""IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "0.0.0.0/1"]}"#, true),
            (r#""NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}"#, true),
            (r#""IpAddressIfExists": {"aws:SourceIp": "192.0.2.0/24"}"#, true),
            (r#""StringEquals": {"aws:SourceVpc": "vpc-1"}"#, false),
            (r#""StringLike": {"aws:SourceVpc": "vpc-1"}"#, false),
            (r#""StringLike": {"aws:SourceVpc": "vpc-*"}"#, true),
            (r#""StringEquals": {"aws:userid": "${aws:username}"}"#, true),
            (r#""StringEquals": {"aws:userid": "alice-id"}"#, false),
            (r#""StringEquals": {"aws:userid": ["alice-id", "anonymous"]}"#, true),
            (r#""ForAllValues:StringEquals": {"aws:SourceVpc": "vpc-1"}"#, true),
            (
                r#""StringEquals": {"s3:x-amz-server-side-encryption-customer-algorithm": "AES256"}"#,
                true,
            ),
            (r#""StringEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "k"}"#, true),
            (r#""StringLike": {"aws:Referer": "https://example.com/"}"#, true),
            (r#""Null": {"aws:SourceVpc": "false"}"#, true),
        ] {
            assert_eq!(is_public(EVERYONE, condition), public, "{condition}");
        }
    }
}
