//! CopyObject: which bytes, which key, which properties, and what it costs.

use object_engine::model::{
    Body, BodyId, BucketName, Holder, Lookup, ObjectKey, Place, StoredObject, VersionSelector,
    Versioning,
};

use sealed_format::{HolderKey, ObjectContext, ObjectSecrets, PartHeader, PartOpener, unwrap};

use crate::{
    client::{ALGORITHM, Ask, KEY_A, KEY_B, KEY_MD5, Reply, SOURCE, SSE},
    deletes::crc32,
    sse_c::{KEY_DIFFERS, KEY_REQUIRED, NOT_APPLICABLE, expect},
    world::{World, master_key},
};

/// How an object is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    Plain,
    /// Plain too, but asked for.
    SseS3,
    Keyed((&'static str, &'static str)),
}

pub(crate) const EVERY_HELD: [Held; 4] =
    [Held::Plain, Held::SseS3, Held::Keyed(KEY_A), Held::Keyed(KEY_B)];

impl Held {
    /// The headers of a write that makes an object be held so.
    pub(crate) fn write(self, ask: Ask<'_>) -> Ask<'_> {
        match self {
            Self::Plain => ask,
            Self::SseS3 => ask.header(SSE, "AES256"),
            Self::Keyed(key) => ask.key(key),
        }
    }

    /// The headers of a read.
    pub(crate) fn read(self, ask: Ask<'_>) -> Ask<'_> {
        match self.key() {
            Some(key) => ask.key(key),
            None => ask,
        }
    }

    /// The headers of a copy from it.
    pub(crate) fn source(self, ask: Ask<'_>) -> Ask<'_> {
        match self.key() {
            Some(key) => ask.source_key(key),
            None => ask,
        }
    }

    pub(crate) fn key(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Keyed(key) => Some(key),
            Self::Plain | Self::SseS3 => None,
        }
    }

    /// The answer tells how its object is held, and nothing of its source's key.
    #[track_caller]
    pub(crate) fn check_echo(self, reply: &Reply, what: &str) {
        let (algorithm, md5, sse) = match self.key() {
            Some((_, md5)) => (Some("AES256"), Some(md5), None),
            None => (None, None, Some("AES256")),
        };
        assert_eq!(reply.header(ALGORITHM), algorithm, "{what}");
        assert_eq!(reply.header(KEY_MD5), md5, "{what}");
        assert_eq!(reply.header(SSE), sse, "{what}");
        let of_source = |name: &http::HeaderName| name.as_str().contains("copy-source-server");
        assert!(!reply.headers.keys().any(of_source), "{what}");
    }
}

pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect()
}

impl World {
    /// Makes `/bkt/{key}` of these bytes; by parts if they are more than one.
    pub(crate) async fn make(&self, key: &str, held: Held, parts: &[Vec<u8>]) {
        let target = format!("/bkt/{key}");
        if let [whole] = parts {
            held.write(self.ask("PUT", &target).body(whole.clone()))
                .send()
                .await
                .expect_status(200);
            return;
        }
        let start = held.write(self.ask("POST", &format!("{target}?uploads"))).send().await;
        let id = start.expect_status(200).element("UploadId").unwrap();
        let mut rows = String::new();
        for (number, bytes) in (1..).zip(parts) {
            let part = format!("{target}?partNumber={number}&uploadId={id}");
            let stored = held.read(self.ask("PUT", &part)).body(bytes.clone()).send().await;
            let etag = stored.expect_status(200).header("etag").unwrap().to_owned();
            rows += &format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>");
        }
        let body = format!("<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>");
        let done = self.ask("POST", &format!("{target}?uploadId={id}")).body(body).send().await;
        done.expect_status(200);
    }

    /// A CopyObject from `from` (`/bucket/key`).
    pub(crate) fn copy(&self, from: &str, to: &str) -> Ask<'_> {
        self.ask("PUT", to).header(SOURCE, from)
    }

    /// What the catalog holds of `/bkt/{key}`.
    pub(crate) async fn stored(&self, key: &str) -> StoredObject {
        let bucket = BucketName::parse("bkt").unwrap();
        let bucket = self.store.engine().bucket(&bucket).await.unwrap().unwrap();
        let key = ObjectKey::parse(key).unwrap();
        let found = self.store.engine().version(&bucket, &key, VersionSelector::Latest).await;
        let Lookup::Object(_, object) = found.unwrap() else { panic!("no object") };
        (*object).clone()
    }

