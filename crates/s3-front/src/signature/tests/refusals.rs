//! What must be refused, and S3's own words for it.

use aws_lc_rs::hmac::{self, HMAC_SHA256};

use proptest::prelude::*;

use super::{KEY_ID, Request, SECRET};
use crate::signature::{Payload, SignatureError};

const AT: &str = "20260102T030405Z";
const HOST: (&str, &str) = ("host", "bucket.s3.example.com");
const SCOPE: &str = "20260102/us-east-1/s3/aws4_request";
const ALG: &str = "x-amz-server-side-encryption-customer-algorithm";
const KEY: &str = "x-amz-server-side-encryption-customer-key";
const KMD5: &str = "x-amz-server-side-encryption-customer-key-md5";

/// Signs, written again from the specification so that what is refused is refused for its own
/// reason and not for a signature that is wrong anyway.
fn signature(canonical: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, canonical.as_bytes());
    let text = format!("AWS4-HMAC-SHA256\n{AT}\n{SCOPE}\n{}", hex(digest.as_ref()));
    let mut key = [b"AWS4", SECRET].concat();
    for part in ["20260102", "us-east-1", "s3", "aws4_request", &text] {
        key = hmac::sign(&hmac::Key::new(HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec();
    }
    hex(&key)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A GET of `/k`, the given headers signed (they must be sorted, and come after `host`).
fn signed(headers: &[(&str, &str)]) -> Request {
    let mut all = vec![HOST, ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"), ("x-amz-date", AT)];
    all.extend_from_slice(headers);
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let lines: String = all.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let signature = signature(&format!("GET\n/k\n\n{lines}\n{names}\nUNSIGNED-PAYLOAD"));
    let mut request = Request::new("GET", "/k", &all);
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={KEY_ID}/{SCOPE}, SignedHeaders={names}, Signature={signature}"
    );
    request.add("authorization", &authorization);
    request
}

/// A presigned GET of `/k`; `query` is empty, or comes after `X-Amz-` in order.
fn presigned(query: &str, headers: &[(&str, &str)]) -> Request {
    let mut all = vec![HOST];
    all.extend_from_slice(headers);
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    let lines: String = all.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let escaped = SCOPE.replace('/', "%2F");
    let tail = if query.is_empty() { String::new() } else { format!("&{query}") };
    let query = format!(
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={KEY_ID}%2F{escaped}&X-Amz-Date={AT}&X-Amz-Expires=900&X-Amz-SignedHeaders={}{tail}",
        names.join("%3B")
    );
    let names = names.join(";");
    let signature = signature(&format!("GET\n/k\n{query}\n{lines}\n{names}\nUNSIGNED-PAYLOAD"));
    Request::new("GET", &format!("/k?{query}&X-Amz-Signature={signature}"), &all)
}

fn message(request: &Request) -> String {
    request.verify(AT).unwrap_err().to_string()
}

fn with_authorization(value: &str) -> Request {
    let mut request = signed(&[]);
    request.headers.insert("authorization", value.parse().unwrap());
    request
}

#[test]
fn the_signers_of_these_tests_are_right() {
    assert!(matches!(signed(&[]).verify(AT), Ok(Payload::Unsigned)));
    assert!(matches!(signed(&[("x-amz-meta-a", "b")]).verify(AT), Ok(Payload::Unsigned)));
    assert!(matches!(presigned("", &[]).verify(AT), Ok(Payload::Unsigned)));
    assert!(matches!(presigned("x=y", &[]).verify(AT), Ok(Payload::Unsigned)));
}

#[test]
fn malformed_authorization_headers() {
    let malformed = |tail: &str| format!("The authorization header is malformed; {tail}");
    let good = format!("Credential={KEY_ID}/{SCOPE}, SignedHeaders=host;x-amz-date, Signature=00");
    let credential = "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".";
    for (value, expected) in [
        ("Credential", malformed("the authorization component \"Credential\" is malformed.")),
        ("", malformed("the authorization component \"\" is malformed.")),
        ("SignedHeaders=host, Signature=0", malformed("missing Credential.")),
        (&good.replace("SignedHeaders=host;x-amz-date, ", ""), malformed("missing SignedHeaders.")),
        (&good.replace(", Signature=00", ""), malformed("missing Signature.")),
        (
            &format!("{good}, Signature=01"),
            malformed(
                "the authorization header requires three components: Credential, SignedHeaders, and Signature.",
            ),
        ),
        (
            &format!("{good}, Other=01"),
            malformed(
                "the authorization header requires three components: Credential, SignedHeaders, and Signature.",
            ),
        ),
        (&good.replace("/s3/aws4_request", ""), malformed(credential)),
        (&good.replace(KEY_ID, ""), malformed(credential)),
        (
            &good.replace("/s3/", "/ec2/"),
            malformed("incorrect service \"ec2\". This endpoint belongs to \"s3\"."),
        ),
        (
            &good.replace("aws4_request", "aws5_request"),
            malformed("incorrect terminal \"aws5_request\". This endpoint uses \"aws4_request\"."),
        ),
        (
            &good.replace("20260102", "20261302"),
            malformed(
                "incorrect date format \"20261302\". This date in the credential must be in the format \"yyyyMMdd\".",
            ),
        ),
        (
            &good.replace("20260102", "20260103"),
            malformed("Invalid credential date. Date is not the same as X-Amz-Date."),
        ),
        (
            &good.replace("us-east-1", "eu-west-1"),
            malformed("the region 'eu-west-1' is wrong; expecting 'us-east-1'"),
        ),
        (
            &good.replace("host;", ""),
            malformed("the authorization component \"SignedHeaders=x-amz-date\" is malformed."),
        ),
        (
            &good.replace("host;", "Host;"),
            malformed(
                "the authorization component \"SignedHeaders=Host;x-amz-date\" is malformed.",
            ),
        ),
        (
            &good.replace("host;", "host;;"),
            malformed(
                "the authorization component \"SignedHeaders=host;;x-amz-date\" is malformed.",
            ),
        ),
    ] {
        let request = with_authorization(&format!("AWS4-HMAC-SHA256 {value}"));
        assert_eq!(message(&request), expected, "{value}");
    }
    let wrong = with_authorization(&format!("AWS4-HMAC-SHA256 {}", good.replace("us-east-1", "x")));
    assert_eq!(wrong.verify(AT).unwrap_err().expected_region(), Some("us-east-1"));
    for (names, well_formed) in [
        ((0..255).map(|name| format!("h{name};")).collect::<String>(), true),
        ((0..256).map(|name| format!("h{name};")).collect(), false),
        ("b;a;".to_owned(), true),
        ("b;a;b;".to_owned(), false),
        ("host;".to_owned(), false),
    ] {
        let value = good.replace("host;x-amz-date", &format!("{names}host"));
        let error =
            with_authorization(&format!("AWS4-HMAC-SHA256 {value}")).verify(AT).unwrap_err();
        let malformed = matches!(error, SignatureError::AuthorizationHeaderMalformed(_));
        assert_eq!(!malformed, well_formed, "{names}");
    }
}

#[test]
fn other_mechanisms() {
    let unsupported = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
    assert_eq!(
        message(&with_authorization(&format!("AWS {KEY_ID}:frJIUN8DYpKDtOLCwo//yllqDzg="))),
        unsupported
    );
    let target = format!("/k?AWSAccessKeyId={KEY_ID}&Expires=1175139620&Signature=vjbyPxybdZaNmGa");
    assert_eq!(message(&Request::new("GET", &target, &[HOST])), unsupported);
    for value in ["Basic dXNlcjpwYXNz", "Bearer x", "AWS4-HMAC-SHA1 x", "x"] {
        assert_eq!(message(&with_authorization(value)), "Unsupported Authorization Type");
    }
    let asymmetric =
        with_authorization("AWS4-ECDSA-P256-SHA256 Credential=a, SignedHeaders=host, Signature=0");
    assert!(matches!(asymmetric.verify(AT), Err(SignatureError::AsymmetricUnsupported { .. })));
    let mut twice = signed(&[]);
    twice.query = presigned("", &[]).query;
    assert_eq!(twice.verify(AT).unwrap_err(), SignatureError::MechanismRepeated);
    let mut twice = signed(&[]);
    twice.add("authorization", "AWS4-HMAC-SHA256 x");
    assert_eq!(twice.verify(AT).unwrap_err(), SignatureError::MechanismRepeated);
    let token = signed(&[("x-amz-security-token", "t")]);
    assert_eq!(token.verify(AT).unwrap_err(), SignatureError::SecurityTokenUnsupported);
}

#[test]
fn malformed_presigned_queries() {
    let good = presigned("", &[]).query;
    let missing = "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.";
    let parsing = |tail: &str| format!("Error parsing the X-Amz-Credential parameter; {tail}");
    let mut cases = vec![
        ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1", "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"".to_owned()),
        ("Expires=900", "Expires=604801", "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds".to_owned()),
        ("Expires=900", "Expires=99999999999999999999999", "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds".to_owned()),
        ("Expires=900", "Expires=-1", "X-Amz-Expires must be non-negative".to_owned()),
        ("Expires=900", "Expires=", "X-Amz-Expires should be a number".to_owned()),
        ("Expires=900", "Expires=1e3", "X-Amz-Expires should be a number".to_owned()),
        ("Expires=900", "Expires=0", "Request has expired".to_owned()),
        ("Date=20260102T030405Z", "Date=20260102", "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"".to_owned()),
        ("Date=20260102T", "Date=20260103T", "Invalid credential date \"20260102\". This date is not the same as X-Amz-Date: \"20260103\".".to_owned()),
        ("us-east-1", "eu-west-1", parsing("the region 'eu-west-1' is wrong; expecting 'us-east-1'")),
        ("%2Fs3%2F", "%2Fiam%2F", parsing("incorrect service \"iam\". This endpoint belongs to \"s3\".")),
        ("%2Fs3%2F", "%2F", parsing("the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".")),
        ("SignedHeaders=host", "SignedHeaders=hos", "X-Amz-SignedHeaders is malformed.".to_owned()),
        (
            "SignedHeaders=host",
            "SignedHeaders=host%3Bhost",
            "X-Amz-SignedHeaders is malformed.".to_owned(),
        ),
        ("&X-Amz-Expires=900", "&X-Amz-Expires=900&X-Amz-Expires=900", "Query-string authentication version 4 parameter X-Amz-Expires was specified more than once.".to_owned()),
    ];
    for name in ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"] {
        let left_out = good.split('&').find(|pair| pair.contains(&format!("-{name}="))).unwrap();
        cases.push((left_out, "", missing.to_owned()));
    }
    for (from, to, expected) in cases {
        assert!(good.contains(from), "{from}");
        let request = Request::new("GET", &format!("/k?{}", good.replacen(from, to, 1)), &[HOST]);
        assert_eq!(message(&request), expected, "{from} -> {to}");
    }
}

#[test]
fn times_outside_the_window() {
    let request = signed(&[]);
    for at in ["20260102T024905Z", "20260102T031905Z"] {
        assert!(request.verify(at).is_ok(), "15 minutes are allowed: {at}");
    }
    let skewed = request.verify("20260102T031906Z").unwrap_err();
    let expected = SignatureError::RequestTimeTooSkewed {
        request_time: AT.to_owned(),
        server_time: "2026-01-02T03:19:06Z".to_owned(),
        max_allowed_skew_milliseconds: 900_000,
    };
    assert_eq!(skewed, expected);
    assert!(matches!(
        request.verify("20260102T024904Z"),
        Err(SignatureError::RequestTimeTooSkewed { .. })
    ));
    let url = presigned("", &[]);
    assert!(url.verify("20260102T024905Z").is_ok() && url.verify("20260102T031905Z").is_ok());
    let early = url.verify("20260102T024904Z").unwrap_err();
    assert_eq!(early.to_string(), "Request is not valid yet");
    assert_eq!(url.verify("20260102T031906Z").unwrap_err().to_string(), "Request has expired");
}

#[test]
fn dates_that_are_missing_or_broken() {
    for dates in [vec![], vec!["x"], vec!["20260102"], vec![AT, AT]] {
        let mut request = signed(&[]);
        request.headers.remove("x-amz-date");
        for date in &dates {
            request.add("x-amz-date", date);
        }
        let expected = "AWS authentication requires a valid Date or x-amz-date header";
        assert_eq!(message(&request), expected, "{dates:?}");
    }
}

#[test]
fn payload_hashes() {
    let with = |value: &str| {
        let mut request = signed(&[]);
        request.headers.insert("x-amz-content-sha256", value.parse().unwrap());
        request.verify(AT).unwrap_err()
    };
    let mut none = signed(&[]);
    none.headers.remove("x-amz-content-sha256");
    assert_eq!(message(&none), "Missing required header for this request: x-amz-content-sha256");
    for value in ["", "x", "unsigned-payload", &"0".repeat(63), &"g".repeat(64), "STREAMING-"] {
        assert!(
            matches!(with(value), SignatureError::ContentSha256Invalid { value: given } if given == value)
        );
    }
    for value in [
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
    ] {
        assert!(matches!(with(value), SignatureError::AsymmetricUnsupported { .. }));
    }
    for value in ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", &"0".repeat(64)] {
        assert!(matches!(with(value), SignatureError::SignatureDoesNotMatch(_)));
    }
    let anonymous = |value: &str| {
        Request::new("PUT", "/k", &[HOST, ("x-amz-content-sha256", value)]).verify(AT)
    };
    assert!(matches!(anonymous("UNSIGNED-PAYLOAD"), Ok(Payload::Unsigned)));
    assert!(matches!(anonymous("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), Ok(Payload::UnsignedChunks)));
    let signed_chunks = anonymous("STREAMING-AWS4-HMAC-SHA256-PAYLOAD").unwrap_err();
    assert_eq!(
        signed_chunks.to_string(),
        "Anonymous requests don't support this x-amz-content-sha256 value. Please use UNSIGNED-PAYLOAD or STREAMING-UNSIGNED-PAYLOAD-TRAILER."
    );
    assert!(matches!(Request::new("GET", "/k", &[HOST]).verify(AT), Ok(Payload::Unsigned)));
}

fn not_signed(request: &Request) -> Vec<String> {
    match request.verify(AT) {
        Err(SignatureError::HeadersNotSigned(names)) => names,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_amz_header_must_be_signed_in_a_header_signature() {
    let mut request = signed(&[]);
    request.add("content-type", "text/plain");
    request.add("x-amzn-trace-id", "Root=1");
    assert!(request.verify(AT).is_ok(), "only x-amz-* must be signed");
    request.add("x-amz-meta-b", "1");
    request.add("X-Amz-Acl", "public-read");
    assert_eq!(not_signed(&request), ["x-amz-acl", "x-amz-meta-b"]);
    let mut request = signed(&[(ALG, "AES256")]);
    request.add(KEY, "K");
    assert_eq!(not_signed(&request), [KEY], "the exception is for presigned URLs");
    // Bound to the signature although not listed in it.
    let mut request = signed(&[]);
    let value = request.headers["authorization"].to_str().unwrap();
    let value = value.replace("host;x-amz-content-sha256;x-amz-date", "host");
    request.headers.insert("authorization", value.parse().unwrap());
    assert!(matches!(request.verify(AT), Err(SignatureError::SignatureDoesNotMatch(_))));
}

#[test]
fn another_vendors_key_headers_must_be_signed_like_these() {
    let obs = |name: &str| name.replace("x-amz-", "x-obs-");
    let (algorithm, key, md5) = (obs(ALG), obs(KEY), obs(KMD5));
    let mut request = signed(&[]);
    request.add(&algorithm, "AES256");
    request.add(&key, "K");
    request.add("x-obs-acl", "private");
    assert_eq!(not_signed(&request), [algorithm.as_str(), key.as_str()]);
    for mut request in [
        presigned(&format!("{algorithm}=AES256"), &[]),
        presigned("", &[(algorithm.as_str(), "AES256")]),
    ] {
        request.add(&key, "K");
        request.add(&md5, "M");
        assert!(request.verify(AT).is_ok());
        request.add(KEY, "K");
        assert_eq!(not_signed(&request).len(), 3, "each spelling stands for itself");
    }
}

#[test]
fn a_presigned_url_that_covers_the_algorithm_takes_an_unsigned_key() {
    let hoisted = format!("{ALG}=AES256");
    for request in [presigned("", &[(ALG, "AES256")]), presigned(&hoisted, &[])] {
        let mut request = request;
        request.add(KEY, "K");
        request.add(KMD5, "M");
        assert!(request.verify(AT).is_ok());
        let mut more = request.clone();
        more.add("x-amz-acl", "private");
        assert_eq!(not_signed(&more), ["x-amz-acl", KEY, KMD5]);
        let mut source = request;
        source.add("x-amz-copy-source-server-side-encryption-customer-key", "K");
        assert_eq!(not_signed(&source).len(), 3, "each trio stands for itself");
    }
    let mut bare = presigned("", &[]);
    bare.add(ALG, "AES256");
    bare.add(KEY, "K");
    bare.add(KMD5, "M");
    assert_eq!(not_signed(&bare), [ALG, KEY, KMD5]);
    let mut twice = presigned(&hoisted, &[]);
    twice.add(ALG, "AES256");
    assert_eq!(not_signed(&twice), [ALG], "hoisted, and sent again unsigned");
    let mut payload = presigned("", &[]);
    payload.add("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    assert_eq!(not_signed(&payload), ["x-amz-content-sha256"]);
}

#[test]
fn no_signature_is_right_over_a_key_that_is_not_ascii() {
    let mismatches = |request: &Request| {
        matches!(request.verify(AT), Err(SignatureError::SignatureDoesNotMatch(_)))
    };
    for vendor in ["x-amz", "x-obs"] {
        for source in ["", "-copy-source"] {
            let name = format!("{vendor}{source}-server-side-encryption-customer-key");
            assert!(signed(&[(&name, "K")]).verify(AT).is_ok(), "{name}");
            assert!(mismatches(&signed(&[(&name, "schlüssel")])), "{name}");
            assert!(mismatches(&presigned("", &[(&name, "schlüssel")])), "{name}");
        }
    }
    let mut unsigned = presigned("", &[(ALG, "AES256")]);
    unsigned.add(KEY, "schlüssel");
    assert!(unsigned.verify(AT).is_ok(), "the operation says E5");
    assert!(signed(&[("x-amz-meta-a", "schlüssel")]).verify(AT).is_ok(), "only of keys");
}

#[test]
fn nothing_overrides_a_pinned_customer_key() {
    let repeated = |request: &Request| match request.verify(AT) {
        Err(SignatureError::CustomerKeyParameterRepeated { name }) => name,
        other => panic!("{other:?}"),
    };
    let mut pinned = presigned(&format!("{ALG}=AES256&{KEY}=K1"), &[]);
    assert!(pinned.verify(AT).is_ok());
    pinned.add(KEY, "K2");
    assert_eq!(repeated(&pinned), KEY);
    let mut pinned = presigned("", &[(ALG, "AES256"), (KEY, "K1")]);
    pinned.add(KEY, "K2");
    assert_eq!(repeated(&pinned), KEY);
    let anonymous = Request::new(
        "GET",
        &format!("/k?{ALG}=a&X-AMZ-Server-Side%2dEncryption-Customer-Algorithm=b"),
        &[HOST],
    );
    assert_eq!(repeated(&anonymous), ALG);
    let anonymous = Request::new("GET", &format!("/k?{KMD5}=a"), &[HOST, (KMD5, "b")]);
    assert_eq!(repeated(&anonymous), KMD5);
}

#[test]
fn a_wrong_signature_shows_what_was_signed() {
    let mut request = signed(&[("x-amz-meta-a", "b")]);
    request.headers.insert("x-amz-meta-a", "c".parse().unwrap());
    let Err(SignatureError::SignatureDoesNotMatch(mismatch)) = request.verify(AT) else { panic!() };
    assert_eq!(mismatch.access_key_id, KEY_ID);
    let canonical = mismatch.canonical_request.as_deref().unwrap();
    assert!(
        canonical.starts_with("GET\n/k\n\nhost:bucket.s3.example.com\n")
            && canonical.contains("x-amz-meta-a:c\n")
    );
    assert!(
        mismatch
            .string_to_sign
            .as_deref()
            .unwrap()
            .starts_with(&format!("AWS4-HMAC-SHA256\n{AT}\n{SCOPE}\n"))
    );
    assert!(mismatch.string_to_sign_bytes().unwrap().starts_with("41 57 53 34 2d"));
    assert_eq!(mismatch.signature_provided.len(), 64);
    // An upper-case, short or long signature is a wrong one.
    let good = signed(&[]);
    let value = good.headers["authorization"].to_str().unwrap();
    let (start, signature) = value.rsplit_once('=').unwrap();
    for other in [
        signature.to_uppercase(),
        signature[1..].to_owned(),
        format!("{signature}0"),
        String::new(),
    ] {
        let request = with_authorization(&format!("{start}={other}"));
        assert!(
            matches!(request.verify(AT), Err(SignatureError::SignatureDoesNotMatch(_))),
            "{other}"
        );
    }
}

/// Changes one character of a text to another one.
fn changed(text: &str, at: prop::sample::Index, to: char) -> Option<String> {
    let (at, from) = at.get(&text.char_indices().collect::<Vec<_>>()).to_owned();
    let mut other = text.to_owned();
    other.replace_range(at..at + from.len_utf8(), to.encode_utf8(&mut [0; 4]));
    (from != to).then_some(other)
}

proptest! {
    #[test]
    fn any_changed_character_is_refused(
        at: prop::sample::Index,
        to in "[ -~]".prop_map(|text| text.chars().next().unwrap()),
        in_query: bool,
    ) {
        let mut request = if in_query { presigned("x=y", &[]) } else { signed(&[("x-amz-meta-a", "b")]) };
        if in_query {
            let Some(other) = changed(&request.query, at, to) else { return Ok(()) };
            // Case of escapes is no difference, and `%2F` may be written `/`; both need two changes
            // or more, but for the digits that are letters.
            prop_assume!(!other.eq_ignore_ascii_case(&request.query));
            request.query = other;
        } else {
            let value = request.headers["authorization"].to_str().unwrap().to_owned();
            let Some(other) = changed(&value, at, to) else { return Ok(()) };
            request.headers.insert("authorization", other.parse().unwrap());
        }
        prop_assert!(request.verify(AT).is_err(), "{:?}", request);
    }

    #[test]
    fn garbage_is_refused_without_panic(text in "[ -~]{0,80}", in_query: bool) {
        let target = format!("/k?X-Amz-Algorithm={text}&{text}");
        let mut request = Request::new("GET", if in_query { &target } else { "/k" }, &[HOST]);
        if !in_query {
            request.add("authorization", &format!("AWS4-HMAC-SHA256 {text}"));
        }
        prop_assert!(request.verify(AT).is_err());
    }
}
