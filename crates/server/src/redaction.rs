//! A request's target as it may be logged.
//!
//! Guarantees: of the query, values stand only for names on a short list that cannot carry a secret;
//! every other value is `..`, so a misspelt, newly invented or encoded name of a key's parameter is
//! hidden like the known ones. Does not: hide bucket names and object keys, which are needed to find
//! out what happened, and never sees a header.

use std::fmt;

use http::Uri;

/// Shows a request target without what must not be logged.
#[derive(Clone, Debug)]
pub(crate) struct Redacted<'a>(pub(crate) &'a Uri);

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.path())?;
        let Some(query) = self.0.query() else { return Ok(()) };
        for (index, pair) in query.split('&').enumerate() {
            f.write_str(if index == 0 { "?" } else { "&" })?;
            write_pair(f, pair)?;
        }
        Ok(())
    }
}

fn write_pair(f: &mut fmt::Formatter<'_>, pair: &str) -> fmt::Result {
    let (name, value) = match pair.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (pair, None),
    };
    match value {
        // A bare name could itself be a key pasted by mistake; sub-resources are short words.
        None | Some("") if is_word(name) => f.write_str(pair),
        Some(value) if SHOWN.contains(&name) => write!(f, "{name}={value}"),
        Some(_) if is_word(name) => write!(f, "{name}=.."),
        _ => f.write_str(".."),
    }
}

/// Whether this is a name as S3 uses them, and too short to be a key's text.
fn is_word(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphabetic() || byte == b'-' || byte.is_ascii_digit();
    let keyed = name.to_ascii_lowercase().starts_with("x-");
    name.bytes().all(fits) && (name.len() <= WORD_BYTES_MAX || keyed && name.len() <= 80)
}

/// The longest sub-resource of S3 has 26 bytes; the text of a 32-byte key has at least 43.
const WORD_BYTES_MAX: usize = 32;

/// Names whose values say where and what, and nothing secret.
const SHOWN: [&str; 17] = [
    "X-Amz-Algorithm",
    "X-Amz-Date",
    "X-Amz-Expires",
    "continuation-token",
    "delimiter",
    "encoding-type",
    "fetch-owner",
    "key-marker",
    "list-type",
    "marker",
    "max-keys",
    "max-parts",
    "part-number-marker",
    "partNumber",
    "prefix",
    "uploadId",
    "versionId",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(target: &str) -> String {
        Redacted(&target.parse().unwrap()).to_string()
    }

    #[test]
    fn keys_signatures_and_credentials_are_hidden() {
        for name in [
            "x-amz-server-side-encryption-customer-key",
            "X-Amz-Server-Side-Encryption-Customer-Key",
            "x-amz-server-side-encryption-customer-key-MD5",
            "x-amz-copy-source-server-side-encryption-customer-key",
            "x-obs-server-side-encryption-customer-key",
            "X-Amz-Signature",
            "X-Amz-Credential",
            "X-Amz-Security-Token",
            "Signature",
            "AWSAccessKeyId",
        ] {
            let text = shown(&format!("/vault/file?{name}=c2VjcmV0&partNumber=2"));
            assert_eq!(text, format!("/vault/file?{name}=..&partNumber=2"));
        }
    }

    #[test]
    fn names_nobody_knows_are_hidden_too() {
        assert_eq!(shown("/b/k?x%2damz-customer-key=c2VjcmV0"), "/b/k?..");
        assert_eq!(shown("/b/k?customerkey=c2VjcmV0"), "/b/k?customerkey=..");
        assert_eq!(shown("/b/k?MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="), "/b/k?..");
        assert_eq!(shown("/b/k?MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"), "/b/k?..");
    }

    #[test]
    fn what_helps_is_shown() {
        let target = "/vault?list-type=2&prefix=a%2Fb&delimiter=%2F";
        assert_eq!(shown(target), target);
        assert_eq!(shown("/vault/key?uploads"), "/vault/key?uploads");
        assert_eq!(shown("/vault/key?acl="), "/vault/key?acl=");
        assert_eq!(shown("/vault/key"), "/vault/key");
    }
}