    async fn body_id(&self, key: &str) -> BodyId {
        self.stored(key).await.body_id
    }
}

/// Sizes at which a body lives in another place: nothing, inline, a blob, several.
pub(crate) fn sizes() -> Vec<Vec<Vec<u8>>> {
    vec![
        vec![pattern(0)],
        vec![pattern(1)],
        vec![pattern(5 << 10)],
        vec![pattern(300 << 10)],
        vec![pattern(5 << 20), pattern(7)],
    ]
}

#[tokio::test]
async fn every_kind_of_source_to_every_kind_of_target() {
    let world = World::new().await;
    for parts in sizes() {
        let bytes = parts.concat();
        for (at, from) in EVERY_HELD.into_iter().enumerate() {
            let source = format!("from{at}");
            world.make(&source, from, &parts).await;
            for to in EVERY_HELD {
                let what = format!("{} bytes from {from:?} to {to:?}", bytes.len());
                let copy = || to.write(world.copy(&format!("/bkt/{source}"), "/bkt/to"));
                refused_without_the_right_key(from, &copy, &what).await;
                let copied = from.source(copy()).send().await.expect_status(200);
                to.check_echo(&copied, &what);
                let read = to.read(world.ask("GET", "/bkt/to")).send().await.expect_status(200);
                assert_eq!(read.body, bytes, "{what}");
                assert_eq!(copied.element("ETag").as_deref(), read.header("etag"), "{what}");
                let shares = world.body_id(&source).await == world.body_id("to").await;
                assert_eq!(shares, from.key().is_some() == to.key().is_some(), "{what}");
                if shares {
                    let of_source = world.stored(&source).await.etag;
                    let same = copied.element("ETag") == Some(format!("\"{}\"", of_source.0));
                    assert_eq!(same, to.key().is_none(), "{what}: a sealed copy's ETag is new");
                }
                check_who_opens(&world, to).await;
            }
        }
    }
}

/// E11, E12 and E15; nothing is written.
async fn refused_without_the_right_key<'w>(from: Held, copy: &dyn Fn() -> Ask<'w>, what: &str) {
    let refused = async |ask: Ask<'w>, message| {
        expect(ask.send().await, what, 400, "InvalidRequest", message, None);
    };
    match from.key() {
        None => refused(copy().source_key(KEY_A), NOT_APPLICABLE).await,
        Some(key) => {
            refused(copy(), KEY_REQUIRED).await;
            let other = if key == KEY_A { KEY_B } else { KEY_A };
            refused(copy().source_key(other), KEY_DIFFERS).await;
        }
    }
}

/// The target opens with its own key alone.
async fn check_who_opens(world: &World, to: Held) {
    for key in [KEY_A, KEY_B] {
        let status = world.ask("HEAD", "/bkt/to").key(key).send().await.status.as_u16();
        let expected = match to.key() {
            None => 400,
            Some(own) => {
                if own == key {
                    200
                } else {
                    403
                }
            }
        };
        assert_eq!(status, expected);
    }
}

#[tokio::test]
async fn rekeying_is_one_commit_and_no_blob_operation_at_any_size() {
    let world = World::new().await;
    for parts in sizes() {
        world.make("k", Held::Keyed(KEY_A), &parts).await;
        let before = world.counts.so_far();
        let copy = world.copy("/bkt/k", "/bkt/k").source_key(KEY_A).key(KEY_B);
        copy.send().await.expect_status(200);
        let (commits, blobs) = world.counts.so_far();
        assert_eq!((commits - before.0, blobs - before.1), (1, 0), "{}", parts.concat().len());
        world.ask("GET", "/bkt/k").key(KEY_A).send().await.expect_error(403, "AccessDenied");
        let read = world.ask("GET", "/bkt/k").key(KEY_B).send().await.expect_status(200);
        assert_eq!(read.body, parts.concat());
    }
}

