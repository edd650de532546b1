//! CreateBucket.

use std::collections::BTreeMap;

use object_engine::model::{Bucket, BucketName, CreateBucket, OBJECT_LOCK};

use super::{
    bucket_tagging,
    encryption_settings::{EncryptionSettings, SETTING},
    lock_settings::LockSettings,
    ownership_controls,
};
use crate::{
    acl::{Acl, Asked, Canned, On},
    body::RequestBody,
    error::{ErrorCode, S3Error, S3Result},
    policy::{Action, Resource},
    request::{
        object_lock,
        object_ownership::{OBJECT_OWNERSHIP, ObjectOwnership},
        regions,
        tags::{self, Tags},
    },
    response::{
        Answer,
        bucket::{BUCKET_ARN, bucket_arn},
    },
    service::{Call, HttpBody, Incoming, NewBucketSseC, acls},
    xml::{Element, malformed},
};

/// The region whose name no document says, and whose endpoint answers a repeated creation with 200.
const CLASSIC_REGION: &str = "us-east-1";

/// Makes a bucket that the caller owns.
pub(crate) async fn create_bucket<B: HttpBody>(
    call: &Call<'_>,
    name: &BucketName,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let resource = Resource::Bucket(name.as_str());
    let caller = call.account(resource)?;
    if name.is_reserved() {
        return Err(refused(ErrorCode::InvalidBucketName, name));
    }
    let with_lock = wants_object_lock(call)?;
    let ownership = ownership_controls::asked(&call.head)?;
    let ownership = ownership.unwrap_or(call.service.options.new_bucket_object_ownership);
    let asked = Asked::in_headers(&call.head, On::Bucket)?;
    check_ownership(ownership, &asked)?;
    // There is one owner yet.
    let acl = call.resolved(asked, caller.id, caller.id).await?;
    let body = RequestBody::new(&call.head.headers, incoming.payload, incoming.body)?;
    let region = &call.service.options.region;
    let tags = configured_tags(&call.xml_body(body).await?, region)?;
    if !tags.is_empty() {
        call.authorise_without_bucket(Action::PutBucketTagging, resource)?;
    }

    let mut settings = settings(call.service.options.new_bucket_sse_c);
    if with_lock {
        settings.insert(OBJECT_LOCK.to_owned(), LockSettings::default().document());
    }
    settings.extend(ownership.kept().map(|kept| (OBJECT_OWNERSHIP.to_owned(), kept)));
    settings.extend(acl.kept(caller.id).map(|kept| (acls::ACL.to_owned(), kept)));
    if !tags.is_empty() {
        settings.insert(bucket_tagging::SETTING.to_owned(), tags::document(&tags));
    }
    match call.engine().create_bucket_with(name, caller.id, region, &settings).await? {
        CreateBucket::Created(bucket) => Ok(created(&bucket)),
        // Making a bucket again never changes its tags, not even to those that it has.
        CreateBucket::OwnedByYou(_) if !tags.is_empty() => {
            Err(refused(ErrorCode::BucketAlreadyOwnedByYou, name))
        }
        CreateBucket::OwnedByYou(bucket) if call.profile().keeps_acl_of_bucket_made_again() => {
            let has_lock = bucket.settings.contains_key(OBJECT_LOCK);
            let has_acl = bucket.settings.get(acls::ACL) == acl.kept(&bucket.owner).as_ref();
            match has_acl && (!with_lock || has_lock) {
                true => Ok(created(&bucket)),
                false => Err(refused(ErrorCode::BucketAlreadyExists, name)),
            }
        }
        // Nobody is told of a lock that the bucket does not have.
        CreateBucket::OwnedByYou(bucket)
            if region == CLASSIC_REGION
                && (!with_lock || bucket.settings.contains_key(OBJECT_LOCK)) =>
        {
            reset_acl(call, &bucket, &acl).await?;
            Ok(created(&bucket))
        }
        CreateBucket::OwnedByYou(_) => Err(refused(ErrorCode::BucketAlreadyOwnedByYou, name)),
        CreateBucket::OwnedByOther => Err(refused(ErrorCode::BucketAlreadyExists, name)),
    }
}

/// Creating a bucket again sets its ACL to what the request says, or to private.
async fn reset_acl(call: &Call<'_>, bucket: &Bucket, acl: &Acl) -> S3Result<()> {
    let kept = acl.kept(&bucket.owner);
    if kept.as_ref() == bucket.settings.get(acls::ACL) {
        return Ok(());
    }
    if !ObjectOwnership::of(bucket).has_acls() {
        return if kept.is_none() { Ok(()) } else { Err(acls::not_supported()) };
    }
    call.refuse_public(acl, bucket)?;
    call.set_setting(bucket, acls::ACL, kept).await
}

/// What a bucket is made with, in the same commit: there is no moment in which a block is not yet set.
fn settings(sse_c: NewBucketSseC) -> BTreeMap<String, String> {
    match sse_c {
        NewBucketSseC::Allowed => BTreeMap::new(),
        NewBucketSseC::Blocked => {
            let settings =
                EncryptionSettings { blocks_sse_c: true, ..EncryptionSettings::default() };
            [(SETTING.to_owned(), settings.document())].into()
        }
    }
}

