//! `x-amz-server-side-encryption*`: what is asked of the server's own encryption.
//!
//! Guarantees: what is not done (`aws:kms:dsse`) or does not go together is refused, never ignored.
//! Does not: look at the SSE-C trio beyond whether it is there, or know a bucket's default.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use object_engine::model::Holder;
use sealed_store::{CONTEXT_ARN, EncryptionContext, KeyName};

use super::{customer_key::CustomerKeyHeaders, head::Head};
use crate::{
    error::{S3Error, S3Result, kms, sse_c},
    limits::ENCRYPTION_CONTEXT_BYTES_MAX,
    profile::Profile,
};

/// `x-amz-server-side-encryption`.
pub(crate) const SSE: &str = "x-amz-server-side-encryption";
/// Which named key.
pub(crate) const KMS_KEY_ID: &str = "x-amz-server-side-encryption-aws-kms-key-id";
/// What the data key is bound to: base64 of a JSON object of strings.
pub(crate) const CONTEXT: &str = "x-amz-server-side-encryption-context";
/// Whether an S3 Bucket Key is wanted.
pub(crate) const BUCKET_KEY: &str = "x-amz-server-side-encryption-bucket-key-enabled";

/// What a write asks for by header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// `AES256`.
    Server,
    /// `aws:kms`.
    Kms(AskedKms),
}

/// What a write asks of SSE-KMS by header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AskedKms {
    pub(crate) key: KeyName,
    pub(crate) context: EncryptionContext,
    /// `None`: as the bucket is set.
    pub(crate) bucket_key: Option<bool>,
}

/// For operations that begin an object (E10).
pub(crate) fn asked(
    head: &Head,
    trio: &CustomerKeyHeaders,
    profile: Profile,
) -> S3Result<Option<Asked>> {
    let Some(asked) = head.text(SSE)? else { return refuse_kms_headers(head).map(|()| None) };
    if trio.any() {
        return Err(sse_c::conflicting_encryption(asked));
    }
    match asked {
        "AES256" => refuse_kms_headers(head).map(|()| Some(Asked::Server)),
        "aws:kms" if head.filled(KMS_KEY_ID)?.is_none() && !profile.has_default_named_key() => {
            Err(kms::key_id_required())
        }
        "aws:kms" => Ok(Some(Asked::Kms(AskedKms::parse(head)?))),
        "aws:kms:dsse" => Err(no_dual_layer()),
        other => {
            Err(S3Error::argument("The encryption method specified is not supported", SSE, other))
        }
    }
}

/// `aws:kms:dsse`, here and in a bucket's default.
pub(crate) fn no_dual_layer() -> S3Error {
    S3Error::not_implemented(
        "Dual-layer server side encryption with AWS KMS keys is not implemented.",
    )
}

/// For UploadPart (E10p): what it asks, where the profile takes that beside no customer's key. It is
/// for [`check_as_upload`] then.
pub(crate) fn asked_of_part<'h>(
    head: &'h Head,
    trio: &CustomerKeyHeaders,
    profile: Profile,
) -> S3Result<Option<&'h str>> {
    match head.text(SSE)? {
        Some(asked) if trio.any() || !profile.takes_encryption_of_part() => {
            Err(sse_c::encryption_on_part(asked))
        }
        asked => Ok(asked),
    }
}

/// Refuses (E10p) what a part asks unless its upload is held that way, so that nothing is sealed
/// otherwise than was meant.
pub(crate) fn check_as_upload(asked: Option<&str>, holder: &Holder) -> S3Result<()> {
    match (asked, holder) {
        (None, _) | (Some("AES256"), Holder::Server) | (Some("aws:kms"), Holder::Kms(_)) => Ok(()),
        (Some(asked), _) => Err(sse_c::encryption_on_part(asked)),
    }
}

/// For reads (E20).
pub(crate) fn check_read(head: &Head) -> S3Result<()> {
    head.text(SSE)?.map_or(Ok(()), |asked| Err(sse_c::encryption_on_read(asked)))
}

/// A key's name: as such, as an alias, or at the end of the ARN of a key or an alias.
pub(crate) fn key_name(id: &str) -> Option<KeyName> {
    if !id.starts_with("arn:") {
        return KeyName::parse(id.strip_prefix("alias/").unwrap_or(id));
    }
    // arn:PARTITION:kms:REGION:ACCOUNT:key/NAME
    let fields: Vec<&str> = id.splitn(6, ':').collect();
    let [_, _, "kms", _, _, resource] = fields[..] else { return None };
    KeyName::parse(resource.strip_prefix("key/").or_else(|| resource.strip_prefix("alias/"))?)
}

