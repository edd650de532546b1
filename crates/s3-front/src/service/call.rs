//! One authentic request, as operations see it.
//!
//! Guarantees: a [`Bucket`] comes from [`Call::bucket`] only after the caller was authorised for it.
//! Does not: poll the body.

use std::sync::OnceLock;

use bytes::Bytes;
use object_engine::{
    engine::ObjectEngine,
    model::{AccountId, Bucket, BucketName},
};
use sealed_store::SealedStore;

use super::{
    ConnectionInfo, Inner,
    access::{as_caller, denied},
    authorise::Needs,
    request_context::{Circumstances, Gathered},
};
use crate::{
    body::{BodyError, RequestBody},
    error::{ErrorCode, S3Error, S3Result},
    identity::Principal,
    policy::Context,
    profile::Profile,
    request::{copy_source::CopySource, customer_key::CustomerKeyHeaders, head::Head},
    signature::Payload,
    xml::malformed,
};

/// A request body as a server's HTTP library gives it.
pub trait HttpBody:
    http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + Unpin
{
}

impl<B> HttpBody for B where
    B: http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + Unpin
{
}

/// A request without its body.
pub(crate) struct Call<'a> {
    pub(crate) service: &'a Inner,
    pub(crate) principal: Principal,
    pub(crate) head: Head,
    pub(crate) keys: CustomerKeyHeaders,
    /// The trio of the object that is copied from.
    pub(crate) source_keys: CustomerKeyHeaders,
    /// What the operation must be allowed.
    pub(crate) needs: Needs,
    pub(super) circumstances: Circumstances,
    /// What conditions of policies can ask, once one does: most requests meet no policy, and gathering
    /// it costs as much as checking a signature.
    pub(super) context: OnceLock<Context>,
    pub(crate) request_id: &'a str,
    pub(crate) connection: ConnectionInfo,
}

/// A body that nobody has looked at.
pub(crate) struct Incoming<B> {
    pub(crate) payload: Payload,
    pub(crate) body: B,
}

impl Call<'_> {
    /// Whose ways are followed.
    pub(crate) fn profile(&self) -> Profile {
        self.service.options.profile
    }

    /// What conditions of policies can ask.
    pub(super) fn context(&self) -> &Context {
        let Self { service, principal, head, keys, circumstances, connection, .. } = self;
        let gathered = Gathered {
            head,
            keys,
            circumstances: *circumstances,
            caller: as_caller(principal, service),
            peer: connection.peer.ip(),
            secure: connection.secure,
            region: &service.options.region,
        };
        self.context.get_or_init(|| gathered.context())
    }

    /// The store.
    pub(crate) fn store(&self) -> &SealedStore {
        &self.service.options.store
    }

    /// The engine.
    pub(crate) fn engine(&self) -> &ObjectEngine {
        self.store().engine()
    }

    /// The bucket of this name, of which the caller may have what the request needs.
    pub(crate) async fn bucket(&self, name: &BucketName) -> S3Result<Bucket> {
        let bucket = self.standing_bucket(name).await?;
        if let Err(refused) = self.authorise(&bucket).await {
            return Err(self.absence(&bucket).await?.unwrap_or(refused));
        }
        self.expecting_owner(bucket, "x-amz-expected-bucket-owner")
    }

    /// The bucket that is copied from, of which the caller may read the source.
    pub(crate) async fn source_bucket(&self, source: &CopySource) -> S3Result<Bucket> {
        let bucket = self.standing_bucket(&source.bucket).await?;
        self.authorise_key(&bucket, (&source.key, source.version), source.action()).await?;
        self.expecting_owner(bucket, "x-amz-source-expected-bucket-owner")
    }

    /// The bucket of this name; that there is none is told to everybody, as on AWS.
    async fn standing_bucket(&self, name: &BucketName) -> S3Result<Bucket> {
        let bucket = self.engine().bucket(name).await?;
        bucket.ok_or_else(|| no_such_bucket(name))
    }

    fn expecting_owner(&self, bucket: Bucket, header: &str) -> S3Result<Bucket> {
        match self.head.filled(header)? {
            Some(owner) if owner == bucket.owner.0 => Ok(bucket),
            Some(owner) if is_account_id(owner) => Err(denied()),
            Some(owner) => Err(S3Error::with_message(
                ErrorCode::InvalidBucketOwnerAWSAccountID,
                format!(
                    "The value of the expected bucket owner parameter must be an AWS Account ID... [{owner}]"
                ),
            )),
            None => Ok(bucket),
        }
    }

    /// What listings show of an account.
    pub(crate) async fn display_name(&self, id: &AccountId) -> S3Result<String> {
        let root = &self.service.options.root;
        if *id == root.id {
            return Ok(root.display_name.clone());
        }
        let account = self.engine().account_by_id(id).await?;
        Ok(account.map(|account| account.display_name).unwrap_or_default())
    }

    /// The body of an operation that reads XML: whole, verified, within the limit.
    pub(crate) async fn xml_body<B>(&self, body: RequestBody<B>) -> S3Result<Bytes>
    where
        B: HttpBody,
    {
        match body.read_all(crate::limits::XML_BODY_BYTES_MAX).await {
            Ok(bytes) => Ok(bytes),
            Err(BodyError::TooLarge { .. }) => Err(malformed().closing()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether a text could be an account's id on AWS: a number of 12 digits, or a canonical id. Ids that an
/// operator chose are not told from what is none, so that nobody learns by asking which there are.
fn is_account_id(text: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    match text.len() {
        12 => text.bytes().all(|byte| byte.is_ascii_digit()),
        64 => text.bytes().all(hex),
        _ => false,
    }
}

/// `404 NoSuchBucket`.
pub(crate) fn no_such_bucket(name: &BucketName) -> S3Error {
    S3Error::new(ErrorCode::NoSuchBucket).element("BucketName", name.as_str())
}