/// The server's key opens a plain object's body, and so must never have opened that of an SSE-C one.
#[tokio::test]
async fn the_master_key_never_opens_a_body_that_was_sealed_under_a_customer_key() {
    let world = World::new().await;
    world.make("plain", Held::Plain, &[pattern(100_000)]).await;
    let plain = world.stored("plain").await;
    world.copy("/bkt/plain", "/bkt/sealed").key(KEY_A).send().await.expect_status(200);
    let sealed = world.stored("sealed").await;
    let back = world.copy("/bkt/sealed", "/bkt/back").source_key(KEY_A);
    back.send().await.expect_status(200);
    let back = world.stored("back").await;
    assert_eq!(
        [&plain.holder, &sealed.holder, &back.holder],
        [&Holder::Server, &Holder::Customer, &Holder::Server]
    );
    let bodies = [plain.body_id, sealed.body_id, back.body_id];
    assert!(bodies[0] != bodies[1] && bodies[1] != bodies[2] && bodies[0] != bodies[2]);
    assert!(blob(&plain) != blob(&sealed) && blob(&sealed) != blob(&back));
    // Every data key that the master key gives: none opens what the customer's key seals.
    for name in ["plain", "back"] {
        let secrets = unwrapped_by_the_server(&world, name).await;
        assert!(opens(&secrets, &world.stored(name).await), "its own body, as a control");
        assert!(!opens(&secrets, &sealed), "{name}");
    }
}

/// What the master key alone opens of `/bkt/{name}`.
async fn unwrapped_by_the_server(world: &World, name: &str) -> ObjectSecrets {
    let bucket = BucketName::parse("bkt").unwrap();
    let bucket = world.store.engine().bucket(&bucket).await.unwrap().unwrap();
    let key = ObjectKey::parse(name).unwrap();
    let found = world.store.engine().version(&bucket, &key, VersionSelector::Latest).await;
    let Lookup::Object(version, object) = found.unwrap() else { panic!("no object") };
    let context = ObjectContext {
        holder: sealed_format::HolderKind::Server,
        bucket_uid: &bucket.uid.0,
        object_key: name,
        version_uid: &version.uid.0,
        body_id: &object.body_id.0,
    };
    let server = master_key().server_key();
    unwrap(HolderKey::Server(&server), &context, &object.envelope).unwrap()
}

/// Whether a data key is that of an object's body: the header commits to the key.
fn opens(secrets: &ObjectSecrets, object: &StoredObject) -> bool {
    let Body::Whole(part) = &object.body else { panic!("put whole") };
    let header = PartHeader::decode(&part.header).unwrap();
    let body = &object.body_id.0;
    PartOpener::new(&secrets.data, body, part.number, &header, part.length).is_ok()
}

fn blob(object: &StoredObject) -> String {
    let Body::Whole(part) = &object.body else { panic!("put whole") };
    assert!(matches!(part.place, Place::Blob(..)));
    format!("{:?}", part.place)
}

#[tokio::test]
async fn reencrypting_by_configuration_and_by_request() {
    let (sharing, reencrypting) = (World::new().await, World::reencrypting().await);
    for (world, headers, shares) in [
        (&sharing, [].as_slice(), true),
        (&sharing, [("x-strongroom-copy-mode", "reencrypt")].as_slice(), false),
        (&reencrypting, [].as_slice(), false),
    ] {
        for held in [Held::Plain, Held::Keyed(KEY_A)] {
            world.make("from", held, &[pattern(100_000)]).await;
            let copy = held.source(held.write(world.copy("/bkt/from", "/bkt/to")));
            copy.headers(headers).send().await.expect_status(200);
            assert_eq!(world.body_id("from").await == world.body_id("to").await, shares);
        }
    }
    let bad = sharing.copy("/bkt/from", "/bkt/to").header("x-strongroom-copy-mode", "share");
    bad.send().await.expect_error(400, "InvalidArgument");
    // A copy onto itself for a new data key is no copy without a change.
    sharing.make("plain", Held::Plain, &[pattern(9)]).await;
    let again = sharing.copy("/bkt/plain", "/bkt/plain");
    again.header("x-strongroom-copy-mode", "reencrypt").send().await.expect_status(200);
}

