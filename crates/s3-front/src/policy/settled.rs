//! Conditions that are decided once for a request that asks about many keys.
//!
//! Guarantees: what is settled is what would be found for each of the keys; a condition that depends on the
//! key is left open.
//! Does not: look at actions, resources or principals.

use super::{context::Context, document::Statement, evaluate::Policies};

/// For each statement of the policies whether its conditions hold; `None`: that depends on the key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    bucket: Vec<Option<bool>>,
    identity: Vec<Option<bool>>,
}

/// The condition keys, in lower case, whose values differ between the keys of one request.
const VARYING: &[&str] = &["s3:existingobjecttag/", "s3:versionid"];

impl Settled {
    /// What can be settled under the context that all keys have in common.
    pub fn of(policies: &Policies<'_>, context: &Context) -> Self {
        let settle = |statement: &Statement| statement.settled(context);
        let bucket = match policies.bucket {
            Some(Ok(policy)) => {
                policy.statements.iter().map(|(_, statement)| settle(statement)).collect()
            }
            _ => Vec::new(),
        };
        let identity = match policies.identity {
            Some(Ok(policy)) => policy.statements.iter().map(settle).collect(),
            _ => Vec::new(),
        };
        Self { bucket, identity }
    }

    /// For the statements of the bucket's policy.
    pub(super) fn bucket(&self) -> &[Option<bool>] {
        &self.bucket
    }

    /// For the statements of the user's policy.
    pub(super) fn identity(&self) -> &[Option<bool>] {
        &self.identity
    }
}

impl Statement {
    fn settled(&self, context: &Context) -> Option<bool> {
        let varies = VARYING.iter().any(|prefix| self.conditions.mention(prefix));
        (!varies).then(|| self.conditions.hold(context))
    }
}

#[cfg(test)]
mod tests {
    use object_engine::model::{AccountId, BucketName};

    use super::*;
    use crate::policy::{Action, BucketPolicy, Caller, Question, Resource, evaluate};

    /// Of each key the decision is the same, settled or not.
    #[test]
    fn what_is_settled_is_what_is_found() {
        let allow = r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::bkt/*"}"#;
        let id = AccountId("alice-id".into());
        let owner = AccountId("owner-id".into());
        for (condition, open) in [
            (r#"{"StringLike": {"aws:UserAgent": "curl*"}}"#, false),
            (r#"{"StringEquals": {"s3:VersionId": "v1"}}"#, true),
            (r#"{"StringEquals": {"aws:UserAgent": "${s3:VersionId}"}}"#, true),
            (r#"{"StringEquals": {"s3:ExistingObjectTag/a": "b"}}"#, true),
            (r#"{"Null": {"aws:Referer": "false"}}"#, false),
        ] {
            let deny = allow
                .replace("Allow", "Deny")
                .replace("\"}", &format!("\", \"Condition\": {condition}}}"));
            let document =
                format!(r#"{{"Version": "2012-10-17", "Statement": [{allow}, {deny}]}}"#);
            let policy =
                BucketPolicy::parse(&document, &BucketName::parse("bkt").unwrap()).unwrap();
            let policies =
                Policies { owner: Some(&owner), bucket: Some(Ok(&policy)), ..Policies::default() };
            for agent in ["curl/8", "v1", "x"] {
                let mut common = Context::default();
                common.set("aws:UserAgent", agent);
                let settled = Settled::of(&policies, &common);
                assert_eq!(settled.bucket()[1].is_none(), open, "{condition}");
                for (version, tag) in [("v1", "b"), ("v2", "c")] {
                    let mut context = common.clone();
                    context.set("s3:VersionId", version);
                    context.set("s3:ExistingObjectTag/a", tag);
                    let question = Question {
                        caller: Caller::Account { id: &id, name: "alice" },
                        action: Action::DeleteObject,
                        resource: Resource::Object("bkt", "k"),
                        context: &context,
                    };
                    let expected = evaluate(&question, &policies);
                    let with = Policies { settled: Some(&settled), ..policies };
                    assert_eq!(
                        evaluate(&question, &with),
                        expected,
                        "{condition} {agent} {version}"
                    );
                }
            }
        }
    }
}
