//! ACLs under BucketOwnerEnforced, and ownership controls.

use crate::{
    client::KEY_A,
    world::{ROOT_ID, World},
};

const NO_ACLS: &str = "The bucket does not allow ACLs";

fn policy(id: &str, permission: &str) -> String {
    format!(
        "<AccessControlPolicy><Owner><ID>{ROOT_ID}</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"><ID>{id}</ID></Grantee><Permission>{permission}</Permission></Grant></AccessControlList></AccessControlPolicy>"
    )
}

#[tokio::test]
async fn the_owner_has_full_control_and_nobody_else_any() {
    let world = World::new().await;
    world.ask("PUT", "/bkt/k").key(KEY_A).body("x").send().await.expect_status(200);
    for target in ["/bkt?acl", "/bkt/k?acl"] {
        let got = world.ask("GET", target).send().await.expect_status(200);
        assert!(got.text().ends_with(&format!(
            "<AccessControlPolicy xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Owner><ID>{ROOT_ID}</ID><DisplayName>root</DisplayName></Owner><AccessControlList><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"><ID>{ROOT_ID}</ID><DisplayName>root</DisplayName></Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>"
        )), "{}", got.text());
        for canned in ["private", "bucket-owner-full-control"] {
            let put = world.ask("PUT", target).key(KEY_A).header("x-amz-acl", canned).send().await;
            assert!(put.expect_status(200).body.is_empty());
        }
        let own = world.ask("PUT", target).body(policy(ROOT_ID, "FULL_CONTROL")).send().await;
        own.expect_status(200);
        for refused in [
            world.ask("PUT", target).header("x-amz-acl", "public-read"),
            world.ask("PUT", target).header("x-amz-grant-read", "id=\"other\""),
            world.ask("PUT", target).body(policy(ROOT_ID, "READ")),
            world.ask("PUT", target).body(policy("other", "FULL_CONTROL")),
        ] {
            let refused = refused.send().await;
            let refused = refused.expect_error(400, "AccessControlListNotSupported");
            assert_eq!(refused.element("Message").as_deref(), Some(NO_ACLS));
        }
        let bad = world.ask("PUT", target).header("x-amz-acl", "x").send().await;
        bad.expect_error(400, "InvalidArgument");
        let nothing = world.ask("PUT", target).send().await;
        nothing.expect_error(400, "MissingSecurityHeader");
        let bad = world.ask("PUT", target).body("<AccessControlPolicy/>").send().await;
        bad.expect_error(400, "MalformedACLError");
    }
    world.ask("GET", "/bkt/none?acl").send().await.expect_error(404, "NoSuchKey");
}

