//! ACLs where they are enabled: who is granted what, whose objects are, and what is never granted.

use s3_front::service::ObjectOwnership;

use crate::{
    client::{Ask, KEY_A, Reply, SOURCE},
    world::{ROOT_ID, World},
};

const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const CANNED: &str = "x-amz-acl";

async fn world() -> World {
    World::owning(ObjectOwnership::ObjectWriter).await
}

async fn put(world: &World, by: &str, target: &str, acl: &str) {
    let ask = world.ask("PUT", target).by(by).body("x");
    let ask = if acl.is_empty() { ask } else { ask.header(CANNED, acl) };
    ask.send().await.expect_status(200);
}

/// Who of root, alice, bob and nobody is let in, by what is asked of each.
async fn let_in<'w>(ask: impl Fn() -> Ask<'w>) -> [bool; 4] {
    let mut let_in = [false; 4];
    for (at, ask) in
        [ask(), ask().by("alice"), ask().by("bob"), ask().anonymous()].into_iter().enumerate()
    {
        let reply = ask.send().await;
        let_in[at] = reply.status.is_success();
        assert!(let_in[at] || reply.status == 403, "{} {}", reply.status, reply.text());
    }
    let_in
}

const ROOT: [bool; 4] = [true, false, false, false];
const ROOT_AND_ALICE: [bool; 4] = [true, true, false, false];
const ACCOUNTS: [bool; 4] = [true, true, true, false];
const ALL: [bool; 4] = [true; 4];

