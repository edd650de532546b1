//! Who may do what: the question to `policy`, and what follows from its answer.
//!
//! Guarantees: asked before anything of the operation is looked at but its name, its key and the raw
//! SSE-C algorithm; a refused caller learns nothing of another account's bucket but that its name is
//! taken. Why a request was refused stands in the log, and no key of a customer does.
//! Does not: read ACLs.

use object_engine::model::{AccountId, Bucket, Lookup, ObjectKey, VersionSelector};

use super::{
    Call,
    authorise::Actions,
    policies::{Parsed, as_readable, public_access_block},
};
use crate::{
    error::{ErrorCode, S3Error, S3Result},
    identity::Principal,
    policy::{
        self, Action, Context, Decision, IdentityPolicy, Policies, Question, Resource, could_allow,
        evaluate,
    },
    request::listing,
    response::object::version_name,
    service::Inner,
};

/// An authentic caller.
#[derive(Debug)]
pub(crate) struct Caller<'a> {
    /// The account.
    pub(crate) id: &'a AccountId,
    /// What listings show of it.
    pub(crate) display_name: &'a str,
    is_root: bool,
}

impl<'a> Caller<'a> {
    /// The caller behind a principal; an anonymous one is denied.
    fn of(principal: &'a Principal, service: &'a Inner) -> S3Result<Self> {
        let root = &service.options.root;
        match principal {
            Principal::Anonymous => Err(denied()),
            Principal::Account(account) => {
                Ok(Self { id: &account.id, display_name: &account.display_name, is_root: false })
            }
            Principal::Root => {
                Ok(Self { id: &root.id, display_name: &root.display_name, is_root: true })
            }
        }
    }

    /// Whose buckets the caller sees: `None` for everybody's.
    pub(crate) fn sees(&self) -> Option<&'a AccountId> {
        (!self.is_root).then_some(self.id)
    }
}

/// A principal as policies know it.
pub(crate) fn as_caller<'a>(principal: &'a Principal, service: &'a Inner) -> policy::Caller<'a> {
    match principal {
        Principal::Anonymous => policy::Caller::Anonymous,
        Principal::Account(account) => {
            policy::Caller::Account { id: &account.id, name: &account.name }
        }
        Principal::Root => policy::Caller::Root { id: &service.options.root.id },
    }
}

/// What is to be considered about a bucket, parsed.
struct Considered {
    bucket: Option<Parsed<policy::BucketPolicy>>,
    identity: Option<Parsed<IdentityPolicy>>,
    restrict_public: bool,
}

