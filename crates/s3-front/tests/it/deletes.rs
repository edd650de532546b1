//! Deleting one object and many.

use object_engine::model::Versioning;

use crate::world::World;

const SOME_CHECKSUM: &str = "x-amz-checksum-crc32";

/// CRC-32 in base64, as the header wants it.
pub(crate) fn crc32(body: &str) -> String {
    let mut crc = u32::MAX;
    for byte in body.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode((!crc).to_be_bytes())
}

async fn delete(world: &World, body: &str) -> crate::client::Reply {
    world
        .ask("POST", "/bkt?delete")
        .header(SOME_CHECKSUM, &crc32(body))
        .body(body.to_owned())
        .send()
        .await
}

#[tokio::test]
async fn deleting_what_is_not_there_is_no_error() {
    let world = World::new().await;
    world.put("/bkt/k", "x").await;
    for _ in 0..2 {
        let reply = world.ask("DELETE", "/bkt/k").send().await.expect_status(204);
        assert_eq!(reply.header("x-amz-delete-marker"), None);
    }
    world.ask("GET", "/bkt/k").send().await.expect_error(404, "NoSuchKey");
    world.ask("DELETE", "/none/k").send().await.expect_error(404, "NoSuchBucket");
}

#[tokio::test]
async fn many_at_once_each_with_its_own_answer() {
    let world = World::new().await;
    for key in ["a", "b&amp;c", "d"] {
        world.put(&format!("/bkt/{}", key.replace("&amp;", "%26")), "x").await;
    }
    let body = format!(
        "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>a</Key></Object><Object><Key>b&amp;c</Key></Object>\
         <Object><Key>none</Key></Object><Object><Key>{}</Key></Object><Object><Key>d</Key><VersionId>bad</VersionId></Object></Delete>",
        "k".repeat(1_025)
    );
    let reply = delete(&world, &body).await.expect_status(200);
    let deleted: Vec<_> = reply.elements("Deleted");
    assert_eq!(deleted, ["<Key>a</Key>", "<Key>b&c</Key>", "<Key>none</Key>"]);
    assert_eq!(reply.elements("Code"), ["KeyTooLongError", "NoSuchVersion"]);
    let left = world.ask("GET", "/bkt").send().await;
    assert_eq!(left.elements("Key"), ["d"]);
    let quiet =
        delete(&world, "<Delete><Quiet>true</Quiet><Object><Key>d</Key></Object></Delete>").await;
    assert!(quiet.expect_status(200).elements("Deleted").is_empty());
    assert!(world.ask("GET", "/bkt").send().await.elements("Key").is_empty());
}

#[tokio::test]
async fn the_request_must_be_whole_and_well_formed() {
    let world = World::new().await;
    world.put("/bkt/k", "x").await;
    let body = "<Delete><Object><Key>k</Key></Object></Delete>";
    let unchecked = world.ask("POST", "/bkt?delete").body(body).send().await;
    assert!(!unchecked.expect_error(400, "InvalidRequest").polled);
    let wrong = world
        .ask("POST", "/bkt?delete")
        .header(SOME_CHECKSUM, &crc32("other"))
        .body(body)
        .send()
        .await;
    wrong.expect_error(400, "BadDigest");
    let many = format!("<Delete>{}</Delete>", "<Object><Key>k</Key></Object>".repeat(1_001));
    let large = format!("<Delete>{}</Delete>", " ".repeat(2 * 1024 * 1024));
    let nested = format!("{}{}", "<Delete>".repeat(100), "</Delete>".repeat(100));
    let entity = "<!DOCTYPE d [<!ENTITY k \"k\">]><Delete><Object><Key>&k;</Key></Object></Delete>";
    for body in ["<Delete", "<Delete><Objects/></Delete>", &many, &large, &nested, entity] {
        let reply = delete(&world, body).await.expect_error(400, "MalformedXML");
        assert_eq!(
            reply.element("Message").as_deref(),
            Some(
                "The XML you provided was not well-formed or did not validate against our published schema"
            )
        );
    }
    world.ask("GET", "/bkt/k").send().await.expect_status(200);
}

#[tokio::test]
async fn versions_and_markers() {
    let world = World::new().await;
    world.set_versioning(Versioning::Enabled).await;
    world.put("/bkt/k", "x").await;
    let reply =
        delete(&world, "<Delete><Object><Key>k</Key></Object></Delete>").await.expect_status(200);
    assert_eq!(reply.element("DeleteMarker").as_deref(), Some("true"));
    let marker = reply.element("DeleteMarkerVersionId").unwrap();
    world.ask("GET", "/bkt/k").send().await.expect_error(404, "NoSuchKey");
    let undone =
        world.ask("DELETE", &format!("/bkt/k?versionId={marker}")).send().await.expect_status(204);
    assert_eq!(undone.header("x-amz-delete-marker"), Some("true"));
    assert_eq!(undone.header("x-amz-version-id"), Some(marker.as_str()));
    world.ask("GET", "/bkt/k").send().await.expect_status(200);
}

#[tokio::test]
async fn a_delete_may_have_a_condition() {
    let world = World::new().await;
    world.put("/bkt/k", "x").await;
    let failed = world.ask("DELETE", "/bkt/k").header("if-match", "\"other\"").send().await;
    failed.expect_error(412, "PreconditionFailed");
    let etag = world.ask("HEAD", "/bkt/k").send().await.header("etag").unwrap().to_owned();
    world.ask("DELETE", "/bkt/k").header("if-match", &etag).send().await.expect_status(204);
}

/// Whoever compares the ETag must be allowed to read the object, as on AWS; `*` tells nothing.
#[tokio::test]
async fn a_condition_on_the_etag_needs_the_permission_to_read() {
    let world = World::new().await;
    world.add_user("alice").await;
    let policy = r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::bkt/*"}}"#;
    world.ask("PUT", "/bkt?policy").body(policy).send().await.expect_status(204);
    let body = "<Delete><Object><Key>k</Key><ETag>e</ETag></Object></Delete>";
    let put = async || world.put("/bkt/k", "x").await;
    put().await;
    let delete = |etag: &str| world.ask("DELETE", "/bkt/k").by("alice").header("if-match", etag);
    delete("\"e\"").send().await.expect_error(403, "AccessDenied");
    let many = world.ask("POST", "/bkt?delete").by("alice").header(SOME_CHECKSUM, &crc32(body));
    let many = many.body(body).send().await.expect_status(200);
    assert_eq!(many.elements("Code"), ["AccessDenied"]);
    delete("*").send().await.expect_status(204);
    world.ask("HEAD", "/bkt/k").send().await.expect_status(404);
    let unmet = delete("*").send().await;
    unmet.expect_error(412, "PreconditionFailed");
    put().await;
    let reply = super::deletes::delete(&world, body).await.expect_status(200);
    assert_eq!(reply.elements("Code"), ["PreconditionFailed"]);
}
