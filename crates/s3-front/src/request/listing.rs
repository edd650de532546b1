//! The parameters that listings share.
//!
//! Guarantees: page sizes within S3's limits; continuation tokens are opaque and checked.
//! Does not: know which listing has which parameter; the router's allow-list does.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use object_engine::model::VersionId;
use object_engine::model::VersionSelector;

use super::query::Query;
use crate::{
    error::{S3Error, S3Result},
    limits::LIST_PAGE_MAX,
    xml::Encoding,
};

/// What tokens begin with, so that a key of another listing is not taken for one.
const TOKEN_MARK: &str = "1";

/// `max-keys`, `max-uploads` or `max-parts`: at most 1,000, which is also the default.
pub fn page_size(query: &Query, name: &str) -> S3Result<usize> {
    let Some(text) = query.filled(name) else { return Ok(LIST_PAGE_MAX) };
    let number: i64 = text.parse().map_err(|_| {
        S3Error::argument(
            format!("Provided {name} not an integer or within integer range"),
            name,
            text,
        )
    })?;
    if !(0..=i64::from(i32::MAX)).contains(&number) {
        let message = format!("Argument {name} must be an integer between 0 and 2147483647");
        return Err(S3Error::argument(message, name, text));
    }
    Ok(usize::try_from(number).map_or(LIST_PAGE_MAX, |number| number.min(LIST_PAGE_MAX)))
}

/// `encoding-type`.
pub fn encoding(query: &Query) -> S3Result<Encoding> {
    match query.get("encoding-type") {
        None => Ok(Encoding::Plain),
        Some("url") => Ok(Encoding::Url),
        Some(other) => Err(S3Error::argument(
            "Invalid Encoding Method specified in Request",
            "encoding-type",
            other,
        )),
    }
}

/// A boolean such as `fetch-owner`.
pub fn flag(query: &Query, name: &str) -> S3Result<bool> {
    match query.filled(name) {
        None => Ok(false),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(text) => Err(S3Error::argument(format!("Invalid value for {name}"), name, text)),
    }
}

/// A token that continues after `after`.
pub fn token(after: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{TOKEN_MARK}{after}"))
}

/// What a token continues after; `InvalidArgument` for one that this server did not make.
pub fn continued(query: &Query) -> S3Result<Option<String>> {
    let Some(text) = query.get("continuation-token") else { return Ok(None) };
    let decoded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded.as_deref().and_then(|text| text.strip_prefix(TOKEN_MARK)) {
        Some(after) => Ok(Some(after.to_owned())),
        None => Err(S3Error::argument(
            "The continuation token provided is incorrect",
            "continuation-token",
            text,
        )),
    }
}

/// `versionId`.
pub fn version(query: &Query) -> S3Result<VersionSelector> {
    match query.get("versionId") {
        None => Ok(VersionSelector::Latest),
        Some("null") => Ok(VersionSelector::Null),
        Some("") => {
            Err(S3Error::argument("Version id cannot be the empty string", "versionId", ""))
        }
        Some(text) => VersionId::parse(text)
            .map(VersionSelector::Id)
            .ok_or_else(|| S3Error::argument("Invalid version id specified", "versionId", text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(raw: &str) -> Query {
        Query::parse(raw).unwrap()
    }

    #[test]
    fn page_sizes_are_bounded() {
        for (raw, size) in [
            ("", 1_000),
            ("max-keys=", 1_000),
            ("max-keys=0", 0),
            ("max-keys=7", 7),
            ("max-keys=2147483647", 1_000),
        ] {
            assert_eq!(page_size(&query(raw), "max-keys").unwrap(), size, "{raw}");
        }
        for raw in
            ["max-keys=-1", "max-keys=x", "max-keys=2147483648", "max-keys=99999999999999999999"]
        {
            page_size(&query(raw), "max-keys").unwrap_err();
        }
    }

    #[test]
    fn tokens_come_back() {
        for after in ["a", "é/b c", ""] {
            let raw = format!("continuation-token={}", token(after));
            assert_eq!(continued(&query(&raw)).unwrap().as_deref(), Some(after));
        }
        for raw in ["continuation-token=", "continuation-token=x", "continuation-token=YWJj"] {
            continued(&query(raw)).unwrap_err();
        }
    }

    #[test]
    fn versions_are_parsed() {
        let id = "0".repeat(31) + "1";
        assert!(matches!(version(&query(&format!("versionId={id}"))), Ok(VersionSelector::Id(_))));
        assert_eq!(version(&query("versionId=null")), Ok(VersionSelector::Null));
        assert_eq!(version(&query("")), Ok(VersionSelector::Latest));
        version(&query("versionId=x")).unwrap_err();
        version(&query("versionId")).unwrap_err();
    }
}