fn created(bucket: &Bucket) -> Answer {
    Answer::ok()
        .header("location", format!("/{}", bucket.name))
        .header(BUCKET_ARN, bucket_arn(&bucket.name))
}

fn refused(code: ErrorCode, name: &BucketName) -> S3Error {
    S3Error::new(code).element("BucketName", name.as_str())
}

/// Where ACLs are disabled, only what the bucket's owner has anyway can be asked for.
fn check_ownership(ownership: ObjectOwnership, asked: &Asked) -> S3Result<()> {
    match asked {
        _ if ownership.has_acls() => Ok(()),
        // The latter two mean nothing on a bucket.
        Asked::Nothing
        | Asked::Canned(
            Canned::Private | Canned::BucketOwnerRead | Canned::BucketOwnerFullControl,
        ) => Ok(()),
        Asked::Canned(_) | Asked::Grants(_) => {
            Err(ErrorCode::InvalidBucketAclWithObjectOwnership.into())
        }
    }
}

fn wants_object_lock(call: &Call<'_>) -> S3Result<bool> {
    match call.head.filled(object_lock::OF_BUCKET)? {
        Some(flag) if !flag.eq_ignore_ascii_case("true") && !flag.eq_ignore_ascii_case("false") => {
            Err(S3Error::argument("Argument value is invalid", object_lock::OF_BUCKET, flag))
        }
        _ => Ok(object_lock::wanted_of_bucket(&call.head)),
    }
}

/// The document may be absent, and may only name the region that this server serves. The tags in it.
fn configured_tags(body: &[u8], region: &str) -> S3Result<Tags> {
    if body.is_empty() {
        return Ok(Tags::new());
    }
    let root = Element::parse(body, "CreateBucketConfiguration")?;
    root.only(&["LocationConstraint", "Location", "Bucket", "Tags"])?;
    for unbuilt in ["Location", "Bucket"] {
        if root.children().iter().any(|child| child.name() == unbuilt) {
            return Err(S3Error::not_implemented(format!(
                "CreateBucketConfiguration/{unbuilt} is not implemented."
            )));
        }
    }
    match root.optional("LocationConstraint")?.map(str::trim) {
        None => {}
        Some("") => return Err(malformed()),
        Some(asked) => check_constraint(asked, region)?,
    }
    let mut sets = root.children().iter().filter(|child| child.name() == "Tags");
    match (sets.next(), sets.next()) {
        (None, _) => Ok(Tags::new()),
        (Some(set), None) => tags::of_new_bucket(set),
        (Some(_), Some(_)) => Err(malformed()),
    }
}

/// The classic region is named by saying nothing; clients that do name it mean no harm.
fn check_constraint(asked: &str, region: &str) -> S3Result<()> {
    let is_a_region = regions::is_of_aws(asked) || asked == "EU";
    match asked {
        _ if asked == region => Ok(()),
        // The classic endpoint alone knows every region from what is none.
        _ if region == CLASSIC_REGION && !is_a_region => {
            Err(S3Error::new(ErrorCode::InvalidLocationConstraint)
                .element("LocationConstraint", asked))
        }
        _ => Err(S3Error::with_message(
            ErrorCode::IllegalLocationConstraintException,
            format!(
                "The {asked} location constraint is incompatible for the region specific endpoint this request was sent to."
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(body: &str, region: &str) -> Result<(), ErrorCode> {
        configured_tags(body.as_bytes(), region).map(drop).map_err(|error| error.code())
    }

    #[test]
    fn the_constraint_is_the_region_or_absent() {
        let of = |name: &str| {
            format!(
                "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>{name}</LocationConstraint></CreateBucketConfiguration>"
            )
        };
        assert_eq!(checked("", "eu-west-1"), Ok(()));
        assert_eq!(checked("<CreateBucketConfiguration/>", "us-east-1"), Ok(()));
        assert_eq!(checked(&of("eu-west-1"), "eu-west-1"), Ok(()));
        assert_eq!(checked(&of("us-east-1"), "us-east-1"), Ok(()));
        assert_eq!(
            checked(&of("eu-west-1"), "us-east-1"),
            Err(ErrorCode::IllegalLocationConstraintException)
        );
        assert_eq!(checked(&of(""), "us-east-1"), Err(ErrorCode::MalformedXML));
        assert_eq!(
            checked("<CreateBucketConfiguration><X/></CreateBucketConfiguration>", "r"),
            Err(ErrorCode::MalformedXML)
        );
        for name in ["foo", "eu-east-1", "eu-west-1 x"] {
            let invalid = Err(ErrorCode::InvalidLocationConstraint);
            assert_eq!(checked(&of(name), "us-east-1"), invalid, "{name}");
        }
        for (name, region) in [("EU", "us-east-1"), ("foo", "eu-west-1"), ("us-east-1", "r")] {
            let illegal = Err(ErrorCode::IllegalLocationConstraintException);
            assert_eq!(checked(&of(name), region), illegal, "{name} {region}");
        }
        for unbuilt in ["Location", "Bucket"] {
            let body =
                format!("<CreateBucketConfiguration><{unbuilt}/></CreateBucketConfiguration>");
            assert_eq!(checked(&body, "r"), Err(ErrorCode::NotImplemented));
        }
        assert_eq!(checked("<Other/>", "r"), Err(ErrorCode::MalformedXML));
    }
}
