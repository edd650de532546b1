//! Signatures against other people's judges: AWS's test suite, the examples of S3's documentation,
//! the reference signer; and what must be refused.

mod documented;
mod reference_signer;
mod refusals;
mod suite;
mod version_2;

use http::{HeaderMap, HeaderName, HeaderValue};
use object_engine::clock::Timestamp;

use super::time::SignedTime;
use super::{Authentication, Payload, RequestHead, SignatureError, Verifier};

/// The key pair of S3's documentation.
pub(super) const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
pub(super) const SECRET: &[u8] = b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// A request that a test can change.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
}

impl Request {
    pub(super) fn new(method: &str, target: &str, headers: &[(&str, &str)]) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: HeaderMap::new(),
        };
        for (name, value) in headers {
            request.add(name, value);
        }
        request
    }

    pub(super) fn add(&mut self, name: &str, value: &str) {
        let name: HeaderName = name.parse().unwrap();
        self.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }

    pub(super) fn head(&self) -> RequestHead<'_> {
        RequestHead {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            host: self.headers.get("host").map_or("", |host| host.to_str().unwrap()),
            headers: &self.headers,
        }
    }

    /// Reads and verifies, as `identity` does.
    pub(super) fn verify(&self, at: &str) -> Result<Payload, SignatureError> {
        let verifier = Verifier::new("us-east-1");
        let head = self.head();
        match verifier.read(&head, moment(at))? {
            Authentication::Anonymous(payload) => Ok(payload),
            Authentication::Signed(claim) if claim.access_key_id() == KEY_ID => {
                verifier.verify(&head, &claim, SECRET)
            }
            Authentication::Signed(claim) => Err(SignatureError::InvalidAccessKeyId {
                access_key_id: claim.access_key_id().to_owned(),
            }),
        }
    }
}

pub(super) fn moment(text: &str) -> Timestamp {
    SignedTime::parse(text.as_bytes()).unwrap().plus_seconds(0)
}
