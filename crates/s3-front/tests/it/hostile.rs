//! Requests that are made to cost much, or to be read in two ways.

use std::{future::Future, pin::pin};

use crate::{deletes::crc32, world::World};

/// Longest answer to a request that is refused: what is echoed of it is limited.
const REFUSAL_BYTES_MAX: usize = 256 * 1024;

/// A request whose `Authorization` has these signed headers and this signature.
fn claimed<'w>(world: &'w World, signed: &str, signature: &str) -> crate::client::Ask<'w> {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=root/20260102/us-east-1/s3/aws4_request, SignedHeaders={signed}, Signature={signature}"
    );
    world
        .ask("GET", "/bkt/k")
        .anonymous()
        .header("authorization", &authorization)
        .header("x-amz-date", "20260102T030405Z")
        .header("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
}

#[tokio::test]
async fn what_a_refusal_echoes_is_limited() {
    let world = World::new().await;
    let (long, signature) = ("&".repeat(58_000), "0".repeat(64));
    let repeated = format!("host;{}", ["a"; 255].join(";"));
    let reply = claimed(&world, &repeated, &signature).header("a", &long).send().await;
    assert!(reply.body.len() < REFUSAL_BYTES_MAX, "{} bytes", reply.body.len());
    let reply = reply.expect_error(400, "AuthorizationHeaderMalformed");
    assert!(reply.element("Message").unwrap().contains("SignedHeaders=host;a;a"));

    let signed = "a;host;x-amz-content-sha256;x-amz-date";
    let reply = claimed(&world, signed, &signature).header("a", &long).send().await;
    assert!(reply.body.len() < REFUSAL_BYTES_MAX, "{} bytes", reply.body.len());
    let reply = reply.expect_error(403, "SignatureDoesNotMatch");
    assert!(reply.element("StringToSign").is_some());
    assert_eq!(reply.element("CanonicalRequest"), None, "too long to be shown");
    assert_eq!(reply.element("CanonicalRequestBytes"), None);
    let reply = claimed(&world, signed, &signature).header("a", "short").send().await;
    let reply = reply.expect_error(403, "SignatureDoesNotMatch");
    assert!(reply.element("CanonicalRequest").unwrap().contains("a:short"));
    assert!(reply.element("CanonicalRequestBytes").is_some());

    for ask in [
        claimed(&world, signed, &long),
        claimed(&world, &long, &signature),
        world.ask("GET", "/bkt/k").anonymous().header("authorization", &long),
        world.ask("PUT", "/bkt/k").header("x-amz-storage-class", &long),
        world.ask("PUT", "/bkt/k").header("x-amz-copy-source", &long),
        world.ask("PUT", "/bkt/k").header("x-amz-tagging", &format!("%{long}")),
    ] {
        let reply = ask.send().await;
        assert!(!reply.status.is_success());
        assert!(reply.body.len() < REFUSAL_BYTES_MAX, "{} bytes", reply.body.len());
        assert!(reply.element("Message").is_some() && reply.element("Code").is_some());
    }
}

#[tokio::test]
async fn a_query_has_a_limit_of_parameters() {
    let world = World::new().await;
    let query =
        |count: usize| (0..count).map(|name| format!("n{name}")).collect::<Vec<_>>().join("&");
    let many = world.ask("GET", &format!("/bkt?{}", query(257))).send().await;
    many.expect_error(400, "InvalidArgument");
    // Each is looked at, and none is known.
    let few = world.ask("GET", &format!("/bkt?{}", query(256))).send().await;
    few.expect_error(501, "NotImplemented");
}

#[tokio::test]
async fn a_header_of_ours_given_twice_is_refused() {
    let world = World::new().await;
    world.put("/bkt/a", "x").await;
    let twice = world.ask("PUT", "/bkt/copy").header("x-amz-copy-source", "bkt/a");
    let refused = twice.header("x-amz-copy-source", "b").send().await;
    let refused = refused.expect_error(400, "InvalidArgument");
    assert_eq!(refused.element("ArgumentName").as_deref(), Some("x-amz-copy-source"));
    let tags = world.ask("PUT", "/bkt/k").header("x-amz-tagging", "a=1");
    tags.header("x-amz-tagging", "b=2").send().await.expect_error(400, "InvalidArgument");
    world.ask("GET", "/bkt/copy").send().await.expect_status(404);
    // Metadata may be repeated, and so may what is a list.
    let listed = world.ask("PUT", "/bkt/k").header("x-amz-meta-a", "1").header("x-amz-meta-a", "2");
    listed.send().await.expect_status(200);
    let attributes =
        world.ask("GET", "/bkt/k?attributes").header("x-amz-object-attributes", "ETag");
    let attributes = attributes.header("x-amz-object-attributes", "ObjectSize").send().await;
    let attributes = attributes.expect_status(200);
    assert_eq!(attributes.element("ObjectSize").as_deref(), Some("0"));
}

async fn put_policy(world: &World, statement: &str) {
    let policy = format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#);
    world.ask("PUT", "/bkt?policy").body(policy).send().await.expect_status(204);
}

/// A policy that holds against a user agent what costs most.
fn costly(effect: &str) -> String {
    let pattern = format!("*{}b", "a".repeat(18_000));
    format!(
        r#"{{"Effect": "{effect}", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::bkt/*", "Condition": {{"StringLike": {{"aws:UserAgent": "{pattern}"}}}}}}"#
    )
}

#[tokio::test]
async fn a_value_too_long_for_a_condition_refuses() {
    let world = World::new().await;
    world.put("/bkt/k", "x").await;
    let asked = async |length: usize| {
        let agent = "a".repeat(length);
        world.ask("GET", "/bkt/k").header("user-agent", &agent).send().await.status.as_u16()
    };
    assert_eq!(asked(60_000).await, 200, "no policy asks");
    put_policy(&world, &costly("Deny")).await;
    assert_eq!(asked(8 * 1024).await, 200);
    // Whether the Deny means it is not looked into: nobody is let past one by a longer value.
    assert_eq!(asked(8 * 1024 + 1).await, 403);
    put_policy(&world, &costly("Allow")).await;
    assert_eq!(asked(60_000).await, 403);
    let other = r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::bkt/*", "Condition": {"StringLike": {"aws:Referer": "*"}}}"#;
    put_policy(&world, other).await;
    assert_eq!(asked(60_000).await, 200, "no policy asks for this one");
}

/// Others have their turn between any two keys of one request.
#[tokio::test]
async fn the_keys_of_a_list_are_decided_in_turns() {
    const KEYS: usize = 40;
    let world = World::new().await;
    put_policy(&world, &costly("Deny")).await;
    let keys: String = (0..KEYS).map(|key| format!("<Object><Key>{key}</Key></Object>")).collect();
    let list = format!("<Delete>{keys}</Delete>");
    let deletion = async {
        let ask = world.ask("POST", "/bkt?delete").header("x-amz-checksum-crc32", &crc32(&list));
        let reply = ask.body(list.clone()).send().await.expect_status(200);
        assert_eq!(reply.elements("Deleted").len(), KEYS, "{}", reply.text());
    };
    // Counts how often the request is polled: whenever it has given way.
    let (mut deletion, mut turns) = (pin!(deletion), 0);
    std::future::poll_fn(|context| {
        turns += 1;
        deletion.as_mut().poll(context)
    })
    .await;
    assert!(turns > KEYS, "{turns} turns");
}
