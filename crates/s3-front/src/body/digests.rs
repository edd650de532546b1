//! The digests of one body, computed frame by frame, each only where somebody wants it.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use crc_fast::CrcAlgorithm;
use md5::{Digest as _, Md5};

use super::checksum::{Checksum, ChecksumAlgorithm, ChecksumKind};

/// A checksum in the making.
pub(super) struct ChecksumHasher {
    algorithm: ChecksumAlgorithm,
    state: State,
}

#[expect(clippy::large_enum_variant, reason = "one for each body; a box would cost more")]
enum State {
    Crc(crc_fast::Digest),
    Sha(digest::Context),
}

impl ChecksumHasher {
    pub(super) fn new(algorithm: ChecksumAlgorithm) -> Self {
        let crc = |algorithm| State::Crc(crc_fast::Digest::new(algorithm));
        let state = match algorithm {
            ChecksumAlgorithm::Crc32 => crc(CrcAlgorithm::Crc32IsoHdlc),
            ChecksumAlgorithm::Crc32c => crc(CrcAlgorithm::Crc32Iscsi),
            ChecksumAlgorithm::Crc64Nvme => crc(CrcAlgorithm::Crc64Nvme),
            ChecksumAlgorithm::Sha1 => State::Sha(digest::Context::new(&SHA1_FOR_LEGACY_USE_ONLY)),
            ChecksumAlgorithm::Sha256 => State::Sha(digest::Context::new(&SHA256)),
        };
        Self { algorithm, state }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Crc(digest) => digest.update(bytes),
            State::Sha(context) => context.update(bytes),
        }
    }

    pub(super) fn finish(self) -> Checksum {
        let value = match self.state {
            State::Crc(digest) => {
                let bytes = digest.finalize().to_be_bytes();
                bytes[bytes.len() - self.algorithm.value_bytes()..].to_vec()
            }
            State::Sha(context) => context.finish().as_ref().to_vec(),
        };
        Checksum { algorithm: self.algorithm, kind: ChecksumKind::FullObject, value, parts: 0 }
    }
}

/// SHA-256 in the making.
pub(super) struct Sha256(digest::Context);

impl Sha256 {
    pub(super) fn new() -> Self {
        Self(digest::Context::new(&SHA256))
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest so far; begins anew.
    pub(super) fn take(&mut self) -> [u8; 32] {
        let context = std::mem::replace(&mut self.0, digest::Context::new(&SHA256));
        context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
}

/// All that is computed over the plaintext of one body.
#[derive(Default)]
pub(super) struct Digests {
    pub(super) md5: Option<Md5>,
    pub(super) sha256: Option<Sha256>,
    pub(super) checksum: Option<ChecksumHasher>,
    /// What is kept, where that is not the checksum that the client sends.
    pub(super) kept: Option<ChecksumHasher>,
}

impl Digests {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
        if let Some(checksum) = &mut self.checksum {
            checksum.update(bytes);
        }
        if let Some(kept) = &mut self.kept {
            kept.update(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the CRC catalogue and of the SHA standards' own examples.
    #[test]
    fn the_published_check_values_hold() {
        for (algorithm, expected) in [
            (ChecksumAlgorithm::Crc32, "y/Q5Jg=="),
            (ChecksumAlgorithm::Crc32c, "4waSgw=="),
            (ChecksumAlgorithm::Crc64Nvme, "rosUhgp5mIg="),
            (ChecksumAlgorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
            (ChecksumAlgorithm::Sha256, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
        ] {
            let mut hasher = ChecksumHasher::new(algorithm);
            hasher.update(b"1234");
            hasher.update(b"56789");
            let checksum = hasher.finish();
            assert_eq!(checksum.text(), expected, "{}", algorithm.name());
            assert_eq!(algorithm.decode(expected), Some(checksum.value));
        }
    }
}
