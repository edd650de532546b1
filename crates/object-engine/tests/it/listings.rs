//! Listings of objects and versions, page by page.

use object_engine::{engine::ObjectEngine, model::*};

use crate::world::*;

async fn filled(world: &World, engine: &ObjectEngine, names: &[&str]) -> Bucket {
    let bucket = bucket(engine, "bucket").await;
    for name in names {
        put(world, engine, (&bucket, name), name.as_bytes()).await;
    }
    bucket
}

fn shown(page: &ListPage) -> Vec<String> {
    let name = |entry: &Listed| match entry {
        Listed::Object(object) => object.key.clone(),
        Listed::CommonPrefix(prefix) => format!("{prefix}*"),
    };
    page.entries.iter().map(name).collect()
}

async fn list(
    engine: &ObjectEngine,
    bucket: &Bucket,
    ask: ListObjects,
) -> (Vec<String>, Option<String>) {
    let page = engine.list_objects(bucket, &ask).await.unwrap();
    (shown(&page), page.next_after)
}

fn ask(prefix: &str, delimiter: &str, after: &str, limit: usize) -> ListObjects {
    ListObjects {
        prefix: prefix.into(),
        delimiter: Some(delimiter.into()),
        after: Some(after.to_owned()).filter(|after| !after.is_empty()),
        limit,
    }
}

const NAMES: [&str; 9] = ["a", "a/", "a/b", "a/b/c", "a0", "b/x", "b/y", "ä", "\u{10ffff}z"];

#[tokio::test]
async fn keys_come_in_order_of_their_bytes() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = filled(&world, &engine, &NAMES).await;
    let (names, next) = list(&engine, &bucket, ask("", "", "", 1_000)).await;
    assert_eq!((names, next), (NAMES.map(str::to_owned).to_vec(), None));
}

#[tokio::test]
async fn delimiters_roll_up_and_prefixes_narrow() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = filled(&world, &engine, &NAMES).await;
    let cases: [(ListObjects, &[&str], Option<&str>); 9] = [
        (ask("", "/", "", 10), &["a", "a/*", "a0", "b/*", "ä", "\u{10ffff}z"], None),
        (ask("a/", "/", "", 10), &["a/", "a/b", "a/b/*"], None),
        (ask("a", "/", "", 10), &["a", "a/*", "a0"], None),
        (ask("", "/", "a", 2), &["a/*", "a0"], Some("a0")),
        (ask("", "/", "a/", 1), &["a0"], Some("a0")),
        (ask("", "/", "a/b", 1), &["a0"], Some("a0")),
        (
            ask("", "b/", "", 10),
            &["a", "a/", "a/b", "a/b/*", "a0", "b/*", "ä", "\u{10ffff}z"],
            None,
        ),
        (ask("c", "/", "a", 10), &[], None),
        (ask("", "/", "zz", 10), &["ä", "\u{10ffff}z"], None),
    ];
    for (ask, expected, next) in cases {
        let found = list(&engine, &bucket, ask.clone()).await;
        let expected: Vec<String> = expected.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(found, (expected, next.map(str::to_owned)), "{ask:?}");
    }
}

#[tokio::test]
async fn a_limit_of_zero_is_empty_and_not_truncated() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = filled(&world, &engine, &NAMES).await;
    assert_eq!(list(&engine, &bucket, ask("", "/", "", 0)).await, (vec![], None));
    let none = ListVersions::default();
    assert_eq!(engine.list_versions(&bucket, &none).await.unwrap(), VersionPage::default());
}

#[tokio::test]
async fn an_exactly_full_page_is_not_truncated() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = filled(&world, &engine, &NAMES).await;
    assert_eq!(list(&engine, &bucket, ask("", "", "", 9)).await.1, None);
    assert_eq!(list(&engine, &bucket, ask("", "", "", 8)).await.1.as_deref(), Some("ä"));
    assert_eq!(list(&engine, &bucket, ask("b", "/", "", 1)).await, (vec!["b/*".into()], None));
}

#[tokio::test]
async fn buckets_do_not_see_each_other() {
    let world = World::new();
    let engine = world.open().await;
    let one = filled(&world, &engine, &["k"]).await;
    let other = bucket(&engine, "other").await;
    put(&world, &engine, (&other, "o"), b"x").await;
    assert_eq!(list(&engine, &one, ask("", "", "", 9)).await.0, ["k"]);
    assert_eq!(list(&engine, &other, ask("", "", "", 9)).await.0, ["o"]);
}

#[tokio::test]
async fn versions_come_newest_first_and_resume_inside_a_key() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = filled(&world, &engine, &["a", "b/1"]).await;
    assert!(engine.set_versioning(&bucket, Versioning::Enabled).await.unwrap());
    put(&world, &engine, (&bucket, "a"), b"2").await;
    delete(&engine, (&bucket, "a"), VersionSelector::Latest).await;
    put(&world, &engine, (&bucket, "b/1"), b"2").await;
    put(&world, &engine, (&bucket, "c"), b"1").await;
    for limit in 1..7 {
        let mut ask = ListVersions { limit, ..ListVersions::default() };
        let mut seen = Vec::new();
        loop {
            let page = engine.list_versions(&bucket, &ask).await.unwrap();
            assert!(page.entries.len() <= limit);
            seen.extend(page.entries);
            let Some((key, version)) = page.next else { break };
            ask.key_marker = Some(key);
            ask.version_marker = version;
        }
        let facts: Vec<_> = seen.iter().map(facts_of).collect();
        let expected = [
            ("a", 3, true, true),
            ("a", 2, false, false),
            ("a", 0, false, false),
            ("b/1", 2, true, false),
            ("b/1", 0, false, false),
            ("c", 1, true, false),
        ];
        assert_eq!(facts, expected, "in pages of {limit}");
    }
    let rolled = ListVersions { delimiter: Some("/".into()), limit: 9, ..ListVersions::default() };
    let page = engine.list_versions(&bucket, &rolled).await.unwrap();
    assert_eq!(page.entries.len(), 5);
    assert_eq!(page.entries[3], ListedVersion::CommonPrefix("b/".into()));
}

/// Key, sequence (0 for null), whether it is the newest, whether it is a marker.
fn facts_of(entry: &ListedVersion) -> (&str, u64, bool, bool) {
    match entry {
        ListedVersion::Version { object, public, is_latest, is_marker } => {
            (&object.key, public.map_or(0, |id| id.sequence), *is_latest, *is_marker)
        }
        ListedVersion::CommonPrefix(prefix) => (prefix, 0, false, false),
    }
}

#[tokio::test]
async fn a_listing_after_a_null_version_that_went_shows_rather_than_skips() {
    let world = World::new();
    let engine = world.open().await;
    let bucket = filled(&world, &engine, &["a"]).await;
    assert!(engine.set_versioning(&bucket, Versioning::Enabled).await.unwrap());
    put(&world, &engine, (&bucket, "a"), b"2").await;
    delete(&engine, (&bucket, "a"), VersionSelector::Null).await;
    let ask = ListVersions {
        key_marker: Some("a".into()),
        version_marker: Some(None),
        limit: 9,
        ..ListVersions::default()
    };
    assert_eq!(engine.list_versions(&bucket, &ask).await.unwrap().entries.len(), 1);
}
