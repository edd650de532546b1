//! Versioning: its switch, versions by their ids, delete markers, ListObjectVersions, a key for each.

use crate::{
    client::{KEY_A, KEY_B, Reply},
    deletes::crc32,
    world::{ROOT_ID, World},
};

const WRONG_KEY: &str = "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.";
const KEY_REQUIRED: &str = "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.";

async fn versioning(world: &World, inner: &str) -> Reply {
    let body = format!(
        "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{inner}</VersioningConfiguration>"
    );
    world.ask("PUT", "/bkt?versioning").body(body).send().await
}

async fn set(world: &World, status: &str) {
    versioning(world, &format!("<Status>{status}</Status>")).await.expect_status(200);
}

/// Puts a version and gives its id.
async fn put(world: &World, target: &str, body: &str) -> String {
    let reply = world.ask("PUT", target).body(body.to_owned()).send().await.expect_status(200);
    reply.header("x-amz-version-id").unwrap().to_owned()
}

async fn put_sealed(world: &World, target: &str, body: &str, key: (&str, &str)) -> String {
    let ask = world.ask("PUT", target).key(key).body(body.to_owned());
    ask.send().await.expect_status(200).header("x-amz-version-id").unwrap().to_owned()
}

#[tokio::test]
async fn versioning_is_enabled_and_suspended_and_never_undone() {
    let world = World::new().await;
    let status = async || {
        let reply = world.ask("GET", "/bkt?versioning").send().await.expect_status(200);
        assert!(reply.text().contains("<VersioningConfiguration xmlns="));
        assert_eq!(reply.element("MfaDelete"), None);
        reply.element("Status")
    };
    assert_eq!(status().await, None);
    for wanted in ["Enabled", "Suspended", "Enabled"] {
        let reply = versioning(&world, &format!("<Status>{wanted}</Status>")).await;
        assert!(reply.expect_status(200).body.is_empty());
        assert_eq!(status().await.as_deref(), Some(wanted));
    }
    let both = "<MfaDelete>Disabled</MfaDelete><Status>Enabled</Status>";
    versioning(&world, both).await.expect_status(200);
    for (inner, status, code, message) in [
        (
            "",
            400,
            "IllegalVersioningConfigurationException",
            "The Versioning element must be specified",
        ),
        (
            "<Status>Off</Status>",
            400,
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        ),
        (
            "<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>",
            501,
            "NotImplemented",
            "MFA delete (MfaDelete, x-amz-mfa) is not implemented.",
        ),
    ] {
        let reply = versioning(&world, inner).await.expect_error(status, code);
        assert_eq!(reply.element("Message").as_deref(), Some(message));
    }
    world.ask("PUT", "/bkt?versioning").send().await.expect_error(400, "MissingRequestBodyError");
    world.ask("GET", "/none?versioning").send().await.expect_error(404, "NoSuchBucket");
}

#[tokio::test]
async fn a_factor_that_cannot_be_checked_is_refused() {
    let world = World::new().await;
    world.put("/bkt/k", "x").await;
    let delete = "<Delete><Object><Key>k</Key></Object></Delete>";
    for (method, target, body) in [
        ("DELETE", "/bkt/k", ""),
        ("POST", "/bkt?delete", delete),
        (
            "PUT",
            "/bkt?versioning",
            "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
        ),
    ] {
        let ask = world.ask(method, target).header("x-amz-mfa", "serial 123456");
        let ask = ask.header("x-amz-checksum-crc32", &crc32(body)).body(body);
        ask.send().await.expect_error(501, "NotImplemented");
    }
    world.ask("GET", "/bkt/k").send().await.expect_status(200);
}

