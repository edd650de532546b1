//! Listings of objects.

use crate::{client::KEY_A, world::World};

async fn world() -> World {
    let world = World::new().await;
    for key in ["a", "b/1", "b/2", "c%20d%2B%26", "e/f/g", "z"] {
        world.put(&format!("/bkt/{key}"), "12345").await;
    }
    world
}

#[tokio::test]
async fn version_2_in_pages() {
    let world = world().await;
    let mut keys = Vec::new();
    let mut target = "/bkt?list-type=2&max-keys=2".to_owned();
    loop {
        let page = world.ask("GET", &target).send().await.expect_status(200);
        assert_eq!(page.element("KeyCount"), Some(page.elements("Key").len().to_string()));
        keys.extend(page.elements("Key"));
        let truncated = page.element("IsTruncated").unwrap() == "true";
        let Some(token) = page.element("NextContinuationToken") else {
            assert!(!truncated);
            break;
        };
        assert!(truncated);
        target = format!("/bkt?list-type=2&max-keys=2&continuation-token={token}");
    }
    assert_eq!(keys, ["a", "b/1", "b/2", "c d+&", "e/f/g", "z"]);
}

#[tokio::test]
async fn prefixes_delimiters_and_starts() {
    let world = world().await;
    let list = |query: &str| world.ask("GET", &format!("/bkt?list-type=2&{query}")).send();
    let page = list("delimiter=/").await.expect_status(200);
    assert_eq!(page.elements("Key"), ["a", "c d+&", "z"]);
    assert!(page.text().contains("<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes><CommonPrefixes><Prefix>e/</Prefix></CommonPrefixes>"));
    assert_eq!(page.element("KeyCount").as_deref(), Some("5"));
    assert_eq!(page.element("Delimiter").as_deref(), Some("/"));
    assert_eq!(list("prefix=b/").await.elements("Key"), ["b/1", "b/2"]);
    assert_eq!(list("start-after=b/1").await.elements("Key"), ["b/2", "c d+&", "e/f/g", "z"]);
    assert_eq!(list("prefix=nothing").await.element("KeyCount").as_deref(), Some("0"));
    let begun = list("start-after=a&max-keys=1").await.expect_status(200);
    assert_eq!(begun.element("StartAfter").as_deref(), Some("a"));
    let token = begun.element("NextContinuationToken").unwrap();
    let continued = list(&format!("start-after=a&max-keys=1&continuation-token={token}")).await;
    assert_eq!(continued.elements("Key"), ["b/2"]);
    assert_eq!(continued.element("StartAfter"), None, "the token says where to begin");
    for listing in ["", "list-type=2&", "versions&", "uploads&"] {
        let target = format!("/bkt?{listing}encoding-type=");
        let empty = world.ask("GET", &target).send().await.expect_error(400, "InvalidArgument");
        assert_eq!(empty.element("ArgumentName").as_deref(), Some("encoding-type"));
    }
    let none = list("max-keys=0").await.expect_status(200);
    assert_eq!(none.element("IsTruncated").as_deref(), Some("false"));
    let encoded = list("encoding-type=url").await.expect_status(200);
    assert_eq!(encoded.element("EncodingType").as_deref(), Some("url"));
    assert!(encoded.elements("Key").contains(&"c%20d%2B%26".to_owned()));
    for bad in
        ["encoding-type=x", "max-keys=-1", "max-keys=x", "continuation-token=bad", "fetch-owner=x"]
    {
        list(bad).await.expect_error(400, "InvalidArgument");
    }
    assert_eq!(list("max-keys=5000").await.element("MaxKeys").as_deref(), Some("1000"));
}

#[tokio::test]
async fn entries_show_what_is_in_clear() {
    let world = World::new().await;
    let put = world.ask("PUT", "/bkt/k").key(KEY_A).body("12345").send().await.expect_status(200);
    let page =
        world.ask("GET", "/bkt?list-type=2&fetch-owner=true").send().await.expect_status(200);
    assert_eq!(page.element("Size").as_deref(), Some("5"));
    assert_eq!(page.element("ETag").as_deref(), put.header("etag"));
    assert_eq!(page.element("LastModified").as_deref(), Some("2026-01-02T03:04:05.000Z"));
    assert_eq!(page.element("StorageClass").as_deref(), Some("STANDARD"));
    assert_eq!(page.element("ChecksumAlgorithm").as_deref(), Some("CRC64NVME"));
    assert_eq!(page.element("ID").as_deref(), Some("root-canonical-id"));
    let without = world.ask("GET", "/bkt?list-type=2").send().await;
    assert!(without.element("Owner").is_none());
}

#[tokio::test]
async fn version_1_goes_on_by_marker() {
    let world = world().await;
    let list = |query: &str| world.ask("GET", &format!("/bkt?{query}")).send();
    let first = list("max-keys=2&delimiter=/").await.expect_status(200);
    assert_eq!(first.elements("Key"), ["a"]);
    assert_eq!(first.element("NextMarker").as_deref(), Some("b/"));
    assert!(first.element("Owner").is_some());
    let second = list("max-keys=2&delimiter=/&marker=b/").await.expect_status(200);
    assert_eq!(second.elements("Key"), ["c d+&"]);
    assert_eq!(second.element("Marker").as_deref(), Some("b/"));
    let plain = list("max-keys=1").await.expect_status(200);
    assert_eq!(plain.element("NextMarker"), None, "only with a delimiter");
    assert_eq!(plain.element("IsTruncated").as_deref(), Some("true"));
    list("list-type=3").await.expect_error(400, "InvalidArgument");
}
