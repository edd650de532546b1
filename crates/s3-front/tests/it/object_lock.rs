//! Object Lock: buckets that have it, retention, legal holds, and what they keep from being removed.

use object_engine::model::Versioning;

use crate::{
    client::{Ask, KEY_A, Reply, SOURCE},
    deletes::crc32,
    world::World,
};

const CRC32: &str = "x-amz-checksum-crc32";
const MODE: &str = "x-amz-object-lock-mode";
const UNTIL: &str = "x-amz-object-lock-retain-until-date";
const HOLD: &str = "x-amz-object-lock-legal-hold";
const BYPASS: &str = "x-amz-bypass-governance-retention";
const LOCKED: &str = "Access Denied because object protected by object lock.";

/// A body with the checksum that these operations demand.
trait Guarded {
    fn guarded(self, body: &str) -> Self;
}

impl Guarded for Ask<'_> {
    fn guarded(self, body: &str) -> Self {
        self.header(CRC32, &crc32(body)).body(body.to_owned())
    }
}

/// A world whose `/locked` has Object Lock.
async fn world() -> World {
    let world = World::new().await;
    let made = world.ask("PUT", "/locked").header("x-amz-bucket-object-lock-enabled", "True");
    made.send().await.expect_status(200);
    world
}

/// Puts `/locked/k`, an SSE-C object; its version.
async fn put(world: &World, lock: &[(&str, &str)]) -> String {
    let put = world.ask("PUT", "/locked/k").key(KEY_A).headers(lock).guarded("x").send().await;
    put.expect_status(200).header("x-amz-version-id").unwrap().to_owned()
}

fn retention(mode: &str, until: &str) -> String {
    format!("<Retention><Mode>{mode}</Mode><RetainUntilDate>{until}</RetainUntilDate></Retention>")
}

fn default_retention(mode: &str, period: &str) -> String {
    format!(
        "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>{mode}</Mode>{period}</DefaultRetention></Rule></ObjectLockConfiguration>"
    )
}

async fn retain(world: &World, mode: &str, until: &str) -> Reply {
    world.ask("PUT", "/locked/k?retention").guarded(&retention(mode, until)).send().await
}

#[track_caller]
fn assert_locked(reply: Reply) {
    let reply = reply.expect_error(403, "AccessDenied");
    assert_eq!(reply.element("Message").as_deref(), Some(LOCKED));
}

#[tokio::test]
async fn a_bucket_without_it_knows_no_locks() {
    let world = World::new().await;
    world.ask("PUT", "/bkt/k").key(KEY_A).body("x").send().await.expect_status(200);
    for sub_resource in ["retention", "legal-hold"] {
        for method in ["GET", "PUT"] {
            let target = format!("/bkt/k?{sub_resource}");
            let reply = world.ask(method, &target).body("<x/>").send().await;
            let reply = reply.expect_error(400, "InvalidRequest");
            assert_eq!(
                reply.element("Message").as_deref(),
                Some("Bucket is missing Object Lock Configuration")
            );
        }
    }
    let put = world.ask("PUT", "/bkt/new").header(HOLD, "ON").guarded("x").send().await;
    let put = put.expect_error(400, "InvalidRequest");
    assert_eq!(
        put.element("Message").as_deref(),
        Some("Bucket is missing ObjectLockConfiguration")
    );
    world.ask("GET", "/bkt/new").send().await.expect_error(404, "NoSuchKey");
    let got = world.ask("GET", "/bkt?object-lock").send().await;
    let got = got.expect_error(404, "ObjectLockConfigurationNotFoundError");
    assert_eq!(
        got.element("Message").as_deref(),
        Some("Object Lock configuration does not exist for this bucket")
    );
    // Made again with a lock, it would be said to have one.
    let again = world.ask("PUT", "/bkt").header("x-amz-bucket-object-lock-enabled", "true");
    again.send().await.expect_error(409, "BucketAlreadyOwnedByYou");
}

#[tokio::test]
async fn a_bucket_with_it_is_versioned_for_good() {
    let world = world().await;
    let versioning = world.ask("GET", "/locked?versioning").send().await;
    assert_eq!(versioning.element("Status").as_deref(), Some("Enabled"));
    let suspend = "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>";
    let refused = world.ask("PUT", "/locked?versioning").body(suspend).send().await;
    let refused = refused.expect_error(409, "InvalidBucketState");
    assert_eq!(
        refused.element("Message").as_deref(),
        Some(
            "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
        )
    );
    let got = world.ask("GET", "/locked?object-lock").send().await.expect_status(200);
    assert!(
        got.text()
            .ends_with("<ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>")
    );
}

