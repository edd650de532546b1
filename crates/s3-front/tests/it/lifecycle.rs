//! Lifecycle: the configuration, what headers tell of it, and the worker.
//!
//! The service's clock stands still; the worker's is set to when it should look.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use object_engine::{
    clock::{Clock, Timestamp},
    model::{
        Attached, BucketName, LegalHold, ListVersions, ListedVersion, Lookup, ObjectKey, Versioning,
    },
};
use s3_front::lifecycle::{DayLength, LifecycleWorker, Pass};
use tokio::sync::watch;

use crate::{
    client::{KEY_A, Reply},
    deletes::crc32,
    world::{NOW, World},
};

const DAYS: &str = "<Expiration><Days>1</Days></Expiration>";
const NONCURRENT: &str =
    "<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration>";
const ABORT: &str = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>";
/// Everything is written on 2 January 2026; a day later the next midnight is this.
const EXPIRES: &str = "Sun, 04 Jan 2026 00:00:00 GMT";
const DAY: i64 = 24 * 60 * 60;

fn rule(id: &str, filter: &str, actions: &str) -> String {
    format!("<Rule><ID>{id}</ID><Filter>{filter}</Filter><Status>Enabled</Status>{actions}</Rule>")
}

async fn put_rules(world: &World, target: &str, rules: &str) -> Reply {
    let body = format!("<LifecycleConfiguration>{rules}</LifecycleConfiguration>");
    let ask = world.ask("PUT", target).header("x-amz-checksum-crc32", &crc32(&body));
    ask.body(body).send().await
}

async fn set_rules(world: &World, rules: &str) {
    put_rules(world, "/bkt?lifecycle", rules).await.expect_status(200);
}

#[derive(Debug)]
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

/// A worker whose clock is so many seconds after what was written.
fn worker(world: &World, seconds_later: i64) -> LifecycleWorker {
    let now = (i64::try_from(NOW).unwrap() + seconds_later) * 1_000;
    let clock = Arc::new(HandClock(AtomicI64::new(now)));
    LifecycleWorker::new(world.store.engine().clone(), clock, DayLength::Calendar)
}

async fn pass_after(world: &World, seconds_later: i64) -> Pass {
    let (_stop, stopped) = watch::channel(false);
    worker(world, seconds_later).pass(&stopped).await.unwrap()
}

/// Keys with how many versions and delete markers each has, as `k`, `k!` (a marker on top).
async fn versions(world: &World) -> Vec<String> {
    let engine = world.store.engine();
    let bucket = engine.bucket(&BucketName::parse("bkt").unwrap()).await.unwrap().unwrap();
    let ask = ListVersions { limit: 1_000, ..ListVersions::default() };
    let page = engine.list_versions(&bucket, &ask).await.unwrap();
    let shown = |entry| match entry {
        ListedVersion::Version { object, is_marker, .. } => {
            format!("{}{}", object.key, if is_marker { "!" } else { "" })
        }
        ListedVersion::CommonPrefix(prefix) => prefix,
    };
    page.entries.into_iter().map(shown).collect()
}

#[tokio::test]
async fn a_configuration_comes_back_until_it_is_removed() {
    let world = World::new().await;
    let none = async || {
        let none = world.ask("GET", "/bkt?lifecycle").send().await;
        let none = none.expect_error(404, "NoSuchLifecycleConfiguration");
        assert_eq!(none.element("BucketName").as_deref(), Some("bkt"));
        let message = "The lifecycle configuration does not exist";
        assert_eq!(none.element("Message").as_deref(), Some(message));
    };
    none().await;
    let minimum = "x-amz-transition-default-minimum-object-size";
    let put = put_rules(&world, "/bkt?lifecycle", &rule("a b", "<Prefix>x/</Prefix>", DAYS)).await;
    assert_eq!(put.expect_status(200).header(minimum), Some("all_storage_classes_128K"));
    let got = world.ask("GET", "/bkt?lifecycle").send().await.expect_status(200);
    assert_eq!(got.header(minimum), Some("all_storage_classes_128K"));
    assert!(got.text().ends_with(&format!(
        "<LifecycleConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{}</LifecycleConfiguration>",
        rule("a b", "<Prefix>x/</Prefix>", DAYS)
    )));
    world.ask("DELETE", "/bkt?lifecycle").send().await.expect_status(204);
    none().await;
    world.ask("DELETE", "/bkt?lifecycle").send().await.expect_status(204);
}

