//! A bucket's settings: documents under the name of their sub-resource.
//!
//! Guarantees: a document that this server stored and can no longer read is damage, never a default.
//! Does not: know what the documents say; the operations do.

use bytes::Bytes;
use object_engine::{error::EngineError, model::Bucket};

use super::{Call, HttpBody, Incoming, no_such_bucket};
use crate::{
    body::{BodyError, RequestBody},
    error::{ErrorCode, S3Error, S3Result},
};

impl Call<'_> {
    /// The document that a request brings: whole, verified, not empty.
    pub(crate) async fn document<B: HttpBody>(&self, incoming: Incoming<B>) -> S3Result<Bytes> {
        let body = RequestBody::new(&self.head.headers, incoming.payload, incoming.body)?;
        self.whole(body).await
    }

    /// As [`Self::document`], for operations that may come without one.
    pub(crate) async fn optional_document<B: HttpBody>(
        &self,
        incoming: Incoming<B>,
    ) -> S3Result<Bytes> {
        let body = RequestBody::new(&self.head.headers, incoming.payload, incoming.body)?;
        self.xml_body(body).await
    }

    /// As [`Self::document`], for operations that demand `Content-MD5` or a checksum.
    pub(crate) async fn guarded_document<B: HttpBody>(
        &self,
        incoming: Incoming<B>,
    ) -> S3Result<Bytes> {
        let body = RequestBody::new(&self.head.headers, incoming.payload, incoming.body)?;
        if !body.has_integrity_header() {
            return Err(BodyError::IntegrityHeaderMissing.into());
        }
        self.whole(body).await
    }

    async fn whole<B: HttpBody>(&self, body: RequestBody<B>) -> S3Result<Bytes> {
        let document = self.xml_body(body).await?;
        if document.is_empty() {
            return Err(ErrorCode::MissingRequestBodyError.into());
        }
        Ok(document)
    }

    /// Sets or, with `None`, removes a setting of the bucket.
    pub(crate) async fn set_setting(
        &self,
        bucket: &Bucket,
        name: &str,
        document: Option<String>,
    ) -> S3Result<()> {
        if self.engine().set_setting(bucket, name, document).await? {
            Ok(())
        } else {
            Err(no_such_bucket(&bucket.name))
        }
    }
}

/// A stored document that cannot be read.
pub(crate) fn damaged(bucket: &Bucket, name: &str) -> S3Error {
    EngineError::Damaged(format!("the setting {name} of bucket {}", bucket.name)).into()
}
