//! GetObjectAttributes.
//!
//! Guarantees: nothing is answered before the key of an SSE-C object is verified; the answer echoes no
//! SSE-C header.

use object_engine::model::StoredObject;
use sealed_format::Checksum;
use sealed_store::Unlocked;

use super::{At, found};
use crate::{
    error::{ErrorCode, S3Error, S3Result},
    limits::LIST_PAGE_MAX,
    request::{checksum::shown, encryption, head::Head, listing},
    response::{
        Answer,
        object::{VERSION_ID, version_id},
        time,
    },
    service::Call,
    xml::XmlWriter,
};

const ATTRIBUTES: &str = "x-amz-object-attributes";
const MAX_PARTS: &str = "x-amz-max-parts";
const PART_MARKER: &str = "x-amz-part-number-marker";

/// What the key's holder may know of an object, without its bytes.
pub(crate) async fn get_object_attributes(call: &Call<'_>, at: &At<'_>) -> S3Result<Answer> {
    let bucket = call.bucket(at.bucket).await?;
    let head = &call.head;
    encryption::check_read(head)?;
    let opening = call.keys.for_read()?;
    let selector = listing::version(&head.query)?;
    let asked = Asked::parse(head)?;
    let (version, object) = found::object(call, &bucket, at.key, selector).await?;
    let unlocked = found::unlock(call, &bucket, (&version, &object), opening.as_ref()).await?;
    let document = asked.document(call, &object, &unlocked).await?;
    Ok(Answer::xml(document)
        .header("last-modified", time::http(unlocked.facts().last_modified))
        .header_if(VERSION_ID, version_id(&bucket, version.public)))
}

/// Which attributes are asked for, and which page of the parts.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    etag: bool,
    checksum: bool,
    parts: bool,
    storage_class: bool,
    size: bool,
    max_parts: usize,
    after: u32,
}

impl Asked {
    fn parse(head: &Head) -> S3Result<Self> {
        let (max_parts, after) = (max_parts(head)?, part_marker(head)?);
        let mut asked = Self { max_parts, after, ..Self::default() };
        let mut any = false;
        // A list may come as one header, or as one header for each element.
        for value in head.headers.get_all(ATTRIBUTES) {
            let text = value.to_str().map_err(|_| invalid_name(""))?;
            for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                *asked.attribute(name).ok_or_else(|| invalid_name(name))? = true;
                any = true;
            }
        }
        if any { Ok(asked) } else { Err(missing()) }
    }

    fn attribute(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "ETag" => &mut self.etag,
            "Checksum" => &mut self.checksum,
            "ObjectParts" => &mut self.parts,
            "StorageClass" => &mut self.storage_class,
            "ObjectSize" => &mut self.size,
            _ => return None,
        })
    }

    async fn document(
        &self,
        call: &Call<'_>,
        object: &StoredObject,
        unlocked: &Unlocked,
    ) -> S3Result<String> {
        let facts = unlocked.facts();
        let mut writer = XmlWriter::new("GetObjectAttributesResponse");
        writer.text_if("ETag", self.etag.then_some(&facts.etag.0));
        let checksum = if self.checksum { call.store().checksum(unlocked).await? } else { None };
        if let Some(checksum) = &checksum {
            writer.inside("Checksum", |entry| {
                write_checksum(entry, checksum, call.profile().counts_parts_in_attributes());
                entry.text("ChecksumType", shown(checksum).kind.name());
            });
        }
        if let (true, Some(count)) = (self.parts, facts.parts) {
            let page = Page::read(call, unlocked, (self.after, self.max_parts), count).await?;
            writer.inside("ObjectParts", |entry| {
                entry.text("PartsCount", count);
                page.write(entry, self, count);
            });
        }
        writer.text_if("StorageClass", self.storage_class.then_some(&object.storage_class));
        writer.text_if("ObjectSize", self.size.then_some(facts.length));
        Ok(writer.finish())
    }
}

/// A page of parts: number, size, checksum.
struct Page {
    parts: Vec<(u32, u64, Option<Checksum>)>,
    /// The last part that the page is over, also if it shows none.
    last: u32,
}

