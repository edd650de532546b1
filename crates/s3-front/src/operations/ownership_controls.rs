//! GetBucketOwnershipControls, PutBucketOwnershipControls and DeleteBucketOwnershipControls.
//!
//! Guarantees: what is answered is what holds. ACLs are not disabled while the bucket's own grants anything
//! to others, which would silently be taken from them.

use object_engine::model::BucketName;

use crate::{
    acl::Acl,
    error::{ErrorCode, S3Error, S3Result},
    request::{
        head::Head,
        object_ownership::{OBJECT_OWNERSHIP, ObjectOwnership},
    },
    response::Answer,
    service::{Call, HttpBody, Incoming, acls},
    xml::{Element, XmlWriter, malformed},
};

const HEADER: &str = "x-amz-object-ownership";

/// The bucket's rule.
pub(crate) async fn get_bucket_ownership_controls(
    call: &Call<'_>,
    name: &BucketName,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    let ownership = ObjectOwnership::shown(&bucket).ok_or_else(|| {
        S3Error::new(ErrorCode::OwnershipControlsNotFoundError).element("BucketName", name.as_str())
    })?;
    let mut writer = XmlWriter::new("OwnershipControls");
    writer.inside("Rule", |rule| {
        rule.text("ObjectOwnership", ownership.name());
    });
    Ok(Answer::xml(writer.finish()))
}

/// Sets the bucket's rule.
pub(crate) async fn put_bucket_ownership_controls<B: HttpBody>(
    call: &Call<'_>,
    name: &BucketName,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    let ownership = parse(&call.document(incoming).await?)?;
    let is_private =
        || acls::of_bucket(&bucket).is_some_and(|acl| acl == Acl::private(&bucket.owner));
    if !ownership.has_acls() && !is_private() {
        return Err(ErrorCode::InvalidBucketAclWithObjectOwnership.into());
    }
    call.set_setting(&bucket, OBJECT_OWNERSHIP, ownership.kept()).await?;
    Ok(Answer::ok())
}

/// Removes the rule: the bucket is then as buckets were before there were any, its ACLs enabled.
pub(crate) async fn delete_bucket_ownership_controls(
    call: &Call<'_>,
    name: &BucketName,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    call.set_setting(&bucket, OBJECT_OWNERSHIP, ObjectOwnership::deleted()).await?;
    Ok(Answer::no_content())
}

fn parse(body: &[u8]) -> S3Result<ObjectOwnership> {
    let root = Element::parse(body, "OwnershipControls")?;
    root.only(&["Rule"])?;
    let [rule] = root.children() else { return Err(malformed()) };
    rule.only(&["ObjectOwnership"])?;
    ObjectOwnership::from_name(rule.required("ObjectOwnership")?.trim()).ok_or_else(malformed)
}

/// What CreateBucket asks.
pub(super) fn asked(head: &Head) -> S3Result<Option<ObjectOwnership>> {
    let Some(name) = head.filled(HEADER)? else { return Ok(None) };
    let known = ObjectOwnership::from_name(name);
    known
        .map(Some)
        .ok_or_else(|| S3Error::argument(format!("Invalid {HEADER} header: {name}"), HEADER, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_rule_can_be_said() {
        let parsed = |rules: &str| {
            let body = format!("<OwnershipControls>{rules}</OwnershipControls>");
            parse(body.as_bytes())
        };
        let rule = |name: &str| format!("<Rule><ObjectOwnership>{name}</ObjectOwnership></Rule>");
        for name in ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"] {
            assert_eq!(parsed(&rule(name)).unwrap().name(), name);
        }
        for rules in [rule("x"), rule("none"), String::new(), rule("ObjectWriter").repeat(2)] {
            let code = parsed(&rules).unwrap_err().code();
            assert_eq!(code, ErrorCode::MalformedXML, "{rules}");
        }
    }
}
