//! GetBucketEncryption, PutBucketEncryption and DeleteBucketEncryption.
//!
//! Does not: decide what a blocked type means to a write; `encryption_settings` does.

use object_engine::model::BucketName;

use super::encryption_settings::EncryptionSettings;
use crate::{
    error::{ErrorCode, S3Error, S3Result},
    response::Answer,
    service::{Call, HttpBody, Incoming},
    xml::{Element, malformed},
};

const DEFAULT: &str = "ApplyServerSideEncryptionByDefault";

/// The default encryption, which every bucket has, and what is blocked.
pub(crate) async fn get_bucket_encryption(call: &Call<'_>, name: &BucketName) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    Ok(Answer::xml(EncryptionSettings::of(&bucket)?.document()))
}

/// Sets what is blocked; a document that does not say leaves it as it is.
pub(crate) async fn put_bucket_encryption<B: HttpBody>(
    call: &Call<'_>,
    name: &BucketName,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    let wanted = Wanted::parse(&call.guarded_document(incoming).await?)?;
    EncryptionSettings::change(call, &bucket, |current| EncryptionSettings {
        blocks_sse_c: wanted.blocks_sse_c.unwrap_or(current.blocks_sse_c),
        bucket_key: wanted.bucket_key,
    })
    .await?;
    Ok(Answer::ok())
}

/// Back to the default encryption. A block stays: only a document that says so lifts it.
pub(crate) async fn delete_bucket_encryption(
    call: &Call<'_>,
    name: &BucketName,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    EncryptionSettings::change(call, &bucket, |current| EncryptionSettings {
        bucket_key: false,
        ..current
    })
    .await?;
    Ok(Answer::no_content())
}

/// What a request's document asks.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    /// `None`: it does not say.
    blocks_sse_c: Option<bool>,
    bucket_key: bool,
}

impl Wanted {
    fn parse(body: &[u8]) -> S3Result<Self> {
        let root = Element::parse(body, "ServerSideEncryptionConfiguration")?;
        root.only(&["Rule"])?;
        let [rule] = root.children() else { return Err(malformed()) };
        rule.only(&[DEFAULT, "BlockedEncryptionTypes", "BucketKeyEnabled"])?;
        if let Some(default) = child(rule, DEFAULT)? {
            check_default(default)?;
        }
        let bucket_key = match rule.optional("BucketKeyEnabled")?.map(str::trim) {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(malformed()),
        };
        let blocks_sse_c = child(rule, "BlockedEncryptionTypes")?.map(blocks).transpose()?;
        Ok(Self { blocks_sse_c, bucket_key })
    }
}

fn child<'e>(element: &'e Element, name: &str) -> S3Result<Option<&'e Element>> {
    let mut named = element.children().iter().filter(|child| child.name() == name);
    match (named.next(), named.next()) {
        (found, None) => Ok(found),
        (_, Some(_)) => Err(malformed()),
    }
}

/// Everything is sealed under the server's key by default; no other default can be had.
fn check_default(default: &Element) -> S3Result<()> {
    default.only(&["SSEAlgorithm", "KMSMasterKeyID"])?;
    let key = default.optional("KMSMasterKeyID")?;
    match default.required("SSEAlgorithm")?.trim() {
        "AES256" if key.is_some() => Err(S3Error::with_message(
            ErrorCode::InvalidArgument,
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
        )
        .element("ArgumentName", DEFAULT)),
        "AES256" => Ok(()),
        "aws:kms" | "aws:kms:dsse" => Err(S3Error::not_implemented(
            "Server side encryption with AWS KMS keys is not implemented.",
        )),
        _ => Err(malformed()),
    }
}

/// A flattened list of `NONE` or `SSE-C`; both together contradict each other.
fn blocks(types: &Element) -> S3Result<bool> {
    types.only(&["EncryptionType"])?;
    let named = |name| types.children().iter().any(|child| child.text().trim() == name);
    let known =
        types.children().iter().all(|child| ["NONE", "SSE-C"].contains(&child.text().trim()));
    match (known, named("NONE"), named("SSE-C")) {
        (true, true, false) => Ok(false),
        (true, false, true) => Ok(true),
        _ => Err(malformed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(rules: &str) -> Result<(Option<bool>, bool), ErrorCode> {
        let body = format!(
            "<ServerSideEncryptionConfiguration>{rules}</ServerSideEncryptionConfiguration>"
        );
        let wanted = Wanted::parse(body.as_bytes()).map_err(|error| error.code())?;
        Ok((wanted.blocks_sse_c, wanted.bucket_key))
    }

    fn blocking(types: &[&str]) -> String {
        let types: String =
            types.iter().map(|name| format!("<EncryptionType>{name}</EncryptionType>")).collect();
        format!("<Rule><BlockedEncryptionTypes>{types}</BlockedEncryptionTypes></Rule>")
    }

    #[test]
    fn one_rule_in_aws_schema() {
        let default = |inner: &str| format!("<Rule><{DEFAULT}>{inner}</{DEFAULT}></Rule>");
        let aes = "<SSEAlgorithm>AES256</SSEAlgorithm>";
        assert_eq!(parsed(&default(aes)), Ok((None, false)));
        assert_eq!(
            parsed("<Rule><BucketKeyEnabled>true</BucketKeyEnabled></Rule>"),
            Ok((None, true))
        );
        assert_eq!(parsed(&blocking(&["SSE-C"])), Ok((Some(true), false)));
        assert_eq!(parsed(&blocking(&["NONE"])), Ok((Some(false), false)));
        let kms = |name: &str| default(&format!("<SSEAlgorithm>{name}</SSEAlgorithm>"));
        for (rules, code) in [
            (String::new(), ErrorCode::MalformedXML),
            ("<Rule/><Rule/>".into(), ErrorCode::MalformedXML),
            ("<Rule><X/></Rule>".into(), ErrorCode::MalformedXML),
            (default(""), ErrorCode::MalformedXML),
            (kms("aes256"), ErrorCode::MalformedXML),
            (kms("aws:kms"), ErrorCode::NotImplemented),
            (kms("aws:kms:dsse"), ErrorCode::NotImplemented),
            (
                default(&format!("{aes}<KMSMasterKeyID>k</KMSMasterKeyID>")),
                ErrorCode::InvalidArgument,
            ),
            (blocking(&[]), ErrorCode::MalformedXML),
            (blocking(&["SSE-S3"]), ErrorCode::MalformedXML),
            (blocking(&["NONE", "SSE-C"]), ErrorCode::MalformedXML),
        ] {
            assert_eq!(parsed(&rules), Err(code), "{rules}");
        }
    }
}
