//! SSE-KMS: named keys on writes, reads, copies and as a bucket's default.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sealed_store::KeyName;

use crate::{
    client::{Ask, KEY_A, Reply, SOURCE, SSE},
    deletes::crc32,
    world::World,
};

const KEY_ID: &str = "x-amz-server-side-encryption-aws-kms-key-id";
const CONTEXT: &str = "x-amz-server-side-encryption-context";
const BUCKET_KEY: &str = "x-amz-server-side-encryption-bucket-key-enabled";

/// A service with `bkt` and these keys in its ring.
async fn world_with(keys: &[&str]) -> World {
    let world = World::new().await;
    for key in keys {
        assert!(world.store.key_ring().add(&KeyName::parse(key).unwrap()).await.unwrap());
    }
    world
}

async fn set_enabled(world: &World, key: &str, enabled: bool) {
    let key = KeyName::parse(key).unwrap();
    assert!(world.store.key_ring().set_enabled(&key, enabled).await.unwrap());
}

fn kms<'w>(ask: Ask<'w>, key: &str) -> Ask<'w> {
    ask.header(SSE, "aws:kms").header(KEY_ID, key)
}

async fn put(world: &World, target: &str, key: &str) -> Reply {
    kms(world.ask("PUT", target), key).body("hello").send().await
}

#[track_caller]
fn expect_kms(reply: Reply, key: &str) -> Reply {
    let reply = reply.expect_status(200);
    assert_eq!((reply.header(SSE), reply.header(KEY_ID)), (Some("aws:kms"), Some(key)));
    reply
}

async fn set_default(world: &World, inner: &str) -> Reply {
    let body = format!(
        "<ServerSideEncryptionConfiguration><Rule>{inner}</Rule></ServerSideEncryptionConfiguration>"
    );
    let ask = world.ask("PUT", "/bkt?encryption").header("x-amz-checksum-crc32", &crc32(&body));
    ask.body(body).send().await
}

fn by_default(inner: &str) -> String {
    format!(
        "<ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>{inner}</ApplyServerSideEncryptionByDefault>"
    )
}