impl Page {
    async fn read(
        call: &Call<'_>,
        unlocked: &Unlocked,
        (after, limit): (u32, usize),
        count: u32,
    ) -> S3Result<Self> {
        let last =
            u32::try_from(limit).map_or(count, |limit| after.saturating_add(limit).min(count));
        let mut parts = Vec::new();
        for number in after.saturating_add(1)..=last {
            let Some((range, checksum)) = call.store().part(unlocked, number).await? else { break };
            parts.push((number, range.end - range.start, checksum));
        }
        Ok(Self { parts, last })
    }

    fn write(&self, writer: &mut XmlWriter, asked: &Asked, count: u32) {
        writer
            .text("PartNumberMarker", asked.after)
            .text("NextPartNumberMarker", if asked.after >= count { 0 } else { self.last })
            .text("MaxParts", asked.max_parts)
            .text("IsTruncated", self.last < count);
        for (number, size, checksum) in &self.parts {
            writer.inside("Part", |part| {
                part.text("PartNumber", number).text("Size", size);
                if let Some(checksum) = checksum {
                    write_checksum(part, checksum, false);
                }
            });
        }
    }
}

/// A composite checksum shows its number of parts in headers and not here, but where the profile wants it.
fn write_checksum(writer: &mut XmlWriter, checksum: &Checksum, counts_parts: bool) {
    let mut checksum = shown(checksum);
    if !counts_parts {
        checksum.parts = 0;
    }
    writer.text(&format!("Checksum{}", checksum.algorithm.name()), checksum.text());
}

fn max_parts(head: &Head) -> S3Result<usize> {
    let Some(text) = head.filled(MAX_PARTS)? else { return Ok(LIST_PAGE_MAX) };
    let number: u32 = text.parse().map_err(|_| not_a_number(MAX_PARTS, text))?;
    Ok(usize::try_from(number).map_or(LIST_PAGE_MAX, |number| number.min(LIST_PAGE_MAX)))
}

fn part_marker(head: &Head) -> S3Result<u32> {
    let Some(text) = head.filled(PART_MARKER)? else { return Ok(0) };
    text.parse().map_err(|_| not_a_number(PART_MARKER, text))
}

fn not_a_number(name: &'static str, text: &str) -> S3Error {
    S3Error::argument(format!("Provided {name} not an integer or within integer range"), name, text)
}

fn invalid_name(name: &str) -> S3Error {
    S3Error::argument("Invalid attribute name specified.", ATTRIBUTES, name)
}

fn missing() -> S3Error {
    S3Error::with_message(
        ErrorCode::InvalidRequest,
        "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
    )
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::request::query::Query;

    fn parsed(headers: &[(&str, &str)]) -> Result<Asked, ErrorCode> {
        let mut request = Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let parts = request.body(()).unwrap().into_parts().0;
        Asked::parse(&Head::new(parts, Query::default()).unwrap()).map_err(|error| error.code())
    }

    #[test]
    fn attributes_are_a_list_in_one_header_or_many() {
        let both = Asked { etag: true, size: true, max_parts: 1_000, ..Asked::default() };
        assert_eq!(parsed(&[(ATTRIBUTES, "ETag, ObjectSize")]).as_ref(), Ok(&both));
        assert_eq!(parsed(&[(ATTRIBUTES, "ETag"), (ATTRIBUTES, "ObjectSize")]), Ok(both));
        let page = parsed(&[(ATTRIBUTES, "ObjectParts"), (MAX_PARTS, "7"), (PART_MARKER, "3")]);
        assert_eq!(page.map(|asked| (asked.max_parts, asked.after)), Ok((7, 3)));
        for (headers, code) in [
            (&[][..], ErrorCode::InvalidRequest),
            (&[(ATTRIBUTES, "")], ErrorCode::InvalidRequest),
            (&[(ATTRIBUTES, "etag")], ErrorCode::InvalidArgument),
            (&[(ATTRIBUTES, "ETag"), (MAX_PARTS, "-1")], ErrorCode::InvalidArgument),
            (&[(ATTRIBUTES, "ETag"), (PART_MARKER, "x")], ErrorCode::InvalidArgument),
        ] {
            assert_eq!(parsed(headers), Err(code), "{headers:?}");
        }
    }
}
