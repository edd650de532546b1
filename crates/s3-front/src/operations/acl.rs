//! GetBucketAcl, PutBucketAcl, GetObjectAcl and PutObjectAcl.
//!
//! Guarantees: what is answered is what holds: where object ownership is `BucketOwnerEnforced`, the bucket
//! owner's full control and nothing else; a request for another ACL is refused there, never accepted
//! and ignored.
//! Does not: need a key for an object under a customer's; key headers are ignored.

use std::{collections::BTreeMap, convert::Infallible};

use object_engine::{
    engine::ChangeAttached,
    error::EngineError,
    model::{AccountId, BucketName},
};

use super::{At, found};
use crate::{
    acl::{Acl, Asked, Grantee, On},
    error::S3Result,
    request::{listing, object_ownership::ObjectOwnership},
    response::{
        Answer,
        object::{VERSION_ID, version_id},
    },
    service::{Call, HttpBody, Incoming, acls},
    xml::XmlWriter,
};

const CANONICAL_USER: (&str, &str) = (
    "Grantee",
    "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"",
);
const GROUP: (&str, &str) =
    ("Grantee", "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\"");

/// The bucket's ACL.
pub(crate) async fn get_bucket_acl(call: &Call<'_>, name: &BucketName) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    let acl = call.shown_bucket_acl(&bucket)?;
    Ok(Answer::xml(document(call, &bucket.owner, &acl).await?))
}

/// The object's ACL.
pub(crate) async fn get_object_acl(call: &Call<'_>, at: &At<'_>) -> S3Result<Answer> {
    let bucket = call.bucket(at.bucket).await?;
    let selector = listing::version(&call.head.query)?;
    let (version, object) = found::object(call, &bucket, at.key, selector).await?;
    let owner = acls::owner_of(&bucket, &version);
    let acl = match ObjectOwnership::of(&bucket).has_acls() {
        true => acls::of_object(&version, &object)
            .ok_or_else(|| EngineError::Damaged("an object's ACL cannot be read".into()))?,
        false => Acl::private(owner),
    };
    let named = version_id(&bucket, version.public);
    Ok(Answer::xml(document(call, owner, &acl).await?).header_if(VERSION_ID, named))
}

/// Sets the bucket's ACL.
pub(crate) async fn put_bucket_acl<B: HttpBody>(
    call: &Call<'_>,
    name: &BucketName,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    let asked = Asked::in_headers(&call.head, On::Bucket)?;
    let body = call.optional_document(incoming).await?;
    let asked = asked.whole(&body, &bucket.owner.0)?;
    if !ObjectOwnership::of(&bucket).has_acls() {
        call.check_enforced(&asked, &bucket)?;
        return Ok(Answer::ok());
    }
    let acl = call.resolved(asked, &bucket.owner, &bucket.owner).await?;
    call.refuse_public(&acl, &bucket)?;
    call.set_setting(&bucket, acls::ACL, acl.kept(&bucket.owner)).await?;
    Ok(Answer::ok())
}

/// Sets the object's ACL; its owner stays.
pub(crate) async fn put_object_acl<B: HttpBody>(
    call: &Call<'_>,
    at: &At<'_>,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let bucket = call.bucket(at.bucket).await?;
    let selector = listing::version(&call.head.query)?;
    let (version, _) = found::annotated(call, &bucket, at.key, selector).await?;
    let named = version_id(&bucket, version.public);
    let owner = acls::owner_of(&bucket, &version);
    let asked = Asked::in_headers(&call.head, On::Object)?;
    let body = call.optional_document(incoming).await?;
    let asked = asked.whole(&body, &owner.0)?;
    let answer = Answer::ok().header_if(VERSION_ID, named);
    if !ObjectOwnership::of(&bucket).has_acls() {
        call.check_enforced(&asked, &bucket)?;
        return Ok(answer);
    }
    let acl = call.resolved(asked, owner, &bucket.owner).await?;
    call.refuse_public(&acl, &bucket)?;
    let kept = acl.kept(owner);
    let changed = call
        .engine()
        .change_attached(&bucket, &version, |attached| {
            attached.acl.clone_from(&kept);
            Ok::<(), Infallible>(())
        })
        .await?;
    match changed {
        ChangeAttached::Changed => Ok(answer),
        ChangeAttached::Gone => Err(found::no_such_key(at.key)),
    }
}

async fn document(call: &Call<'_>, owner: &AccountId, acl: &Acl) -> S3Result<String> {
    let names = names(call, owner, acl).await?;
    let person = |writer: &mut XmlWriter, id: &AccountId| {
        writer.text("ID", &id.0).text_if("DisplayName", names.get(id));
    };
    let mut writer = XmlWriter::new("AccessControlPolicy");
    writer.inside("Owner", |writer| person(writer, owner));
    writer.inside("AccessControlList", |list| {
        for granted in acl.grants() {
            list.inside("Grant", |grant| {
                match &granted.grantee {
                    Grantee::User(id) => {
                        grant.inside_with(CANONICAL_USER, |grantee| person(grantee, id));
                    }
                    Grantee::Group(group) => {
                        grant.inside_with(GROUP, |grantee| {
                            grantee.text("URI", group.uri());
                        });
                    }
                }
                grant.text("Permission", granted.permission.name());
            });
        }
    });
    Ok(writer.finish())
}

/// What everybody who is named is called.
async fn names(
    call: &Call<'_>,
    owner: &AccountId,
    acl: &Acl,
) -> S3Result<BTreeMap<AccountId, String>> {
    let mut names = BTreeMap::new();
    let users = acl.grants().iter().filter_map(|grant| match &grant.grantee {
        Grantee::User(id) => Some(id),
        Grantee::Group(_) => None,
    });
    for id in users.chain([owner]) {
        if !names.contains_key(id) {
            names.insert(id.clone(), call.display_name(id).await?);
        }
    }
    Ok(names)
}
