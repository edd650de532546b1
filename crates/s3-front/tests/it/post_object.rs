//! PostObject: forms as browsers send them, their policies, and their customer keys.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use aws_lc_rs::hmac;
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use object_engine::model::Versioning;
use s3_front::service::ConnectionInfo;

use crate::{
    client::{ALGORITHM, Ask, KEY, KEY_A, KEY_B, KEY_MD5, KEY_SHORT, Reply, SSE},
    world::{NOW, SECRET, World},
};

const CREDENTIAL: &str = "root/20260102/us-east-1/s3/aws4_request";
const TYPE: &str = "multipart/form-data; boundary=b0undary";
/// Two hours after the standing clock.
const LATER: &str = "2026-01-02T05:04:05.000Z";

/// A form in the making.
#[derive(Clone)]
pub(crate) struct Form<'w> {
    world: &'w World,
    conditions: Vec<String>,
    fields: Vec<(String, Vec<u8>)>,
    file: Vec<u8>,
    filename: Option<&'static str>,
    expiration: &'static str,
}

impl<'w> Form<'w> {
    /// A form that its policy lets pass with these fields.
    pub(crate) fn new(world: &'w World, fields: &[(&str, &str)]) -> Self {
        let form = Self {
            world,
            conditions: vec![r#"{"bucket": "bkt"}"#.to_owned()],
            fields: Vec::new(),
            file: b"content".to_vec(),
            filename: Some("C:\\photos\\cat.png"),
            expiration: LATER,
        };
        fields.iter().fold(form, |form, (name, value)| form.field(name, value))
    }

    /// A field, and a condition that lets it be anything.
    pub(crate) fn field(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.bare(name, value).condition(&format!(r#"["starts-with", "${name}", ""]"#))
    }

    /// A field without a condition.
    fn bare(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.fields.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn condition(mut self, condition: &str) -> Self {
        self.conditions.push(condition.to_owned());
        self
    }

    fn file(mut self, file: impl Into<Vec<u8>>) -> Self {
        self.file = file.into();
        self
    }

    pub(crate) fn key(self, (key, md5): (&str, &str)) -> Self {
        self.field(ALGORITHM, "AES256").field(KEY, key).field(KEY_MD5, md5)
    }

    fn policy(&self) -> String {
        let conditions = self.conditions.join(", ");
        let expiration = self.expiration;
        STANDARD
            .encode(format!(r#"{{"expiration": "{expiration}", "conditions": [{conditions}]}}"#))
    }

    /// Adds version 4's proof.
    pub(crate) fn v4(self) -> Self {
        let form = self
            .field("x-amz-algorithm", "AWS4-HMAC-SHA256")
            .field("x-amz-credential", CREDENTIAL)
            .field("x-amz-date", "20260102T000000Z");
        let policy = form.policy();
        let time = UNIX_EPOCH + Duration::from_secs(NOW);
        let key = generate_signing_key(SECRET, time, "us-east-1", "s3");
        let signature = calculate_signature(key, policy.as_bytes());
        form.bare("policy", policy).bare("x-amz-signature", signature)
    }

    /// Adds version 2's.
    fn v2(self) -> Self {
        let policy = self.policy();
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, SECRET.as_bytes());
        let signature = STANDARD.encode(hmac::sign(&key, policy.as_bytes()));
        self.bare("AWSAccessKeyId", "root").bare("policy", policy).bare("signature", signature)
    }

    fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let mut put = |bytes: &[u8]| body.extend_from_slice(bytes);
        for (name, value) in &self.fields {
            let head =
                format!("--b0undary\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            put(head.as_bytes());
            put(value);
            put(b"\r\n");
        }
        put(b"--b0undary\r\nContent-Disposition: form-data; name=\"file\"");
        if let Some(filename) = self.filename {
            put(format!("; filename=\"{filename}\"").as_bytes());
        }
        put(b"\r\nContent-Type: image/png\r\n\r\n");
        put(&self.file);
        put(b"\r\n--b0undary--\r\n");
        body
    }

    pub(crate) fn ask(&self) -> Ask<'w> {
        let ask = self.world.ask("POST", "/bkt").anonymous().header("content-type", TYPE);
        ask.body(self.body())
    }

    pub(crate) async fn send(&self) -> Reply {
        self.ask().send().await
    }
}

/// A refusal with this message; nothing is stored.
async fn refused(form: &Form<'_>, status: u16, code: &str, message: &str) -> Reply {
    let reply = form.send().await.expect_error(status, code);
    assert_eq!(reply.element("Message").as_deref(), Some(message));
    assert_eq!(reply.header("connection"), Some("close"), "{message}");
    let listed = form.world.ask("GET", "/bkt").send().await.expect_status(200);
    assert!(!listed.text().contains("<Contents>"), "{message}: {}", listed.text());
    reply
}

#[tokio::test]
async fn a_form_is_stored_under_either_signature() {
    let world = World::new().await;
    let form = Form::new(&world, &[("key", "user/${filename}"), ("Content-Type", "image/png")]);
    for form in [form.clone().v4(), form.v2()] {
        let reply = form.send().await.expect_status(204);
        assert_eq!(reply.header("etag"), Some("\"9a0364b9e99bb480dd25e1f0284c8555\""));
        assert_eq!(reply.header("location"), Some("https://localhost:9443/bkt/user%2Fcat.png"));
        assert_eq!(reply.header(SSE), Some("AES256"));
        assert_eq!(reply.header("connection"), None, "no key came in it");
        assert_eq!(reply.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
        assert!(reply.header("x-amz-checksum-crc64nvme").is_some());
        let got = world.ask("GET", "/bkt/user/cat.png").send().await.expect_status(200);
        assert_eq!(
            (got.text().as_str(), got.header("content-type")),
            ("content", Some("image/png"))
        );
        world.ask("DELETE", "/bkt/user/cat.png").send().await.expect_status(204);
    }
}

#[tokio::test]
async fn a_form_may_ask_for_a_named_key_under_either_signature() {
    let world = World::new().await;
    let key_id = "x-amz-server-side-encryption-aws-kms-key-id";
    let form = Form::new(&world, &[("key", "k"), (SSE, "aws:kms")]);
    for form in [form.clone().v4(), form.clone().v2()] {
        let reply = form.send().await.expect_status(204);
        assert_eq!((reply.header(SSE), reply.header(key_id)), (Some("aws:kms"), Some("aws/s3")));
        let got = world.ask("GET", "/bkt/k").send().await.expect_status(200);
        assert_eq!((got.text().as_str(), got.header(SSE)), ("content", Some("aws:kms")));
        world.ask("DELETE", "/bkt/k").send().await.expect_status(204);
    }
    let unknown = form.field(key_id, "nobody").v4();
    refused(&unknown, 400, "KMS.NotFoundException", "Invalid keyId 'nobody'").await;
}

#[tokio::test]
async fn fields_say_what_headers_say_of_a_put() {
    let world = World::new().await;
    let tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>";
    let long = format!("x-amz-meta-{}", "n".repeat(100));
    let form = Form::new(
        &world,
        &[
            ("key", "k"),
            ("acl", "private"),
            ("X-Amz-Meta-Uuid", "é"),
            (&long, "long"),
            ("Cache-Control", "no-store"),
            ("content-disposition", "attachment"),
            ("x-amz-storage-class", "STANDARD_IA"),
            ("tagging", tags),
            ("x-amz-server-side-encryption", "AES256"),
            ("x-amz-checksum-sha256", "7XACtDnprIRfIjV9giusFERzD722AW0+yUMil7nsn3M="),
        ],
    );
    let reply = form.bare("x-ignore-me", "x").v4().send().await.expect_status(204);
    assert!(reply.header("x-amz-checksum-sha256").is_some());
    let got = world.ask("GET", "/bkt/k").send().await.expect_status(200);
    for (name, value) in [
        ("x-amz-meta-uuid", "é"),
        (&long, "long"),
        ("cache-control", "no-store"),
        ("content-disposition", "attachment"),
        ("x-amz-storage-class", "STANDARD_IA"),
        ("x-amz-tagging-count", "1"),
        ("content-type", "binary/octet-stream"),
    ] {
        let found = got.headers.get(name).map(http::HeaderValue::as_bytes);
        assert_eq!(found, Some(value.as_bytes()), "{name}");
    }
}

#[tokio::test]
async fn promises_of_fields_are_kept_or_refused() {
    let world = World::new().await;
    for (name, value, code) in [
        ("x-amz-checksum-sha256", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "BadDigest"),
        ("x-amz-checksum-sha256", "sailorjerry", "InvalidRequest"),
        ("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==", "BadDigest"),
        ("content-md5", "x", "InvalidDigest"),
        ("x-amz-storage-class", "FakeClass", "InvalidStorageClass"),
        ("acl", "everybody", "InvalidArgument"),
        ("tagging", "not-xml", "MalformedXML"),
        ("x-amz-server-side-encryption", "AES512", "InvalidArgument"),
        ("x-amz-meta-a", "a\nb", "InvalidArgument"),
        ("x-amz-checksum-algorithm", "MD4", "InvalidRequest"),
    ] {
        let form = Form::new(&world, &[("key", "k"), (name, value)]).v4();
        let reply = form.send().await.expect_error(400, code);
        assert_eq!(reply.header("connection"), Some("close"), "{name}");
    }
    world.ask("GET", "/bkt/k").send().await.expect_error(404, "NoSuchKey");
    let chosen = Form::new(&world, &[("key", "k"), ("x-amz-checksum-algorithm", "CRC32")]);
    assert!(chosen.v4().send().await.expect_status(204).header("x-amz-checksum-crc32").is_some());
}

#[tokio::test]
async fn the_form_chooses_its_answer() {
    let world = World::new().await;
    let form = |name: &str, value: &str| {
        Form::new(&world, &[("key", "a/b ${filename}"), (name, value)]).v4()
    };
    for (status, expected) in [("200", 200), ("204", 204), ("404", 204), ("", 204)] {
        let reply = form("success_action_status", status).send().await.expect_status(expected);
        assert!(reply.body.is_empty());
    }
    let created = form("success_action_status", "201").send().await.expect_status(201);
    let location = "https://localhost:9443/bkt/a%2Fb%20cat.png";
    let etag = "\"9a0364b9e99bb480dd25e1f0284c8555\"";
    assert_eq!(created.header("location"), Some(location));
    assert!(created.text().contains("<PostResponse><Location>"), "{}", created.text());
    for (name, text) in
        [("Location", location), ("Bucket", "bkt"), ("Key", "a/b cat.png"), ("ETag", etag)]
    {
        assert_eq!(created.element(name).as_deref(), Some(text));
    }
    let told = "bucket=bkt&key=a%2Fb+cat.png&etag=%229a0364b9e99bb480dd25e1f0284c8555%22";
    for (name, url, expected) in [
        ("success_action_redirect", "http://a.example/ok", format!("http://a.example/ok?{told}")),
        ("redirect", "https://a.example/?x=1#end", format!("https://a.example/?x=1&{told}#end")),
    ] {
        let reply = form(name, url).send().await.expect_status(303);
        assert_eq!(reply.header("location"), Some(expected.as_str()));
        assert!(reply.body.is_empty());
    }
    // A page of the bucket itself is one to go to: its parameters do not turn it into another request.
    let home = form("success_action_redirect", "https://localhost:9443/bkt");
    let sent = home.send().await.expect_status(303);
    let target = sent.header("location").unwrap().strip_prefix("https://localhost:9443").unwrap();
    let listed = world.ask("GET", target).send().await.expect_status(200);
    assert_eq!(listed.elements("Key"), ["a/b cat.png"], "{target}");
    form("success_action_redirect", "/relative").send().await.expect_status(204);
    let both = form("redirect", "http://a.example/").bare("x-ignore-a", "b");
    both.send().await.expect_status(303);
}

#[tokio::test]
async fn the_bucket_may_be_in_the_hosts_name() {
    let world = World::new().await;
    let form = Form::new(&world, &[("key", "k")]).v4();
    let ask = world.ask("POST", "/").anonymous().host("bkt.s3.example.com");
    let reply = ask.header("content-type", TYPE).body(form.body()).send().await.expect_status(204);
    assert_eq!(reply.header("location"), Some("https://bkt.s3.example.com/k"));
}

#[tokio::test]
async fn a_version_is_named() {
    let world = World::new().await;
    world.set_versioning(Versioning::Enabled).await;
    let reply = Form::new(&world, &[("key", "k")]).v4().send().await.expect_status(204);
    assert!(reply.header("x-amz-version-id").is_some());
}

#[tokio::test]
async fn a_customer_key_in_fields_of_any_case_seals() {
    let world = World::new().await;
    let upper = [ALGORITHM, KEY, KEY_MD5].map(str::to_uppercase);
    let fields = [("key", "k"), (&upper[0], "AES256"), (&upper[1], KEY_A.0), (&upper[2], KEY_A.1)];
    for form in [Form::new(&world, &fields), Form::new(&world, &[("key", "k")]).key(KEY_A)] {
        let reply = form.v4().send().await.expect_status(204);
        assert_eq!(
            (reply.header(ALGORITHM), reply.header(KEY_MD5)),
            (Some("AES256"), Some(KEY_A.1))
        );
        assert_eq!(reply.header(SSE), None);
        assert_eq!(reply.header("connection"), Some("close"), "its buffer held the key");
        assert_ne!(reply.header("etag"), Some("\"9a0364b9e99bb480dd25e1f0284c8555\""));
        let got = world.ask("GET", "/bkt/k").key(KEY_A).send().await.expect_status(200);
        assert_eq!(got.text(), "content");
        world.ask("GET", "/bkt/k").send().await.expect_error(400, "InvalidRequest");
        world.ask("GET", "/bkt/k").key(KEY_B).send().await.expect_error(403, "AccessDenied");
        world.ask("DELETE", "/bkt/k").send().await.expect_status(204);
    }
}

/// Fields, and the code, message and argument value that they get.
type Row<'a> = (&'a [(&'a str, &'a [u8])], &'a str, &'a str, Option<&'a str>);

#[tokio::test]
async fn e2_to_e10_are_those_of_a_put() {
    let world = World::new().await;
    let (key, md5) = (KEY_A.0.as_bytes(), KEY_A.1.as_bytes());
    let (short, short_md5) = (KEY_SHORT.0.as_bytes(), KEY_SHORT.1.as_bytes());
    let rows: &[Row<'_>] = &[
        (
            &[(KEY, key), (KEY_MD5, md5)],
            "InvalidArgument",
            "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.",
            None,
        ),
        (
            &[(ALGORITHM, b"AES256"), (KEY_MD5, md5)],
            "InvalidArgument",
            "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.",
            None,
        ),
        (
            &[(ALGORITHM, b"")],
            "InvalidArgument",
            "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.",
            None,
        ),
        (
            &[(ALGORITHM, b"AES256"), (KEY, b"####"), (KEY_MD5, md5)],
            "InvalidArgument",
            "The secret key was invalid - too short.",
            Some("####"),
        ),
        (
            &[(ALGORITHM, b"AES256"), (KEY, b""), (KEY_MD5, md5)],
            "InvalidArgument",
            "The secret key was invalid - too short.",
            Some(""),
        ),
        (
            &[(ALGORITHM, b"AES256"), (KEY, "pässword".as_bytes()), (KEY_MD5, md5)],
            "InvalidArgument",
            "The secret key was improperly encoded. The secret key must be Base64 encoded.",
            Some("pässword"),
        ),
        (
            &[(ALGORITHM, b"AES256"), (KEY, key)],
            "InvalidArgument",
            "Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key.",
            None,
        ),
        (
            &[(ALGORITHM, b"AES256"), (KEY, key), (KEY_MD5, b"x")],
            "InvalidArgument",
            "The calculated MD5 hash of the key did not match the hash that was provided.",
            None,
        ),
        (
            &[(ALGORITHM, b"aes256"), (KEY, key), (KEY_MD5, md5)],
            "InvalidEncryptionAlgorithmError",
            "The Encryption request you specified is not valid. Supported value: AES256.",
            Some("aes256"),
        ),
        (
            &[(ALGORITHM, b"AES256"), (KEY, short), (KEY_MD5, short_md5)],
            "InvalidArgument",
            "The secret key was invalid for the specified algorithm.",
            None,
        ),
        (
            &[(ALGORITHM, b"AES256"), (KEY, key), (KEY_MD5, md5), (SSE, b"AES256")],
            "InvalidArgument",
            "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
            Some("AES256"),
        ),
    ];
    for (fields, code, message, value) in rows {
        let form = Form::new(&world, &[("key", "k")]);
        let form = fields.iter().fold(form, |form, (name, value)| form.field(name, value));
        let reply = refused(&form.v4(), 400, code, message).await;
        assert_eq!(reply.element("ArgumentName").as_deref(), Some(SSE), "{message}");
        assert_eq!(reply.element("ArgumentValue").as_deref(), *value, "{message}");
    }
}

#[tokio::test]
async fn e1_comes_before_everything_else_that_a_form_gets_wrong() {
    let world = World::new().await;
    let message = "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection.";
    for name in [ALGORITHM, KEY, KEY_MD5, "X-Amz-Copy-Source-Server-Side-Encryption-Customer-Key"] {
        for form in
            [Form::new(&world, &[(name, "")]), Form::new(&world, &[("key", "k"), (name, "x")]).v4()]
        {
            let reply = form.ask().insecure().send().await.expect_error(400, "InvalidArgument");
            assert_eq!(reply.element("Message").as_deref(), Some(message), "{name}");
            assert_eq!(reply.element("ArgumentName").as_deref(), Some(SSE), "{name}");
        }
    }
    let plain = Form::new(&world, &[("key", "k")]).v4();
    let reply = plain.ask().insecure().send().await.expect_status(204);
    assert_eq!(reply.header("location"), Some("http://localhost:9443/bkt/k"));
}

#[tokio::test]
async fn a_key_that_would_be_ignored_is_refused() {
    let world = World::new().await;
    let form = Form::new(&world, &[("key", "k")]).v4();
    form.ask().key(KEY_A).send().await.expect_error(400, "InvalidRequest");
    let mut body = form.body();
    body.truncate(body.len() - 4);
    let after = format!(
        "\r\nContent-Disposition: form-data; name=\"{KEY}\"\r\n\r\n{}\r\n--b0undary--\r\n",
        KEY_A.0
    );
    body.extend_from_slice(after.as_bytes());
    let reply = form.ask().body(body).send().await.expect_error(400, "InvalidArgument");
    assert_eq!(reply.element("ArgumentName").as_deref(), Some(KEY));
    assert!(!reply.text().contains(KEY_A.0));
    world.ask("GET", "/bkt/k").send().await.expect_error(404, "NoSuchKey");
}

#[tokio::test]
async fn policies_refuse_what_they_do_not_allow() {
    let world = World::new().await;
    let form = || Form::new(&world, &[("key", "k")]);
    let denied = |why: &str| format!("Invalid according to Policy: {why}");
    let other = form().condition(r#"["eq", "$bucket", "x"]"#).v4();
    refused(
        &other,
        403,
        "AccessDenied",
        &denied("Policy Condition failed: [\"eq\", \"$bucket\", \"x\"]"),
    )
    .await;
    let extra = form().bare("x-amz-meta-a", "b").v2();
    refused(&extra, 403, "AccessDenied", &denied("Extra input fields: x-amz-meta-a")).await;
    let expired = Form { expiration: "2026-01-02T03:04:04Z", ..form() }.v4();
    refused(&expired, 403, "AccessDenied", &denied("Policy expired.")).await;
    let broken = form().condition("{}").v4();
    let message = "Invalid Policy: Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.";
    refused(&broken, 400, "InvalidPolicyDocument", message).await;
    // A policy for one prefix holds for the key as it is after the file's name was put in.
    let prefix = Form::new(&world, &[]).bare("key", "${filename}");
    let prefix = prefix.condition(r#"["starts-with", "$key", "dog"]"#).v4();
    refused(
        &prefix,
        403,
        "AccessDenied",
        &denied("Policy Condition failed: [\"starts-with\", \"$key\", \"dog\"]"),
    )
    .await;
}

#[tokio::test]
async fn a_files_length_is_held_to_the_policy_while_it_streams() {
    let world = World::new().await;
    let form = |length| {
        let form = Form::new(&world, &[("key", "k")]).file(vec![b'x'; length]);
        form.condition(r#"["content-length-range", 5, 10]"#).v4()
    };
    let large = refused(
        &form(11),
        400,
        "EntityTooLarge",
        "Your proposed upload exceeds the maximum allowed size",
    )
    .await;
    assert_eq!(large.element("MaxSizeAllowed").as_deref(), Some("10"));
    let small = refused(
        &form(4),
        400,
        "EntityTooSmall",
        "Your proposed upload is smaller than the minimum allowed size",
    )
    .await;
    assert_eq!(small.element("ProposedSize").as_deref(), Some("4"));
    assert_eq!(small.element("MinSizeAllowed").as_deref(), Some("5"));
    for length in [5, 10] {
        form(length).send().await.expect_status(204);
    }
}

#[tokio::test]
async fn signatures_are_checked() {
    let world = World::new().await;
    let form = Form::new(&world, &[("key", "k")]);
    let without = |form: &Form<'_>, name: &str| {
        let mut fields = form.fields.clone();
        fields.retain(|(field, _)| field != name);
        let mut form = Form::new(&world, &[]);
        form.fields = fields;
        form
    };
    for (signed, name, shown) in [
        (form.clone().v4(), "x-amz-algorithm", "X-Amz-Algorithm"),
        (form.clone().v4(), "x-amz-credential", "X-Amz-Credential"),
        (form.clone().v4(), "x-amz-date", "X-Amz-Date"),
        (form.clone().v4(), "x-amz-signature", "X-Amz-Signature"),
        (form.clone().v4(), "policy", "policy"),
        (form.clone().v4(), "key", "key"),
        (form.clone().v2(), "AWSAccessKeyId", "AWSAccessKeyId"),
        (form.clone().v2(), "signature", "Signature"),
    ] {
        let message = format!(
            "Bucket POST must contain a field named '{shown}'.  If it is specified, please check the order of the fields."
        );
        let reply = refused(&without(&signed, name), 400, "InvalidArgument", &message).await;
        assert_eq!(reply.element("ArgumentName").as_deref(), Some(shown));
    }
    let wrong = "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
    for (signed, name) in [(form.clone().v4(), "x-amz-signature"), (form.clone().v2(), "signature")]
    {
        let forged = without(&signed, name).bare(name, "forged");
        let reply = refused(&forged, 403, "SignatureDoesNotMatch", wrong).await;
        assert_eq!(reply.element("SignatureProvided").as_deref(), Some("forged"));
        let other =
            without(&signed, "policy").bare("policy", form.clone().condition("[]").policy());
        refused(&other, 403, "SignatureDoesNotMatch", wrong).await;
    }
    let stranger = without(&form.clone().v2(), "AWSAccessKeyId").bare("AWSAccessKeyId", "mallory");
    stranger.send().await.expect_error(403, "InvalidAccessKeyId");
    let elsewhere = without(&form.clone().v4(), "x-amz-credential")
        .bare("x-amz-credential", "root/20260102/eu-west-1/s3/aws4_request");
    let reply = elsewhere.send().await.expect_error(400, "InvalidArgument");
    assert_eq!(reply.element("Region").as_deref(), Some("us-east-1"));
    let token = form.v4().bare("x-amz-security-token", "t");
    token.send().await.expect_error(400, "InvalidToken");
}

#[tokio::test]
async fn nobody_and_strangers_are_denied() {
    let world = World::new().await;
    world.add_user("alice").await;
    let form = Form::new(&world, &[("key", "k")]);
    refused(&form, 403, "AccessDenied", "Access Denied").await;
    refused(&form.clone().bare("policy", form.policy()), 403, "AccessDenied", "Access Denied")
        .await;
    let policy = form.policy();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, SECRET.as_bytes());
    let signature = STANDARD.encode(hmac::sign(&key, policy.as_bytes()));
    let hers =
        form.bare("AWSAccessKeyId", "alice").bare("policy", policy).bare("signature", signature);
    refused(&hers, 403, "AccessDenied", "Access Denied").await;
}

#[tokio::test]
async fn what_is_no_form_is_refused_unread() {
    let world = World::new().await;
    let form = Form::new(&world, &[("key", "k")]).v4();
    let ask = || world.ask("POST", "/bkt").body(form.body());
    for content_type in ["text/html", "application/x-www-form-urlencoded", ""] {
        let reply = ask().anonymous().header("content-type", content_type).send().await;
        let reply = reply.expect_error(412, "PreconditionFailed");
        let condition = "Bucket POST must be of the enclosure-type multipart/form-data";
        assert_eq!(reply.element("Condition").as_deref(), Some(condition));
        assert!(!reply.polled);
    }
    let no_boundary = ask().anonymous().header("content-type", "multipart/form-data").send().await;
    assert!(!no_boundary.expect_error(400, "MalformedPOSTRequest").polled);
    let signed_twice = ask().header("content-type", TYPE).send().await;
    assert!(!signed_twice.expect_error(400, "InvalidArgument").polled);
}

#[tokio::test]
async fn broken_forms_are_refused() {
    let world = World::new().await;
    let form = Form::new(&world, &[("key", "k")]).v4();
    let body = form.body();
    for end in [1, 20, body.len() / 2, body.len() - 20] {
        let reply = form.ask().body(body[..end].to_vec()).send().await;
        reply.expect_error(400, "MalformedPOSTRequest");
    }
    let large = form.clone().bare("x-ignore-me", "v".repeat(20 * 1024));
    let message = "Your POST request fields preceeding the upload file was too large.";
    let reply = refused(&large, 400, "MaxPostPreDataLengthExceeded", message).await;
    assert_eq!(reply.element("MaxPostPreDataLengthBytes").as_deref(), Some("20480"));
    let at = body.windows(11).position(|window| window == b"name=\"file\"").unwrap();
    let mut renamed = body.clone();
    renamed[at + 6] = b'p';
    let reply = form.ask().body(renamed).send().await.expect_error(400, "InvalidArgument");
    assert_eq!(reply.element("ArgumentValue").as_deref(), Some("0"));
    world.ask("GET", "/bkt/k").send().await.expect_error(404, "NoSuchKey");
}

/// A form whose file would be long: how many of its frames are asked for.
async fn frames_taken(world: &World, form: &Form<'_>) -> (u16, usize) {
    let body = Form { file: Vec::new(), ..form.clone() }.body();
    let end = body.len() - b"\r\n--b0undary--\r\n".len();
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = taken.clone();
    let frames = (0..102).map(move |number| {
        counter.fetch_add(1, Ordering::Relaxed);
        let bytes = match number {
            0 => Bytes::copy_from_slice(&body[..end]),
            101 => Bytes::copy_from_slice(&body[end..]),
            _ => Bytes::from(vec![b'f'; 1000]),
        };
        Ok::<_, Infallible>(Frame::data(bytes))
    });
    let request = Request::post("https://localhost/bkt").header("content-type", TYPE);
    let request = request.header("content-length", end + 16 + 100_000);
    let request = request.body(StreamBody::new(futures_util::stream::iter(frames))).unwrap();
    let connection = ConnectionInfo { peer: ([127, 0, 0, 1], 1).into(), secure: true };
    let reply = world.service.handle(request, connection).await;
    let status = reply.status().as_u16();
    let _ = reply.into_body().collect().await.unwrap();
    (status, taken.load(Ordering::Relaxed))
}

#[tokio::test]
async fn nothing_of_the_file_is_asked_for_before_its_sender_may_store_it() {
    let world = World::new().await;
    let form = Form::new(&world, &[("key", "k")]);
    assert_eq!(frames_taken(&world, &form.clone().v4()).await, (204, 102));
    assert_eq!(frames_taken(&world, &form).await, (403, 1), "anonymous");
    let bad_key = form.clone().field(ALGORITHM, "AES256").v4();
    assert_eq!(frames_taken(&world, &bad_key).await, (400, 1), "a bad trio");
    let forged =
        form.clone().bare("AWSAccessKeyId", "root").bare("policy", "x").bare("signature", "x");
    assert_eq!(frames_taken(&world, &forged).await, (403, 1), "forged");
    let short = form.condition(r#"["content-length-range", 0, 5000]"#).v4();
    let (status, taken) = frames_taken(&world, &short).await;
    assert!(status == 400 && taken < 20, "{status} after {taken} frames");
    let listed = world.ask("GET", "/bkt").send().await.text();
    assert_eq!(listed.matches("<Contents>").count(), 1, "only the first form stored anything");
}

#[tokio::test]
async fn a_file_without_a_name_leaves_the_key_as_it_is() {
    let world = World::new().await;
    let form = Form { filename: None, ..Form::new(&world, &[("key", "a-${filename}")]) };
    form.v4().send().await.expect_status(204);
    world.ask("GET", "/bkt/a-%24%7Bfilename%7D").send().await.expect_status(200);
}

#[tokio::test]
async fn fields_may_lock_the_object() {
    let world = World::new().await;
    world.set_versioning(Versioning::Enabled).await;
    let lock = [
        ("key", "k"),
        ("x-amz-object-lock-mode", "GOVERNANCE"),
        ("x-amz-object-lock-retain-until-date", "2030-01-01T00:00:00Z"),
        ("x-amz-object-lock-legal-hold", "ON"),
    ];
    let refused = Form::new(&world, &lock).v4().send().await;
    refused.expect_error(400, "InvalidRequest");
    let name = object_engine::model::BucketName::parse("bkt").unwrap();
    let engine = world.store.engine();
    let bucket = engine.bucket(&name).await.unwrap().unwrap();
    let document = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>";
    engine.set_object_lock(&bucket, document).await.unwrap();
    let event_hold = [("key", "k"), ("x-amz-object-lock-event-hold", "ON")];
    let refused = Form::new(&world, &event_hold).key(KEY_A).v4().send().await;
    refused.expect_error(501, "NotImplemented");
    Form::new(&world, &lock).key(KEY_A).v4().send().await.expect_status(204);
    let head = world.ask("HEAD", "/bkt/k").key(KEY_A).send().await.expect_status(200);
    assert_eq!(head.header("x-amz-object-lock-mode"), Some("GOVERNANCE"));
    assert_eq!(head.header("x-amz-object-lock-legal-hold"), Some("ON"));
}
