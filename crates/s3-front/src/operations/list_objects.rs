//! ListObjects and ListObjectsV2, which differ in how a page is continued and in when owners show.

use std::collections::BTreeMap;

use object_engine::model::{
    AccountId, Bucket, BucketName, ListObjects, ListPage, Listed, ListedObject,
};

use crate::{
    error::S3Result,
    request::{listing, query::Query},
    response::{Answer, time},
    service::{Call, acls},
    xml::{Encoding, XmlWriter},
};

/// Version 1: continued by `marker`; owners always show.
pub(crate) async fn list_objects(call: &Call<'_>, name: &BucketName) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    let query = &call.head.query;
    let asked = Asked::parse(query)?;
    let marker = query.filled("marker");
    let page = asked.page(call, &bucket, marker.map(str::to_owned)).await?;
    let owners = owners(call, &page).await?;

    let mut writer = XmlWriter::new("ListBucketResult");
    writer.text("Name", name);
    let of_prefix = match call.profile().encodes_repeated_prefix() {
        true => asked.encoding,
        false => Encoding::Plain,
    };
    writer.text("Prefix", of_prefix.apply(&asked.prefix));
    writer.text("Marker", asked.encoding.apply(marker.unwrap_or_default()));
    // AWS names the next marker only where the last key of the page might not be it.
    let next = page.next_after.as_deref().filter(|_| asked.delimiter.is_some());
    writer.text_if("NextMarker", next.map(|next| asked.encoding.apply(next)));
    asked.write(&mut writer, &page);
    write_entries(&mut writer, &page, asked.encoding, Some(&owners));
    Ok(Answer::xml(writer.finish()))
}

/// Version 2: continued by an opaque token; owners show if asked for.
pub(crate) async fn list_objects_v2(call: &Call<'_>, name: &BucketName) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    let query = &call.head.query;
    let asked = Asked::parse(query)?;
    let start_after = query.filled("start-after");
    let is_begun = query.get("continuation-token") != Some("");
    let continued = match is_begun || !call.profile().takes_empty_token() {
        true => listing::continued(query)?,
        false => None,
    };
    let fetch_owner = listing::flag(query, "fetch-owner")?;
    let after = continued.or_else(|| start_after.map(str::to_owned));
    let page = asked.page(call, &bucket, after).await?;
    let owners = if fetch_owner { Some(owners(call, &page).await?) } else { None };

    let mut writer = XmlWriter::new("ListBucketResult");
    writer.text("Name", name);
    writer.text("Prefix", asked.encoding.apply(&asked.prefix));
    let token = query.get("continuation-token");
    // A token says where to begin, so `start-after` does not any more.
    let is_repeated = token.is_none() || call.profile().repeats_start_after();
    let start_after = start_after.filter(|_| is_repeated);
    writer.text_if("StartAfter", start_after.map(|text| asked.encoding.apply(text)));
    writer.text_if("ContinuationToken", token);
    writer.text_if("NextContinuationToken", page.next_after.as_deref().map(listing::token));
    writer.text("KeyCount", page.entries.len());
    asked.write(&mut writer, &page);
    write_entries(&mut writer, &page, asked.encoding, owners.as_ref());
    Ok(Answer::xml(writer.finish()))
}

/// What both versions ask.
struct Asked {
    prefix: String,
    delimiter: Option<String>,
    encoding: Encoding,
    limit: usize,
}

impl Asked {
    fn parse(query: &Query) -> S3Result<Self> {
        Ok(Self {
            prefix: query.get("prefix").unwrap_or_default().to_owned(),
            delimiter: query.filled("delimiter").map(str::to_owned),
            encoding: listing::encoding(query)?,
            limit: listing::page_size(query, "max-keys")?,
        })
    }

    /// The page after a key or prefix, with whom its objects count as.
    async fn page(
        &self,
        call: &Call<'_>,
        bucket: &Bucket,
        after: Option<String>,
    ) -> S3Result<ListPage> {
        let (prefix, delimiter) = (self.prefix.clone(), self.delimiter.clone());
        let ask = ListObjects { prefix, delimiter, after, limit: self.limit };
        let mut page = call.engine().list_objects(bucket, &ask).await?;
        for entry in &mut page.entries {
            if let Listed::Object(object) = entry {
                acls::show_owner(bucket, &mut object.owner);
            }
        }
        Ok(page)
    }

    fn write(&self, writer: &mut XmlWriter, page: &ListPage) {
        writer.text("MaxKeys", self.limit);
        writer
            .text_if("Delimiter", self.delimiter.as_deref().map(|text| self.encoding.apply(text)));
        writer.text_if("EncodingType", (self.encoding == Encoding::Url).then_some("url"));
        writer.text("IsTruncated", page.next_after.is_some());
    }
}

type Owners = BTreeMap<AccountId, String>;

/// The display names of a page's owners: mostly one look-up.
async fn owners(call: &Call<'_>, page: &ListPage) -> S3Result<Owners> {
    let mut owners = Owners::new();
    for entry in &page.entries {
        if let Listed::Object(object) = entry
            && !owners.contains_key(&object.owner)
        {
            owners.insert(object.owner.clone(), call.display_name(&object.owner).await?);
        }
    }
    Ok(owners)
}

fn write_entries(
    writer: &mut XmlWriter,
    page: &ListPage,
    encoding: Encoding,
    owners: Option<&Owners>,
) {
    writer.expect_bytes(page.entries.len() * ENTRY_BYTES);
    for entry in &page.entries {
        if let Listed::Object(object) = entry {
            writer.inside("Contents", |contents| write_object(contents, object, encoding, owners));
        }
    }
    for entry in &page.entries {
        if let Listed::CommonPrefix(prefix) = entry {
            writer.inside("CommonPrefixes", |common| {
                common.string("Prefix", &encoding.apply(prefix));
            });
        }
    }
}

fn write_object(
    writer: &mut XmlWriter,
    object: &ListedObject,
    encoding: Encoding,
    owners: Option<&Owners>,
) {
    writer
        .string("Key", &encoding.apply(&object.key))
        .string("LastModified", &time::iso(object.last_modified))
        .quoted("ETag", &object.etag.0);
    if let Some((algorithm, kind)) = &object.checksum {
        writer.string("ChecksumAlgorithm", algorithm).string("ChecksumType", kind);
    }
    writer.text("Size", object.size);
    if let Some(owners) = owners {
        writer.inside("Owner", |owner| {
            owner.string("ID", &object.owner.0).text_if("DisplayName", owners.get(&object.owner));
        });
    }
    writer.string("StorageClass", &object.storage_class);
}

/// About what an entry takes, with a key of a hundred bytes: a guess that is too small costs one copy of
/// the page, one that is too large some memory for the time of the answer.
const ENTRY_BYTES: usize = 384;