#[tokio::test]
async fn what_comes_with_a_configuration_is_checked() {
    let world = World::new().await;
    let body = format!("<LifecycleConfiguration>{}</LifecycleConfiguration>", rule("a", "", DAYS));
    let unguarded = world.ask("PUT", "/bkt?lifecycle").body(body.clone()).send().await;
    unguarded.expect_error(400, "InvalidRequest");
    let put = |minimum: &'static str| {
        let ask = world.ask("PUT", "/bkt?lifecycle").header("x-amz-checksum-crc32", &crc32(&body));
        ask.header("x-amz-transition-default-minimum-object-size", minimum)
            .body(body.clone())
            .send()
    };
    put("128K").await.expect_error(400, "InvalidArgument");
    put("varies_by_storage_class").await.expect_status(200);
    let got = world.ask("GET", "/bkt?lifecycle").send().await.expect_status(200);
    let minimum = got.header("x-amz-transition-default-minimum-object-size");
    assert_eq!(minimum, Some("varies_by_storage_class"));
    let transition = "<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>";
    let refused = put_rules(&world, "/bkt?lifecycle", &rule("a", "", transition)).await;
    refused.expect_error(501, "NotImplemented");
    world.add_user("alice").await;
    for method in ["GET", "PUT", "DELETE"] {
        let denied = world.ask(method, "/bkt?lifecycle").by("alice").send().await;
        denied.expect_error(403, "AccessDenied");
    }
}

#[tokio::test]
async fn rules_without_an_id_get_one_of_their_own() {
    let world = World::new().await;
    let nameless = rule("", "", DAYS).replace("<ID></ID>", "");
    set_rules(&world, &nameless.repeat(2)).await;
    let got = world.ask("GET", "/bkt?lifecycle").send().await.expect_status(200);
    let ids = got.elements("ID");
    assert!(ids.len() == 2 && ids[0] != ids[1] && ids.iter().all(|id| id.len() == 32), "{ids:?}");
}

#[tokio::test]
async fn answers_tell_when_an_object_expires_and_by_which_rule() {
    let world = World::new().await;
    let tagged = "<Tag><Key>a</Key><Value>1</Value></Tag>";
    let tagged = rule("tag/ö", tagged, DAYS);
    set_rules(&world, &(rule("x y", "<Prefix>x/</Prefix>", DAYS) + &tagged)).await;
    let told = |id: &str| format!("expiry-date=\"{EXPIRES}\", rule-id=\"{id}\"");
    let put = world.ask("PUT", "/bkt/x/k").key(KEY_A).body("x").send().await.expect_status(200);
    assert_eq!(put.header("x-amz-expiration"), Some(told("x%20y").as_str()));
    for method in ["GET", "HEAD"] {
        let read = world.ask(method, "/bkt/x/k").key(KEY_A).send().await.expect_status(200);
        assert_eq!(read.header("x-amz-expiration"), Some(told("x%20y").as_str()));
    }
    let copy = world.ask("PUT", "/bkt/x/copy").header("x-amz-copy-source", "/bkt/x/k");
    let copy = copy.source_key(KEY_A).send().await.expect_status(200);
    assert_eq!(copy.header("x-amz-expiration"), Some(told("x%20y").as_str()));
    let put = world.ask("PUT", "/bkt/k").header("x-amz-tagging", "a=1&b=2");
    let put = put.body("x").send().await.expect_status(200);
    assert_eq!(put.header("x-amz-expiration"), Some(told("tag%2F%C3%B6").as_str()));
    let put = world.ask("PUT", "/bkt/k").header("x-amz-tagging", "a=2");
    let put = put.body("x").send().await.expect_status(200);
    assert_eq!(put.header("x-amz-expiration"), None);
}

