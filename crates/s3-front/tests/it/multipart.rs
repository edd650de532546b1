//! Multipart uploads.

use crate::{
    client::{KEY_A, KEY_B, Reply},
    world::World,
};

const FIVE_MIB: usize = 5 * 1024 * 1024;

async fn start(world: &World, headers: &[(&str, &str)]) -> String {
    let reply =
        world.ask("POST", "/bkt/k?uploads").headers(headers).send().await.expect_status(200);
    assert_eq!(reply.element("Bucket").as_deref(), Some("bkt"));
    assert_eq!(reply.element("Key").as_deref(), Some("k"));
    reply.element("UploadId").unwrap()
}

async fn part(world: &World, id: &str, number: u32, body: Vec<u8>) -> String {
    let reply = world
        .ask("PUT", &format!("/bkt/k?partNumber={number}&uploadId={id}"))
        .body(body)
        .send()
        .await;
    reply.expect_status(200).header("etag").unwrap().to_owned()
}

async fn complete(world: &World, id: &str, parts: &[(u32, &str)]) -> Reply {
    let lines: String = parts
        .iter()
        .map(|(number, etag)| {
            format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
        })
        .collect();
    let body = format!(
        "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{lines}</CompleteMultipartUpload>"
    );
    world.ask("POST", &format!("/bkt/k?uploadId={id}")).body(body).send().await
}

#[tokio::test]
async fn an_object_of_two_parts() {
    let world = World::new().await;
    let id = start(&world, &[("x-amz-meta-a", "b"), ("content-type", "text/plain")]).await;
    let one = part(&world, &id, 1, vec![1; FIVE_MIB]).await;
    let two = part(&world, &id, 7, vec![2; 10]).await;
    let done = complete(&world, &id, &[(1, &one), (7, &two)]).await.expect_status(200);
    let etag = done.element("ETag").unwrap();
    assert!(etag.ends_with("-2\""), "{etag}");
    assert_eq!(done.header("x-amz-server-side-encryption"), Some("AES256"));
    assert_eq!(done.element("ChecksumType").as_deref(), Some("FULL_OBJECT"));
    let read = world.ask("GET", "/bkt/k").send().await.expect_status(200);
    assert_eq!(read.body.len(), FIVE_MIB + 10);
    assert_eq!(read.header("etag"), Some(etag.as_str()));
    assert_eq!(read.header("x-amz-meta-a"), Some("b"));
    assert_eq!(read.header("content-type"), Some("text/plain"));
    let second = world.ask("GET", "/bkt/k?partNumber=2").send().await.expect_status(206);
    assert_eq!(second.body, vec![2; 10]);
    assert_eq!(second.header("x-amz-mp-parts-count"), Some("2"));
    let across = world
        .ask("GET", "/bkt/k")
        .header("range", &format!("bytes={}-{}", FIVE_MIB - 1, FIVE_MIB))
        .send()
        .await;
    assert_eq!(across.expect_status(206).body, vec![1, 2]);
    world.ask("GET", "/bkt/k?partNumber=3").send().await.expect_error(416, "InvalidPartNumber");
    complete(&world, &id, &[(1, &one)]).await.expect_error(404, "NoSuchUpload");
}

#[tokio::test]
async fn completing_has_conditions() {
    let world = World::new().await;
    let completed = async |name: &str, value: &str| {
        let id = start(&world, &[]).await;
        let one = part(&world, &id, 1, vec![1; 10]).await;
        let list = format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{one}</ETag></Part></CompleteMultipartUpload>"
        );
        let target = format!("/bkt/k?uploadId={id}");
        world.ask("POST", &target).header(name, value).body(list).send().await
    };
    completed("if-match", "\"other\"").await.expect_error(404, "NoSuchKey");
    completed("if-match", "*").await.expect_error(501, "NotImplemented");
    let made = completed("if-none-match", "\"other\"").await.expect_status(200);
    let etag = made.element("ETag").unwrap();
    for (name, value, status) in [
        ("if-none-match", "*", 412),
        ("if-none-match", etag.as_str(), 412),
        ("if-match", "\"other\"", 412),
        ("if-none-match", "\"other\"", 200),
        ("if-match", "*", 501),
    ] {
        completed(name, value).await.expect_status(status);
    }
}

