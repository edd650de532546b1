//! Bucket encryption settings, and buckets that block SSE-C (E18).

use s3_front::service::NewBucketSseC;

use crate::{
    client::{ALGORITHM, KEY_A, KEY_B, Reply},
    deletes::crc32,
    world::{ROOT_ID, World},
};

fn rule(inner: &str) -> String {
    format!(
        "<ServerSideEncryptionConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Rule>{inner}</Rule></ServerSideEncryptionConfiguration>"
    )
}

fn blocking(kind: &str) -> String {
    rule(&format!(
        "<BlockedEncryptionTypes><EncryptionType>{kind}</EncryptionType></BlockedEncryptionTypes>"
    ))
}

async fn put(world: &World, body: &str) -> Reply {
    let ask = world.ask("PUT", "/bkt?encryption").header("x-amz-checksum-crc32", &crc32(body));
    ask.body(body.to_owned()).send().await
}

/// What GetBucketEncryption says is blocked.
async fn blocked(world: &World, bucket: &str) -> String {
    let got = world.ask("GET", &format!("/{bucket}?encryption")).send().await.expect_status(200);
    let text = got.text();
    let rule = text.split_once("<Rule>").unwrap().1;
    let (before, rest) = rule.split_once("<EncryptionType>").unwrap();
    assert_eq!(
        before,
        "<ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BlockedEncryptionTypes>"
    );
    let (blocked, rest) = rest.split_once("</EncryptionType>").unwrap();
    assert!(rest.starts_with("</BlockedEncryptionTypes><BucketKeyEnabled>"), "{rest}");
    blocked.to_owned()
}

fn refusal(key: &str) -> String {
    format!(
        "User: arn:aws:iam::{ROOT_ID}:root is not authorized to perform: s3:PutObject on resource: \"arn:aws:s3:::bkt/{key}\" because this bucket has blocked upload requests that specify Server Side Encryption with Customer provided keys (SSE-C). Please specify a different server-side encryption type"
    )
}

#[track_caller]
fn expect_e18(reply: Reply, key: &str) {
    let reply = reply.expect_error(403, "AccessDenied");
    assert_eq!(reply.element("Message"), Some(refusal(key)));
    assert_eq!(reply.element("ArgumentName"), None);
    assert_eq!(reply.header("connection"), None);
    assert!(!reply.polled, "the body was not asked for");
}

#[tokio::test]
async fn the_setting_comes_back() {
    let world = World::new().await;
    assert_eq!(blocked(&world, "bkt").await, "NONE");
    assert!(put(&world, &blocking("SSE-C")).await.expect_status(200).body.is_empty());
    assert_eq!(blocked(&world, "bkt").await, "SSE-C");
    let silent = rule(
        "<ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled>",
    );
    put(&world, &silent).await.expect_status(200);
    assert_eq!(blocked(&world, "bkt").await, "SSE-C", "what is not said stays");
    let got = world.ask("GET", "/bkt?encryption").send().await;
    assert_eq!(got.element("BucketKeyEnabled").as_deref(), Some("true"));
    world.ask("DELETE", "/bkt?encryption").send().await.expect_status(204);
    let got = world.ask("GET", "/bkt?encryption").send().await;
    assert_eq!(got.element("BucketKeyEnabled").as_deref(), Some("false"));
    assert_eq!(blocked(&world, "bkt").await, "SSE-C", "a block is lifted only by saying so");
    put(&world, &blocking("NONE")).await.expect_status(200);
    assert_eq!(blocked(&world, "bkt").await, "NONE");
}

#[tokio::test]
async fn what_cannot_be_set_is_refused() {
    let world = World::new().await;
    let algorithm = |inner: &str| {
        rule(&format!(
            "<ApplyServerSideEncryptionByDefault>{inner}</ApplyServerSideEncryptionByDefault>"
        ))
    };
    let malformed =
        "The XML you provided was not well-formed or did not validate against our published schema";
    let two = rule("").replace("<Rule></Rule>", "<Rule></Rule><Rule></Rule>");
    for (body, status, code, message) in [
        ("<ServerSideEncryptionConfiguration/>".into(), 400, "MalformedXML", malformed),
        (two, 400, "MalformedXML", malformed),
        (algorithm("<SSEAlgorithm>x</SSEAlgorithm>"), 400, "MalformedXML", malformed),
        (blocking("SSE-KMS"), 400, "MalformedXML", malformed),
        (
            algorithm("<SSEAlgorithm>aws:kms:dsse</SSEAlgorithm>"),
            501,
            "NotImplemented",
            "Dual-layer server side encryption with AWS KMS keys is not implemented.",
        ),
        (
            algorithm("<SSEAlgorithm>AES256</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID>"),
            400,
            "InvalidArgument",
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
        ),
    ] {
        let reply = put(&world, &body).await.expect_error(status, code);
        assert_eq!(reply.element("Message").as_deref(), Some(message));
        let argument = (code == "InvalidArgument").then_some("ApplyServerSideEncryptionByDefault");
        assert_eq!(reply.element("ArgumentName").as_deref(), argument);
    }
    let unguarded = world.ask("PUT", "/bkt?encryption").body(blocking("SSE-C")).send().await;
    unguarded.expect_error(400, "InvalidRequest");
    assert_eq!(blocked(&world, "bkt").await, "NONE");
}

