//! The condition keys of one request.
//!
//! Guarantees: of the SSE-C headers only the raw algorithm is read; no key and no key's MD5 is a
//! condition key.
//! Does not: know what stands in the body, which nobody has read yet: LocationConstraint is what it
//! must be to be accepted at all.

use std::net::IpAddr;

use object_engine::clock::Timestamp;

use crate::{
    policy::{Caller, Context},
    request::{customer_key::CustomerKeyHeaders, head::Head, query::Query},
    route::{BucketOperation, Route},
};

/// What the keys are gathered from.
#[derive(Clone, Copy)]
pub(crate) struct Gathered<'a> {
    pub(crate) head: &'a Head,
    pub(crate) keys: &'a CustomerKeyHeaders,
    pub(crate) route: &'a Route,
    pub(crate) caller: Caller<'a>,
    pub(crate) peer: IpAddr,
    pub(crate) secure: bool,
    pub(crate) region: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) signed: Option<Signed>,
}

/// How a request was signed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signed {
    pub(crate) presigned: bool,
    pub(crate) at: Timestamp,
}

/// Condition keys that are headers, as the operations read them.
const HEADERS: &[(&str, &str)] = &[
    ("aws:UserAgent", "user-agent"),
    ("aws:Referer", "referer"),
    ("s3:if-match", "if-match"),
    ("s3:if-none-match", "if-none-match"),
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

/// Condition keys that are query parameters of a bucket.
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
        context.set("aws:EpochTime", self.now.0.div_euclid(1_000).to_string());
        let now = jiff::Timestamp::from_millisecond(self.now.0).ok();
        context.set_if("aws:CurrentTime", now.map(|now| now.to_string()));
        if let Route::Bucket(_, BucketOperation::CreateBucket) = self.route {
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
        context.set("aws:userid", id.unwrap_or("anonymous"));
        context.set_if("aws:PrincipalAccount", id);
        context.set_if("aws:PrincipalArn", self.caller.arn());
    }

    fn signature(&self, context: &mut Context) {
        let Some(signed) = self.signed else { return };
        let place = if signed.presigned { "REST-QUERY-STRING" } else { "REST-HEADER" };
        context.set("s3:authType", place);
        context.set("s3:signatureversion", "AWS4-HMAC-SHA256");
        // A client's clock may be ahead of ours; no signature is younger than new.
        context.set("s3:signatureAge", self.now.0.saturating_sub(signed.at.0).max(0).to_string());
    }

    fn headers(&self, context: &mut Context) {
        for (key, name) in HEADERS {
            let value = self.head.headers.get(*name);
            context.set_if(key, value.map(|value| String::from_utf8_lossy(value.as_bytes())));
        }
        let algorithm = self.keys.algorithm().map(String::from_utf8_lossy);
        context.set_if("s3:x-amz-server-side-encryption-customer-algorithm", algorithm);
        let tags = self.head.headers.get("x-amz-tagging").and_then(|tags| tags.to_str().ok());
        // Tags that cannot be read are refused by the operation.
        for (name, value) in
            tags.and_then(|tags| Query::parse(tags).ok()).iter().flat_map(Query::iter)
        {
            context.set(&format!("s3:RequestObjectTag/{name}"), value);
            context.add("s3:RequestObjectTagKeys", name);
        }
    }

    fn query(&self, context: &mut Context) {
        let query = &self.head.query;
        context.set_if("s3:VersionId", query.filled("versionId"));
        if let Route::Bucket(..) = self.route {
            for (key, name) in LISTING {
                context.set_if(key, query.get(name));
            }
        }
    }
}