#[tokio::test]
async fn a_named_key_is_told_on_writes_and_reads() {
    let world = world_with(&["team/a"]).await;
    let context = STANDARD.encode(r#"{"team":"a"}"#);
    let ask = kms(world.ask("PUT", "/bkt/k"), "arn:aws:kms:us-east-1:1:key/team/a");
    let written =
        ask.header(CONTEXT, &context).header(BUCKET_KEY, "true").body("hello").send().await;
    let written = expect_kms(written, "team/a");
    assert_eq!(written.header(CONTEXT), Some(context.as_str()));
    assert_eq!(written.header(BUCKET_KEY), Some("true"));
    assert_ne!(written.header("etag"), Some("\"5d41402abc4b2a76b9719d911017c592\""), "not the MD5");
    for method in ["GET", "HEAD"] {
        let read = expect_kms(world.ask(method, "/bkt/k").send().await, "team/a");
        assert_eq!(read.header(CONTEXT), None);
        assert_eq!(read.header(BUCKET_KEY), Some("true"));
        assert_eq!(read.header("etag"), written.header("etag"));
    }
    assert_eq!(world.ask("GET", "/bkt/k").send().await.text(), "hello");
    let told = expect_kms(put(&world, "/bkt/plain", "alias/team/a").await, "team/a");
    assert_eq!((told.header(CONTEXT), told.header(BUCKET_KEY)), (None, None));
    let attributes =
        world.ask("GET", "/bkt/k?attributes").header("x-amz-object-attributes", "ETag");
    attributes.send().await.expect_status(200);
}

#[tokio::test]
async fn without_a_name_the_default_key_is_made_and_used() {
    let world = world_with(&[]).await;
    let ask = || world.ask("PUT", "/bkt/k").header(SSE, "aws:kms").body("hello");
    expect_kms(ask().send().await, "aws/s3");
    expect_kms(ask().send().await, "aws/s3");
    assert_eq!(expect_kms(world.ask("GET", "/bkt/k").send().await, "aws/s3").text(), "hello");
    assert_eq!(world.store.key_ring().list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_that_is_not_there_or_disabled_is_refused_before_the_body() {
    let world = world_with(&["a"]).await;
    for id in ["b", "alias/b", "arn:aws:kms:us-east-1:1:key/b"] {
        let refused = put(&world, "/bkt/k", id).await.expect_error(400, "KMS.NotFoundException");
        assert_eq!(refused.element("Message").as_deref(), Some("Invalid keyId 'b'"));
        assert!(!refused.polled, "the body was not asked for");
    }
    let refused = put(&world, "/bkt/k", "not a name").await;
    refused.expect_error(400, "KMS.NotFoundException");
    put(&world, "/bkt/k", "a").await.expect_status(200);
    set_enabled(&world, "a", false).await;
    let refused = put(&world, "/bkt/k", "a").await.expect_error(400, "KMS.DisabledException");
    assert_eq!(refused.element("Message").as_deref(), Some("a is disabled."));
    world.ask("GET", "/bkt/k").send().await.expect_error(400, "KMS.DisabledException");
    set_enabled(&world, "a", true).await;
    assert_eq!(world.ask("GET", "/bkt/k").send().await.text(), "hello");
    assert!(world.store.key_ring().remove(&KeyName::parse("a").unwrap()).await.unwrap());
    world.ask("GET", "/bkt/k").send().await.expect_error(400, "KMS.NotFoundException");
}

#[tokio::test]
async fn headers_that_do_not_go_together_are_refused() {
    let world = world_with(&["a"]).await;
    let message = "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms";
    for name in [KEY_ID, CONTEXT] {
        for sse in [None, Some("AES256")] {
            let ask = world.ask("PUT", "/bkt/k").header(name, "e30=");
            let ask = sse.map_or(ask, |value| {
                world.ask("PUT", "/bkt/k").header(SSE, value).header(name, "e30=")
            });
            let refused = ask.send().await.expect_error(400, "InvalidArgument");
            assert_eq!(refused.element("Message").as_deref(), Some(message));
        }
    }
    let ask = || kms(world.ask("PUT", "/bkt/k"), "a");
    let refused = ask().header(CONTEXT, "{}").send().await.expect_error(400, "InvalidArgument");
    assert_eq!(refused.element("ArgumentName").as_deref(), Some(CONTEXT));
    ask().header(BUCKET_KEY, "yes").send().await.expect_error(400, "InvalidArgument");
    let dsse = world.ask("PUT", "/bkt/k").header(SSE, "aws:kms:dsse");
    dsse.send().await.expect_error(501, "NotImplemented");
    put(&world, "/bkt/k", "a").await.expect_status(200);
    let read = world.ask("GET", "/bkt/k").header(SSE, "aws:kms").send().await;
    read.expect_error(400, "InvalidArgument");
    let keyed = world.ask("GET", "/bkt/k").key(KEY_A).send().await;
    let keyed = keyed.expect_error(400, "InvalidRequest");
    assert_eq!(
        keyed.element("Message").as_deref(),
        Some("The encryption parameters are not applicable to this object.")
    );
}

#[tokio::test]
async fn a_named_key_wants_tls_and_a_signature() {
    let world = world_with(&["a"]).await;
    let insecure = "Requests specifying Server Side Encryption with AWS KMS managed keys must be made over a secure connection.";
    put(&world, "/bkt/k", "a").await.expect_status(200);
    for ask in [kms(world.ask("PUT", "/bkt/k"), "a"), world.ask("GET", "/bkt/k")] {
        let refused = ask.insecure().send().await.expect_error(400, "InvalidArgument");
        assert_eq!(refused.element("Message").as_deref(), Some(insecure));
    }
    let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*",
        "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::bkt/*"}}"#;
    world.ask("PUT", "/bkt?policy").body(policy).send().await.expect_status(204);
    let unsigned = "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.";
    for ask in [kms(world.ask("PUT", "/bkt/k"), "a"), world.ask("GET", "/bkt/k")] {
        let refused = ask.anonymous().send().await.expect_error(400, "InvalidArgument");
        assert_eq!(refused.element("Message").as_deref(), Some(unsigned));
        assert_eq!(refused.element("ArgumentName").as_deref(), Some("Authorization"));
    }
    world.put("/bkt/plain", "x").await;
    world.ask("GET", "/bkt/plain").anonymous().send().await.expect_status(200);
}

#[tokio::test]
async fn a_buckets_default_seals_what_does_not_say() {
    let world = world_with(&["a"]).await;
    let document = by_default("<KMSMasterKeyID>alias/a</KMSMasterKeyID>")
        + "<BucketKeyEnabled>true</BucketKeyEnabled>";
    set_default(&world, &document).await.expect_status(200);
    let shown = world.ask("GET", "/bkt?encryption").send().await.expect_status(200);
    assert_eq!(shown.element("SSEAlgorithm").as_deref(), Some("aws:kms"));
    assert_eq!(shown.element("KMSMasterKeyID").as_deref(), Some("alias/a"));
    let written = world.ask("PUT", "/bkt/k").body("hello").send().await;
    assert_eq!(expect_kms(written, "a").header(BUCKET_KEY), Some("true"));
    let begun = world.ask("POST", "/bkt/m?uploads").send().await;
    expect_kms(begun, "a");
    let copied = world.ask("PUT", "/bkt/c").header(SOURCE, "/bkt/k").send().await;
    expect_kms(copied, "a");
    // What the request says goes before.
    let plain = world.ask("PUT", "/bkt/p").header(SSE, "AES256").body("x").send().await;
    assert_eq!(plain.expect_status(200).header(SSE), Some("AES256"));
    let sealed = world.ask("PUT", "/bkt/s").key(KEY_A).body("x").send().await;
    assert_eq!(sealed.expect_status(200).header(SSE), None);
    let named = world.ask("PUT", "/bkt/n").header(SSE, "aws:kms").body("x").send().await;
    expect_kms(named, "aws/s3");

    set_default(&world, &by_default("<KMSMasterKeyID>gone</KMSMasterKeyID>"))
        .await
        .expect_status(200);
    let refused = world.ask("PUT", "/bkt/k").body("x").send().await;
    refused.expect_error(400, "KMS.NotFoundException");
    set_default(&world, &by_default("")).await.expect_status(200);
    expect_kms(world.ask("PUT", "/bkt/k").body("x").send().await, "aws/s3");
    world.ask("DELETE", "/bkt?encryption").send().await.expect_status(204);
    let plain = world.ask("PUT", "/bkt/k").body("x").send().await.expect_status(200);
    assert_eq!(plain.header(SSE), Some("AES256"));
}

#[tokio::test]
async fn an_upload_under_a_named_key() {
    let world = world_with(&["a"]).await;
    let begun = expect_kms(kms(world.ask("POST", "/bkt/m?uploads"), "a").send().await, "a");
    let id = begun.element("UploadId").unwrap();
    let part = |number: u32| format!("/bkt/m?partNumber={number}&uploadId={id}");
    let keyed = world.ask("PUT", &part(1)).key(KEY_A).body("x").send().await;
    keyed.expect_error(400, "InvalidRequest");
    let said = kms(world.ask("PUT", &part(1)), "a").body("x").send().await;
    said.expect_error(400, "InvalidArgument");
    world
        .ask("PUT", &part(1))
        .insecure()
        .body("x")
        .send()
        .await
        .expect_error(400, "InvalidArgument");
    let stored = expect_kms(world.ask("PUT", &part(1)).body("hello").send().await, "a");
    let etag = stored.header("etag").unwrap();
    let listed = world.ask("GET", &format!("/bkt/m?uploadId={id}")).send().await;
    assert_eq!(listed.expect_status(200).elements("Part").len(), 1);
    let list = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    );
    let complete = || world.ask("POST", &format!("/bkt/m?uploadId={id}")).body(list.clone());
    set_enabled(&world, "a", false).await;
    complete().send().await.expect_error(400, "KMS.DisabledException");
    set_enabled(&world, "a", true).await;
    expect_kms(complete().send().await, "a");
    assert_eq!(expect_kms(world.ask("GET", "/bkt/m").send().await, "a").text(), "hello");
}