/// Permission and grantee of each grant.
fn grants(reply: &Reply) -> Vec<(String, String)> {
    let grantee = |grant: &str| {
        let inside = |name: &str| {
            let (_, rest) = grant.split_once(&format!("<{name}>"))?;
            Some(rest.split_once("</").unwrap().0.to_owned())
        };
        (inside("Permission").unwrap(), inside("ID").or_else(|| inside("URI")).unwrap())
    };
    reply.elements("Grant").iter().map(|grant| grantee(grant)).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

async fn shown(world: &World, target: &str) -> (String, Vec<(String, String)>) {
    let reply = world.ask("GET", target).send().await.expect_status(200);
    let owner = reply.element("ID").unwrap();
    (owner, grants(&reply))
}

fn document(owner: &str, grants: &[(&str, &str)]) -> String {
    let grants: String = grants
        .iter()
        .map(|(grantee, permission)| {
            format!(
                "<Grant><Grantee>{grantee}</Grantee><Permission>{permission}</Permission></Grant>"
            )
        })
        .collect();
    format!(
        "<AccessControlPolicy><Owner><ID>{owner}</ID></Owner><AccessControlList>{grants}</AccessControlList></AccessControlPolicy>"
    )
}

#[tokio::test]
async fn a_buckets_grants_are_its_own_and_an_objects_its_own() {
    let world = world().await;
    for (acl, lists, writes) in [
        ("private", ROOT, ROOT),
        ("public-read", ALL, ROOT),
        ("public-read-write", ALL, ALL),
        ("authenticated-read", ACCOUNTS, ROOT),
        ("log-delivery-write", ROOT, ROOT),
        ("bucket-owner-read", ROOT, ROOT),
    ] {
        put(&world, "root", "/bkt/k", "").await;
        world.ask("PUT", "/bkt?acl").header(CANNED, acl).send().await.expect_status(200);
        for listing in ["/bkt", "/bkt?list-type=2", "/bkt?versions", "/bkt?uploads"] {
            assert_eq!(let_in(|| world.ask("GET", listing)).await, lists, "{acl} {listing}");
        }
        assert_eq!(let_in(|| world.ask("PUT", "/bkt/new").body("y")).await, writes, "{acl}");
        assert_eq!(let_in(|| world.ask("DELETE", "/bkt/new")).await, writes, "{acl}");
        assert_eq!(let_in(|| world.ask("POST", "/bkt/n?uploads")).await, writes, "{acl}");
        for reserved in ["/bkt/k", "/bkt/k?acl", "/bkt?acl", "/bkt?policy"] {
            let denied = world.ask("GET", reserved).by("alice").send().await;
            denied.expect_error(403, "AccessDenied");
        }
    }
    let tagged = world.ask("PUT", "/bkt/t").by("alice").header("x-amz-tagging", "a=b");
    tagged.body("x").send().await.expect_error(403, "AccessDenied");
    let body = "<Delete><Object><Key>k</Key></Object></Delete>";
    let list = |acl| world.ask("PUT", "/bkt?acl").header(CANNED, acl);
    let delete = || world.ask("POST", "/bkt?delete").by("alice");
    list("public-read").send().await.expect_status(200);
    assert!(!delete().send().await.expect_error(403, "AccessDenied").polled);
    list("public-read-write").send().await.expect_status(200);
    let tagged = world.ask("PUT", "/bkt/t").by("alice").header("x-amz-tagging", "a=b");
    tagged.body("x").send().await.expect_status(200);
    let retagged = world.ask("DELETE", "/bkt/t?tagging").by("bob").send().await;
    retagged.expect_error(403, "AccessDenied");
    let digest = "x-amz-checksum-crc32";
    let without = delete().body(body).header(digest, "AAAAAA==").send().await;
    assert!(without.polled, "whoever may delete is asked what");
    for (acl, reads) in [
        ("private", ROOT),
        ("public-read", ALL),
        ("public-read-write", ALL),
        ("authenticated-read", ACCOUNTS),
        ("aws-exec-read", ROOT),
        ("bucket-owner-full-control", ROOT),
    ] {
        put(&world, "root", "/bkt/o", acl).await;
        assert_eq!(let_in(|| world.ask("GET", "/bkt/o")).await, reads, "{acl}");
        assert_eq!(let_in(|| world.ask("HEAD", "/bkt/o")).await, reads, "{acl}");
        assert_eq!(let_in(|| world.ask("GET", "/bkt/o?versionId=null")).await, reads, "{acl}");
        assert_eq!(let_in(|| world.ask("GET", "/bkt/o?acl")).await, ROOT, "{acl}");
        let copy = |by: &str| world.ask("PUT", "/bkt/copy").by(by).header(SOURCE, "/bkt/o");
        let copied = copy("alice").send().await.status.is_success();
        assert_eq!(copied, reads[1], "{acl}");
    }
}

#[tokio::test]
async fn a_copy_and_a_new_version_have_an_acl_of_their_own() {
    let world = world().await;
    put(&world, "root", "/bkt/o", "public-read").await;
    world.ask("PUT", "/bkt/copy").header(SOURCE, "/bkt/o").send().await.expect_status(200);
    assert_eq!(let_in(|| world.ask("GET", "/bkt/copy")).await, ROOT);
    let public = world.ask("PUT", "/bkt/copy").header(SOURCE, "/bkt/o");
    public.header(CANNED, "public-read").send().await.expect_status(200);
    assert_eq!(let_in(|| world.ask("GET", "/bkt/copy")).await, ALL);
    put(&world, "root", "/bkt/o", "").await;
    assert_eq!(let_in(|| world.ask("GET", "/bkt/o")).await, ROOT);

    world.set_versioning(object_engine::model::Versioning::Enabled).await;
    let version = |reply: Reply| reply.header("x-amz-version-id").unwrap().to_owned();
    let old = version(world.ask("PUT", "/bkt/v").body("1").send().await.expect_status(200));
    let new = version(world.ask("PUT", "/bkt/v").body("2").send().await.expect_status(200));
    let at = |id: &str| format!("/bkt/v?versionId={id}");
    let set = world.ask("PUT", &format!("/bkt/v?acl&versionId={old}"));
    let set = set.header(CANNED, "public-read").send().await.expect_status(200);
    assert_eq!(version(set), old);
    assert_eq!(let_in(|| world.ask("GET", &at(&old))).await, ALL);
    assert_eq!(let_in(|| world.ask("GET", &at(&new))).await, ROOT);
    assert_eq!(let_in(|| world.ask("GET", "/bkt/v")).await, ROOT);
}

#[tokio::test]
async fn anybody_with_the_key_reads_a_public_object_under_one() {
    let world = world().await;
    let put = world.ask("PUT", "/bkt/k").key(KEY_A).header(CANNED, "public-read").body("secret");
    put.send().await.expect_status(200);
    let got = world.ask("GET", "/bkt/k").key(KEY_A).anonymous().send().await.expect_status(200);
    assert_eq!(got.text(), "secret");
    let without = world.ask("GET", "/bkt/k").anonymous().send().await;
    without.expect_error(400, "InvalidRequest");
    // The ACL is in clear: it needs no key.
    world.ask("PUT", "/bkt/k?acl").header(CANNED, "private").send().await.expect_status(200);
    let denied = world.ask("GET", "/bkt/k").key(KEY_A).anonymous().send().await;
    denied.expect_error(403, "AccessDenied");
    let own = world.ask("GET", "/bkt/k").key(KEY_A).send().await.expect_status(200);
    assert_eq!(own.text(), "secret");
    let create = world.ask("POST", "/bkt/m?uploads").key(KEY_A).header(CANNED, "public-read");
    let upload = create.send().await.expect_status(200).element("UploadId").unwrap();
    let part = world.ask("PUT", &format!("/bkt/m?partNumber=1&uploadId={upload}")).key(KEY_A);
    let etag = part.body("part").send().await.expect_status(200);
    let list = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}</ETag></Part></CompleteMultipartUpload>",
        etag.header("etag").unwrap()
    );
    let complete = world.ask("POST", &format!("/bkt/m?uploadId={upload}")).body(list);
    complete.send().await.expect_status(200);
    let got = world.ask("GET", "/bkt/m").key(KEY_A).anonymous().send().await.expect_status(200);
    assert_eq!(got.text(), "part");
}

