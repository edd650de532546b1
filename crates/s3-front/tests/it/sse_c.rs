//! E1 to E17 of the specification, for every operation they name.

use crate::{
    client::{ALGORITHM, Ask, KEY, KEY_A, KEY_B, KEY_MD5, KEY_SHORT, Reply, SOURCE_ALGORITHM, SSE},
    world::World,
};

pub(crate) const INSECURE: &str = "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection.";
pub(crate) const NO_ALGORITHM: &str = "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.";
pub(crate) const NO_KEY: &str = "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.";
pub(crate) const NO_MD5: &str = "Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key.";
pub(crate) const TOO_SHORT: &str = "The secret key was invalid - too short.";
pub(crate) const MD5_DIFFERS: &str =
    "The calculated MD5 hash of the key did not match the hash that was provided.";
pub(crate) const BAD_ALGORITHM: &str =
    "The Encryption request you specified is not valid. Supported value: AES256.";
pub(crate) const WRONG_LENGTH: &str = "The secret key was invalid for the specified algorithm.";
pub(crate) const CONFLICT: &str = "Server Side Encryption with Customer provided key is incompatible with the encryption method specified";
pub(crate) const NOT_ON_PARTS: &str =
    "x-amz-server-side-encryption header is not supported for this operation.";
pub(crate) const KEY_REQUIRED: &str = "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.";
pub(crate) const NOT_APPLICABLE: &str =
    "The encryption parameters are not applicable to this object.";
pub(crate) const WRONG_KEY: &str = "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.";
pub(crate) const PART_DIFFERS: &str = "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.";
pub(crate) const KEY_DIFFERS: &str =
    "The provided encryption parameters did not match the ones used originally.";
const COMPLETE_DIFFERS: &str = "The object was stored using a form of Server Side Encryption. Correct SSE-C request parameters are required for this request when specifying checksums for each part.";
const PART_CHECKSUMS: &str =
    "To retrieve Part Checksum data requests must include appropriate encryption parameters.";

const NAME: &str = "x-amz-server-side-encryption";

/// Makes a request of one operation, as often as it is called.
type Asking<'s> = Box<dyn Fn() -> Ask<'s> + 's>;

/// Headers, and the code, message and argument value that they get.
pub(crate) type Row<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str, Option<&'a str>);

/// A world with `/bkt/sealed` under key A, `/bkt/plain`, and an upload of each kind.
struct Scene {
    world: World,
    sealed_upload: String,
    plain_upload: String,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        world.put("/bkt/plain", "hello").await;
        world.ask("PUT", "/bkt/sealed").key(KEY_A).body("hello").send().await.expect_status(200);
        let started = world.ask("POST", "/bkt/up?uploads").key(KEY_A).send().await;
        let sealed_upload = started.expect_status(200).element("UploadId").unwrap();
        let started = world.ask("POST", "/bkt/up?uploads").send().await;
        let plain_upload = started.expect_status(200).element("UploadId").unwrap();
        Self { world, sealed_upload, plain_upload }
    }

    fn ask(&self, method: &str, target: &str) -> Ask<'_> {
        self.world.ask(method, target)
    }

    fn part(&self, upload: &str) -> Ask<'_> {
        self.ask("PUT", &format!("/bkt/up?partNumber=1&uploadId={upload}")).body("part")
    }

    /// The operations that begin an object, or a part of one.
    fn writes<'s>(&'s self) -> Vec<(&'static str, Asking<'s>)> {
        vec![
            ("PutObject", Box::new(|| self.ask("PUT", "/bkt/new").body("x"))),
            ("CreateMultipartUpload", Box::new(|| self.ask("POST", "/bkt/new?uploads"))),
            ("UploadPart", Box::new(|| self.part(&self.sealed_upload))),
        ]
    }

    fn reads<'s>(&'s self) -> Vec<(&'static str, Asking<'s>)> {
        vec![
            ("GetObject", Box::new(|| self.ask("GET", "/bkt/sealed"))),
            ("HeadObject", Box::new(|| self.ask("HEAD", "/bkt/sealed"))),
        ]
    }

    fn complete(&self, upload: &str, etag: &str) -> Ask<'_> {
        let body = format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
        );
        self.ask("POST", &format!("/bkt/up?uploadId={upload}")).body(body)
    }
}

