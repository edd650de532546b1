//! The decision: the table at the head of `policy`, row by row.
//!
//! Guarantees: no row allows what a Deny denies, but for row 1.
//! Does not: fetch anything; the policies in question are given.

use object_engine::model::AccountId;

use super::{
    acls::Acls,
    action::{Action, Level},
    context::Context,
    document::{BucketPolicy, Effect, IdentityPolicy, Statement},
    explain::{Decision, Explanation, PolicyKind, Reason, StatementName},
    principal::Caller,
    resource::Resource,
    settled::Settled,
};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who asks.
    pub caller: Caller<'a>,
    /// To do what.
    pub action: Action,
    /// To what.
    pub resource: Resource<'a>,
    /// With which conditions.
    pub context: &'a Context,
}

/// What is to be considered. A policy that cannot be read refuses.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policies<'a> {
    /// Whose bucket it is; `None` if the question is about no bucket, or one that is yet to be.
    pub owner: Option<&'a AccountId>,
    /// The bucket's policy.
    pub bucket: Option<Readable<'a, BucketPolicy>>,
    /// The user's policy.
    pub identity: Option<Readable<'a, IdentityPolicy>>,
    /// RestrictPublicBuckets.
    pub restrict_public: bool,
    /// What ACLs say.
    pub acls: Acls,
    /// Which conditions are decided already.
    pub settled: Option<&'a Settled>,
}

/// A policy, if the stored document could be read.
pub type Readable<'a, P> = Result<&'a P, Unreadable>;

/// A stored document that is no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// Decides.
pub fn evaluate(question: &Question<'_>, policies: &Policies<'_>) -> Decision {
    let (allowed, reason) = match decide(question, policies) {
        Ok(reason) => (true, reason),
        Err(reason) => (false, reason),
    };
    Decision { allowed, explanation: Explanation { action: question.action, reason } }
}

/// `Ok`: why it is allowed. `Err`: why it is denied.
fn decide(question: &Question<'_>, policies: &Policies<'_>) -> Result<Reason, Reason> {
    let caller = question.caller;
    let is_root = matches!(caller, Caller::Root { .. });
    if is_root && question.action.is_about_policy() {
        return Ok(Reason::Root);
    }
    let bucket = readable(policies.bucket, PolicyKind::Bucket)?;
    if policies.depend_on_too_long(question.context) {
        return Err(Reason::ValueTooLong);
    }
    let settled = policies.settled.map(Settled::bucket).unwrap_or_default();
    let by_bucket = |effect| bucket.and_then(|policy| policy.find(question, effect, settled));
    if let Some(name) = by_bucket(Effect::Deny) {
        return Err(Reason::Statement(Effect::Deny, name));
    }
    if is_root {
        return Ok(Reason::Root);
    }
    let identity = readable(policies.identity, PolicyKind::Identity)?;
    let settled = policies.settled.map(Settled::identity).unwrap_or_default();
    let by_identity = |effect| identity.and_then(|policy| policy.find(question, effect, settled));
    if let Some(name) = by_identity(Effect::Deny) {
        return Err(Reason::Statement(Effect::Deny, name));
    }
    let Some(owner) = policies.owner else {
        return without_bucket(caller, identity.is_some(), by_identity(Effect::Allow));
    };
    if policies.acls == Acls::Withheld {
        return Err(Reason::ForeignObject);
    }
    if caller.id() == Some(owner) {
        return Ok(Reason::Owner);
    }
    if policies.restrict_public && bucket.is_some_and(BucketPolicy::is_public) {
        return Err(Reason::RestrictedPublic);
    }
    let allows = match (by_bucket(Effect::Allow), policies.acls) {
        (Some(name), _) => Reason::Statement(Effect::Allow, name),
        (None, Acls::Granted) => Reason::Grant,
        (None, Acls::Pending) => Reason::Pending,
        (None, Acls::Silent | Acls::Withheld) => {
            return Err(Reason::NoStatement(PolicyKind::Bucket));
        }
    };
    if identity.is_some() && by_identity(Effect::Allow).is_none() {
        return Err(Reason::NoStatement(PolicyKind::Identity));
    }
    Ok(allows)
}

impl Policies<'_> {
    /// Whether one of them asks for a value that is too long to be looked at: to take it for absent could
    /// let pass what a Deny means.
    fn depend_on_too_long(&self, context: &Context) -> bool {
        let too_long = context.too_long();
        let mentioned = |prefix: &String| {
            matches!(self.bucket, Some(Ok(policy)) if policy.mentions(prefix))
                || matches!(self.identity, Some(Ok(policy)) if policy.mentions(prefix))
        };
        too_long.iter().any(mentioned)
    }
}

