//! A bucket's encryption settings, and whether it takes SSE-C writes (E18).
//!
//! Guarantees: one place decides E18; it looks at no key material, and a setting that cannot be read
//! stops the write.
//! Does not: apply to reads, deletes or aborts; those stay allowed in a bucket that blocks SSE-C.

use object_engine::model::{Bucket, ObjectKey};

use crate::{
    error::{S3Error, S3Result, sse_c},
    identity::Principal,
    response::bucket::bucket_arn,
    service::{Call, access::denied, no_such_bucket, settings::damaged},
    xml::{Element, XmlWriter},
};

/// The setting's name in the catalog.
pub(crate) const SETTING: &str = "encryption";
/// The element that says whose key seals by default.
pub(crate) const DEFAULT: &str = "ApplyServerSideEncryptionByDefault";

/// Whose key seals what is written without a word of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum DefaultEncryption {
    /// The server's (`AES256`).
    #[default]
    Server,
    /// The named key of this id, as it was given, or the default one (`aws:kms`).
    Kms(Option<String>),
}

/// What a bucket's encryption document says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EncryptionSettings {
    /// Writes that bring a customer's key are refused.
    pub(crate) blocks_sse_c: bool,
    /// `BucketKeyEnabled`: kept and shown, and repeated to writes under named keys.
    pub(crate) bucket_key: bool,
    /// Of writes that do not say.
    pub(crate) default: DefaultEncryption,
}

impl EncryptionSettings {
    /// A bucket's.
    pub(crate) fn of(bucket: &Bucket) -> S3Result<Self> {
        match bucket.settings.get(SETTING) {
            None => Ok(Self::default()),
            Some(document) => Self::read(document).ok_or_else(|| damaged(bucket, SETTING)),
        }
    }

    /// Changes a bucket's in one step, so that of two changes at once neither undoes the other's block;
    /// `None`: nothing is set any more.
    pub(crate) async fn change(
        call: &Call<'_>,
        bucket: &Bucket,
        change: impl Fn(Self) -> Option<Self> + Sync,
    ) -> S3Result<()> {
        Self::of(bucket)?;
        let change = |document: Option<&str>| {
            let current = match document {
                None => Self::default(),
                // One that got damaged this moment counts as a block.
                Some(document) => {
                    Self::read(document).unwrap_or(Self { blocks_sse_c: true, ..Self::default() })
                }
            };
            change(current).map(|changed| changed.document())
        };
        if call.engine().change_setting(bucket, SETTING, &change).await? {
            Ok(())
        } else {
            Err(no_such_bucket(&bucket.name))
        }
    }

    /// Reads what [`Self::document`] wrote.
    fn read(document: &str) -> Option<Self> {
        let root = Element::parse(document.as_bytes(), "ServerSideEncryptionConfiguration").ok()?;
        let rule = root.children().first()?;
        let blocked =
            rule.children().iter().find(|child| child.name() == "BlockedEncryptionTypes")?;
        let default = rule.children().iter().find(|child| child.name() == DEFAULT)?;
        let default = match default.required("SSEAlgorithm").ok()? {
            "AES256" => DefaultEncryption::Server,
            "aws:kms" => {
                let key = default.optional("KMSMasterKeyID").ok()?;
                DefaultEncryption::Kms(key.map(str::to_owned))
            }
            _ => return None,
        };
        Some(Self {
            default,
            blocks_sse_c: blocked.required("EncryptionType").ok()? == "SSE-C",
            bucket_key: rule.required("BucketKeyEnabled").ok()? == "true",
        })
    }

    /// The document of GetBucketEncryption, which is also how the settings are kept.
    pub(crate) fn document(&self) -> String {
        let blocked = if self.blocks_sse_c { "SSE-C" } else { "NONE" };
        let mut writer = XmlWriter::new("ServerSideEncryptionConfiguration");
        writer.inside("Rule", |rule| {
            rule.inside(DEFAULT, |element| {
                match &self.default {
                    DefaultEncryption::Server => element.text("SSEAlgorithm", "AES256"),
                    DefaultEncryption::Kms(key) => element
                        .text("SSEAlgorithm", "aws:kms")
                        .text_if("KMSMasterKeyID", key.as_ref()),
                };
            });
            rule.inside("BlockedEncryptionTypes", |types| {
                types.text("EncryptionType", blocked);
            });
            rule.text("BucketKeyEnabled", self.bucket_key);
        });
        writer.finish()
    }
}

/// A write of an object or a part that brings any SSE-C header, to be checked for E18: after
/// authorisation and before the trio is looked at.
#[derive(Clone, Copy)]
pub(crate) struct SseCWrite<'a> {
    /// Where it writes.
    pub(crate) bucket: &'a Bucket,
    /// Which key it writes.
    pub(crate) key: &'a ObjectKey,
    /// What it is called in policies: `s3:PutObject`, for a copy `s3:CopyObject`.
    pub(crate) action: &'static str,
}

impl SseCWrite<'_> {
    /// E18 if the bucket blocks SSE-C and the request's own trio has any header (or form field).
    pub(crate) fn check(self, call: &Call<'_>) -> S3Result<()> {
        if call.keys.any() { self.check_sealed(call) } else { Ok(()) }
    }

    /// E18 if the bucket blocks SSE-C, for what is known to be under a customer's key.
    pub(crate) fn check_sealed(self, call: &Call<'_>) -> S3Result<()> {
        if EncryptionSettings::of(self.bucket)?.blocks_sse_c {
            Err(self.refused(call))
        } else {
            Ok(())
        }
    }

    fn refused(self, call: &Call<'_>) -> S3Error {
        let resource = format!("{}/{}", bucket_arn(&self.bucket.name), self.key);
        match &call.principal {
            Principal::Root => {
                let user = format!("arn:aws:iam::{}:root", call.service.options.root.id.0);
                sse_c::blocked(&user, self.action, &resource)
            }
            Principal::Account(account) if account.id == self.bucket.owner => {
                let user = format!("arn:aws:iam::{}:user/{}", account.id.0, account.name);
                sse_c::blocked(&user, self.action, &resource)
            }
            // Nobody else learns how the bucket is set.
            Principal::Account(_) | Principal::Anonymous => denied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back() {
        for blocks_sse_c in [false, true] {
            for bucket_key in [false, true] {
                for default in [
                    DefaultEncryption::Server,
                    DefaultEncryption::Kms(None),
                    DefaultEncryption::Kms(Some("alias/a".into())),
                ] {
                    let settings = EncryptionSettings { blocks_sse_c, bucket_key, default };
                    assert_eq!(EncryptionSettings::read(&settings.document()), Some(settings));
                }
            }
        }
        assert_eq!(EncryptionSettings::read("<Other/>"), None);
    }
}
