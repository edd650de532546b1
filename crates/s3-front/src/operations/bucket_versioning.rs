//! GetBucketVersioning and PutBucketVersioning.

use object_engine::model::{BucketName, ChangeBucket, Versioning};

use crate::{
    error::{ErrorCode, S3Error, S3Result},
    request::mfa,
    response::Answer,
    service::{Call, HttpBody, Incoming, no_such_bucket},
    xml::{Element, XmlWriter, malformed},
};

/// Whether old versions are kept; a bucket that was never versioned has no status at all.
pub(crate) async fn get_bucket_versioning(call: &Call<'_>, name: &BucketName) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    let mut writer = XmlWriter::new("VersioningConfiguration");
    writer.text_if(
        "Status",
        match bucket.versioning {
            Versioning::Unversioned => None,
            Versioning::Enabled => Some("Enabled"),
            Versioning::Suspended => Some("Suspended"),
        },
    );
    Ok(Answer::xml(writer.finish()))
}

/// Enables versioning or suspends it, unless Object Lock needs it.
pub(crate) async fn put_bucket_versioning<B: HttpBody>(
    call: &Call<'_>,
    name: &BucketName,
    incoming: Incoming<B>,
) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    mfa::refuse(&call.head)?;
    let wanted = parse(&call.document(incoming).await?)?;
    match call.engine().change_versioning(&bucket, wanted).await? {
        ChangeBucket::Changed => Ok(Answer::ok()),
        ChangeBucket::Refused => Err(S3Error::with_message(
            ErrorCode::InvalidBucketState,
            "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
        )),
        ChangeBucket::NoSuchBucket => Err(no_such_bucket(name)),
    }
}

fn parse(body: &[u8]) -> S3Result<Versioning> {
    let root = Element::parse(body, "VersioningConfiguration")?;
    root.only(&["Status", "MfaDelete"])?;
    match root.optional("MfaDelete")?.map(str::trim) {
        None | Some("Disabled") => {}
        Some("Enabled") => return Err(mfa::not_implemented()),
        Some(_) => return Err(malformed()),
    }
    match root.optional("Status")?.map(str::trim) {
        None | Some("") => Err(ErrorCode::IllegalVersioningConfigurationException.into()),
        Some("Enabled") => Ok(Versioning::Enabled),
        Some("Suspended") => Ok(Versioning::Suspended),
        Some(_) => Err(malformed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_says_enabled_or_suspended() {
        let parsed = |inner: &str| {
            let body = format!("<VersioningConfiguration>{inner}</VersioningConfiguration>");
            parse(body.as_bytes()).map_err(|error| error.code())
        };
        assert_eq!(parsed("<Status>Enabled</Status>"), Ok(Versioning::Enabled));
        let both = "<MfaDelete>Disabled</MfaDelete><Status>Suspended</Status>";
        assert_eq!(parsed(both), Ok(Versioning::Suspended));
        for (inner, code) in [
            ("", ErrorCode::IllegalVersioningConfigurationException),
            ("<Status/>", ErrorCode::IllegalVersioningConfigurationException),
            ("<Status>enabled</Status>", ErrorCode::MalformedXML),
            ("<Status>Enabled</Status><X/>", ErrorCode::MalformedXML),
            ("<Status>Enabled</Status><MfaDelete>x</MfaDelete>", ErrorCode::MalformedXML),
            ("<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>", ErrorCode::NotImplemented),
        ] {
            assert_eq!(parsed(inner), Err(code), "{inner}");
        }
    }
}