/// Rows 6 to 8.
fn without_bucket(
    caller: Caller<'_>,
    has_identity_policy: bool,
    allows: Option<StatementName>,
) -> Result<Reason, Reason> {
    match (caller, allows) {
        (Caller::Anonymous, _) => Err(Reason::AnonymousAccount),
        (_, Some(name)) => Ok(Reason::Statement(Effect::Allow, name)),
        (_, None) if has_identity_policy => Err(Reason::NoStatement(PolicyKind::Identity)),
        (_, None) => Ok(Reason::Owner),
    }
}

fn readable<P>(policy: Option<Readable<'_, P>>, kind: PolicyKind) -> Result<Option<&P>, Reason> {
    policy.transpose().map_err(|Unreadable| Reason::Unreadable(kind))
}

/// Whether there is any object of the bucket for which, under any conditions, the action could be
/// allowed. DeleteObjects names its keys in its body, which nobody may send who can delete none.
pub fn could_allow(caller: Caller<'_>, actions: &[Action], policies: &Policies<'_>) -> bool {
    if matches!(caller, Caller::Root { .. })
        || caller.id().is_some() && caller.id() == policies.owner
    {
        return true;
    }
    let bucket = match policies.bucket {
        None => None,
        Some(Ok(bucket)) => Some(bucket),
        Some(Err(Unreadable)) => return false,
    };
    let allows = |statement: &Statement| {
        let includes = |action: &Action| statement.actions.include(*action);
        statement.effect == Effect::Allow && actions.iter().any(includes)
    };
    let by_policy = |bucket: &BucketPolicy| {
        bucket
            .statements
            .iter()
            .any(|(principals, statement)| principals.include(&caller) && allows(statement))
    };
    let by_bucket = policies.acls == Acls::Granted || bucket.is_some_and(by_policy);
    let by_identity = match policies.identity {
        None => true,
        Some(Ok(identity)) => identity.statements.iter().any(allows),
        Some(Err(Unreadable)) => false,
    };
    let restricted = policies.restrict_public && bucket.is_some_and(BucketPolicy::is_public);
    by_bucket && by_identity && !restricted
}

impl BucketPolicy {
    /// The first statement of this effect that is about the question.
    fn find(
        &self,
        question: &Question<'_>,
        effect: Effect,
        settled: &[Option<bool>],
    ) -> Option<StatementName> {
        let fits = |at: &usize| {
            let (principals, statement) = &self.statements[*at];
            let settled = settled.get(*at).copied().flatten();
            statement.fits(question, effect, settled) && principals.include(&question.caller)
        };
        let at = (0..self.statements.len()).find(fits)?;
        Some(self.statements[at].1.name(PolicyKind::Bucket, at))
    }

    /// Whether a condition or a variable is about keys that begin so (in lower case).
    pub fn mentions(&self, prefix: &str) -> bool {
        self.statements.iter().any(|(_, statement)| statement.mentions(prefix))
    }
}

impl IdentityPolicy {
    /// The first statement of this effect that is about the question.
    fn find(
        &self,
        question: &Question<'_>,
        effect: Effect,
        settled: &[Option<bool>],
    ) -> Option<StatementName> {
        let fits = |at: &usize| {
            let settled = settled.get(*at).copied().flatten();
            self.statements[*at].fits(question, effect, settled)
        };
        let at = (0..self.statements.len()).find(fits)?;
        Some(self.statements[at].name(PolicyKind::Identity, at))
    }

    /// Whether a condition or a variable is about keys that begin so (in lower case).
    pub fn mentions(&self, prefix: &str) -> bool {
        self.statements.iter().any(|statement| statement.mentions(prefix))
    }
}

impl Statement {
    /// `settled`: whether the conditions hold, if that is known.
    fn fits(&self, question: &Question<'_>, effect: Effect, settled: Option<bool>) -> bool {
        let Question { action, resource, context, .. } = question;
        self.effect == effect
            && settled != Some(false)
            && self.actions.include(*action)
            && self.resources.include(resource, context, effect)
            && settled.unwrap_or_else(|| self.conditions.hold(context))
    }

    fn mentions(&self, prefix: &str) -> bool {
        self.conditions.mention(prefix) || self.resources.mention(prefix)
    }

    fn name(&self, policy: PolicyKind, at: usize) -> StatementName {
        StatementName { policy, number: at + 1, sid: self.sid.clone() }
    }
}

impl Question<'_> {
    /// Whether the resource is of the action's level; a question of another kind is a mistake.
    pub fn is_sound(&self) -> bool {
        let level = match self.resource {
            Resource::Account => Level::Account,
            Resource::Bucket(_) => Level::Bucket,
            Resource::Object(..) => Level::Object,
        };
        self.action.level() == level
    }
}

#[cfg(test)]
mod tests;
