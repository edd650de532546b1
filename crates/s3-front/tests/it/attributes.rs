//! GetObjectAttributes, and operations on objects that are refused as S3 refuses them.

use crate::{
    client::{ALGORITHM, KEY_A, KEY_B, KEY_MD5, KEY_SHORT},
    world::World,
};

const ATTRIBUTES: &str = "x-amz-object-attributes";
const ALL: &str = "ETag,Checksum,ObjectParts,StorageClass,ObjectSize";

#[tokio::test]
async fn attributes_of_an_object_under_a_key() {
    let world = World::new().await;
    let put = world.ask("PUT", "/bkt/k").key(KEY_A).body("hello").send().await.expect_status(200);
    let ask = world.ask("GET", "/bkt/k?attributes").key(KEY_A).header(ATTRIBUTES, ALL);
    let reply = ask.send().await.expect_status(200);
    assert_eq!(reply.header("content-type"), Some("application/xml"));
    assert_eq!(reply.header("last-modified"), Some("Fri, 02 Jan 2026 03:04:05 GMT"));
    for silent in [ALGORITHM, KEY_MD5, "x-amz-server-side-encryption", "etag"] {
        assert_eq!(reply.header(silent), None, "{silent}");
    }
    let etag = put.header("etag").unwrap().trim_matches('"');
    let sum = put.header("x-amz-checksum-crc64nvme").unwrap();
    assert!(reply.text().ends_with(&format!(
        "<GetObjectAttributesResponse xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><ETag>{etag}</ETag><Checksum><ChecksumCRC64NVME>{sum}</ChecksumCRC64NVME><ChecksumType>FULL_OBJECT</ChecksumType></Checksum><StorageClass>STANDARD</StorageClass><ObjectSize>5</ObjectSize></GetObjectAttributesResponse>"
    )), "{}", reply.text());
    let ask = world.ask("GET", "/bkt/k?attributes").key(KEY_A).header(ATTRIBUTES, "ObjectSize");
    let reply = ask.send().await.expect_status(200);
    assert_eq!(reply.element("ETag"), None);
    assert_eq!(reply.element("ObjectSize").as_deref(), Some("5"));
}

#[tokio::test]
async fn keys_are_refused_as_by_get() {
    let world = World::new().await;
    world.ask("PUT", "/bkt/k").key(KEY_A).body("hello").send().await.expect_status(200);
    world.put("/bkt/plain", "hello").await;
    let ask = |target: &str| world.ask("GET", target).header(ATTRIBUTES, "ObjectSize");
    let wrong = "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.";
    for (request, status, code, message) in [
        (
            ask("/bkt/k?attributes"),
            400,
            "InvalidRequest",
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.",
        ),
        (ask("/bkt/k?attributes").key(KEY_B), 403, "AccessDenied", wrong),
        (ask("/bkt/k?attributes").key(KEY_SHORT), 403, "AccessDenied", wrong),
        (
            ask("/bkt/plain?attributes").key(KEY_A),
            400,
            "InvalidRequest",
            "The encryption parameters are not applicable to this object.",
        ),
        (
            ask("/bkt/k?attributes").header(ALGORITHM, "AES128").header(KEY_MD5, KEY_A.1),
            400,
            "InvalidArgument",
            "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.",
        ),
        (
            world.ask("GET", "/bkt/k?attributes").key(KEY_A),
            400,
            "InvalidRequest",
            "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
        ),
        (
            world.ask("GET", "/bkt/k?attributes").key(KEY_A).header(ATTRIBUTES, "Size"),
            400,
            "InvalidArgument",
            "Invalid attribute name specified.",
        ),
        (
            ask("/bkt/none?attributes").key(KEY_A),
            404,
            "NoSuchKey",
            "The specified key does not exist.",
        ),
    ] {
        let reply = request.send().await.expect_error(status, code);
        assert_eq!(reply.element("Message").as_deref(), Some(message));
    }
    let bad = ask("/bkt/k?attributes").header(ALGORITHM, "KMS");
    let bad = bad.header("x-amz-server-side-encryption-customer-key", KEY_A.0);
    let bad = bad.header(KEY_MD5, KEY_A.1).send().await;
    let bad = bad.expect_error(400, "InvalidEncryptionAlgorithmError");
    assert_eq!(bad.element("ArgumentValue").as_deref(), Some("KMS"));
}

