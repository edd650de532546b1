//! What a signature of version 2 does not cover, and must not count therefore.
//!
//! Guarantees: a request has one reading. Nothing that the string to sign leaves out or joins up tells
//! an operation what to do: no customer key in another vendor's spelling, no header given in two places,
//! no line break that would move one header into another's value.
//!
//! Does not: look at sub-resources; `string_to_sign` has all of them.

use http::HeaderName;

use super::super::{RequestHead, canonical::query_pairs, encoding::decode, error::SignatureError};
use super::PREFIX;
use super::string_to_sign::POSITIONAL;
use crate::key_names::is_any_vendors;

/// Refuses (E19) what the signature cannot cover, naming all of it.
pub(super) fn check(head: &RequestHead<'_>) -> Result<(), SignatureError> {
    let in_headers = head.headers.keys().map(HeaderName::as_str);
    let mut names: Vec<String> = in_headers
        .filter(|name| !is_covered_header(head, name))
        .map(str::to_owned)
        .chain(uncovered_parameters(head))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    names.sort_unstable();
    names.dedup();
    Err(SignatureError::HeadersNotSigned(names))
}

fn is_covered_header(head: &RequestHead<'_>, name: &str) -> bool {
    let once = || head.headers.get_all(name).iter().count() <= 1;
    let foreign = is_any_vendors(name) && !name.starts_with(PREFIX);
    !foreign && (!POSITIONAL.contains(&name) || once())
}

/// Of the parameters that stand for headers: those of other vendors, those that stand in two places,
/// and those that no header could be.
fn uncovered_parameters(head: &RequestHead<'_>) -> impl Iterator<Item = String> {
    let repeated = repeated_names(head.query);
    query_pairs(head.query).filter_map(move |(name, value)| {
        let name: Vec<u8> = decode(name.as_bytes()).map(|byte| byte.to_ascii_lowercase()).collect();
        let text = String::from_utf8_lossy(&name);
        let amz = name.starts_with(PREFIX.as_bytes());
        if !amz && !is_any_vendors(&text) && !POSITIONAL.contains(&text.as_ref()) {
            return None;
        }
        let header = HeaderName::from_bytes(&name).ok().filter(|_| sound(value));
        let covered = header.is_some_and(|header| {
            let elsewhere = amz && head.headers.contains_key(&header);
            let once = repeated.binary_search(&name).is_err();
            is_covered_header(head, &text) && !elsewhere && once
        });
        // A name that is none may go on with anything, a key among it.
        (!covered)
            .then(|| text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect())
    })
}

/// Whether a value has no line break or other control, as headers have none.
fn sound(value: &str) -> bool {
    decode(value.as_bytes()).all(|byte| byte == b'\t' || !byte.is_ascii_control())
}

/// The names, in lower case, that stand in a query more than once, in order.
fn repeated_names(query: &str) -> Vec<Vec<u8>> {
    let lower = |raw: &str| decode(raw.as_bytes()).map(|byte| byte.to_ascii_lowercase()).collect();
    let mut names: Vec<Vec<u8>> = query_pairs(query).map(|(name, _)| lower(name)).collect();
    names.sort_unstable();
    names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].clone()).collect()
}