#[tokio::test]
async fn a_copy_onto_itself_must_change_something() {
    const ILLEGAL: &str = "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.";
    let world = World::new().await;
    world.put("/bkt/k", "bytes").await;
    let onto_itself = || world.copy("/bkt/k", "/bkt/k");
    for headers in [
        [].as_slice(),
        [("x-amz-metadata-directive", "COPY")].as_slice(),
        [("x-amz-meta-a", "ignored")].as_slice(),
        [("x-amz-tagging-directive", "REPLACE"), ("x-amz-tagging", "a=1")].as_slice(),
    ] {
        let refused = onto_itself().headers(headers).send().await;
        let refused = refused.expect_error(400, "InvalidRequest");
        assert_eq!(refused.element("Message").as_deref(), Some(ILLEGAL), "{headers:?}");
    }
    for (name, value) in [
        ("x-amz-metadata-directive", "REPLACE"),
        ("x-amz-storage-class", "STANDARD"),
        ("x-amz-website-redirect-location", "/there"),
        (SSE, "AES256"),
        ("x-amz-checksum-algorithm", "SHA256"),
    ] {
        onto_itself().header(name, value).send().await.expect_status(200);
        assert_eq!(world.ask("GET", "/bkt/k").send().await.text(), "bytes", "{name}");
    }
    onto_itself().key(KEY_A).send().await.expect_status(200);
    onto_itself().source_key(KEY_A).key(KEY_A).send().await.expect_status(200);
    onto_itself().source_key(KEY_A).send().await.expect_status(200);
    assert_eq!(world.ask("GET", "/bkt/k").send().await.text(), "bytes", "plain again");
}

#[tokio::test]
async fn properties_come_from_the_source_or_from_the_request() {
    let world = World::new().await;
    for held in [Held::Plain, Held::Keyed(KEY_A)] {
        let given = [
            ("content-type", "text/x-a"),
            ("cache-control", "no-cache"),
            ("x-amz-meta-a", "1"),
            ("x-amz-tagging", "t=1&u=2"),
            ("x-amz-storage-class", "STANDARD_IA"),
            ("x-amz-website-redirect-location", "/there"),
        ];
        let put = held.write(world.ask("PUT", "/bkt/from").headers(&given)).body("x");
        put.send().await.expect_status(200);
        let copy = || held.source(held.write(world.copy("/bkt/from", "/bkt/to")));
        let head = || async { held.read(world.ask("HEAD", "/bkt/to")).send().await };

        let ignored = [("content-type", "text/x-b"), ("x-amz-meta-b", "2")];
        copy().headers(&ignored).send().await.expect_status(200);
        let read = head().await.expect_status(200);
        assert_eq!(read.header("content-type"), Some("text/x-a"));
        assert_eq!(read.header("cache-control"), Some("no-cache"));
        assert_eq!((read.header("x-amz-meta-a"), read.header("x-amz-meta-b")), (Some("1"), None));
        assert_eq!(read.header("x-amz-tagging-count"), Some("2"));
        assert_eq!(read.header("x-amz-storage-class"), None, "never the source's");
        assert_eq!(read.header("x-amz-website-redirect-location"), None, "never the source's");

        let replaced = [
            ("x-amz-metadata-directive", "REPLACE"),
            ("x-amz-tagging-directive", "REPLACE"),
            ("content-type", "text/x-b"),
            ("x-amz-meta-b", "2"),
            ("x-amz-tagging", "v=3"),
            ("x-amz-storage-class", "GLACIER_IR"),
            ("x-amz-website-redirect-location", "/here"),
        ];
        copy().headers(&replaced).send().await.expect_status(200);
        let read = head().await.expect_status(200);
        assert_eq!(read.header("content-type"), Some("text/x-b"));
        assert_eq!(read.header("cache-control"), None);
        assert_eq!((read.header("x-amz-meta-a"), read.header("x-amz-meta-b")), (None, Some("2")));
        assert_eq!(read.header("x-amz-tagging-count"), Some("1"));
        assert_eq!(read.header("x-amz-storage-class"), Some("GLACIER_IR"));
        assert_eq!(read.header("x-amz-website-redirect-location"), Some("/here"));

        for (name, message) in [
            ("x-amz-metadata-directive", "Unknown metadata directive."),
            ("x-amz-tagging-directive", "Unknown tagging directive."),
        ] {
            let refused = copy().header(name, "MERGE").send().await;
            let refused = refused.expect_error(400, "InvalidArgument");
            assert_eq!(refused.element("Message").as_deref(), Some(message));
            assert_eq!(refused.element("ArgumentName").as_deref(), Some(name));
        }
    }
}

