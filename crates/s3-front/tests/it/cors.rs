//! Pages of other origins: preflights, and what browsers are told beside every other answer.

use crate::{
    client::{ALGORITHM, Ask, KEY, KEY_A, KEY_MD5, Reply},
    deletes::crc32,
    world::World,
};

const RULES: &str = "<CORSConfiguration>\
    <CORSRule><ID>app</ID><AllowedOrigin>https://*.app.example</AllowedOrigin>\
    <AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod>\
    <AllowedHeader>x-amz-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>\
    <ExposeHeader>x-amz-version-id</ExposeHeader><MaxAgeSeconds>600</MaxAgeSeconds></CORSRule>\
    <CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>HEAD</AllowedMethod></CORSRule>\
    </CORSConfiguration>";
const PAGE: &str = "https://www.app.example";
const VARY: &str = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";
/// What only a matching rule adds.
const SAID: &[&str] = &[
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-allow-credentials",
    "access-control-expose-headers",
    "access-control-max-age",
];

fn put<'w>(world: &'w World, target: &str, rules: &str) -> Ask<'w> {
    let ask = world.ask("PUT", target).header("x-amz-checksum-crc32", &crc32(rules));
    ask.body(rules.to_owned())
}

async fn world() -> World {
    let world = World::new().await;
    put(&world, "/bkt?cors", RULES).send().await.expect_status(200);
    world
}

fn preflight<'w>(world: &'w World, target: &str, origin: &str, method: &str) -> Ask<'w> {
    let ask = world.ask("OPTIONS", target).anonymous().header("origin", origin);
    ask.header("access-control-request-method", method)
}

