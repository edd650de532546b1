//! What the profile `ceph` does otherwise, each with what stays the same under it and under `aws`.

use s3_front::service::{ObjectOwnership, Profile};
use sealed_store::KeyName;

use crate::{
    client::{KEY_A, KEY_B, Reply, SOURCE, SSE},
    deletes::crc32,
    post_object::Form,
    world::World,
};

const KEY_ID: &str = "x-amz-server-side-encryption-aws-kms-key-id";

/// Asks under both profiles and wants these answers: of aws, then of ceph.
async fn asked<F>(aws: (u16, &str), ceph: (u16, &str), ask: F)
where
    F: AsyncFn(&World) -> Reply,
{
    for (profile, (status, code)) in [(Profile::Aws, aws), (Profile::Ceph, ceph)] {
        let world = World::under(profile).await;
        world.put("/bkt/plain", "hello").await;
        let reply = ask(&world).await;
        assert_eq!(reply.status, status, "{profile:?}: {}", reply.text());
        if !reply.body.is_empty() {
            assert_eq!(reply.element("Code").as_deref().unwrap_or(""), code, "{profile:?}");
        }
    }
}

async fn begun(world: &World, headers: &[(&str, &str)]) -> String {
    let reply = world.ask("POST", "/bkt/up?uploads").headers(headers).send().await;
    reply.expect_status(200).element("UploadId").unwrap()
}

fn list(parts: &[(u32, &str)]) -> String {
    let part = |(number, etag): &(u32, &str)| {
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
    };
    let parts: String = parts.iter().map(part).collect();
    format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>")
}

async fn part(world: &World, id: &str, body: &'static str) -> String {
    let ask = world.ask("PUT", &format!("/bkt/up?partNumber=1&uploadId={id}")).body(body);
    ask.send().await.expect_status(200).header("etag").unwrap().to_owned()
}

#[tokio::test]
async fn reads_are_refused_by_other_codes() {
    let other_key = async |world: &World| {
        world.ask("PUT", "/bkt/sealed").key(KEY_A).body("x").send().await.expect_status(200);
        world.ask("GET", "/bkt/sealed").key(KEY_B).send().await
    };
    asked((403, "AccessDenied"), (400, "InvalidArgument"), other_key).await;
    let no_such_part =
        async |world: &World| world.ask("GET", "/bkt/plain?partNumber=2").send().await;
    asked((416, "InvalidPartNumber"), (400, "InvalidPart"), no_such_part).await;
    let torrent = async |world: &World| world.ask("GET", "/bkt/plain?torrent").send().await;
    asked((405, "MethodNotAllowed"), (404, "NoSuchKey"), torrent).await;
    for expires in ["-1", "604801", "x"] {
        let target = format!(
            "/bkt/plain?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=root%2F20260102%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires={expires}&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
        );
        let presigned = async |world: &World| world.ask("GET", &target).anonymous().send().await;
        let aws = (400, "AuthorizationQueryParametersError");
        asked(aws, (403, "AccessDenied"), presigned).await;
    }
}

