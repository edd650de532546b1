//! Checksums of uploads, of their parts and of what they become.

use crate::{
    client::{Ask, KEY_A, Reply},
    deletes::crc32,
    world::World,
};

const FIVE_MIB: usize = 5 * 1024 * 1024;
const SHA1_OF_HELLO: &str = "qvTGHdzF6KLavt4PO0gs2a6pQ00=";

/// An upload, under a customer's key or not.
struct Upload<'w> {
    world: &'w World,
    key: Option<(&'static str, &'static str)>,
    id: String,
}

impl<'w> Upload<'w> {
    async fn start(
        world: &'w World,
        key: Option<(&'static str, &'static str)>,
        chosen: &[(&str, &str)],
    ) -> Self {
        let ask = keyed(world.ask("POST", "/bkt/k?uploads"), key).headers(chosen);
        let id = ask.send().await.expect_status(200).element("UploadId").unwrap();
        Self { world, key, id }
    }

    async fn part(&self, number: u32, body: impl AsRef<[u8]>, headers: &[(&str, &str)]) -> Reply {
        let target = format!("/bkt/k?partNumber={number}&uploadId={}", self.id);
        let ask = keyed(self.world.ask("PUT", &target), self.key).headers(headers);
        ask.body(body.as_ref().to_vec()).send().await.expect_status(200)
    }

    /// Asks for the completion of these parts, each with what more its line says.
    fn complete(&self, parts: &[(u32, &Reply, &str)]) -> Ask<'w> {
        let target = format!("/bkt/k?uploadId={}", self.id);
        keyed(self.world.ask("POST", &target), self.key).body(list(parts))
    }
}

fn keyed<'w>(ask: Ask<'w>, key: Option<(&str, &str)>) -> Ask<'w> {
    match key {
        Some(key) => ask.key(key),
        None => ask,
    }
}

fn list(parts: &[(u32, &Reply, &str)]) -> String {
    let lines: String = parts
        .iter()
        .map(|(number, reply, more)| {
            let etag = reply.header("etag").unwrap();
            format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag>{more}</Part>")
        })
        .collect();
    format!("<CompleteMultipartUpload>{lines}</CompleteMultipartUpload>")
}

