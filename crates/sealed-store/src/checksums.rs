//! Checksums of whole objects, derived from those of their parts.
//!
//! Guarantees: what S3 defines: a full-object CRC is the combination of the parts' CRCs; a composite
//! checksum is the digest of the parts' digests.
//!
//! Does not: read an object's bytes again.

use crc_fast::CrcAlgorithm;
use sealed_format::{Checksum, ChecksumAlgorithm, ChecksumKind};

/// The names that listings show: algorithm and type.
pub(crate) fn names(checksum: &Checksum) -> (String, String) {
    algorithm_names(checksum.algorithm, checksum.kind)
}

/// The names that listings show of a chosen algorithm and kind.
pub(crate) fn algorithm_names(
    algorithm: ChecksumAlgorithm,
    kind: ChecksumKind,
) -> (String, String) {
    let algorithm = match algorithm {
        ChecksumAlgorithm::Crc32 => "CRC32",
        ChecksumAlgorithm::Crc32c => "CRC32C",
        ChecksumAlgorithm::Crc64Nvme => "CRC64NVME",
        ChecksumAlgorithm::Sha1 => "SHA1",
        ChecksumAlgorithm::Sha256 => "SHA256",
    };
    let kind = match kind {
        ChecksumKind::FullObject => "FULL_OBJECT",
        ChecksumKind::Composite => "COMPOSITE",
    };
    (algorithm.to_owned(), kind.to_owned())
}

/// Gathers the parts' checksums, in order, into the object's.
pub(crate) struct Combiner {
    algorithm: ChecksumAlgorithm,
    kind: ChecksumKind,
    parts: u32,
    state: State,
}

/// What has been gathered.
enum State {
    /// The CRC of everything so far.
    Crc(Option<u64>),
    /// The parts' raw digests, one after the other.
    Digests(Vec<u8>),
    /// A part had no checksum of the object's algorithm: the object has none.
    Broken,
}

impl Combiner {
    /// For an object of this algorithm and kind.
    pub(crate) fn new(algorithm: ChecksumAlgorithm, kind: ChecksumKind) -> Self {
        let state = match kind {
            ChecksumKind::FullObject => State::Crc(None),
            ChecksumKind::Composite => State::Digests(Vec::new()),
        };
        Self { algorithm, kind, parts: 0, state }
    }

    /// Adds the next part: its checksum and its plaintext length in bytes.
    pub(crate) fn add(&mut self, checksum: Option<&Checksum>, length: u64) {
        self.parts += 1;
        let value = checksum.filter(|sum| sum.algorithm == self.algorithm).map(|sum| &sum.value);
        self.state = match (std::mem::replace(&mut self.state, State::Broken), value) {
            (State::Crc(before), Some(value)) => self.add_crc(before, value, length),
            (State::Digests(mut digests), Some(value)) => {
                digests.extend_from_slice(value);
                State::Digests(digests)
            }
            (State::Broken, _) | (_, None) => State::Broken,
        };
    }

    /// The state after a part's CRC.
    fn add_crc(&self, before: Option<u64>, value: &[u8], length: u64) -> State {
        let Some(algorithm) = crc_algorithm(self.algorithm) else { return State::Broken };
        let part = value.iter().fold(0, |crc: u64, byte| crc << 8 | u64::from(*byte));
        State::Crc(Some(match before {
            None => part,
            Some(before) => crc_fast::checksum_combine(algorithm, before, part, length),
        }))
    }

    /// The object's checksum, if every part had one.
    pub(crate) fn finish(self) -> Option<Checksum> {
        let value = match self.state {
            State::Crc(crc) => crc_bytes(self.algorithm, crc?),
            State::Digests(digests) => digest(self.algorithm, &digests),
            State::Broken => return None,
        };
        let parts = match self.kind {
            ChecksumKind::FullObject => 0,
            ChecksumKind::Composite => self.parts,
        };
        Some(Checksum { algorithm: self.algorithm, kind: self.kind, value, parts })
    }
}

/// The CRC in `crc-fast`'s terms.
fn crc_algorithm(algorithm: ChecksumAlgorithm) -> Option<CrcAlgorithm> {
    match algorithm {
        ChecksumAlgorithm::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
        ChecksumAlgorithm::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
        ChecksumAlgorithm::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
        ChecksumAlgorithm::Sha1 | ChecksumAlgorithm::Sha256 => None,
    }
}

