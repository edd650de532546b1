//! Why a request was allowed or refused, for the log.
//!
//! Guarantees: names policies, statements and actions; no object key, no header and no key of a
//! customer. A Sid is the policy author's text, so it is cut and escaped.
//! Does not: reach the client, who reads `Access Denied`.

use std::fmt;

use super::{action::Action, document::Effect};

/// Whether a request may go on, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may.
    pub allowed: bool,
    /// Why.
    pub explanation: Explanation,
}

/// Which policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// The bucket's.
    Bucket,
    /// The user's.
    Identity,
}

/// A statement of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementName {
    /// Of which policy.
    pub policy: PolicyKind,
    /// Its place, from 1.
    pub number: usize,
    /// Its Sid.
    pub sid: Option<String>,
}

/// What decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Anonymous callers have no account.
    AnonymousAccount,
    /// The object is another account's than the bucket, and its ACL does not grant it.
    ForeignObject,
    /// An ACL.
    Grant,
    /// No statement of the policy allows.
    NoStatement(PolicyKind),
    /// The account owns the bucket, or asks about itself.
    Owner,
    /// The object's ACL decides, once it is known which object it is.
    Pending,
    /// The policy that is stored cannot be read.
    Unreadable(PolicyKind),
    /// RestrictPublicBuckets.
    RestrictedPublic,
    /// Root.
    Root,
    /// A statement.
    Statement(Effect, StatementName),
    /// A policy asks for a value of the request that is too long to be looked at.
    ValueTooLong,
}

/// An action, and what decided about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The action.
    pub action: Action,
    /// What decided.
    pub reason: Reason,
}

/// Characters of a Sid that are shown.
const SID_CHARS_SHOWN: usize = 64;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = self.action.name();
        match &self.reason {
            Reason::AnonymousAccount => write!(f, "{action} needs an account"),
            Reason::ForeignObject => {
                write!(f, "the object is another account's, whose ACL does not grant {action}")
            }
            Reason::Grant => write!(f, "an ACL grants {action}"),
            Reason::Pending => write!(f, "the object's ACL decides about {action}"),
            Reason::NoStatement(policy) => {
                write!(f, "no statement of the {policy} policy allows {action}")
            }
            Reason::Owner => write!(f, "{action} is the owner's"),
            Reason::RestrictedPublic => {
                write!(
                    f,
                    "RestrictPublicBuckets: the bucket policy is public and allows {action} to nobody but the owner"
                )
            }
            Reason::Root => write!(f, "root may do {action}"),
            Reason::Statement(effect, name) => {
                let verb = match effect {
                    Effect::Allow => "allows",
                    Effect::Deny => "denies",
                };
                write!(f, "{name} {verb} {action}")
            }
            Reason::ValueTooLong => {
                write!(f, "a policy asks for a value that is too long, so {action} is refused")
            }
            Reason::Unreadable(policy) => {
                write!(f, "the {policy} policy cannot be read, so {action} is refused")
            }
        }
    }
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bucket => "bucket",
            Self::Identity => "identity",
        })
    }
}

impl fmt::Display for StatementName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "statement {} of the {} policy", self.number, self.policy)?;
        match &self.sid {
            Some(sid) => {
                let shown: String = sid.chars().take(SID_CHARS_SHOWN).collect();
                write!(f, " (Sid {shown:?})")
            }
            None => Ok(()),
        }
    }
}