/// docs/semantics.md: "An object's checksum".
#[tokio::test]
async fn without_a_chosen_algorithm_it_is_a_crc64nvme_whatever_the_parts_are_checked_with() {
    let world = World::new().await;
    for key in [None, Some(KEY_A)] {
        let (one, two) = ("a".repeat(FIVE_MIB), "hello");
        let put = keyed(world.ask("PUT", "/bkt/whole"), key).body(format!("{one}{two}"));
        let put = put.send().await.expect_status(200);
        let expected = put.header("x-amz-checksum-crc64nvme").unwrap();

        let upload = Upload::start(&world, key, &[]).await;
        let crc32 = crc32(&one);
        let first = upload.part(1, &one, &[("x-amz-checksum-crc32", &crc32)]).await;
        assert_eq!(first.header("x-amz-checksum-crc32"), Some(crc32.as_str()), "as sent");
        assert_eq!(first.header("x-amz-checksum-crc64nvme"), None);
        let second = upload.part(2, two, &[("x-amz-checksum-sha1", SHA1_OF_HELLO)]).await;
        let done = upload.complete(&[(1, &first, ""), (2, &second, "")]).send().await;
        let done = done.expect_status(200);
        assert_eq!(done.element("ChecksumCRC64NVME").as_deref(), Some(expected));
        assert_eq!(done.element("ChecksumType").as_deref(), Some("FULL_OBJECT"));
        for method in ["GET", "HEAD"] {
            let ask = keyed(world.ask(method, "/bkt/k"), key);
            let read = ask.header("x-amz-checksum-mode", "ENABLED").send().await;
            let read = read.expect_status(200);
            assert_eq!(read.header("x-amz-checksum-crc64nvme"), Some(expected), "{method}");
            assert_eq!(read.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
        }
        let ask = keyed(world.ask("GET", "/bkt/k?attributes"), key);
        let shown = ask.header("x-amz-object-attributes", "Checksum").send().await;
        assert_eq!(shown.element("ChecksumCRC64NVME").as_deref(), Some(expected));
    }
}

const INVALID_CHECKSUM_KIND: &str =
    "checksum mode. The complete request must use the same checksum mode.";
const E16: &str = "The object was stored using a form of Server Side Encryption. Correct SSE-C request parameters are required for this request when specifying checksums for each part.";

fn message(reply: &Reply) -> String {
    reply.element("Message").unwrap()
}

/// docs/semantics.md: "Part checksums on Complete".
#[tokio::test]
async fn a_composite_checksum_wants_that_of_each_part() {
    let world = World::new().await;
    for key in [None, Some(KEY_A)] {
        let upload = Upload::start(&world, key, &[("x-amz-checksum-algorithm", "SHA1")]).await;
        let one = upload.part(1, "a".repeat(FIVE_MIB), &[]).await;
        let two = upload.part(2, "hello", &[]).await;
        let line = |reply: &Reply| {
            let sum = reply.header("x-amz-checksum-sha1").unwrap();
            format!("<ChecksumSHA1>{sum}</ChecksumSHA1>")
        };
        let (sum_one, sum_two) = (line(&one), line(&two));
        for (first, second, missing) in [("", "", 1), (sum_one.as_str(), "", 2)] {
            let reply = upload.complete(&[(1, &one, first), (2, &two, second)]).send().await;
            let reply = reply.expect_error(400, "InvalidRequest");
            assert_eq!(
                message(&reply),
                format!(
                    "The upload was created using a sha1 checksum. The complete request must include the checksum for each part. It was missing for part {missing} in the request."
                )
            );
        }
        let crc32 = format!("<ChecksumCRC32>{}</ChecksumCRC32>", crc32("hello"));
        let other = upload.complete(&[(1, &one, &sum_one), (2, &two, &crc32)]).send().await;
        let other = other.expect_error(400, "BadDigest");
        assert_eq!(
            message(&other),
            "The crc32 you specified for part 2 did not match what we received."
        );
        let swapped = upload.complete(&[(1, &one, &sum_two), (2, &two, &sum_two)]).send().await;
        swapped.expect_error(400, "InvalidPart");
        if key.is_some() {
            // Without the key nothing can be compared, and without the sums nothing composed.
            let target = format!("/bkt/k?uploadId={}", upload.id);
            let keyless = |list: String| world.ask("POST", &target).body(list);
            let all = list(&[(1, &one, &sum_one), (2, &two, &sum_two)]);
            let reply = keyless(all).send().await.expect_error(400, "InvalidRequest");
            assert_eq!(message(&reply), E16);
            let none = list(&[(1, &one, ""), (2, &two, "")]);
            let reply = keyless(none).send().await.expect_error(400, "InvalidRequest");
            assert!(message(&reply).ends_with("It was missing for part 1 in the request."));
        }
        let done = upload.complete(&[(1, &one, &sum_one), (2, &two, &sum_two)]).send().await;
        let done = done.expect_status(200);
        assert_eq!(done.element("ChecksumType").as_deref(), Some("COMPOSITE"));
        let whole = done.element("ChecksumSHA1").unwrap();
        assert!(whole.ends_with("-2"), "{whole}");

        // Headers count the parts, attributes do not.
        let ask = keyed(world.ask("HEAD", "/bkt/k"), key);
        let head = ask.header("x-amz-checksum-mode", "ENABLED").send().await.expect_status(200);
        assert_eq!(head.header("x-amz-checksum-sha1"), Some(whole.as_str()));
        let ask = keyed(world.ask("GET", "/bkt/k?attributes"), key);
        let shown = ask.header("x-amz-object-attributes", "Checksum").send().await;
        assert_eq!(shown.element("ChecksumSHA1").as_deref(), whole.strip_suffix("-2"));
        assert_eq!(shown.element("ChecksumType").as_deref(), Some("COMPOSITE"));
    }
}

/// docs/semantics.md: "Promises about the whole object".
#[tokio::test]
async fn the_type_of_the_checksum_is_the_uploads() {
    let world = World::new().await;
    for (chosen, kind, wrong) in [
        (&[][..], "null", &["FULL_OBJECT", "COMPOSITE"][..]),
        (&[("x-amz-checksum-algorithm", "CRC32")], "COMPOSITE", &["FULL_OBJECT"]),
        (&[("x-amz-checksum-algorithm", "CRC64NVME")], "FULL_OBJECT", &["COMPOSITE"]),
    ] {
        for key in [None, Some(KEY_A)] {
            let upload = Upload::start(&world, key, chosen).await;
            let part = upload.part(1, "hello", &[]).await;
            let sum = format!("<ChecksumCRC32>{}</ChecksumCRC32>", crc32("hello"));
            let sum = if kind == "COMPOSITE" { sum.as_str() } else { "" };
            let complete = |promised: &str| {
                upload.complete(&[(1, &part, sum)]).header("x-amz-checksum-type", promised)
            };
            for promised in wrong {
                let reply = complete(promised).send().await.expect_error(400, "InvalidRequest");
                let expected =
                    format!("The upload was created using the {kind} {INVALID_CHECKSUM_KIND}");
                assert_eq!(message(&reply), expected);
            }
            complete("both").send().await.expect_error(400, "InvalidRequest");
            if kind == "null" {
                upload.complete(&[(1, &part, "")]).send().await.expect_status(200);
            } else {
                complete(kind).send().await.expect_status(200);
            }
        }
    }
}

/// docs/semantics.md: "A part's checksum".
#[tokio::test]
async fn without_a_chosen_algorithm_parts_show_and_repeat_no_checksum() {
    let world = World::new().await;
    for key in [None, Some(KEY_A)] {
        let upload = Upload::start(&world, key, &[]).await;
        let sum = crc32("hello");
        let part = upload.part(1, "hello", &[("x-amz-checksum-crc32", &sum)]).await;
        let target = format!("/bkt/k?uploadId={}", upload.id);
        let listed = keyed(world.ask("GET", &target), key).send().await.expect_status(200);
        assert_eq!(listed.elements("PartNumber"), ["1"]);
        assert!(!listed.text().contains("Checksum"), "{}", listed.text());
        let line = format!("<ChecksumCRC32>{sum}</ChecksumCRC32>");
        let refused = upload.complete(&[(1, &part, &line)]).send().await;
        let refused = refused.expect_error(400, "InvalidPart");
        assert_eq!(refused.element("PartNumber").as_deref(), Some("1"));
        if key.is_some() {
            let keyless = world.ask("POST", &target).body(list(&[(1, &part, &line)])).send().await;
            assert_eq!(message(&keyless.expect_error(400, "InvalidRequest")), E16);
        }
        // A promise that such an upload cannot keep says nothing; the CRC64NVME counts.
        let promised = |name, value| upload.complete(&[(1, &part, "")]).header(name, value);
        let wrong = promised("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=").send().await;
        assert_eq!(
            message(&wrong.expect_error(400, "BadDigest")),
            "The crc64nvme you specified did not match the calculated checksum."
        );
        promised("x-amz-checksum-crc32", "AAAAAA==-2").send().await.expect_status(200);
    }
}

/// docs/semantics.md: "Where the object is".
#[tokio::test]
async fn a_completion_tells_the_objects_url() {
    let world = World::new().await;
    for (target, secure, location) in [
        ("/bkt/a%2Fb%20%E2%80%94c", true, "https://localhost:9443/bkt/a%2Fb%20%E2%80%94c"),
        ("/bkt/bkt/k", false, "http://localhost:9443/bkt/bkt%2Fk"),
    ] {
        let ask = |method: &str, query: &str| {
            let ask = world.ask(method, &format!("{target}?{query}"));
            if secure { ask } else { ask.insecure() }
        };
        let started = ask("POST", "uploads").send().await.expect_status(200);
        let id = started.element("UploadId").unwrap();
        let part = ask("PUT", &format!("partNumber=1&uploadId={id}")).body("x").send().await;
        let body = list(&[(1, &part.expect_status(200), "")]);
        let done = ask("POST", &format!("uploadId={id}")).body(body).send().await;
        assert_eq!(done.expect_status(200).element("Location").as_deref(), Some(location));
    }
}

/// docs/semantics.md: "Order of refusals of a Complete".
#[tokio::test]
async fn an_upload_that_is_not_there_comes_before_an_empty_list() {
    let world = World::new().await;
    let none = world.ask("POST", "/bkt/k?uploadId=x").send().await;
    none.expect_error(404, "NoSuchUpload");
    let upload = Upload::start(&world, None, &[]).await;
    let empty = world.ask("POST", &format!("/bkt/k?uploadId={}", upload.id)).send().await;
    let empty = empty.expect_error(400, "InvalidRequest");
    assert_eq!(message(&empty), "You must specify at least one part");
}

/// docs/semantics.md: "A page of uploads".
#[tokio::test]
async fn the_last_page_of_uploads_has_markers_too() {
    let world = World::new().await;
    let empty = world.ask("GET", "/bkt?uploads").send().await.expect_status(200);
    for (name, text) in
        [("NextKeyMarker", Some("")), ("NextUploadIdMarker", Some("")), ("Prefix", None)]
    {
        assert_eq!(empty.element(name).as_deref(), text, "{name}");
    }
    let upload = Upload::start(&world, None, &[]).await;
    let listed = world.ask("GET", "/bkt?uploads&prefix=k").send().await.expect_status(200);
    assert_eq!(listed.element("IsTruncated").as_deref(), Some("false"));
    assert_eq!(listed.element("NextKeyMarker").as_deref(), Some("k"));
    assert_eq!(listed.element("NextUploadIdMarker").as_deref(), Some(upload.id.as_str()));
    assert_eq!(listed.element("Prefix").as_deref(), Some("k"));
}

/// docs/semantics.md: "What a copy's checksum is".
#[tokio::test]
async fn a_copy_that_is_sealed_anew_has_a_checksum_of_the_whole() {
    let world = World::new().await;
    let upload = Upload::start(&world, Some(KEY_A), &[("x-amz-checksum-algorithm", "SHA1")]).await;
    let part = upload.part(1, "hello", &[]).await;
    let line = format!("<ChecksumSHA1>{SHA1_OF_HELLO}</ChecksumSHA1>");
    let done = upload.complete(&[(1, &part, &line)]).send().await.expect_status(200);
    let composite = done.element("ChecksumSHA1").unwrap();
    let copy = |target: &str| {
        let ask = world.ask("PUT", target).header("x-amz-copy-source", "/bkt/k");
        ask.source_key(KEY_A)
    };
    let anew = copy("/bkt/anew").key(KEY_A).header("x-strongroom-copy-mode", "reencrypt");
    for (ask, sum, kind) in [
        (copy("/bkt/plain"), SHA1_OF_HELLO, "FULL_OBJECT"),
        (anew, SHA1_OF_HELLO, "FULL_OBJECT"),
        (copy("/bkt/shared").key(KEY_A), composite.as_str(), "COMPOSITE"),
    ] {
        let copied = ask.send().await.expect_status(200);
        assert_eq!(copied.element("ChecksumSHA1").as_deref(), Some(sum));
        assert_eq!(copied.element("ChecksumType").as_deref(), Some(kind));
    }
    for (target, parts) in [("/bkt/anew?attributes", 0), ("/bkt/shared?attributes", 1)] {
        let ask = world.ask("GET", target).key(KEY_A);
        let shown = ask.header("x-amz-object-attributes", "ObjectParts").send().await;
        assert_eq!(shown.expect_status(200).elements("PartNumber").len(), parts, "{target}");
    }
}
