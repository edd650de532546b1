//! Whose key seals a new object: the request's word, else the bucket's default.
//!
//! Guarantees: one place decides it for every write; a named key is used only over TLS and for a
//! request that somebody signed, as AWS demands of SSE-KMS, and that holds of reads too.
//! Does not: ask the key service; the store does.

use object_engine::model::{Bucket, Holder};
use sealed_store::{Encryption, KeyName, KmsEncryption};

use super::encryption_settings::{DefaultEncryption, EncryptionSettings};
use crate::{
    error::{S3Result, kms},
    identity::Principal,
    request::{
        customer_key::Sealing,
        encryption::{self, Asked, AskedKms},
    },
    response::Answer,
    service::Call,
};

/// Whose key seals a new object.
#[derive(Debug)]
pub(super) enum Sealer {
    Server,
    Customer(Sealing),
    Kms(KmsEncryption),
}

impl Sealer {
    /// As the request's headers and the bucket say (E10, and E2 to E9 of the trio).
    pub(super) fn of(call: &Call<'_>, bucket: &Bucket) -> S3Result<Self> {
        let asked = encryption::asked(&call.head, &call.keys, call.profile())?;
        Self::chosen(call, bucket, (asked, call.keys.for_write()?))
    }

    /// As was asked, else as the bucket says.
    pub(super) fn chosen(
        call: &Call<'_>,
        bucket: &Bucket,
        (asked, customer): (Option<Asked>, Option<Sealing>),
    ) -> S3Result<Self> {
        let kms = match (customer, asked) {
            (Some(sealing), _) => return Ok(Self::Customer(sealing)),
            (None, Some(Asked::Server)) => return Ok(Self::Server),
            (None, Some(Asked::Kms(asked))) => {
                let bucket_key = match asked.bucket_key {
                    Some(said) => said,
                    None => EncryptionSettings::of(bucket)?.bucket_key,
                };
                let AskedKms { key, context, .. } = asked;
                KmsEncryption { key, context, bucket_key }
            }
            (None, None) => {
                let settings = EncryptionSettings::of(bucket)?;
                let bucket_key = settings.bucket_key;
                match settings.default {
                    DefaultEncryption::Server => return Ok(Self::Server),
                    DefaultEncryption::Kms(id) => {
                        let key = match &id {
                            None => KeyName::default(),
                            Some(id) => {
                                encryption::key_name(id).ok_or_else(|| kms::no_such_key_id(id))?
                            }
                        };
                        KmsEncryption { key, bucket_key, ..KmsEncryption::default() }
                    }
                }
            }
        };
        check_channel(call)?;
        Ok(Self::Kms(kms))
    }

    /// In the store's terms.
    pub(super) fn encryption(&self) -> Encryption<'_> {
        match self {
            Self::Server => Encryption::Server,
            Self::Customer(sealing) => Encryption::Customer(&sealing.key),
            Self::Kms(kms) => Encryption::Kms(kms),
        }
    }

    /// Whether the object's ETag is its MD5.
    pub(super) fn wants_md5(&self) -> bool {
        matches!(self, Self::Server)
    }

    /// Whether a copy of what `holder` holds would be encrypted otherwise than its source.
    pub(super) fn differs_from(&self, holder: &Holder) -> bool {
        match (self, holder) {
            (Self::Server, Holder::Server) => false,
            (Self::Kms(kms), Holder::Kms(stored)) => kms.key.as_str() != stored.key,
            _ => true,
        }
    }

    /// The answer, told how the object is encrypted.
    pub(super) fn told(&self, answer: Answer) -> Answer {
        match self {
            Self::Server => answer.encryption(None),
            Self::Customer(sealing) => answer.encryption(Some(&sealing.md5)),
            Self::Kms(kms) => {
                answer.kms(kms.key.as_str(), kms.bucket_key).kms_context(&kms.context)
            }
        }
    }
}

/// Refuses what AWS refuses of an object under a named key: plain HTTP, and nobody's signature.
pub(super) fn check_holder(call: &Call<'_>, holder: &Holder) -> S3Result<()> {
    match holder {
        Holder::Kms(_) => check_channel(call),
        Holder::Customer | Holder::Server => Ok(()),
    }
}

fn check_channel(call: &Call<'_>) -> S3Result<()> {
    if !call.connection.secure {
        return Err(kms::insecure_connection());
    }
    match call.principal {
        Principal::Anonymous => Err(kms::signature_required()),
        Principal::Account(_) | Principal::Root => Ok(()),
    }
}
