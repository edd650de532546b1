//! The decision table of `policy`, row by row.

use object_engine::model::BucketName;

use super::*;

struct Case {
    owner: AccountId,
    stranger: AccountId,
    root: AccountId,
    context: Context,
}

impl Case {
    fn new() -> Self {
        let id = |text: &str| AccountId(text.into());
        Self {
            owner: id("owner-id"),
            stranger: id("alice-id"),
            root: id("root-id"),
            context: Context::default(),
        }
    }

    fn callers(&self) -> [Caller<'_>; 4] {
        [
            Caller::Root { id: &self.root },
            Caller::Account { id: &self.owner, name: "owner" },
            Caller::Account { id: &self.stranger, name: "alice" },
            Caller::Anonymous,
        ]
    }

    fn ask<'a>(&'a self, caller: Caller<'a>, action: Action) -> Question<'a> {
        let resource = match action.level() {
            Level::Account => Resource::Account,
            Level::Bucket => Resource::Bucket("bkt"),
            Level::Object => Resource::Object("bkt", "a/b"),
        };
        let question = Question { caller, action, resource, context: &self.context };
        assert!(question.is_sound());
        question
    }

    /// Who of root, owner, stranger and anonymous may do it, with these policies. The identity policy
    /// is each account's.
    fn who(&self, action: Action, bucket: &str, identity: &str) -> [bool; 4] {
        self.who_if(action, bucket, identity, false)
    }

    fn who_if(&self, action: Action, bucket: &str, identity: &str, restrict: bool) -> [bool; 4] {
        let bucket = (!bucket.is_empty()).then(|| bucket_policy(bucket));
        let identity = (!identity.is_empty()).then(|| identity_policy(identity));
        self.callers().map(|caller| {
            let is_account = matches!(caller, Caller::Account { .. });
            let policies = Policies {
                owner: (action.level() != Level::Account && action != Action::CreateBucket)
                    .then_some(&self.owner),
                bucket: bucket.as_ref().map(Ok),
                identity: identity.as_ref().filter(|_| is_account).map(Ok),
                restrict_public: restrict,
                acls: Acls::Silent,
                settled: None,
            };
            evaluate(&self.ask(caller, action), &policies).allowed
        })
    }
}

fn bucket_policy(statements: &str) -> BucketPolicy {
    let document = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
    BucketPolicy::parse(&document, &BucketName::parse("bkt").unwrap()).unwrap()
}

fn identity_policy(statements: &str) -> IdentityPolicy {
    let document = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
    IdentityPolicy::parse(&document).unwrap()
}

const ALL: &str = r#""Action": "s3:*", "Resource": ["arn:aws:s3:::bkt", "arn:aws:s3:::bkt/*"]"#;

