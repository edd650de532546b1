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
    let location = world.ask("GET", "/bkt?location").send().await.expect_status(200);
    assert!(location.text().ends_with("<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></LocationConstraint>"));
    world.put("/bkt/k", "x").await;
    let full = world.ask("DELETE", "/bkt").send().await.expect_error(409, "BucketNotEmpty");
    assert_eq!(full.element("BucketName").as_deref(), Some("bkt"));
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
    let token = first.element("ContinuationToken").unwrap();
    let next = world
        .ask("GET", &format!("/?prefix=aa&max-buckets=1&continuation-token={token}"))
        .send()
        .await;
    assert_eq!(next.elements("Name"), ["aa-2"]);
    assert!(next.element("ContinuationToken").is_none());
    let elsewhere = world.ask("GET", "/?bucket-region=eu-west-1").send().await.expect_status(200);
    assert!(elsewhere.elements("Name").is_empty());
    for bad in ["max-buckets=0", "max-buckets=10001", "max-buckets=x", "continuation-token=x"] {
        world.ask("GET", &format!("/?{bad}")).send().await.expect_error(400, "InvalidArgument");
    }
}
