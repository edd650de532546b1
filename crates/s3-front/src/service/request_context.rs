//! The condition keys of one request.
//!
//! Guarantees: of the SSE-C headers only the raw algorithm is read; no key and no key's MD5 is a
//! condition key.
//! Does not: know what stands in the body, which nobody has read yet: LocationConstraint is what it
//! must be to be accepted at all.

use std::net::IpAddr;

use http::HeaderValue;
use object_engine::clock::Timestamp;

use crate::{
    identity::Signed,
    limits::{TAG_VALUE_CHARS_MAX, TAGS_MAX},
    policy::{ANONYMOUS_USER_ID, Caller, Context},
    request::{customer_key::CustomerKeyHeaders, head::Head, object_lock, query::Query},
    route::{BucketOperation, BucketSubResource, Route},
    service::locks::REMAINING_DAYS,
    signature::Version,
};

/// What the keys are gathered from.
#[derive(Clone, Copy)]
pub(crate) struct Gathered<'a> {
    pub(crate) head: &'a Head,
    pub(crate) keys: &'a CustomerKeyHeaders,
    pub(crate) circumstances: Circumstances,
    pub(crate) caller: Caller<'a>,
    pub(crate) peer: IpAddr,
    pub(crate) secure: bool,
    pub(crate) region: &'a str,
}

/// What of a request the operations do not keep and conditions ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances {
    pub(crate) kind: Kind,
    /// When it arrived.
    pub(crate) now: Timestamp,
    /// `None`: it is anonymous.
    pub(crate) signed: Option<Signed>,
}

/// What kind of request it is, as far as conditions differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// CreateBucket.
    NewBucket,
    /// One that ListBucket or ListBucketVersions allows.
    Listing,
    /// Any other.
    Other,
}

impl Kind {
    /// That of a route.
    pub(crate) fn of(route: &Route) -> Self {
        match route {
            Route::Bucket(_, BucketOperation::CreateBucket) => Self::NewBucket,
            Route::Bucket(
                _,
                BucketOperation::HeadBucket
                | BucketOperation::ListObjects
                | BucketOperation::ListObjectsV2,
            )
            | Route::BucketSubResource(_, BucketSubResource::ListObjectVersions) => Self::Listing,
            _ => Self::Other,
        }
    }
}

/// Condition keys that are headers, as the operations read them.
const HEADERS: &[(&str, &str)] = &[
    ("aws:UserAgent", "user-agent"),
    ("aws:Referer", "referer"),
    ("s3:if-match", "if-match"),
    ("s3:object-lock-legal-hold", "x-amz-object-lock-legal-hold"),
    ("s3:object-lock-mode", "x-amz-object-lock-mode"),
    ("s3:object-lock-retain-until-date", "x-amz-object-lock-retain-until-date"),
    ("s3:x-amz-acl", "x-amz-acl"),
    ("s3:x-amz-content-sha256", "x-amz-content-sha256"),
    ("s3:x-amz-copy-source", "x-amz-copy-source"),
    ("s3:x-amz-grant-full-control", "x-amz-grant-full-control"),
    ("s3:x-amz-grant-read", "x-amz-grant-read"),
    ("s3:x-amz-grant-read-acp", "x-amz-grant-read-acp"),
    ("s3:x-amz-grant-write", "x-amz-grant-write"),
    ("s3:x-amz-grant-write-acp", "x-amz-grant-write-acp"),
    ("s3:x-amz-metadata-directive", "x-amz-metadata-directive"),
    ("s3:x-amz-object-ownership", "x-amz-object-ownership"),
    ("s3:x-amz-server-side-encryption", "x-amz-server-side-encryption"),
    (
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "x-amz-server-side-encryption-aws-kms-key-id",
    ),
    ("s3:x-amz-storage-class", "x-amz-storage-class"),
    ("s3:x-amz-website-redirect-location", "x-amz-website-redirect-location"),
];

/// Condition keys that are query parameters of a listing. AWS's service authorization reference has them for
/// ListBucket and ListBucketVersions, and not for ListBucketMultipartUploads.
const LISTING: &[(&str, &str)] =
    &[("s3:prefix", "prefix"), ("s3:delimiter", "delimiter"), ("s3:max-keys", "max-keys")];