/// docs/semantics.md: "Conditions on completing".
#[tokio::test]
async fn a_condition_on_completing_is_about_the_key_as_it_is_then() {
    let world = World::new().await;
    let target = |id: &str| format!("/bkt/k?uploadId={id}");
    let list = |etag: &str| {
        format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
        )
    };
    world.put("/bkt/k", "before").await;
    let id = start(&world, &[]).await;
    let one = part(&world, &id, 1, vec![1; 10]).await;
    let ask = || world.ask("POST", &target(&id)).header("if-none-match", "*").body(list(&one));
    ask().send().await.expect_error(412, "PreconditionFailed");
    world.ask("DELETE", "/bkt/k").send().await.expect_status(204);
    ask().send().await.expect_status(200);

    let id = start(&world, &[]).await;
    let one = part(&world, &id, 1, vec![1; 10]).await;
    let put = world.ask("PUT", "/bkt/k").body("meanwhile").send().await.expect_status(200);
    let ask = world.ask("POST", &target(&id)).header("if-match", put.header("etag").unwrap());
    ask.body(list(&one)).send().await.expect_status(200);
}

/// A part's checksum has the type of the whole's, as on AWS.
#[tokio::test]
async fn a_part_is_read_with_the_type_of_the_objects_checksum() {
    let world = World::new().await;
    for kind in ["FULL_OBJECT", "COMPOSITE"] {
        let chosen = [("x-amz-checksum-algorithm", "CRC32"), ("x-amz-checksum-type", kind)];
        let id = start(&world, &chosen).await;
        let put = world.ask("PUT", &format!("/bkt/k?partNumber=1&uploadId={id}")).body("part");
        let put = put.send().await.expect_status(200);
        let sum = put.header("x-amz-checksum-crc32").unwrap();
        let list = format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}</ETag><ChecksumCRC32>{sum}</ChecksumCRC32></Part></CompleteMultipartUpload>",
            put.header("etag").unwrap()
        );
        let done = world.ask("POST", &format!("/bkt/k?uploadId={id}")).body(list).send().await;
        done.expect_status(200);
        for method in ["GET", "HEAD"] {
            let ask = world.ask(method, "/bkt/k?partNumber=1");
            let read = ask.header("x-amz-checksum-mode", "ENABLED").send().await;
            let read = read.expect_status(206);
            assert_eq!(read.header("x-amz-checksum-crc32"), Some(sum), "{method} {kind}");
            assert_eq!(read.header("x-amz-checksum-type"), Some(kind), "{method}");
        }
    }
}

#[tokio::test]
async fn refused_completions_leave_the_upload_open() {
    let world = World::new().await;
    let id = start(&world, &[]).await;
    let one = part(&world, &id, 1, vec![1; 10]).await;
    let two = part(&world, &id, 2, vec![2; 10]).await;
    let small =
        complete(&world, &id, &[(1, &one), (2, &two)]).await.expect_error(400, "EntityTooSmall");
    assert_eq!(small.element("PartNumber").as_deref(), Some("1"));
    assert_eq!(small.element("ProposedSize").as_deref(), Some("10"));
    assert_eq!(small.element("MinSizeAllowed").as_deref(), Some("5242880"));
    let missing = complete(&world, &id, &[(3, &one)]).await.expect_error(400, "InvalidPart");
    assert_eq!(missing.element("PartNumber").as_deref(), Some("3"));
    complete(&world, &id, &[(1, &two)]).await.expect_error(400, "InvalidPart");
    complete(&world, &id, &[(2, &two), (1, &one)]).await.expect_error(400, "InvalidPartOrder");
    complete(&world, &id, &[]).await.expect_error(400, "MalformedXML");
    let target = format!("/bkt/k?uploadId={id}");
    world.ask("POST", &target).send().await.expect_error(400, "InvalidRequest");
    world
        .ask("POST", &target)
        .body("<CompleteMultipartUpload>")
        .send()
        .await
        .expect_error(400, "MalformedXML");
    let failed = world.ask("POST", &target).header("if-match", "\"e\"");
    let body = format!(
        "<CompleteMultipartUpload><Part><PartNumber>2</PartNumber><ETag>{two}</ETag></Part></CompleteMultipartUpload>"
    );
    failed.body(body).send().await.expect_error(404, "NoSuchKey");
    complete(&world, &id, &[(2, &two)]).await.expect_status(200);
}