/// Asks for a header besides that no rule allows.
fn with_range(ask: Ask<'_>) -> Ask<'_> {
    ask.header("access-control-request-headers", "x-amz-date,range")
}

#[track_caller]
fn says_nothing(reply: &Reply) {
    for name in SAID {
        assert_eq!(reply.header(name), None, "{name}");
    }
}

#[tokio::test]
async fn rules_are_kept_and_removed() {
    let world = World::new().await;
    let get = || world.ask("GET", "/bkt?cors").send();
    let missing = get().await.expect_error(404, "NoSuchCORSConfiguration");
    assert_eq!(missing.element("BucketName").as_deref(), Some("bkt"));
    assert_eq!(missing.element("Message").unwrap(), "The CORS configuration does not exist");
    put(&world, "/bkt?cors", RULES).send().await.expect_status(200);
    let kept = get().await.expect_status(200);
    assert_eq!(kept.elements("AllowedMethod"), ["GET", "PUT", "HEAD"]);
    assert_eq!(kept.elements("AllowedOrigin"), ["https://*.app.example", "*"]);
    assert_eq!(kept.elements("MaxAgeSeconds"), ["600"]);
    for _ in 0..2 {
        world.ask("DELETE", "/bkt?cors").send().await.expect_status(204);
    }
    get().await.expect_error(404, "NoSuchCORSConfiguration");
}

#[tokio::test]
async fn what_cannot_be_a_rule_is_refused_and_changes_nothing() {
    let world = world().await;
    let patch = RULES.replace("PUT", "PATCH");
    let refused = put(&world, "/bkt?cors", &patch).send().await;
    let refused = refused.expect_error(400, "InvalidRequest");
    assert_eq!(
        refused.element("Message").unwrap(),
        "Found unsupported HTTP method in CORS config. Unsupported method is PATCH"
    );
    let empty = put(&world, "/bkt?cors", "<CORSConfiguration/>").send().await;
    empty.expect_error(400, "MalformedXML");
    let large = format!("{RULES}<!--{}-->", "x".repeat(64 * 1024));
    let large = put(&world, "/bkt?cors", &large).send().await;
    let large = large.expect_error(400, "MaxMessageLengthExceeded");
    assert_eq!(large.element("MaxMessageLengthBytes").as_deref(), Some("65536"));
    let bare = world.ask("PUT", "/bkt?cors").body(RULES).send().await;
    bare.expect_error(400, "InvalidRequest");
    let kept = world.ask("GET", "/bkt?cors").send().await;
    assert_eq!(kept.elements("AllowedMethod"), ["GET", "PUT", "HEAD"]);
}

/// The largest that may be sent: 100 rules, each with texts that grow when they are written again.
#[tokio::test]
async fn the_largest_configuration_is_kept_and_answers() {
    let world = World::new().await;
    let around =
        "<CORSRule><AllowedOrigin></AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>";
    let fill = (64 * 1024 - 40) / 100 - around.len();
    let rule =
        around.replace("></AllowedOrigin>", &format!(">{}</AllowedOrigin>", "\"".repeat(fill)));
    let rules = format!("<CORSConfiguration>{}</CORSConfiguration>", rule.repeat(100));
    assert!((65_000..=65_536).contains(&rules.len()));
    put(&world, "/bkt?cors", &rules).send().await.expect_status(200);
    let kept = world.ask("GET", "/bkt?cors").send().await.expect_status(200);
    assert_eq!(kept.elements("CORSRule").len(), 100);
    let answer = preflight(&world, "/bkt", &"\"".repeat(fill), "GET").send().await;
    answer.expect_status(200);
}

#[tokio::test]
async fn a_preflight_is_answered_to_anybody_about_buckets_and_keys() {
    let world = world().await;
    for target in ["/bkt", "/bkt/", "/bkt/no/such", "/bkt/k?X-Amz-Signature=0&partNumber=1"] {
        let ask = preflight(&world, target, PAGE, "PUT");
        let wanted = format!("{ALGORITHM}, X-Amz-Server-Side-Encryption-Customer-Key,{KEY_MD5}");
        let reply = ask.header("access-control-request-headers", &wanted).send().await;
        let reply = reply.expect_status(200);
        assert!(reply.body.is_empty() && !reply.polled);
        let expected = [
            PAGE,
            "GET, PUT",
            &format!("{ALGORITHM}, {KEY}, {KEY_MD5}"),
            "true",
            "ETag, x-amz-version-id",
            "600",
        ];
        for (name, value) in SAID.iter().zip(expected) {
            assert_eq!(reply.header(name), Some(value), "{name}");
        }
        assert_eq!(reply.header("vary"), Some(VARY));
    }
    let hosted = preflight(&world, "/k", PAGE, "GET").host("bkt.s3.example.com").send().await;
    assert_eq!(hosted.expect_status(200).header(SAID[0]), Some(PAGE));
    let open = preflight(&world, "/bkt/k", "null", "HEAD").send().await.expect_status(200);
    assert_eq!((open.header(SAID[0]), open.header(SAID[3])), (Some("*"), None));
    // Whose signature, and whether it is one, is of no interest.
    let signed = world.ask("OPTIONS", "/bkt").by("mallory").header("origin", PAGE);
    let signed = signed.header("access-control-request-method", "GET").send().await;
    signed.expect_status(200);
}

#[tokio::test]
async fn a_preflight_that_no_rule_allows_is_forbidden() {
    let world = world().await;
    world.ask("PUT", "/unset").send().await.expect_status(200);
    for (ask, message, resource) in [
        (
            preflight(&world, "/bkt", "https://b", "GET"),
            "This CORS request is not allowed. ",
            "BUCKET",
        ),
        (
            preflight(&world, "/bkt/k", PAGE, "DELETE"),
            "This CORS request is not allowed. ",
            "OBJECT",
        ),
        (
            with_range(preflight(&world, "/bkt/k", PAGE, "GET")),
            "This CORS request is not allowed. ",
            "OBJECT",
        ),
        (
            preflight(&world, "/unset", PAGE, "GET"),
            "CORS is not enabled for this bucket.",
            "BUCKET",
        ),
        (preflight(&world, "/none/k", PAGE, "GET"), "Bucket not found", "OBJECT"),
    ] {
        let reply = ask.send().await.expect_error(403, "AccessForbidden");
        let said = reply.element("Message").unwrap();
        assert!(said.starts_with(&format!("CORSResponse: {message}")), "{said}");
        assert_eq!(reply.element("ResourceType").as_deref(), Some(resource));
        assert!(["GET", "DELETE"].contains(&reply.element("Method").unwrap().as_str()));
        says_nothing(&reply);
    }
    preflight(&world, "/", PAGE, "GET").send().await.expect_error(405, "MethodNotAllowed");
    preflight(&world, "/B_d", PAGE, "GET").send().await.expect_error(400, "InvalidBucketName");
}

#[tokio::test]
async fn a_preflight_that_asks_for_nothing_is_400() {
    let world = world().await;
    let message = |reply: Reply| reply.expect_error(400, "BadRequest").element("Message").unwrap();
    let bare = world.ask("OPTIONS", "/bkt/k").anonymous().send().await;
    assert_eq!(message(bare), "Insufficient information. Origin request header needed.");
    let no_method = world.ask("OPTIONS", "/bkt").anonymous().header("origin", PAGE).send().await;
    assert_eq!(message(no_method), "Invalid Access-Control-Request-Method: null");
    let patch = preflight(&world, "/bkt", PAGE, "PATCH").send().await;
    assert_eq!(message(patch), "Invalid Access-Control-Request-Method: PATCH");
}

#[tokio::test]
async fn every_answer_across_origins_says_what_its_rule_allows() {
    let world = world().await;
    let put = world.ask("PUT", "/bkt/k").key(KEY_A).header("origin", PAGE).body("x").send().await;
    let refused = world.ask("GET", "/bkt/k").header("origin", PAGE).send().await;
    let unknown = world.ask("GET", "/bkt/none").header("origin", PAGE).send().await;
    let stranger = world.ask("GET", "/bkt/k").by("mallory").header("origin", PAGE).send().await;
    let nobody = world.ask("GET", "/bkt/k").anonymous().header("origin", PAGE).send().await;
    for (reply, status) in
        [(put, 200), (refused, 400), (unknown, 404), (stranger, 403), (nobody, 403)]
    {
        let reply = reply.expect_status(status);
        let expected = [PAGE, "GET, PUT", "", "true", "ETag, x-amz-version-id", "600"];
        for (name, value) in SAID.iter().zip(expected) {
            assert_eq!(reply.header(name).unwrap_or_default(), value, "{name}");
        }
        assert_eq!(reply.header("vary"), Some(VARY));
    }
    let open = world.ask("HEAD", "/bkt").header("origin", "https://b").send().await;
    assert_eq!((open.header(SAID[0]), open.header(SAID[3])), (Some("*"), None));
    let other = world.ask("GET", "/bkt").header("origin", "https://b").send().await;
    says_nothing(&other);
    assert_eq!(other.header("vary"), Some(VARY), "a cache must not give it to another origin");
    let same_site = world.ask("GET", "/bkt").send().await.expect_status(200);
    says_nothing(&same_site);
    assert_eq!(same_site.header("vary"), None);
}

#[tokio::test]
async fn an_origin_costs_one_read_and_nothing_else_does() {
    let world = world().await;
    world.put("/bkt/k", "x").await;
    let before = world.counts.reads();
    world.ask("GET", "/bkt/k").send().await.expect_status(200);
    let plain = world.counts.reads() - before;
    world.ask("GET", "/bkt/k").header("origin", PAGE).send().await.expect_status(200);
    assert_eq!(world.counts.reads() - before, 2 * plain + 1);
    let before = world.counts.reads();
    preflight(&world, "/bkt/k", PAGE, "GET").send().await.expect_status(200);
    assert_eq!(world.counts.reads() - before, 1);
    preflight(&world, "/bkt/k", PAGE, "PATCH").send().await.expect_status(400);
    assert_eq!(world.counts.reads() - before, 1, "nothing is read for what cannot be answered");
}

#[tokio::test]
async fn a_key_in_a_preflight_over_plain_http_is_e1() {
    let world = world().await;
    let target = format!("/bkt/k?{ALGORITHM}=AES256");
    let plain = preflight(&world, &target, PAGE, "GET").insecure().send().await;
    plain.expect_error(400, "InvalidArgument");
    let named = preflight(&world, "/bkt/k", PAGE, "GET").insecure();
    let named = named.header("access-control-request-headers", KEY_MD5).send().await;
    named.expect_status(200);
}

#[tokio::test]
async fn the_setting_needs_its_permission() {
    let world = world().await;
    world.add_user("alice").await;
    for method in ["GET", "DELETE"] {
        let ask = world.ask(method, "/bkt?cors").by("alice");
        ask.send().await.expect_error(403, "AccessDenied");
    }
    let refused = put(&world, "/bkt?cors", RULES).by("alice").send().await;
    assert!(!refused.expect_error(403, "AccessDenied").polled);
    preflight(&world, "/bkt", PAGE, "GET").send().await.expect_status(200);
    let policy = r#"{"Statement": [{"Effect": "Allow", "Action": "s3:GetBucketCORS",
        "Principal": {"AWS": "arn:aws:iam::x:user/alice"}, "Resource": "arn:aws:s3:::bkt"}]}"#;
    world.ask("PUT", "/bkt?policy").body(policy).send().await.expect_status(204);
    world.ask("GET", "/bkt?cors").by("alice").send().await.expect_status(200);
    let delete = world.ask("DELETE", "/bkt?cors").by("alice");
    delete.send().await.expect_error(403, "AccessDenied");
}
