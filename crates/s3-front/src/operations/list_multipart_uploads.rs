//! ListMultipartUploads.

use object_engine::model::{BucketName, ListUploads, Upload, UploadId, UploadPage};

use crate::{
    error::{S3Error, S3Result},
    request::{listing, query::Query},
    response::{Answer, time},
    service::Call,
    xml::{Encoding, XmlWriter},
};

/// The open uploads of a bucket, by key and then by age.
pub(crate) async fn list_multipart_uploads(call: &Call<'_>, name: &BucketName) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    let query = &call.head.query;
    let encoding = listing::encoding(query)?;
    let ask = ask(query)?;
    let page = call.engine().list_uploads(&bucket, &ask).await?;

    let mut writer = XmlWriter::new("ListMultipartUploadsResult");
    writer
        .text("Bucket", name)
        .text("KeyMarker", encoding.apply(query.get("key-marker").unwrap_or_default()))
        .text("UploadIdMarker", query.get("upload-id-marker").unwrap_or_default());
    let (next_key, next_id) = next(&page);
    writer
        .text("NextKeyMarker", encoding.apply(&next_key))
        .text("NextUploadIdMarker", next_id.map(|id| id.to_string()).unwrap_or_default())
        .text_if("Prefix", query.filled("prefix").map(|prefix| encoding.apply(prefix)))
        .text_if("Delimiter", ask.delimiter.as_deref().map(|text| encoding.apply(text)))
        .text_if("EncodingType", (encoding == Encoding::Url).then_some("url"))
        .text("MaxUploads", ask.limit)
        .text("IsTruncated", page.next.is_some());
    write_uploads(call, &mut writer, &page, encoding).await?;
    Ok(Answer::xml(writer.finish()))
}

/// Where the next page would go on, which S3 says also of the last one: after what it shows last.
fn next(page: &UploadPage) -> (String, Option<UploadId>) {
    let last = || {
        let upload = page.uploads.last()?;
        Some((upload.key.as_str().to_owned(), Some(upload.id)))
    };
    page.next.clone().or_else(last).unwrap_or_default()
}

fn ask(query: &Query) -> S3Result<ListUploads> {
    let key_marker = query.filled("key-marker").map(str::to_owned);
    // Without a key marker S3 ignores the upload's.
    let upload_id_marker = match query.filled("upload-id-marker").filter(|_| key_marker.is_some()) {
        None => None,
        Some(text) => Some(UploadId::parse(text).ok_or_else(|| {
            S3Error::argument("Invalid uploadId marker", "upload-id-marker", text)
        })?),
    };
    Ok(ListUploads {
        prefix: query.get("prefix").unwrap_or_default().to_owned(),
        delimiter: query.filled("delimiter").map(str::to_owned),
        key_marker,
        upload_id_marker,
        limit: listing::page_size(query, "max-uploads")?,
    })
}

async fn write_uploads(
    call: &Call<'_>,
    writer: &mut XmlWriter,
    page: &UploadPage,
    encoding: Encoding,
) -> S3Result<()> {
    for upload in &page.uploads {
        let name = call.display_name(&upload.owner).await?;
        writer.inside("Upload", |entry| {
            entry.text("Key", encoding.apply(upload.key.as_str()));
            entry.text("UploadId", upload.id);
            write_people(entry, upload, &name);
            entry.text("StorageClass", &upload.storage_class);
            entry.text("Initiated", time::iso(upload.initiated));
            if let Some((algorithm, kind)) = &upload.checksum {
                entry.text("ChecksumAlgorithm", algorithm).text("ChecksumType", kind);
            }
        });
    }
    for prefix in &page.common_prefixes {
        writer.inside("CommonPrefixes", |common| {
            common.text("Prefix", encoding.apply(prefix));
        });
    }
    Ok(())
}

/// Initiator and owner: the account that began the upload is both.
pub(super) fn write_people(writer: &mut XmlWriter, upload: &Upload, display_name: &str) {
    for role in ["Initiator", "Owner"] {
        writer.inside(role, |person| {
            person.text("ID", &upload.owner.0).text("DisplayName", display_name);
        });
    }
}