#[tokio::test]
async fn writes_are_refused_by_other_codes() {
    let tags: Vec<String> = (0..11).map(|number| format!("k{number}=v")).collect();
    let tags = tags.join("&");
    let tagged = async |world: &World| {
        world.ask("PUT", "/bkt/k").header("x-amz-tagging", &tags).body("x").send().await
    };
    asked((400, "BadRequest"), (400, "InvalidTag"), tagged).await;
    let owner = async |world: &World| {
        let put = world.ask("PUT", "/bkt/k").header("x-amz-expected-bucket-owner", "unlikely");
        put.body("x").send().await
    };
    asked((400, "InvalidBucketOwnerAWSAccountID"), (403, "AccessDenied"), owner).await;
    for (target, there) in [("/bkt/none", (404, "NoSuchKey")), ("/bkt/plain", (200, ""))] {
        let any = async |world: &World| {
            world.ask("PUT", target).header("if-match", "*").body("x").send().await
        };
        asked((501, "NotImplemented"), there, any).await;
    }
    let no_value = async |world: &World| {
        world.ask("PUT", "/bkt/k").header("x-amz-checksum-sha256", "bad").body("x").send().await
    };
    asked((400, "InvalidRequest"), (400, "BadDigest"), no_value).await;
    let no_list = async |world: &World| {
        let id = begun(world, &[]).await;
        world.ask("POST", &format!("/bkt/up?uploadId={id}")).send().await
    };
    asked((400, "InvalidRequest"), (400, "MalformedXML"), no_list).await;
    for (range, aws) in [("bytes=0-21", "InvalidArgument"), ("bytes=21-22", "InvalidRequest")] {
        let beyond = async |world: &World| {
            let id = begun(world, &[]).await;
            let copy = world.ask("PUT", &format!("/bkt/up?partNumber=1&uploadId={id}"));
            let copy = copy.header(SOURCE, "/bkt/plain");
            copy.header("x-amz-copy-source-range", range).send().await
        };
        asked((400, aws), (416, "InvalidRange"), beyond).await;
    }
    for unit in ["Days", "Years"] {
        let no_time = async |world: &World| {
            let locked = world.ask("PUT", "/locked");
            let locked = locked.header("x-amz-bucket-object-lock-enabled", "true");
            locked.send().await.expect_status(200);
            let body = format!(
                "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><{unit}>0</{unit}></DefaultRetention></Rule></ObjectLockConfiguration>"
            );
            let ask = world.ask("PUT", "/locked?object-lock");
            ask.header("x-amz-checksum-crc32", &crc32(&body)).body(body).send().await
        };
        asked((400, "InvalidArgument"), (400, "InvalidRetentionPeriod"), no_time).await;
    }
}

#[tokio::test]
async fn a_bucket_has_no_default_encryption_before_one_is_set() {
    let get = async |world: &World| world.ask("GET", "/bkt?encryption").send().await;
    let none = "ServerSideEncryptionConfigurationNotFoundError";
    asked((200, ""), (404, none), get).await;
    let body = "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>";
    let put = async |world: &World| {
        let ask = world.ask("PUT", "/bkt?encryption").header("x-amz-checksum-crc32", &crc32(body));
        ask.body(body).send().await.expect_status(200);
        get(world).await
    };
    asked((200, ""), (200, ""), put).await;
    let deleted = async |world: &World| {
        put(world).await.expect_status(200);
        world.ask("DELETE", "/bkt?encryption").send().await.expect_status(204);
        get(world).await
    };
    asked((200, ""), (404, none), deleted).await;
}

#[tokio::test]
async fn a_bucket_made_again_keeps_its_acl() {
    for (profile, status) in [(Profile::Aws, 200), (Profile::Ceph, 409)] {
        let world = World::under_with(profile, ObjectOwnership::ObjectWriter).await;
        let make = || world.ask("PUT", "/again");
        let public = || make().header("x-amz-acl", "public-read");
        make().send().await.expect_status(200);
        make().send().await.expect_status(200);
        let reply = public().send().await.expect_status(status);
        let code = (status == 409).then_some("BucketAlreadyExists");
        assert_eq!(reply.element("Code").as_deref(), code);
        let acl = world.ask("GET", "/again?acl").send().await.expect_status(200);
        assert_eq!(acl.text().contains("AllUsers"), status == 200, "{profile:?}");
    }
}

#[tokio::test]
async fn listings_and_locations_are_said_plainly() {
    let location = async |world: &World| world.ask("GET", "/bkt?location").send().await;
    let token =
        async |world: &World| world.ask("GET", "/bkt?list-type=2&continuation-token=").send().await;
    asked((400, "InvalidArgument"), (200, ""), token).await;
    for (profile, region, prefix) in
        [(Profile::Aws, "", "a%20b"), (Profile::Ceph, "us-east-1", "a b")]
    {
        let world = World::under(profile).await;
        let reply = location(&world).await.expect_status(200);
        assert!(
            reply.text().contains(&format!(">{region}</LocationConstraint>")) || region.is_empty()
        );
        assert_eq!(reply.text().contains("us-east-1"), !region.is_empty(), "{}", reply.text());
        for version in [1, 2] {
            let target = format!("/bkt?list-type={version}&prefix=a%20b&encoding-type=url");
            let listed = world.ask("GET", &target).send().await.expect_status(200);
            let expected = if version == 1 { prefix } else { "a%20b" };
            assert_eq!(listed.element("Prefix").as_deref(), Some(expected), "{profile:?}");
        }
        world.put("/bkt/1", "").await;
        world.put("/bkt/2", "").await;
        let first = world.ask("GET", "/bkt?list-type=2&max-keys=1&start-after=0").send().await;
        let token = first.expect_status(200).element("NextContinuationToken").unwrap();
        let target = format!("/bkt?list-type=2&start-after=0&continuation-token={token}");
        let second = world.ask("GET", &target).send().await.expect_status(200);
        let repeated = (profile == Profile::Ceph).then_some("0");
        assert_eq!(second.element("StartAfter").as_deref(), repeated, "{profile:?}");
        assert_eq!(second.element("Key").as_deref(), Some("2"), "{profile:?}");
    }
}

