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
use crate::key_names::{ALL, AMZ, KeyNames, Trio, is_any_vendors};

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
    for (place, name) in AMZ.six().into_iter().enumerate() {
        let given = |names: &KeyNames| {
            let name = names.six()[place];
            let in_headers = head.headers.get_all(name).iter().count();
            in_headers + if head.query.is_empty() { 0 } else { in_query(head.query, name) }
        };
        if ALL.into_iter().map(given).sum::<usize>() > 1 {
            let name = name.to_owned();
            return Err(SignatureError::CustomerKeyParameterRepeated { name });
        }
    }
    Ok(())
}

/// How often a query has a name, in any case and however escaped.
fn in_query(query: &str, name: &str) -> usize {
    query_pairs(query)
        .filter(|(raw, _)| {
            encoding::decode(raw.as_bytes()).map(|byte| byte.to_ascii_lowercase()).eq(name.bytes())
        })
        .count()
}