/// An error whose status, code, message and argument are these; of HEAD the status only.
#[track_caller]
pub(crate) fn expect(
    reply: Reply,
    what: &str,
    status: u16,
    code: &str,
    message: &str,
    argument: Option<Option<&str>>,
) {
    assert_eq!(reply.status, status, "{what}: {}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/xml"), "{what}");
    let closes = reply.header("connection") == Some("close");
    assert_eq!(closes, status == 400, "{what}: 400s close the connection, 403s do not");
    if reply.body.is_empty() {
        assert!(what.contains("Head"), "{what}: only answers to HEAD are empty");
        return;
    }
    assert!(reply.text().starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>"));
    assert_eq!(reply.element("Code").as_deref(), Some(code), "{what}");
    assert_eq!(reply.element("Message").as_deref(), Some(message), "{what}");
    let (name, value) = (reply.element("ArgumentName"), reply.element("ArgumentValue"));
    assert_eq!(name.as_deref(), argument.map(|_| NAME), "{what}");
    assert_eq!(value.as_deref(), argument.flatten(), "{what}");
    assert!(reply.element("Resource").is_none(), "{what}: SSE-C errors name no resource");
}

#[tokio::test]
async fn e1_plain_http_is_refused_before_everything_else() {
    let scene = Scene::new().await;
    let complete = format!("/bkt/up?uploadId={}", scene.sealed_upload);
    let part = format!("/bkt/up?partNumber=1&uploadId={}", scene.sealed_upload);
    for (method, target) in [
        ("PUT", "/bkt/k"),
        ("GET", "/bkt/sealed"),
        ("HEAD", "/bkt/sealed"),
        ("POST", "/bkt/k?uploads"),
        ("PUT", part.as_str()),
        ("POST", complete.as_str()),
        ("DELETE", "/bkt/sealed"),
        ("GET", "/bkt"),
        ("GET", "/bkt?nobody-knows"),
        ("GET", "/nobody-has/this"),
    ] {
        for header in [ALGORITHM, KEY, KEY_MD5, SOURCE_ALGORITHM] {
            let what = format!(
                "{method} {target} {header} {}",
                if method == "HEAD" { "Head" } else { "" }
            );
            let ask = || scene.ask(method, target).insecure();
            let reply = ask().header(header, "").send().await;
            expect(reply, &what, 400, "InvalidArgument", INSECURE, Some(None));
            let reply = ask().header(header, "bad").by("nobody").send().await;
            expect(reply, &what, 400, "InvalidArgument", INSECURE, Some(None));
        }
    }
    let in_query =
        scene.ask("GET", "/bkt/sealed?X-Amz-Server-Side-Encryption-Customer-Algorithm=AES256");
    expect(in_query.insecure().send().await, "query", 400, "InvalidArgument", INSECURE, Some(None));
    scene.ask("GET", "/bkt/plain").insecure().send().await.expect_status(200);
}

#[tokio::test]
async fn e2_to_e8_on_writes() {
    let scene = Scene::new().await;
    let (key, md5) = KEY_A;
    let all: &[Row<'_>] = &[
        (&[(KEY, key), (KEY_MD5, md5)], "InvalidArgument", NO_ALGORITHM, None),
        (&[(KEY, key)], "InvalidArgument", NO_ALGORITHM, None),
        (&[(KEY_MD5, md5)], "InvalidArgument", NO_ALGORITHM, None),
        (&[(ALGORITHM, "AES256")], "InvalidArgument", NO_KEY, None),
        (&[(ALGORITHM, ""), (KEY_MD5, md5)], "InvalidArgument", NO_KEY, None),
        (
            &[(ALGORITHM, "AES256"), (KEY, ""), (KEY_MD5, md5)],
            "InvalidArgument",
            TOO_SHORT,
            Some(""),
        ),
        (
            &[(ALGORITHM, "AES256"), (KEY, "a"), (KEY_MD5, md5)],
            "InvalidArgument",
            TOO_SHORT,
            Some("a"),
        ),
        (
            &[(ALGORITHM, "bad"), (KEY, "####"), (KEY_MD5, "bad")],
            "InvalidArgument",
            TOO_SHORT,
            Some("####"),
        ),
        (&[(ALGORITHM, "AES256"), (KEY, key)], "InvalidArgument", NO_MD5, None),
        (&[(ALGORITHM, "AES256"), (KEY, key), (KEY_MD5, "")], "InvalidArgument", MD5_DIFFERS, None),
        (&[(ALGORITHM, "bad"), (KEY, key), (KEY_MD5, "bad")], "InvalidArgument", MD5_DIFFERS, None),
        (
            &[(ALGORITHM, "AES256"), (KEY, &key[..43]), (KEY_MD5, md5)],
            "InvalidArgument",
            MD5_DIFFERS,
            None,
        ),
        (
            &[(ALGORITHM, "aes256"), (KEY, key), (KEY_MD5, md5)],
            "InvalidEncryptionAlgorithmError",
            BAD_ALGORITHM,
            Some("aes256"),
        ),
        (
            &[(ALGORITHM, ""), (KEY, key), (KEY_MD5, md5)],
            "InvalidEncryptionAlgorithmError",
            BAD_ALGORITHM,
            Some(""),
        ),
        (
            &[(ALGORITHM, "KMS"), (KEY, KEY_SHORT.0), (KEY_MD5, KEY_SHORT.1)],
            "InvalidEncryptionAlgorithmError",
            BAD_ALGORITHM,
            Some("KMS"),
        ),
    ];
    for (name, ask) in scene.writes() {
        for (headers, code, message, value) in all {
            let reply = ask().headers(headers).send().await;
            assert!(!reply.polled, "{name}: the body was asked for");
            expect(reply, &format!("{name} {headers:?}"), 400, code, message, Some(*value));
        }
    }
    scene.ask("GET", "/bkt/new").send().await.expect_error(404, "NoSuchKey");
}

