//! Tags, from `x-amz-tagging` and from documents.
//!
//! Guarantees: tags within S3's limits, no key twice.
//! Does not: tell object tags from bucket tags but by their number.

use super::{head::Head, query::Query};
use crate::{
    error::{ErrorCode, S3Error, S3Result},
    limits::{BUCKET_TAGS_MAX, TAG_KEY_CHARS_MAX, TAG_VALUE_CHARS_MAX, TAGS_MAX},
    xml::{Element, XmlWriter, malformed},
};

/// Keys and values.
pub type Tags = Vec<(String, String)>;

/// What is tagged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tagged {
    /// An object or an upload.
    Object,
    /// A bucket.
    Bucket,
    /// A bucket that is being made.
    NewBucket,
}

/// The tags of `x-amz-tagging`, encoded like a query.
pub fn from_header(head: &Head) -> S3Result<Tags> {
    let Some(text) = head.filled("x-amz-tagging")? else { return Ok(Vec::new()) };
    let invalid = || {
        S3Error::argument(
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
            "x-amz-tagging",
            text,
        )
    };
    // No tag may hold a comma; one that is not even encoded stands where `&` was meant.
    if text.contains(',') {
        return Err(invalid());
    }
    let query = Query::parse(text).map_err(|_| invalid())?;
    let tags: Vec<_> =
        query.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    check(&tags, Tagged::Object)?;
    Ok(tags)
}

/// The tags of a `Tagging` document.
pub fn from_document(body: &[u8], tagged: Tagged) -> S3Result<Tags> {
    let tags = read(body)?;
    check(&tags, tagged)?;
    Ok(tags)
}

/// The tags of a `Tagging` document that was checked before.
pub fn read(body: &[u8]) -> S3Result<Tags> {
    let root = Element::parse(body, "Tagging")?;
    root.only(&["TagSet"])?;
    match root.children() {
        [] => Ok(Tags::new()),
        [set] => of_set(set),
        _ => Err(malformed()),
    }
}

/// The tags of a new bucket, in the element `Tags` of its configuration.
pub fn of_new_bucket(set: &Element) -> S3Result<Tags> {
    let tags = of_set(set)?;
    check(&tags, Tagged::NewBucket)?;
    Ok(tags)
}

fn of_set(set: &Element) -> S3Result<Tags> {
    set.only(&["Tag"])?;
    set.children().iter().map(tag).collect()
}

fn tag(element: &Element) -> S3Result<(String, String)> {
    element.only(&["Key", "Value"])?;
    Ok((element.required("Key")?.to_owned(), element.required("Value")?.to_owned()))
}

/// The `Tagging` document, by key: a set has no order of its own.
pub fn document(tags: &[(String, String)]) -> String {
    let mut writer = XmlWriter::new("Tagging");
    writer.inside("TagSet", |set| {
        let mut sorted: Vec<_> = tags.iter().collect();
        sorted.sort();
        for (key, value) in sorted {
            set.inside("Tag", |tag| {
                tag.text("Key", key).text("Value", value);
            });
        }
    });
    writer.finish()
}

fn check(tags: &[(String, String)], tagged: Tagged) -> S3Result<()> {
    let (max, too_many) = match tagged {
        Tagged::Object => (TAGS_MAX, "Object tags cannot be greater than 10"),
        Tagged::Bucket | Tagged::NewBucket => {
            (BUCKET_TAGS_MAX, "Bucket tag count cannot be greater than 50")
        }
    };
    if tags.len() > max {
        return Err(S3Error::with_message(ErrorCode::BadRequest, too_many));
    }
    for (at, (key, value)) in tags.iter().enumerate() {
        if tags[..at].iter().any(|(earlier, _)| earlier == key) {
            return Err(invalid("Cannot provide multiple Tags with the same key", key));
        }
        if key.is_empty() || !fits(key, TAG_KEY_CHARS_MAX) {
            return Err(invalid("The TagKey you have provided is invalid", key));
        }
        if key.starts_with("aws:") {
            return Err(invalid(reserved(tagged), key));
        }
        if !fits(value, TAG_VALUE_CHARS_MAX) {
            return Err(invalid("The TagValue you have provided is invalid", key));
        }
    }
    Ok(())
}

