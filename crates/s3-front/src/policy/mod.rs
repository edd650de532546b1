//! Who may do what: AWS's policy language, read and evaluated.
//!
//! Guarantees: pure functions of their arguments, no I/O and no clock; an explicit Deny wins; whatever
//! cannot be understood refuses. A customer's key is never in a [`Context`].
//! Does not: know operations or HTTP; `service::authorise` says what a request asks for.
//!
//! Every user is an account of its own, so whoever did not make a bucket is a stranger to it. The first
//! row that fits decides (`evaluate`'s tests go through them row by row):
//!
//! | # | Caller | Case | Decision |
//! |---|---|---|---|
//! | 1 | root | Get-, Put- or DeleteBucketPolicy | allowed, so that nobody is locked out for good |
//! | 2 | any | a statement of the bucket policy denies | denied |
//! | 3 | account | a statement of its identity policy denies | denied |
//! | 4 | root | anything | allowed |
//! | 5 | account | its own bucket | allowed |
//! | 6 | account | no bucket yet (ListBuckets, CreateBucket), no identity policy | allowed |
//! | 7 | account | no bucket yet, identity policy | allowed if a statement of it allows |
//! | 8 | anonymous | no bucket yet | denied |
//! | 9 | stranger, anonymous | RestrictPublicBuckets, and the bucket policy is public | denied |
//! | 10 | stranger, anonymous | no statement of the bucket policy allows, and no ACL grants | denied |
//! | 11 | stranger | has an identity policy, and none of its statements allows | denied |
//! | 12 | stranger, anonymous | otherwise | allowed |
//!
//! Where ACLs are enabled, row 4a stands before row 5: an object of another account than the bucket, to
//! whose owner's ACL the action is left and which does not grant it, is denied, also to the bucket's
//! owner and whatever the bucket policy allows.

mod acls;
mod action;
mod condition;
mod context;
mod document;
mod error;
mod evaluate;
mod explain;
mod json;
mod pattern;
mod principal;
mod public;
mod resource;
mod search;
mod settled;

pub use acls::Acls;
pub(crate) use acls::GrantedBy;
pub use action::{Action, Level};
pub use context::Context;
pub use document::{BucketPolicy, Effect, IdentityPolicy};
pub use error::PolicyError;
pub use evaluate::{Policies, Question, Readable, Unreadable, could_allow, evaluate};
pub use explain::{Decision, Explanation, PolicyKind, Reason, StatementName};
pub use principal::Caller;
pub(crate) use public::ANONYMOUS_USER_ID;
pub use resource::Resource;
pub use settled::Settled;