#[tokio::test]
async fn e2_to_e8_on_reads_where_the_md5_is_optional() {
    let scene = Scene::new().await;
    let (key, md5) = KEY_A;
    let all: &[Row<'_>] = &[
        (&[(KEY, key)], "InvalidArgument", NO_ALGORITHM, None),
        (&[(ALGORITHM, "AES256")], "InvalidArgument", NO_KEY, None),
        (&[(ALGORITHM, "AES256"), (KEY, "ZZ")], "InvalidArgument", TOO_SHORT, Some("ZZ")),
        (
            &[(ALGORITHM, "AES256"), (KEY, key), (KEY_MD5, "bad")],
            "InvalidArgument",
            MD5_DIFFERS,
            None,
        ),
        (
            &[(ALGORITHM, "AES128"), (KEY, key)],
            "InvalidEncryptionAlgorithmError",
            BAD_ALGORITHM,
            Some("AES128"),
        ),
    ];
    for (name, ask) in scene.reads() {
        for (headers, code, message, value) in all {
            let reply = ask().headers(headers).send().await;
            expect(reply, &format!("{name} {headers:?}"), 400, code, message, Some(*value));
        }
        let reply =
            ask().headers(&[(ALGORITHM, "AES256"), (KEY, key)]).send().await.expect_status(200);
        assert_eq!(reply.header(ALGORITHM), Some("AES256"));
        assert_eq!(reply.header(KEY_MD5), Some(md5), "{name}: the MD5 is computed for the echo");
        let spaced: Vec<_> = key.chars().map(|char| format!("{char} ")).collect();
        ask()
            .headers(&[(ALGORITHM, "AES256"), (KEY, spaced.concat().trim())])
            .send()
            .await
            .expect_status(200);
    }
}

#[tokio::test]
async fn e9_a_key_of_another_length() {
    let scene = Scene::new().await;
    for (name, ask) in scene.writes() {
        let reply = ask().key(KEY_SHORT).send().await;
        match name {
            "UploadPart" => expect(reply, name, 400, "InvalidRequest", KEY_DIFFERS, None),
            _ => expect(reply, name, 400, "InvalidArgument", WRONG_LENGTH, Some(None)),
        }
    }
    for (name, ask) in scene.reads() {
        expect(ask().key(KEY_SHORT).send().await, name, 403, "AccessDenied", WRONG_KEY, None);
    }
}

#[tokio::test]
async fn e10_the_trio_beside_server_side_encryption() {
    let scene = Scene::new().await;
    for (name, ask) in scene.writes() {
        for value in ["AES256", "aws:kms"] {
            let reply = ask().key(KEY_A).header(SSE, value).send().await;
            let message = if name == "UploadPart" { NOT_ON_PARTS } else { CONFLICT };
            expect(reply, name, 400, "InvalidArgument", message, Some(Some(value)));
        }
    }
    let reply = scene.part(&scene.plain_upload).header(SSE, "AES256").send().await;
    expect(reply, "UploadPart", 400, "InvalidArgument", NOT_ON_PARTS, Some(Some("AES256")));
    scene.ask("PUT", "/bkt/k").header(SSE, "AES256").send().await.expect_status(200);
    scene
        .ask("PUT", "/bkt/k")
        .header(SSE, "aws:kms:dsse")
        .send()
        .await
        .expect_error(501, "NotImplemented");
    scene.ask("PUT", "/bkt/k").header(SSE, "x").send().await.expect_error(400, "InvalidArgument");
}