#[tokio::test]
async fn each_version_opens_with_its_own_key_only() {
    let world = World::new().await;
    set(&world, "Enabled").await;
    let a = put_sealed(&world, "/bkt/k", "under a", KEY_A).await;
    let b = put_sealed(&world, "/bkt/k", "under b", KEY_B).await;
    let plain = put(&world, "/bkt/k", "plain").await;
    let read = async |method: &str, version: &str, key: Option<(&'static str, &'static str)>| {
        let ask = world.ask(method, &format!("/bkt/k?versionId={version}"));
        match key {
            Some(key) => ask.key(key).send().await,
            None => ask.send().await,
        }
    };
    for (version, key, text) in
        [(&a, Some(KEY_A), "under a"), (&b, Some(KEY_B), "under b"), (&plain, None, "plain")]
    {
        let reply = read("GET", version, key).await.expect_status(200);
        assert_eq!(reply.text(), text);
        assert_eq!(reply.header("x-amz-version-id"), Some(version.as_str()));
        let reply = read("HEAD", version, key).await.expect_status(200);
        assert_eq!(reply.header("x-amz-version-id"), Some(version.as_str()));
    }
    for (version, key, status, code, message) in [
        (&a, Some(KEY_B), 403, "AccessDenied", WRONG_KEY),
        (&b, Some(KEY_A), 403, "AccessDenied", WRONG_KEY),
        (&a, None, 400, "InvalidRequest", KEY_REQUIRED),
        (
            &plain,
            Some(KEY_A),
            400,
            "InvalidRequest",
            "The encryption parameters are not applicable to this object.",
        ),
    ] {
        let reply = read("GET", version, key).await.expect_error(status, code);
        assert_eq!(reply.element("Message").as_deref(), Some(message));
        let head = read("HEAD", version, key).await.expect_status(status);
        assert_eq!(head.header("content-type"), Some("application/xml"));
    }
}

#[tokio::test]
async fn versions_that_are_not_there_are_told_from_ids_that_are_none() {
    let world = World::new().await;
    set(&world, "Enabled").await;
    put(&world, "/bkt/k", "x").await;
    let unknown = format!("{:032x}", 0xabcd);
    for method in ["GET", "HEAD"] {
        let missing = world.ask(method, &format!("/bkt/k?versionId={unknown}")).send().await;
        assert_eq!(missing.expect_status(404).header("x-amz-delete-marker"), None);
        world.ask(method, "/bkt/k?versionId=x").send().await.expect_status(400);
    }
    let missing = world.ask("GET", &format!("/bkt/k?versionId={unknown}")).send().await;
    let missing = missing.expect_error(404, "NoSuchVersion");
    assert_eq!(
        missing.element("Message").as_deref(),
        Some("The specified version does not exist.")
    );
    assert_eq!(missing.element("Key").as_deref(), Some("k"));
    assert_eq!(missing.element("VersionId"), Some(unknown.clone()));
    world.ask("GET", "/bkt/k?versionId=null").send().await.expect_error(404, "NoSuchVersion");
    for (method, target) in [
        ("GET", "/bkt/k?versionId=x"),
        ("DELETE", "/bkt/k?versionId=x"),
        ("GET", "/bkt/k?tagging&versionId=x"),
        ("GET", "/bkt/k?acl&versionId=x"),
    ] {
        let bad = world.ask(method, target).send().await.expect_error(400, "InvalidArgument");
        assert_eq!(bad.element("Message").as_deref(), Some("Invalid version id specified"));
        assert_eq!(bad.element("ArgumentName").as_deref(), Some("versionId"));
        assert_eq!(bad.element("ArgumentValue").as_deref(), Some("x"));
    }
    let gone = world.ask("DELETE", &format!("/bkt/k?versionId={unknown}")).send().await;
    assert_eq!(gone.expect_status(204).header("x-amz-version-id"), Some(unknown.as_str()));
}

