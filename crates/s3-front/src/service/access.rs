//! Who may do what: the question to `policy`, and what follows from its answer.
//!
//! Guarantees: asked before anything of the operation is looked at but its name, its key and the raw
//! SSE-C algorithm; a refused caller learns nothing of another account's bucket but that its name is
//! taken. Why a request was refused stands in the log, and no key of a customer does.
//!
//! Where ACLs are enabled, a read of an object, or of its ACL, may go on as far as the object's record
//! though nothing allows it yet (`Acls::Pending`): `operations::found`, which every such operation takes
//! its object from, asks again with the very version that it found. Where they are disabled nothing
//! is pending and nothing is asked twice.
//! Does not: know what an ACL may say; `service::acls` does.

mod keys;

pub(crate) use keys::Keys;

use object_engine::model::{
    AccountId, Bucket, Lookup, ObjectKey, StoredObject, Version, VersionSelector,
};

use super::{
    Call, acls,
    authorise::Actions,
    policies::{POLICY, Parsed, as_readable, public_access_block},
};
use crate::{
    acl::{Acl, Asked, AskedGrant, Canned, On, Permission},
    error::{ErrorCode, S3Error, S3Result},
    identity::Principal,
    operations::no_such_key,
    policy::{
        self, Acls, Action, Context, Decision, GrantedBy, IdentityPolicy, Policies, Question,
        Resource, could_allow, evaluate,
    },
    request::{copy_source::CopySource, listing, object_ownership::ObjectOwnership},
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
    acls: Option<BucketAcls>,
}

/// The ACL of a bucket in which ACLs are enabled.
struct BucketAcls {
    acl: Acl,
    ignore_public: bool,
}

/// What is known of the object that an action is about.
#[derive(Clone, Copy)]
enum Known<'a> {
    /// It is being written.
    New,
    /// Nothing yet.
    NotYet,
    /// It was found.
    Found(&'a Version, &'a StoredObject),
}