#[tokio::test]
async fn only_the_newest_version_is_said_to_expire() {
    let world = World::new().await;
    world.set_versioning(Versioning::Enabled).await;
    set_rules(&world, &rule("a", "", DAYS)).await;
    let first = world.ask("PUT", "/bkt/k").body("1").send().await.expect_status(200);
    world.put("/bkt/k", "2").await;
    let newest = world.ask("HEAD", "/bkt/k").send().await.expect_status(200);
    assert!(newest.header("x-amz-expiration").is_some());
    let first = format!("/bkt/k?versionId={}", first.header("x-amz-version-id").unwrap());
    let old = world.ask("HEAD", &first).send().await.expect_status(200);
    assert_eq!(old.header("x-amz-expiration"), None);
}

#[tokio::test]
async fn an_upload_tells_when_it_is_aborted_and_what_it_makes_when_it_expires() {
    let world = World::new().await;
    set_rules(&world, &(rule("a", "", ABORT) + &rule("e", "", DAYS))).await;
    let made = world.ask("POST", "/bkt/k?uploads").send().await.expect_status(200);
    let id = made.element("UploadId").unwrap();
    let target = format!("/bkt/k?uploadId={id}");
    let parts = world.ask("GET", &target).send().await.expect_status(200);
    for reply in [made, parts] {
        assert_eq!(reply.header("x-amz-abort-date"), Some(EXPIRES));
        assert_eq!(reply.header("x-amz-abort-rule-id"), Some("a"));
    }
    let part = world.ask("PUT", &format!("{target}&partNumber=1")).body("x").send().await;
    let etag = part.expect_status(200).header("etag").unwrap().to_owned();
    let body = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    );
    let done = world.ask("POST", &target).body(body).send().await.expect_status(200);
    let told = format!("expiry-date=\"{EXPIRES}\", rule-id=\"e\"");
    assert_eq!(done.header("x-amz-expiration"), Some(told.as_str()));
}

#[tokio::test]
async fn objects_expire_at_midnight_and_need_no_key_for_it() {
    let world = World::new().await;
    set_rules(&world, &rule("a", "<Prefix>x/</Prefix>", DAYS)).await;
    world.ask("PUT", "/bkt/x/k").key(KEY_A).body("x").send().await.expect_status(200);
    world.put("/bkt/x/l", "x").await;
    world.put("/bkt/k", "x").await;
    // 03:04:05 on the second day after: one second before midnight nothing is due yet.
    let until_midnight = 2 * DAY - (3 * 3_600 + 4 * 60 + 5);
    let early = pass_after(&world, until_midnight - 1).await;
    assert_eq!((early.removed, early.finished), (0, true));
    assert_eq!(pass_after(&world, until_midnight).await.removed, 2);
    assert_eq!(versions(&world).await, ["k"]);
}

#[tokio::test]
async fn an_interval_has_one_pass() {
    let world = World::new().await;
    set_rules(&world, &rule("a", "", DAYS)).await;
    assert_eq!(pass_after(&world, 3 * DAY).await.buckets, 1);
    world.put("/bkt/k", "x").await;
    assert_eq!(pass_after(&world, 3 * DAY).await, Pass { finished: true, ..Pass::default() });
    assert_eq!(pass_after(&world, 3 * DAY + 3_600).await.removed, 1);
}

#[tokio::test]
async fn of_two_servers_one_has_the_turn() {
    let (one, two) = World::pair().await;
    set_rules(&one, &rule("a", "", DAYS)).await;
    one.put("/bkt/k", "x").await;
    assert_eq!(pass_after(&one, DAY).await.buckets, 1);
    assert_eq!(pass_after(&two, 3 * DAY).await, Pass::default(), "not even looked, nor done");
    one.store.engine().close().await.unwrap();
    assert_eq!(pass_after(&two, 3 * DAY).await.removed, 1);
}