#[tokio::test]
async fn a_delete_marker_hides_and_cannot_be_read() {
    let world = World::new().await;
    set(&world, "Enabled").await;
    let first = put_sealed(&world, "/bkt/k", "kept", KEY_A).await;
    let deleted = world.ask("DELETE", "/bkt/k").send().await.expect_status(204);
    assert_eq!(deleted.header("x-amz-delete-marker"), Some("true"));
    let marker = deleted.header("x-amz-version-id").unwrap().to_owned();

    let hidden = world.ask("GET", "/bkt/k").key(KEY_A).send().await.expect_error(404, "NoSuchKey");
    assert_eq!(hidden.header("x-amz-delete-marker"), Some("true"));
    assert_eq!(hidden.header("x-amz-version-id"), Some(marker.as_str()));
    let hidden = world.ask("HEAD", "/bkt/k").send().await.expect_status(404);
    assert_eq!(hidden.header("x-amz-delete-marker"), Some("true"));

    let target = format!("/bkt/k?versionId={marker}");
    let unread = world.ask("GET", &target).send().await.expect_error(405, "MethodNotAllowed");
    assert_eq!(
        unread.element("Message").as_deref(),
        Some("The specified method is not allowed against this resource.")
    );
    assert_eq!(unread.element("Method").as_deref(), Some("GET"));
    assert_eq!(unread.element("ResourceType").as_deref(), Some("DeleteMarker"));
    let unheaded = world.ask("HEAD", &target).send().await.expect_status(405);
    for reply in [unread, unheaded] {
        assert_eq!(reply.header("allow"), Some("DELETE"));
        assert_eq!(reply.header("x-amz-delete-marker"), Some("true"));
        assert_eq!(reply.header("x-amz-version-id"), Some(marker.as_str()));
        assert!(reply.header("last-modified").is_some());
    }

    let old = world.ask("GET", &format!("/bkt/k?versionId={first}")).key(KEY_A).send().await;
    assert_eq!(old.expect_status(200).text(), "kept");
    let undone = world.ask("DELETE", &target).send().await.expect_status(204);
    assert_eq!(undone.header("x-amz-delete-marker"), Some("true"));
    assert_eq!(undone.header("x-amz-version-id"), Some(marker.as_str()));
    world.ask("GET", "/bkt/k").key(KEY_A).send().await.expect_status(200);

    let target = format!("/bkt/k?versionId={first}");
    let gone = world.ask("DELETE", &target).send().await.expect_status(204);
    assert_eq!(gone.header("x-amz-delete-marker"), None);
    assert_eq!(gone.header("x-amz-version-id"), Some(first.as_str()));
    let gone = world.ask("GET", "/bkt/k").send().await.expect_error(404, "NoSuchKey");
    assert_eq!(gone.header("x-amz-delete-marker"), None);
}

#[tokio::test]
async fn null_versions_stay_and_are_replaced_when_suspended() {
    let world = World::new().await;
    world.put("/bkt/k", "before").await;
    set(&world, "Enabled").await;
    let named = put(&world, "/bkt/k", "named").await;
    let null = world.ask("GET", "/bkt/k?versionId=null").send().await.expect_status(200);
    assert_eq!((null.text().as_str(), null.header("x-amz-version-id")), ("before", Some("null")));

    set(&world, "Suspended").await;
    let ask = world.ask("PUT", "/bkt/k").key(KEY_B).body("null again");
    ask.send().await.expect_status(200);
    let null = world.ask("GET", "/bkt/k?versionId=null").key(KEY_B).send().await;
    assert_eq!(null.expect_status(200).text(), "null again");
    let latest = world.ask("GET", "/bkt/k").key(KEY_B).send().await.expect_status(200);
    assert_eq!(latest.header("x-amz-version-id"), Some("null"));

    let marker = world.ask("DELETE", "/bkt/k").send().await.expect_status(204);
    assert_eq!(marker.header("x-amz-version-id"), Some("null"));
    assert_eq!(marker.header("x-amz-delete-marker"), Some("true"));
    let listed = world.ask("GET", "/bkt?versions").send().await.expect_status(200);
    assert_eq!(listed.elements("VersionId"), ["null", named.as_str()]);
    let undone = world.ask("DELETE", "/bkt/k?versionId=null").send().await.expect_status(204);
    assert_eq!(undone.header("x-amz-delete-marker"), Some("true"));
    assert_eq!(world.ask("GET", "/bkt/k").send().await.expect_status(200).text(), "named");
}