impl Call<'_> {
    /// Who asks, for an operation that is about no bucket yet; refused unless policies allow it.
    pub(crate) fn account(&self, resource: Resource<'_>) -> S3Result<Caller<'_>> {
        let caller = Caller::of(&self.principal, self.service)?;
        let considered =
            Considered { bucket: None, identity: self.identity(), restrict_public: false };
        if let Actions::All(actions) = &self.needs.actions {
            for action in actions {
                let question = self.question(*action, resource, &self.context);
                self.demand(evaluate(&question, &considered.policies(None)))?;
            }
        }
        Ok(caller)
    }

    /// Refuses unless policies allow all that the request needs of the bucket.
    pub(super) async fn authorise(&self, bucket: &Bucket) -> S3Result<()> {
        let considered = self.considered(bucket);
        let policies = considered.policies(Some(&bucket.owner));
        match &self.needs.actions {
            Actions::All(actions) => {
                let context = self.with_existing_tags(bucket, &considered).await?;
                let context = context.as_ref().unwrap_or(&self.context);
                for action in actions {
                    let resource = self.resource(bucket, self.needs.key.as_ref());
                    self.demand(evaluate(&self.question(*action, resource, context), &policies))?;
                }
            }
            Actions::Some(actions) => {
                if !could_allow(self.policy_caller(), actions, &policies) {
                    tracing::info!(
                        request_id = self.request_id,
                        "refused: no statement allows any deletion"
                    );
                    return Err(denied());
                }
            }
        }
        self.refuse_public_acl(bucket)
    }

    /// Asks again with the tags that a request's body brings, which were not known when it was
    /// authorised first: a statement may deny them.
    pub(crate) async fn authorise_tags(
        &self,
        bucket: &Bucket,
        action: Action,
        tags: &[(String, String)],
    ) -> S3Result<()> {
        let fill = |context: &mut Context| {
            for (name, value) in tags {
                context.set(&format!("s3:RequestObjectTag/{name}"), value);
                context.add("s3:RequestObjectTagKeys", name);
            }
        };
        self.authorise_with(bucket, action, fill).await
    }

    /// Asks again with what a body brings, which `fill` makes known to conditions.
    pub(super) async fn authorise_with(
        &self,
        bucket: &Bucket,
        action: Action,
        fill: impl FnOnce(&mut Context) + Send,
    ) -> S3Result<()> {
        let considered = self.considered(bucket);
        let existing = self.with_existing_tags(bucket, &considered).await?;
        let mut context = existing.unwrap_or_else(|| self.context.clone());
        fill(&mut context);
        let resource = self.resource(bucket, self.needs.key.as_ref());
        let question = self.question(action, resource, &context);
        self.demand(evaluate(&question, &considered.policies(Some(&bucket.owner))))
    }

    /// Refuses unless policies allow an action on a key, or a version of it, that the request names
    /// elsewhere than in its path.
    pub(crate) async fn authorise_key(
        &self,
        bucket: &Bucket,
        target: (&ObjectKey, VersionSelector),
        action: Action,
    ) -> S3Result<()> {
        self.demand(self.decide_key(bucket, target, action).await?)
    }

    /// Whether policies allow an action on a key, or a version of it.
    pub(super) async fn decide_key(
        &self,
        bucket: &Bucket,
        (key, selector): (&ObjectKey, VersionSelector),
        action: Action,
    ) -> S3Result<Decision> {
        let considered = self.considered(bucket);
        let mut context = self.context.clone();
        context.set_if("s3:VersionId", selector_name(selector));
        if considered.mentions(EXISTING_TAG) {
            self.add_existing_tags(&mut context, bucket, (key, selector)).await?;
        }
        let question = self.question(action, self.resource(bucket, Some(key)), &context);
        Ok(evaluate(&question, &considered.policies(Some(&bucket.owner))))
    }

    /// Whether the caller may know which keys the bucket has.
    pub(crate) fn may_list(&self, bucket: &Bucket) -> bool {
        let resource = Resource::Bucket(bucket.name.as_str());
        let question = self.question(Action::ListBucket, resource, &self.context);
        let considered = self.considered(bucket);
        evaluate(&question, &considered.policies(Some(&bucket.owner))).allowed
    }

    /// Refuses everybody but the bucket's owner and root, as AWS does with bucket policies: the
    /// permission for them cannot be given to another account.
    pub(crate) fn check_owner(&self, bucket: &Bucket) -> S3Result<()> {
        match &self.principal {
            Principal::Root => Ok(()),
            Principal::Account(account) if account.id == bucket.owner => Ok(()),
            Principal::Account(_) | Principal::Anonymous => {
                Err(S3Error::new(ErrorCode::MethodNotAllowed)
                    .element("Method", self.head.method.as_str())
                    .element("ResourceType", "BUCKETPOLICY"))
            }
        }
    }

    /// Whose a new object is: the caller's, or of the bucket's owner where a policy lets anybody write.
    pub(crate) fn owner_in<'b>(&'b self, bucket: &'b Bucket) -> &'b AccountId {
        self.policy_caller().id().unwrap_or(&bucket.owner)
    }

    fn policy_caller(&self) -> policy::Caller<'_> {
        as_caller(&self.principal, self.service)
    }

    fn question<'q>(
        &'q self,
        action: Action,
        resource: Resource<'q>,
        context: &'q Context,
    ) -> Question<'q> {
        let question = Question { caller: self.policy_caller(), action, resource, context };
        debug_assert!(question.is_sound(), "an action on a resource of another kind");
        question
    }

    fn resource<'b>(&self, bucket: &'b Bucket, key: Option<&'b ObjectKey>) -> Resource<'b> {
        match key {
            None => Resource::Bucket(bucket.name.as_str()),
            Some(key) => Resource::Object(bucket.name.as_str(), key.as_str()),
        }
    }

    fn identity(&self) -> Option<Parsed<IdentityPolicy>> {
        match &self.principal {
            Principal::Account(account) => {
                account.policy.as_deref().map(|policy| self.service.policies.of_identity(policy))
            }
            Principal::Anonymous | Principal::Root => None,
        }
    }

    fn considered(&self, bucket: &Bucket) -> Considered {
        Considered {
            bucket: self.service.policies.of_bucket(bucket),
            identity: self.identity(),
            restrict_public: public_access_block(bucket).restrict_public_buckets,
        }
    }

    /// The context with the tags that the object has, if a policy asks for them.
    async fn with_existing_tags(
        &self,
        bucket: &Bucket,
        considered: &Considered,
    ) -> S3Result<Option<Context>> {
        let Some(key) = self.needs.key.as_ref().filter(|_| considered.mentions(EXISTING_TAG))
        else {
            return Ok(None);
        };
        let Ok(selector) = listing::version(&self.head.query) else { return Ok(None) };
        let mut context = self.context.clone();
        self.add_existing_tags(&mut context, bucket, (key, selector)).await?;
        Ok(Some(context))
    }

    async fn add_existing_tags(
        &self,
        context: &mut Context,
        bucket: &Bucket,
        (key, selector): (&ObjectKey, VersionSelector),
    ) -> S3Result<()> {
        let found = self.engine().version(bucket, key, selector).await?;
        if let Lookup::Object(_, object) = found {
            for (name, value) in &object.attached.tags {
                context.set(&format!("{EXISTING_TAG}{name}"), value);
            }
        }
        Ok(())
    }

    /// BlockPublicAcls: a write that asks for a public ACL is refused, though no ACL grants anything.
    fn refuse_public_acl(&self, bucket: &Bucket) -> S3Result<()> {
        match self.head.filled("x-amz-acl")? {
            Some(acl) if PUBLIC_ACLS.contains(&acl) => {
                if public_access_block(bucket).block_public_acls {
                    tracing::info!(request_id = self.request_id, "refused: BlockPublicAcls");
                    return Err(denied());
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn demand(&self, decision: Decision) -> S3Result<()> {
        if decision.allowed {
            return Ok(());
        }
        let why = decision.explanation;
        tracing::info!(request_id = self.request_id, "refused: {why}");
        Err(denied())
    }
}

impl Considered {
    fn policies<'c>(&'c self, owner: Option<&'c AccountId>) -> Policies<'c> {
        Policies {
            owner,
            bucket: as_readable(&self.bucket),
            identity: as_readable(&self.identity),
            restrict_public: self.restrict_public,
        }
    }

    fn mentions(&self, prefix: &str) -> bool {
        let by_bucket = matches!(&self.bucket, Some(Ok(policy)) if policy.mentions(prefix));
        let by_identity = matches!(&self.identity, Some(Ok(policy)) if policy.mentions(prefix));
        by_bucket || by_identity
    }
}

/// `s3:VersionId`: how a request names the version, if it does.
fn selector_name(selector: VersionSelector) -> Option<String> {
    match selector {
        VersionSelector::Latest => None,
        VersionSelector::Null => Some(version_name(None)),
        VersionSelector::Id(id) => Some(version_name(Some(id))),
    }
}

/// `403 AccessDenied`.
pub(crate) fn denied() -> S3Error {
    ErrorCode::AccessDenied.into()
}

const EXISTING_TAG: &str = "s3:existingobjecttag/";

/// The canned ACLs that would let in others than named accounts.
const PUBLIC_ACLS: &[&str] = &["authenticated-read", "public-read", "public-read-write"];
