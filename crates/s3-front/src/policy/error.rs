//! What can be wrong with a policy, in AWS's words (all are `MalformedPolicy`).
//!
//! Does not: say where in the document; AWS does not either.

use thiserror::Error;

use crate::limits::POLICY_BYTES_MAX;

/// Why a document is no policy. Whoever wrote it must act.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// A list of actions and a list of resources that have nothing to do with each other.
    #[error("Action does not apply to any resource(s) in statement")]
    ActionWithoutResource,
    /// `Allow` for all but some: whoever is not thought of would be allowed.
    #[error("Allow with NotPrincipal is not allowed.")]
    AllowWithNotPrincipal,
    /// A condition key that S3 does not have.
    #[error("Policy has an invalid condition key")]
    ConditionKey,
    /// A condition operator that does not exist.
    #[error("Invalid Condition type : {0}")]
    ConditionOperator(String),
    /// A condition's value that its operator cannot read.
    #[error("Invalid value in Conditions for operator {0}")]
    ConditionValue(String),
    /// `Effect` is neither `Allow` nor `Deny`.
    #[error("Invalid effect: {0}")]
    Effect(String),
    /// No statement.
    #[error("Could not parse the policy: Statement is empty!")]
    EmptyStatement,
    /// An action that S3 does not have.
    #[error("Policy has invalid action")]
    InvalidAction,
    /// Not JSON, or a name stands twice.
    #[error("This policy contains invalid Json")]
    InvalidJson,
    /// A principal that nobody can be.
    #[error("Invalid principal in policy")]
    InvalidPrincipal,
    /// Not an ARN of S3, or another bucket's.
    #[error("Policy has invalid resource")]
    InvalidResource,
    /// A field that every statement needs.
    #[error("Missing required field {0}")]
    MissingField(&'static str),
    /// JSON, but no object.
    #[error("Policies must be valid JSON and the first byte must be '{{'")]
    NotAnObject,
    /// `Principal` in an identity policy, where the user is the principal.
    #[error("Policy document should not specify a principal.")]
    PrincipalInIdentityPolicy,
    /// Two statements of one Sid.
    #[error("Statement IDs (SID) in a single policy must be unique.")]
    RepeatedSid,
    /// Right JSON of the wrong shape.
    #[error("Invalid policy syntax.")]
    Syntax,
    /// Longer than [`POLICY_BYTES_MAX`].
    #[error(
        "Normalized policy document exceeds the maximum allowed size of {POLICY_BYTES_MAX} bytes"
    )]
    TooLarge,
    /// A field that policies do not have.
    #[error("Unknown field {0}")]
    UnknownField(String),
    /// A version of the language that does not exist.
    #[error("The policy must contain a valid version string")]
    Version,
}

/// At most this much of a client's text stands in a message.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}
