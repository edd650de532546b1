//! ListObjectVersions.

use std::collections::BTreeMap;

use object_engine::model::{
    AccountId, BucketName, ListVersions, ListedObject, ListedVersion, PublicVersion, VersionId,
    VersionPage,
};

use crate::{
    error::{S3Error, S3Result},
    request::{listing, query::Query},
    response::{
        Answer,
        object::{quoted, version_name},
        time,
    },
    service::{Call, acls},
    xml::{Encoding, XmlWriter},
};

const VERSION_MARKER: &str = "version-id-marker";

/// Versions and delete markers, by key and then newest first.
pub(crate) async fn list_object_versions(call: &Call<'_>, name: &BucketName) -> S3Result<Answer> {
    let bucket = call.bucket(name).await?;
    let query = &call.head.query;
    let encoding = listing::encoding(query)?;
    let ask = parse(query)?;
    let mut page = call.engine().list_versions(&bucket, &ask).await?;
    for entry in &mut page.entries {
        if let ListedVersion::Version { object, .. } = entry {
            acls::show_owner(&bucket, &mut object.owner);
        }
    }
    let owners = owners(call, &page).await?;

    let shown = |text| encoding.apply(text);
    let mut writer = XmlWriter::new("ListVersionsResult");
    writer
        .text("Name", name)
        .text("Prefix", shown(&ask.prefix))
        .text("KeyMarker", shown(ask.key_marker.as_deref().unwrap_or_default()))
        .text("VersionIdMarker", ask.version_marker.map(version_name).unwrap_or_default());
    if let Some((key, version)) = &page.next {
        writer.text("NextKeyMarker", shown(key));
        writer.text_if("NextVersionIdMarker", version.map(version_name));
    }
    writer
        .text("MaxKeys", ask.limit)
        .text_if("Delimiter", ask.delimiter.as_deref().map(shown))
        .text_if("EncodingType", (encoding == Encoding::Url).then_some("url"))
        .text("IsTruncated", page.next.is_some());
    write_entries(&mut writer, &page, encoding, &owners);
    Ok(Answer::xml(writer.finish()))
}

fn parse(query: &Query) -> S3Result<ListVersions> {
    let key_marker = query.filled("key-marker").map(str::to_owned);
    let version_marker = version_marker(query)?;
    if let (None, Some(text)) = (&key_marker, query.filled(VERSION_MARKER)) {
        return Err(S3Error::argument(
            "A version-id marker cannot be specified without a key marker.",
            VERSION_MARKER,
            text,
        ));
    }
    Ok(ListVersions {
        prefix: query.get("prefix").unwrap_or_default().to_owned(),
        delimiter: query.filled("delimiter").map(str::to_owned),
        key_marker,
        version_marker,
        limit: listing::page_size(query, "max-keys")?,
    })
}

fn version_marker(query: &Query) -> S3Result<Option<PublicVersion>> {
    match query.filled(VERSION_MARKER) {
        None => Ok(None),
        Some("null") => Ok(Some(None)),
        Some(text) => VersionId::parse(text)
            .map(|id| Some(Some(id)))
            .ok_or_else(|| S3Error::argument("Invalid version id specified", VERSION_MARKER, text)),
    }
}

type Owners = BTreeMap<AccountId, String>;

/// The display names of a page's owners: mostly one look-up.
async fn owners(call: &Call<'_>, page: &VersionPage) -> S3Result<Owners> {
    let mut owners = Owners::new();
    for entry in &page.entries {
        if let ListedVersion::Version { object, .. } = entry
            && !owners.contains_key(&object.owner)
        {
            owners.insert(object.owner.clone(), call.display_name(&object.owner).await?);
        }
    }
    Ok(owners)
}

fn write_entries(writer: &mut XmlWriter, page: &VersionPage, encoding: Encoding, owners: &Owners) {
    for entry in &page.entries {
        if let ListedVersion::Version { object, public, is_latest, is_marker } = entry {
            let name = if *is_marker { "DeleteMarker" } else { "Version" };
            writer.inside(name, |version| {
                version
                    .text("Key", encoding.apply(&object.key))
                    .text("VersionId", version_name(*public))
                    .text("IsLatest", is_latest)
                    .text("LastModified", time::iso(object.last_modified));
                if !is_marker {
                    write_contents(version, object);
                }
                version.inside("Owner", |owner| {
                    let display_name = owners.get(&object.owner);
                    owner.text("ID", &object.owner.0).text_if("DisplayName", display_name);
                });
                version.text_if("StorageClass", (!is_marker).then_some(&object.storage_class));
            });
        }
    }
    for entry in &page.entries {
        if let ListedVersion::CommonPrefix(prefix) = entry {
            writer.inside("CommonPrefixes", |common| {
                common.text("Prefix", encoding.apply(prefix));
            });
        }
    }
}

/// What an object has and a delete marker has not.
fn write_contents(writer: &mut XmlWriter, object: &ListedObject) {
    writer.text("ETag", quoted(&object.etag));
    if let Some((algorithm, kind)) = &object.checksum {
        writer.text("ChecksumAlgorithm", algorithm).text("ChecksumType", kind);
    }
    writer.text("Size", object.size);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_marker_needs_its_key() {
        let parsed = |raw: &str| parse(&Query::parse(raw).unwrap());
        let id = format!("{:032x}", 7);
        let ask = parsed(&format!("key-marker=k&version-id-marker={id}&max-keys=2")).unwrap();
        assert_eq!(ask.version_marker, Some(VersionId::parse(&id)));
        assert_eq!(ask.limit, 2);
        let ask = parsed("key-marker=k&version-id-marker=null").unwrap();
        assert_eq!(ask.version_marker, Some(None));
        assert_eq!(parsed("key-marker=&version-id-marker=").unwrap().version_marker, None);
        for raw in [format!("version-id-marker={id}"), "key-marker=k&version-id-marker=x".into()] {
            parsed(&raw).unwrap_err();
        }
    }
}