#[tokio::test]
async fn uploads_and_parts_are_listed() {
    let world = World::new().await;
    let id = start(&world, &[("x-amz-storage-class", "STANDARD_IA")]).await;
    let etags = [part(&world, &id, 1, vec![1; 3]).await, part(&world, &id, 2, vec![2; 4]).await];
    let listed = world.ask("GET", "/bkt?uploads").send().await.expect_status(200);
    assert_eq!(listed.elements("UploadId"), [id.as_str()]);
    assert_eq!(listed.element("StorageClass").as_deref(), Some("STANDARD_IA"));
    assert_eq!(listed.element("Initiated").as_deref(), Some("2026-01-02T03:04:05.000Z"));
    assert!(world.ask("GET", "/bkt?uploads&prefix=x").send().await.elements("UploadId").is_empty());
    let target = format!("/bkt/k?uploadId={id}");
    let parts = world.ask("GET", &target).send().await.expect_status(200);
    assert_eq!(parts.elements("PartNumber"), ["1", "2"]);
    assert_eq!(parts.elements("ETag"), etags);
    assert_eq!(parts.elements("Size"), ["3", "4"]);
    let first = world.ask("GET", &format!("{target}&max-parts=1")).send().await.expect_status(200);
    assert_eq!(first.elements("PartNumber"), ["1"]);
    assert_eq!(first.element("IsTruncated").as_deref(), Some("true"));
    assert_eq!(first.element("NextPartNumberMarker").as_deref(), Some("1"));
    let rest = world.ask("GET", &format!("{target}&part-number-marker=1")).send().await;
    assert_eq!(rest.elements("PartNumber"), ["2"]);
    world.ask("DELETE", &target).send().await.expect_status(204);
    for method in ["GET", "DELETE"] {
        let gone = world.ask(method, &target).send().await.expect_error(404, "NoSuchUpload");
        assert_eq!(gone.element("UploadId"), Some(id.clone()));
    }
    let late = world.ask("PUT", &format!("{target}&partNumber=1")).body("x").send().await;
    assert!(!late.expect_error(404, "NoSuchUpload").polled);
}

#[tokio::test]
async fn numbers_and_checksums_of_parts_are_checked() {
    let world = World::new().await;
    let id = start(&world, &[("x-amz-checksum-algorithm", "CRC32")]).await;
    for bad in ["0", "10001", "x"] {
        let ask = world.ask("PUT", &format!("/bkt/k?partNumber={bad}&uploadId={id}")).body("x");
        ask.send().await.expect_error(400, "InvalidArgument");
    }
    let target = format!("/bkt/k?partNumber=1&uploadId={id}");
    let other = world
        .ask("PUT", &target)
        .header("x-amz-checksum-sha1", "2jmj7l5rSw0yVb/vlWAYkK/YBwk=")
        .send()
        .await;
    let other = other.expect_error(400, "InvalidRequest");
    assert_eq!(
        other.element("Message").as_deref(),
        Some(
            "Checksum Type mismatch occurred, expected checksum Type: crc32, actual checksum Type: sha1"
        )
    );
    let wrong =
        world.ask("PUT", &target).header("x-amz-checksum-crc32", "AAAAAA==").body("x").send().await;
    wrong.expect_error(400, "BadDigest");
    world
        .ask("POST", "/bkt/k?uploads")
        .header("x-amz-checksum-type", "COMPOSITE")
        .send()
        .await
        .expect_error(400, "InvalidRequest");
}