#[tokio::test]
async fn grants_in_headers_and_documents_are_kept_and_shown() {
    let world = world().await;
    put(&world, "root", "/bkt/k", "").await;
    for target in ["/bkt?acl", "/bkt/k?acl"] {
        assert_eq!(
            shown(&world, target).await,
            (ROOT_ID.to_owned(), pairs(&[("FULL_CONTROL", ROOT_ID)]))
        );
        let headers = world
            .ask("PUT", target)
            .header("x-amz-grant-read-acp", "emailAddress=\"BOB@example.com\"")
            .header("x-amz-grant-read", &format!("id=\"alice-id\", uri=\"{ALL_USERS}\""));
        headers.send().await.expect_status(200);
        let expected = [("READ", ALL_USERS), ("READ", "alice-id"), ("READ_ACP", "bob-id")];
        assert_eq!(shown(&world, target).await.1, pairs(&expected));
        let body = document(
            ROOT_ID,
            &[
                ("<ID>alice-id</ID><DisplayName>x</DisplayName>", "WRITE_ACP"),
                ("<EmailAddress>bob@example.com</EmailAddress>", "FULL_CONTROL"),
            ],
        );
        world.ask("PUT", target).body(body).send().await.expect_status(200);
        let got = world.ask("GET", target).by("bob").send().await.expect_status(200);
        assert_eq!(grants(&got), pairs(&[("WRITE_ACP", "alice-id"), ("FULL_CONTROL", "bob-id")]));
        assert!(got.text().contains("<ID>alice-id</ID><DisplayName>ALICE</DisplayName>"));
        // Who may only set the ACL may not read it; the owner always may both.
        let read = world.ask("GET", target).by("alice").send().await;
        read.expect_error(403, "AccessDenied");
        let set = world.ask("PUT", target).by("alice").header(CANNED, "private").send().await;
        set.expect_status(200);
        assert_eq!(shown(&world, target).await.1, pairs(&[("FULL_CONTROL", ROOT_ID)]));
        world.ask("PUT", target).body(document(ROOT_ID, &[])).send().await.expect_status(200);
        assert!(shown(&world, target).await.1.is_empty());
        world.ask("PUT", target).header(CANNED, "private").send().await.expect_status(200);
    }
    let put = world.ask("PUT", "/bkt/h").header("x-amz-grant-read", "id=alice-id").body("x");
    put.send().await.expect_status(200);
    assert_eq!(let_in(|| world.ask("GET", "/bkt/h")).await, ROOT_AND_ALICE);
    let made = world.ask("PUT", "/made").header("x-amz-grant-read", "id=alice-id").send().await;
    made.expect_status(200);
    assert_eq!(let_in(|| world.ask("GET", "/made")).await, ROOT_AND_ALICE);
    // Created again, a bucket has the ACL that is asked for then.
    world.ask("PUT", "/made").send().await.expect_status(200);
    assert_eq!(let_in(|| world.ask("GET", "/made")).await, ROOT);
}

