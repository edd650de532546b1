//! Stored policies, parsed.
//!
//! Guarantees: cached by their own text, so a cached policy is never an old one; bounded.
//! Does not: refuse anything; a document that cannot be read is said to be so.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use object_engine::model::Bucket;

use crate::{
    limits::POLICIES_CACHED_MAX,
    policy::{BucketPolicy, IdentityPolicy, Readable, Unreadable},
    request::public_access_block::PublicAccessBlock,
};

/// The setting of a bucket under which its policy is kept.
pub(crate) const POLICY: &str = "policy";
/// The setting of a bucket under which its public access block is kept.
pub(crate) const PUBLIC_ACCESS_BLOCK: &str = "public-access-block";

/// A parsed policy, or that it is none.
pub(crate) type Parsed<P> = Result<Arc<P>, Unreadable>;

/// The policies that were read last.
#[derive(Debug, Default)]
pub(crate) struct PolicyCache {
    buckets: Mutex<HashMap<String, Parsed<BucketPolicy>>>,
    identities: Mutex<HashMap<String, Parsed<IdentityPolicy>>>,
}

impl PolicyCache {
    /// The policy of a bucket.
    pub(crate) fn of_bucket(&self, bucket: &Bucket) -> Option<Parsed<BucketPolicy>> {
        let document = bucket.settings.get(POLICY)?;
        let key = format!("{}\n{document}", bucket.name);
        Some(cached(&self.buckets, key, || {
            BucketPolicy::parse(document, &bucket.name).map_err(|error| {
                tracing::error!(bucket = %bucket.name, %error, "a stored bucket policy is not valid");
                Unreadable
            })
        }))
    }

    /// A user's policy.
    pub(crate) fn of_identity(&self, document: &str) -> Parsed<IdentityPolicy> {
        cached(&self.identities, document.to_owned(), || {
            IdentityPolicy::parse(document).map_err(|error| {
                tracing::error!(%error, "a user's policy is not valid; everything is refused to the user");
                Unreadable
            })
        })
    }
}

fn cached<P>(
    cache: &Mutex<HashMap<String, Parsed<P>>>,
    key: String,
    parse: impl FnOnce() -> Result<P, Unreadable>,
) -> Parsed<P> {
    let locked = || cache.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(parsed) = locked().get(&key) {
        return parsed.clone();
    }
    let parsed = parse().map(Arc::new);
    let mut cache = locked();
    if cache.len() >= POLICIES_CACHED_MAX {
        cache.clear();
    }
    cache.insert(key, parsed.clone());
    parsed
}

/// A parsed policy as `policy` takes it.
pub(crate) fn as_readable<P>(parsed: &Option<Parsed<P>>) -> Option<Readable<'_, P>> {
    parsed.as_ref().map(|parsed| parsed.as_ref().map(Arc::as_ref).map_err(|unreadable| *unreadable))
}

/// What a bucket blocks. A setting that cannot be read blocks everything.
pub(crate) fn public_access_block(bucket: &Bucket) -> PublicAccessBlock {
    match bucket.settings.get(PUBLIC_ACCESS_BLOCK) {
        None => PublicAccessBlock::default(),
        Some(document) => {
            PublicAccessBlock::parse(document.as_bytes()).unwrap_or(PublicAccessBlock::ALL)
        }
    }
}
