//! Which headers a signature must cover.
//!
//! Those of version 2 cover every `x-amz-*` header as they are made; `version_2` refuses the rest.
//!
//! Guarantees: no `x-amz-*` header, and no customer key's in any vendor's spelling, takes part in a signed request without being signed, and nothing
//! unsigned overrides what a presigned URL pinned. The one exception is S3's own: a presigned URL
//! that covers the SSE-C algorithm may be used with an unsigned key and key MD5.
//!
//! Does not: look at values.

use super::RequestHead;
use super::canonical::query_pairs;
use super::claim::Version4;
use super::encoding;
use super::error::SignatureError;
use crate::key_names::{ALL, AMZ, Trio, is_any_vendors};

const PREFIX: &str = "x-amz-";

/// Refuses a request with `x-amz-*` headers, or any vendor's key headers, outside its signature (E19), naming all of them.
pub(super) fn check(head: &RequestHead<'_>, claim: &Version4<'_>) -> Result<(), SignatureError> {
    let counts = |name: &str| name.starts_with(PREFIX) || is_any_vendors(name);
    let unsigned = |name: &&str| counts(name) && !is_bound(claim, name);
    let names = || head.headers.keys().map(http::HeaderName::as_str).filter(unsigned);
    if names().all(|name| is_tolerated(head, claim, name)) {
        return Ok(());
    }
    let mut names: Vec<String> = names().map(str::to_owned).collect();
    names.sort_unstable();
    Err(SignatureError::HeadersNotSigned(names))
}

/// Whether the signature depends on the header's value.
fn is_bound(claim: &Version4<'_>, name: &str) -> bool {
    // These two are parts of the string to sign and of the canonical request in any case.
    let inherent = !claim.is_presigned() && matches!(name, "x-amz-date" | "x-amz-content-sha256");
    inherent || claim.covers(name)
}

fn is_tolerated(head: &RequestHead<'_>, claim: &Version4<'_>, name: &str) -> bool {
    claim.is_presigned()
        && trios().any(|trio| {
            (name == trio.key || name == trio.key_md5)
                && (claim.covers(trio.algorithm) || in_query(head.query, trio.algorithm) > 0)
        })
}

fn trios() -> impl Iterator<Item = &'static Trio> {
    ALL.into_iter().flat_map(|names| [&names.own, &names.source])
}

/// Refuses an SSE-C name given twice, in headers, in the query, in one of each, or in two vendors'
/// spellings: which of the two counts would be a matter of who reads first.
pub(super) fn refuse_repeated_customer_keys(head: &RequestHead<'_>) -> Result<(), SignatureError> {
    let mut given = [0_usize; 6];
    let mut count = |is_name: &dyn Fn(&str) -> bool| {
        for names in ALL {
            for (place, name) in names.six().into_iter().enumerate() {
                given[place] += usize::from(is_name(name));
            }
        }
    };
    for (name, _) in head.headers.iter().filter(|(name, _)| name.as_str().len() >= SHORTEST) {
        count(&|known| name == known);
    }
    // What is escaped is longer than what it says, so a short name is none of them.
    for (raw, _) in query_pairs(head.query).filter(|(raw, _)| raw.len() >= SHORTEST) {
        count(&|known| is_encoded(raw, known));
    }
    match given.into_iter().position(|times| times > 1) {
        Some(place) => {
            let name = AMZ.six()[place].to_owned();
            Err(SignatureError::CustomerKeyParameterRepeated { name })
        }
        None => Ok(()),
    }
}

/// The length of the shortest name of a customer key.
const SHORTEST: usize = AMZ.own.key.len();

/// How often a query has a name, in any case and however escaped.
fn in_query(query: &str, name: &str) -> usize {
    query_pairs(query).filter(|(raw, _)| is_encoded(raw, name)).count()
}

/// Whether a query's raw name says this name, in any case and however escaped.
fn is_encoded(raw: &str, name: &str) -> bool {
    raw.len() >= name.len()
        && encoding::decode(raw.as_bytes()).map(|byte| byte.to_ascii_lowercase()).eq(name.bytes())
}
