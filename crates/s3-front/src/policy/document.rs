//! Policy documents: a bucket's, and a user's.
//!
//! Guarantees: what is parsed can be evaluated; a bucket policy's statements all have principals and
//! stay in their bucket, an identity policy's have none.
//! Does not: follow AWS in refusing conditions that can never hold for the statement's actions.

use std::collections::BTreeSet;

use object_engine::model::BucketName;

use super::{
    action::Actions,
    condition::Conditions,
    error::{PolicyError, shown},
    json::{Fields, Json},
    principal::Principals,
    resource::Resources,
};

/// The version of the language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Version {
    /// 2008-10-17: no variables. What a policy without a version is.
    #[default]
    V2008,
    /// 2012-10-17.
    V2012,
}

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies, whatever else allows.
    Deny,
}

/// A statement but for its principals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) sid: Option<String>,
    pub(super) effect: Effect,
    pub(super) actions: Actions,
    pub(super) resources: Resources,
    pub(super) conditions: Conditions,
}

/// A bucket's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketPolicy {
    pub(super) statements: Vec<(Principals, Statement)>,
}

/// A user's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityPolicy {
    pub(super) statements: Vec<Statement>,
}

impl BucketPolicy {
    /// Reads the policy of this bucket.
    pub fn parse(document: &str, bucket: &BucketName) -> Result<Self, PolicyError> {
        let statements = read(document, |fields, version| {
            let principals =
                Principals::take(fields)?.ok_or(PolicyError::MissingField("Principal"))?;
            let statement = Statement::take(fields, version)?;
            if statement.effect == Effect::Allow && principals.are_all_but() {
                return Err(PolicyError::AllowWithNotPrincipal);
            }
            if !statement.resources.are_in(bucket) {
                return Err(PolicyError::InvalidResource);
            }
            statement.check_actions()?;
            let sid = statement.sid.clone();
            Ok((sid, (principals, statement)))
        })?;
        Ok(Self { statements })
    }

    /// Refuses a policy with an action that can be done to none of its statement's resources: it would
    /// say nothing, and its author meant something.
    pub fn check_applies(&self) -> Result<(), PolicyError> {
        self.statements.iter().try_for_each(|(_, statement)| statement.check_applies())
    }
}

impl IdentityPolicy {
    /// Reads the policy of a user.
    pub fn parse(document: &str) -> Result<Self, PolicyError> {
        let statements = read(document, |fields, version| {
            if Principals::take(fields)?.is_some() {
                return Err(PolicyError::PrincipalInIdentityPolicy);
            }
            let statement = Statement::take(fields, version)?;
            Ok((statement.sid.clone(), statement))
        })?;
        Ok(Self { statements })
    }
}

/// Reads a document whose statements `take` reads; their Sids are unique.
fn read<S>(
    document: &str,
    take: impl Fn(&mut Fields, Version) -> Result<(Option<String>, S), PolicyError>,
) -> Result<Vec<S>, PolicyError> {
    let mut fields = Fields::parse(document)?;
    let version = version(&mut fields)?;
    fields.take_text("Id")?;
    let listed = statements(&mut fields)?;
    fields.finish()?;

    let mut sids = BTreeSet::new();
    let mut statements = Vec::with_capacity(listed.len());
    for json in listed {
        let mut fields = json.into_fields()?;
        let (sid, statement) = take(&mut fields, version)?;
        fields.finish()?;
        let is_new = sid.filter(|sid| !sid.is_empty()).is_none_or(|sid| sids.insert(sid));
        if !is_new {
            return Err(PolicyError::RepeatedSid);
        }
        statements.push(statement);
    }
    Ok(statements)
}

fn version(fields: &mut Fields) -> Result<Version, PolicyError> {
    match fields.take("Version") {
        None => Ok(Version::default()),
        Some(Json::Scalar(text)) if text == "2008-10-17" => Ok(Version::V2008),
        Some(Json::Scalar(text)) if text == "2012-10-17" => Ok(Version::V2012),
        Some(_) => Err(PolicyError::Version),
    }
}

fn statements(fields: &mut Fields) -> Result<Vec<Json>, PolicyError> {
    match fields.take("Statement") {
        None => Err(PolicyError::MissingField("Statement")),
        Some(Json::List(list)) if list.is_empty() => Err(PolicyError::EmptyStatement),
        Some(Json::List(list)) => Ok(list),
        Some(one @ Json::Object(_)) => Ok(vec![one]),
        Some(_) => Err(PolicyError::Syntax),
    }
}

impl Statement {
    fn take(fields: &mut Fields, version: Version) -> Result<Self, PolicyError> {
        Ok(Self {
            sid: fields.take_text("Sid")?,
            effect: effect(fields)?,
            actions: Actions::take(fields)?,
            resources: Resources::take(fields, version)?,
            conditions: Conditions::take(fields, version)?,
        })
    }

    /// Each of the actions must be one that S3 has.
    fn check_actions(&self) -> Result<(), PolicyError> {
        match self.actions.patterns().iter().any(Vec::is_empty) {
            true => Err(PolicyError::InvalidAction),
            false => Ok(()),
        }
    }

    /// Each of the actions must be something that can be done to one of the resources.
    fn check_applies(&self) -> Result<(), PolicyError> {
        for stands_for in self.actions.patterns() {
            if !stands_for.iter().any(|action| self.resources.can_be(action.level())) {
                return Err(PolicyError::ActionWithoutResource);
            }
        }
        Ok(())
    }
}