#[tokio::test]
async fn parts_are_shown_in_pages() {
    let world = World::new().await;
    let create = world.ask("POST", "/bkt/k?uploads").key(KEY_A);
    let create = create.header("x-amz-checksum-algorithm", "CRC32").send().await;
    let upload = create.expect_status(200).element("UploadId").unwrap();
    let mut parts = String::new();
    for (number, size) in [(1, 5 << 20), (2, 5 << 20), (3, 7)] {
        let target = format!("/bkt/k?partNumber={number}&uploadId={upload}");
        let put = world.ask("PUT", &target).key(KEY_A).body(vec![number; size]).send().await;
        let put = put.expect_status(200);
        let (etag, sum) =
            (put.header("etag").unwrap(), put.header("x-amz-checksum-crc32").unwrap());
        parts += &format!(
            "<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag><ChecksumCRC32>{sum}</ChecksumCRC32></Part>"
        );
    }
    let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
    let complete = world.ask("POST", &format!("/bkt/k?uploadId={upload}")).key(KEY_A).body(body);
    complete.send().await.expect_status(200);
    let ask = || world.ask("GET", "/bkt/k?attributes").key(KEY_A).header(ATTRIBUTES, ALL);
    let whole = ask().send().await.expect_status(200);
    assert_eq!(whole.element("PartsCount").as_deref(), Some("3"));
    assert_eq!(whole.elements("PartNumber"), ["1", "2", "3"]);
    assert_eq!(whole.elements("Size"), ["5242880", "5242880", "7"]);
    assert_eq!(whole.element("ChecksumType").as_deref(), Some("COMPOSITE"));
    assert_eq!(whole.element("IsTruncated").as_deref(), Some("false"));
    let page = ask().header("x-amz-max-parts", "1").header("x-amz-part-number-marker", "1");
    let page = page.send().await.expect_status(200);
    assert_eq!(page.elements("PartNumber"), ["2"]);
    for (name, value) in [
        ("PartNumberMarker", "1"),
        ("NextPartNumberMarker", "2"),
        ("MaxParts", "1"),
        ("IsTruncated", "true"),
    ] {
        assert_eq!(page.element(name).as_deref(), Some(value), "{name}");
    }
    let behind = ask().header("x-amz-part-number-marker", "10").send().await.expect_status(200);
    assert!(behind.elements("PartNumber").is_empty());
    assert_eq!(behind.element("NextPartNumberMarker").as_deref(), Some("0"));
    assert_eq!(behind.element("IsTruncated").as_deref(), Some("false"));
}

#[tokio::test]
async fn parts_of_an_object_with_a_checksum_of_its_own_are_shown_too() {
    let world = World::new().await;
    let create = world.ask("POST", "/bkt/k?uploads").key(KEY_A);
    let create = create.header("x-amz-checksum-algorithm", "CRC32");
    let create = create.header("x-amz-checksum-type", "FULL_OBJECT").send().await;
    let upload = create.expect_status(200).element("UploadId").unwrap();
    let target = format!("/bkt/k?partNumber=1&uploadId={upload}");
    let part = world.ask("PUT", &target).key(KEY_A).body("part").send().await.expect_status(200);
    let etag = part.header("etag").unwrap();
    let body = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    );
    let complete = world.ask("POST", &format!("/bkt/k?uploadId={upload}")).key(KEY_A).body(body);
    complete.send().await.expect_status(200);
    let ask = world.ask("GET", "/bkt/k?attributes").key(KEY_A).header(ATTRIBUTES, ALL);
    let reply = ask.send().await.expect_status(200);
    assert_eq!(reply.element("ChecksumType").as_deref(), Some("FULL_OBJECT"));
    assert_eq!(reply.elements("PartNumber"), ["1"]);
    assert_eq!(reply.elements("Size"), ["4"]);
    assert_eq!(reply.element("PartsCount").as_deref(), Some("1"));
    assert_eq!(reply.element("IsTruncated").as_deref(), Some("false"));
    assert_eq!(reply.element("MaxParts").as_deref(), Some("1000"));
}

#[tokio::test]
async fn what_no_object_can_answer_is_refused_without_a_key() {
    let world = World::new().await;
    world.ask("PUT", "/bkt/k").key(KEY_A).body("hello").send().await.expect_status(200);
    let restore = "<RestoreRequest><Days>1</Days></RestoreRequest>";
    let reply = world.ask("POST", "/bkt/k?restore").body(restore).send().await;
    let reply = reply.expect_error(403, "InvalidObjectState");
    assert_eq!(
        reply.element("Message").as_deref(),
        Some("Restore is not allowed for the object's current storage class")
    );
    assert_eq!(reply.element("StorageClass").as_deref(), Some("STANDARD"));
    assert!(!reply.polled);
    world.ask("POST", "/bkt/none?restore").send().await.expect_error(404, "NoSuchKey");
    let reply = world.ask("POST", "/bkt/k?select&select-type=2").body("<x/>").send().await;
    let reply = reply.expect_error(501, "NotImplemented");
    assert_eq!(
        reply.element("Message").as_deref(),
        Some("SelectObjectContent is not implemented.")
    );
    let reply = world.ask("GET", "/bkt/k?torrent").send().await;
    reply.expect_error(405, "MethodNotAllowed");
}