#[tokio::test]
async fn checksums_are_carried_over_or_computed_anew() {
    let world = World::new().await;
    for held in [Held::Plain, Held::Keyed(KEY_A)] {
        let put = held.write(world.ask("PUT", "/bkt/from")).body("hello").send().await;
        let crc = put.header("x-amz-checksum-crc64nvme").map(str::to_owned);
        for to in EVERY_HELD {
            let copy = || held.source(to.write(world.copy("/bkt/from", "/bkt/to")));
            let copied = copy().send().await.expect_status(200);
            assert_eq!(copied.element("ChecksumCRC64NVME"), crc, "carried over");
            assert_eq!(copied.element("ChecksumType").as_deref(), Some("FULL_OBJECT"));
            let copied = copy().header("x-amz-checksum-algorithm", "SHA256").send().await;
            let sha = copied.expect_status(200).element("ChecksumSHA256");
            assert_eq!(sha.as_deref(), Some("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="));
            let read =
                to.read(world.ask("GET", "/bkt/to")).header("x-amz-checksum-mode", "ENABLED");
            assert_eq!(read.send().await.header("x-amz-checksum-sha256"), sha.as_deref());
        }
    }
}

/// Conditions by the ends of their names, and the one that must fail.
type Row<'a> = (&'a [(&'a str, &'a str)], Option<&'a str>);

#[tokio::test]
async fn conditions_on_the_source_are_412_and_come_after_its_key() {
    const PAST: &str = "Fri, 01 Jan 2021 00:00:00 GMT";
    const NOW: &str = "Fri, 02 Jan 2026 03:04:05 GMT";
    const FUTURE: &str = "Fri, 01 Jan 2100 00:00:00 GMT";
    let world = World::new().await;
    let put = world.ask("PUT", "/bkt/from").key(KEY_A).body("x").send().await;
    let etag = put.header("etag").unwrap();
    let name = |short: &str| format!("x-amz-copy-source-if-{short}");
    let rows: [Row<'_>; 11] = [
        (&[("match", etag)], None),
        (&[("match", "\"x\"")], Some("x-amz-copy-source-If-Match")),
        (&[("none-match", "\"x\"")], None),
        (&[("none-match", etag)], Some("x-amz-copy-source-If-None-Match")),
        (&[("modified-since", PAST)], None),
        (&[("modified-since", NOW)], Some("x-amz-copy-source-If-Modified-Since")),
        (&[("modified-since", FUTURE)], None),
        (&[("unmodified-since", FUTURE)], None),
        (&[("unmodified-since", PAST)], Some("x-amz-copy-source-If-Unmodified-Since")),
        (&[("match", etag), ("unmodified-since", PAST)], None),
        (
            &[("none-match", etag), ("modified-since", PAST)],
            Some("x-amz-copy-source-If-None-Match"),
        ),
    ];
    for (headers, failed) in rows {
        let ask = |key| {
            let copy = world.copy("/bkt/from", "/bkt/to").source_key(key);
            headers.iter().fold(copy, |copy, (short, value)| copy.header(&name(short), value))
        };
        let reply = ask(KEY_A).send().await;
        match failed {
            None => drop(reply.expect_status(200)),
            Some(condition) => {
                let reply = reply.expect_error(412, "PreconditionFailed");
                assert_eq!(reply.element("Condition").as_deref(), Some(condition));
            }
        }
        expect(ask(KEY_B).send().await, "wrong key", 400, "InvalidRequest", KEY_DIFFERS, None);
    }
}

#[tokio::test]
async fn conditions_on_the_target() {
    let world = World::new().await;
    world.put("/bkt/from", "x").await;
    for to in EVERY_HELD {
        let copy = || to.write(world.copy("/bkt/from", "/bkt/to"));
        let if_match = |value: &str| copy().header("if-match", value);
        world.ask("DELETE", "/bkt/to").send().await;
        if_match("\"x\"").send().await.expect_error(404, "NoSuchKey");
        if_match("*").send().await.expect_error(501, "NotImplemented");
        let made = copy().header("if-none-match", "*").send().await.expect_status(200);
        copy().header("if-none-match", "*").send().await.expect_error(412, "PreconditionFailed");
        if_match("\"x\"").send().await.expect_error(412, "PreconditionFailed");
        let etag = made.element("ETag").unwrap();
        let unless = |value: &str| copy().header("if-none-match", value);
        unless(&etag).send().await.expect_error(412, "PreconditionFailed");
        if_match(&etag).send().await.expect_status(200);
        unless("\"x\"").send().await.expect_status(200);
    }
}