impl Call<'_> {
    /// Who asks, for an operation that is about no bucket yet; refused unless policies allow it.
    pub(crate) fn account(&self, resource: Resource<'_>) -> S3Result<Caller<'_>> {
        let caller = Caller::of(&self.principal, self.service)?;
        if let Actions::All(actions) = &self.needs.actions {
            for action in actions {
                self.authorise_without_bucket(*action, resource)?;
            }
        }
        Ok(caller)
    }

    /// Refuses unless the caller's own policy, if it has one, allows this of what there is not yet.
    pub(crate) fn authorise_without_bucket(
        &self,
        action: Action,
        resource: Resource<'_>,
    ) -> S3Result<()> {
        let considered = Considered {
            bucket: None,
            identity: self.identity(),
            restrict_public: false,
            acls: None,
        };
        let question = self.question(action, resource, self.context_for(&considered));
        self.demand(evaluate(&question, &considered.policies(None, Acls::Silent)))
    }

    /// Refuses unless policies allow all that the request needs of the bucket.
    pub(super) async fn authorise(&self, bucket: &Bucket) -> S3Result<()> {
        let considered = self.considered(bucket);
        match &self.needs.actions {
            Actions::All(actions) => {
                let context = self.with_existing_tags(bucket, &considered).await?;
                let context = context.as_ref().unwrap_or_else(|| self.context_for(&considered));
                let is_write = actions.contains(&Action::PutObject);
                let known = if is_write { Known::New } else { Known::NotYet };
                for action in actions {
                    let resource = self.resource(bucket, self.needs.key.as_ref());
                    let acls = match *action {
                        Action::PutObjectAcl if is_write && self.hands_over(bucket) => {
                            Acls::Granted
                        }
                        action => self.acls(bucket, &considered, (action, known)),
                    };
                    let policies = considered.policies(Some(&bucket.owner), acls);
                    self.demand(evaluate(&self.question(*action, resource, context), &policies))?;
                }
            }
            Actions::Some(actions) => {
                let grants = |action: &Action| {
                    self.acls(bucket, &considered, (*action, Known::New)) == Acls::Granted
                };
                let acls = if actions.iter().any(grants) { Acls::Granted } else { Acls::Silent };
                let policies = considered.policies(Some(&bucket.owner), acls);
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
        let mut context = existing.unwrap_or_else(|| self.context().clone());
        fill(&mut context);
        let resource = self.resource(bucket, self.needs.key.as_ref());
        let question = self.question(action, resource, &context);
        let acls = self.acls(bucket, &considered, (action, Known::New));
        self.demand(evaluate(&question, &considered.policies(Some(&bucket.owner), acls)))
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
        target: (&ObjectKey, VersionSelector),
        action: Action,
    ) -> S3Result<Decision> {
        let keys = Keys::unsettled(self, bucket);
        let context = keys.context(target).await?;
        Ok(keys.decide(target.0, context.as_ref(), action))
    }

    /// Asks again about the object that the request's path names, now that it is found.
    pub(crate) fn authorise_found(
        &self,
        bucket: &Bucket,
        selector: VersionSelector,
        found: (&Version, &StoredObject),
    ) -> S3Result<()> {
        match &self.needs.actions {
            Actions::All(actions) => self.authorise_object(bucket, selector, (actions, found)),
            Actions::Some(_) => Ok(()),
        }
    }

    /// Asks again about an object that is found now, where its ACL or its tags have a say: what is read is
    /// what was judged.
    pub(crate) fn authorise_object(
        &self,
        bucket: &Bucket,
        selector: VersionSelector,
        (actions, (version, object)): (&[Action], (&Version, &StoredObject)),
    ) -> S3Result<()> {
        if !ObjectOwnership::of(bucket).has_acls() && !self.meets_policy(bucket) {
            return Ok(());
        }
        let considered = self.considered(bucket);
        let by_tags = considered.mentions(EXISTING_TAG);
        let by_acl = |action: Action| {
            considered.acls.is_some() && matches!(GrantedBy::of(action), GrantedBy::Object(_))
        };
        if !by_tags && !actions.iter().any(|action| by_acl(*action)) {
            return Ok(());
        }
        let mut context = self.context().clone();
        context.set_if("s3:VersionId", selector_name(selector));
        if by_tags {
            set_existing_tags(&mut context, object);
        }
        for action in actions.iter().filter(|action| by_tags || by_acl(**action)) {
            let resource = self.resource(bucket, Some(&version.key));
            let acls = self.acls(bucket, &considered, (*action, Known::Found(version, object)));
            let policies = considered.policies(Some(&bucket.owner), acls);
            self.demand(evaluate(&self.question(*action, resource, &context), &policies))?;
        }
        Ok(())
    }

    /// Refuses unless policies allow to read the tags of a copy's source, which was found.
    pub(crate) fn authorise_source_tags(
        &self,
        bucket: &Bucket,
        source: &CopySource,
        (version, object): (&Version, &StoredObject),
    ) -> S3Result<()> {
        let considered = self.considered(bucket);
        let mut context = self.context().clone();
        context.set_if("s3:VersionId", selector_name(source.version));
        set_existing_tags(&mut context, object);
        let action = match source.version {
            VersionSelector::Latest => Action::GetObjectTagging,
            VersionSelector::Null | VersionSelector::Id(_) => Action::GetObjectVersionTagging,
        };
        let resource = self.resource(bucket, Some(&source.key));
        let acls = self.acls(bucket, &considered, (action, Known::Found(version, object)));
        let policies = considered.policies(Some(&bucket.owner), acls);
        self.demand(evaluate(&self.question(action, resource, &context), &policies))
    }

    /// Whether a write asks for no other ACL than full control for the bucket's owner. PutObject is enough
    /// for that, as in AWS's own examples of policies that demand it; a Deny of PutObjectAcl counts.
    fn hands_over(&self, bucket: &Bucket) -> bool {
        let is_owners = |grant: &AskedGrant| grant.is_full_control_of(&bucket.owner);
        match Asked::in_headers(&self.head, On::Object) {
            Ok(Asked::Canned(Canned::BucketOwnerFullControl)) => true,
            Ok(Asked::Grants(grants)) => grants.iter().all(is_owners),
            _ => false,
        }
    }

    /// What ACLs say to an action of the caller.
    fn acls(
        &self,
        bucket: &Bucket,
        considered: &Considered,
        (action, known): (Action, Known<'_>),
    ) -> Acls {
        let Some(BucketAcls { acl, ignore_public }) = &considered.acls else {
            return Acls::Silent;
        };
        let caller = self.caller_id();
        let by_bucket = |permission| match acl.allows(caller, permission, *ignore_public) {
            true => Acls::Granted,
            false => Acls::Silent,
        };
        match (GrantedBy::of(action), known) {
            (GrantedBy::Nothing, Known::New) if action == Action::PutObjectTagging => {
                by_bucket(Permission::Write)
            }
            (GrantedBy::Nothing, _) => Acls::Silent,
            (GrantedBy::Bucket(permission), _) => by_bucket(permission),
            // Who may write an object may say what its ACL is to be, and its tags.
            (GrantedBy::Object(_), Known::New) => by_bucket(Permission::Write),
            (GrantedBy::Object(_), Known::NotYet) => Acls::Pending,
            (GrantedBy::Object(permission), Known::Found(version, object)) => {
                let is_owner = caller == Some(&version.owner);
                // An owner never loses hold of its object's ACL.
                let keeps = is_owner && permission != Permission::Read;
                let acl = acls::of_object(version, object);
                let grants = |acl: Acl| acl.allows(caller, permission, *ignore_public);
                if keeps || acl.is_some_and(grants) {
                    Acls::Granted
                } else if version.owner == bucket.owner {
                    Acls::Silent
                } else {
                    Acls::Withheld
                }
            }
        }
    }

    /// What whoever may list the bucket but not read an object in it is told of a key that is not there:
    /// that it is not, as HeadObject of the S3 API reference has it. `None`: no more than the refusal.
    pub(super) async fn absence(&self, bucket: &Bucket) -> S3Result<Option<S3Error>> {
        let (Actions::All(actions), Some(key)) = (&self.needs.actions, &self.needs.key) else {
            return Ok(None);
        };
        if actions[..] != [Action::GetObject] || !self.may_list(bucket, key) {
            return Ok(None);
        }
        match self.engine().version(bucket, key, VersionSelector::Latest).await? {
            Lookup::NoSuchKey | Lookup::DeleteMarker(_) => Ok(Some(no_such_key(key))),
            Lookup::Object(..) | Lookup::NoSuchVersion => Ok(None),
        }
    }

    /// Whether a copy's source that is not there may be said not to be. (Where ACLs are enabled nothing
    /// else may have allowed a read of it.)
    pub(crate) fn may_miss(&self, bucket: &Bucket, key: &ObjectKey) -> bool {
        !ObjectOwnership::of(bucket).has_acls() || self.may_list(bucket, key)
    }

    /// Whether the caller may know if the bucket has a key: whether it may list what begins with it.
    pub(crate) fn may_list(&self, bucket: &Bucket, key: &ObjectKey) -> bool {
        let resource = Resource::Bucket(bucket.name.as_str());
        let considered = self.considered(bucket);
        let listing = considered.has_policy().then(|| {
            let mut context = self.context().clone();
            context.set("s3:prefix", key.as_str());
            context
        });
        let context = listing.as_ref().unwrap_or(Context::UNASKED);
        let question = self.question(Action::ListBucket, resource, context);
        let acls = self.acls(bucket, &considered, (Action::ListBucket, Known::NotYet));
        evaluate(&question, &considered.policies(Some(&bucket.owner), acls)).allowed
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

    /// The caller's canonical id; `None`: it is anonymous.
    pub(crate) fn caller_id(&self) -> Option<&AccountId> {
        self.policy_caller().id()
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

    /// Whether there is a policy, of the bucket or of the caller.
    fn meets_policy(&self, bucket: &Bucket) -> bool {
        let of_user =
            matches!(&self.principal, Principal::Account(account) if account.policy.is_some());
        of_user || bucket.settings.contains_key(POLICY)
    }

    fn considered(&self, bucket: &Bucket) -> Considered {
        let block = public_access_block(bucket);
        let acls = ObjectOwnership::of(bucket).has_acls().then(|| BucketAcls {
            acl: acls::of_bucket(bucket).unwrap_or_else(|| {
                tracing::error!(bucket = %bucket.name, "a stored ACL cannot be read and grants nothing");
                Acl::default()
            }),
            ignore_public: block.ignore_public_acls,
        });
        Considered {
            bucket: self.service.policies.of_bucket(bucket),
            identity: self.identity(),
            restrict_public: block.restrict_public_buckets,
            acls,
        }
    }

    /// What conditions can ask, if there is a policy that could have one.
    fn context_for(&self, considered: &Considered) -> &Context {
        match considered.has_policy() {
            true => self.context(),
            false => Context::UNASKED,
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
        let mut context = self.context().clone();
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
            set_existing_tags(context, &object);
        }
        Ok(())
    }

    /// BlockPublicAcls: a write that asks for a public ACL by name is refused before anything else of it
    /// is looked at, also where ACLs are disabled.
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
    fn policies<'c>(&'c self, owner: Option<&'c AccountId>, acls: Acls) -> Policies<'c> {
        Policies {
            owner,
            bucket: as_readable(&self.bucket),
            identity: as_readable(&self.identity),
            restrict_public: self.restrict_public,
            acls,
            settled: None,
        }
    }

    fn has_policy(&self) -> bool {
        self.bucket.is_some() || self.identity.is_some()
    }

    fn mentions(&self, prefix: &str) -> bool {
        let by_bucket = matches!(&self.bucket, Some(Ok(policy)) if policy.mentions(prefix));
        let by_identity = matches!(&self.identity, Some(Ok(policy)) if policy.mentions(prefix));
        by_bucket || by_identity
    }
}

fn set_existing_tags(context: &mut Context, object: &StoredObject) {
    for (name, value) in &object.attached.tags {
        context.set(&format!("{EXISTING_TAG}{name}"), value);
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
