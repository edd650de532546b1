//! One authentic request, as operations see it.
//!
//! Guarantees: a [`Bucket`] comes from [`Call::bucket`] only after the caller was authorised for it.
//! Does not: poll the body.

use bytes::Bytes;
use object_engine::{
    engine::ObjectEngine,
    model::{AccountId, Bucket, BucketName},
};
use sealed_store::SealedStore;

use super::{
    Inner,
    access::{Caller, denied},
};
use crate::{
    body::{BodyError, RequestBody},
    error::{ErrorCode, S3Error, S3Result},
    identity::Principal,
    profile::Profile,
    request::{customer_key::CustomerKeyHeaders, head::Head},
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
}

/// A body that nobody has looked at.
pub(crate) struct Incoming<B> {
    pub(crate) payload: Payload,
    pub(crate) body: B,
}

impl Call<'_> {
    /// Who asks; anonymous callers are denied.
    pub(crate) fn caller(&self) -> S3Result<Caller<'_>> {
        Caller::of(&self.principal, self.service)
    }

    /// Whose ways are followed.
    pub(crate) fn profile(&self) -> Profile {
        self.service.options.profile
    }

    /// The store.
    pub(crate) fn store(&self) -> &SealedStore {
        &self.service.options.store
    }

    /// The engine.
    pub(crate) fn engine(&self) -> &ObjectEngine {
        self.store().engine()
    }

    /// The bucket of this name, which the caller may use.
    pub(crate) async fn bucket(&self, name: &BucketName) -> S3Result<Bucket> {
        let caller = self.caller()?;
        let bucket = self.engine().bucket(name).await?.ok_or_else(|| no_such_bucket(name))?;
        caller.check(&bucket)?;
        match self.head.filled("x-amz-expected-bucket-owner")? {
            Some(owner) if owner != bucket.owner.0 => Err(denied()),
            _ => Ok(bucket),
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

/// `404 NoSuchBucket`.
pub(crate) fn no_such_bucket(name: &BucketName) -> S3Error {
    S3Error::new(ErrorCode::NoSuchBucket).element("BucketName", name.as_str())
}