#[tokio::test]
async fn versions_are_sources_and_are_named() {
    let world = World::new().await;
    world.set_versioning(Versioning::Enabled).await;
    let version = |reply: &Reply| reply.header("x-amz-version-id").map(str::to_owned);
    let old = world.ask("PUT", "/bkt/k").key(KEY_A).body("old").send().await;
    let new = world.ask("PUT", "/bkt/k").key(KEY_B).body("new").send().await;
    let (old, new) = (version(&old).unwrap(), version(&new).unwrap());
    let from = |version: &str| format!("/bkt/k?versionId={version}");
    for (source, key, named, bytes) in [
        (from(&old), KEY_A, &old, "old"),
        (from(&new), KEY_B, &new, "new"),
        ("/bkt/k".into(), KEY_B, &new, "new"),
    ] {
        let copied = world.copy(&source, "/bkt/to").source_key(key).send().await.expect_status(200);
        assert_eq!(copied.header("x-amz-copy-source-version-id"), Some(named.as_str()));
        let made = version(&copied).unwrap();
        let read = world.ask("GET", &format!("/bkt/to?versionId={made}")).send().await;
        assert_eq!(read.expect_status(200).text(), bytes);
    }
    let wrong = world.copy(&from(&old), "/bkt/to").source_key(KEY_B).send().await;
    expect(wrong, "the key of another version", 400, "InvalidRequest", KEY_DIFFERS, None);
    // An old version over the newest: a restore, and no copy without a change.
    let restored = world.copy(&from(&old), "/bkt/k").source_key(KEY_A).key(KEY_A).send().await;
    restored.expect_status(200);
    assert_eq!(world.ask("GET", "/bkt/k").key(KEY_A).send().await.text(), "old");

    let marker = world.ask("DELETE", "/bkt/k").send().await;
    world.copy("/bkt/k", "/bkt/to").send().await.expect_error(404, "NoSuchKey");
    let marker = from(marker.header("x-amz-version-id").unwrap());
    let refused = world.copy(&marker, "/bkt/to").send().await.expect_error(400, "InvalidRequest");
    assert_eq!(
        refused.element("Message").as_deref(),
        Some(
            "The source of a copy request may not specifically refer to a delete marker by version id."
        )
    );
    let none = from(&("0".repeat(31) + "1"));
    world.copy(&none, "/bkt/to").send().await.expect_error(404, "NoSuchVersion");
}

/// docs/semantics.md: "Null versions".
#[tokio::test]
async fn a_null_version_is_named_as_made_and_not_as_copied() {
    let world = World::new().await;
    world.put("/bkt/k", "x").await;
    let names = async |to: &str| {
        let copied = world.copy("/bkt/k", to).send().await.expect_status(200);
        let named = |name| copied.header(name).map(str::to_owned);
        (named("x-amz-version-id"), named("x-amz-copy-source-version-id"))
    };
    assert_eq!(names("/bkt/unversioned").await, (None, None));
    world.set_versioning(Versioning::Enabled).await;
    let (made, source) = names("/bkt/enabled").await;
    assert!(made.is_some_and(|id| id.len() == 32) && source.is_none());
    world.set_versioning(Versioning::Suspended).await;
    assert_eq!(names("/bkt/suspended").await, (Some("null".into()), None));
    world.put("/bkt/k", "put while suspended").await;
    assert_eq!(names("/bkt/suspended").await, (Some("null".into()), None));
    let put = world.ask("PUT", "/bkt/k").body("x").send().await.expect_status(200);
    assert_eq!(put.header("x-amz-version-id"), None, "a put is not named");
}

#[tokio::test]
async fn a_copy_onto_itself_is_taken_where_the_bucket_says_how_to_encrypt() {
    let world = World::new().await;
    world.put("/bkt/k", "bytes").await;
    let onto_itself = || world.copy("/bkt/k", "/bkt/k").send();
    onto_itself().await.expect_error(400, "InvalidRequest");
    let body = "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>";
    let set = world.ask("PUT", "/bkt?encryption").body(body);
    set.header("x-amz-checksum-crc32", &crc32(body)).send().await.expect_status(200);
    onto_itself().await.expect_status(200);
    assert_eq!(world.ask("GET", "/bkt/k").send().await.text(), "bytes");
    world.ask("DELETE", "/bkt?encryption").send().await.expect_status(204);
    onto_itself().await.expect_error(400, "InvalidRequest");
}

