//! Users, policies and anonymous callers: who gets what, and that nobody's body is asked for before.

use object_engine::model::{AccessKey, Account, AccountId, BucketName};

use crate::{
    client::{ALGORITHM, Ask, KEY, KEY_A, KEY_B, KEY_MD5, Reply},
    log::Log,
    world::{SECRET, World},
};

const KEYS: &str = r#""arn:aws:s3:::bkt/*""#;
const BUCKET: &str = r#""arn:aws:s3:::bkt""#;
const ALL: &str = r#"["arn:aws:s3:::bkt", "arn:aws:s3:::bkt/*"]"#;
const ALICE: &str = r#"{"AWS": "arn:aws:iam::123456789012:user/alice"}"#;
const EVERYONE: &str = r#""*""#;
const ALGORITHM_KEY: &str = "s3:x-amz-server-side-encryption-customer-algorithm";

fn statement(effect: &str, principal: &str, action: &str, resource: &str) -> String {
    format!(
        r#""Effect": "{effect}", "Principal": {principal}, "Action": "{action}", "Resource": {resource}"#
    )
}

/// A world with `alice`, who is a stranger to root's bucket.
async fn world() -> World {
    let world = World::new().await;
    world.add_user("alice").await;
    world
}

async fn put_policy(world: &World, statements: &[&str]) {
    put_raw(world, &document(statements)).await.expect_status(204);
}

async fn put_raw(world: &World, document: &str) -> Reply {
    world.ask("PUT", "/bkt?policy").body(document.to_owned()).send().await
}

