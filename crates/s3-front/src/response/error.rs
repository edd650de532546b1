//! Writing refusals.
//!
//! Guarantees: the document is as AWS writes it; answers to HEAD, and 304, have no body.
//! Does not: know what went wrong; the [`S3Error`] says all that is shown.

use http::{HeaderValue, Response, header};

use super::ResponseBody;
use crate::{
    error::{ErrorCode, S3Error},
    service::RequestId,
    xml::XmlWriter,
};

/// The answer to a refused request.
pub(crate) fn refused(error: &S3Error, id: &RequestId, is_head: bool) -> Response<ResponseBody> {
    let has_body = !is_head && error.code() != ErrorCode::NotModified;
    let body =
        if has_body { ResponseBody::full(document(error, id)) } else { ResponseBody::empty() };
    let mut response = Response::new(body);
    *response.status_mut() = error.status();
    let headers = response.headers_mut();
    headers.extend(error.headers().iter().cloned());
    if error.code() != ErrorCode::NotModified {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    }
    if error.closes() {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(length) = response.body().stated_length() {
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    response
}

fn document(error: &S3Error, id: &RequestId) -> String {
    if error.is_nested() {
        let mut writer = XmlWriter::bare("ErrorResponse");
        writer.inside("Error", |writer| details(error, writer)).text("RequestId", &id.id);
        return writer.finish();
    }
    let mut writer = XmlWriter::bare("Error");
    details(error, &mut writer);
    writer.text("RequestId", &id.id).text("HostId", &id.host_id);
    writer.finish()
}

fn details(error: &S3Error, writer: &mut XmlWriter) {
    writer.text("Code", error.code().as_str()).text("Message", error.message());
    for (name, text) in error.elements() {
        writer.text(name, text);
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    fn id() -> RequestId {
        RequestId { id: "0123456789ABCDEF".into(), host_id: "aG9zdA==".into() }
    }

    #[tokio::test]
    async fn the_document_is_that_of_aws() {
        let error = S3Error::argument("a < b", "x", "y&z").closing();
        let response = refused(&error, &id(), false);
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()["content-type"], "application/xml");
        assert_eq!(response.headers()["connection"], "close");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(
            body,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>InvalidArgument</Code>\
             <Message>a &lt; b</Message><ArgumentName>x</ArgumentName><ArgumentValue>y&amp;z</ArgumentValue>\
             <RequestId>0123456789ABCDEF</RequestId><HostId>aG9zdA==</HostId></Error>"
        );
    }

    #[tokio::test]
    async fn head_and_304_have_no_body() {
        for (error, is_head) in [
            (S3Error::new(ErrorCode::AccessDenied), true),
            (S3Error::new(ErrorCode::NotModified), false),
        ] {
            let response = refused(&error, &id(), is_head);
            assert_eq!(response.headers().contains_key("content-type"), is_head);
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert!(body.is_empty());
        }
    }
}
