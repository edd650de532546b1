//! The two ids that every answer carries.
//!
//! Does not: mean anything; they only tie an answer to the log.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};
use object_engine::entropy::Entropy;

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
const HOST_ID: HeaderName = HeaderName::from_static("x-amz-id-2");

/// `x-amz-request-id` and `x-amz-id-2`.
#[derive(Debug)]
pub(crate) struct RequestId {
    /// 16 upper-case hex digits.
    pub(crate) id: String,
    /// Base64.
    pub(crate) host_id: String,
}

impl RequestId {
    /// Draws both.
    pub(crate) fn draw(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes);
        let (id, host_id) = bytes.split_at(8);
        let digits = id.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let mut text = String::with_capacity(16);
        text.extend(digits.map(|digit| char::from(DIGITS[usize::from(digit)])));
        Self { id: text, host_id: STANDARD.encode(host_id) }
    }

    /// Adds both to an answer.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap) {
        for (name, text) in [(REQUEST_ID, &self.id), (HOST_ID, &self.host_id)] {
            let value =
                HeaderValue::from_str(text).expect("hex digits and base64 are visible ASCII");
            headers.insert(name, value);
        }
    }
}