#[tokio::test]
async fn an_upload_under_a_key_needs_it_on_parts_only() {
    let world = World::new().await;
    let started = world.ask("POST", "/bkt/k?uploads").key(KEY_A).send().await.expect_status(200);
    let id = started.element("UploadId").unwrap();
    let ask =
        world.ask("PUT", &format!("/bkt/k?partNumber=1&uploadId={id}")).key(KEY_A).body("sealed");
    let stored = ask.send().await.expect_status(200);
    assert_eq!(stored.header("x-amz-checksum-crc64nvme"), None, "as sent: none was");
    complete(&world, &id, &[(1, stored.header("etag").unwrap())]).await.expect_status(200);
    world.ask("GET", "/bkt/k").send().await.expect_error(400, "InvalidRequest");
    let read =
        world.ask("GET", "/bkt/k").key(KEY_A).header("x-amz-checksum-mode", "ENABLED").send().await;
    let read = read.expect_status(200);
    assert_eq!(read.text(), "sealed");
    assert!(read.header("x-amz-checksum-crc64nvme").is_some(), "derived where the key is");
}

/// docs/semantics.md: "Completing again".
#[tokio::test]
async fn completing_again_answers_as_the_first_time_while_the_object_stands() {
    let world = World::new().await;
    let id = start(&world, &[]).await;
    let one = part(&world, &id, 1, vec![1; FIVE_MIB]).await;
    let two = part(&world, &id, 2, vec![2; 10]).await;
    let parts = [(1, one.as_str()), (2, two.as_str())];
    let first = complete(&world, &id, &parts).await.expect_status(200);
    let again = complete(&world, &id, &parts).await.expect_status(200);
    assert_eq!(again.body, first.body);
    complete(&world, &id, &parts[..1]).await.expect_error(404, "NoSuchUpload");
    let other = world.ask("POST", &format!("/bkt/other?uploadId={id}"));
    let list = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{one}</ETag></Part>\
         <Part><PartNumber>2</PartNumber><ETag>{two}</ETag></Part></CompleteMultipartUpload>"
    );
    other.body(list).send().await.expect_error(404, "NoSuchUpload");
    world.ask("PUT", "/bkt/k").body("newer").send().await.expect_status(200);
    complete(&world, &id, &parts).await.expect_error(404, "NoSuchUpload");
    let read = world.ask("GET", "/bkt/k").send().await.expect_status(200);
    assert_eq!(&read.body[..], b"newer");
}

/// docs/semantics.md: "Completing again".
#[tokio::test]
async fn completing_again_under_a_customers_key_wants_that_key_or_none() {
    let world = World::new().await;
    let create = world.ask("POST", "/bkt/k?uploads").key(KEY_A).send().await.expect_status(200);
    let id = create.element("UploadId").unwrap();
    let target = format!("/bkt/k?partNumber=1&uploadId={id}");
    let put = world.ask("PUT", &target).key(KEY_A).body("part").send().await.expect_status(200);
    let etag = put.header("etag").unwrap();
    let list = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    );
    let ask = || world.ask("POST", &format!("/bkt/k?uploadId={id}")).body(list.clone());
    let first = ask().key(KEY_A).send().await.expect_status(200);
    let again = ask().key(KEY_A).send().await.expect_status(200);
    assert_eq!(again.body, first.body);
    assert!(again.element("ChecksumCRC64NVME").is_some());
    let keyless = ask().send().await.expect_status(200);
    assert_eq!(keyless.element("ETag"), first.element("ETag"));
    assert_eq!(keyless.element("ChecksumCRC64NVME"), None);
    ask().key(KEY_B).send().await.expect_error(400, "InvalidRequest");
}