#[tokio::test]
async fn many_versions_are_deleted_by_id() {
    let world = World::new().await;
    set(&world, "Enabled").await;
    let first = put_sealed(&world, "/bkt/k", "x", KEY_A).await;
    let second = put_sealed(&world, "/bkt/k", "x", KEY_B).await;
    let marker = world.ask("DELETE", "/bkt/k").send().await;
    let marker = marker.header("x-amz-version-id").unwrap().to_owned();
    let object =
        |version: &str| format!("<Object><Key>k</Key><VersionId>{version}</VersionId></Object>");
    let body = format!(
        "<Delete>{}{}{}<Object><Key>new</Key></Object></Delete>",
        object(&first),
        object(&marker),
        object("bad")
    );
    let ask = world.ask("POST", "/bkt?delete").header("x-amz-checksum-crc32", &crc32(&body));
    let reply = ask.body(body).send().await.expect_status(200);
    let deleted = reply.elements("Deleted");
    assert_eq!(deleted.len(), 3, "{}", reply.text());
    assert_eq!(deleted[0], format!("<Key>k</Key><VersionId>{first}</VersionId>"));
    assert_eq!(
        deleted[1],
        format!(
            "<Key>k</Key><VersionId>{marker}</VersionId><DeleteMarker>true</DeleteMarker><DeleteMarkerVersionId>{marker}</DeleteMarkerVersionId>"
        )
    );
    assert!(deleted[2].starts_with("<Key>new</Key><DeleteMarker>true</DeleteMarker>"));
    let errors = reply.elements("Error");
    assert_eq!(errors.len(), 1);
    assert_eq!(
        errors[0],
        "<Key>k</Key><VersionId>bad</VersionId><Code>NoSuchVersion</Code><Message>The specified version does not exist.</Message>"
    );
    let latest = world.ask("GET", "/bkt/k").key(KEY_B).send().await.expect_status(200);
    assert_eq!(latest.header("x-amz-version-id"), Some(second.as_str()));
}

#[tokio::test]
async fn a_listing_shows_versions_and_markers_in_order() {
    let world = World::new().await;
    set(&world, "Enabled").await;
    let old = put_sealed(&world, "/bkt/a", "12345", KEY_A).await;
    let new = put(&world, "/bkt/a", "1").await;
    put(&world, "/bkt/b", "x").await;
    let marker = world.ask("DELETE", "/bkt/b").send().await;
    let marker = marker.header("x-amz-version-id").unwrap().to_owned();
    let reply = world.ask("GET", "/bkt?versions").send().await.expect_status(200);
    assert_eq!(reply.header("content-type"), Some("application/xml"));
    let text = reply.text();
    let head = text.split_once("<Version>").unwrap().0;
    assert!(head.ends_with(
        "<Name>bkt</Name><Prefix></Prefix><KeyMarker></KeyMarker><VersionIdMarker></VersionIdMarker><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>"
    ), "{head}");
    let versions = reply.elements("Version");
    assert!(versions[0].starts_with(&format!(
        "<Key>a</Key><VersionId>{new}</VersionId><IsLatest>true</IsLatest><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>"
    )));
    assert!(versions[1].starts_with(&format!(
        "<Key>a</Key><VersionId>{old}</VersionId><IsLatest>false</IsLatest>"
    )));
    let owner = format!("<Owner><ID>{ROOT_ID}</ID><DisplayName>root</DisplayName></Owner>");
    assert!(
        versions[1]
            .ends_with(&format!("<Size>5</Size>{owner}<StorageClass>STANDARD</StorageClass>"))
    );
    assert_eq!(
        reply.elements("DeleteMarker"),
        [format!(
            "<Key>b</Key><VersionId>{marker}</VersionId><IsLatest>true</IsLatest><LastModified>2026-01-02T03:04:05.000Z</LastModified>{owner}"
        )]
    );
    assert!(text.find("<DeleteMarker>").unwrap() < text.rfind("<Version>").unwrap(), "interleaved");
    assert!(!text.contains("server-side"), "a listing says nothing of encryption");
}