#[tokio::test]
async fn copies_go_between_all_kinds_of_holders() {
    let world = world_with(&["a", "b"]).await;
    world.put("/bkt/plain", "hello").await;
    world.ask("PUT", "/bkt/sealed").key(KEY_A).body("hello").send().await.expect_status(200);
    put(&world, "/bkt/named", "a").await.expect_status(200);
    for source in ["plain", "sealed", "named"] {
        for target in ["plain", "sealed", "named"] {
            let ask = world.ask("PUT", "/bkt/copy").header(SOURCE, &format!("/bkt/{source}"));
            let ask = if source == "sealed" { ask.source_key(KEY_A) } else { ask };
            let ask = match target {
                "plain" => ask,
                "sealed" => ask.key(KEY_A),
                _ => kms(ask, "b"),
            };
            let copied = ask.send().await.expect_status(200);
            let sse = [("plain", "AES256"), ("named", "aws:kms")];
            let sse = sse.iter().find(|(kind, _)| *kind == target).map(|(_, value)| *value);
            assert_eq!(copied.header(SSE), sse, "{source} to {target}");
            let read = world.ask("GET", "/bkt/copy");
            let read = if target == "sealed" { read.key(KEY_A) } else { read };
            assert_eq!(
                read.send().await.expect_status(200).text(),
                "hello",
                "{source} to {target}"
            );
        }
    }
}

