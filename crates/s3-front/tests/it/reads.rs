//! Reading objects: ranges, conditions, overrides, checksums, parts.

use object_engine::model::Versioning;

use crate::{
    client::{KEY_A, KEY_B},
    world::World,
};

const BODY: &str = "0123456789";

async fn world() -> World {
    let world = World::new().await;
    world.put("/bkt/k", BODY).await;
    world
}

#[tokio::test]
async fn ranges() {
    let world = world().await;
    for (range, body, content_range) in [
        ("bytes=0-0", "0", "bytes 0-0/10"),
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=8-", "89", "bytes 8-9/10"),
        ("bytes=8-99", "89", "bytes 8-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=-99", BODY, "bytes 0-9/10"),
    ] {
        let reply =
            world.ask("GET", "/bkt/k").header("range", range).send().await.expect_status(206);
        assert_eq!(reply.text(), body, "{range}");
        assert_eq!(reply.header("content-range"), Some(content_range));
        assert_eq!(reply.header("content-length"), Some(body.len().to_string().as_str()));
        let head =
            world.ask("HEAD", "/bkt/k").header("range", range).send().await.expect_status(206);
        assert_eq!(head.header("content-range"), Some(content_range));
    }
    for ignored in ["bytes=0-1,3-4", "bytes=4-2", "lines=0-1", "bytes=x"] {
        let reply =
            world.ask("GET", "/bkt/k").header("range", ignored).send().await.expect_status(200);
        assert_eq!(reply.text(), BODY, "{ignored}");
    }
    for beyond in ["bytes=10-", "bytes=10-20", "bytes=-0"] {
        let reply = world.ask("GET", "/bkt/k").header("range", beyond).send().await;
        let reply = reply.expect_error(416, "InvalidRange");
        assert_eq!(reply.element("RangeRequested").as_deref(), Some(beyond));
        assert_eq!(reply.element("ActualObjectSize").as_deref(), Some("10"));
        assert_eq!(reply.header("content-range"), Some("bytes */10"));
    }
}

#[tokio::test]
async fn ranges_across_chunks_of_a_sealed_object() {
    let world = World::new().await;
    let body: Vec<u8> = (0..100_000_u32).map(|at| at.to_le_bytes()[at as usize % 3]).collect();
    world.ask("PUT", "/bkt/k").key(KEY_A).body(body.clone()).send().await.expect_status(200);
    for (first, last) in
        [(0, 0), (16_383, 16_384), (16_000, 50_000), (99_999, 99_999), (32_768, 49_151)]
    {
        let ask =
            world.ask("GET", "/bkt/k").key(KEY_A).header("range", &format!("bytes={first}-{last}"));
        let reply = ask.send().await.expect_status(206);
        assert!(reply.body == body[first..=last], "{first}-{last}");
    }
}

#[tokio::test]
async fn conditions() {
    let world = world().await;
    let etag = world.ask("HEAD", "/bkt/k").send().await.header("etag").unwrap().to_owned();
    let (past, future) = ("Thu, 01 Jan 2026 00:00:00 GMT", "Sat, 03 Jan 2026 00:00:00 GMT");
    let (now, ahead) = ("Fri, 02 Jan 2026 03:04:05 GMT", "Fri, 02 Jan 2026 03:04:06 GMT");
    let cases: &[(&[(&str, &str)], u16)] = &[
        (&[("if-match", &etag)], 200),
        (&[("if-match", "*")], 200),
        (&[("if-match", "\"x\"")], 412),
        (&[("if-none-match", &etag)], 304),
        (&[("if-none-match", "*")], 304),
        (&[("if-none-match", "\"x\"")], 200),
        (&[("if-modified-since", now)], 304),
        (&[("if-modified-since", ahead)], 200),
        (&[("if-modified-since", future)], 200),
        (&[("if-modified-since", past)], 200),
        (&[("if-modified-since", "nonsense")], 200),
        (&[("if-unmodified-since", past)], 412),
        (&[("if-unmodified-since", future)], 200),
        (&[("if-match", &etag), ("if-unmodified-since", past)], 200),
        (&[("if-none-match", "\"x\""), ("if-modified-since", future)], 200),
        (&[("if-none-match", &etag), ("if-modified-since", past)], 304),
        (&[("if-match", &etag), ("if-none-match", &etag)], 304),
        (&[("if-match", "\"x\""), ("if-none-match", &etag)], 412),
        (&[("if-match", "\"x\""), ("range", "bytes=99-")], 412),
    ];
    for (headers, status) in cases {
        for method in ["GET", "HEAD"] {
            let reply = world.ask(method, "/bkt/k").headers(headers).send().await;
            assert_eq!(reply.status, *status, "{method} {headers:?}");
            if *status == 304 {
                assert!(reply.body.is_empty());
                assert_eq!(reply.header("etag"), Some(etag.as_str()));
                assert_eq!(reply.header("content-type"), None);
            }
        }
    }
    let failed = world.ask("GET", "/bkt/k").header("if-match", "\"x\"").send().await;
    let failed = failed.expect_error(412, "PreconditionFailed");
    assert_eq!(failed.element("Condition").as_deref(), Some("If-Match"));
    let stale = world
        .ask("GET", "/bkt/k")
        .headers(&[("range", "bytes=0-1"), ("if-range", "\"x\"")])
        .send()
        .await;
    assert_eq!(stale.expect_status(200).text(), BODY);
    let fresh = world
        .ask("GET", "/bkt/k")
        .headers(&[("range", "bytes=0-1"), ("if-range", &etag)])
        .send()
        .await;
    assert_eq!(fresh.expect_status(206).text(), "01");
}