fn effect(fields: &mut Fields) -> Result<Effect, PolicyError> {
    match fields.take_text("Effect")?.as_deref() {
        None => Err(PolicyError::MissingField("Effect")),
        Some("Allow") => Ok(Effect::Allow),
        Some("Deny") => Ok(Effect::Deny),
        Some(other) => Err(PolicyError::Effect(shown(other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(document: &str) -> Result<usize, PolicyError> {
        let bucket = BucketName::parse("bkt").unwrap();
        let policy = BucketPolicy::parse(document, &bucket)?;
        policy.check_applies().map(|()| policy.statements.len())
    }

    const STATEMENT: &str = r#"{"Sid": "a", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bkt/*"}"#;

    fn changed(from: &str, to: &str) -> String {
        assert!(STATEMENT.contains(from));
        format!(r#"{{"Statement": {}}}"#, STATEMENT.replace(from, to))
    }

    #[test]
    fn documents_are_read() {
        assert_eq!(bucket(&format!(r#"{{"Statement": {STATEMENT}}}"#)), Ok(1));
        let whole = format!(
            r#"{{"Version": "2012-10-17", "Id": "x", "Statement": [{STATEMENT}, {}]}}"#,
            STATEMENT.replace(r#""a""#, r#""b""#)
        );
        assert_eq!(bucket(&whole), Ok(2));
        let identity = STATEMENT.replace(r#""Principal": "*","#, "");
        let parsed = IdentityPolicy::parse(&format!(r#"{{"Statement": [{identity}]}}"#));
        assert_eq!(parsed.unwrap().statements.len(), 1);
        let anything = r#"{"Statement": {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}}"#;
        IdentityPolicy::parse(anything).unwrap();
    }

    #[test]
    fn what_is_wrong_is_said_as_aws_says_it() {
        for (document, expected) in [
            ("x".into(), "Policies must be valid JSON and the first byte must be '{'"),
            ("{".into(), "This policy contains invalid Json"),
            ("{}".into(), "Missing required field Statement"),
            (r#"{"Statement": []}"#.into(), "Could not parse the policy: Statement is empty!"),
            (r#"{"Statement": "x"}"#.into(), "Invalid policy syntax."),
            (r#"{"Statement": ["x"]}"#.into(), "Invalid policy syntax."),
            (
                format!(r#"{{"Version": "2013-01-01", "Statement": {STATEMENT}}}"#),
                "The policy must contain a valid version string",
            ),
            (format!(r#"{{"Statement": {STATEMENT}, "X": 1}}"#), "Unknown field X"),
            (
                format!(r#"{{"Statement": [{STATEMENT}, {STATEMENT}]}}"#),
                "Statement IDs (SID) in a single policy must be unique.",
            ),
            (changed(r#""Sid""#, r#""sid""#), "Unknown field sid"),
            (changed(r#""Effect": "Allow","#, ""), "Missing required field Effect"),
            (changed(r#""Allow""#, r#""allow""#), "Invalid effect: allow"),
            (
                changed(r#""Principal": "*""#, r#""NotPrincipal": {"AWS": "alice"}"#),
                "Allow with NotPrincipal is not allowed.",
            ),
            (changed(r#""Principal": "*","#, ""), "Missing required field Principal"),
            (changed(r#""*""#, r#""x""#), "Invalid principal in policy"),
            (changed(r#""Action": "s3:GetObject","#, ""), "Missing required field Action"),
            (changed("s3:GetObject", "s3:GetObjekt"), "Policy has invalid action"),
            (changed("s3:GetObject", "ec2:RunInstances"), "Policy has invalid action"),
            (changed("arn:aws:s3:::bkt/*", "arn:aws:s3:::other/*"), "Policy has invalid resource"),
            (changed("arn:aws:s3:::bkt/*", "bkt"), "Policy has invalid resource"),
            (
                changed(r#", "Resource": "arn:aws:s3:::bkt/*""#, ""),
                "Missing required field Resource",
            ),
            (
                changed("s3:GetObject", "s3:ListBucket"),
                "Action does not apply to any resource(s) in statement",
            ),
            (
                changed("arn:aws:s3:::bkt/*", "arn:aws:s3:::bkt"),
                "Action does not apply to any resource(s) in statement",
            ),
            (changed(r#""Sid": "a""#, r#""NotAction": "s3:*""#), "Invalid policy syntax."),
        ] {
            let error = bucket(&document).unwrap_err();
            assert_eq!(error.to_string(), expected, "{document}");
        }
    }

    proptest::proptest! {
        /// One byte of a policy replaced: it is read or refused, and never something else.
        #[test]
        fn spoilt_documents_are_refused_or_read(at: proptest::sample::Index, byte in 0_u8..128) {
            let whole = format!(
                r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#,
                STATEMENT.replace(
                    r#""Resource""#,
                    r#""Condition": {"IpAddress": {"aws:SourceIp": "::1/8"}, "DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}, "StringLike": {"s3:prefix": "${aws:a, 'b'}"}}, "Resource""#,
                ),
            );
            bucket(&whole).unwrap();
            let mut spoilt = whole.into_bytes();
            let at = at.index(spoilt.len());
            spoilt[at] = byte;
            let _ = bucket(std::str::from_utf8(&spoilt).unwrap());
        }
    }

    #[test]
    fn an_identity_policy_has_no_principal() {
        let parsed = IdentityPolicy::parse(&format!(r#"{{"Statement": {STATEMENT}}}"#));
        assert_eq!(parsed, Err(PolicyError::PrincipalInIdentityPolicy));
    }

    #[test]
    fn too_long_is_too_long() {
        let document = format!(r#"{{"Id": "{}"}}"#, "x".repeat(20 * 1024));
        let expected = "Normalized policy document exceeds the maximum allowed size of 20480 bytes";
        assert_eq!(bucket(&document).unwrap_err().to_string(), expected);
    }
}