#[tokio::test]
async fn a_composite_checksum_needs_no_list_of_those_of_the_parts() {
    let completed = async |world: &World| {
        let id = begun(world, &[("x-amz-checksum-algorithm", "CRC32")]).await;
        let etag = part(world, &id, "part").await;
        let ask = world.ask("POST", &format!("/bkt/up?uploadId={id}"));
        ask.body(list(&[(1, &etag)])).send().await
    };
    asked((400, "InvalidRequest"), (200, ""), completed).await;
}

#[tokio::test]
async fn attributes_count_the_parts_of_a_composite_checksum() {
    for (profile, end) in [(Profile::Aws, "="), (Profile::Ceph, "-1")] {
        let world = World::under(profile).await;
        let id = begun(&world, &[("x-amz-checksum-algorithm", "CRC32")]).await;
        let etag = part(&world, &id, "part").await;
        let body = format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag><ChecksumCRC32>{}</ChecksumCRC32></Part></CompleteMultipartUpload>",
            crc32("part")
        );
        let done = world.ask("POST", &format!("/bkt/up?uploadId={id}")).body(body).send().await;
        assert!(done.expect_status(200).element("ChecksumCRC32").unwrap().ends_with("-1"));
        let ask = world.ask("GET", "/bkt/up?attributes");
        let shown = ask.header("x-amz-object-attributes", "Checksum").send().await;
        let sum = shown.expect_status(200).element("ChecksumCRC32").unwrap();
        assert!(sum.ends_with(end), "{profile:?}: {sum}");
    }
}

#[tokio::test]
async fn a_missing_key_is_told_to_have_no_delete_marker() {
    for (profile, told) in [(Profile::Aws, None), (Profile::Ceph, Some("false"))] {
        let world = World::under(profile).await;
        for method in ["GET", "HEAD"] {
            let reply = world.ask(method, "/bkt/none").send().await.expect_status(404);
            assert_eq!(reply.header("x-amz-delete-marker"), told, "{profile:?}");
        }
        world.set_versioning(object_engine::model::Versioning::Enabled).await;
        world.put("/bkt/k", "x").await;
        world.ask("DELETE", "/bkt/k").send().await.expect_status(204);
        let marked = world.ask("HEAD", "/bkt/k").send().await.expect_status(404);
        assert_eq!(marked.header("x-amz-delete-marker"), Some("true"), "{profile:?}");
    }
}

#[tokio::test]
async fn named_keys_are_named() {
    let unnamed = async |world: &World| {
        world.store.key_ring().add(&KeyName::default()).await.unwrap();
        world.ask("PUT", "/bkt/k").header(SSE, "aws:kms").body("x").send().await
    };
    asked((200, ""), (400, "InvalidArgument"), unnamed).await;
}

