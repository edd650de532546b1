//! Where a migration stands, as it is kept in the target.
//!
//! Guarantees: it names the state of the source that it copies, so that a source that was served meanwhile is
//! noticed: every engine takes a lease when it opens, and that writes the record of the next lease.
//! Does not: say what was done since the last commit.

use bytes::Bytes;

use crate::{
    blobs::installation::InstallationId,
    catalog::Space,
    record::{Malformed, Reader, Writer},
};

const FORMAT: u8 = 1;

/// The journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Journal {
    /// Drawn when the migration began. Where blobs are copied it is also the installation that the target becomes:
    /// another than the source's, which may be served again.
    pub(super) id: [u8; 16],
    /// What is copied.
    pub(super) source: Source,
    /// Whether the blobs stay in their place.
    pub(super) blobs_stay: bool,
    /// What is done now.
    pub(super) phase: Phase,
    /// The last key that it was done to; empty at first.
    pub(super) cursor: Vec<u8>,
    /// To how much it was done.
    pub(super) done: Done,
    /// What the source holds; nothing before that was counted.
    pub(super) summary: Summary,
}

/// The state of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// The number of its next lease.
    pub(super) leases: u64,
    /// The write that put it there.
    pub(super) stamp: u64,
    /// A checksum over its accounts and buckets, which hold random ids: another source has another.
    pub(super) roots: u64,
}

/// What is done, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Plan,
    Blobs,
    Records(Space),
    VerifyBlobs,
    VerifyRecords,
    CleanUp,
}

/// How much of a phase is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) count: u64,
    pub(super) bytes: u64,
}

/// What a source holds, as far as it is copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Of the spaces, in their order: index, records, inline.
    pub spaces: [SpaceSummary; 3],
    /// Blobs that something refers to.
    pub blobs: u64,
    /// Their stored bytes.
    pub blob_bytes: u64,
}

/// The records of one space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpaceSummary {
    /// How many.
    pub records: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// CRC-64/NVME over all of them in order, each key and each value after its length.
    pub checksum: u64,
}

impl Summary {
    /// Records of all spaces.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.spaces.iter().map(|space| space.records).sum()
    }
}

const PHASES: [Phase; 8] = [
    Phase::Plan,
    Phase::Blobs,
    Phase::Records(Space::Index),
    Phase::Records(Space::Records),
    Phase::Records(Space::Inline),
    Phase::VerifyBlobs,
    Phase::VerifyRecords,
    Phase::CleanUp,
];

impl Phase {
    fn number(self) -> u8 {
        match self {
            Self::Plan => 0,
            Self::Blobs => 1,
            Self::Records(Space::Index) => 2,
            Self::Records(Space::Records) => 3,
            Self::Records(Space::Inline) => 4,
            Self::VerifyBlobs => 5,
            Self::VerifyRecords => 6,
            Self::CleanUp => 7,
        }
    }
}

impl Journal {
    pub(super) fn new(id: [u8; 16], source: Source, blobs_stay: bool) -> Self {
        let (cursor, done, summary) = Default::default();
        Self { id, source, blobs_stay, phase: Phase::Plan, cursor, done, summary }
    }

    /// Which installation the target becomes, where blobs are copied.
    pub(super) fn installation(&self) -> InstallationId {
        InstallationId(self.id)
    }

    /// Begins a phase. Records are counted over all spaces.
    pub(super) fn enter(&mut self, phase: Phase) {
        if !matches!((self.phase, phase), (Phase::Records(_), Phase::Records(_))) {
            self.done = Done::default();
        }
        self.phase = phase;
        self.cursor.clear();
    }

    pub(super) fn encode(&self) -> Bytes {
        let mut out = Writer::new(FORMAT);
        out.fixed(&self.id).number(self.source.leases).number(self.source.stamp);
        out.fixed(&self.source.roots.to_be_bytes());
        out.byte(u8::from(self.blobs_stay)).byte(self.phase.number()).bytes(&self.cursor);
        out.number(self.done.count).number(self.done.bytes);
        for space in &self.summary.spaces {
            out.number(space.records).number(space.bytes).fixed(&space.checksum.to_be_bytes());
        }
        out.number(self.summary.blobs).number(self.summary.blob_bytes).finish()
    }

    pub(super) fn decode(record: &[u8]) -> Result<Self, Malformed> {
        let mut record = Reader::new(record, "migration", FORMAT)?;
        let id = record.fixed()?;
        let source = Source {
            leases: record.number()?,
            stamp: record.number()?,
            roots: u64::from_be_bytes(record.fixed()?),
        };
        let blobs_stay = record.flag()?;
        let phase = PHASES.get(usize::from(record.byte()?)).ok_or(Malformed("migration"))?;
        let cursor = record.bytes()?.to_vec();
        let done = Done { count: record.number()?, bytes: record.number()? };
        let mut summary = Summary::default();
        for space in &mut summary.spaces {
            space.records = record.number()?;
            space.bytes = record.number()?;
            space.checksum = u64::from_be_bytes(record.fixed()?);
        }
        summary.blobs = record.number()?;
        summary.blob_bytes = record.number()?;
        record.end()?;
        Ok(Self { id, source, blobs_stay, phase: *phase, cursor, done, summary })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_comes_back_in_every_phase() {
        for (number, phase) in PHASES.into_iter().enumerate() {
            assert_eq!(usize::from(phase.number()), number);
            let space = SpaceSummary { records: 7, bytes: 300, checksum: u64::MAX - 1 };
            let journal = Journal {
                phase,
                cursor: b"x/blob\0".to_vec(),
                done: Done { count: 1, bytes: 1 << 40 },
                summary: Summary { spaces: [space; 3], blobs: 9, blob_bytes: 1 << 50 },
                ..Journal::new([3; 16], Source { leases: 5, stamp: 1 << 60, roots: 8 }, true)
            };
            assert_eq!(Journal::decode(&journal.encode()), Ok(journal));
        }
    }

    #[test]
    fn records_are_counted_over_all_spaces() {
        let mut journal = Journal::new([3; 16], Source { leases: 0, stamp: 0, roots: 0 }, false);
        journal.enter(Phase::Records(Space::Index));
        journal.done.count = 5;
        journal.enter(Phase::Records(Space::Records));
        assert_eq!(journal.done.count, 5);
        journal.enter(Phase::VerifyBlobs);
        assert_eq!(journal.done.count, 0);
    }
}
