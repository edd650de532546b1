//! Writing objects: what is kept, and what is refused before anything is stored.

use crate::{
    client::{KEY_A, SSE},
    world::World,
};

#[tokio::test]
async fn what_was_sent_comes_back() {
    let world = World::new().await;
    let headers = [
        ("content-type", "text/plain"),
        ("content-encoding", "gzip"),
        ("content-disposition", "inline"),
        ("content-language", "de"),
        ("cache-control", "no-cache"),
        ("expires", "Fri, 01 Jan 2100 00:00:00 GMT"),
        ("x-amz-meta-colour", "blue"),
        ("x-amz-website-redirect-location", "/there"),
        ("x-amz-storage-class", "STANDARD_IA"),
    ];
    for key in [None, Some(KEY_A)] {
        let keyed = |method: &str| {
            let ask = world.ask(method, "/bkt/k");
            if let Some(key) = key { ask.key(key) } else { ask }
        };
        let put = keyed("PUT")
            .headers(&headers)
            .header("x-amz-tagging", "a=1&b=2")
            .header("x-amz-acl", "private");
        put.body("hello").send().await.expect_status(200);
        for method in ["GET", "HEAD"] {
            let reply = keyed(method).send().await.expect_status(200);
            for (name, value) in headers {
                assert_eq!(reply.header(name), Some(value), "{method} {name}");
            }
            assert_eq!(reply.header("x-amz-tagging-count"), Some("2"));
            assert_eq!(reply.header("last-modified"), Some("Fri, 02 Jan 2026 03:04:05 GMT"));
            assert_eq!(reply.header("accept-ranges"), Some("bytes"));
            assert_eq!(reply.header("content-length"), Some("5"));
            assert_eq!(reply.header(SSE), key.is_none().then_some("AES256"));
            assert_eq!(reply.header("x-amz-version-id"), None);
        }
    }
}

#[tokio::test]
async fn an_object_without_a_type_has_the_default() {
    let world = World::new().await;
    world.put("/bkt/k", "x").await;
    let reply = world.ask("GET", "/bkt/k").send().await;
    assert_eq!(reply.header("content-type"), Some("binary/octet-stream"));
    assert_eq!(reply.header("x-amz-storage-class"), None, "STANDARD is not said");
}

#[tokio::test]
async fn bodies_of_every_size_around_a_chunk() {
    let world = World::new().await;
    for size in [0, 1, 16_383, 16_384, 16_385, 100_000, 600_000] {
        let body: Vec<u8> = (0..size).map(|at: u32| at.to_le_bytes()[at as usize % 3]).collect();
        world.ask("PUT", "/bkt/k").key(KEY_A).body(body.clone()).send().await.expect_status(200);
        let read = world.ask("GET", "/bkt/k").key(KEY_A).send().await.expect_status(200);
        assert!(read.body == body, "{size}");
        assert_eq!(read.header("content-length"), Some(size.to_string().as_str()));
    }
}

#[tokio::test]
async fn what_is_refused_stores_nothing() {
    let world = World::new().await;
    world.put("/bkt/k", "kept").await;
    let long = "v".repeat(2_048);
    for (headers, status, code) in [
        (vec![("x-amz-storage-class", "COLD")], 400, "InvalidStorageClass"),
        (vec![("x-amz-meta-a", long.as_str())], 400, "MetadataTooLarge"),
        (vec![("x-amz-acl", "secret")], 400, "InvalidArgument"),
        (vec![("x-amz-grant-read", "id=1")], 400, "AccessControlListNotSupported"),
        (vec![("x-amz-object-lock-mode", "GOVERNANCE")], 400, "InvalidArgument"),
        (vec![("x-amz-object-lock-legal-hold", "ON")], 400, "InvalidRequest"),
        (vec![("x-amz-tagging", "a=1&a=2")], 400, "InvalidArgument"),
        (vec![("x-amz-tagging", "aws:a=1")], 400, "InvalidTag"),
        (vec![("x-amz-website-redirect-location", "x")], 400, "InvalidArgument"),
        (vec![("content-md5", "x")], 400, "InvalidDigest"),
        (vec![("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")], 400, "BadDigest"),
        (vec![("x-amz-checksum-crc32", "AAAAAA==")], 400, "BadDigest"),
        (vec![("x-amz-checksum-crc32", "AA")], 400, "InvalidRequest"),
        (vec![("if-match", "\"other\"")], 412, "PreconditionFailed"),
        (vec![("if-none-match", "*")], 412, "PreconditionFailed"),
        (vec![("if-match", "*"), ("if-none-match", "*")], 501, "NotImplemented"),
    ] {
        world
            .ask("PUT", "/bkt/k")
            .headers(&headers)
            .body("lost")
            .send()
            .await
            .expect_error(status, code);
        let kept = world.ask("GET", "/bkt/k").send().await.expect_status(200);
        assert_eq!(kept.text(), "kept", "{headers:?}");
    }
    world.ask("PUT", "/none/k").body("x").send().await.expect_error(404, "NoSuchBucket");
}

