//! Who may do what, and that nobody's body is asked for before that is settled.

use object_engine::model::{AccessKey, AddAccessKey};

use crate::{
    client::KEY_A,
    world::{SECRET, World},
};

const REQUESTS: &[(&str, &str)] = &[
    ("GET", "/bkt"),
    ("HEAD", "/bkt"),
    ("DELETE", "/bkt"),
    ("GET", "/bkt?location"),
    ("GET", "/bkt?uploads"),
    ("GET", "/bkt?list-type=2"),
    ("POST", "/bkt?delete"),
    ("PUT", "/bkt/k"),
    ("GET", "/bkt/k"),
    ("HEAD", "/bkt/k"),
    ("DELETE", "/bkt/k"),
    ("POST", "/bkt/k?uploads"),
    ("PUT", "/bkt/k?partNumber=1&uploadId=x"),
    ("POST", "/bkt/k?uploadId=x"),
    ("DELETE", "/bkt/k?uploadId=x"),
    ("GET", "/bkt/k?uploadId=x"),
];

#[tokio::test]
async fn another_account_and_nobody_are_denied_unread() {
    let world = World::new().await;
    world.add_user("alice").await;
    world.put("/bkt/k", "x").await;
    for (method, target) in REQUESTS {
        for ask in [world.ask(method, target).by("alice"), world.ask(method, target).anonymous()] {
            let reply = ask.body("secret").send().await.expect_status(403);
            assert!(!reply.polled, "{method} {target}");
            if *method != "HEAD" {
                reply.expect_error(403, "AccessDenied");
            }
        }
    }
    world.ask("GET", "/").anonymous().send().await.expect_error(403, "AccessDenied");
    let created = world.ask("PUT", "/new").anonymous().body("x").send().await;
    assert!(!created.expect_error(403, "AccessDenied").polled);
    let still = world.ask("GET", "/bkt/k").send().await.expect_status(200);
    assert_eq!(still.text(), "x");
}

#[tokio::test]
async fn an_account_owns_what_it_makes_and_root_may_all() {
    let world = World::new().await;
    world.add_user("alice").await;
    world.ask("PUT", "/hers").by("alice").send().await.expect_status(200);
    world.ask("PUT", "/hers/k").by("alice").key(KEY_A).body("x").send().await.expect_status(200);
    let by_root = world.ask("GET", "/hers/k").key(KEY_A).send().await.expect_status(200);
    assert_eq!(by_root.text(), "x");
    let listed = world.ask("GET", "/hers").by("alice").send().await.expect_status(200);
    assert!(listed.text().contains("<ID>alice-id</ID><DisplayName>ALICE</DisplayName>"));
}

#[tokio::test]
async fn a_request_that_is_not_authentic_is_refused_unread() {
    let world = World::new().await;
    let reply = world.ask("PUT", "/bkt/k").by("mallory").body("x").send().await;
    assert!(!reply.expect_error(403, "InvalidAccessKeyId").polled);
    let now_gone = world.ask("GET", "/bkt").by("alice");
    now_gone.send().await.expect_error(403, "InvalidAccessKeyId");
    world.add_user("alice").await;
    world.store.engine().remove_account("alice").await.unwrap();
    world.ask("GET", "/bkt").by("alice").send().await.expect_error(403, "InvalidAccessKeyId");
}

#[tokio::test]
async fn a_disabled_key_is_unknown_from_the_next_request_and_the_other_goes_on() {
    let world = World::new().await;
    world.add_user("alice").await;
    let next = AccessKey {
        id: "next".into(),
        account: "alice".into(),
        sealed_secret: world.store.seal_user_secret("next", SECRET.as_bytes()),
        enabled: true,
    };
    let engine = world.store.engine();
    assert_eq!(engine.add_access_key(&next).await.unwrap(), AddAccessKey::Added);
    let list = |key| world.ask("GET", "/").by(key).send();
    world.ask("PUT", "/hers").by("alice").send().await.expect_status(200);
    assert!(list("next").await.expect_status(200).text().contains("<Name>hers</Name>"));
    assert!(engine.enable_access_key("alice", false).await.unwrap());
    list("alice").await.expect_error(403, "InvalidAccessKeyId");
    list("next").await.expect_status(200);
    assert!(engine.enable_access_key("alice", true).await.unwrap());
    list("alice").await.expect_status(200);
    assert!(engine.remove_access_key("next").await.unwrap());
    list("next").await.expect_error(403, "InvalidAccessKeyId");
}

#[tokio::test]
async fn the_expected_owner_must_own() {
    const CANONICAL: &str = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f";
    let world = World::new().await;
    let ask = |owner| world.ask("GET", "/bkt").header("x-amz-expected-bucket-owner", owner);
    ask("root-canonical-id").send().await.expect_status(200);
    for other in ["123456789012", CANONICAL] {
        ask(other).send().await.expect_error(403, "AccessDenied");
    }
    for none in ["0000", "0000000000020", "abcd", "aa000000000$", "somebody"] {
        let refused = ask(none).send().await;
        let refused = refused.expect_error(400, "InvalidBucketOwnerAWSAccountID");
        let message = format!(
            "The value of the expected bucket owner parameter must be an AWS Account ID... [{none}]"
        );
        assert_eq!(refused.element("Message"), Some(message));
    }
}

/// A server may move a request between threads.
#[tokio::test]
async fn answering_is_send() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let world = World::new().await;
    let request = http::Request::new(http_body_util::Full::new(bytes::Bytes::new()));
    let peer = ([127, 0, 0, 1], 1).into();
    let connection = s3_front::service::ConnectionInfo { peer, secure: true };
    let answer = is_send(world.service.handle(request, connection)).await;
    assert_eq!(is_send(answer).status(), 403);
}