fn document(statements: &[&str]) -> String {
    let statements: Vec<_> = statements.iter().map(|text| format!("{{{text}}}")).collect();
    format!(r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#, statements.join(","))
}

/// Adds an account with an identity policy.
async fn add_user_with_policy(world: &World, name: &str, policy: String) {
    let account = Account {
        id: AccountId(format!("{name}-id")),
        name: name.into(),
        display_name: name.to_uppercase(),
        email: None,
        policy: Some(policy),
    };
    let key = AccessKey {
        id: name.into(),
        account: name.into(),
        sealed_secret: world.store.seal_user_secret(name, SECRET.as_bytes()),
        enabled: true,
    };
    world.store.engine().put_account(&account, Some(&key)).await.unwrap();
}

#[track_caller]
fn assert_denied(reply: Reply, what: &str) {
    assert_eq!(reply.status, 403, "{what}: {}", reply.text());
    assert!(!reply.polled, "{what}: the body was asked for");
    if !reply.body.is_empty() {
        assert_eq!(reply.element("Code").as_deref(), Some("AccessDenied"), "{what}");
        assert_eq!(reply.element("Message").as_deref(), Some("Access Denied"), "{what}");
    }
}

#[tokio::test]
async fn a_policy_is_put_read_and_deleted() {
    let world = world().await;
    world.ask("GET", "/bkt?policy").send().await.expect_error(404, "NoSuchBucketPolicy");
    world.ask("GET", "/bkt?policyStatus").send().await.expect_error(404, "NoSuchBucketPolicy");
    let public = document(&[&statement("Allow", EVERYONE, "s3:GetObject", KEYS)]);
    put_raw(&world, &public).await.expect_status(204);
    let read = world.ask("GET", "/bkt?policy").send().await.expect_status(200);
    assert_eq!(read.text(), public);
    assert_eq!(read.header("content-type"), Some("application/json"));
    let status = world.ask("GET", "/bkt?policyStatus").send().await.expect_status(200);
    assert_eq!(status.element("IsPublic").as_deref(), Some("true"));
    put_policy(&world, &[&statement("Allow", ALICE, "s3:GetObject", KEYS)]).await;
    let status = world.ask("GET", "/bkt?policyStatus").send().await.expect_status(200);
    assert_eq!(status.element("IsPublic").as_deref(), Some("false"));
    world.ask("DELETE", "/bkt?policy").send().await.expect_status(204);
    world.ask("GET", "/bkt?policy").send().await.expect_error(404, "NoSuchBucketPolicy");
    world.ask("DELETE", "/bkt?policy").send().await.expect_status(204);
}

#[tokio::test]
async fn a_malformed_policy_changes_nothing() {
    let world = world().await;
    put_policy(&world, &[&statement("Deny", ALICE, "s3:GetObject", KEYS)]).await;
    let before = world.ask("GET", "/bkt?policy").send().await.text();
    for (body, message) in [
        ("[]".to_owned(), "Policies must be valid JSON and the first byte must be '{'"),
        ("{".to_owned(), "This policy contains invalid Json"),
        (
            document(&[&statement("Allow", EVERYONE, "s3:GetObject", BUCKET)]),
            "Action does not apply to any resource(s) in statement",
        ),
        (
            document(&[&statement("Allow", EVERYONE, "s3:*", r#""arn:aws:s3:::other/*""#)]),
            "Policy has invalid resource",
        ),
        (
            document(&[r#""Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::bkt/*""#]),
            "Missing required field Principal",
        ),
        (
            format!("{{{}}}", " ".repeat(20 * 1024)),
            "Normalized policy document exceeds the maximum allowed size of 20480 bytes",
        ),
    ] {
        let reply = put_raw(&world, &body).await.expect_error(400, "MalformedPolicy");
        assert_eq!(reply.element("Message").as_deref(), Some(message));
    }
    for none in ["", "invalid json"] {
        let reply = put_raw(&world, none).await.expect_error(400, "MalformedPolicy");
        let message = "Policies must be valid JSON and the first byte must be '{'";
        assert_eq!(reply.element("Message").as_deref(), Some(message));
    }
    assert_eq!(world.ask("GET", "/bkt?policy").send().await.text(), before);
}

/// What s3-tests calls test_encryption_sse_c_enforced_with_bucket_policy.
#[tokio::test]
async fn a_bucket_can_demand_customer_keys() {
    let world = world().await;
    let demand = format!(r#", "Condition": {{"Null": {{"{ALGORITHM_KEY}": "true"}}}}"#);
    let deny = statement("Deny", EVERYONE, "s3:PutObject", KEYS) + &demand;
    put_policy(&world, &[&deny]).await;
    assert_denied(world.ask("PUT", "/bkt/k").body("x").send().await, "no key");
    let managed = world.ask("PUT", "/bkt/k").header("x-amz-server-side-encryption", "AES256");
    assert_denied(managed.body("x").send().await, "the server's key");
    assert_denied(world.ask("POST", "/bkt/k?uploads").send().await, "an upload");
    world.ask("PUT", "/bkt/k").key(KEY_A).body("x").send().await.expect_status(200);
    let hoisted = format!("/bkt/h?{ALGORITHM}=AES256");
    let ask = world.ask("PUT", &hoisted).header(KEY, KEY_A.0).header(KEY_MD5, KEY_A.1);
    ask.body("x").send().await.expect_status(200);

    let started = world.ask("POST", "/bkt/u?uploads").key(KEY_A).send().await.expect_status(200);
    let target = format!("/bkt/u?uploadId={}", started.element("UploadId").unwrap());
    let part = format!("{target}&partNumber=1");
    let put = world.ask("PUT", &part).key(KEY_A).body("x").send().await.expect_status(200);
    let list = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}</ETag></Part></CompleteMultipartUpload>",
        put.header("etag").unwrap()
    );
    assert_denied(world.ask("POST", &target).body(list.clone()).send().await, "complete");
    let complete = world.ask("POST", &target).header(ALGORITHM, "AES256").body(list);
    complete.send().await.expect_status(200);
}

/// What s3-tests calls test_encryption_sse_c_deny_algo_with_bucket_policy.
#[tokio::test]
async fn policies_see_the_algorithm_before_anybody_looks_at_the_key() {
    let world = world().await;
    let other = format!(r#", "Condition": {{"StringNotEquals": {{"{ALGORITHM_KEY}": "AES256"}}}}"#);
    let deny = statement("Deny", EVERYONE, "s3:PutObject", KEYS) + &other;
    put_policy(&world, &[&deny]).await;
    let keyless = world.ask("PUT", "/bkt/k").header(ALGORITHM, "AES192").body("x");
    assert_denied(keyless.send().await, "AES192 without a key");
    let spoilt = [(ALGORITHM, "AES192"), (KEY, "####"), (KEY_MD5, "x")];
    assert_denied(world.ask("PUT", "/bkt/k").headers(&spoilt).body("x").send().await, "spoilt");
    let spoilt = [(ALGORITHM, "AES256"), (KEY, "####"), (KEY_MD5, "x")];
    world.ask("PUT", "/bkt/k").headers(&spoilt).send().await.expect_error(400, "InvalidArgument");
    world.ask("PUT", "/bkt/k").key(KEY_A).body("x").send().await.expect_status(200);
    let without = world.ask("PUT", "/bkt/other").header(ALGORITHM, "AES192").body("x");
    world.ask("DELETE", "/bkt?policy").send().await.expect_status(204);
    without.send().await.expect_error(400, "InvalidArgument");
}

#[tokio::test]
async fn a_bucket_can_forbid_customer_keys() {
    let world = world().await;
    let with = format!(r#", "Condition": {{"Null": {{"{ALGORITHM_KEY}": "false"}}}}"#);
    put_policy(&world, &[&(statement("Deny", EVERYONE, "s3:PutObject", KEYS) + &with)]).await;
    assert_denied(world.ask("PUT", "/bkt/k").key(KEY_A).body("x").send().await, "a key");
    world.ask("PUT", "/bkt/k").body("x").send().await.expect_status(200);
}

#[tokio::test]
async fn anybody_with_the_key_reads_a_public_object() {
    let world = world().await;
    world.ask("PUT", "/bkt/sealed").key(KEY_A).body("secret").send().await.expect_status(200);
    world.put("/bkt/plain", "open").await;
    let read = |target| world.ask("GET", target).anonymous();
    assert_denied(read("/bkt/sealed").key(KEY_A).send().await, "no policy");
    put_policy(&world, &[&statement("Allow", EVERYONE, "s3:GetObject", KEYS)]).await;
    let sealed = read("/bkt/sealed").key(KEY_A).send().await.expect_status(200);
    assert_eq!(sealed.text(), "secret");
    assert_eq!(sealed.header(KEY_MD5), Some(KEY_A.1));
    read("/bkt/sealed").send().await.expect_error(400, "InvalidRequest");
    let wrong = read("/bkt/sealed").key(KEY_B).send().await.expect_error(403, "AccessDenied");
    assert!(wrong.text().contains("must provide the correct secret key"));
    let plain_http = read("/bkt/sealed").key(KEY_A).insecure().send().await;
    plain_http.expect_error(400, "InvalidArgument");
    assert_eq!(read("/bkt/plain").send().await.expect_status(200).text(), "open");
    world.ask("HEAD", "/bkt/sealed").anonymous().key(KEY_A).send().await.expect_status(200);
    assert_denied(read("/bkt").send().await, "listing");
    assert_denied(world.ask("PUT", "/bkt/plain").anonymous().body("x").send().await, "writing");
}

#[tokio::test]
async fn a_missing_key_is_only_missing_for_who_may_list() {
    let world = world().await;
    let reads = statement("Allow", EVERYONE, "s3:GetObject", KEYS);
    put_policy(&world, &[&reads]).await;
    for ask in
        [world.ask("GET", "/bkt/none").by("alice"), world.ask("GET", "/bkt/none").anonymous()]
    {
        assert_denied(ask.send().await, "missing");
    }
    world.ask("GET", "/bkt/none").send().await.expect_error(404, "NoSuchKey");
    put_policy(&world, &[&reads, &statement("Allow", ALICE, "s3:ListBucket", BUCKET)]).await;
    world.ask("GET", "/bkt/none").by("alice").send().await.expect_error(404, "NoSuchKey");
    assert_denied(world.ask("GET", "/bkt/none").anonymous().send().await, "missing");
}

#[tokio::test]
async fn who_may_list_but_not_read_is_told_what_is_not_there() {
    let world = world().await;
    world.put("/bkt/open/here", "secret").await;
    world.put("/bkt/shut/here", "secret").await;
    let lists = statement("Allow", ALICE, "s3:ListBucket", BUCKET);
    let narrow = format!(r#"{lists}, "Condition": {{"StringLike": {{"s3:prefix": "open/*"}}}}"#);
    for (policy, key, status) in [
        (&lists, "open/none", 404),
        (&lists, "open/here", 403),
        (&narrow, "open/none", 404),
        (&narrow, "open/here", 403),
        (&narrow, "shut/none", 403),
        (&narrow, "shut/here", 403),
    ] {
        put_policy(&world, &[policy]).await;
        for method in ["GET", "HEAD"] {
            let reply = world.ask(method, &format!("/bkt/{key}")).by("alice").send().await;
            assert_eq!(reply.status, status, "{method} {key} {policy}");
        }
        let of_version = format!("/bkt/{key}?versionId=null");
        assert_denied(world.ask("GET", &of_version).by("alice").send().await, "a version");
        let others = world.ask("GET", &format!("/bkt/{key}")).anonymous().send().await;
        assert_denied(others, "anonymous");
    }
    let denied = statement("Deny", ALICE, "s3:ListBucket", BUCKET);
    put_policy(&world, &[&denied]).await;
    assert_denied(world.ask("HEAD", "/bkt/open/none").by("alice").send().await, "denied");
}

#[tokio::test]
async fn what_anybody_may_write_is_the_bucket_owners() {
    let world = world().await;
    put_policy(&world, &[&statement("Allow", EVERYONE, "s3:PutObject", KEYS)]).await;
    world.ask("PUT", "/bkt/a").anonymous().body("x").send().await.expect_status(200);
    world.ask("PUT", "/bkt/b").by("alice").body("x").send().await.expect_status(200);
    world.ask("POST", "/bkt/c?uploads").anonymous().send().await.expect_status(200);
    let listed = world.ask("GET", "/bkt").send().await.expect_status(200);
    assert_eq!(listed.elements("ID"), ["root-canonical-id", "root-canonical-id"]);
    let tagged = world.ask("PUT", "/bkt/a").anonymous().header("x-amz-tagging", "a=b");
    assert_denied(tagged.body("x").send().await, "tags need their own permission");
    let acl = world.ask("PUT", "/bkt/a").anonymous().header("x-amz-acl", "private");
    assert_denied(acl.body("x").send().await, "an ACL needs its own permission");
    let handed = world.ask("PUT", "/bkt/d").by("alice");
    let handed = handed.header("x-amz-acl", "bucket-owner-full-control").body("x");
    handed.send().await.expect_status(200);
    let by_grant = world.ask("PUT", "/bkt/d").by("alice");
    let by_grant = by_grant.header("x-amz-grant-full-control", "id=root-canonical-id").body("x");
    by_grant.send().await.expect_status(200);
    let others = world.ask("PUT", "/bkt/d").by("alice");
    let others = others.header("x-amz-grant-full-control", "id=alice-id").body("x").send().await;
    assert_denied(others, "full control for another");
}

/// Operation, action, and whether the action is the bucket's.
const OPERATIONS: &[(&str, &str, &str, bool)] = &[
    ("GET", "/bkt", "s3:ListBucket", true),
    ("HEAD", "/bkt", "s3:ListBucket", true),
    ("GET", "/bkt?list-type=2", "s3:ListBucket", true),
    ("GET", "/bkt?location", "s3:GetBucketLocation", true),
    ("GET", "/bkt?uploads", "s3:ListBucketMultipartUploads", true),
    ("GET", "/bkt?policyStatus", "s3:GetBucketPolicyStatus", true),
    ("GET", "/bkt?publicAccessBlock", "s3:GetBucketPublicAccessBlock", true),
    ("PUT", "/bkt?publicAccessBlock", "s3:PutBucketPublicAccessBlock", true),
    ("DELETE", "/bkt?publicAccessBlock", "s3:PutBucketPublicAccessBlock", true),
    ("GET", "/bkt?policy", "s3:GetBucketPolicy", true),
    ("PUT", "/bkt?policy", "s3:PutBucketPolicy", true),
    ("DELETE", "/bkt?policy", "s3:DeleteBucketPolicy", true),
    ("DELETE", "/bkt", "s3:DeleteBucket", true),
    ("GET", "/bkt/k", "s3:GetObject", false),
    ("HEAD", "/bkt/k", "s3:GetObject", false),
    ("GET", "/bkt/k?versionId=null", "s3:GetObjectVersion", false),
    ("HEAD", "/bkt/k?versionId=null", "s3:GetObjectVersion", false),
    ("PUT", "/bkt/k", "s3:PutObject", false),
    ("POST", "/bkt/k?uploads", "s3:PutObject", false),
    ("PUT", "/bkt/k?partNumber=1&uploadId=x", "s3:PutObject", false),
    ("POST", "/bkt/k?uploadId=x", "s3:PutObject", false),
    ("GET", "/bkt/k?uploadId=x", "s3:ListMultipartUploadParts", false),
    ("DELETE", "/bkt/k?uploadId=x", "s3:AbortMultipartUpload", false),
    ("DELETE", "/bkt/k", "s3:DeleteObject", false),
    ("DELETE", "/bkt/k?versionId=null", "s3:DeleteObjectVersion", false),
];

/// Each operation with the policy that allows alice its action and nothing else.
#[tokio::test]
async fn every_operation_needs_its_action_and_no_other() {
    for (method, target, action, of_bucket) in OPERATIONS {
        let world = world().await;
        world.put("/bkt/k", "x").await;
        let resource = if *of_bucket { BUCKET } else { KEYS };
        let ask = || world.ask(method, target).by("alice").body("x");
        let allow = statement("Allow", ALICE, action, resource);
        let other = if *of_bucket { "s3:PutBucketCORS" } else { "s3:PutObjectRetention" };
        put_policy(&world, &[&statement("Allow", ALICE, other, resource)]).await;
        assert_denied(ask().send().await, &format!("{method} {target} without {action}"));
        put_policy(&world, &[&allow, &statement("Deny", EVERYONE, action, resource)]).await;
        assert_denied(ask().send().await, &format!("{method} {target} denied {action}"));
        put_policy(&world, &[&allow]).await;
        let reply = ask().send().await;
        let about_policy = target.ends_with("?policy");
        assert_eq!(reply.status == 405, about_policy, "{method} {target}: {}", reply.text());
        assert_ne!(reply.status, 403, "{method} {target} with {action}");
    }
}

#[tokio::test]
async fn a_denied_owner_is_denied_and_root_mends_it() {
    let world = world().await;
    world.ask("PUT", "/hers").by("alice").send().await.expect_status(200);
    world.ask("PUT", "/hers/k").by("alice").body("x").send().await.expect_status(200);
    let deny = document(&[&statement(
        "Deny",
        EVERYONE,
        "s3:*",
        r#"["arn:aws:s3:::hers", "arn:aws:s3:::hers/*"]"#,
    )]);
    world.ask("PUT", "/hers?policy").by("alice").body(deny).send().await.expect_status(204);
    for target in ["/hers", "/hers/k", "/hers?policy"] {
        assert_denied(world.ask("GET", target).by("alice").send().await, target);
    }
    assert_denied(world.ask("DELETE", "/hers?policy").by("alice").send().await, "the owner");
    assert_denied(world.ask("GET", "/hers/k").send().await, "root");
    world.ask("GET", "/hers?policy").send().await.expect_status(200);
    world.ask("DELETE", "/hers?policy").send().await.expect_status(204);
    world.ask("GET", "/hers/k").by("alice").send().await.expect_status(200);
}

#[tokio::test]
async fn a_user_is_bound_by_its_own_policy() {
    let world = World::new().await;
    world.put("/bkt/k", "x").await;
    put_policy(&world, &[&statement("Allow", r#"{"AWS": ["bob", "carol", "dave"]}"#, "s3:*", ALL)])
        .await;
    let identity = |effect: &str, action: &str| {
        document(&[&format!(r#""Effect": "{effect}", "Action": "{action}", "Resource": "*""#)])
    };
    add_user_with_policy(&world, "bob", identity("Allow", "s3:GetObject")).await;
    add_user_with_policy(&world, "carol", identity("Deny", "s3:GetObject")).await;
    add_user_with_policy(&world, "dave", "{}".into()).await;
    world.ask("GET", "/bkt/k").by("bob").send().await.expect_status(200);
    assert_denied(world.ask("GET", "/bkt").by("bob").send().await, "bob lists");
    assert_denied(world.ask("PUT", "/bobs").by("bob").body("x").send().await, "bob makes a bucket");
    assert_denied(world.ask("GET", "/").by("bob").send().await, "bob lists buckets");
    assert_denied(world.ask("GET", "/bkt/k").by("carol").send().await, "carol reads");
    assert_denied(world.ask("PUT", "/carols").by("carol").send().await, "carol has no Allow");
    for target in ["/bkt/k", "/"] {
        assert_denied(world.ask("GET", target).by("dave").send().await, "dave's policy is none");
    }
}

#[tokio::test]
async fn tags_of_a_new_bucket_need_a_permission_of_their_own() {
    let world = World::new().await;
    let identity = |actions: &str| {
        document(&[&format!(r#""Effect": "Allow", "Action": [{actions}], "Resource": "*""#)])
    };
    add_user_with_policy(&world, "bob", identity(r#""s3:CreateBucket""#)).await;
    let both = identity(r#""s3:CreateBucket", "s3:PutBucketTagging""#);
    add_user_with_policy(&world, "carol", both).await;
    let tagged = "<CreateBucketConfiguration><Tags><Tag><Key>a</Key><Value>1</Value></Tag></Tags></CreateBucketConfiguration>";
    let make = |who: &str| world.ask("PUT", "/tagged").by(who).body(tagged).send();
    make("bob").await.expect_error(403, "AccessDenied");
    world.ask("HEAD", "/tagged").send().await.expect_status(404);
    make("carol").await.expect_status(200);
    world.ask("PUT", "/bobs").by("bob").send().await.expect_status(200);
}

/// Whether a policy that allows everybody the action on this condition allows the request.
async fn holds(world: &World, (action, condition): (&str, &str), ask: Ask<'_>) -> bool {
    let resource = if action.starts_with("s3:ListBucket") { BUCKET } else { KEYS };
    let allow = statement("Allow", EVERYONE, action, resource);
    put_policy(world, &[&format!(r#"{allow}, "Condition": {{{condition}}}"#)]).await;
    let status = ask.send().await.status.as_u16();
    assert!(matches!(status, 200 | 403), "{condition}: {status}");
    status == 200
}

#[tokio::test]
async fn conditions_see_the_request() {
    let world = world().await;
    world.put("/bkt/k", "x").await;
    let alice = |method, target| world.ask(method, target).by("alice");
    for (condition, expected, ask) in [
        (r#""Bool": {"aws:SecureTransport": "true"}"#, true, alice("GET", "/bkt/k")),
        (r#""Bool": {"aws:SecureTransport": "true"}"#, false, alice("GET", "/bkt/k").insecure()),
        (r#""IpAddress": {"aws:SourceIp": "127.0.0.0/8"}"#, true, alice("GET", "/bkt/k")),
        (r#""NotIpAddress": {"aws:SourceIp": "127.0.0.0/8"}"#, false, alice("GET", "/bkt/k")),
        (
            r#""DateLessThan": {"aws:CurrentTime": "2026-01-02T03:04:06Z"}"#,
            true,
            alice("GET", "/bkt/k"),
        ),
        (
            r#""DateGreaterThan": {"aws:CurrentTime": "2026-01-02T03:04:06Z"}"#,
            false,
            alice("GET", "/bkt/k"),
        ),
        (r#""NumericEquals": {"aws:EpochTime": "1767323045"}"#, true, alice("GET", "/bkt/k")),
        (
            r#""StringLike": {"aws:UserAgent": "curl/*"}"#,
            true,
            alice("GET", "/bkt/k").header("user-agent", "curl/8"),
        ),
        (
            r#""StringLike": {"aws:Referer": "https://example.com/*"}"#,
            true,
            alice("GET", "/bkt/k").header("referer", "https://example.com/a"),
        ),
        (
            r#""StringLike": {"aws:Referer": "https://example.com/*"}"#,
            false,
            alice("GET", "/bkt/k"),
        ),
        (
            r#""StringEquals": {"aws:username": "alice", "aws:userid": "alice-id", "aws:PrincipalType": "User"}"#,
            true,
            alice("GET", "/bkt/k"),
        ),
        (
            r#""ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/al*"}"#,
            true,
            alice("GET", "/bkt/k"),
        ),
        (
            r#""StringEquals": {"aws:PrincipalType": "Anonymous"}"#,
            true,
            world.ask("GET", "/bkt/k").anonymous(),
        ),
        (r#""Null": {"aws:username": "true"}"#, true, world.ask("GET", "/bkt/k").anonymous()),
        (
            r#""StringEquals": {"s3:authType": "REST-HEADER", "s3:signatureversion": "AWS4-HMAC-SHA256"}"#,
            true,
            alice("GET", "/bkt/k"),
        ),
        (r#""NumericLessThan": {"s3:signatureAge": "600000"}"#, true, alice("GET", "/bkt/k")),
        (
            r#""NumericLessThan": {"s3:signatureAge": "600000"}"#,
            false,
            world.ask("GET", "/bkt/k").anonymous(),
        ),
    ] {
        assert_eq!(holds(&world, ("s3:GetObject", condition), ask).await, expected, "{condition}");
    }
}

#[tokio::test]
async fn conditions_see_what_a_listing_asks() {
    let world = world().await;
    for (condition, expected, query) in [
        (r#""StringLike": {"s3:prefix": "${aws:username}/*"}"#, true, "prefix=alice%2Fx"),
        (r#""StringLike": {"s3:prefix": "${aws:username}/*"}"#, false, "prefix=bob%2Fx"),
        (r#""StringLike": {"s3:prefix": "*"}"#, false, ""),
        (r#""StringEquals": {"s3:prefix": "", "s3:delimiter": "/"}"#, true, "prefix=&delimiter=/"),
        (r#""NumericLessThanEquals": {"s3:max-keys": "10"}"#, true, "max-keys=10"),
        (r#""NumericLessThanEquals": {"s3:max-keys": "10"}"#, false, "max-keys=11"),
    ] {
        for (action, listing) in [
            ("s3:ListBucket", "/bkt?"),
            ("s3:ListBucket", "/bkt?list-type=2&"),
            ("s3:ListBucketVersions", "/bkt?versions&"),
        ] {
            let target = format!("{listing}{query}");
            let ask = world.ask("GET", &target).by("alice");
            let holds = holds(&world, (action, condition), ask).await;
            assert_eq!(holds, expected, "{condition} {target}");
        }
    }
}

/// A Deny by what a listing asks holds for each action that S3 gives the key to, and whoever owns the
/// bucket.
#[tokio::test]
async fn a_denied_prefix_is_denied_to_every_listing() {
    let world = world().await;
    world.put("/bkt/secret/x", "x").await;
    for (condition, denied, allowed) in [
        (r#""StringLike": {"s3:prefix": "secret/*"}"#, "prefix=secret/", "prefix=open/"),
        (r#""StringEquals": {"s3:delimiter": "x"}"#, "delimiter=x", "delimiter=/"),
        (r#""NumericGreaterThan": {"s3:max-keys": "10"}"#, "max-keys=11", "max-keys=10"),
    ] {
        let deny = statement("Deny", EVERYONE, "s3:ListBucket*", BUCKET);
        put_policy(&world, &[&format!(r#"{deny}, "Condition": {{{condition}}}"#)]).await;
        for listing in ["/bkt?", "/bkt?list-type=2&", "/bkt?versions&"] {
            let refused = world.ask("GET", &format!("{listing}{denied}")).send().await;
            assert_denied(refused, listing);
            let listed = world.ask("GET", &format!("{listing}{allowed}")).send().await;
            listed.expect_status(200);
        }
    }
    // To list uploads is not conditional on them: S3 gives that action none of these keys.
    let absent = r#""Null": {"s3:prefix": "true", "s3:delimiter": "true", "s3:max-keys": "true"}"#;
    let deny = statement("Deny", EVERYONE, "s3:*", BUCKET);
    put_policy(&world, &[&format!(r#"{deny}, "Condition": {{{absent}}}"#)]).await;
    let uploads = world.ask("GET", "/bkt?uploads&prefix=a&delimiter=b").send().await;
    assert_denied(uploads, "uploads");
}

#[tokio::test]
async fn conditions_see_the_headers_of_a_write() {
    let world = world().await;
    let alice = |method, target| world.ask(method, target).by("alice");
    let put = |name, value| alice("PUT", "/bkt/k").header(name, value);
    for (condition, expected, ask) in [
        (
            r#""StringEquals": {"s3:x-amz-storage-class": "STANDARD_IA"}"#,
            true,
            put("x-amz-storage-class", "STANDARD_IA"),
        ),
        (
            r#""StringEquals": {"s3:x-amz-server-side-encryption": "AES256"}"#,
            true,
            put("x-amz-server-side-encryption", "AES256"),
        ),
        (
            r#""StringEquals": {"s3:x-amz-server-side-encryption": "AES256"}"#,
            false,
            alice("PUT", "/bkt/k").key(KEY_A),
        ),
        (r#""Null": {"s3:if-none-match": "false"}"#, false, alice("PUT", "/bkt/k")),
        (
            r#""Null": {"s3:if-none-match": "false"}"#,
            true,
            alice("PUT", "/bkt/n").header("if-none-match", "*"),
        ),
        // Whoever must not overwrite is not helped by naming an ETag that nothing has.
        (r#""Null": {"s3:if-none-match": "false"}"#, false, put("if-none-match", "\"none\"")),
        (
            r#""StringEquals": {"s3:x-amz-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}"#,
            true,
            alice("PUT", "/bkt/k"),
        ),
    ] {
        assert_eq!(holds(&world, ("s3:PutObject", condition), ask).await, expected, "{condition}");
    }
}

#[tokio::test]
async fn conditions_see_the_tags_of_a_write() {
    let world = world().await;
    for (condition, expected, tags) in [
        (r#""StringEquals": {"s3:RequestObjectTag/team": "a"}"#, true, "team=a"),
        (r#""StringEquals": {"s3:RequestObjectTag/team": "a"}"#, false, "team=b"),
        (
            r#""ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["team", "x"]}"#,
            true,
            "team=a&x=1",
        ),
        (
            r#""ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["team", "x"]}"#,
            false,
            "team=a&y=1",
        ),
    ] {
        let ask = world.ask("PUT", "/bkt/k").by("alice").header("x-amz-tagging", tags);
        assert_eq!(
            holds(&world, ("s3:PutObject*", condition), ask).await,
            expected,
            "{condition} {tags}"
        );
    }
}

#[tokio::test]
async fn conditions_see_the_tags_of_the_object() {
    let world = world().await;
    for (key, tags) in
        [("/bkt/open", "public=yes"), ("/bkt/closed", "public=no"), ("/bkt/none", "")]
    {
        world
            .ask("PUT", key)
            .header("x-amz-tagging", tags)
            .body("x")
            .send()
            .await
            .expect_status(200);
    }
    let tagged = r#", "Condition": {"StringEquals": {"s3:ExistingObjectTag/public": "yes"}}"#;
    put_policy(&world, &[&(statement("Allow", EVERYONE, "s3:GetObject", KEYS) + tagged)]).await;
    world.ask("GET", "/bkt/open").anonymous().send().await.expect_status(200);
    for key in ["/bkt/closed", "/bkt/none", "/bkt/missing"] {
        assert_denied(world.ask("GET", key).anonymous().send().await, key);
    }
}

#[tokio::test]
async fn each_deletion_of_a_list_is_decided() {
    let world = world().await;
    for key in ["a/1", "b/1"] {
        world.put(&format!("/bkt/{key}"), "x").await;
    }
    let list = "<Delete><Object><Key>a/1</Key></Object><Object><Key>b/1</Key></Object><Object><Key>a/2</Key><VersionId>null</VersionId></Object></Delete>";
    let ask = |who: &str| {
        let ask = world.ask("POST", "/bkt?delete").header("x-amz-checksum-crc32", "rGjrvg==");
        ask.body(list).by(who)
    };
    let reads = statement("Allow", ALICE, "s3:GetObject", KEYS);
    put_policy(&world, &[&reads]).await;
    assert_denied(ask("alice").send().await, "nothing can be deleted");
    let some = statement("Allow", ALICE, "s3:DeleteObject", r#""arn:aws:s3:::bkt/a/*""#);
    put_policy(&world, &[&reads, &some]).await;
    let reply = ask("alice").send().await.expect_status(200);
    assert_eq!(reply.elements("Key"), ["a/1", "b/1", "a/2"]);
    assert_eq!(reply.elements("Code"), ["AccessDenied", "AccessDenied"]);
    world.ask("GET", "/bkt/a/1").send().await.expect_status(404);
    world.ask("GET", "/bkt/b/1").send().await.expect_status(200);
}

#[tokio::test]
async fn a_tag_protects_from_both_kinds_of_deletion() {
    let world = world().await;
    let kept = world.ask("PUT", "/bkt/a/1").header("x-amz-tagging", "keep=yes").body("x");
    kept.send().await.expect_status(200);
    let tagged = r#", "Condition": {"StringEquals": {"s3:ExistingObjectTag/keep": "yes"}}"#;
    put_policy(&world, &[&(statement("Deny", EVERYONE, "s3:DeleteObject", KEYS) + tagged)]).await;
    assert_denied(world.ask("DELETE", "/bkt/a/1").send().await, "by itself");
    let list = "<Delete><Object><Key>a/1</Key></Object></Delete>";
    let many =
        world.ask("POST", "/bkt?delete").header("x-amz-checksum-crc32", "90S1+w==").body(list);
    let reply = many.send().await.expect_status(200);
    assert_eq!(reply.elements("Code"), ["AccessDenied"]);
    world.ask("GET", "/bkt/a/1").send().await.expect_status(200);
}

#[tokio::test]
async fn public_access_can_be_blocked() {
    let world = world().await;
    world.put("/bkt/k", "x").await;
    let missing = world.ask("GET", "/bkt?publicAccessBlock").send().await;
    missing.expect_error(404, "NoSuchPublicAccessBlockConfiguration");
    let block = async |name: &str| {
        let body = format!(
            "<PublicAccessBlockConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><{name}>true</{name}></PublicAccessBlockConfiguration>"
        );
        world.ask("PUT", "/bkt?publicAccessBlock").body(body).send().await.expect_status(200);
        let read = world.ask("GET", "/bkt?publicAccessBlock").send().await.expect_status(200);
        let names =
            ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];
        for flag in names {
            assert_eq!(read.element(flag), Some((flag == name).to_string()), "{flag}");
        }
    };
    let public = statement("Allow", EVERYONE, "s3:GetObject", KEYS);
    put_policy(&world, &[&public]).await;
    world.ask("GET", "/bkt/k").anonymous().send().await.expect_status(200);

    block("RestrictPublicBuckets").await;
    assert_denied(world.ask("GET", "/bkt/k").anonymous().send().await, "anonymous");
    assert_denied(world.ask("GET", "/bkt/k").by("alice").send().await, "alice");
    world.ask("GET", "/bkt/k").send().await.expect_status(200);

    block("BlockPublicPolicy").await;
    world.ask("GET", "/bkt/k").anonymous().send().await.expect_status(200);
    put_raw(&world, &document(&[&public])).await.expect_error(403, "AccessDenied");
    put_policy(&world, &[&statement("Allow", ALICE, "s3:GetObject", KEYS)]).await;

    // ACLs are disabled here, so there is no public one left to block.
    let with_acl = |acl| world.ask("PUT", "/bkt/k").header("x-amz-acl", acl).body("y");
    block("BlockPublicAcls").await;
    with_acl("private").send().await.expect_status(200);
    block("IgnorePublicAcls").await;
    world.ask("DELETE", "/bkt?publicAccessBlock").send().await.expect_status(204);
    let bad = world.ask("PUT", "/bkt?publicAccessBlock").body("<X/>").send().await;
    bad.expect_error(400, "MalformedXML");
}

#[tokio::test]
async fn tags_in_a_body_are_asked_about_too() {
    let world = world().await;
    world.ask("PUT", "/bkt/k").body("x").send().await.expect_status(200);
    let tagging = ["s3:PutObjectTagging", "s3:PutObject"]
        .map(|action| statement("Allow", ALICE, action, KEYS));
    let condition = r#""Condition": {"StringEquals": {"s3:RequestObjectTag/team": "secret"}}"#;
    let deny = statement("Deny", ALICE, "s3:PutObjectTagging", KEYS);
    let deny = format!("{deny}, {condition}");
    put_policy(&world, &[&tagging[0], &tagging[1], &deny]).await;
    let tag = |value: &str| {
        let tag = format!("<Tag><Key>team</Key><Value>{value}</Value></Tag>");
        let body = format!("<Tagging><TagSet>{tag}</TagSet></Tagging>");
        world.ask("PUT", "/bkt/k?tagging").by("alice").body(body)
    };
    tag("open").send().await.expect_status(200);
    tag("secret").send().await.expect_error(403, "AccessDenied");
}

#[tokio::test]
async fn the_log_says_why_and_never_a_key() {
    let world = world().await;
    let deny = statement("Deny", EVERYONE, "s3:PutObject", KEYS);
    put_policy(&world, &[&format!(r#""Sid": "NoWrites", {deny}"#)]).await;
    let log = Log::default();
    let guard = log.listen();
    let refused = world.ask("PUT", "/bkt/my-object").key(KEY_A).body("x").send().await;
    assert_denied(world.ask("GET", "/bkt/my-object").anonymous().send().await, "anonymous");
    drop(guard);
    let id = refused.header("x-amz-request-id").unwrap().to_owned();
    assert_denied(refused, "denied");
    let text = log.text();
    let expected = r#"statement 1 of the bucket policy (Sid "NoWrites") denies s3:PutObject"#;
    assert!(text.contains(expected) && text.contains(&id), "{text}");
    assert!(text.contains("no statement of the bucket policy allows s3:GetObject"), "{text}");
    for secret in [KEY_A.0, KEY_A.1, "my-object", SECRET] {
        assert!(!text.contains(secret), "{text}");
    }
}

/// The client is told that it was not its fault, the operator what is wrong, and nobody the key.
#[tokio::test]
async fn the_log_says_what_failed_and_the_answer_does_not() {
    let world = World::new().await;
    let bucket = BucketName::parse("bkt").unwrap();
    let bucket = world.store.engine().bucket(&bucket).await.unwrap().unwrap();
    let damaged = Some("no document of ours".to_owned());
    assert!(world.store.engine().set_setting(&bucket, "encryption", damaged).await.unwrap());
    let log = Log::default();
    let guard = log.listen();
    let failed = world.ask("PUT", "/bkt/my-object").key(KEY_A).body("x").send().await;
    drop(guard);
    let id = failed.header("x-amz-request-id").unwrap().to_owned();
    let failed = failed.expect_error(500, "InternalError");
    let text = log.text();
    let line = text.lines().find(|line| line.contains(&id)).expect("a line with the request's id");
    let detail = "stored data is damaged: the setting encryption of bucket bkt";
    assert!(line.contains("code=\"InternalError\"") && line.contains(detail), "{text}");
    assert!(!failed.text().contains("damaged") && !failed.text().contains("setting"));
    for secret in [KEY_A.0, KEY_A.1, SECRET] {
        assert!(!text.contains(secret), "{text}");
    }
}
