//! Tags of objects and buckets.

use object_engine::model::Versioning;

use crate::{
    client::{KEY_A, KEY_B},
    world::World,
};

fn tagging(tags: &[(&str, &str)]) -> String {
    let tags: String = tags
        .iter()
        .map(|(key, value)| format!("<Tag><Key>{key}</Key><Value>{value}</Value></Tag>"))
        .collect();
    format!("<Tagging><TagSet>{tags}</TagSet></Tagging>")
}

#[tokio::test]
async fn tags_of_an_object_under_a_key_need_no_key() {
    let world = World::new().await;
    let put = world.ask("PUT", "/bkt/k").key(KEY_A).header("x-amz-tagging", "a=1");
    put.body("x").send().await.expect_status(200);
    let got = world.ask("GET", "/bkt/k?tagging").send().await.expect_status(200);
    assert!(got.text().ends_with(
        "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>"
    ));
    let two = tagging(&[("b", "2"), ("c", "")]);
    // Key headers mean nothing here, whatever they hold.
    let put = world.ask("PUT", "/bkt/k?tagging").key(KEY_B).body(two).send().await;
    assert!(put.expect_status(200).body.is_empty());
    let got = world.ask("GET", "/bkt/k?tagging").send().await.expect_status(200);
    assert_eq!(got.elements("Key"), ["b", "c"]);
    assert_eq!(got.elements("Value"), ["2", ""]);
    for method in ["GET", "HEAD"] {
        let read = world.ask(method, "/bkt/k").key(KEY_A).send().await.expect_status(200);
        assert_eq!(read.header("x-amz-tagging-count"), Some("2"));
    }
    world.ask("DELETE", "/bkt/k?tagging").send().await.expect_status(204);
    let got = world.ask("GET", "/bkt/k?tagging").send().await.expect_status(200);
    assert!(got.text().contains("<TagSet></TagSet>"));
    let head = world.ask("HEAD", "/bkt/k").key(KEY_A).send().await.expect_status(200);
    assert_eq!(head.header("x-amz-tagging-count"), None);
    world.ask("GET", "/bkt/none?tagging").send().await.expect_error(404, "NoSuchKey");
}

#[tokio::test]
async fn each_version_has_tags_of_its_own() {
    let world = World::new().await;
    world.set_versioning(Versioning::Enabled).await;
    let put = async || {
        let reply = world.ask("PUT", "/bkt/k").body("x").send().await.expect_status(200);
        reply.header("x-amz-version-id").unwrap().to_owned()
    };
    let (first, second) = (put().await, put().await);
    let target = format!("/bkt/k?tagging&versionId={first}");
    let tagged = world.ask("PUT", &target).body(tagging(&[("a", "1")])).send().await;
    assert_eq!(tagged.expect_status(200).header("x-amz-version-id"), Some(first.as_str()));
    let got = world.ask("GET", &target).send().await.expect_status(200);
    assert_eq!(got.header("x-amz-version-id"), Some(first.as_str()));
    assert_eq!(got.elements("Key"), ["a"]);
    let latest = world.ask("GET", "/bkt/k?tagging").send().await.expect_status(200);
    assert_eq!(latest.header("x-amz-version-id"), Some(second.as_str()));
    assert!(latest.elements("Key").is_empty());
    let deleted = world.ask("DELETE", &target).send().await.expect_status(204);
    assert_eq!(deleted.header("x-amz-version-id"), Some(first.as_str()));
    world.ask("DELETE", "/bkt/k").send().await.expect_status(204);
    // A delete marker is spoken of also where no version is named, unlike on a read.
    for method in ["GET", "PUT", "DELETE"] {
        let ask = world.ask(method, "/bkt/k?tagging").body(tagging(&[("a", "1")]));
        let marker = ask.send().await.expect_error(405, "MethodNotAllowed");
        assert_eq!(marker.element("Method").as_deref(), Some(method));
        assert_eq!(marker.element("ResourceType").as_deref(), Some("DeleteMarker"));
        assert_eq!(marker.header("x-amz-delete-marker"), Some("true"));
    }
    world.ask("GET", "/bkt/k").send().await.expect_error(404, "NoSuchKey");
}