fn reserved(tagged: Tagged) -> &'static str {
    match tagged {
        Tagged::Object => "Your TagKey cannot be prefixed with aws:",
        Tagged::Bucket => "System tags cannot be added/updated by requester",
        Tagged::NewBucket => {
            "User-defined tag keys can't start with \"aws:\". This prefix is reserved for system tags. Remove \"aws:\" from your tag keys and try again."
        }
    }
}

fn invalid(message: &'static str, key: &str) -> S3Error {
    S3Error::with_message(ErrorCode::InvalidTag, message).element("TagKey", key)
}

fn fits(text: &str, max: usize) -> bool {
    text.chars().count() <= max && text.chars().all(in_tags)
}

/// The characters that S3 allows in tags.
fn in_tags(char: char) -> bool {
    char.is_alphanumeric() || char == ' ' || "_.:/=+-@".contains(char)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn tagged(value: &str) -> S3Result<Tags> {
        let request = Request::builder().uri("/").header("x-amz-tagging", value).body(()).unwrap();
        from_header(&Head::new(request.into_parts().0, Query::default()).unwrap())
    }

    fn many(count: usize) -> Tags {
        (0..count).map(|at| (format!("k{at}"), "v".into())).collect()
    }

    #[test]
    fn the_header_has_limits() {
        assert_eq!(
            tagged("a=1&b=x%20y").unwrap(),
            [("a".into(), "1".into()), ("b".into(), "x y".into())]
        );
        // A name that means something in a request's own query means nothing here.
        assert_eq!(tagged("X-Amz-Date=1").unwrap(), [("X-Amz-Date".into(), "1".into())]);
        let encoded = |count| {
            many(count).iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
        };
        assert!(tagged(&encoded(10).join("&")).is_ok());
        for (bad, code) in [
            (encoded(11).join("&"), ErrorCode::BadRequest),
            ("a=1&a=2".into(), ErrorCode::InvalidArgument),
            ("a=%zz".into(), ErrorCode::InvalidArgument),
            ("a=1,b=2".into(), ErrorCode::InvalidArgument),
            ("a=1%2Cb=2".into(), ErrorCode::InvalidTag),
            ("=1".into(), ErrorCode::InvalidTag),
            ("aws:a=1".into(), ErrorCode::InvalidTag),
            (format!("{}=1", "k".repeat(129)), ErrorCode::InvalidTag),
            (format!("a={}", "v".repeat(257)), ErrorCode::InvalidTag),
            ("a=%3F".into(), ErrorCode::InvalidTag),
        ] {
            assert_eq!(tagged(&bad).unwrap_err().code(), code, "{bad}");
        }
    }

    #[test]
    fn documents_come_back_and_have_limits() {
        let tags = vec![("k".repeat(128), "v".repeat(256)), ("é/ +".into(), String::new())];
        let document = document(&tags);
        assert_eq!(from_document(document.as_bytes(), Tagged::Object).unwrap(), tags);
        for (count, kind, fits) in [
            (0, Tagged::Object, true),
            (10, Tagged::Object, true),
            (11, Tagged::Object, false),
            (50, Tagged::Bucket, true),
            (51, Tagged::Bucket, false),
        ] {
            let read = from_document(super::document(&many(count)).as_bytes(), kind);
            assert_eq!(read.is_ok(), fits, "{count} {kind:?}");
        }
        assert_eq!(from_document(b"<Tagging/>", Tagged::Object), Ok(Tags::new()));
        for bad in [
            "<Tagging><TagSet/><TagSet/></Tagging>",
            "<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>",
            "<Tagging><TagSet><Other/></TagSet></Tagging>",
        ] {
            let error = from_document(bad.as_bytes(), Tagged::Object).unwrap_err();
            assert_eq!(error.code(), ErrorCode::MalformedXML, "{bad}");
        }
        let twice = vec![("a".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())];
        let twice = super::document(&twice);
        let error = from_document(twice.as_bytes(), Tagged::Object).unwrap_err();
        assert_eq!(error.message(), "Cannot provide multiple Tags with the same key");
    }
}
