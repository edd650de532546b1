//! Signing keys: derived from an access key's secret for one day and region, and kept for a while.
//!
//! Guarantees: a key is found only by the very secret it was derived from, so a changed secret never
//! meets an old key. Keys are wiped when they leave the cache: AWS-LC cleanses an HMAC state on drop.
//! Intermediate keys are wiped at once.
//!
//! Does not: keep secrets, or wipe what a move of a key left on the stack.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{self, SHA256};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use zeroize::Zeroizing;

use super::{SERVICE, TERMINAL};

/// Keys in one generation; two are kept. Deriving takes four HMACs, so a miss costs about 2 µs: the
/// cache is for the few hundred accounts that are busy at a time.
const GENERATION_KEYS_MAX: usize = 512;

/// Derives the key of a secret for one scope: day, region, service, terminal.
pub(super) fn derive(secret: &[u8], scope: [&str; 4]) -> hmac::Key {
    let mut first = Zeroizing::new(Vec::with_capacity(4 + secret.len()));
    first.extend_from_slice(b"AWS4");
    first.extend_from_slice(secret);
    let mut key = hmac::Key::new(HMAC_SHA256, &first);
    for part in scope {
        let mut next = Zeroizing::new([0; 32]);
        hmac::sign_to_buffer(&key, part.as_bytes(), &mut *next)
            .expect("the buffer has an HMAC-SHA256's 32 bytes");
        key = hmac::Key::new(HMAC_SHA256, &*next);
    }
    key
}

/// Recently used keys. Two generations: when the young one is full it becomes the old one, and the
/// keys of the old one that nobody asked for meanwhile are dropped.
#[derive(Default)]
pub(super) struct SigningKeys {
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<[u8; 32], Arc<hmac::Key>>,
    old: HashMap<[u8; 32], Arc<hmac::Key>>,
}

impl SigningKeys {
    /// The key of `secret` for a day and region.
    pub(super) fn key(&self, secret: &[u8], day: &str, region: &str) -> Arc<hmac::Key> {
        let name = name(secret, day, region);
        // A panic cannot leave a map half changed, so a poisoned lock holds good keys.
        let lock = || self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = lock().find(&name) {
            return key;
        }
        let key = Arc::new(derive(secret, [day, region, SERVICE, TERMINAL]));
        lock().insert(name, Arc::clone(&key));
        key
    }
}

impl Generations {
    fn find(&mut self, name: &[u8; 32]) -> Option<Arc<hmac::Key>> {
        if let Some(key) = self.young.get(name) {
            return Some(Arc::clone(key));
        }
        let key = self.old.remove(name)?;
        self.insert(*name, Arc::clone(&key));
        Some(key)
    }

    fn insert(&mut self, name: [u8; 32], key: Arc<hmac::Key>) {
        if self.young.len() >= GENERATION_KEYS_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(name, key);
    }
}

/// A digest over everything that a key is derived from. It tells no more about the secret than the
/// key beside it does.
fn name(secret: &[u8], day: &str, region: &str) -> [u8; 32] {
    let mut context = digest::Context::new(&SHA256);
    for part in [day.as_bytes(), b"\0", region.as_bytes(), b"\0", secret] {
        context.update(part);
    }
    context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKeys(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &hmac::Key) -> Vec<u8> {
        hmac::sign(key, b"x").as_ref().to_vec()
    }

    #[test]
    fn another_secret_day_or_region_is_another_key() {
        let keys = SigningKeys::default();
        let first = keys.key(b"secret", "20260101", "us-east-1");
        assert!(Arc::ptr_eq(&first, &keys.key(b"secret", "20260101", "us-east-1")));
        for other in [
            keys.key(b"secre2", "20260101", "us-east-1"),
            keys.key(b"secret", "20260102", "us-east-1"),
            keys.key(b"secret", "20260101", "eu-west-1"),
        ] {
            assert_ne!(tag(&first), tag(&other));
        }
    }

    #[test]
    fn the_cache_is_bounded_and_keeps_what_is_used() {
        let keys = SigningKeys::default();
        let used = keys.key(b"used", "20260101", "r");
        for number in 0..5 * GENERATION_KEYS_MAX {
            keys.key(&number.to_be_bytes(), "20260101", "r");
            if number % 100 == 0 {
                assert!(Arc::ptr_eq(&used, &keys.key(b"used", "20260101", "r")), "{number}");
            }
        }
        let kept = keys.generations.lock().unwrap();
        assert!(kept.young.len() <= GENERATION_KEYS_MAX && kept.old.len() <= GENERATION_KEYS_MAX);
    }
}