#[tokio::test]
async fn e11_e12_e13_and_e20_on_reads() {
    let scene = Scene::new().await;
    for (method, name) in [("GET", "GetObject"), ("HEAD", "HeadObject")] {
        let without = scene.ask(method, "/bkt/sealed").send().await;
        expect(without, name, 400, "InvalidRequest", KEY_REQUIRED, None);
        let wrong = scene.ask(method, "/bkt/sealed").key(KEY_B).send().await;
        expect(wrong, name, 403, "AccessDenied", WRONG_KEY, None);
        for key in [KEY_A, KEY_SHORT] {
            let needless = scene.ask(method, "/bkt/plain").key(key).send().await;
            expect(needless, name, 400, "InvalidRequest", NOT_APPLICABLE, None);
        }
        let asked = scene.ask(method, "/bkt/plain").header(SSE, "AES256").send().await;
        expect(asked, name, 400, "InvalidArgument", NOT_ON_PARTS, Some(Some("AES256")));
        assert_eq!(scene.ask(method, "/bkt/none").key(KEY_A).send().await.status, 404);
    }
}

#[tokio::test]
async fn a_wrong_key_comes_before_conditions_and_ranges() {
    let scene = Scene::new().await;
    for header in [
        ("if-none-match", "*"),
        ("if-match", "\"x\""),
        ("range", "bytes=99-"),
        ("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT"),
    ] {
        let wrong =
            scene.ask("GET", "/bkt/sealed").key(KEY_B).header(header.0, header.1).send().await;
        expect(wrong, header.0, 403, "AccessDenied", WRONG_KEY, None);
        let without = scene.ask("GET", "/bkt/sealed").header(header.0, header.1).send().await;
        expect(without, header.0, 400, "InvalidRequest", KEY_REQUIRED, None);
    }
    let wrong = scene.ask("GET", "/bkt/sealed?partNumber=9").key(KEY_B).send().await;
    expect(wrong, "partNumber", 403, "AccessDenied", WRONG_KEY, None);
}

#[tokio::test]
async fn an_empty_object_has_a_key_too() {
    let scene = Scene::new().await;
    scene.ask("PUT", "/bkt/empty").key(KEY_A).send().await.expect_status(200);
    let wrong = scene.ask("GET", "/bkt/empty").key(KEY_B).send().await;
    expect(wrong, "empty", 403, "AccessDenied", WRONG_KEY, None);
    let right = scene.ask("GET", "/bkt/empty").key(KEY_A).send().await.expect_status(200);
    assert_eq!(right.header("content-length"), Some("0"));
}

#[tokio::test]
async fn e14_and_e15_on_parts() {
    let scene = Scene::new().await;
    let without = scene.part(&scene.sealed_upload).send().await;
    assert!(!without.polled);
    expect(without, "no trio", 400, "InvalidRequest", PART_DIFFERS, None);
    let needless = scene.part(&scene.plain_upload).key(KEY_A).send().await;
    expect(needless, "trio", 400, "InvalidRequest", PART_DIFFERS, None);
    let other = scene.part(&scene.sealed_upload).key(KEY_B).send().await;
    expect(other, "other key", 400, "InvalidRequest", KEY_DIFFERS, None);
    let right = scene.part(&scene.sealed_upload).key(KEY_A).send().await.expect_status(200);
    assert_eq!(right.header(ALGORITHM), Some("AES256"));
    assert_eq!(right.header(KEY_MD5), Some(KEY_A.1));
    assert_eq!(right.header(SSE), None);
}