/// docs/s3-compatibility.md names them.
#[tokio::test]
async fn younger_checksum_algorithms_are_refused_and_never_ignored() {
    let world = World::new().await;
    for name in ["SHA512", "MD5", "XXHASH64", "XXHASH3", "XXHASH128"] {
        let header = format!("x-amz-checksum-{}", name.to_lowercase());
        let put = || world.ask("PUT", "/bkt/k").body("0\r\n\r\n");
        let trailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
        for ask in [
            put().header(&header, "AAAAAAAAAAA="),
            put()
                .header("x-amz-content-sha256", trailer)
                .header("x-amz-decoded-content-length", "0")
                .header("x-amz-trailer", &header),
            world.ask("POST", "/bkt/k?uploads").header("x-amz-checksum-algorithm", name),
        ] {
            ask.send().await.expect_error(400, "InvalidRequest");
        }
    }
    let listed = world.ask("GET", "/bkt").send().await.expect_status(200);
    assert!(listed.elements("Key").is_empty());
}

#[tokio::test]
async fn an_object_over_5_gib_is_refused_unread() {
    let world = World::new().await;
    let ask = world.ask("PUT", "/bkt/k").header("x-amz-decoded-content-length", "5368709121");
    let reply = ask.header("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
    let reply = reply.header("x-amz-trailer", "x-amz-checksum-crc32").body("0\r\n").send().await;
    let reply = reply.expect_status(400);
    assert!(!reply.polled);
}

#[tokio::test]
async fn writes_have_conditions() {
    let world = World::new().await;
    let put =
        |headers: &[(&str, &str)]| world.ask("PUT", "/bkt/k").headers(headers).body("x").send();
    let missing = put(&[("if-match", "\"e\"")]).await.expect_error(404, "NoSuchKey");
    assert_eq!(missing.element("Key").as_deref(), Some("k"));
    let made = put(&[("if-none-match", "*")]).await.expect_status(200);
    let any = put(&[("if-match", "*")]).await.expect_error(501, "NotImplemented");
    assert_eq!(any.element("Header").as_deref(), Some("If-Match"));
    assert_eq!(
        any.element("additionalMessage").as_deref(),
        Some("We don't accept the provided value of If-Match header for this API")
    );
    let failed = put(&[("if-none-match", "*")]).await.expect_error(412, "PreconditionFailed");
    assert_eq!(failed.element("Condition").as_deref(), Some("If-None-Match"));
    let failed = put(&[("if-match", "\"e\"")]).await.expect_error(412, "PreconditionFailed");
    assert_eq!(failed.element("Condition").as_deref(), Some("If-Match"));
    let etag = made.header("etag").unwrap();
    put(&[("if-match", etag)]).await.expect_status(200);
    for (known, status) in [
        (etag.to_owned(), 412),
        (format!("\"other\", W/{etag}"), 412),
        (etag.trim_matches('"').to_owned(), 412),
        ("\"other\"".to_owned(), 200),
        ("other, another".to_owned(), 200),
    ] {
        let reply = put(&[("if-none-match", &known)]).await.expect_status(status);
        let condition = (status == 412).then_some("If-None-Match");
        assert_eq!(reply.element("Condition").as_deref(), condition, "{known}");
    }
    world.ask("DELETE", "/bkt/k").send().await.expect_status(204);
    put(&[("if-none-match", etag)]).await.expect_status(200);
}
