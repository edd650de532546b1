//! Presigned URLs and customer keys: what may travel unsigned, what may be hoisted into the query, and
//! what may not.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use http::Request;

use crate::{
    client::{ALGORITHM, Ask, KEY, KEY_A, KEY_B, KEY_MD5, Reply},
    world::{NOW, SECRET, World},
};

const HOST: &str = "localhost:9443";
const UNSIGNED: &str = "There were headers present in the request which were not signed";

/// A URL for one request: `query` and `signed` are what its signature covers.
struct Url<'a> {
    method: &'a str,
    query: &'a [(&'a str, &'a str)],
    signed: &'a [(&'a str, &'a str)],
}

impl Url<'_> {
    fn target(&self) -> String {
        let escape = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
                .to_string()
                .replace("%2D", "-")
        };
        let pair = |(name, value): &(&str, &str)| format!("{}={}", escape(name), escape(value));
        let query: Vec<_> = self.query.iter().map(pair).collect();
        let uri = format!("https://{HOST}/bkt/k?{}", query.join("&"));
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(900));
        let identity = Credentials::new("root", SECRET, None, None, "test").into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("s3")
            .time(UNIX_EPOCH + Duration::from_secs(NOW))
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let headers = self.signed.iter().copied();
        let body = SignableBody::UnsignedPayload;
        let signable = SignableRequest::new(self.method, &uri, headers, body).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        let mut request = Request::builder().uri(&uri).body(()).unwrap();
        instructions.apply_to_request_http1x(&mut request);
        request.uri().path_and_query().unwrap().to_string()
    }

    fn ask<'w>(&self, world: &'w World) -> Ask<'w> {
        world.ask(self.method, &self.target()).anonymous()
    }
}

/// A world with `/bkt/k` under key A.
async fn sealed() -> World {
    let world = World::new().await;
    world.ask("PUT", "/bkt/k").key(KEY_A).body("content").send().await.expect_status(200);
    world
}

const ALG: (&str, &str) = (ALGORITHM, "AES256");
const KEY_HEADER: (&str, &str) = (KEY, KEY_A.0);
const MD5_HEADER: (&str, &str) = (KEY_MD5, KEY_A.1);
const TRIO: [(&str, &str); 3] = [ALG, KEY_HEADER, MD5_HEADER];

#[track_caller]
fn not_signed(reply: Reply, names: &str) {
    let reply = reply.expect_error(403, "AccessDenied");
    assert_eq!(reply.element("Message").as_deref(), Some(UNSIGNED));
    assert_eq!(reply.element("HeadersNotSigned").as_deref(), Some(names));
    assert!(!reply.polled);
}

#[tokio::test]
async fn the_algorithm_is_signed_as_a_header_or_hoisted() {
    let world = sealed().await;
    // What the query has, what is signed as a header, and what is sent.
    type Row<'a> = (&'a [(&'a str, &'a str)], &'a [(&'a str, &'a str)], &'a [(&'a str, &'a str)]);
    let upper = "X-Amz-Server-Side-Encryption-Customer-Algorithm";
    let rows: &[Row<'_>] = &[
        (&[], &TRIO, &TRIO),
        (&[], &[ALG], &TRIO),
        (&[], &[ALG], &[ALG, KEY_HEADER]),
        (&[], &[ALG, KEY_HEADER], &TRIO),
        (&[ALG], &[], &[KEY_HEADER, MD5_HEADER]),
        (&[ALG], &[], &[KEY_HEADER]),
        (&[(upper, "AES256")], &[], &[KEY_HEADER, MD5_HEADER]),
        (&[ALG], &[KEY_HEADER, MD5_HEADER], &[KEY_HEADER, MD5_HEADER]),
        (&[ALG, MD5_HEADER], &[], &[KEY_HEADER]),
        (&TRIO, &[], &[]),
    ];
    for (number, (query, signed, sent)) in rows.iter().enumerate() {
        for method in ["GET", "HEAD"] {
            let reply = Url { method, query, signed }.ask(&world).headers(sent).send().await;
            let reply = reply.expect_status(200);
            assert_eq!(reply.header(KEY_MD5), Some(KEY_A.1), "{method} row {number}");
        }
    }
}