/// Whatever a part says, it is sealed as its upload is; what says otherwise is refused.
#[tokio::test]
async fn a_part_may_repeat_the_encryption_of_its_upload() {
    let of_named: &[(&str, &str)] = &[(SSE, "aws:kms"), (KEY_ID, "one")];
    let other: &[(&str, &str)] = &[(SSE, "aws:kms"), (KEY_ID, "two")];
    let of_server: &[(&str, &str)] = &[(SSE, "AES256")];
    for (upload, of_part, under_ceph) in [
        (of_named, of_named, 200),
        (of_named, other, 200),
        (of_server, of_server, 200),
        (of_server, of_named, 400),
        (of_named, of_server, 400),
        (&[], of_named, 400),
    ] {
        for copied in [false, true] {
            let sent = async |world: &World| {
                world.store.key_ring().add(&KeyName::parse("one").unwrap()).await.unwrap();
                let id = begun(world, upload).await;
                let ask = world.ask("PUT", &format!("/bkt/up?partNumber=1&uploadId={id}"));
                let ask = ask.headers(of_part);
                match copied {
                    true => ask.header(SOURCE, "/bkt/plain").send().await,
                    false => ask.body("x").send().await,
                }
            };
            let ceph = (under_ceph, if under_ceph == 400 { "InvalidArgument" } else { "" });
            asked((400, "InvalidArgument"), ceph, sent).await;
        }
    }
}

#[tokio::test]
async fn of_a_part_listed_again_the_last_counts() {
    let twice = async |world: &World| {
        let id = begun(world, &[]).await;
        let one = part(world, &id, "one").await;
        let two = part(world, &id, "two").await;
        let body = list(&[(1, &one), (1, &two)]);
        world.ask("POST", &format!("/bkt/up?uploadId={id}")).body(body).send().await
    };
    asked((400, "InvalidPartOrder"), (200, ""), twice).await;
    let stale_last = async |world: &World| {
        let id = begun(world, &[]).await;
        let one = part(world, &id, "one").await;
        let two = part(world, &id, "two").await;
        let body = list(&[(1, &two), (1, &one)]);
        world.ask("POST", &format!("/bkt/up?uploadId={id}")).body(body).send().await
    };
    asked((400, "InvalidPartOrder"), (400, "InvalidPart"), stale_last).await;
}

/// A policy of this profile is evaluated as everywhere: its idle statement allows nothing.
#[tokio::test]
async fn an_idle_statement_is_taken_and_allows_nothing() {
    let policy = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bkt"}]}"#;
    let put = async |world: &World| world.ask("PUT", "/bkt?policy").body(policy).send().await;
    asked((400, "MalformedPolicy"), (204, ""), put).await;
    let world = World::under(Profile::Ceph).await;
    put(&world).await.expect_status(204);
    let written = world.ask("PUT", "/bkt/k").anonymous().body("x").send().await;
    written.expect_error(403, "AccessDenied");
    let owner = world.ask("PUT", "/bkt/k").body("x").send().await;
    owner.expect_status(200);
}

/// A form under a policy that lets an absent field be anything stores what it says, and with its key.
#[tokio::test]
async fn a_form_may_leave_a_field_away_that_may_be_anything() {
    let absent = async |world: &World| {
        let form = Form::new(world, &[("key", "k")]);
        form.condition(r#"["starts-with", "$x-amz-meta-a", ""]"#).v4().ask().send().await
    };
    asked((403, "AccessDenied"), (204, ""), absent).await;
    let absent_key = async |world: &World| {
        let form = Form::new(world, &[("key", "k")]);
        let condition = r#"["starts-with", "$x-amz-server-side-encryption-customer-key", ""]"#;
        form.condition(condition).v4().ask().send().await
    };
    asked((403, "AccessDenied"), (403, "AccessDenied"), absent_key).await;
}

#[tokio::test]
async fn a_status_counts_the_acl_where_acls_count() {
    let world = World::under_with(Profile::Ceph, ObjectOwnership::ObjectWriter).await;
    world.ask("PUT", "/bkt").send().await.expect_status(200);
    let is_public = async || {
        let status = world.ask("GET", "/bkt?policyStatus").send().await.expect_status(200);
        status.element("IsPublic").unwrap()
    };
    for (acl, public) in
        [("private", "false"), ("public-read", "true"), ("authenticated-read", "true")]
    {
        world.ask("PUT", "/bkt?acl").header("x-amz-acl", acl).send().await.expect_status(200);
        assert_eq!(is_public().await, public, "{acl}");
    }
    let ignored = "<PublicAccessBlockConfiguration><IgnorePublicAcls>true</IgnorePublicAcls></PublicAccessBlockConfiguration>";
    let block = world.ask("PUT", "/bkt?publicAccessBlock").body(ignored);
    block.send().await.expect_status(200);
    assert_eq!(is_public().await, "false", "ignored");
}