#[tokio::test]
async fn a_versioned_bucket_can_be_given_it() {
    let world = World::new().await;
    let body = default_retention("COMPLIANCE", "<Years>2</Years>");
    let set = async || world.ask("PUT", "/bkt?object-lock").guarded(&body).send().await;
    let refused = set().await.expect_error(409, "InvalidBucketState");
    assert_eq!(
        refused.element("Message").as_deref(),
        Some("Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
    );
    world.set_versioning(Versioning::Suspended).await;
    set().await.expect_error(409, "InvalidBucketState");
    world.set_versioning(Versioning::Enabled).await;
    let unguarded = world.ask("PUT", "/bkt?object-lock").body(body.clone()).send().await;
    unguarded.expect_error(400, "InvalidRequest");
    set().await.expect_status(200);
    let got = world.ask("GET", "/bkt?object-lock").send().await.expect_status(200);
    assert_eq!(got.element("Mode").as_deref(), Some("COMPLIANCE"));
    assert_eq!(got.element("Years").as_deref(), Some("2"));
    let disabled = body.replace("Enabled<", "Disabled<");
    let disabled = world.ask("PUT", "/bkt?object-lock").guarded(&disabled).send().await;
    disabled.expect_error(400, "MalformedXML");
}

#[tokio::test]
async fn a_lock_is_set_read_and_shown_without_a_key() {
    let world = world().await;
    let id = put(&world, &[]).await;
    for sub_resource in ["retention", "legal-hold"] {
        let none = world.ask("GET", &format!("/locked/k?{sub_resource}")).send().await;
        let none = none.expect_error(404, "NoSuchObjectLockConfiguration");
        assert_eq!(
            none.element("Message").as_deref(),
            Some("The specified object does not have a ObjectLock configuration")
        );
    }
    retain(&world, "GOVERNANCE", "2030-01-01T00:00:00.5Z").await.expect_status(200);
    let hold = "<LegalHold><Status>ON</Status></LegalHold>";
    world.ask("PUT", "/locked/k?legal-hold").guarded(hold).send().await.expect_status(200);
    put(&world, &[]).await;
    let of = |sub_resource: &str| format!("/locked/k?{sub_resource}&versionId={id}");
    let got = world.ask("GET", &of("retention")).send().await.expect_status(200);
    assert_eq!(got.element("Mode").as_deref(), Some("GOVERNANCE"));
    assert_eq!(got.element("RetainUntilDate").as_deref(), Some("2030-01-01T00:00:00.500Z"));
    let got = world.ask("GET", &of("legal-hold")).send().await.expect_status(200);
    assert_eq!(got.element("Status").as_deref(), Some("ON"));
    for method in ["GET", "HEAD"] {
        let target = format!("/locked/k?versionId={id}");
        let read = world.ask(method, &target).key(KEY_A).send().await.expect_status(200);
        assert_eq!(read.header(MODE), Some("GOVERNANCE"));
        assert_eq!(read.header(UNTIL), Some("2030-01-01T00:00:00.500Z"));
        assert_eq!(read.header(HOLD), Some("ON"));
        let other = world.ask(method, "/locked/k").key(KEY_A).send().await.expect_status(200);
        assert!([MODE, UNTIL, HOLD].iter().all(|name| other.header(name).is_none()));
    }
    let off = "<LegalHold><Status>OFF</Status></LegalHold>";
    world.ask("PUT", &of("legal-hold")).guarded(off).send().await.expect_status(200);
    let got = world.ask("GET", &of("legal-hold")).send().await.expect_status(200);
    assert_eq!(got.element("Status").as_deref(), Some("OFF"));
    let bad = "<LegalHold><Status>on</Status></LegalHold>";
    let bad = world.ask("PUT", "/locked/k?legal-hold").guarded(bad).send().await;
    bad.expect_error(400, "MalformedXML");
    let past = retain(&world, "GOVERNANCE", "2020-01-01T00:00:00Z").await;
    let past = past.expect_error(400, "InvalidArgument");
    assert_eq!(past.element("ArgumentName").as_deref(), Some("RetainUntilDate"));
}

#[tokio::test]
async fn a_locked_version_is_not_deleted() {
    let world = world().await;
    let hold = put(&world, &[(HOLD, "ON")]).await;
    let lock = |mode| [(MODE, mode), (UNTIL, "2030-01-01T00:00:00Z")];
    let compliance = put(&world, &lock("COMPLIANCE")).await;
    let governance = put(&world, &lock("GOVERNANCE")).await;
    let one = async |id: &str, bypass: &str| {
        let target = format!("/locked/k?versionId={id}");
        world.ask("DELETE", &target).header(BYPASS, bypass).send().await
    };
    let many = async |bypass: &str| {
        let objects: String = [&hold, &compliance, &governance]
            .iter()
            .map(|id| format!("<Object><Key>k</Key><VersionId>{id}</VersionId></Object>"))
            .collect();
        let body = format!("<Delete>{objects}</Delete>");
        world.ask("POST", "/locked?delete").header(BYPASS, bypass).guarded(&body).send().await
    };
    for id in [&hold, &compliance, &governance] {
        assert_locked(one(id, "false").await);
    }
    let refused = many("false").await.expect_status(200);
    assert_eq!(refused.elements("Code"), ["AccessDenied"; 3]);
    assert_eq!(refused.elements("Message"), [LOCKED; 3]);
    assert_locked(one(&hold, "true").await);
    assert_locked(one(&compliance, "true").await);
    let gone = many("true").await.expect_status(200);
    assert_eq!(gone.elements("Code"), ["AccessDenied"; 2]);
    assert_eq!(gone.elements("VersionId").iter().filter(|id| **id == governance).count(), 1);
    // A marker hides what is locked, and can be taken away again.
    let marker = world.ask("DELETE", "/locked/k").send().await.expect_status(204);
    let marker = marker.header("x-amz-version-id").unwrap().to_owned();
    one(&marker, "false").await.expect_status(204);
    let off = "<LegalHold><Status>OFF</Status></LegalHold>";
    let target = format!("/locked/k?legal-hold&versionId={hold}");
    world.ask("PUT", &target).guarded(off).send().await.expect_status(200);
    one(&hold, "false").await.expect_status(204);
    world.ask("DELETE", "/locked").send().await.expect_error(409, "BucketNotEmpty");
}

#[tokio::test]
async fn compliance_is_never_lifted_and_governance_by_bypass_only() {
    let world = world().await;
    put(&world, &[(MODE, "GOVERNANCE"), (UNTIL, "2030-01-01T00:00:00Z")]).await;
    let bypassing = async |body: &str| {
        world.ask("PUT", "/locked/k?retention").header(BYPASS, "true").guarded(body).send().await
    };
    let none = "<Retention/>";
    assert_locked(world.ask("PUT", "/locked/k?retention").guarded(none).send().await);
    assert_locked(retain(&world, "GOVERNANCE", "2029-01-01T00:00:00Z").await);
    assert_locked(retain(&world, "COMPLIANCE", "2031-01-01T00:00:00Z").await);
    retain(&world, "GOVERNANCE", "2031-01-01T00:00:00Z").await.expect_status(200);
    bypassing(&retention("GOVERNANCE", "2029-01-01T00:00:00Z")).await.expect_status(200);
    bypassing(none).await.expect_status(200);
    let gone = world.ask("GET", "/locked/k?retention").send().await;
    gone.expect_error(404, "NoSuchObjectLockConfiguration");
    retain(&world, "COMPLIANCE", "2030-01-01T00:00:00Z").await.expect_status(200);
    for body in [
        none.to_owned(),
        retention("COMPLIANCE", "2029-12-31T23:59:59Z"),
        retention("GOVERNANCE", "2031-01-01T00:00:00Z"),
    ] {
        assert_locked(bypassing(&body).await);
    }
    retain(&world, "COMPLIANCE", "2030-01-01T00:00:00.001Z").await.expect_status(200);
}

#[tokio::test]
async fn new_versions_get_the_default() {
    let world = world().await;
    let body = default_retention("GOVERNANCE", "<Days>1</Days>");
    world.ask("PUT", "/locked?object-lock").guarded(&body).send().await.expect_status(200);
    let until = async |key: &str| {
        let head = world.ask("HEAD", &format!("/locked/{key}")).key(KEY_A).send().await;
        let head = head.expect_status(200);
        (head.header(MODE).unwrap().to_owned(), head.header(UNTIL).unwrap().to_owned())
    };
    let default = ("GOVERNANCE".to_owned(), "2026-01-03T03:04:05.000Z".to_owned());
    let own = ("COMPLIANCE".to_owned(), "2030-01-01T00:00:00.000Z".to_owned());
    put(&world, &[]).await;
    assert_eq!(until("k").await, default);
    put(&world, &[(MODE, "COMPLIANCE"), (UNTIL, "2030-01-01T00:00:00Z")]).await;
    assert_eq!(until("k").await, own);
    // A lock is not the source's.
    let copy = world.ask("PUT", "/locked/copy").key(KEY_A).source_key(KEY_A);
    copy.header(SOURCE, "/locked/k").send().await.expect_status(200);
    assert_eq!(until("copy").await, default);
    let uploaded = async |key: &str, lock: &[(&str, &str)]| {
        let begun = world.ask("POST", &format!("/locked/{key}?uploads")).key(KEY_A).headers(lock);
        let begun = begun.send().await.expect_status(200);
        let id = begun.element("UploadId").unwrap();
        let target = format!("/locked/{key}?partNumber=1&uploadId={id}");
        let bare = world.ask("PUT", &target).key(KEY_A).body("x").send().await;
        let bare = bare.expect_error(400, "InvalidRequest");
        assert!(bare.element("Message").unwrap().contains("Put Part requests"));
        let part = world.ask("PUT", &target).key(KEY_A).guarded("x").send().await;
        let etag = part.expect_status(200).header("etag").unwrap().to_owned();
        let list = format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
        );
        let target = format!("/locked/{key}?uploadId={id}");
        world.ask("POST", &target).body(list).send().await.expect_status(200);
    };
    uploaded("parts", &[]).await;
    assert_eq!(until("parts").await, default);
    uploaded("own", &[(MODE, "COMPLIANCE"), (UNTIL, "2030-01-01T00:00:00Z")]).await;
    assert_eq!(until("own").await, own);
}