/// What the signature covers has no signature right over it; what it does not cover is E5.
#[tokio::test]
async fn a_key_that_is_not_ascii() {
    let world = sealed().await;
    let key = (KEY, "schlüssel");
    let sent = [ALG, key, MD5_HEADER];
    for (query, signed) in
        [([].as_slice(), [ALG].as_slice()), (&[ALG], &[]), (&[ALG, key, MD5_HEADER], &[])]
    {
        let url = Url { method: "GET", query, signed };
        let sent: Vec<_> = sent.iter().filter(|pair| !query.contains(pair)).copied().collect();
        let reply = url.ask(&world).headers(&sent).send().await;
        let reply = reply.expect_error(400, "InvalidArgument");
        let message =
            "The secret key was improperly encoded. The secret key must be Base64 encoded.";
        assert_eq!(reply.element("Message").as_deref(), Some(message));
    }
    let url = Url { method: "GET", query: &[], signed: &sent };
    let reply = url.ask(&world).headers(&sent).send().await;
    reply.expect_error(403, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn uploads_follow_the_same_rules() {
    let world = World::new().await;
    for (query, signed, sent) in [
        ([].as_slice(), [ALG].as_slice(), TRIO.as_slice()),
        (&[ALG], &[], &[KEY_HEADER, MD5_HEADER]),
        (&TRIO, &[], &[]),
    ] {
        let url = Url { method: "PUT", query, signed };
        let reply = url.ask(&world).headers(sent).body("content").send().await.expect_status(200);
        assert_eq!(reply.header(ALGORITHM), Some("AES256"));
        let got = world.ask("GET", "/bkt/k").key(KEY_A).send().await.expect_status(200);
        assert_eq!(got.text(), "content");
        world.ask("DELETE", "/bkt/k").send().await.expect_status(204);
    }
    // A write needs the MD5, wherever it stands.
    let url = Url { method: "PUT", query: &[ALG], signed: &[] };
    let reply = url.ask(&world).headers(&[KEY_HEADER]).body("content").send().await;
    reply.expect_error(400, "InvalidArgument");
}

#[tokio::test]
async fn without_a_signed_algorithm_nothing_of_the_trio_may_be_sent() {
    let world = sealed().await;
    for method in ["GET", "PUT"] {
        let url = Url { method, query: &[], signed: &[] };
        for (sent, names) in [
            (TRIO.as_slice(), format!("{ALGORITHM}, {KEY}, {KEY_MD5}")),
            (&[KEY_HEADER], KEY.to_owned()),
            (&[ALG], ALGORITHM.to_owned()),
            (&[("x-amz-acl", "private")], "x-amz-acl".to_owned()),
        ] {
            not_signed(url.ask(&world).headers(sent).body("x").send().await, &names);
        }
        // The algorithm of the copy source is another name.
        let other = [("x-amz-copy-source-server-side-encryption-customer-algorithm", "AES256")];
        let url = Url { method, query: &other, signed: &[] };
        not_signed(url.ask(&world).headers(&[KEY_HEADER]).body("x").send().await, KEY);
    }
    let got = world.ask("GET", "/bkt/k").key(KEY_A).send().await.expect_status(200);
    assert_eq!(got.text(), "content");
}

#[tokio::test]
async fn a_hoisted_algorithm_sent_again_unsigned_is_refused() {
    let world = sealed().await;
    let url = Url { method: "GET", query: &[ALG], signed: &[] };
    let names = format!("{ALGORITHM}, {KEY}, {KEY_MD5}");
    not_signed(url.ask(&world).headers(&TRIO).send().await, &names);
}

#[tokio::test]
async fn what_a_url_pins_cannot_be_overridden() {
    let world = sealed().await;
    world.ask("PUT", "/bkt/k").key(KEY_B).body("other").send().await.expect_status(200);
    let other_key = [(KEY, KEY_B.0), (KEY_MD5, KEY_B.1)];
    // Signed as headers: another value does not match.
    let url = Url { method: "GET", query: &[], signed: &TRIO };
    let reply = url.ask(&world).headers(&[ALG]).headers(&other_key).send().await;
    let reply = reply.expect_error(403, "SignatureDoesNotMatch");
    for secret in [KEY_A.0, KEY_A.1, KEY_B.0, KEY_B.1] {
        assert!(!reply.text().contains(secret));
    }
    // Hoisted: a header beside it is a second value.
    let url = Url { method: "GET", query: &TRIO, signed: &[] };
    let reply =
        url.ask(&world).headers(&other_key).send().await.expect_error(400, "InvalidArgument");
    assert_eq!(reply.element("ArgumentName").as_deref(), Some(KEY));
    // With the algorithm alone, the holder of the URL brings whichever key.
    let url = Url { method: "GET", query: &[ALG], signed: &[] };
    let reply = url.ask(&world).headers(&other_key).send().await.expect_status(200);
    assert_eq!(reply.text(), "other");
    let reply = url.ask(&world).headers(&[KEY_HEADER, MD5_HEADER]).send().await;
    reply.expect_error(403, "AccessDenied");
}

#[tokio::test]
async fn a_changed_query_is_another_url() {
    let world = sealed().await;
    let target = Url { method: "GET", query: &[ALG], signed: &[] }.target();
    for changed in [
        target.replace("AES256", "AES128"),
        format!("{target}&{KEY}=x"),
        target.replace("X-Amz-Expires=900", "X-Amz-Expires=901"),
    ] {
        let ask = world.ask("GET", &changed).anonymous().headers(&[KEY_HEADER]);
        let reply = ask.send().await;
        assert!(matches!(reply.status.as_u16(), 400 | 403), "{changed}");
        assert_ne!(reply.text(), "content");
    }
    let insecure = world.ask("GET", &target).anonymous().insecure();
    insecure.send().await.expect_error(400, "InvalidArgument");
}

#[tokio::test]
async fn a_signature_in_a_header_tolerates_nothing_unsigned() {
    let world = sealed().await;
    // The client signs what it is given, so the key comes in where the signature does not look.
    let target = format!("/bkt/k?{ALGORITHM}=AES256");
    let reply = world.ask("GET", &target).unsigned_header(KEY, KEY_A.0).send().await;
    not_signed(reply, KEY);
}
