//! Which headers a signature must cover.
//!
//! Guarantees: no `x-amz-*` header takes part in a signed request without being signed, and nothing
//! unsigned overrides what a presigned URL pinned. The one exception is S3's own: a presigned URL
//! that covers the SSE-C algorithm may be used with an unsigned key and key MD5.
//!
//! Does not: look at values.

use super::RequestHead;
use super::canonical::query_pairs;
use super::claim::Claim;
use super::encoding;
use super::error::SignatureError;

const PREFIX: &str = "x-amz-";

/// The names of one customer key: the object's own, or a copy source's.
struct Trio {
    algorithm: &'static str,
    key: &'static str,
    key_md5: &'static str,
}

const TRIOS: [Trio; 2] = [
    Trio {
        algorithm: "x-amz-server-side-encryption-customer-algorithm",
        key: "x-amz-server-side-encryption-customer-key",
        key_md5: "x-amz-server-side-encryption-customer-key-md5",
    },
    Trio {
        algorithm: "x-amz-copy-source-server-side-encryption-customer-algorithm",
        key: "x-amz-copy-source-server-side-encryption-customer-key",
        key_md5: "x-amz-copy-source-server-side-encryption-customer-key-md5",
    },
];

/// Refuses a request with `x-amz-*` headers outside its signature (E19), naming all of them.
pub(super) fn check(head: &RequestHead<'_>, claim: &Claim<'_>) -> Result<(), SignatureError> {
    let unsigned = |name: &&str| name.starts_with(PREFIX) && !is_bound(claim, name);
    let names = || head.headers.keys().map(http::HeaderName::as_str).filter(unsigned);
    if names().all(|name| is_tolerated(head, claim, name)) {
        return Ok(());
    }
    let mut names: Vec<String> = names().map(str::to_owned).collect();
    names.sort_unstable();
    Err(SignatureError::HeadersNotSigned(names))
}

/// Whether the signature depends on the header's value.
fn is_bound(claim: &Claim<'_>, name: &str) -> bool {
    // These two are parts of the string to sign and of the canonical request in any case.
    let inherent = !claim.is_presigned() && matches!(name, "x-amz-date" | "x-amz-content-sha256");
    inherent || claim.covers(name)
}

fn is_tolerated(head: &RequestHead<'_>, claim: &Claim<'_>, name: &str) -> bool {
    claim.is_presigned()
        && TRIOS.iter().any(|trio| {
            (name == trio.key || name == trio.key_md5)
                && (claim.covers(trio.algorithm) || in_query(head.query, trio.algorithm) > 0)
        })
}

/// Refuses an SSE-C name given twice, in headers, in the query, or in one of each: which of the two
/// counts would be a matter of who reads first.
pub(super) fn refuse_repeated_customer_keys(head: &RequestHead<'_>) -> Result<(), SignatureError> {
    let names = || TRIOS.iter().flat_map(|trio| [trio.algorithm, trio.key, trio.key_md5]);
    let refuse =
        |name: &str| Err(SignatureError::CustomerKeyParameterRepeated { name: name.to_owned() });
    for name in head.headers.keys().filter(|name| name.as_str().starts_with(PREFIX)) {
        let ours = names().any(|known| known == name.as_str());
        if ours && head.headers.get_all(name).iter().nth(1).is_some() {
            return refuse(name.as_str());
        }
    }
    if head.query.is_empty() {
        return Ok(());
    }
    for name in names() {
        let allowed = if head.headers.contains_key(name) { 0 } else { 1 };
        if in_query(head.query, name) > allowed {
            return refuse(name);
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