#[tokio::test]
async fn a_locked_put_must_guard_its_body() {
    let world = world().await;
    let refused = async |ask: Ask<'_>| {
        let refused = ask.send().await.expect_error(400, "InvalidRequest");
        assert!(!refused.polled);
        assert_eq!(
            refused.element("Message").as_deref(),
            Some(
                "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters"
            )
        );
    };
    let put = || world.ask("PUT", "/locked/k").key(KEY_A).body("x");
    put().send().await.expect_status(200);
    refused(put().header(HOLD, "ON")).await;
    put()
        .header(HOLD, "ON")
        .header("content-md5", "ndTkYSaMgDT1yFZOFVxnpg==")
        .send()
        .await
        .expect_status(200);
    let body = default_retention("GOVERNANCE", "<Days>1</Days>");
    world.ask("PUT", "/locked?object-lock").guarded(&body).send().await.expect_status(200);
    refused(put()).await;
    let anonymous = r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::locked/*"}}"#;
    world.ask("PUT", "/locked?policy").body(anonymous).send().await.expect_status(204);
    let stranger = put().header(HOLD, "ON").anonymous().send().await;
    let stranger = stranger.expect_error(400, "InvalidArgument");
    assert_eq!(stranger.element("ArgumentName").as_deref(), Some("Authorization"));
}

#[tokio::test]
async fn locks_have_permissions_of_their_own() {
    let world = world().await;
    world.add_user("alice").await;
    let allow = async |actions: &str, more: &str| {
        let policy = format!(
            r#"{{"Statement": [{{"Effect": "Allow", "Principal": "*", "Action": [{actions}], "Resource": "arn:aws:s3:::locked/*"}}{more}]}}"#
        );
        world.ask("PUT", "/locked?policy").body(policy).send().await.expect_status(204);
    };
    let lock = [(MODE, "GOVERNANCE"), (UNTIL, "2030-01-01T00:00:00Z")];
    let id = put(&world, &lock).await;
    let put_by_alice = |headers: &[(&str, &str)]| {
        world.ask("PUT", "/locked/k").by("alice").key(KEY_A).headers(headers).guarded("x")
    };
    let basic = r#""s3:PutObject", "s3:GetObject", "s3:DeleteObjectVersion""#;
    allow(basic, "").await;
    put_by_alice(&lock).send().await.expect_error(403, "AccessDenied");
    put_by_alice(&[(HOLD, "ON")]).send().await.expect_error(403, "AccessDenied");
    let head = world.ask("HEAD", "/locked/k").by("alice").key(KEY_A).send().await;
    let head = head.expect_status(200);
    assert!([MODE, UNTIL, HOLD].iter().all(|name| head.header(name).is_none()));
    let target = format!("/locked/k?versionId={id}");
    let bypass = || world.ask("DELETE", &target).by("alice").header(BYPASS, "true");
    let denied = bypass().send().await.expect_error(403, "AccessDenied");
    assert_eq!(denied.element("Message").as_deref(), Some("Access Denied"));
    let long = r#", {"Effect": "Deny", "Principal": "*", "Action": ["s3:PutObject", "s3:PutObjectRetention"], "Resource": "arn:aws:s3:::locked/*", "Condition": {"NumericGreaterThan": {"s3:object-lock-remaining-retention-days": "30"}}}, {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObjectLegalHold", "Resource": "arn:aws:s3:::locked/*", "Condition": {"StringEquals": {"s3:object-lock-legal-hold": "ON"}}}"#;
    let all = r#""s3:PutObject", "s3:GetObject", "s3:GetObjectRetention", "s3:PutObjectRetention", "s3:PutObjectLegalHold", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention""#;
    allow(all, long).await;
    let head = world.ask("HEAD", "/locked/k").by("alice").key(KEY_A).send().await;
    assert_eq!(head.expect_status(200).header(MODE), Some("GOVERNANCE"));
    put_by_alice(&lock).send().await.expect_error(403, "AccessDenied");
    let short = [(MODE, "GOVERNANCE"), (UNTIL, "2026-02-01T03:04:05Z")];
    put_by_alice(&short).send().await.expect_status(200);
    let retain = |until: &str| {
        let body = retention("GOVERNANCE", until);
        world.ask("PUT", "/locked/k?retention").by("alice").guarded(&body)
    };
    retain("2026-02-01T03:04:05.001Z").send().await.expect_error(403, "AccessDenied");
    retain("2026-02-01T03:04:05Z").send().await.expect_status(200);
    for (status, code) in [("ON", 403), ("OFF", 200)] {
        let body = format!("<LegalHold><Status>{status}</Status></LegalHold>");
        let hold = world.ask("PUT", "/locked/k?legal-hold").by("alice").guarded(&body);
        hold.send().await.expect_status(code);
    }
    bypass().send().await.expect_status(204);
}

/// docs/semantics.md: "Locks of other kinds".
#[tokio::test]
async fn a_lock_of_a_kind_that_is_not_built_is_refused_and_stores_nothing() {
    let world = world().await;
    put(&world, &[]).await;
    let event = "x-amz-object-lock-event-hold";
    for (name, value) in [
        (event, "ON"),
        (event, "OFF"),
        ("x-amz-object-lock-event-hold-duration-days", "3"),
        ("x-amz-object-lock-event-hold-duration-years", "1"),
        ("x-amz-object-lock-of-tomorrow", "1"),
    ] {
        let hoisted = format!("/locked/new?{name}={value}");
        for ask in [
            world.ask("PUT", "/locked/new").header(name, value).guarded("x"),
            world.ask("PUT", "/bkt/new").header(name, value).guarded("x"),
            world.ask("PUT", &hoisted).guarded("x"),
            world.ask("POST", "/locked/new?uploads").header(name, value),
            world.ask("PUT", "/locked/new").headers(&[(SOURCE, "/locked/k"), (name, value)]),
        ] {
            let refused = ask.key(KEY_A).source_key(KEY_A).send().await;
            let refused = refused.expect_error(501, "NotImplemented");
            assert_eq!(refused.element("Header").as_deref(), Some(name));
            assert!(!refused.polled);
        }
    }
    let kept = world.ask("GET", "/locked?versions").send().await.expect_status(200);
    assert_eq!(kept.elements("Key"), ["k"]);
    let begun = world.ask("GET", "/locked?uploads").send().await.expect_status(200);
    assert!(begun.elements("UploadId").is_empty());
    // In documents they are no elements that are known.
    let hold = "<Retention><EventHold>ON</EventHold></Retention>";
    let hold = world.ask("PUT", "/locked/k?retention").guarded(hold).send().await;
    hold.expect_error(400, "MalformedXML");
    let default = default_retention("GOVERNANCE", "<Days>1</Days><DefaultEventHold/>");
    let default = world.ask("PUT", "/locked?object-lock").guarded(&default).send().await;
    default.expect_error(400, "MalformedXML");
}