impl Gathered<'_> {
    /// The condition keys.
    pub(crate) fn context(&self) -> Context {
        let mut context = Context::default();
        self.circumstances(&mut context);
        self.caller(&mut context);
        self.signature(&mut context);
        self.headers(&mut context);
        self.query(&mut context);
        context
    }

    fn circumstances(&self, context: &mut Context) {
        context.set("aws:SecureTransport", self.secure.to_string());
        context.set("aws:SourceIp", self.peer.to_canonical().to_string());
        context.set("aws:EpochTime", self.circumstances.now.0.div_euclid(1_000).to_string());
        let now = jiff::Timestamp::from_millisecond(self.circumstances.now.0).ok();
        context.set_if("aws:CurrentTime", now.map(|now| now.to_string()));
        if self.circumstances.kind == Kind::NewBucket {
            context.set("s3:LocationConstraint", self.region);
        }
    }

    fn caller(&self, context: &mut Context) {
        let kind = match self.caller {
            Caller::Anonymous => "Anonymous",
            Caller::Account { name, .. } => {
                context.set("aws:username", name);
                "User"
            }
            Caller::Root { .. } => "Account",
        };
        context.set("aws:PrincipalType", kind);
        let id = self.caller.id().map(|id| id.0.as_str());
        context.set("aws:userid", id.unwrap_or(ANONYMOUS_USER_ID));
        context.set_if("aws:PrincipalAccount", id);
        context.set_if("aws:PrincipalArn", self.caller.arn());
    }

    fn signature(&self, context: &mut Context) {
        let Some(signed) = self.circumstances.signed else { return };
        let place = if signed.presigned { "REST-QUERY-STRING" } else { "REST-HEADER" };
        context.set("s3:authType", place);
        context.set(
            "s3:signatureversion",
            match signed.version {
                Version::V2 => "AWS",
                Version::V4 => "AWS4-HMAC-SHA256",
            },
        );
        // A client's clock may be ahead of ours; no signature is younger than new.
        let age = |at: Timestamp| self.circumstances.now.0.saturating_sub(at.0).max(0).to_string();
        context.set_if("s3:signatureAge", signed.at.map(age));
    }

    fn headers(&self, context: &mut Context) {
        for (key, name) in HEADERS {
            let value = self.head.headers.get(*name);
            context.set_if(key, value.map(|value| String::from_utf8_lossy(value.as_bytes())));
        }
        // Policies ask whether it is there, so that nothing is overwritten; only `*` says that.
        let if_none_match = self.head.headers.get("if-none-match");
        let is_any = |value: &&HeaderValue| value.as_bytes().trim_ascii() == b"*";
        context.set_if("s3:if-none-match", if_none_match.filter(is_any).map(|_| "*"));
        let until = self.head.headers.get(object_lock::RETAIN_UNTIL);
        let until = until.and_then(|until| object_lock::date(until.to_str().ok()?));
        let days =
            until.map(|until| object_lock::days_until(until, self.circumstances.now).to_string());
        context.set_if(REMAINING_DAYS, days);
        let algorithm = self.keys.algorithm().map(String::from_utf8_lossy);
        context.set_if("s3:x-amz-server-side-encryption-customer-algorithm", algorithm);
        self.tags(context);
    }

    /// Tags that cannot be read, and more than S3 allows, are refused by the operation.
    fn tags(&self, context: &mut Context) {
        let tags = self.head.headers.get("x-amz-tagging").and_then(|tags| tags.to_str().ok());
        let Some(tags) = tags.and_then(|tags| Query::parse(tags).ok()) else { return };
        let bytes_max = TAG_VALUE_CHARS_MAX * char::MAX.len_utf8();
        let is_long = |(name, value): (&str, &str)| name.len().max(value.len()) > bytes_max;
        if tags.iter().count() > TAGS_MAX || tags.iter().any(is_long) {
            return context.set_too_long("s3:requestobjecttag");
        }
        for (name, value) in tags.iter() {
            context.set(&format!("s3:RequestObjectTag/{name}"), value);
            context.add("s3:RequestObjectTagKeys", name);
        }
    }

    fn query(&self, context: &mut Context) {
        let query = &self.head.query;
        context.set_if("s3:VersionId", query.filled("versionId"));
        if self.circumstances.kind == Kind::Listing {
            for (key, name) in LISTING {
                context.set_if(key, query.get(name));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use object_engine::model::{AccountId, BucketName, ObjectKey};

    use super::*;
    use crate::{
        policy::{BucketPolicy, Policies, Question, Resource, evaluate},
        profile::Profile,
        request::customer_key,
        route::ObjectOperation,
    };

    const SIGNED: Signed =
        Signed { version: Version::V4, presigned: true, at: Some(Timestamp(1_000)) };

    /// Whether a statement with this condition applies to a presigned PutObject by alice.
    fn applies(target: &str, headers: &[(&str, &str)], condition: &str) -> bool {
        let mut request = Request::builder().uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        let mut query = Query::of_request(parts.uri.query().unwrap_or_default()).unwrap();
        let keys = customer_key::take(&mut parts, &mut query, Profile::Aws);
        let head = Head::new(parts, query).unwrap();
        let bucket = BucketName::parse("bkt").unwrap();
        let key = ObjectKey::parse("k").unwrap();
        let id = AccountId("alice-id".into());
        let gathered = Gathered {
            head: &head,
            keys: &keys.own,
            circumstances: Circumstances {
                kind: Kind::of(&Route::Object(bucket.clone(), key, ObjectOperation::PutObject)),
                now: Timestamp(61_500),
                signed: Some(SIGNED),
            },
            caller: Caller::Account { id: &id, name: "alice" },
            peer: "::ffff:192.0.2.7".parse().unwrap(),
            secure: true,
            region: "eu-west-1",
        };
        let policy = format!(
            r#"{{"Statement": {{"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bkt/*", "Condition": {condition}}}}}"#
        );
        let policy = BucketPolicy::parse(&policy, &bucket).unwrap();
        let owner = AccountId("owner-id".into());
        let policies =
            Policies { owner: Some(&owner), bucket: Some(Ok(&policy)), ..Policies::default() };
        let question = Question {
            caller: gathered.caller,
            action: crate::policy::Action::PutObject,
            resource: Resource::Object("bkt", "k"),
            context: &gathered.context(),
        };
        evaluate(&question, &policies).allowed
    }

    #[test]
    fn a_presigned_request_is_known_as_one() {
        for condition in [
            r#"{"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}"#,
            r#"{"NumericEquals": {"s3:signatureAge": "60500"}}"#,
            r#"{"StringEquals": {"aws:SourceIp": "192.0.2.7"}}"#,
            r#"{"DateEquals": {"aws:CurrentTime": "1970-01-01T00:01:01.5Z"}}"#,
            r#"{"NumericEquals": {"aws:EpochTime": 61}}"#,
            r#"{"Null": {"s3:LocationConstraint": "true", "s3:prefix": "true"}}"#,
        ] {
            assert!(applies("/bkt/k?prefix=x", &[], condition), "{condition}");
        }
    }

    #[test]
    fn of_a_customer_key_only_the_algorithm_is_seen_wherever_it_stands() {
        let is =
            r#"{"StringEquals": {"s3:x-amz-server-side-encryption-customer-algorithm": "AES192"}}"#;
        let header = [(customer_key::ALGORITHM, "AES192"), (customer_key::KEY, "c2VjcmV0")];
        assert!(applies("/bkt/k", &header, is));
        let hoisted = "/bkt/k?X-Amz-Server-Side-Encryption-Customer-Algorithm=AES192";
        assert!(applies(hoisted, &[], is));
        assert!(!applies("/bkt/k", &[], is));
        let empty = [(customer_key::ALGORITHM, "")];
        let there = r#"{"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}}"#;
        assert!(applies("/bkt/k", &empty, there), "an empty value is a value");
        let mut context = Context::default();
        context.set("a", "c2VjcmV0");
        assert!(!format!("{context:?}").contains("c2VjcmV0"));
    }

    #[test]
    fn headers_and_tags_are_seen_as_the_operation_reads_them() {
        let headers = [("x-amz-tagging", "a=1&b=x%20y"), ("x-amz-acl", "private")];
        for condition in [
            r#"{"StringEquals": {"s3:RequestObjectTag/b": "x y", "s3:x-amz-acl": "private"}}"#,
            r#"{"ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["a", "b"]}}"#,
            r#"{"StringEquals": {"s3:VersionId": "v"}}"#,
        ] {
            assert!(applies("/bkt/k?versionId=v", &headers, condition), "{condition}");
        }
        let hoisted = r#"{"StringEquals": {"s3:x-amz-storage-class": "STANDARD_IA"}}"#;
        assert!(applies("/bkt/k?x-amz-storage-class=STANDARD_IA", &[], hoisted));
    }
}