fn bucket_statement(effect: &str, principal: &str) -> String {
    format!(r#"{{"Effect": "{effect}", "Principal": {principal}, {ALL}}}"#)
}

fn identity_statement(effect: &str) -> String {
    format!(r#"{{"Effect": "{effect}", "Action": "s3:*", "Resource": "*"}}"#)
}

const EVERYONE: &str = r#""*""#;
const ALICE: &str = r#"{"AWS": "alice"}"#;
const OWNER_AND_ROOT: [bool; 4] = [true, true, false, false];
const ONLY_ROOT: [bool; 4] = [true, false, false, false];
const NOBODY: [bool; 4] = [false; 4];
const ALL_BUT_ANONYMOUS: [bool; 4] = [true, true, true, false];
const EVERYBODY: [bool; 4] = [true; 4];

#[test]
fn row_1_root_may_mend_the_policy() {
    let deny = bucket_statement("Deny", EVERYONE);
    let case = Case::new();
    for action in [Action::GetBucketPolicy, Action::PutBucketPolicy, Action::DeleteBucketPolicy] {
        assert_eq!(case.who(action, &deny, ""), ONLY_ROOT, "{action:?}");
    }
}

#[test]
fn row_2_a_denying_bucket_policy_wins() {
    let case = Case::new();
    let deny = bucket_statement("Deny", EVERYONE);
    let allow = bucket_statement("Allow", EVERYONE);
    for action in [Action::GetObject, Action::ListBucket, Action::GetBucketPolicyStatus] {
        for both in [format!("{allow}, {deny}"), format!("{deny}, {allow}")] {
            assert_eq!(case.who(action, &both, ""), NOBODY, "{action:?}");
            assert_eq!(case.who(action, &both, &identity_statement("Allow")), NOBODY);
        }
    }
    let some = bucket_statement("Deny", r#"{"AWS": ["owner", "arn:aws:iam::root-id:root"]}"#);
    let both = format!("{some}, {allow}");
    assert_eq!(case.who(Action::GetObject, &both, ""), [false, false, true, true]);
}

#[test]
fn row_3_a_denying_identity_policy_wins() {
    let case = Case::new();
    let allow = bucket_statement("Allow", EVERYONE);
    let deny = identity_statement("Deny");
    let both = format!("{}, {deny}", identity_statement("Allow"));
    for identity in [deny, both] {
        let expected = [true, false, false, true];
        assert_eq!(case.who(Action::GetObject, &allow, &identity), expected);
        assert_eq!(case.who(Action::ListAllMyBuckets, "", &identity), ONLY_ROOT);
    }
}

#[test]
fn rows_4_and_5_root_and_the_owner_need_no_policy() {
    let case = Case::new();
    for action in [Action::PutObject, Action::DeleteBucket, Action::PutBucketPolicy] {
        assert_eq!(case.who(action, "", ""), OWNER_AND_ROOT);
    }
    let elsewhere = r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::other"}"#;
    assert_eq!(case.who(Action::PutObject, "", elsewhere), OWNER_AND_ROOT);
}

#[test]
fn rows_6_to_8_without_a_bucket_an_account_is_at_home() {
    let case = Case::new();
    for action in [Action::ListAllMyBuckets, Action::CreateBucket] {
        assert_eq!(case.who(action, "", ""), ALL_BUT_ANONYMOUS);
        assert_eq!(case.who(action, "", &identity_statement("Allow")), ALL_BUT_ANONYMOUS);
        let other = r#"{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}"#;
        assert_eq!(case.who(action, "", other), ONLY_ROOT);
    }
}

#[test]
fn row_9_restricted_public_policies_open_nothing() {
    let case = Case::new();
    let public = bucket_statement("Allow", EVERYONE);
    let who = case.who_if(Action::GetObject, &public, "", true);
    assert_eq!(who, OWNER_AND_ROOT);
    let named = bucket_statement("Allow", ALICE);
    let both = format!("{public}, {named}");
    assert_eq!(case.who_if(Action::GetObject, &both, "", true), OWNER_AND_ROOT);
    let who = case.who_if(Action::GetObject, &named, "", true);
    assert_eq!(who, ALL_BUT_ANONYMOUS, "a policy that is not public is not restricted");
}

#[test]
fn row_10_strangers_need_the_bucket_policy() {
    let case = Case::new();
    assert_eq!(case.who(Action::GetObject, "", &identity_statement("Allow")), OWNER_AND_ROOT);
    let other = bucket_statement("Allow", r#"{"AWS": "bob"}"#);
    assert_eq!(case.who(Action::GetObject, &other, ""), OWNER_AND_ROOT);
    let reads = r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bkt/*"}"#;
    assert_eq!(case.who(Action::PutObject, reads, ""), OWNER_AND_ROOT);
    let elsewhere = reads.replace("bkt/*", "bkt/c/*");
    assert_eq!(case.who(Action::GetObject, &elsewhere, ""), OWNER_AND_ROOT);
}

#[test]
fn row_11_and_their_own_policy_if_they_have_one() {
    let case = Case::new();
    let allow = bucket_statement("Allow", EVERYONE);
    let lists = r#"{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}"#;
    assert_eq!(case.who(Action::GetObject, &allow, lists), [true, true, false, true]);
    assert_eq!(case.who(Action::ListBucket, &allow, lists), EVERYBODY);
}

#[test]
fn row_12_then_they_may() {
    let case = Case::new();
    let allow = bucket_statement("Allow", EVERYONE);
    assert_eq!(case.who(Action::GetObject, &allow, ""), EVERYBODY);
    let alice = bucket_statement("Allow", ALICE);
    assert_eq!(case.who(Action::GetObject, &alice, ""), ALL_BUT_ANONYMOUS);
    assert_eq!(
        case.who(Action::GetObject, &alice, &identity_statement("Allow")),
        ALL_BUT_ANONYMOUS
    );
    let policy_too = case.who(Action::PutBucketPolicy, &alice, "");
    assert_eq!(policy_too, ALL_BUT_ANONYMOUS);
}

#[test]
fn not_forms_invert() {
    let case = Case::new();
    let denies = |not: &str| {
        let allow = bucket_statement("Allow", EVERYONE);
        case.who(Action::GetObject, &format!("{allow}, {not}"), "")
    };
    let all_but_alice = format!(r#"{{"Effect": "Deny", "NotPrincipal": {ALICE}, {ALL}}}"#);
    assert_eq!(denies(&all_but_alice), [false, false, true, false]);
    let not = |what: &str| format!(r#"{{"Effect": "Deny", "Principal": "*", {what}}}"#);
    let other_actions = r#""NotAction": "s3:GetObject", "Resource": "arn:aws:s3:::bkt/*""#;
    assert_eq!(denies(&not(other_actions)), EVERYBODY);
    let this_action = other_actions.replace("GetObject", "PutObject");
    assert_eq!(denies(&not(&this_action)), NOBODY);
    let other_keys = r#""Action": "s3:*", "NotResource": "arn:aws:s3:::bkt/a/*""#;
    assert_eq!(denies(&not(other_keys)), EVERYBODY);
    let this_key = other_keys.replace("/a/", "/c/");
    assert_eq!(denies(&not(&this_key)), NOBODY);
}

#[test]
fn what_cannot_be_read_refuses() {
    let case = Case::new();
    let [root, owner, ..] = case.callers();
    let policies =
        Policies { owner: Some(&case.owner), bucket: Some(Err(Unreadable)), ..Policies::default() };
    for caller in [root, owner] {
        let decision = evaluate(&case.ask(caller, Action::GetObject), &policies);
        assert!(!decision.allowed);
        let expected = "the bucket policy cannot be read, so s3:GetObject is refused";
        assert_eq!(decision.explanation.to_string(), expected);
    }
    assert!(evaluate(&case.ask(root, Action::DeleteBucketPolicy), &policies).allowed);
    let policies = Policies {
        owner: Some(&case.owner),
        identity: Some(Err(Unreadable)),
        ..Policies::default()
    };
    assert!(!evaluate(&case.ask(owner, Action::GetObject), &policies).allowed);
}

#[test]
fn explanations_name_the_statement() {
    let case = Case::new();
    let [_, owner, alice, nobody] = case.callers();
    let allow = bucket_statement("Allow", ALICE);
    let deny = format!(r#"{{"Sid": "No \n reads", "Effect": "Deny", "Principal": "*", {ALL}}}"#);
    let explain = |statements: &str, caller| {
        let policy = bucket_policy(statements);
        let policies =
            Policies { owner: Some(&case.owner), bucket: Some(Ok(&policy)), ..Policies::default() };
        evaluate(&case.ask(caller, Action::GetObject), &policies).explanation.to_string()
    };
    let denied = explain(&format!("{allow}, {deny}"), alice);
    let expected = r#"statement 2 of the bucket policy (Sid "No \n reads") denies s3:GetObject"#;
    assert_eq!(denied, expected);
    let expected = "statement 1 of the bucket policy allows s3:GetObject";
    assert_eq!(explain(&allow, alice), expected);
    let expected = "no statement of the bucket policy allows s3:GetObject";
    assert_eq!(explain(&allow, nobody), expected);
    assert_eq!(explain(&allow, owner), "s3:GetObject is the owner's");
}

#[test]
fn who_can_delete_nothing_need_not_send_a_list() {
    let case = Case::new();
    let delete = &[Action::DeleteObject, Action::DeleteObjectVersion];
    let who = |bucket: &BucketPolicy, identity: Option<&IdentityPolicy>, restrict_public| {
        case.callers().map(|caller| {
            let policies = Policies {
                owner: Some(&case.owner),
                bucket: Some(Ok(bucket)),
                identity: identity.map(Ok),
                restrict_public,
                acls: Acls::Silent,
                settled: None,
            };
            could_allow(caller, delete, &policies)
        })
    };
    let some = bucket_policy(
        r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::bkt/x", "Condition": {"Bool": {"aws:SecureTransport": true}}}"#,
    );
    assert_eq!(who(&some, None, false), EVERYBODY);
    assert_eq!(who(&some, None, true), OWNER_AND_ROOT);
    let none = bucket_policy(&bucket_statement("Deny", EVERYONE));
    assert_eq!(who(&none, None, false), OWNER_AND_ROOT);
    let reads = identity_policy(r#"{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}"#);
    assert_eq!(who(&some, Some(&reads), false), OWNER_AND_ROOT);
}

#[test]
fn acls_add_to_policies_and_a_foreign_object_is_withheld_from_the_bucket_owner() {
    let case = Case::new();
    let who = |acls: Acls, bucket: &str, identity: &str| {
        let bucket = (!bucket.is_empty()).then(|| bucket_policy(bucket));
        let identity = (!identity.is_empty()).then(|| identity_policy(identity));
        case.callers().map(|caller| {
            let is_account = matches!(caller, Caller::Account { .. });
            let policies = Policies {
                owner: Some(&case.owner),
                bucket: bucket.as_ref().map(Ok),
                identity: identity.as_ref().filter(|_| is_account).map(Ok),
                restrict_public: false,
                acls,
                settled: None,
            };
            evaluate(&case.ask(caller, Action::GetObject), &policies).allowed
        })
    };
    let (allow, deny) = (bucket_statement("Allow", r#""*""#), bucket_statement("Deny", r#""*""#));
    for acls in [Acls::Granted, Acls::Pending] {
        assert_eq!(who(acls, "", ""), [true; 4], "{acls:?}");
        assert_eq!(who(acls, &deny, ""), [false; 4], "{acls:?}: a deny wins");
    }
    assert_eq!(who(Acls::Silent, "", ""), [true, true, false, false]);
    assert_eq!(who(Acls::Silent, &allow, ""), [true; 4]);
    assert_eq!(who(Acls::Withheld, "", ""), [true, false, false, false]);
    assert_eq!(who(Acls::Withheld, &allow, ""), [true, false, false, false]);
    let other = r#"{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}"#;
    let bound = who(Acls::Granted, "", other);
    assert_eq!(bound, [true, true, false, true], "a user is bound by its own policy");
}
