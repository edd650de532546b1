//! GetBucketEncryption, PutBucketEncryption and DeleteBucketEncryption.
//!
//! Does not: decide what a blocked type means to a write; `encryption_settings` does.

use object_engine::model::BucketName;

use super::encryption_settings::{DEFAULT, DefaultEncryption, EncryptionSettings, SETTING};
use crate::{
    error::{ErrorCode, S3Error, S3Result},
    request::encryption,
    response::Answer,
    service::{Call, HttpBody, Incoming},
    xml::{Element, malformed},
};

/// The default encryption, which every bucket has, and what is blocked.
pub(crate) async fn get_bucket_encryption(call: &Call<'_>, name: &BucketName) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    if !bucket.settings.contains_key(SETTING) && !call.profile().shows_default_encryption() {
        return Err(S3Error::new(ErrorCode::ServerSideEncryptionConfigurationNotFoundError)
            .element("BucketName", name.as_str()));
    }
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
    EncryptionSettings::change(call, &bucket, |current| {
        Some(EncryptionSettings {
            blocks_sse_c: wanted.blocks_sse_c.unwrap_or(current.blocks_sse_c),
            bucket_key: wanted.bucket_key,
            default: wanted.default.clone(),
        })
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
    EncryptionSettings::change(call, &bucket, |current| {
        current
            .blocks_sse_c
            .then(|| EncryptionSettings { blocks_sse_c: true, ..EncryptionSettings::default() })
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
    default: DefaultEncryption,
}

impl Wanted {
    fn parse(body: &[u8]) -> S3Result<Self> {
        let root = Element::parse(body, "ServerSideEncryptionConfiguration")?;
        root.only(&["Rule"])?;
        let [rule] = root.children() else { return Err(malformed()) };
        rule.only(&[DEFAULT, "BlockedEncryptionTypes", "BucketKeyEnabled"])?;
        let default = child(rule, DEFAULT)?.map(default).transpose()?.unwrap_or_default();
        let bucket_key = match rule.optional("BucketKeyEnabled")?.map(str::trim) {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(malformed()),
        };
        let blocks_sse_c = child(rule, "BlockedEncryptionTypes")?.map(blocks).transpose()?;
        Ok(Self { blocks_sse_c, bucket_key, default })
    }
}

fn child<'e>(element: &'e Element, name: &str) -> S3Result<Option<&'e Element>> {
    let mut named = element.children().iter().filter(|child| child.name() == name);
    match (named.next(), named.next()) {
        (found, None) => Ok(found),
        (_, Some(_)) => Err(malformed()),
    }
}

/// The server's key, or a named one; whether that exists is asked at the first write, as on AWS.
fn default(default: &Element) -> S3Result<DefaultEncryption> {
    default.only(&["SSEAlgorithm", "KMSMasterKeyID"])?;
    let key = default.optional("KMSMasterKeyID")?.map(str::trim);
    match default.required("SSEAlgorithm")?.trim() {
        "AES256" if key.is_some() => Err(S3Error::with_message(
            ErrorCode::InvalidArgument,
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
        )
        .element("ArgumentName", DEFAULT)),
        "AES256" => Ok(DefaultEncryption::Server),
        "aws:kms" => match key {
            Some(id) if encryption::key_name(id).is_none() => Err(S3Error::argument(
                "The KMSMasterKeyID is not the id, alias or ARN of a key.",
                "KMSMasterKeyID",
                id,
            )),
            _ => Ok(DefaultEncryption::Kms(key.map(str::to_owned))),
        },
        "aws:kms:dsse" => Err(encryption::no_dual_layer()),
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
        assert_eq!(parsed(&kms("aws:kms")), Ok((None, false)));
        let kms_key = |id: &str| {
            let algorithm = "<SSEAlgorithm>aws:kms</SSEAlgorithm>";
            default(&format!("{algorithm}<KMSMasterKeyID>{id}</KMSMasterKeyID>"))
        };
        assert_eq!(parsed(&kms_key("alias/a")), Ok((None, false)));
        for (rules, code) in [
            (kms_key("a b"), ErrorCode::InvalidArgument),
            (String::new(), ErrorCode::MalformedXML),
            ("<Rule/><Rule/>".into(), ErrorCode::MalformedXML),
            ("<Rule><X/></Rule>".into(), ErrorCode::MalformedXML),
            (default(""), ErrorCode::MalformedXML),
            (kms("aes256"), ErrorCode::MalformedXML),
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
