//! Who may see and carry tags, and that what is read is what was judged.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::{client::Reply, world::World};

fn statement(effect: &str, action: &str, keys: &str, condition: &str) -> String {
    format!(
        r#"{{"Effect": "{effect}", "Principal": "*", "Action": {action}, "Resource": "arn:aws:s3:::bkt/{keys}", "Condition": {{{condition}}}}}"#
    )
}

async fn put_policy(world: &World, statements: &[String]) {
    let policy = format!(r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#, statements.join(","));
    world.ask("PUT", "/bkt?policy").body(policy).send().await.expect_status(204);
}

async fn put_tagged(world: &World, target: &str, tags: &str) {
    let put = world.ask("PUT", target).header("x-amz-tagging", tags).body("x");
    put.send().await.expect_status(200);
}

/// A copy to `dst/k` by alice, who owns nothing.
async fn copy(world: &World, source: &str, replacing: bool) -> Reply {
    let copy = world.ask("PUT", "/bkt/dst/k").by("alice").header("x-amz-copy-source", source);
    let directive = if replacing { "REPLACE" } else { "COPY" };
    copy.header("x-amz-tagging-directive", directive).send().await
}

#[tokio::test]
async fn a_copy_carries_tags_only_for_who_may_read_and_write_them() {
    let world = World::new().await;
    world.add_user("alice").await;
    put_tagged(&world, "/bkt/src/tagged", "secret=classified").await;
    world.put("/bkt/src/plain", "x").await;
    let bodies = [
        statement("Allow", r#"["s3:GetObject", "s3:GetObjectVersion"]"#, "src/*", ""),
        statement("Allow", r#""s3:PutObject""#, "dst/*", ""),
    ];
    let reads = statement("Allow", r#""s3:GetObjectTagging""#, "src/*", "");
    let reads_version = statement("Allow", r#""s3:GetObjectVersionTagging""#, "src/*", "");
    let writes = statement("Allow", r#""s3:PutObjectTagging""#, "dst/*", "");
    let tags = r#""StringEquals": {"s3:RequestObjectTag/secret": "classified"}"#;
    let denies = statement("Deny", r#""s3:PutObjectTagging""#, "dst/*", tags);
    let (latest, null) = ("bkt/src/tagged", "bkt/src/tagged?versionId=null");
    for (more, source, status) in [
        (vec![], latest, 403),
        (vec![&reads], latest, 403),
        (vec![&writes], latest, 403),
        (vec![&reads, &writes], latest, 200),
        (vec![&reads, &writes], null, 403),
        (vec![&reads_version, &writes], null, 200),
        (vec![&reads, &writes, &denies], latest, 403),
        (vec![], "bkt/src/plain", 200),
    ] {
        let statements: Vec<_> = bodies.iter().chain(more).cloned().collect();
        put_policy(&world, &statements).await;
        let reply = copy(&world, source, false).await;
        assert_eq!(reply.status, status, "{source} {statements:#?}");
    }
    put_policy(&world, &bodies).await;
    copy(&world, latest, true).await.expect_status(200);
}

/// Whenever the object is overwritten, what is read is what the policy was asked about.
#[tokio::test]
async fn what_is_read_is_the_version_whose_tags_were_judged() {
    for method in ["GET", "HEAD", "TAGS", "COPY"] {
        let mut seen = [0; 2];
        for read in 1..12 {
            let status = raced(method, read).await;
            seen[usize::from(status == 200)] += 1;
        }
        assert!(seen.iter().all(|times| *times > 0), "{method}: too early and too late");
    }
}

/// What alice gets of an object that is overwritten before a request's read of the catalog with this
/// number; its new version is not for her.
async fn raced(method: &str, read: u64) -> u16 {
    let world = World::new().await;
    world.add_user("alice").await;
    put_tagged(&world, "/bkt/k", "public=yes").await;
    let open = r#""StringEquals": {"s3:ExistingObjectTag/public": "yes"}"#;
    let shut = r#""StringEquals": {"s3:ExistingObjectTag/public": "no"}"#;
    put_policy(
        &world,
        &[
            statement("Allow", r#""s3:GetObject*""#, "k", open),
            statement("Deny", r#""s3:GetObject*""#, "k", shut),
            statement("Allow", r#""s3:PutObject*""#, "copy", ""),
        ],
    )
    .await;
    let (reached, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    world.counts.hold_read(read, (&reached, &go_on));
    let reading = async {
        let ask = match method {
            "TAGS" => world.ask("GET", "/bkt/k?tagging"),
            "COPY" => world.ask("PUT", "/bkt/copy").header("x-amz-copy-source", "bkt/k"),
            _ => world.ask(method, "/bkt/k"),
        };
        let reply = ask.by("alice").send().await;
        // It may need fewer reads than that.
        reached.notify_one();
        reply
    };
    let overwriting = async {
        reached.notified().await;
        world.counts.release_reads();
        let put = world.ask("PUT", "/bkt/k").header("x-amz-tagging", "public=no");
        put.body("classified").send().await.expect_status(200);
        go_on.notify_one();
    };
    let (reply, ()) = tokio::join!(reading, overwriting);
    let status = reply.status.as_u16();
    match status {
        200 => {
            let length = reply.header("content-length").unwrap_or_default();
            assert_ne!(length, "10", "{method} at {read}: the new version");
            let tags = reply.elements("Value");
            assert!(!tags.contains(&"no".to_owned()), "{method} at {read}: the new tags");
        }
        403 => {}
        other => panic!("{method} at {read}: {other}"),
    }
    if method == "COPY" && status == 200 {
        let copied = world.ask("GET", "/bkt/copy").send().await.expect_status(200);
        assert_eq!(copied.text(), "x", "at {read}: the copy is of the new version");
    }
    status
}