#[tokio::test]
async fn e16_on_complete_only_with_all_three() {
    let scene = Scene::new().await;
    let stored = scene.part(&scene.sealed_upload).key(KEY_A).send().await.expect_status(200);
    let etag = stored.header("etag").unwrap();
    for key in [KEY_B, KEY_SHORT] {
        let reply = scene.complete(&scene.sealed_upload, etag).key(key).send().await;
        expect(reply, "wrong key", 400, "InvalidRequest", COMPLETE_DIFFERS, None);
    }
    let (key, md5) = KEY_A;
    for (headers, code, message, value) in [
        (
            [(ALGORITHM, "AES256"), (KEY, "####"), (KEY_MD5, md5)],
            "InvalidArgument",
            TOO_SHORT,
            Some("####"),
        ),
        (
            [(ALGORITHM, "AES256"), (KEY, key), (KEY_MD5, "bad")],
            "InvalidArgument",
            MD5_DIFFERS,
            None,
        ),
        (
            [(ALGORITHM, "bad"), (KEY, key), (KEY_MD5, md5)],
            "InvalidEncryptionAlgorithmError",
            BAD_ALGORITHM,
            Some("bad"),
        ),
    ] {
        let reply = scene.complete(&scene.sealed_upload, etag).headers(&headers).send().await;
        expect(reply, "complete", 400, code, message, Some(value));
    }
    let reply = scene
        .complete(&scene.sealed_upload, etag)
        .headers(&[(ALGORITHM, "bad"), (KEY, "")])
        .send()
        .await;
    let reply = reply.expect_status(200);
    assert_eq!(reply.header(ALGORITHM), Some("AES256"), "always, for an SSE-C upload");
    assert_eq!(reply.header(KEY_MD5), None);
    assert!(reply.element("ChecksumCRC64NVME").is_none());

    let stored = scene.part(&scene.plain_upload).send().await.expect_status(200);
    let reply =
        scene.complete(&scene.plain_upload, stored.header("etag").unwrap()).key(KEY_A).send().await;
    expect(reply, "not SSE-C", 400, "InvalidRequest", COMPLETE_DIFFERS, None);
}

/// Part checksums are sealed, so a list that repeats them cannot be held against the parts without the
/// key; AWS's message says as much.
#[tokio::test]
async fn e16_on_complete_with_part_checksums_and_no_key() {
    let scene = Scene::new().await;
    let started =
        scene.ask("POST", "/bkt/up?uploads").key(KEY_A).header("x-amz-checksum-algorithm", "CRC32");
    let started = started.send().await.expect_status(200);
    let upload = started.element("UploadId").unwrap();
    let part = scene.part(&upload).key(KEY_A).send().await.expect_status(200);
    let (etag, sum) = (part.header("etag").unwrap(), part.header("x-amz-checksum-crc32").unwrap());
    let complete = |sum: &str| {
        let list = format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag><ChecksumCRC32>{sum}</ChecksumCRC32></Part></CompleteMultipartUpload>"
        );
        scene.ask("POST", &format!("/bkt/up?uploadId={upload}")).body(list)
    };
    for headers in [&[][..], &[(ALGORITHM, "AES256")], &[(ALGORITHM, "AES256"), (KEY, KEY_A.0)]] {
        let reply = complete(sum).headers(headers).send().await;
        expect(reply, "no whole trio", 400, "InvalidRequest", COMPLETE_DIFFERS, None);
    }
    complete("AAAAAA==").key(KEY_A).send().await.expect_error(400, "InvalidPart");
    let reply = complete(sum).key(KEY_A).send().await.expect_status(200);
    assert_eq!(reply.element("ChecksumType").as_deref(), Some("COMPOSITE"));
}

#[tokio::test]
async fn complete_with_the_key_says_more() {
    let scene = Scene::new().await;
    let stored = scene.part(&scene.sealed_upload).key(KEY_A).send().await.expect_status(200);
    let etag = stored.header("etag").unwrap().to_owned();
    let reply =
        scene.complete(&scene.sealed_upload, &etag).key(KEY_A).send().await.expect_status(200);
    assert_eq!(reply.header(KEY_MD5), Some(KEY_A.1));
    assert!(reply.element("ChecksumCRC64NVME").is_some());
    assert_eq!(reply.element("ChecksumType").as_deref(), Some("FULL_OBJECT"));
    let read = scene.ask("GET", "/bkt/up").key(KEY_A).send().await.expect_status(200);
    assert_eq!(read.text(), "part");
}

