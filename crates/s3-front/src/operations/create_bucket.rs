//! CreateBucket.

use std::collections::BTreeMap;

use object_engine::model::{Bucket, BucketName, CreateBucket};

use super::{
    encryption_settings::{EncryptionSettings, SETTING},
    ownership_controls,
};
use crate::{
    body::RequestBody,
    error::{ErrorCode, S3Error, S3Result},
    policy::Resource,
    request::stored,
    response::Answer,
    service::{Call, HttpBody, Incoming, NewBucketSseC},
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
    let caller = call.account(Resource::Bucket(name.as_str()))?;
    check_acl(call)?;
    refuse_object_lock(call)?;
    let body = RequestBody::new(&call.head.headers, incoming.payload, incoming.body)?;
    check_configuration(&call.xml_body(body).await?, &call.service.options.region)?;

    let region = &call.service.options.region;
    let settings = settings(call.service.options.new_bucket_sse_c);
    match call.engine().create_bucket_with(name, caller.id, region, &settings).await? {
        CreateBucket::Created(bucket) => Ok(created(&bucket)),
        CreateBucket::OwnedByYou(bucket) if region == CLASSIC_REGION => Ok(created(&bucket)),
        CreateBucket::OwnedByYou(_) => Err(refused(ErrorCode::BucketAlreadyOwnedByYou, name)),
        CreateBucket::OwnedByOther => Err(refused(ErrorCode::BucketAlreadyExists, name)),
    }
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
    Answer::ok().header("location", format!("/{}", bucket.name))
}

fn refused(code: ErrorCode, name: &BucketName) -> S3Error {
    S3Error::new(code).element("BucketName", name.as_str())
}

/// A new bucket has the ownership that S3 gives by default, under which no ACL can be asked for.
fn check_acl(call: &Call<'_>) -> S3Result<()> {
    if let Some(ownership) = call.head.filled("x-amz-object-ownership")? {
        ownership_controls::check(ownership)?;
    }
    stored::check_acl(&call.head).map_err(|error| match error.code() {
        ErrorCode::AccessControlListNotSupported => {
            ErrorCode::InvalidBucketAclWithObjectOwnership.into()
        }
        _ => error,
    })
}

fn refuse_object_lock(call: &Call<'_>) -> S3Result<()> {
    match call.head.filled("x-amz-bucket-object-lock-enabled")? {
        Some(flag) if !flag.eq_ignore_ascii_case("false") => {
            Err(S3Error::not_implemented("Object Lock is not implemented."))
        }
        _ => Ok(()),
    }
}

/// The document may be absent, and may only name the region that this server serves.
fn check_configuration(body: &[u8], region: &str) -> S3Result<()> {
    if body.is_empty() {
        return constraint(None, region);
    }
    let root = Element::parse(body, "CreateBucketConfiguration")?;
    root.only(&["LocationConstraint", "Location", "Bucket", "Tags"])?;
    for unbuilt in ["Location", "Bucket", "Tags"] {
        if root.children().iter().any(|child| child.name() == unbuilt) {
            return Err(S3Error::not_implemented(format!(
                "CreateBucketConfiguration/{unbuilt} is not implemented."
            )));
        }
    }
    match root.optional("LocationConstraint")?.map(str::trim) {
        Some("") => Err(malformed()),
        asked => constraint(asked, region),
    }
}

fn constraint(asked: Option<&str>, region: &str) -> S3Result<()> {
    match asked {
        None => Ok(()),
        Some(asked) if asked == region && region != CLASSIC_REGION => Ok(()),
        // The classic region is named by saying nothing; clients that do name it mean no harm.
        Some(CLASSIC_REGION) if region == CLASSIC_REGION => Ok(()),
        Some(asked) => Err(S3Error::with_message(
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
        check_configuration(body.as_bytes(), region).map_err(|error| error.code())
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
        assert_eq!(
            checked("<CreateBucketConfiguration><Tags/></CreateBucketConfiguration>", "r"),
            Err(ErrorCode::NotImplemented)
        );
        assert_eq!(checked("<Other/>", "r"), Err(ErrorCode::MalformedXML));
    }
}
