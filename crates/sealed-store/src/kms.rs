//! Key services: who holds the keys of SSE-KMS versions.
//!
//! A version of this kind has a data key of its own, which a service makes under one of its named
//! keys and wraps; the store keeps the wrap and asks the service again at every read. [`KeyRing`] is
//! the service that is built in; an external one implements [`KeyService`].
//!
//! Guarantees: a data key lives as long as the request that it was made or opened for, in memory
//! that is wiped; it opens for the encryption context only that it was made for.
//!
//! Does not: decide who may use which key.

mod ring;

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use bytes::Bytes;
use object_engine::{
    error::EngineError,
    model::{Bucket, KmsHolder, ObjectKey},
};
use sealed_format::{CustomerKey, HolderKind, KmsDataKey};

pub use ring::KeyRing;

/// Names and values that a data key is bound to.
pub type EncryptionContext = BTreeMap<String, String>;

/// The context's pair that the store adds, as on AWS: the object's ARN.
pub const CONTEXT_ARN: &str = "aws:s3:arn";

/// The name of a key at a service: 1 to 256 letters, digits and `/_-`, as AWS names aliases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName(String);

impl KeyName {
    /// The longest name.
    pub const BYTES_MAX: usize = 256;
    /// The key that is used where none was named: AWS's alias of its own key for S3.
    pub const DEFAULT: &'static str = "aws/s3";

    /// Reads a name; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let named = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte);
        let fits = (1..=Self::BYTES_MAX).contains(&text.len()) && text.bytes().all(named);
        fits.then(|| Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name is one that only the server gives.
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with("aws/")
    }
}

impl Default for KeyName {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A data key as it was made: in clear for the request at hand, and wrapped to be stored.
#[derive(Debug)]
pub struct NewDataKey {
    /// In clear.
    pub key: KmsDataKey,
    /// As the service wants to see it again.
    pub wrapped: Bytes,
}

/// Why a service did not give a key, by who must act.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyServiceError {
    /// Client: there is no such key (any more).
    #[error("there is no key of this name")]
    NotFound(String),
    /// Operator: the key is disabled.
    #[error("the key is disabled")]
    Disabled(String),
    /// Operator: the wrapped key does not open for this object.
    #[error("a wrapped data key is damaged: {0}")]
    Damaged(String),
    /// Operator: the service, or what it stands on, failed.
    #[error(transparent)]
    Unavailable(#[from] EngineError),
}

/// Makes and opens data keys under named keys.
///
/// The contract: a data key is 32 fresh random bytes; what [`generate`](Self::generate) wrapped,
/// [`unwrap`](Self::unwrap) gives back for the same name and the same context and for no other; a
/// key that was disabled or removed gives nothing from the next call on.
#[async_trait]
pub trait KeyService: fmt::Debug + Send + Sync {
    /// Makes a data key under the named key, bound to `context`.
    async fn generate(
        &self,
        name: &KeyName,
        context: &EncryptionContext,
    ) -> Result<NewDataKey, KeyServiceError>;

    /// Opens a data key that was made under the named key for `context`.
    async fn unwrap(
        &self,
        name: &KeyName,
        wrapped: &[u8],
        context: &EncryptionContext,
    ) -> Result<KmsDataKey, KeyServiceError>;
}

/// What a client asks of SSE-KMS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KmsEncryption {
    /// Under which key.
    pub key: KeyName,
    /// What to bind the data key to, beside the object's ARN.
    pub context: EncryptionContext,
    /// Whether an S3 Bucket Key was asked for; noted and repeated only.
    pub bucket_key: bool,
}

/// Whose key is to seal a new version.
#[derive(Clone, Copy, Debug)]
pub enum Encryption<'a> {
    /// The server's master key (SSE-S3).
    Server,
    /// The customer's (SSE-C).
    Customer(&'a CustomerKey),
    /// A named key of the key service (SSE-KMS).
    Kms(&'a KmsEncryption),
}

impl Encryption<'_> {
    /// Who will hold the version's key.
    pub(crate) fn kind(self) -> HolderKind {
        match self {
            Self::Server => HolderKind::Server,
            Self::Customer(_) => HolderKind::Customer,
            Self::Kms(_) => HolderKind::Kms,
        }
    }
}

impl<'a> From<Option<&'a CustomerKey>> for Encryption<'a> {
    fn from(key: Option<&'a CustomerKey>) -> Self {
        key.map_or(Self::Server, Self::Customer)
    }
}

/// The whole context: the client's pairs and the object's ARN.
pub(crate) fn full_context<'a>(
    pairs: impl IntoIterator<Item = (&'a String, &'a String)>,
    (bucket, key): (&Bucket, &ObjectKey),
) -> EncryptionContext {
    let mut context: EncryptionContext =
        pairs.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    context.insert(CONTEXT_ARN.to_owned(), format!("arn:aws:s3:::{}/{key}", bucket.name));
    context
}

/// Asks the service for the data key of a stored version.
pub(crate) async fn open_data_key(
    service: &dyn KeyService,
    holder: &KmsHolder,
    place: (&Bucket, &ObjectKey),
) -> Result<KmsDataKey, KeyServiceError> {
    let name = KeyName::parse(&holder.key)
        .ok_or_else(|| KeyServiceError::Damaged("the stored key name is not one".into()))?;
    let context = full_context(holder.context.iter().map(|(name, value)| (name, value)), place);
    service.unwrap(&name, &holder.wrapped, &context).await
}
