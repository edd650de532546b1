//! Many keys of one bucket, each of which policies are asked about.
//!
//! Guarantees: what does not depend on the key is decided once, and others have their turn between two keys:
//! a long policy, a long header and a long list come from three hands, and would multiply.
//! Does not: say what is done to a key; the operation's actions do.

use object_engine::model::{Bucket, ObjectKey, VersionSelector};

use super::{Considered, EXISTING_TAG, Known, selector_name};
use crate::{
    error::S3Result,
    policy::{Acls, Action, Context, Decision, Policies, Settled, evaluate},
    service::Call,
};

/// What policies say of keys of a bucket.
pub(crate) struct Keys<'c> {
    call: &'c Call<'c>,
    bucket: &'c Bucket,
    considered: Considered,
    settled: Option<Settled>,
}

impl<'c> Keys<'c> {
    /// For the one or two questions of an operation about one key.
    pub(super) fn unsettled(call: &'c Call<'c>, bucket: &'c Bucket) -> Self {
        Self { call, bucket, considered: call.considered(bucket), settled: None }
    }

    /// What conditions can ask of a key, or a version of it; `None`: no policy asks.
    pub(crate) async fn context(
        &self,
        (key, selector): (&ObjectKey, VersionSelector),
    ) -> S3Result<Option<Context>> {
        if !self.considered.has_policy() {
            return Ok(None);
        }
        let mut context = self.call.context().clone();
        context.set_if("s3:VersionId", selector_name(selector));
        if self.considered.mentions(EXISTING_TAG) {
            self.call.add_existing_tags(&mut context, self.bucket, (key, selector)).await?;
        }
        Ok(Some(context))
    }

    /// Refuses unless policies allow all of the actions on a key. Where there is a policy others have their
    /// turn after that, since their length and that of the list multiply.
    pub(crate) async fn authorise(
        &self,
        key: &ObjectKey,
        context: Option<&Context>,
        actions: &[Action],
    ) -> S3Result<()> {
        let mut decisions = actions.iter().map(|action| self.decide(key, context, *action));
        let decided = decisions.try_for_each(|decision| self.call.demand(decision));
        if context.is_some() {
            tokio::task::yield_now().await;
        }
        decided
    }

    pub(super) fn decide(
        &self,
        key: &ObjectKey,
        context: Option<&Context>,
        action: Action,
    ) -> Decision {
        let Self { call, bucket, considered, settled } = self;
        let context = context.unwrap_or(Context::UNASKED);
        let question = call.question(action, call.resource(bucket, Some(key)), context);
        let acls = call.acls(bucket, considered, (action, Known::NotYet));
        let policies = considered.policies(Some(&bucket.owner), acls);
        evaluate(&question, &Policies { settled: settled.as_ref(), ..policies })
    }
}

impl Call<'_> {
    /// What policies say of many keys of a bucket, which the request names in its body.
    pub(crate) fn keys<'c>(&'c self, bucket: &'c Bucket) -> Keys<'c> {
        let considered = self.considered(bucket);
        let settled = considered.has_policy().then(|| {
            let policies = considered.policies(Some(&bucket.owner), Acls::Silent);
            Settled::of(&policies, self.context())
        });
        Keys { call: self, bucket, considered, settled }
    }
}
