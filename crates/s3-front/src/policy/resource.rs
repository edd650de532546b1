//! What a statement is about: buckets and objects, by ARN.
//!
//! Guarantees: `*` and `?` reach over `/`, as in S3; a bucket policy names its own bucket only.
//! Does not: know access points, jobs and the other resources of S3.

use std::fmt;

use object_engine::model::BucketName;

use super::{
    action::Level,
    context::Context,
    document::{Effect, Version},
    error::PolicyError,
    json::{Fields, Json},
    pattern::{Template, Wildcards},
};

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource<'a> {
    /// The account.
    Account,
    /// A bucket.
    Bucket(&'a str),
    /// A key of a bucket.
    Object(&'a str, &'a str),
}

impl fmt::Display for Resource<'_> {
    /// What stands after `arn:aws:s3:::`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account => Ok(()),
            Self::Bucket(bucket) => f.write_str(bucket),
            Self::Object(bucket, key) => write!(f, "{bucket}/{key}"),
        }
    }
}

/// `Resource` or `NotResource`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resources {
    Only(Vec<Template>),
    AllBut(Vec<Template>),
}

impl Resources {
    /// Takes the element out of a statement.
    pub(super) fn take(fields: &mut Fields, version: Version) -> Result<Self, PolicyError> {
        let list = |json: Json| {
            let texts = json.into_texts()?;
            texts.iter().map(|text| parse(text, version)).collect::<Result<Vec<_>, _>>()
        };
        match (fields.take("Resource"), fields.take("NotResource")) {
            (None, None) => Err(PolicyError::MissingField("Resource")),
            (Some(json), None) => Ok(Self::Only(list(json)?)),
            (None, Some(json)) => Ok(Self::AllBut(list(json)?)),
            (Some(_), Some(_)) => Err(PolicyError::Syntax),
        }
    }

    /// Whether they include the resource. A `NotResource` whose variable has no value excludes nobody
    /// knows what: it then allows nothing and denies all.
    pub(super) fn include(
        &self,
        resource: &Resource<'_>,
        context: &Context,
        effect: Effect,
    ) -> bool {
        let name = resource.to_string();
        let fits = |template: &Template| {
            template.fits(context, name.len(), |pattern| pattern.matches(&name))
        };
        match self {
            Self::Only(list) => list.iter().any(|template| fits(template) == Some(true)),
            Self::AllBut(list) => {
                let all: Option<Vec<bool>> = list.iter().map(fits).collect();
                match all {
                    Some(all) => !all.contains(&true),
                    None => effect == Effect::Deny,
                }
            }
        }
    }

    /// Whether every one of them can be this bucket or something in it.
    pub(super) fn are_in(&self, bucket: &BucketName) -> bool {
        let (Self::Only(list) | Self::AllBut(list)) = self;
        list.iter().all(|template| {
            let pattern = template.widest();
            let bucket_part = pattern.sections('/', 2).swap_remove(0);
            bucket_part.matches(bucket.as_str())
        })
    }

    /// Whether a variable of theirs begins so (in lower case).
    pub(super) fn mention(&self, prefix: &str) -> bool {
        let (Self::Only(list) | Self::AllBut(list)) = self;
        list.iter().any(|template| template.mentions(prefix))
    }

    /// Whether something of this level can be among them.
    pub(super) fn can_be(&self, level: Level) -> bool {
        let Self::Only(list) = self else { return true };
        list.iter().any(|template| {
            let pattern = template.widest();
            let has_slash = pattern.sections('/', 2).len() > 1;
            match level {
                Level::Account => pattern.is_wild() && !has_slash,
                Level::Bucket => !has_slash,
                Level::Object => has_slash || pattern.is_wild(),
            }
        })
    }
}

/// `*`, or an ARN whose first five sections are those of S3.
fn parse(text: &str, version: Version) -> Result<Template, PolicyError> {
    let name = if text == "*" { Some("*") } else { after_arn(text) };
    let name = name.filter(|name| !name.is_empty()).ok_or(PolicyError::InvalidResource)?;
    Template::parse(name, version, Wildcards::Active).ok_or(PolicyError::InvalidResource)
}