#[tokio::test]
async fn e18_on_every_write_that_names_a_key() {
    let world = World::new().await;
    let create = world.ask("POST", "/bkt/up?uploads").key(KEY_A).send().await;
    let upload = create.expect_status(200).element("UploadId").unwrap();
    let part = format!("/bkt/up?partNumber=1&uploadId={upload}");
    let first = world.ask("PUT", &part).key(KEY_A).body("part").send().await.expect_status(200);
    world.ask("PUT", "/bkt/old").key(KEY_A).body("old").send().await.expect_status(200);
    put(&world, &blocking("SSE-C")).await.expect_status(200);

    for (method, target, key) in
        [("PUT", "/bkt/new", "new"), ("POST", "/bkt/new?uploads", "new"), ("PUT", &part, "up")]
    {
        let ask = || world.ask(method, target);
        expect_e18(ask().key(KEY_A).body("x").send().await, key);
        // Any one of the headers will do, and no value is looked at.
        expect_e18(ask().header(ALGORITHM, "AES128").body("x").send().await, key);
        expect_e18(ask().key(("", "")).body("x").send().await, key);
    }
    let bad = world.ask("PUT", "/bkt/new").key(KEY_A).header("content-md5", "x").body("x");
    expect_e18(bad.send().await, "new");
    let etag = first.header("etag").unwrap();
    let list = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    );
    let complete = world.ask("POST", &format!("/bkt/up?uploadId={upload}")).body(list.clone());
    let complete = complete.send().await.expect_error(403, "AccessDenied");
    assert_eq!(complete.element("Message"), Some(refusal("up")));

    // Everything else goes on.
    world.put("/bkt/plain", "x").await;
    let read = world.ask("GET", "/bkt/old").key(KEY_A).send().await.expect_status(200);
    assert_eq!(read.text(), "old");
    world.ask("GET", "/bkt/old").key(KEY_B).send().await.expect_error(403, "AccessDenied");
    world.ask("DELETE", "/bkt/old").key(KEY_A).send().await.expect_status(204);
    let parts = world.ask("GET", &format!("/bkt/up?uploadId={upload}")).key(KEY_A).send().await;
    parts.expect_status(200);
    put(&world, &blocking("NONE")).await.expect_status(200);
    let complete = world.ask("POST", &format!("/bkt/up?uploadId={upload}")).body(list);
    complete.send().await.expect_status(200);
    put(&world, &blocking("SSE-C")).await.expect_status(200);
    let upload = world.ask("POST", "/bkt/plain?uploads").send().await.element("UploadId").unwrap();
    let abort = world.ask("DELETE", &format!("/bkt/plain?uploadId={upload}")).key(KEY_A);
    abort.send().await.expect_status(204);
}

#[tokio::test]
async fn a_stranger_learns_no_setting_from_a_refusal() {
    let world = World::new().await;
    world.add_user("alice").await;
    world.add_user("bob").await;
    world.ask("PUT", "/hers").by("alice").send().await.expect_status(200);
    let body = blocking("SSE-C");
    let ask = world.ask("PUT", "/hers?encryption").by("alice");
    let set = ask.header("x-amz-checksum-crc32", &crc32(&body)).body(body);
    set.send().await.expect_status(200);
    let own = world.ask("PUT", "/hers/k").by("alice").key(KEY_A).body("x").send().await;
    let message = own.expect_error(403, "AccessDenied").element("Message").unwrap();
    assert!(message.starts_with("User: arn:aws:iam::alice-id:user/alice is not authorized"));
    for ask in [world.ask("PUT", "/hers/k").by("bob"), world.ask("PUT", "/hers/k").anonymous()] {
        let refused = ask.key(KEY_A).body("x").send().await.expect_error(403, "AccessDenied");
        assert_eq!(refused.element("Message").as_deref(), Some("Access Denied"));
    }
    let insecure = world.ask("PUT", "/hers/k").by("alice").key(KEY_A).insecure().send().await;
    insecure.expect_error(400, "InvalidArgument");
}

#[tokio::test]
async fn new_buckets_may_block_from_the_start() {
    let world = World::with_new_buckets("us-east-1", NewBucketSseC::Blocked).await;
    world.ask("PUT", "/bkt").send().await.expect_status(200);
    assert_eq!(blocked(&world, "bkt").await, "SSE-C");
    expect_e18(world.ask("PUT", "/bkt/k").key(KEY_A).body("x").send().await, "k");
    world.put("/bkt/k", "x").await;
    put(&world, &blocking("NONE")).await.expect_status(200);
    world.ask("PUT", "/bkt/k").key(KEY_A).body("x").send().await.expect_status(200);
    // Creating it again changes nothing.
    world.ask("PUT", "/bkt").send().await.expect_status(200);
    assert_eq!(blocked(&world, "bkt").await, "NONE");
}
