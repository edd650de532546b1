//! GetBucketOwnershipControls, PutBucketOwnershipControls and DeleteBucketOwnershipControls.
//!
//! Guarantees: what is answered is what holds: `BucketOwnerEnforced`, on every bucket, always.

use object_engine::model::BucketName;

use crate::{
    error::{S3Error, S3Result},
    response::Answer,
    service::{Call, HttpBody, Incoming},
    xml::{Element, XmlWriter, malformed},
};

const ENFORCED: &str = "BucketOwnerEnforced";

/// The only rule there is.
pub(crate) async fn get_bucket_ownership_controls(
    call: &Call<'_>,
    name: &BucketName,
) -> S3Result<Answer> {
    call.bucket(name).await?;
    let mut writer = XmlWriter::new("OwnershipControls");
    writer.inside("Rule", |rule| {
        rule.text("ObjectOwnership", ENFORCED);
    });
    Ok(Answer::xml(writer.finish()))
}

/// Accepts the only rule there is.
pub(crate) async fn put_bucket_ownership_controls<B: HttpBody>(
    call: &Call<'_>,
    name: &BucketName,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    call.bucket(name).await?;
    let ownership = parse(&call.document(incoming).await?)?;
    check(&ownership)?;
    Ok(Answer::ok())
}

/// Back to the default, which is the only rule there is.
pub(crate) async fn delete_bucket_ownership_controls(
    call: &Call<'_>,
    name: &BucketName,
) -> S3Result<Answer> {
    call.bucket(name).await?;
    Ok(Answer::no_content())
}

fn parse(body: &[u8]) -> S3Result<String> {
    let root = Element::parse(body, "OwnershipControls")?;
    root.only(&["Rule"])?;
    let [rule] = root.children() else { return Err(malformed()) };
    rule.only(&["ObjectOwnership"])?;
    Ok(rule.required("ObjectOwnership")?.trim().to_owned())
}

/// What a request asks of object ownership, in a document or in `x-amz-object-ownership`.
pub(super) fn check(ownership: &str) -> S3Result<()> {
    match ownership {
        ENFORCED => Ok(()),
        "BucketOwnerPreferred" | "ObjectWriter" => Err(S3Error::not_implemented(
            "Object ownership other than BucketOwnerEnforced is not implemented: there are no ACLs.",
        )),
        _ => Err(malformed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn only_what_holds_can_be_said() {
        let parsed = |rules: &str| {
            let body = format!("<OwnershipControls>{rules}</OwnershipControls>");
            parse(body.as_bytes()).and_then(|ownership| check(&ownership))
        };
        let rule = |name: &str| format!("<Rule><ObjectOwnership>{name}</ObjectOwnership></Rule>");
        parsed(&rule(ENFORCED)).unwrap();
        for (rules, code) in [
            (rule("ObjectWriter"), ErrorCode::NotImplemented),
            (rule("BucketOwnerPreferred"), ErrorCode::NotImplemented),
            (rule("x"), ErrorCode::MalformedXML),
            (String::new(), ErrorCode::MalformedXML),
            (rule(ENFORCED).repeat(2), ErrorCode::MalformedXML),
        ] {
            assert_eq!(parsed(&rules).unwrap_err().code(), code, "{rules}");
        }
    }
}
