//! ListBuckets.

use crate::{
    error::{ErrorCode, S3Error, S3Result},
    limits::LIST_BUCKETS_PAGE_MAX,
    policy::Resource,
    request::{listing, query::Query, regions},
    response::{Answer, bucket::bucket_arn, time},
    service::Call,
    xml::XmlWriter,
};

/// The caller's buckets, by name; root sees everybody's.
pub(crate) async fn list_buckets(call: &Call<'_>) -> S3Result<Answer> {
    let caller = call.account(Resource::Account)?;
    let query = &call.head.query;
    let size = page_size(query)?;
    let after = listing::continued(query)?;
    let prefix = query.filled("prefix").unwrap_or_default();
    let region = query.filled("bucket-region");
    let own = call.service.options.region.as_str();
    if let Some(unknown) = region.filter(|region| *region != own && !regions::is_of_aws(region)) {
        let message = format!("Argument value {unknown} is not a valid AWS Region");
        return Err(S3Error::with_message(ErrorCode::InvalidArgument, message)
            .element("ArgumentName", "bucket-region"));
    }

    let mut buckets = call.engine().buckets(caller.sees()).await?;
    buckets.retain(|bucket| {
        let name = bucket.name.as_str();
        let wanted = region.is_none_or(|region| region == own);
        wanted && name.starts_with(prefix) && after.as_deref().is_none_or(|after| name > after)
    });
    let more = buckets.len() > size;
    buckets.truncate(size);

    let mut writer = XmlWriter::new("ListAllMyBucketsResult");
    writer.inside("Owner", |owner| {
        owner.text("ID", &caller.id.0).text("DisplayName", caller.display_name);
    });
    writer.inside("Buckets", |list| {
        for bucket in &buckets {
            list.inside("Bucket", |entry| {
                entry
                    .text("Name", &bucket.name)
                    .text("CreationDate", time::iso(bucket.created))
                    .text("BucketRegion", own)
                    .text("BucketArn", bucket_arn(&bucket.name));
            });
        }
    });
    if let Some(last) = buckets.last().filter(|_| more) {
        writer.text("ContinuationToken", listing::token(last.name.as_str()));
    }
    writer.text_if("Prefix", query.filled("prefix"));
    Ok(Answer::xml(writer.finish()))
}

fn page_size(query: &Query) -> S3Result<usize> {
    let Some(text) = query.filled("max-buckets") else { return Ok(LIST_BUCKETS_PAGE_MAX) };
    let size = text.parse().ok().filter(|size| (1..=LIST_BUCKETS_PAGE_MAX).contains(size));
    size.ok_or_else(|| {
        S3Error::argument(
            "Argument max-buckets must be an integer between 1 and 10000",
            "max-buckets",
            text,
        )
    })
}