#[tokio::test]
async fn writes_ask_for_no_acl() {
    let world = World::new().await;
    for (method, target) in [("PUT", "/bkt/k"), ("POST", "/bkt/k?uploads")] {
        let put = world.ask(method, target).header("x-amz-acl", "public-read").send().await;
        let put = put.expect_error(400, "AccessControlListNotSupported");
        assert_eq!(put.element("Message").as_deref(), Some(NO_ACLS));
    }
    let made = world.ask("PUT", "/other").header("x-amz-acl", "public-read").send().await;
    let made = made.expect_error(400, "InvalidBucketAclWithObjectOwnership");
    assert_eq!(
        made.element("Message").as_deref(),
        Some("Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
    );
    let owned = |ownership| world.ask("PUT", "/owned").header("x-amz-object-ownership", ownership);
    owned("x").send().await.expect_error(400, "InvalidArgument");
    let public = owned("BucketOwnerEnforced").header("x-amz-acl", "public-read").send().await;
    public.expect_error(400, "InvalidBucketAclWithObjectOwnership");
    owned("BucketOwnerEnforced").send().await.expect_status(200);
}

#[tokio::test]
async fn ownership_can_be_set_and_shown_and_removed() {
    let world = World::new().await;
    let put = async |ownership: &str| {
        let body = format!(
            "<OwnershipControls><Rule><ObjectOwnership>{ownership}</ObjectOwnership></Rule></OwnershipControls>"
        );
        world.ask("PUT", "/bkt?ownershipControls").body(body).send().await
    };
    let expect = async |name: &str| {
        let got = world.ask("GET", "/bkt?ownershipControls").send().await.expect_status(200);
        assert_eq!(got.element("ObjectOwnership").as_deref(), Some(name));
    };
    let acl = |name| world.ask("PUT", "/bkt?acl").header("x-amz-acl", name);
    expect("BucketOwnerEnforced").await;
    for name in ["ObjectWriter", "BucketOwnerPreferred", "BucketOwnerEnforced"] {
        put(name).await.expect_status(200);
        expect(name).await;
    }
    put("x").await.expect_error(400, "MalformedXML");
    expect("BucketOwnerEnforced").await;
    acl("public-read").send().await.expect_error(400, "AccessControlListNotSupported");
    for _ in 0..2 {
        world.ask("DELETE", "/bkt?ownershipControls").send().await.expect_status(204);
        let gone = world.ask("GET", "/bkt?ownershipControls").send().await;
        gone.expect_error(404, "OwnershipControlsNotFoundError");
    }
    // As of old, ACLs are enabled; they are not disabled while the bucket's grants anything to others.
    acl("public-read").send().await.expect_status(200);
    let refused = put("BucketOwnerEnforced").await;
    refused.expect_error(400, "InvalidBucketAclWithObjectOwnership");
    acl("private").send().await.expect_status(200);
    put("BucketOwnerEnforced").await.expect_status(200);
}

#[tokio::test]
async fn everything_here_is_the_owners_alone() {
    let world = World::new().await;
    world.add_user("mallory").await;
    world.put("/bkt/k", "x").await;
    for (method, target) in [
        ("GET", "/bkt?versioning"),
        ("PUT", "/bkt?versioning"),
        ("GET", "/bkt?versions"),
        ("GET", "/bkt?encryption"),
        ("PUT", "/bkt?encryption"),
        ("DELETE", "/bkt?encryption"),
        ("GET", "/bkt?tagging"),
        ("PUT", "/bkt?tagging"),
        ("DELETE", "/bkt?tagging"),
        ("GET", "/bkt?acl"),
        ("PUT", "/bkt?acl"),
        ("GET", "/bkt?ownershipControls"),
        ("PUT", "/bkt?ownershipControls"),
        ("DELETE", "/bkt?ownershipControls"),
        ("GET", "/bkt?requestPayment"),
        ("GET", "/bkt?object-lock"),
        ("PUT", "/bkt?object-lock"),
        ("GET", "/bkt/k?attributes"),
        ("GET", "/bkt/k?tagging"),
        ("PUT", "/bkt/k?tagging"),
        ("DELETE", "/bkt/k?tagging"),
        ("GET", "/bkt/k?acl"),
        ("PUT", "/bkt/k?acl"),
        ("GET", "/bkt/k?retention"),
        ("PUT", "/bkt/k?legal-hold"),
        ("GET", "/bkt/k?torrent"),
        ("POST", "/bkt/k?restore"),
        ("POST", "/bkt/k?select&select-type=2"),
    ] {
        for ask in [
            world.ask(method, target).by("mallory").body("<x/>"),
            world.ask(method, target).anonymous().body("<x/>"),
        ] {
            assert!(!ask.send().await.expect_error(403, "AccessDenied").polled, "{target}");
        }
        // Over plain HTTP a key header is E1 here too.
        let insecure = world.ask(method, target).key(KEY_A).insecure().send().await;
        let insecure = insecure.expect_error(400, "InvalidArgument");
        assert_eq!(
            insecure.element("Message").as_deref(),
            Some(
                "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection."
            )
        );
    }
}
