//! The two ids that every answer carries.
//!
//! Guarantees: no two answers of a process carry the same pair, but by a chance of 1 in 2^256.
//! Does not: mean anything; they only tie an answer to the log. Nothing rests on their being secret, so
//! they are drawn for many requests at once: to ask the generator costs more than what it gives.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};
use object_engine::entropy::Entropy;

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
const HOST_ID: HeaderName = HeaderName::from_static("x-amz-id-2");

/// 8 bytes of the one and 24 of the other.
const BYTES: usize = 32;
/// Requests that are served by one draw: by then the generator is a fortieth of what it was.
const DRAWN_AHEAD: usize = 64;

/// `x-amz-request-id` and `x-amz-id-2`.
#[derive(Debug)]
pub(crate) struct RequestId {
    /// 16 upper-case hex digits.
    pub(crate) id: String,
    /// Base64.
    pub(crate) host_id: String,
}

/// Where ids come from.
pub(super) struct RequestIds {
    entropy: Arc<dyn Entropy>,
    /// What was drawn and not yet given out.
    ahead: Mutex<Vec<[u8; BYTES]>>,
}

impl RequestIds {
    /// Of this generator.
    pub(super) fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self { entropy, ahead: Mutex::default() }
    }

    /// Those of the next request.
    pub(super) fn next(&self) -> RequestId {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        if ahead.is_empty() {
            ahead.resize(DRAWN_AHEAD, [0; BYTES]);
            self.entropy.fill(ahead.as_flattened_mut());
        }
        let bytes = ahead.pop().expect("it was filled where it was empty");
        drop(ahead);
        RequestId::of(&bytes)
    }
}

impl fmt::Debug for RequestIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestIds").finish_non_exhaustive()
    }
}

impl RequestId {
    fn of(bytes: &[u8; BYTES]) -> Self {
        let (id, host_id) = bytes.split_at(8);
        let digits = id.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let mut text = String::with_capacity(16);
        text.extend(digits.map(|digit| char::from(DIGITS[usize::from(digit)])));
        Self { id: text, host_id: STANDARD.encode(host_id) }
    }

    /// Adds both to an answer.
    pub(crate) fn add_to(self, headers: &mut HeaderMap) {
        for (name, text) in [(REQUEST_ID, self.id), (HOST_ID, self.host_id)] {
            let value =
                HeaderValue::try_from(text).expect("hex digits and base64 are visible ASCII");
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        sync::atomic::{AtomicU64, Ordering},
    };

    use super::*;

    /// Counts how often it is asked; each byte of an answer is that of a number in its place.
    #[derive(Debug, Default)]
    struct Counting(AtomicU64);

    impl Entropy for Counting {
        fn fill(&self, out: &mut [u8]) {
            let asked = self.0.fetch_add(1, Ordering::Relaxed);
            for (place, piece) in out.chunks_mut(8).enumerate() {
                piece.copy_from_slice(&(asked << 32 | place as u64).to_be_bytes()[..piece.len()]);
            }
        }
    }

    #[test]
    fn ids_are_drawn_for_many_requests_and_none_comes_twice() {
        let source = Arc::new(Counting::default());
        let ids = RequestIds::new(source.clone());
        let mut seen = BTreeSet::new();
        for _ in 0..3 * DRAWN_AHEAD {
            let RequestId { id, host_id } = ids.next();
            assert_eq!((id.len(), host_id.len()), (16, 32));
            assert!(seen.insert(id) && seen.insert(host_id));
        }
        assert_eq!(source.0.load(Ordering::Relaxed), 3);
    }
}
