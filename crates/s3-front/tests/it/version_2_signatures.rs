//! Requests signed by version 2: refused by default, whole where the operator has switched it on.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use s3_front::service::Profile;

use crate::{
    client::{ALGORITHM, Ask, KEY, KEY_A, KEY_B, KEY_MD5},
    world::{NOW, SECRET, World},
};

/// `NOW`.
const DATE: &str = "Fri, 02 Jan 2026 03:04:05 GMT";
const EXPIRES: u64 = NOW + 60;

fn sign(text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, SECRET.as_bytes());
    STANDARD.encode(hmac::sign(&key, text.as_bytes()))
}

/// The trio as the string to sign has it.
fn trio((key, md5): (&str, &str)) -> String {
    format!("{ALGORITHM}:AES256\n{KEY}:{key}\n{KEY_MD5}:{md5}\n")
}

/// A request whose header signs `amz` and `resource`.
fn signed<'w>(world: &'w World, method: &str, target: &str, amz: &str, resource: &str) -> Ask<'w> {
    let signature = sign(&format!("{method}\n\n\n{DATE}\n{amz}{resource}"));
    let ask = world.ask(method, target).anonymous().header("date", DATE);
    ask.header("authorization", &format!("AWS root:{signature}"))
}

/// A URL for `/bkt/k`; `query` is empty or ends with `&`.
fn url(method: &str, query: &str, [md5, kind]: [&str; 2], amz: &str) -> String {
    let text = format!("{method}\n{md5}\n{kind}\n{EXPIRES}\n{amz}/bkt/k");
    let signature = sign(&text).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    format!("/bkt/k?{query}AWSAccessKeyId=root&Expires={EXPIRES}&Signature={signature}")
}

#[tokio::test]
async fn off_by_default_as_in_the_regions_of_aws_since_2014() {
    let world = World::new().await;
    let unsupported = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
    for ask in [
        signed(&world, "PUT", "/bkt/k", "", "/bkt/k"),
        world.ask("PUT", &url("PUT", "", ["", ""], "")).anonymous(),
    ] {
        let refused = ask.body("x").send().await.expect_error(400, "InvalidRequest");
        assert_eq!(refused.element("Message").unwrap(), unsupported);
        assert!(!refused.polled);
    }
}

#[tokio::test]
async fn headers_and_customer_keys() {
    let world = World::taking_version_2(Profile::Aws).await;
    let put = signed(&world, "PUT", "/bkt/k", &trio(KEY_A), "/bkt/k").key(KEY_A);
    put.body("sealed").send().await.expect_status(200);
    let get = |key| signed(&world, "GET", "/bkt/k", &trio(key), "/bkt/k").key(key);
    assert_eq!(get(KEY_A).send().await.expect_status(200).text(), "sealed");
    get(KEY_B).send().await.expect_error(403, "AccessDenied");
    // Another key than the one that was signed, and none at all.
    let swapped = signed(&world, "GET", "/bkt/k", &trio(KEY_B), "/bkt/k").key(KEY_A);
    let refused = swapped.send().await.expect_error(403, "SignatureDoesNotMatch");
    assert!(!refused.text().contains(KEY_A.0) && !refused.text().contains(KEY_A.1));
    assert!(refused.element("StringToSign").unwrap().contains("[redacted]"));
    assert_eq!(refused.element("CanonicalRequest"), None);
    let stripped = signed(&world, "PUT", "/bkt/k", &trio(KEY_A), "/bkt/k").body("plain");
    let refused = stripped.send().await.expect_error(403, "SignatureDoesNotMatch");
    assert!(!refused.polled);
    // On a host name of the bucket's own.
    let host = signed(&world, "GET", "/k", &trio(KEY_A), "/bkt/k").key(KEY_A);
    host.host("bkt.s3.example.com:9443").send().await.expect_status(200);
}

#[tokio::test]
async fn queries_with_what_a_presigner_puts_there() {
    let world = World::taking_version_2(Profile::Aws).await;
    let escape = |text: &str| text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let hoisted = format!(
        "{ALGORITHM}=AES256&{KEY}={}&{KEY_MD5}={}&content-type=text%2Fplain&",
        escape(KEY_A.0),
        escape(KEY_A.1)
    );
    let put = url("PUT", &hoisted, ["", "text/plain"], &trio(KEY_A));
    world.ask("PUT", &put).anonymous().body("x").send().await.expect_status(200);
    let head = world.ask("HEAD", "/bkt/k").key(KEY_A).send().await.expect_status(200);
    assert_eq!(head.header("content-type"), Some("text/plain"));
    let get = url("GET", "", ["", ""], &trio(KEY_A));
    let got = world.ask("GET", &get).anonymous().key(KEY_A).send().await;
    assert_eq!(got.expect_status(200).text(), "x");
    // Version 4 lets the key travel unsigned; here all of it is under the signature.
    let get = url("GET", "", ["", ""], &format!("{ALGORITHM}:AES256\n"));
    let got = world.ask("GET", &get).anonymous().key(KEY_A).send().await;
    got.expect_error(403, "SignatureDoesNotMatch");
    // A sub-resource that was not signed.
    let put = url("PUT", "", ["", ""], "").replace('?', "?retention&");
    let refused = world.ask("PUT", &put).anonymous().body("x").send().await;
    refused.expect_error(403, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn a_key_in_another_spelling_is_refused() {
    let world = World::taking_version_2(Profile::Obs).await;
    let name = KEY.replace("x-amz-", "x-obs-");
    let put = signed(&world, "PUT", "/bkt/k", "", "/bkt/k").header(&name, KEY_A.0);
    let refused = put.body("x").send().await.expect_error(403, "AccessDenied");
    assert_eq!(refused.element("HeadersNotSigned").as_deref(), Some(name.as_str()));
    assert!(!refused.polled);
}

#[tokio::test]
async fn policies_can_tell_it_from_version_4() {
    let world = World::taking_version_2(Profile::Aws).await;
    world.add_user("alice").await;
    let policy = r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::bkt/*", "Condition": {"StringNotEquals": {"s3:signatureversion": "AWS"}}}}"#;
    world.ask("PUT", "/bkt?policy").body(policy).send().await.expect_status(204);
    world.ask("PUT", "/bkt/k").by("alice").body("x").send().await.expect_status(200);
    let signature = sign(&format!("PUT\n\n\n{DATE}\n/bkt/k"));
    let put = world.ask("PUT", "/bkt/k").anonymous().header("date", DATE);
    let put = put.header("authorization", &format!("AWS alice:{signature}"));
    put.body("x").send().await.expect_error(403, "AccessDenied");
}
