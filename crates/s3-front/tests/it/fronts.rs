//! Two servers on one catalog: what is changed by one counts for the other from its next request.

use object_engine::model::{Account, AccountId};
use sealed_store::KeyName;

use crate::{
    client::{KEY_A, SSE},
    world::World,
};

const KEY_ID: &str = "x-amz-server-side-encryption-aws-kms-key-id";

/// A document that allows everyone, or denies, reading `bkt`'s objects.
fn policy(effect: &str) -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "{effect}", "Principal": "*",
            "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bkt/*"}}]}}"#
    )
}

fn own_policy(effect: &str) -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "{effect}",
            "Action": "s3:*", "Resource": "*"}}]}}"#
    )
}

async fn status(world: &World, who: &str) -> u16 {
    world.ask("GET", "/bkt/k").by(who).send().await.status.as_u16()
}

/// Two services that have both served a user, so that whatever they keep of one they have.
async fn warm() -> (World, World) {
    let (one, two) = World::pair().await;
    one.put("/bkt/k", "x").await;
    one.add_user("alice").await;
    one.ask("PUT", "/bkt?policy").body(policy("Allow")).send().await.expect_status(204);
    for world in [&one, &two, &one, &two] {
        assert_eq!(status(world, "alice").await, 200);
    }
    (one, two)
}

#[tokio::test]
async fn what_one_wrote_the_other_reads_and_deletes() {
    let (one, two) = World::pair().await;
    one.ask("PUT", "/bkt/k").key(KEY_A).body("x").send().await.expect_status(200);
    let got = two.ask("GET", "/bkt/k").key(KEY_A).send().await.expect_status(200);
    assert_eq!(got.text(), "x");
    two.ask("GET", "/bkt/k").send().await.expect_status(400);
    two.ask("DELETE", "/bkt/k").send().await.expect_status(204);
    one.ask("GET", "/bkt/k").key(KEY_A).send().await.expect_error(404, "NoSuchKey");
}

#[tokio::test]
async fn a_removed_user_and_a_disabled_key_are_refused_at_once_by_every_server() {
    let (one, two) = warm().await;
    assert!(one.store.engine().enable_access_key("alice", false).await.unwrap());
    assert_eq!(status(&two, "alice").await, 403);
    assert!(one.store.engine().enable_access_key("alice", true).await.unwrap());
    assert_eq!(status(&two, "alice").await, 200);
    assert!(one.store.engine().remove_account("alice").await.unwrap());
    assert_eq!(status(&two, "alice").await, 403);
}

#[tokio::test]
async fn a_changed_secret_counts_at_once_on_every_server() {
    let (one, two) = warm().await;
    let mut key = one.store.engine().access_key("alice").await.unwrap().unwrap().0;
    assert!(one.store.engine().remove_access_key("alice").await.unwrap());
    key.sealed_secret = one.store.seal_user_secret("alice", b"another secret");
    one.store.engine().add_access_key(&key).await.unwrap();
    let refused = two.ask("GET", "/bkt/k").by("alice").send().await;
    refused.expect_error(403, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn a_changed_policy_counts_at_once_on_every_server() {
    let (one, two) = warm().await;
    one.ask("PUT", "/bkt?policy").body(policy("Deny")).send().await.expect_status(204);
    assert_eq!(status(&two, "alice").await, 403);
    two.ask("DELETE", "/bkt?policy").send().await.expect_status(204);
    assert_eq!(status(&one, "alice").await, 403);

    let account = |effect: &str| Account {
        id: AccountId("alice-id".into()),
        name: "alice".into(),
        display_name: "ALICE".into(),
        email: None,
        policy: Some(own_policy(effect)),
    };
    for (effect, expected) in [("Allow", 200), ("Deny", 403), ("Allow", 200)] {
        one.ask("PUT", "/bkt?policy").body(policy("Allow")).send().await.expect_status(204);
        one.store.engine().put_account(&account(effect), None).await.unwrap();
        assert_eq!(status(&two, "alice").await, expected, "{effect}");
    }
}

#[tokio::test]
async fn a_change_of_versioning_counts_at_once_on_every_server() {
    let (one, two) = World::pair().await;
    two.put("/bkt/k", "never versioned").await;
    for (status, is_named) in [("Enabled", true), ("Suspended", false), ("Enabled", true)] {
        let body =
            format!("<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>");
        one.ask("PUT", "/bkt?versioning").body(body).send().await.expect_status(200);
        let put = two.ask("PUT", "/bkt/k").body(status).send().await.expect_status(200);
        assert_eq!(put.header("x-amz-version-id").is_some(), is_named, "{status}");
    }
    let null = two.ask("GET", "/bkt/k?versionId=null").send().await.expect_status(200);
    assert_eq!(null.text(), "Suspended");
}

#[tokio::test]
async fn a_disabled_named_key_opens_nothing_on_any_server() {
    let (one, two) = World::pair().await;
    let name = KeyName::parse("team").unwrap();
    assert!(one.store.key_ring().add(&name).await.unwrap());
    let put = one.ask("PUT", "/bkt/k").header(SSE, "aws:kms").header(KEY_ID, "team");
    put.body("x").send().await.expect_status(200);
    two.ask("GET", "/bkt/k").send().await.expect_status(200);
    assert!(one.store.key_ring().set_enabled(&name, false).await.unwrap());
    two.ask("GET", "/bkt/k").send().await.expect_error(400, "KMS.DisabledException");
    assert!(one.store.key_ring().remove(&name).await.unwrap());
    two.ask("GET", "/bkt/k").send().await.expect_error(400, "KMS.NotFoundException");
}

#[tokio::test]
async fn a_delete_bucket_whose_client_hangs_up_goes_on() {
    let (one, two) = World::pair().await;
    let (before, _) = one.counts.so_far();
    let deletion = one.ask("DELETE", "/bkt").send();
    tokio::select! {
        biased;
        _ = deletion => panic!("it has two commits, and others have a turn after the first"),
        () = async {
            while one.counts.so_far().0 == before {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    two.ask("HEAD", "/bkt").send().await.expect_status(404);
}
