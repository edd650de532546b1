//! What is not built is refused as such, and harms nothing.

use crate::{client::KEY_A, world::World};

#[tokio::test]
async fn a_sub_resource_that_is_not_built_is_501_and_changes_nothing() {
    let world = World::new().await;
    world.put("/bkt/k", "kept").await;
    for sub_resource in
        ["logging", "website", "replication", "acl&tagging", "versioning&uploads", "surprise"]
    {
        for (method, target) in [
            ("PUT", "/bkt/k"),
            ("DELETE", "/bkt/k"),
            ("GET", "/bkt/k"),
            ("PUT", "/bkt"),
            ("DELETE", "/bkt"),
            ("GET", "/bkt"),
        ] {
            let reply =
                world.ask(method, &format!("{target}?{sub_resource}")).body("lost").send().await;
            assert!(!reply.expect_error(501, "NotImplemented").polled);
        }
    }
    let kept = world.ask("GET", "/bkt/k").send().await.expect_status(200);
    assert_eq!(kept.text(), "kept");
}

#[tokio::test]
async fn a_copy_stores_no_empty_object() {
    let world = World::new().await;
    world.put("/bkt/k", "kept").await;
    let header = world.ask("PUT", "/bkt/k").header("x-amz-copy-source", "/bkt/other");
    header.send().await.expect_error(404, "NoSuchKey");
    let hoisted = world.ask("PUT", "/bkt/k?X-Amz-Copy-Source=%2Fbkt%2Fother");
    hoisted.send().await.expect_error(404, "NoSuchKey");
    let empty = world.ask("PUT", "/bkt/k").header("x-amz-copy-source", "");
    empty.send().await.expect_error(400, "InvalidArgument");
    assert_eq!(world.ask("GET", "/bkt/k").send().await.text(), "kept");
}

#[tokio::test]
async fn virtual_hosts_name_buckets() {
    let world = World::new().await;
    world.ask("PUT", "/a/b").host("bkt.s3.example.com").body("x").send().await.expect_status(200);
    let read = world.ask("GET", "/bkt/a/b").host("s3.example.com:9443").send().await;
    assert_eq!(read.expect_status(200).text(), "x");
    let reserved = world.ask("PUT", "/-/ready").host("bkt.s3.example.com").body("y").send().await;
    reserved.expect_status(200);
    assert_eq!(world.ask("GET", "/bkt/-/ready").send().await.text(), "y");
}

#[tokio::test]
async fn names_and_methods_are_checked() {
    let world = World::new().await;
    let bad = world.ask("PUT", "/Bad_Name").send().await.expect_error(400, "InvalidBucketName");
    assert_eq!(bad.element("BucketName").as_deref(), Some("Bad_Name"));
    let long = format!("/bkt/{}", "k".repeat(1_025));
    world.ask("PUT", &long).body("x").send().await.expect_error(400, "KeyTooLongError");
    world.ask("PUT", "/bkt/a%00b").send().await.expect_error(400, "InvalidURI");
    let patch = world.ask("PATCH", "/bkt/k").send().await.expect_error(405, "MethodNotAllowed");
    assert_eq!(patch.element("Method").as_deref(), Some("PATCH"));
}

/// Section 1.5 of the specification: presigners put headers into the query.
#[tokio::test]
async fn headers_in_the_query_count() {
    let world = World::new().await;
    let target = "/bkt/k?X-Amz-Server-Side-Encryption-Customer-Algorithm=AES256&x-amz-meta-a=b";
    let ask = world.ask("PUT", target).body("x");
    let ask = ask.header("x-amz-server-side-encryption-customer-key", KEY_A.0);
    let put = ask.header("x-amz-server-side-encryption-customer-key-md5", KEY_A.1).send().await;
    put.expect_status(200);
    let head = world.ask("HEAD", "/bkt/k").key(KEY_A).send().await.expect_status(200);
    assert_eq!(head.header("x-amz-meta-a"), Some("b"));
    let twice = world
        .ask("GET", "/bkt/k?X-Amz-Server-Side-Encryption-Customer-Algorithm=AES256")
        .key(KEY_A);
    twice.send().await.expect_error(400, "InvalidArgument");
}

/// STS and IAM sign for services of their own, or not at all.
#[tokio::test]
async fn sts_and_iam_are_501_before_any_signature_or_body_is_looked_at() {
    let world = World::new().await;
    let form = || {
        let ask =
            world.ask("POST", "/").header("content-type", "application/x-www-form-urlencoded");
        ask.body("Action=AssumeRole&Version=2011-06-15")
    };
    let query = world.ask("GET", "/?Action=ListUsers");
    for ask in [form(), form().by("mallory"), form().anonymous(), query] {
        let reply = ask.send().await.expect_error(501, "NotImplemented");
        assert!(!reply.polled);
        assert!(reply.element("Message").unwrap().contains("strongroom key"), "{}", reply.text());
        assert!(reply.text().contains("<ErrorResponse><Error><Code>"), "{}", reply.text());
        assert!(reply.text().ends_with("</RequestId></ErrorResponse>"), "{}", reply.text());
    }
    let other = world.ask("POST", "/").body("x").send().await;
    other.expect_error(405, "MethodNotAllowed");
    let form_of_a_bucket = form().host("bkt.s3.example.com").send().await;
    assert_ne!(form_of_a_bucket.status, 501, "{}", form_of_a_bucket.text());
}