#[tokio::test]
async fn grants_to_nobody_known_are_refused() {
    let world = world().await;
    put(&world, "root", "/bkt/k", "").await;
    let id = |text: &str| format!("<ID>{text}</ID>");
    for target in ["/bkt?acl", "/bkt/k?acl"] {
        let ask = |grantee: String| {
            world.ask("PUT", target).body(document(ROOT_ID, &[(grantee.as_str(), "READ")]))
        };
        let unknown = ask(id("_foo")).send().await.expect_error(400, "InvalidArgument");
        assert_eq!(unknown.element("Message").as_deref(), Some("Invalid id"));
        assert_eq!(unknown.element("ArgumentName").as_deref(), Some("CanonicalUser/ID"));
        let email = |name: &str| ask(format!("<EmailAddress>{name}</EmailAddress>"));
        let nobody = email("nobody@example.com").send().await;
        nobody.expect_error(400, "UnresolvableGrantByEmailAddress");
        let group = ask("<URI>http://example.com/</URI>".into()).send().await;
        group.expect_error(400, "InvalidArgument");
        let many = vec![("<ID>alice-id</ID>", "READ"); 101];
        let many = world.ask("PUT", target).body(document(ROOT_ID, &many)).send().await;
        many.expect_error(400, "MalformedACLError");
        let other = world.ask("PUT", target).body(document("alice-id", &[])).send().await;
        other.expect_error(403, "AccessDenied");
        let put = world.ask("PUT", target).header(CANNED, "private");
        let both = put.header("x-amz-grant-read", "id=alice-id").send().await;
        both.expect_error(400, "InvalidRequest");
        assert_eq!(shown(&world, target).await.1, pairs(&[("FULL_CONTROL", ROOT_ID)]));
    }
    let stored = world.ask("PUT", "/bkt/new").header("x-amz-grant-read", "id=nobody").body("x");
    stored.send().await.expect_error(400, "InvalidArgument");
    world.ask("GET", "/bkt/new").send().await.expect_error(404, "NoSuchKey");
    let logs = world.ask("PUT", "/bkt/new").header(CANNED, "log-delivery-write").body("x");
    logs.send().await.expect_error(400, "InvalidArgument");
}

/// A bucket of alice's that everybody may write to.
async fn alices(ownership: ObjectOwnership) -> World {
    let world = World::owning(ownership).await;
    let made = world.ask("PUT", "/hers").by("alice").header(CANNED, "public-read-write");
    made.send().await.expect_status(200);
    world
}

#[tokio::test]
async fn a_writers_object_is_its_own_and_not_the_bucket_owners_to_read() {
    let world = alices(ObjectOwnership::ObjectWriter).await;
    put(&world, "bob", "/hers/k", "").await;
    let everything = r#"{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*",
        "Resource": ["arn:aws:s3:::hers", "arn:aws:s3:::hers/*"]}]}"#;
    for with_policy in [false, true] {
        for target in ["/hers/k", "/hers/k?acl"] {
            let who = let_in(|| world.ask("GET", target)).await;
            assert_eq!(who, [true, false, true, false], "{target} {with_policy}");
        }
        let copy = world.ask("PUT", "/hers/c").by("alice").header(SOURCE, "/hers/k");
        copy.send().await.expect_error(403, "AccessDenied");
        let set = world.ask("PUT", "/hers/k?acl").by("alice").header(CANNED, "public-read");
        set.send().await.expect_error(403, "AccessDenied");
        let policy = world.ask("PUT", "/hers?policy").by("alice").body(everything);
        policy.send().await.expect_status(204);
    }
    world.ask("DELETE", "/hers?policy").by("alice").send().await.expect_status(204);
    assert_eq!(shown(&world, "/hers/k?acl").await.0, "bob-id");
    let listed = world.ask("GET", "/hers").by("alice").send().await.expect_status(200);
    assert_eq!(listed.elements("ID"), ["bob-id"]);
    // What it is granted the bucket's owner may, and it may always delete.
    put(&world, "bob", "/hers/k", "bucket-owner-read").await;
    let who = let_in(|| world.ask("GET", "/hers/k")).await;
    assert_eq!(who, [true, true, true, false]);
    let expected = [("FULL_CONTROL", "bob-id"), ("READ", "alice-id")];
    assert_eq!(shown(&world, "/hers/k?acl").await.1, pairs(&expected));
    world.ask("DELETE", "/hers/k").by("alice").send().await.expect_status(204);
    // What nobody wrote is the bucket owner's.
    world.ask("PUT", "/hers/a").anonymous().body("x").send().await.expect_status(200);
    assert_eq!(let_in(|| world.ask("GET", "/hers/a")).await, ROOT_AND_ALICE);
}