impl AskedKms {
    fn parse(head: &Head) -> S3Result<Self> {
        let key = match head.filled(KMS_KEY_ID)? {
            None => KeyName::default(),
            Some(id) => key_name(id).ok_or_else(|| kms::no_such_key_id(id))?,
        };
        let context = head.filled(CONTEXT)?.map(context).transpose()?.unwrap_or_default();
        let bucket_key = match head.filled(BUCKET_KEY)? {
            None => None,
            Some(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Some(false),
            Some(other) => {
                return Err(S3Error::argument(
                    "The value must be true or false.",
                    BUCKET_KEY,
                    other,
                ));
            }
        };
        Ok(Self { key, context, bucket_key })
    }
}

/// The pairs of an encryption context; the pair that the server adds cannot be given.
fn context(text: &str) -> S3Result<EncryptionContext> {
    let invalid = || kms::invalid_context(text);
    let json = STANDARD.decode(text).map_err(|_| invalid())?;
    let pairs: EncryptionContext = serde_json::from_slice(&json).map_err(|_| invalid())?;
    if json.len() > ENCRYPTION_CONTEXT_BYTES_MAX || pairs.contains_key(CONTEXT_ARN) {
        return Err(invalid());
    }
    Ok(pairs)
}

/// Headers that ask something of a named key, where none seals.
fn refuse_kms_headers(head: &Head) -> S3Result<()> {
    for name in [KMS_KEY_ID, CONTEXT] {
        if let Some(value) = head.text(name)? {
            return Err(S3Error::argument(
                "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
                SSE,
                value,
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::{error::ErrorCode, request::query::Query};

    fn parsed(headers: &[(&str, &str)]) -> Result<AskedKms, ErrorCode> {
        let mut request = Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let parts = request.body(()).unwrap().into_parts().0;
        AskedKms::parse(&Head::new(parts, Query::default()).unwrap()).map_err(|error| error.code())
    }

    #[test]
    fn a_key_is_named_in_four_ways() {
        for id in [
            "team/a-1",
            "alias/team/a-1",
            "arn:aws:kms:us-east-1:111122223333:key/team/a-1",
            "arn:aws-cn:kms:eu-1:1:alias/team/a-1",
        ] {
            assert_eq!(key_name(id).unwrap().as_str(), "team/a-1", "{id}");
        }
        for id in ["", "a b", "arn:aws:kms:r:1:a", "arn:aws:s3:::b", "ä", &"n".repeat(257)] {
            assert_eq!(key_name(id), None, "{id}");
        }
        assert_eq!(parsed(&[]).unwrap().key.as_str(), "aws/s3");
        assert_eq!(parsed(&[(KMS_KEY_ID, "a:b")]), Err(ErrorCode::KmsNotFoundException));
    }

    #[test]
    fn a_context_is_a_map_of_strings() {
        let context = |json: &str| parsed(&[(CONTEXT, &STANDARD.encode(json))]);
        let found = context(r#"{"b": "2", "a": "1"}"#).unwrap().context;
        let pairs: Vec<_> = found.iter().map(|(name, value)| (&name[..], &value[..])).collect();
        assert_eq!(pairs, [("a", "1"), ("b", "2")]);
        for bad in ["", "[]", r#"{"a": 1}"#, r#"{"a": {}}"#, r#"{"aws:s3:arn": "x"}"#] {
            assert_eq!(
                context(bad),
                if bad.is_empty() {
                    Ok(AskedKms::default())
                } else {
                    Err(ErrorCode::InvalidArgument)
                }
            );
        }
        assert_eq!(parsed(&[(CONTEXT, "{}")]), Err(ErrorCode::InvalidArgument));
        let long = format!(r#"{{"a": "{}"}}"#, "x".repeat(ENCRYPTION_CONTEXT_BYTES_MAX));
        assert_eq!(context(&long), Err(ErrorCode::InvalidArgument));
    }

    #[test]
    fn a_bucket_key_is_true_or_false() {
        assert_eq!(parsed(&[(BUCKET_KEY, "true")]).unwrap().bucket_key, Some(true));
        assert_eq!(parsed(&[(BUCKET_KEY, "False")]).unwrap().bucket_key, Some(false));
        assert_eq!(parsed(&[(BUCKET_KEY, "1")]), Err(ErrorCode::InvalidArgument));
    }
}