/// docs/semantics.md: "Promises about the whole object".
#[tokio::test]
async fn a_composite_checksum_may_be_promised_with_its_number_of_parts() {
    let world = World::new().await;
    let id = start(&world, &[("x-amz-checksum-algorithm", "SHA256")]).await;
    let target = format!("/bkt/k?partNumber=1&uploadId={id}");
    let put = world.ask("PUT", &target).header("x-amz-sdk-checksum-algorithm", "SHA256");
    let sum = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
    let put = put.header("x-amz-checksum-sha256", sum).body("abc").send().await.expect_status(200);
    let etag = put.header("etag").unwrap();
    let list = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag>\
         <ChecksumSHA256>{sum}</ChecksumSHA256></Part></CompleteMultipartUpload>"
    );
    let ask = |name: &str, value: &str| {
        let ask = world.ask("POST", &format!("/bkt/k?uploadId={id}")).body(list.clone());
        ask.header(name, value)
    };
    // SHA-256 of SHA-256("abc").
    let composite = "T4tCwi3TcptRm6b2jS2nzFstYG0F2u1a1RKMwD5sY1g=";
    for (name, value, code) in [
        ("x-amz-checksum-sha256", format!("{composite}-2"), "BadDigest"),
        ("x-amz-checksum-sha256", format!("{sum}-1"), "BadDigest"),
        ("x-amz-checksum-sha256", format!("{composite}-x"), "InvalidRequest"),
        ("x-amz-checksum-crc32", "AAAAAA==-1".to_owned(), "BadDigest"),
    ] {
        ask(name, &value).send().await.expect_error(400, code);
    }
    let whole = format!("{composite}-1");
    let done = ask("x-amz-checksum-sha256", &whole).send().await.expect_status(200);
    assert_eq!(done.element("ChecksumSHA256"), Some(whole));
}

/// docs/semantics.md: "Promises about the whole object".
#[tokio::test]
async fn promises_about_the_whole_object_are_checked_before_the_commit() {
    let world = World::new().await;
    let chosen = [("x-amz-checksum-algorithm", "CRC32"), ("x-amz-checksum-type", "FULL_OBJECT")];
    let id = start(&world, &chosen).await;
    let one = part(&world, &id, 1, vec![b'a'; FIVE_MIB]).await;
    let two = part(&world, &id, 2, b"hello".to_vec()).await;
    let target = format!("/bkt/k?uploadId={id}");
    let body = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{one}</ETag></Part>\
         <Part><PartNumber>2</PartNumber><ETag>{two}</ETag></Part></CompleteMultipartUpload>"
    );
    let size = (FIVE_MIB + 5).to_string();
    let differs = "The crc32 you specified did not match the calculated checksum.";
    let other_size = format!(
        "The provided 'x-amz-mp-object-size' header value 5 does not match what was computed: {size}"
    );
    for (header, value, code, message) in [
        ("x-amz-mp-object-size", "5", "InvalidRequest", other_size.as_str()),
        ("x-amz-mp-object-size", "x", "InvalidArgument", "The value of the header is not a size."),
        ("x-amz-checksum-crc32", "AAAAAA==", "BadDigest", differs),
        (
            "x-amz-checksum-crc32",
            "AA",
            "InvalidRequest",
            "Value for x-amz-checksum-crc32 header is invalid.",
        ),
        ("x-amz-checksum-crc32", "AAAAAA==-2", "BadDigest", differs),
        ("x-amz-checksum-crc32c", "AAAAAA==", "BadDigest", differs),
        ("x-amz-checksum-sha1", "2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "BadDigest", differs),
    ] {
        let ask = world.ask("POST", &target).header(header, value).body(body.clone());
        let refused = ask.send().await.expect_error(400, code);
        assert_eq!(refused.element("Message").as_deref(), Some(message), "{header}: {value}");
    }
    let mut whole = vec![b'a'; FIVE_MIB];
    whole.extend_from_slice(b"hello");
    let put = world.ask("PUT", "/bkt/whole").header("x-amz-sdk-checksum-algorithm", "CRC32");
    let crc32 = crate::deletes::crc32(&String::from_utf8(whole.clone()).unwrap());
    put.header("x-amz-checksum-crc32", &crc32).body(whole).send().await.expect_status(200);
    let ask = world.ask("POST", &target).header("x-amz-checksum-crc32", &crc32);
    let done = ask.header("x-amz-mp-object-size", &size).body(body).send().await.expect_status(200);
    assert_eq!(done.element("ChecksumCRC32"), Some(crc32));
}