/// A CRC's value as S3 writes it: big-endian, as wide as the CRC.
fn crc_bytes(algorithm: ChecksumAlgorithm, crc: u64) -> Vec<u8> {
    let bytes = crc.to_be_bytes();
    match algorithm {
        ChecksumAlgorithm::Crc64Nvme => bytes.to_vec(),
        _ => bytes[4..].to_vec(),
    }
}

/// The digest of the parts' digests.
fn digest(algorithm: ChecksumAlgorithm, digests: &[u8]) -> Vec<u8> {
    use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
    match (algorithm, crc_algorithm(algorithm)) {
        (_, Some(crc)) => crc_bytes(algorithm, crc_fast::checksum(crc, digests)),
        (ChecksumAlgorithm::Sha256, None) => digest(&SHA256, digests).as_ref().to_vec(),
        (_, None) => digest(&SHA1_FOR_LEGACY_USE_ONLY, digests).as_ref().to_vec(),
    }
}

/// A checksum of bytes as they pass.
pub(crate) struct Running {
    algorithm: ChecksumAlgorithm,
    state: RunningState,
}

/// The digest at work.
enum RunningState {
    Crc(Box<crc_fast::Digest>),
    Sha(aws_lc_rs::digest::Context),
}

impl Running {
    /// Nothing has passed yet.
    pub(crate) fn new(algorithm: ChecksumAlgorithm) -> Self {
        use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
        let state = match (crc_algorithm(algorithm), algorithm) {
            (Some(crc), _) => RunningState::Crc(Box::new(crc_fast::Digest::new(crc))),
            (None, ChecksumAlgorithm::Sha256) => RunningState::Sha(Context::new(&SHA256)),
            (None, _) => RunningState::Sha(Context::new(&SHA1_FOR_LEGACY_USE_ONLY)),
        };
        Self { algorithm, state }
    }

    /// These bytes passed.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            RunningState::Crc(digest) => digest.update(bytes),
            RunningState::Sha(context) => context.update(bytes),
        }
    }

    /// The checksum of all that passed.
    pub(crate) fn finish(&self) -> (ChecksumAlgorithm, Vec<u8>) {
        let value = match &self.state {
            RunningState::Crc(digest) => crc_bytes(self.algorithm, digest.finalize()),
            RunningState::Sha(context) => context.clone().finish().as_ref().to_vec(),
        };
        (self.algorithm, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crc(algorithm: ChecksumAlgorithm, bytes: &[u8]) -> Checksum {
        let crc = crc_algorithm(algorithm).unwrap();
        let value = crc_bytes(algorithm, crc_fast::checksum(crc, bytes));
        Checksum { algorithm, kind: ChecksumKind::FullObject, value, parts: 0 }
    }

    #[test]
    fn a_full_object_crc_is_the_crc_of_the_whole() {
        for algorithm in
            [ChecksumAlgorithm::Crc32, ChecksumAlgorithm::Crc32c, ChecksumAlgorithm::Crc64Nvme]
        {
            let (one, two, three) = (vec![1; 1_000], vec![2; 17], vec![3; 70_000]);
            let mut combiner = Combiner::new(algorithm, ChecksumKind::FullObject);
            for part in [&one, &two, &three] {
                combiner.add(Some(&crc(algorithm, part)), part.len() as u64);
            }
            let whole = [one, two, three].concat();
            assert_eq!(combiner.finish().unwrap().value, crc(algorithm, &whole).value);
        }
    }

    #[test]
    fn a_composite_checksum_is_the_digest_of_the_digests() {
        let part = |byte: u8| {
            let value = digest(ChecksumAlgorithm::Sha256, &[byte]);
            let kind = ChecksumKind::FullObject;
            Checksum { algorithm: ChecksumAlgorithm::Sha256, kind, value, parts: 0 }
        };
        let mut combiner = Combiner::new(ChecksumAlgorithm::Sha256, ChecksumKind::Composite);
        combiner.add(Some(&part(1)), 1);
        combiner.add(Some(&part(2)), 1);
        let whole = combiner.finish().unwrap();
        let both = [part(1).value, part(2).value].concat();
        assert_eq!((whole.value, whole.parts), (digest(ChecksumAlgorithm::Sha256, &both), 2));
    }

    #[test]
    fn a_part_without_a_checksum_leaves_the_object_without_one() {
        let mut combiner = Combiner::new(ChecksumAlgorithm::Crc32, ChecksumKind::FullObject);
        combiner.add(Some(&crc(ChecksumAlgorithm::Crc32, b"a")), 1);
        combiner.add(None, 1);
        assert!(combiner.finish().is_none());
    }
}