fn after_arn(text: &str) -> Option<&str> {
    let sections: Vec<_> = text.splitn(6, ':').collect();
    let ["arn", partition, "s3", region, account, name] = *sections else { return None };
    let fits = matches!(partition, "aws" | "aws-cn" | "aws-us-gov" | "*")
        && [region, account].iter().all(|section| matches!(*section, "" | "*"));
    fits.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources(field: &str, json: &str) -> Result<Resources, PolicyError> {
        let json = serde_json::from_str(json).unwrap();
        Resources::take(&mut Fields(vec![(field.to_owned(), json)]), Version::V2012)
    }

    fn included(resources: &Resources, resource: Resource<'_>) -> bool {
        let mut context = Context::default();
        context.set("aws:username", "alice");
        resources.include(&resource, &context, Effect::Allow)
    }

    #[test]
    fn buckets_and_keys_are_told_apart() {
        let of = |json| resources("Resource", json).unwrap();
        let (bucket, key) = (Resource::Bucket("bkt"), Resource::Object("bkt", "a/b"));
        let keys = of(r#""arn:aws:s3:::bkt/*""#);
        assert!(included(&keys, key) && !included(&keys, bucket));
        let only_bucket = of(r#""arn:aws:s3:::bkt""#);
        assert!(!included(&only_bucket, key) && included(&only_bucket, bucket));
        for both in
            [r#""arn:aws:s3:::bkt*""#, r#"["arn:aws:s3:::bkt", "arn:aws:s3:::bkt/?/b"]"#, r#""*""#]
        {
            assert!(included(&of(both), key) && included(&of(both), bucket), "{both}");
        }
        assert!(included(&of(r#""arn:aws:s3::*:bkt/a/b""#), key));
        assert!(!included(&of(r#""arn:aws:s3:::bkt/A/b""#), key), "case counts");
        assert!(included(&of(r#""arn:aws:s3:::*""#), Resource::Account));
        assert!(!included(&of(r#""arn:aws:s3:::b*""#), Resource::Account));
    }

    #[test]
    fn variables_and_exceptions() {
        let home = resources("Resource", r#""arn:aws:s3:::bkt/${aws:username}/*""#).unwrap();
        assert!(included(&home, Resource::Object("bkt", "alice/x")));
        assert!(!included(&home, Resource::Object("bkt", "bob/x")));
        let other = resources("NotResource", r#""arn:aws:s3:::bkt/${aws:username}/*""#).unwrap();
        let (alices, bobs) = (Resource::Object("bkt", "alice/x"), Resource::Object("bkt", "bob/x"));
        assert!(!included(&other, alices) && included(&other, bobs));
        let nobody = Context::default();
        assert!(!other.include(&bobs, &nobody, Effect::Allow));
        assert!(other.include(&alices, &nobody, Effect::Deny));
        assert!(!home.include(&alices, &nobody, Effect::Allow));
    }

    #[test]
    fn a_bucket_policy_stays_in_its_bucket() {
        let bucket = BucketName::parse("bkt").unwrap();
        let inside = |json| resources("Resource", json).unwrap().are_in(&bucket);
        assert!(inside(r#"["arn:aws:s3:::bkt", "arn:aws:s3:::bkt/x", "arn:aws:s3:::bkt*"]"#));
        assert!(!inside(r#"["arn:aws:s3:::bkt", "arn:aws:s3:::other/x"]"#));
        assert!(!inside(r#""arn:aws:s3:::bkt2/*""#));
    }

    #[test]
    fn levels() {
        let can = |json, level| resources("Resource", json).unwrap().can_be(level);
        let (bucket, keys) = (r#""arn:aws:s3:::bkt""#, r#""arn:aws:s3:::bkt/*""#);
        assert!(can(bucket, Level::Bucket) && !can(bucket, Level::Object));
        assert!(!can(keys, Level::Bucket) && can(keys, Level::Object));
        assert!(can(r#""arn:aws:s3:::bkt*""#, Level::Bucket));
        assert!(can(r#""arn:aws:s3:::bkt*""#, Level::Object));
        assert!(can(r#""*""#, Level::Account) && !can(bucket, Level::Account));
    }

    #[test]
    fn other_texts_are_no_resources() {
        for bad in [
            "bkt/*",
            "arn:aws:s3:::",
            "arn:aws:ec2:::bkt",
            "arn:aws:s3:us-east-1::bkt",
            "arn:x:s3:::b",
            "arn:aws:s3:::b/${x",
        ] {
            let json = format!("\"{bad}\"");
            assert_eq!(resources("Resource", &json), Err(PolicyError::InvalidResource), "{bad}");
        }
    }
}