#[tokio::test]
async fn overrides() {
    let world = world().await;
    let target = "/bkt/k?response-content-type=text%2Fcss&response-cache-control=no-store&response-expires=never\
        &response-content-language=fr&response-content-encoding=br&response-content-disposition=attachment%3B%20filename%3Da";
    let reply = world.ask("GET", target).send().await.expect_status(200);
    for (name, value) in [
        ("content-type", "text/css"),
        ("cache-control", "no-store"),
        ("expires", "never"),
        ("content-language", "fr"),
        ("content-encoding", "br"),
        ("content-disposition", "attachment; filename=a"),
    ] {
        assert_eq!(reply.header(name), Some(value));
    }
    let split = world.ask("GET", "/bkt/k?response-content-type=a%0D%0Ab:c").send().await;
    split.expect_error(400, "InvalidArgument");
    let anonymous = world.ask("GET", "/bkt/k?response-content-type=a").anonymous().send().await;
    anonymous.expect_error(403, "AccessDenied");
}

#[tokio::test]
async fn checksums_when_asked_for_all_of_it() {
    let world = world().await;
    let ask = |method: &str| world.ask(method, "/bkt/k").header("x-amz-checksum-mode", "ENABLED");
    for method in ["GET", "HEAD"] {
        let reply = ask(method).send().await.expect_status(200);
        assert_eq!(reply.header("x-amz-checksum-crc64nvme").map(str::len), Some(12));
        assert_eq!(reply.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
        let without = world.ask(method, "/bkt/k").send().await;
        assert_eq!(without.header("x-amz-checksum-crc64nvme"), None);
    }
    let last = BODY.len() - 1;
    for range in ["bytes=0-1".to_owned(), "bytes=1-".to_owned(), format!("bytes=1-{last}")] {
        let partial = ask("GET").header("range", &range).send().await.expect_status(206);
        assert_eq!(partial.header("x-amz-checksum-crc64nvme"), None, "{range}");
    }
    for range in ["bytes=0-", "bytes=-1000", "bytes=0-1000"] {
        let whole = ask("GET").header("range", range).send().await.expect_status(206);
        assert_eq!(whole.header("x-amz-checksum-crc64nvme").map(str::len), Some(12), "{range}");
    }
    world
        .ask("PUT", "/bkt/k")
        .header("x-amz-checksum-crc32", "poTHxg==")
        .body(BODY)
        .send()
        .await
        .expect_status(200);
    let reply = ask("GET").send().await.expect_status(200);
    assert_eq!(reply.header("x-amz-checksum-crc32"), Some("poTHxg=="));
}

#[tokio::test]
async fn part_numbers_of_a_whole_object() {
    let world = world().await;
    let reply = world.ask("GET", "/bkt/k?partNumber=1").send().await.expect_status(206);
    assert_eq!(reply.text(), BODY);
    assert_eq!(reply.header("x-amz-mp-parts-count"), None);
    let none =
        world.ask("GET", "/bkt/k?partNumber=2").send().await.expect_error(416, "InvalidPartNumber");
    assert_eq!(none.element("ActualPartCount").as_deref(), Some("1"));
    for bad in ["0", "10001", "x", ""] {
        world
            .ask("GET", &format!("/bkt/k?partNumber={bad}"))
            .send()
            .await
            .expect_error(400, "InvalidArgument");
    }
    let both = world.ask("GET", "/bkt/k?partNumber=1").header("range", "bytes=0-1").send().await;
    both.expect_error(400, "InvalidRequest");
}

#[tokio::test]
async fn versions_each_have_their_key() {
    let world = World::new().await;
    world.put("/bkt/k", "null").await;
    world.set_versioning(Versioning::Enabled).await;
    let put = |key| world.ask("PUT", "/bkt/k").key(key).body("x").send();
    let first = put(KEY_A).await.expect_status(200).header("x-amz-version-id").unwrap().to_owned();
    let second = put(KEY_B).await.expect_status(200).header("x-amz-version-id").unwrap().to_owned();
    let get = |version: &str, key| {
        world.ask("GET", &format!("/bkt/k?versionId={version}")).key(key).send()
    };
    assert_eq!(
        get(&first, KEY_A).await.expect_status(200).header("x-amz-version-id"),
        Some(first.as_str())
    );
    get(&first, KEY_B).await.expect_error(403, "AccessDenied");
    get(&second, KEY_B).await.expect_status(200);
    let null = world.ask("GET", "/bkt/k?versionId=null").send().await.expect_status(200);
    assert_eq!(null.text(), "null");
    assert_eq!(null.header("x-amz-version-id"), Some("null"));
    world.ask("GET", "/bkt/k?versionId=bad").send().await.expect_error(400, "InvalidArgument");
    let none = world.ask("GET", &format!("/bkt/other?versionId={first}")).send().await;
    none.expect_error(404, "NoSuchVersion");

    let deleted = world.ask("DELETE", "/bkt/k").send().await.expect_status(204);
    assert_eq!(deleted.header("x-amz-delete-marker"), Some("true"));
    let marker = deleted.header("x-amz-version-id").unwrap();
    let hidden = world.ask("GET", "/bkt/k").send().await.expect_error(404, "NoSuchKey");
    assert_eq!(hidden.header("x-amz-delete-marker"), Some("true"));
    assert_eq!(hidden.header("x-amz-version-id"), Some(marker));
    let named = world.ask("GET", &format!("/bkt/k?versionId={marker}")).send().await;
    let named = named.expect_error(405, "MethodNotAllowed");
    assert_eq!(named.header("allow"), Some("DELETE"));
}
