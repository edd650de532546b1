//! GetBucketAcl, PutBucketAcl, GetObjectAcl and PutObjectAcl, as far as there are ACLs.
//!
//! Guarantees: object ownership is `BucketOwnerEnforced` on every bucket, so that the owner's full
//! control is the only ACL; a request for another is refused, never accepted and ignored.
//! Does not: need a key for an object under a customer's; key headers are ignored.

use object_engine::model::{Bucket, BucketName};

use super::{At, found};
use crate::{
    error::{ErrorCode, S3Error, S3Result},
    request::{head::Head, listing, stored},
    response::{
        Answer,
        object::{VERSION_ID, version_id},
    },
    service::{Call, HttpBody, Incoming},
    xml::{Element, XmlWriter, malformed},
};

const CANONICAL_USER: (&str, &str) = (
    "Grantee",
    "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"",
);

/// The bucket's only ACL.
pub(crate) async fn get_bucket_acl(call: &Call<'_>, name: &BucketName) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    Ok(Answer::xml(document(call, &bucket).await?))
}

/// The object's only ACL.
pub(crate) async fn get_object_acl(call: &Call<'_>, at: &At<'_>) -> S3Result<Answer> {
    let bucket = call.bucket(at.bucket).await?;
    let named = existing(call, at, &bucket).await?;
    Ok(Answer::xml(document(call, &bucket).await?).header_if(VERSION_ID, named))
}

/// Accepts the ACL that the bucket has anyway.
pub(crate) async fn put_bucket_acl<B: HttpBody>(
    call: &Call<'_>,
    name: &BucketName,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    check(call, &bucket, incoming).await?;
    Ok(Answer::ok())
}

/// Accepts the ACL that the object has anyway.
pub(crate) async fn put_object_acl<B: HttpBody>(
    call: &Call<'_>,
    at: &At<'_>,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let bucket = call.bucket(at.bucket).await?;
    let named = existing(call, at, &bucket).await?;
    check(call, &bucket, incoming).await?;
    Ok(Answer::ok().header_if(VERSION_ID, named))
}

/// The name of the version that is meant, which must be there.
async fn existing(call: &Call<'_>, at: &At<'_>, bucket: &Bucket) -> S3Result<Option<String>> {
    let selector = listing::version(&call.head.query)?;
    let (version, _) = found::object(call, bucket, at.key, selector).await?;
    Ok(version_id(bucket, version.public))
}

async fn document(call: &Call<'_>, bucket: &Bucket) -> S3Result<String> {
    let display_name = call.display_name(&bucket.owner).await?;
    let owner = |writer: &mut XmlWriter| {
        writer.text("ID", &bucket.owner.0).text("DisplayName", &display_name);
    };
    let mut writer = XmlWriter::new("AccessControlPolicy");
    writer.inside("Owner", owner);
    writer.inside("AccessControlList", |list| {
        list.inside("Grant", |grant| {
            grant.inside_with(CANONICAL_USER, owner).text("Permission", "FULL_CONTROL");
        });
    });
    Ok(writer.finish())
}

/// A canned ACL, grants in headers, or a document.
async fn check<B: HttpBody>(
    call: &Call<'_>,
    bucket: &Bucket,
    incoming: Incoming<B>,
) -> S3Result<()> {
    stored::check_acl(&call.head)?;
    let body = call.optional_document(incoming).await?;
    match (has_canned(&call.head), body.is_empty()) {
        (true, true) => Ok(()),
        (true, false) => Err(S3Error::with_message(
            ErrorCode::InvalidRequest,
            "Specifying both Canned ACLs and Header Grants is not allowed",
        )),
        (false, true) => Err(S3Error::with_message(
            ErrorCode::MissingSecurityHeader,
            "Your request was missing a required header",
        )
        .element("MissingHeaderName", "x-amz-acl")),
        (false, false) => check_document(&body, bucket),
    }
}

fn has_canned(head: &Head) -> bool {
    head.headers.contains_key("x-amz-acl")
}

/// Only the owner's full control can be said.
fn check_document(body: &[u8], bucket: &Bucket) -> S3Result<()> {
    let root = Element::parse(body, "AccessControlPolicy")?;
    root.only(&["Owner", "AccessControlList"])?;
    let lists = |name| root.children().iter().filter(move |child: &&Element| child.name() == name);
    let mut lists = lists("AccessControlList");
    let (Some(list), None) = (lists.next(), lists.next()) else { return Err(malformed()) };
    list.only(&["Grant"])?;
    let [grant] = list.children() else { return Err(stored::acls_not_supported()) };
    grant.only(&["Grantee", "Permission"])?;
    let grantee = grant.children().iter().find(|child| child.name() == "Grantee");
    let id = grantee.ok_or_else(malformed)?.optional("ID")?.map(str::trim);
    let is_full = grant.required("Permission")?.trim() == "FULL_CONTROL";
    if is_full && id == Some(&bucket.owner.0) { Ok(()) } else { Err(stored::acls_not_supported()) }
}
