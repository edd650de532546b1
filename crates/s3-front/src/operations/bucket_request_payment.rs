//! GetBucketRequestPayment and PutBucketRequestPayment.
//!
//! Guarantees: what is answered is what holds: the bucket's owner pays, always.

use object_engine::model::BucketName;

use crate::{
    error::{S3Error, S3Result},
    response::Answer,
    service::{Call, HttpBody, Incoming},
    xml::{Element, XmlWriter, malformed},
};

const OWNER: &str = "BucketOwner";

/// Who pays.
pub(crate) async fn get_bucket_request_payment(
    call: &Call<'_>,
    name: &BucketName,
) -> S3Result<Answer> {
    call.bucket(name).await?;
    let mut writer = XmlWriter::new("RequestPaymentConfiguration");
    writer.text("Payer", OWNER);
    Ok(Answer::xml(writer.finish()))
}

/// Accepts the only payer there is.
pub(crate) async fn put_bucket_request_payment<B: HttpBody>(
    call: &Call<'_>,
    name: &BucketName,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    call.bucket(name).await?;
    let document = call.guarded_document(incoming).await?;
    let root = Element::parse(&document, "RequestPaymentConfiguration")?;
    root.only(&["Payer"])?;
    match root.required("Payer")?.trim() {
        OWNER => Ok(Answer::ok()),
        "Requester" => Err(S3Error::not_implemented(
            "Requester pays is not implemented: nothing here is billed.",
        )),
        _ => Err(malformed()),
    }
}