#[tokio::test]
async fn a_copy_onto_itself_may_change_the_named_key() {
    let world = world_with(&["a", "b"]).await;
    set_default(&world, &by_default("<KMSMasterKeyID>a</KMSMasterKeyID>")).await.expect_status(200);
    world.ask("PUT", "/bkt/k").body("hello").send().await.expect_status(200);
    let copy = || world.ask("PUT", "/bkt/k").header(SOURCE, "/bkt/k");
    expect_kms(kms(copy(), "b").send().await, "b");
    // The bucket's default is another key now than the object's.
    expect_kms(copy().send().await, "a");
    assert_eq!(world.ask("GET", "/bkt/k").send().await.text(), "hello");
}

#[tokio::test]
async fn policies_ask_about_the_named_key() {
    let world = world_with(&["a", "b"]).await;
    world.add_user("alice").await;
    let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": {"AWS": "alice-id"}, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bkt/*",
        "Condition": {"StringEquals": {
            "s3:x-amz-server-side-encryption": "aws:kms",
            "s3:x-amz-server-side-encryption-aws-kms-key-id": "a"}}}}"#;
    let policy = policy.replace(r#"{"AWS": "alice-id"}"#, r#"{"CanonicalUser": "alice-id"}"#);
    world.ask("PUT", "/bkt?policy").body(policy).send().await.expect_status(204);
    let ask = || world.ask("PUT", "/bkt/k").by("alice");
    kms(ask(), "a").body("x").send().await.expect_status(200);
    kms(ask(), "b").body("x").send().await.expect_error(403, "AccessDenied");
    ask().header(SSE, "AES256").body("x").send().await.expect_error(403, "AccessDenied");
    ask().body("x").send().await.expect_error(403, "AccessDenied");
}
