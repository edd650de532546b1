//! Buckets: create, head, locate, delete, list.

use crate::world::World;

#[tokio::test]
async fn a_bucket_lives_and_dies() {
    let world = World::in_region("us-east-1").await;
    world.ask("HEAD", "/bkt").send().await.expect_status(404);
    world.ask("GET", "/bkt?location").send().await.expect_error(404, "NoSuchBucket");
    let made = world.ask("PUT", "/bkt").send().await.expect_status(200);
    assert_eq!(made.header("location"), Some("/bkt"));
    let head = world.ask("HEAD", "/bkt").send().await.expect_status(200);
    assert_eq!(head.header("x-amz-bucket-region"), Some("us-east-1"));
    for answer in [&made, &head] {
        assert_eq!(answer.header("x-amz-bucket-arn"), Some("arn:aws:s3:::bkt"));
    }
    let location = world.ask("GET", "/bkt?location").send().await.expect_status(200);
    assert!(location.text().ends_with("<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></LocationConstraint>"));
    world.put("/bkt/k", "x").await;
    let full = world.ask("DELETE", "/bkt").send().await.expect_error(409, "BucketNotEmpty");
    assert_eq!(full.element("BucketName").as_deref(), Some("bkt"));
    let message = "The bucket you tried to delete is not empty";
    assert_eq!(full.element("Message").as_deref(), Some(message));
    world.ask("DELETE", "/bkt/k").send().await.expect_status(204);
    world.ask("DELETE", "/bkt").send().await.expect_status(204);
    world.ask("DELETE", "/bkt").send().await.expect_error(404, "NoSuchBucket");
}

/// docs/semantics.md: "Creating a bucket again".
#[tokio::test]
async fn creating_again_depends_on_owner_and_region() {
    let classic = World::new().await;
    classic.add_user("alice").await;
    classic.ask("PUT", "/bkt").send().await.expect_status(200);
    classic.ask("PUT", "/bkt").by("alice").send().await.expect_error(409, "BucketAlreadyExists");
    let other = World::in_region("eu-west-1").await;
    other.ask("PUT", "/bkt").send().await.expect_status(200);
    other.ask("PUT", "/bkt").send().await.expect_error(409, "BucketAlreadyOwnedByYou");
    let location = other.ask("GET", "/bkt?location").send().await;
    assert!(location.text().contains(">eu-west-1</LocationConstraint>"));
}

#[tokio::test]
async fn the_location_constraint_must_be_ours() {
    let world = World::in_region("eu-west-1").await;
    let body = |region: &str| {
        format!(
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
        )
    };
    let foreign = world.ask("PUT", "/bkt").body(body("us-west-2")).send().await;
    foreign.expect_error(400, "IllegalLocationConstraintException");
    world.ask("PUT", "/bkt").body("<oops").send().await.expect_error(400, "MalformedXML");
    world
        .ask("PUT", "/bkt")
        .header("x-amz-acl", "bad")
        .send()
        .await
        .expect_error(400, "InvalidArgument");
    let locked = world.ask("PUT", "/bkt").header("x-amz-bucket-object-lock-enabled", "yes");
    locked.send().await.expect_error(400, "InvalidArgument");
    world.ask("PUT", "/bkt").body(body("eu-west-1")).send().await.expect_status(200);
}

#[tokio::test]
async fn buckets_are_listed_in_pages() {
    let world = World::in_region("us-east-1").await;
    world.add_user("alice").await;
    for name in ["aa-1", "aa-2", "bb-1"] {
        world.ask("PUT", &format!("/{name}")).send().await.expect_status(200);
    }
    world.ask("PUT", "/cc-1").by("alice").send().await.expect_status(200);
    let all = world.ask("GET", "/").send().await.expect_status(200);
    assert_eq!(all.elements("Name"), ["aa-1", "aa-2", "bb-1", "cc-1"], "root sees all");
    assert_eq!(all.element("CreationDate").as_deref(), Some("2026-01-02T03:04:05.000Z"));
    let own = world.ask("GET", "/").by("alice").send().await.expect_status(200);
    assert_eq!(own.elements("Name"), ["cc-1"]);
    assert_eq!(own.element("ID").as_deref(), Some("alice-id"));
    assert_eq!(own.element("DisplayName").as_deref(), Some("ALICE"));
    let first = world.ask("GET", "/?prefix=aa&max-buckets=1").send().await.expect_status(200);
    assert_eq!(first.elements("Name"), ["aa-1"]);
    assert_eq!(first.elements("BucketArn"), ["arn:aws:s3:::aa-1"]);
    let token = first.element("ContinuationToken").unwrap();
    let next = world
        .ask("GET", &format!("/?prefix=aa&max-buckets=1&continuation-token={token}"))
        .send()
        .await;
    assert_eq!(next.elements("Name"), ["aa-2"]);
    assert!(next.element("ContinuationToken").is_none());
    let elsewhere = world.ask("GET", "/?bucket-region=eu-west-1").send().await.expect_status(200);
    assert!(elsewhere.elements("Name").is_empty());
    let nowhere = world.ask("GET", "/?bucket-region=eu-east-1").send().await;
    let nowhere = nowhere.expect_error(400, "InvalidArgument");
    assert_eq!(nowhere.element("ArgumentName").as_deref(), Some("bucket-region"));
    assert_eq!(
        nowhere.element("Message").as_deref(),
        Some("Argument value eu-east-1 is not a valid AWS Region")
    );
    for bad in ["max-buckets=0", "max-buckets=10001", "max-buckets=x", "continuation-token=x"] {
        world.ask("GET", &format!("/?{bad}")).send().await.expect_error(400, "InvalidArgument");
    }
}