#[tokio::test]
async fn an_owner_never_loses_hold_of_an_acl() {
    let world = alices(ObjectOwnership::ObjectWriter).await;
    put(&world, "bob", "/hers/k", "").await;
    let nobody = world.ask("PUT", "/hers/k?acl").by("bob").body(document("bob-id", &[]));
    nobody.send().await.expect_status(200);
    let read = world.ask("GET", "/hers/k").by("bob").send().await;
    read.expect_error(403, "AccessDenied");
    world.ask("GET", "/hers/k?acl").by("bob").send().await.expect_status(200);
    let back = world.ask("PUT", "/hers/k?acl").by("bob").header(CANNED, "private").send().await;
    back.expect_status(200);
    world.ask("GET", "/hers/k").by("bob").send().await.expect_status(200);
}

#[tokio::test]
async fn preferred_ownership_is_handed_over_by_name() {
    let world = alices(ObjectOwnership::BucketOwnerPreferred).await;
    for (acl, owner) in [
        ("", "bob-id"),
        ("private", "bob-id"),
        ("public-read", "bob-id"),
        ("bucket-owner-full-control", "alice-id"),
    ] {
        put(&world, "bob", "/hers/k", acl).await;
        assert_eq!(shown(&world, "/hers/k?acl").await.0, owner, "{acl}");
    }
    let writer = alices(ObjectOwnership::ObjectWriter).await;
    put(&writer, "bob", "/hers/k", "bucket-owner-full-control").await;
    assert_eq!(shown(&writer, "/hers/k?acl").await.0, "bob-id");
}

#[tokio::test]
async fn disabling_acls_gives_the_bucket_owner_everything() {
    let world = alices(ObjectOwnership::ObjectWriter).await;
    put(&world, "bob", "/hers/k", "public-read").await;
    let private = world.ask("PUT", "/hers?acl").by("alice").header(CANNED, "private").send().await;
    private.expect_status(200);
    let own = async |name: &str| {
        let body = format!(
            "<OwnershipControls><Rule><ObjectOwnership>{name}</ObjectOwnership></Rule></OwnershipControls>"
        );
        let put = world.ask("PUT", "/hers?ownershipControls").by("alice").body(body);
        put.send().await.expect_status(200);
    };
    own("BucketOwnerEnforced").await;
    assert_eq!(let_in(|| world.ask("GET", "/hers/k")).await, ROOT_AND_ALICE);
    let expected = ("alice-id".to_owned(), pairs(&[("FULL_CONTROL", "alice-id")]));
    assert_eq!(shown(&world, "/hers/k?acl").await, expected);
    let listed = world.ask("GET", "/hers").by("alice").send().await.expect_status(200);
    assert_eq!(listed.elements("ID"), ["alice-id"]);
    let versions = world.ask("GET", "/hers?versions").by("alice").send().await.expect_status(200);
    assert_eq!(versions.elements("ID"), ["alice-id"]);
    // What was granted before counts again when ACLs are enabled again.
    own("ObjectWriter").await;
    assert_eq!(let_in(|| world.ask("GET", "/hers/k")).await, ALL);
}

#[tokio::test]
async fn policies_and_acls_add_up_and_a_deny_wins() {
    let world = world().await;
    put(&world, "root", "/bkt/k", "public-read").await;
    let policy = async |effect: &str, action: &str| {
        let body = format!(
            r#"{{"Statement": [{{"Effect": "{effect}", "Principal": {{"AWS": "alice"}}, "Action": "{action}", "Resource": ["arn:aws:s3:::bkt", "arn:aws:s3:::bkt/*"]}}]}}"#
        );
        world.ask("PUT", "/bkt?policy").body(body).send().await.expect_status(204);
    };
    policy("Deny", "s3:*").await;
    assert_eq!(let_in(|| world.ask("GET", "/bkt/k")).await, [true, false, true, true]);
    policy("Allow", "s3:GetObject").await;
    put(&world, "root", "/bkt/k", "").await;
    assert_eq!(let_in(|| world.ask("GET", "/bkt/k")).await, ROOT_AND_ALICE);
    assert_eq!(let_in(|| world.ask("GET", "/bkt/k?acl")).await, ROOT);
}