#[tokio::test]
async fn a_listing_is_continued_by_key_and_version() {
    let world = World::new().await;
    world.put("/bkt/a", "null").await;
    set(&world, "Enabled").await;
    for key in ["a", "a", "dir/1", "dir/2", "z"] {
        put(&world, &format!("/bkt/{key}"), "x").await;
    }
    let whole = world.ask("GET", "/bkt?versions").send().await.expect_status(200);
    let (mut keys, mut ids) = (Vec::new(), Vec::new());
    let mut markers = String::new();
    loop {
        let target = format!("/bkt?versions&max-keys=1{markers}");
        let page = world.ask("GET", &target).send().await.expect_status(200);
        keys.extend(page.elements("Key"));
        ids.extend(page.elements("VersionId"));
        assert_eq!(page.elements("Version").len(), 1);
        if page.element("IsTruncated").as_deref() == Some("false") {
            assert_eq!(page.element("NextKeyMarker"), None);
            break;
        }
        let key = page.element("NextKeyMarker").unwrap();
        let version = page.element("NextVersionIdMarker").unwrap();
        markers = format!("&key-marker={key}&version-id-marker={version}");
        let next = world.ask("GET", &format!("/bkt?versions&max-keys=0{markers}")).send().await;
        assert_eq!(next.element("KeyMarker"), Some(key));
        assert_eq!(next.element("VersionIdMarker"), Some(version));
    }
    assert_eq!(keys, ["a", "a", "a", "dir/1", "dir/2", "z"]);
    assert_eq!(ids, whole.elements("VersionId"));
    assert_eq!(ids[2], "null");

    let rolled = world.ask("GET", "/bkt?versions&delimiter=/&prefix=d&encoding-type=url");
    let rolled = rolled.send().await.expect_status(200);
    assert_eq!(rolled.elements("CommonPrefixes"), ["<Prefix>dir/</Prefix>"]);
    assert_eq!(rolled.element("Delimiter").as_deref(), Some("/"));
    assert_eq!(rolled.element("EncodingType").as_deref(), Some("url"));
    assert!(rolled.elements("Version").is_empty());
    put(&world, "/bkt/sp%20ace%2B", "x").await;
    let encoded = world.ask("GET", "/bkt?versions&prefix=sp%20&encoding-type=url").send().await;
    assert_eq!(encoded.element("Key").as_deref(), Some("sp%20ace%2B"));
    assert_eq!(encoded.element("Prefix").as_deref(), Some("sp%20"));
}

#[tokio::test]
async fn markers_of_a_listing_are_checked() {
    let world = World::new().await;
    for (query, name, value, message) in [
        (
            "version-id-marker=null",
            "version-id-marker",
            "null",
            "A version-id marker cannot be specified without a key marker.",
        ),
        (
            "key-marker=a&version-id-marker=x",
            "version-id-marker",
            "x",
            "Invalid version id specified",
        ),
        ("encoding-type=x", "encoding-type", "x", "Invalid Encoding Method specified in Request"),
        (
            "max-keys=-1",
            "max-keys",
            "-1",
            "Argument max-keys must be an integer between 0 and 2147483647",
        ),
    ] {
        let reply = world.ask("GET", &format!("/bkt?versions&{query}")).send().await;
        let reply = reply.expect_error(400, "InvalidArgument");
        assert_eq!(reply.element("Message").as_deref(), Some(message));
        assert_eq!(reply.element("ArgumentName").as_deref(), Some(name));
        assert_eq!(reply.element("ArgumentValue").as_deref(), Some(value));
    }
    world.ask("GET", "/none?versions").send().await.expect_error(404, "NoSuchBucket");
}
