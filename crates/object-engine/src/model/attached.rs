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

/// What stands beside an object's bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attached {
    /// Object tags.
    pub tags: Vec<(String, String)>,
    /// The object's ACL, as a document; `None`: its owner's full control.
    pub acl: Option<String>,
    /// Object Lock's retention.
    pub retention: Option<Retention>,
    /// Object Lock's legal hold.
    pub legal_hold: bool,
}

impl Attached {
    /// Tags and nothing else.
    pub fn tags(tags: Vec<(String, String)>) -> Self {
        Self { tags, ..Self::default() }
    }
}