#[tokio::test]
async fn a_bucket_with_versions_says_what_else_must_go() {
    let world = World::new().await;
    world.set_versioning(object_engine::model::Versioning::Enabled).await;
    world.put("/bkt/k", "x").await;
    let full = world.ask("DELETE", "/bkt").send().await.expect_error(409, "BucketNotEmpty");
    assert_eq!(
        full.element("Message").as_deref(),
        Some(
            "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
        )
    );
}

/// docs/semantics.md: "Reserved names".
#[tokio::test]
async fn no_bucket_is_made_with_a_reserved_name() {
    let world = World::new().await;
    for reserved in [
        "xn--abc",
        "sthree-abc",
        "amzn-s3-demo-abc",
        "abc-s3alias",
        "abc--ol-s3",
        "abc.mrap",
        "abc--x-s3",
        "abc--table-s3",
    ] {
        let made = world.ask("PUT", &format!("/{reserved}")).send().await;
        let made = made.expect_error(400, "InvalidBucketName");
        assert_eq!(made.element("BucketName").as_deref(), Some(reserved));
    }
    // One that was made before goes on.
    let name = object_engine::model::BucketName::parse("abc-s3alias").unwrap();
    let owner = object_engine::model::AccountId(crate::world::ROOT_ID.into());
    let settings = std::collections::BTreeMap::new();
    let engine = world.store.engine();
    engine.create_bucket_with(&name, &owner, "us-east-1", &settings).await.unwrap();
    world.put("/abc-s3alias/k", "x").await;
    assert_eq!(world.ask("GET", "/abc-s3alias/k").send().await.text(), "x");
}

#[tokio::test]
async fn a_constraint_that_is_no_region_is_told_from_one_elsewhere() {
    let body = |region: &str| {
        format!(
            "<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
        )
    };
    let classic = World::in_region("us-east-1").await;
    let none = classic.ask("PUT", "/bkt").body(body("foo")).send().await;
    let none = none.expect_error(400, "InvalidLocationConstraint");
    assert_eq!(none.element("LocationConstraint").as_deref(), Some("foo"));
    assert_eq!(
        none.element("Message").as_deref(),
        Some("The specified location-constraint is not valid")
    );
    let other = World::in_region("eu-west-1").await;
    for (world, region) in [(&classic, "eu-west-1"), (&classic, "EU"), (&other, "bar")] {
        let elsewhere = world.ask("PUT", "/bkt").body(body(region)).send().await;
        elsewhere.expect_error(400, "IllegalLocationConstraintException");
    }
}

/// docs/semantics.md: "Tags of a new bucket".
#[tokio::test]
async fn a_bucket_is_made_with_tags() {
    let world = World::in_region("us-east-1").await;
    let made = async |tags: &str| {
        let body = format!("<CreateBucketConfiguration>{tags}</CreateBucketConfiguration>");
        world.ask("PUT", "/bkt").body(body).send().await
    };
    let tag = |key: &str, value: &str| {
        format!("<Tags><Tag><Key>{key}</Key><Value>{value}</Value></Tag></Tags>")
    };
    let tags = async || {
        let tags = world.ask("GET", "/bkt?tagging").send().await.expect_status(200);
        (tags.elements("Key"), tags.elements("Value"))
    };
    let system = "User-defined tag keys can't start with \"aws:\". This prefix is reserved for system tags. Remove \"aws:\" from your tag keys and try again.";
    for (bad, code, message) in [
        (tag("aws:a", "1"), "InvalidTag", system),
        (tag("a,b", "1"), "InvalidTag", "The TagKey you have provided is invalid"),
        (tag("a", "1,2"), "InvalidTag", "The TagValue you have provided is invalid"),
        (
            tag("a", "1") + &tag("b", "2"),
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        ),
        (
            "<Tags><Tag><Key>a</Key></Tag></Tags>".into(),
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        ),
    ] {
        let refused = made(&bad).await.expect_error(400, code);
        assert_eq!(refused.element("Message").as_deref(), Some(message), "{bad}");
    }
    world.ask("HEAD", "/bkt").send().await.expect_status(404);
    made(&tag("a", "1")).await.expect_status(200);
    let first = (vec!["a".to_owned()], vec!["1".to_owned()]);
    assert_eq!(tags().await, first);
    for again in [tag("a", "1"), tag("b", "2")] {
        made(&again).await.expect_error(409, "BucketAlreadyOwnedByYou");
    }
    for again in ["", "<Tags/>"] {
        made(again).await.expect_status(200);
    }
    assert_eq!(tags().await, first, "making it again changes no tags");
    world.ask("DELETE", "/bkt").send().await.expect_status(204);
    made("<Tags/>").await.expect_status(200);
    world.ask("GET", "/bkt?tagging").send().await.expect_error(404, "NoSuchTagSet");
}