#[tokio::test]
async fn a_source_that_must_have_changed_since_tomorrow_is_copied() {
    let world = World::new().await;
    world.put("/bkt/k", "x").await;
    const SINCE: &str = "x-amz-copy-source-if-modified-since";
    let id = world.ask("POST", "/bkt/up?uploads").send().await.element("UploadId").unwrap();
    for target in ["/bkt/to".to_owned(), format!("/bkt/up?partNumber=1&uploadId={id}")] {
        let copy = |since: &str| world.copy("/bkt/k", &target).header(SINCE, since).send();
        copy("Fri, 02 Jan 2026 03:04:05 GMT").await.expect_error(412, "PreconditionFailed");
        copy("Fri, 02 Jan 2026 03:04:06 GMT").await.expect_status(200);
    }
}

#[tokio::test]
async fn both_buckets_are_authorised() {
    let world = World::new().await;
    world.add_user("ann").await;
    world.put("/bkt/k", "root's").await;
    world.ask("PUT", "/anns").by("ann").send().await.expect_status(200);
    world.ask("PUT", "/anns/k").by("ann").body("ann's").send().await.expect_status(200);
    world.copy("/bkt/k", "/anns/to").by("ann").send().await.expect_error(403, "AccessDenied");
    world.copy("/anns/k", "/bkt/to").by("ann").send().await.expect_error(403, "AccessDenied");
    world.copy("/anns/k", "/anns/to").anonymous().send().await.expect_error(403, "AccessDenied");
    world.copy("/nobodys/k", "/bkt/to").send().await.expect_error(404, "NoSuchBucket");
    world.copy("/bkt/k", "/nobodys/to").send().await.expect_error(404, "NoSuchBucket");
    let owned = |name| world.copy("/bkt/k", "/bkt/to").header(name, "123456789012");
    owned("x-amz-source-expected-bucket-owner").send().await.expect_error(403, "AccessDenied");
    owned("x-amz-expected-bucket-owner").send().await.expect_error(403, "AccessDenied");
    // Between two owners a body is never shared, and the copy is whole all the same.
    world.copy("/anns/k", "/bkt/to").send().await.expect_status(200);
    assert_eq!(world.ask("GET", "/bkt/to").send().await.text(), "ann's");
}

#[tokio::test]
async fn a_source_is_spelled_out_or_refused() {
    let world = World::new().await;
    world.put("/bkt/a%20b%2Bc%3F", "x").await;
    for source in ["/bkt/a%20b%2Bc%3F", "bkt/a+b%2Bc%3F", "bkt%2Fa%20b%2Bc%3F"] {
        world.copy(source, "/bkt/to").send().await.expect_status(200);
    }
    for (source, code) in [
        ("bkt", "InvalidArgument"),
        ("", "InvalidArgument"),
        ("/bkt/%zz", "InvalidArgument"),
        ("/bkt/k?versionId=x", "InvalidArgument"),
    ] {
        let refused = world.copy(source, "/bkt/to").send().await.expect_error(400, code);
        assert!(!refused.polled);
    }
    let access_point = "arn:aws:s3:us-east-1:1:accesspoint/a/object/k";
    world.copy(access_point, "/bkt/to").send().await.expect_error(501, "NotImplemented");
    world.copy("/bkt/none", "/bkt/to").send().await.expect_error(404, "NoSuchKey");
}

#[tokio::test]
async fn a_source_that_is_overwritten_meanwhile_is_there_all_the_time() {
    let world = World::new().await;
    for round in 0..100 {
        // On both sides of what lives in the catalog.
        let body = "x".repeat(if round % 2 == 0 { 300 } else { 40_000 });
        let put = || world.ask("PUT", "/bkt/source").key(KEY_A).body(body.clone()).send();
        put().await.expect_status(200);
        let copy = world.ask("PUT", "/bkt/copy").header(SOURCE, "/bkt/source");
        let (over, copied) = tokio::join!(put(), copy.source_key(KEY_A).key(KEY_B).send());
        over.expect_status(200);
        assert_eq!(copied.status, 200, "round {round}: {}", copied.text());
    }
}