#[tokio::test]
async fn versions_expire_step_by_step() {
    let world = World::new().await;
    world.set_versioning(Versioning::Enabled).await;
    for key in ["a", "a", "b"] {
        world.put(&format!("/bkt/{key}"), "x").await;
    }
    world.put("/bkt/c", "x").await;
    world.ask("DELETE", "/bkt/c").send().await.expect_status(204);
    let both = DAYS.to_owned() + NONCURRENT;
    set_rules(&world, &rule("a", "<Prefix></Prefix>", &both)).await;
    let first = pass_after(&world, 3 * DAY).await;
    assert_eq!((first.hidden, first.removed), (2, 2));
    // The markers are of the engine's time, which stands, so what they replaced is due at once.
    assert_eq!(versions(&world).await, ["a!", "a", "b!", "b", "c!"]);
    let second = pass_after(&world, 4 * DAY).await;
    assert_eq!((second.hidden, second.removed), (0, 3));
    assert_eq!(versions(&world).await, ["a!", "b!"]);
    pass_after(&world, 5 * DAY).await;
    assert!(versions(&world).await.is_empty());
}

#[tokio::test]
async fn a_marker_over_versions_stays() {
    let world = World::new().await;
    world.set_versioning(Versioning::Enabled).await;
    world.put("/bkt/k", "x").await;
    world.ask("DELETE", "/bkt/k").send().await.expect_status(204);
    world.ask("DELETE", "/bkt/l").send().await.expect_status(204);
    let lone =
        "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>";
    set_rules(&world, &rule("a", "", lone)).await;
    assert_eq!(pass_after(&world, DAY).await.removed, 1);
    assert_eq!(versions(&world).await, ["k!", "k"]);
}

#[tokio::test]
async fn the_newest_noncurrent_versions_are_kept() {
    let world = World::new().await;
    world.set_versioning(Versioning::Enabled).await;
    for _ in 0..6 {
        world.put("/bkt/k", "x").await;
    }
    let keeping = NONCURRENT.replace(
        "</NoncurrentDays>",
        "</NoncurrentDays><NewerNoncurrentVersions>3</NewerNoncurrentVersions>",
    );
    set_rules(&world, &rule("a", "", &keeping)).await;
    assert_eq!(pass_after(&world, 3 * DAY).await.removed, 2);
    assert_eq!(versions(&world).await.len(), 4);
    assert_eq!(pass_after(&world, 9 * DAY).await.removed, 0);
}

#[tokio::test]
async fn tags_and_sizes_decide() {
    let world = World::new().await;
    let and = "<And><Tag><Key>a</Key><Value>1</Value></Tag><ObjectSizeGreaterThan>1</ObjectSizeGreaterThan></And>";
    set_rules(&world, &rule("a", and, DAYS)).await;
    for (key, tags, body) in
        [("due", "a=1&b=2", "xx"), ("other", "a=2", "xx"), ("small", "a=1", "x")]
    {
        let put = world.ask("PUT", &format!("/bkt/{key}")).header("x-amz-tagging", tags);
        put.body(body).send().await.expect_status(200);
    }
    assert_eq!(pass_after(&world, 3 * DAY).await.removed, 1);
    assert_eq!(versions(&world).await, ["other", "small"]);
}

#[tokio::test]
async fn incomplete_uploads_are_aborted() {
    let world = World::new().await;
    set_rules(&world, &rule("a", "<Prefix>x/</Prefix>", ABORT)).await;
    for key in ["x/k", "k"] {
        world.ask("POST", &format!("/bkt/{key}?uploads")).send().await.expect_status(200);
    }
    assert_eq!(pass_after(&world, DAY / 2).await.aborted, 0);
    assert_eq!(pass_after(&world, 3 * DAY).await.aborted, 1);
    let left = world.ask("GET", "/bkt?uploads").send().await.expect_status(200);
    assert_eq!(left.elements("Key"), ["k"]);
}