#[tokio::test]
async fn tags_have_limits() {
    let world = World::new().await;
    world.put("/bkt/k", "x").await;
    let many = |count: usize| {
        let tags: Vec<_> = (0..count).map(|at| format!("k{at}")).collect();
        tagging(&tags.iter().map(|key| (key.as_str(), "v")).collect::<Vec<_>>())
    };
    let (long_key, long_value) = ("k".repeat(129), "v".repeat(257));
    for (target, body, code, message) in [
        ("/bkt/k", many(11), "BadRequest", "Object tags cannot be greater than 10"),
        ("/bkt", many(51), "BadRequest", "Bucket tag count cannot be greater than 50"),
        (
            "/bkt/k",
            tagging(&[("a", "1"), ("a", "2")]),
            "InvalidTag",
            "Cannot provide multiple Tags with the same key",
        ),
        (
            "/bkt/k",
            tagging(&[(&long_key, "v")]),
            "InvalidTag",
            "The TagKey you have provided is invalid",
        ),
        ("/bkt/k", tagging(&[("", "v")]), "InvalidTag", "The TagKey you have provided is invalid"),
        (
            "/bkt/k",
            tagging(&[("k", &long_value)]),
            "InvalidTag",
            "The TagValue you have provided is invalid",
        ),
        (
            "/bkt/k",
            tagging(&[("aws:k", "v")]),
            "InvalidTag",
            "Your TagKey cannot be prefixed with aws:",
        ),
        (
            "/bkt",
            tagging(&[("aws:k", "v")]),
            "InvalidTag",
            "System tags cannot be added/updated by requester",
        ),
        (
            "/bkt/k",
            "<Tagging><TagSet/><TagSet/></Tagging>".into(),
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        ),
        ("/bkt/k", String::new(), "MissingRequestBodyError", "Request Body is empty"),
    ] {
        let reply = world.ask("PUT", &format!("{target}?tagging")).body(body).send().await;
        let reply = reply.expect_error(400, code);
        assert_eq!(reply.element("Message").as_deref(), Some(message));
    }
    const ENCODED: &str = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.";
    for header in ["key1=val1,key2=val2", "key1=val1&key1=val2"] {
        let ask = world.ask("PUT", "/bkt/new").header("x-amz-tagging", header).body("x");
        let reply = ask.send().await.expect_error(400, "InvalidArgument");
        assert_eq!(reply.element("Message").as_deref(), Some(ENCODED));
        assert_eq!(reply.element("ArgumentName").as_deref(), Some("x-amz-tagging"));
        assert_eq!(reply.element("ArgumentValue").as_deref(), Some(header));
    }
    world.ask("GET", "/bkt/new").send().await.expect_error(404, "NoSuchKey");
    world.ask("PUT", "/bkt/k?tagging").body(many(10)).send().await.expect_status(200);
    world.ask("PUT", "/bkt?tagging").body(many(50)).send().await.expect_status(204);
}

#[tokio::test]
async fn a_bucket_has_tags_or_none() {
    let world = World::new().await;
    let none = async || {
        let none = world.ask("GET", "/bkt?tagging").send().await.expect_error(404, "NoSuchTagSet");
        assert_eq!(none.element("Message").as_deref(), Some("The TagSet does not exist"));
        assert_eq!(none.element("BucketName").as_deref(), Some("bkt"));
    };
    none().await;
    let put = world.ask("PUT", "/bkt?tagging").body(tagging(&[("a", "1")])).send().await;
    put.expect_status(204);
    let got = world.ask("GET", "/bkt?tagging").send().await.expect_status(200);
    assert_eq!((got.elements("Key"), got.elements("Value")), (vec!["a".into()], vec!["1".into()]));
    world.ask("DELETE", "/bkt?tagging").send().await.expect_status(204);
    none().await;
    for empty in [tagging(&[]), "<Tagging/>".into()] {
        let some = world.ask("PUT", "/bkt?tagging").body(tagging(&[("a", "1")])).send().await;
        some.expect_status(204);
        world.ask("PUT", "/bkt?tagging").body(empty).send().await.expect_status(204);
        none().await;
    }
}

#[tokio::test]
async fn a_document_without_a_set_takes_the_tags_away() {
    let world = World::new().await;
    let put = world.ask("PUT", "/bkt/k").header("x-amz-tagging", "a=1");
    put.body("x").send().await.expect_status(200);
    world.ask("PUT", "/bkt/k?tagging").body("<Tagging/>").send().await.expect_status(200);
    let got = world.ask("GET", "/bkt/k?tagging").send().await.expect_status(200);
    assert!(got.elements("Key").is_empty());
}
