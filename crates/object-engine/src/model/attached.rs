//! What stands beside an object: in clear, readable and changeable without its key.
//!
//! Guarantees: none of it is part of the sealed object, so that a change of it makes no new version.
//! Does not: know what an ACL's document says; the S3 front does.

use crate::clock::Timestamp;

/// How an object is held until a date (S3's Object Lock modes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetentionMode {
    /// Until its date only who may bypass governance can delete the version or shorten the time.
    Governance,
    /// Until its date nobody can.
    Compliance,
}

/// A version's retention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Who may lift it.
    pub mode: RetentionMode,
    /// Until when it holds.
    pub until: Timestamp,
}

/// A version's legal hold, once it was ever set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegalHold {
    /// The version stays until the hold is lifted.
    On,
    /// It was lifted, or said to be off.
    Off,
}

/// What keeps a version from being removed at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Who may bypass governance can remove it all the same.
    Governance,
    /// Nobody can: compliance, or a legal hold.
    Firm,
}

/// What stands beside an object's bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attached {
    /// Object tags.
    pub tags: Vec<(String, String)>,
    /// The object's ACL, as a document; `None`: its owner's full control.
    pub acl: Option<String>,
    /// Object Lock's retention.
    pub retention: Option<Retention>,
    /// Object Lock's legal hold; `None`: it was never set.
    pub legal_hold: Option<LegalHold>,
}

impl Attached {
    /// Tags and nothing else.
    pub fn tags(tags: Vec<(String, String)>) -> Self {
        Self { tags, ..Self::default() }
    }

    /// What keeps the version from being removed at `now`; `None`: nothing does.
    pub fn lock_at(&self, now: Timestamp) -> Option<Lock> {
        if self.legal_hold == Some(LegalHold::On) {
            return Some(Lock::Firm);
        }
        let retention = self.retention.filter(|retention| retention.until > now)?;
        Some(match retention.mode {
            RetentionMode::Governance => Lock::Governance,
            RetentionMode::Compliance => Lock::Firm,
        })
    }
}