#[tokio::test]
async fn public_acls_can_be_blocked_and_ignored() {
    let world = world().await;
    put(&world, "root", "/bkt/k", "public-read").await;
    world.ask("PUT", "/bkt?acl").header(CANNED, "public-read").send().await.expect_status(200);
    let granted = world.ask("PUT", "/bkt/a").header("x-amz-grant-read", "id=alice-id").body("x");
    granted.send().await.expect_status(200);
    let block = async |name: &str| {
        let body = format!(
            "<PublicAccessBlockConfiguration><{name}>true</{name}></PublicAccessBlockConfiguration>"
        );
        world.ask("PUT", "/bkt?publicAccessBlock").body(body).send().await.expect_status(200);
    };
    block("IgnorePublicAcls").await;
    assert_eq!(let_in(|| world.ask("GET", "/bkt/k")).await, ROOT);
    assert_eq!(let_in(|| world.ask("GET", "/bkt")).await, ROOT);
    assert_eq!(let_in(|| world.ask("GET", "/bkt/a")).await, ROOT_AND_ALICE, "not a public grant");
    block("BlockPublicAcls").await;
    assert_eq!(let_in(|| world.ask("GET", "/bkt/k")).await, ALL, "what was granted stays");
    let group = format!("uri=\"{ALL_USERS}\"");
    let body = document(ROOT_ID, &[(format!("<URI>{ALL_USERS}</URI>").as_str(), "READ")]);
    for target in ["/bkt?acl", "/bkt/k?acl"] {
        for ask in [
            world.ask("PUT", target).header(CANNED, "authenticated-read"),
            world.ask("PUT", target).header("x-amz-grant-write-acp", &group),
            world.ask("PUT", target).body(body.clone()),
        ] {
            ask.send().await.expect_error(403, "AccessDenied");
        }
    }
    for ask in [
        world.ask("PUT", "/bkt/n").header(CANNED, "public-read").body("x"),
        world.ask("PUT", "/bkt/n").header("x-amz-grant-read", &group).body("x"),
        world.ask("POST", "/bkt/n?uploads").header("x-amz-grant-read", &group),
        world.ask("PUT", "/bkt/n").header(SOURCE, "/bkt/k").header("x-amz-grant-read", &group),
    ] {
        ask.send().await.expect_error(403, "AccessDenied");
    }
    world.ask("PUT", "/bkt/n").header(CANNED, "private").body("x").send().await.expect_status(200);
}

#[tokio::test]
async fn a_missing_object_is_only_missing_for_who_may_list() {
    let world = world().await;
    for target in ["/bkt/none", "/bkt/none?acl"] {
        let denied = world.ask("GET", target).anonymous().send().await;
        denied.expect_error(403, "AccessDenied");
    }
    let copy = || world.ask("PUT", "/hers/c").by("alice").header(SOURCE, "/bkt/none");
    world.ask("PUT", "/hers").by("alice").send().await.expect_status(200);
    copy().send().await.expect_error(403, "AccessDenied");
    world.ask("PUT", "/bkt?acl").header(CANNED, "public-read").send().await.expect_status(200);
    world.ask("GET", "/bkt/none").anonymous().send().await.expect_error(404, "NoSuchKey");
    copy().send().await.expect_error(404, "NoSuchKey");
    world.ask("GET", "/nowhere/k").anonymous().send().await.expect_error(404, "NoSuchBucket");
}

#[tokio::test]
async fn an_acl_is_not_asked_for_in_two_ways() {
    let world = world().await;
    put(&world, "root", "/bkt/k", "").await;
    let body = document(ROOT_ID, &[(&format!("<ID>{ROOT_ID}</ID>"), "FULL_CONTROL")]);
    for target in ["/bkt?acl", "/bkt/k?acl"] {
        let ask = || world.ask("PUT", target).header(CANNED, "public-read");
        let both = ask().body(body.clone()).send().await.expect_error(400, "UnexpectedContent");
        assert_eq!(
            both.element("Message").as_deref(),
            Some("This request does not support content")
        );
        let both = ask().header("x-amz-grant-read", "id=a").send().await;
        both.expect_error(400, "InvalidRequest");
    }
}

#[tokio::test]
async fn a_delete_marker_has_no_acl() {
    let world = world().await;
    world.set_versioning(object_engine::model::Versioning::Enabled).await;
    put(&world, "root", "/bkt/k", "").await;
    world.ask("DELETE", "/bkt/k").send().await.expect_status(204);
    let set = world.ask("PUT", "/bkt/k?acl").header(CANNED, "public-read").send().await;
    let set = set.expect_error(405, "MethodNotAllowed");
    assert_eq!(set.element("Method").as_deref(), Some("PUT"));
    assert_eq!(set.element("ResourceType").as_deref(), Some("DeleteMarker"));
    world.ask("GET", "/bkt/k?acl").send().await.expect_error(404, "NoSuchKey");
}
