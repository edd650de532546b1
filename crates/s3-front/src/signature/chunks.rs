//! The signatures of an aws-chunked body: each covers a chunk and the signature before it, the first
//! one that of the request.
//!
//! Follows the S3 API reference, "Transferring Payload in Multiple Chunks" and "... Trailing Headers".

use std::sync::Arc;

use aws_lc_rs::{constant_time, hmac};

use super::error::Mismatch;
use super::hex;

/// SHA-256 of nothing, which stands for a chunk's (absent) headers.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Checks the signatures of the chunks of one body, in order.
pub struct ChunkSigner {
    pub(super) key: Arc<hmac::Key>,
    pub(super) access_key_id: String,
    /// `YYYYMMDDTHHMMSSZ`, a newline, the scope.
    pub(super) time_and_scope: String,
    pub(super) previous: [u8; 64],
    pub(super) trailer: bool,
}

impl ChunkSigner {
    /// Whether the body ends with a signed trailer.
    pub fn has_trailer(&self) -> bool {
        self.trailer
    }

    /// Checks the next chunk's signature, given the SHA-256 of its bytes. Once it has failed, all
    /// that follow fail.
    pub fn verify_chunk(&mut self, sha256: &[u8; 32], given: &[u8]) -> Result<(), Box<Mismatch>> {
        let hash = hex::text(sha256);
        self.verify("AWS4-HMAC-SHA256-PAYLOAD", &[EMPTY_SHA256, &hash], given)
    }

    /// Checks the trailer's signature, given the SHA-256 of its lines `name:value\n`.
    pub fn verify_trailer(&mut self, sha256: &[u8; 32], given: &[u8]) -> Result<(), Box<Mismatch>> {
        let hash = hex::text(sha256);
        self.verify("AWS4-HMAC-SHA256-TRAILER", &[&hash], given)
    }

    fn verify(&mut self, kind: &str, hashes: &[&str], given: &[u8]) -> Result<(), Box<Mismatch>> {
        let previous = std::str::from_utf8(&self.previous).expect("hexadecimal digits");
        let mut text = [kind, &self.time_and_scope, previous].join("\n");
        for hash in hashes {
            text.push('\n');
            text.push_str(hash);
        }
        let tag = hmac::sign(&self.key, text.as_bytes());
        self.previous = hex::encode(tag.as_ref().try_into().expect("HMAC-SHA256 has 32 bytes"));
        if constant_time::verify_slices_are_equal(&self.previous, given).is_ok() {
            return Ok(());
        }
        Err(Box::new(Mismatch {
            access_key_id: self.access_key_id.clone(),
            string_to_sign: Some(text),
            signature_provided: String::from_utf8_lossy(given).into_owned(),
            canonical_request: None,
        }))
    }
}

impl std::fmt::Debug for ChunkSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChunkSigner").field("trailer", &self.trailer).finish_non_exhaustive()
    }
}

#[cfg(test)]
impl ChunkSigner {
    /// The signer of the S3 API reference's example: its key pair, time, scope and, before the
    /// first chunk, `seed`.
    pub(crate) fn documented(seed: &str, trailer: bool) -> Self {
        let scope = ["20130524", "us-east-1", "s3", "aws4_request"];
        let key = super::signing_key::derive(b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", scope);
        Self {
            key: Arc::new(key),
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            time_and_scope: format!("20130524T000000Z\n{}", scope.join("/")),
            previous: seed.as_bytes().try_into().unwrap(),
            trailer,
        }
    }
}