#[tokio::test]
async fn e17_and_e15_on_list_parts() {
    let scene = Scene::new().await;
    let list = |id: &str| scene.ask("GET", &format!("/bkt/up?uploadId={id}"));
    list(&scene.sealed_upload).send().await.expect_status(200);
    let started =
        scene.ask("POST", "/bkt/up?uploads").key(KEY_A).header("x-amz-checksum-algorithm", "CRC32");
    let started = started.send().await.expect_status(200);
    assert_eq!(started.header("x-amz-checksum-algorithm"), Some("CRC32"));
    let chosen = started.element("UploadId").unwrap();
    expect(list(&chosen).send().await, "no key", 400, "InvalidRequest", PART_CHECKSUMS, None);
    expect(
        list(&chosen).key(KEY_B).send().await,
        "wrong key",
        400,
        "InvalidRequest",
        KEY_DIFFERS,
        None,
    );
    let part = scene.part(&chosen).key(KEY_A).send().await.expect_status(200);
    let checksum = part.header("x-amz-checksum-crc32").map(str::to_owned);
    assert!(checksum.is_some());
    let listed = list(&chosen).key(KEY_A).send().await.expect_status(200);
    assert_eq!(listed.element("ChecksumCRC32"), checksum);
}

/// Clients send the trio everywhere; where it means nothing it is ignored, whatever it holds.
#[tokio::test]
async fn operations_without_keys_ignore_the_trio() {
    let scene = Scene::new().await;
    let bad = [(ALGORITHM, "bad"), (KEY, "####")];
    scene.ask("GET", "/bkt?list-type=2").headers(&bad).send().await.expect_status(200);
    scene.ask("GET", "/bkt?uploads").headers(&bad).send().await.expect_status(200);
    let abort = format!("/bkt/up?uploadId={}", scene.sealed_upload);
    scene.ask("DELETE", &abort).headers(&bad).send().await.expect_status(204);
    scene.ask("DELETE", "/bkt/sealed").headers(&bad).send().await.expect_status(204);
}

#[tokio::test]
async fn answers_of_sealed_and_plain_objects() {
    let scene = Scene::new().await;
    let sealed =
        scene.ask("PUT", "/bkt/k").key(KEY_A).body("hello").send().await.expect_status(200);
    assert_eq!(sealed.header(ALGORITHM), Some("AES256"));
    assert_eq!(sealed.header(KEY_MD5), Some(KEY_A.1));
    assert_eq!(sealed.header(SSE), None);
    assert_eq!(sealed.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    let again = scene.ask("PUT", "/bkt/k").key(KEY_A).body("hello").send().await.expect_status(200);
    assert_ne!(sealed.header("etag"), again.header("etag"), "the ETag is random, not an MD5");
    assert_eq!(sealed.header("x-amz-checksum-crc64nvme"), again.header("x-amz-checksum-crc64nvme"));

    let plain = scene.ask("PUT", "/bkt/p").body("hello").send().await.expect_status(200);
    assert_eq!(plain.header(SSE), Some("AES256"));
    assert_eq!(plain.header(ALGORITHM), None);
    assert_eq!(plain.header("etag"), Some("\"5d41402abc4b2a76b9719d911017c592\""));

    let head = scene.ask("HEAD", "/bkt/k").key(KEY_A).send().await.expect_status(200);
    assert_eq!(head.header("content-length"), Some("5"));
    assert_eq!(head.header(KEY_MD5), Some(KEY_A.1));
    assert_eq!(head.header(SSE), None);
}

#[tokio::test]
async fn order_on_put_storage_class_then_digest_then_key() {
    let scene = Scene::new().await;
    let ask = |headers: &[(&str, &str)]| {
        scene
            .ask("PUT", "/bkt/k")
            .body("x")
            .headers(headers)
            .headers(&[(ALGORITHM, "bad"), (KEY, "")])
            .header(SSE, "AES256")
    };
    let reply = ask(&[("x-amz-storage-class", "bad"), ("content-md5", "bad")]).send().await;
    reply.expect_error(400, "InvalidStorageClass");
    let reply = ask(&[("content-md5", "bad")]).send().await.expect_error(400, "InvalidDigest");
    assert_eq!(reply.element("Content-MD5").as_deref(), Some("bad"));
    let reply = ask(&[]).send().await.expect_error(400, "InvalidArgument");
    assert_eq!(reply.element("Message").as_deref(), Some(CONFLICT));
    let part = scene
        .part(&scene.sealed_upload)
        .headers(&[("content-md5", "bad"), (ALGORITHM, "bad")])
        .send()
        .await;
    part.expect_error(400, "InvalidDigest");
    let complete = scene
        .ask("POST", &format!("/bkt/up?uploadId={}", scene.sealed_upload))
        .key(("####", "bad"));
    let body = "<CompleteMultipartUpload><Part><PartNumber>0</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>";
    let reply = complete.body(body).send().await.expect_error(400, "InvalidArgument");
    assert_eq!(reply.element("Message").as_deref(), Some("PartNumber must be >= 1"));
}