#[tokio::test]
async fn a_locked_version_outlives_every_rule() {
    let world = World::new().await;
    world.set_versioning(Versioning::Enabled).await;
    world.put("/bkt/k", "1").await;
    let engine = world.store.engine();
    let bucket = engine.bucket(&BucketName::parse("bkt").unwrap()).await.unwrap().unwrap();
    let key = ObjectKey::parse("k").unwrap();
    let latest = object_engine::model::VersionSelector::Latest;
    let Lookup::Object(version, _) = engine.version(&bucket, &key, latest).await.unwrap() else {
        panic!("no object")
    };
    let hold = |attached: &mut Attached| {
        attached.legal_hold = Some(LegalHold::On);
        Ok::<(), ()>(())
    };
    engine.change_attached(&bucket, &version, hold).await.unwrap();
    let both = DAYS.to_owned() + NONCURRENT;
    set_rules(&world, &rule("a", "", &both)).await;
    for days in 3..6 {
        pass_after(&world, days * DAY).await;
    }
    assert_eq!(versions(&world).await, ["k!", "k"]);
}

#[tokio::test]
async fn a_broken_bucket_does_not_stop_the_others() {
    let world = World::new().await;
    world.ask("PUT", "/aaa").send().await.expect_status(200);
    let engine = world.store.engine();
    let broken = engine.bucket(&BucketName::parse("aaa").unwrap()).await.unwrap().unwrap();
    assert!(engine.set_setting(&broken, "lifecycle", Some("<".into())).await.unwrap());
    world.put("/bkt/k", "x").await;
    set_rules(&world, &rule("a", "", DAYS)).await;
    let pass = pass_after(&world, 3 * DAY).await;
    assert_eq!((pass.failed, pass.removed, pass.finished), (1, 1, true));
    // And its objects are served all the same.
    world.put("/aaa/k", "x").await;
    world.ask("GET", "/aaa/k").send().await.expect_status(200);
    world.ask("GET", "/aaa?lifecycle").send().await.expect_error(500, "InternalError");
}

#[tokio::test]
async fn a_walk_of_many_pages_sees_every_version_once() {
    let world = World::new().await;
    world.set_versioning(Versioning::Enabled).await;
    // Pages of 1,000 end inside keys of three.
    for key in 0..700 {
        for _ in 0..3 {
            world.put(&format!("/bkt/{key:04}"), "").await;
        }
    }
    set_rules(&world, &rule("a", "", NONCURRENT)).await;
    let pass = pass_after(&world, 3 * DAY).await;
    assert_eq!((pass.removed, pass.hidden, pass.finished), (1_400, 0, true));
    assert!(pass.pages >= 3, "{pass:?}");
    assert_eq!(versions(&world).await.len(), 700);
}

#[tokio::test]
async fn a_broken_off_pass_goes_on_where_it_stood() {
    let world = World::new().await;
    world.ask("PUT", "/aaa").send().await.expect_status(200);
    set_rules(&world, &rule("a", "", DAYS)).await;
    put_rules(&world, "/aaa?lifecycle", &rule("a", "", DAYS)).await.expect_status(200);
    for target in ["/aaa/k", "/bkt/a", "/bkt/b", "/bkt/c"] {
        world.put(target, "x").await;
    }
    let note = r#"{"pass":1,"at":{"bucket":"bkt","after":"b"}}"#;
    let engine = world.store.engine();
    assert!(engine.swap_task_note("lifecycle", None, note).await.unwrap());
    assert_eq!(pass_after(&world, 3 * DAY).await.removed, 1);
    assert_eq!(versions(&world).await, ["a", "b"]);
    // The next pass begins anew.
    assert_eq!(pass_after(&world, 3 * DAY).await.removed, 3);
}

#[tokio::test]
async fn a_worker_that_is_told_to_stop_deletes_nothing_more() {
    let world = World::new().await;
    set_rules(&world, &rule("a", "", DAYS)).await;
    world.put("/bkt/k", "x").await;
    let (stop, stopped) = watch::channel(true);
    let pass = worker(&world, 3 * DAY).pass(&stopped).await.unwrap();
    assert_eq!((pass.removed, pass.finished), (0, false));
    worker(&world, 3 * DAY).run(stopped).await;
    assert_eq!(versions(&world).await, ["k"]);
    stop.send_replace(false);
    let running = tokio::spawn(worker(&world, 3 * DAY).run(stop.subscribe()));
    while !versions(&world).await.is_empty() {
        tokio::task::yield_now().await;
    }
    stop.send_replace(true);
    running.await.unwrap();
}
