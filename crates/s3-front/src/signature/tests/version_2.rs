//! Version 2: the examples of S3's documentation, what the string to sign leaves no room for, and what
//! must be refused.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{KEY_ID, Request, SECRET, moment};
use crate::signature::{Authentication, Payload, SignatureError, Verifier};

const AT: &str = "20070327T210000Z";
const DATE: &str = "Tue, 27 Mar 2007 21:00:00 GMT";
const HOST: (&str, &str) = ("host", "s3.example.com");
const KEY: &str = "x-amz-server-side-encryption-customer-key";

/// Reads and verifies where version 2 is on.
fn verify(request: &Request, at: &str) -> Result<Payload, SignatureError> {
    let domains = ["s3.us-west-1.amazonaws.com", "us-west-1.s3.amazonaws.com", "s3.amazonaws.com"];
    let domains: Vec<String> =
        domains.into_iter().chain(["com", "s3.example.com"]).map(str::to_owned).collect();
    let verifier = Verifier::new("us-east-1").taking_version_2(&domains);
    let head = request.head();
    match verifier.read(&head, moment(at))? {
        Authentication::Anonymous(_) => panic!("anonymous: {request:?}"),
        Authentication::Signed(claim) => {
            assert_eq!(claim.access_key_id(), KEY_ID);
            verifier.verify(&head, &claim, SECRET)
        }
    }
}

/// Signs a text, written again so that what is refused is refused for its own reason.
fn sign(text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, SECRET);
    STANDARD.encode(hmac::sign(&key, text.as_bytes()))
}

/// A request with a signature over this text in its header.
fn signed(method: &str, target: &str, headers: &[(&str, &str)], text: &str) -> Request {
    let mut request = Request::new(method, target, &[HOST]);
    for (name, value) in headers {
        request.add(name, value);
    }
    request.add("authorization", &format!("AWS {KEY_ID}:{}", sign(text)));
    request
}

/// A GET of `/b/k` with a signature over this text in its query; `query` is empty or ends with `&`.
fn presigned(query: &str, headers: &[(&str, &str)], text: &str) -> Request {
    let signature = sign(text).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let target =
        format!("/b/k?{query}AWSAccessKeyId={KEY_ID}&Expires=1175030000&Signature={signature}");
    let mut request = Request::new("GET", &target, &[HOST]);
    for (name, value) in headers {
        request.add(name, value);
    }
    request
}

fn refused(request: &Request) -> SignatureError {
    verify(request, AT).unwrap_err()
}

fn is_mismatch(request: &Request) -> bool {
    matches!(refused(request), SignatureError::SignatureDoesNotMatch(_))
}

#[test]
fn the_documented_examples() {
    let virtual_host = ("host", "awsexamplebucket1.us-west-1.s3.amazonaws.com");
    let other_host = ("host", "awsexamplebucket1.s3.us-west-1.amazonaws.com");
    let service = ("host", "s3.us-west-1.amazonaws.com");
    type Example<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);
    let examples: [Example<'_>; 7] = [
        (
            "GET",
            "/photos/puppy.jpg",
            &[virtual_host, ("date", "Tue, 27 Mar 2007 19:36:42 +0000")],
            "qgk2+6Sv9/oM7G3qLEjTH1a1l1g=",
            "20070327T193642Z",
        ),
        (
            "PUT",
            "/photos/puppy.jpg",
            &[
                other_host,
                ("content-type", "image/jpeg"),
                ("content-length", "94328"),
                ("date", "Tue, 27 Mar 2007 21:15:45 +0000"),
            ],
            "iqRzw+ileNPu1fhspnRs8nOjjIA=",
            "20070327T211545Z",
        ),
        (
            "GET",
            "/?prefix=photos&max-keys=50&marker=puppy",
            &[other_host, ("date", "Tue, 27 Mar 2007 19:42:41 +0000")],
            "m0WP8eCtspQl5Ahe6L1SozdX9YA=",
            "20070327T194241Z",
        ),
        (
            "GET",
            "/?acl",
            &[other_host, ("date", "Tue, 27 Mar 2007 19:44:46 +0000")],
            "82ZHiFIjc+WbcwFKGUVEQspPn+0=",
            "20070327T194446Z",
        ),
        // As earlier editions have it; in today's the host and the addresses were replaced, and the
        // signature does not fit them. There the host is the bucket; here it needs a domain.
        (
            "PUT",
            "/static.johnsmith.net/db-backup.dat.gz",
            &[
                service,
                ("date", "Tue, 27 Mar 2007 21:06:08 +0000"),
                ("x-amz-acl", "public-read"),
                ("content-type", "application/x-download"),
                ("content-md5", "4gJE4saaMU4BqNR0kLY+lw=="),
                ("x-amz-meta-reviewedby", "joe@johnsmith.net"),
                ("x-amz-meta-reviewedby", "jane@johnsmith.net"),
                ("x-amz-meta-filechecksum", "0x02661779"),
                ("x-amz-meta-checksumalgorithm", "crc32"),
                ("content-disposition", "attachment; filename=database.dat"),
                ("content-encoding", "gzip"),
            ],
            "ilyl83RwaSoYIEdixDQcA4OnAnc=",
            "20070327T210608Z",
        ),
        (
            "GET",
            "/",
            &[service, ("date", "Wed, 28 Mar 2007 01:29:59 +0000")],
            "qGdzdERIC03wnaRNKh6OqZehG9s=",
            "20070328T012959Z",
        ),
        (
            "GET",
            "/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re",
            &[service, ("date", "Wed, 28 Mar 2007 01:49:49 +0000")],
            "DNEZGsoieTZ92F3bUfSPQcbGmlM=",
            "20070328T014949Z",
        ),
    ];
    for (method, target, headers, signature, at) in examples {
        let mut request = Request::new(method, target, headers);
        request.add("authorization", &format!("AWS {KEY_ID}:{signature}"));
        assert!(matches!(verify(&request, at), Ok(Payload::Unsigned)), "{target}: {request:?}");
        request.method = "HEAD".to_owned();
        let error = verify(&request, at).unwrap_err();
        assert!(matches!(error, SignatureError::SignatureDoesNotMatch(_)), "{target}");
    }
    // Of an earlier edition too.
    let target = format!(
        "/photos/puppy.jpg?AWSAccessKeyId={KEY_ID}&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620"
    );
    let request = Request::new("GET", &target, &[("host", "johnsmith.s3.amazonaws.com")]);
    assert!(verify(&request, "20070329T034020Z").is_ok(), "the last second");
    let error = verify(&request, "20070329T034021Z").unwrap_err();
    let expected = SignatureError::RequestExpired {
        x_amz_expires: None,
        expires: "2007-03-29T03:40:20Z".to_owned(),
        server_time: "2007-03-29T03:40:21Z".to_owned(),
    };
    assert_eq!(error, expected);
}

/// The text of the documentation, and not its example: there `x-amz-date` stands in the place of `Date`.
#[test]
fn x_amz_date_is_signed_as_a_header_and_leaves_the_date_empty() {
    for date in [DATE, AT] {
        let text = format!("DELETE\n\n\n\nx-amz-date:{date}\n/b/k");
        let headers = [("date", "Tue, 27 Mar 2007 10:00:00 GMT"), ("x-amz-date", date)];
        assert!(verify(&signed("DELETE", "/b/k", &headers, &text), AT).is_ok(), "{date}");
    }
}

#[test]
fn a_bucket_is_signed_with_its_slash_or_without() {
    for resource in ["/b", "/b/"] {
        let text = format!("PUT\n\n\n{DATE}\n{resource}?acl");
        assert!(verify(&signed("PUT", "/b?acl", &[("date", DATE)], &text), AT).is_ok());
    }
    let text = format!("PUT\n\n\n{DATE}\n/b/k/");
    assert!(is_mismatch(&signed("PUT", "/b/k", &[("date", DATE)], &text)), "of a bucket only");
    let mut request = signed("PUT", "/k", &[("date", DATE)], &format!("PUT\n\n\n{DATE}\n/b/k/"));
    request.headers.insert("host", "b.s3.example.com:9443".parse().unwrap());
    assert!(is_mismatch(&request));
}

#[test]
fn every_parameter_that_selects_is_signed() {
    let text = format!("GET\n\n\n{DATE}\n/b/k");
    for query in ["prefix=x&max-keys=1", "x-id=GetObject"] {
        let request = signed("GET", &format!("/b/k?{query}"), &[("date", DATE)], &text);
        assert!(verify(&request, AT).is_ok(), "{query}");
    }
    for query in [
        "acl",
        "retention",
        "legal-hold",
        "encryption",
        "versionId=x",
        "response-expires=x",
        "a-new-one",
        "upload%49d=x",
        "x-amz-acl=public-read",
        "X-Amz-Acl=public-read",
        "x-amz-ac%6c=public-read",
    ] {
        let request = signed("GET", &format!("/b/k?{query}"), &[("date", DATE)], &text);
        assert!(is_mismatch(&request), "{query}");
        let request = presigned(&format!("{query}&"), &[], "GET\n\n\n1175030000\n/b/k");
        assert!(is_mismatch(&request), "{query}");
    }
    let target = "/b/k?versionId=a%2Fb&uploads&response-content-type=text%2Fplain&acl=";
    let text =
        format!("GET\n\n\n{DATE}\n/b/k?acl&response-content-type=text/plain&uploads&versionId=a/b");
    assert!(verify(&signed("GET", target, &[("date", DATE)], &text), AT).is_ok());
}

#[test]
fn one_string_is_one_request() {
    // Two parameters, and one whose value holds the other.
    let two = "GET\n\n\n1175030000\n/b/k?response-expires=x&versionId=v";
    assert!(verify(&presigned("response-expires=x&versionId=v&", &[], two), AT).is_ok());
    assert!(is_mismatch(&presigned("response-expires=x%26versionId=v&", &[], two)));
    let name = "response-content-disposition";
    let legible = format!("GET\n\n\n1175030000\n/b/k?{name}=a; filename=R&D report.pdf");
    let request = presigned(&format!("{name}=a;%20filename=R%26D%20report.pdf&"), &[], &legible);
    assert!(verify(&request, AT).is_ok(), "an & that begins no parameter is one");
    // Two headers, and one whose value holds the other.
    let two = "GET\n\n\n1175030000\nx-amz-meta-a:1\nx-amz-meta-b:2\n/b/k";
    let both = [("x-amz-meta-a", "1"), ("x-amz-meta-b", "2")];
    assert!(verify(&presigned("", &both, two), AT).is_ok());
    assert!(verify(&presigned("x-amz-meta-b=2&X-Amz-Meta-A=1&", &[], two), AT).is_ok());
    for query in ["x-amz-meta-a=1%0Ax-amz-meta-b:2&", "x-amz-meta-a:1%0Ax-amz-meta-b=2&"] {
        let error = refused(&presigned(query, &[], two));
        let names = vec!["x-amz-meta-a".to_owned()];
        assert_eq!(error, SignatureError::HeadersNotSigned(names), "{query}");
    }
    let moved = presigned("content-type=text%0A1175030000%0A/b/k&", &[], two);
    assert!(matches!(refused(&moved), SignatureError::HeadersNotSigned(_)));
}

#[test]
fn a_presigner_may_put_headers_into_the_query() {
    let text = "GET\nmd5\ntext/plain\n1175030000\nx-amz-acl:private\n/b/k";
    let query = "content-type=text%2Fplain&x-amz-acl=private&content-md5=md5&";
    assert!(verify(&presigned(query, &[], text), AT).is_ok());
    let other = [("content-type", "text/html")];
    assert!(is_mismatch(&presigned(query, &other, text)), "the header counts");
    for (query, headers) in [
        ("x-amz-acl=private&", &[("x-amz-acl", "private")][..]),
        ("x-amz-acl=private&X-Amz-Acl=private&", &[]),
        ("", &[("content-type", "a"), ("content-type", "b")]),
    ] {
        let request = presigned(query, headers, text);
        assert!(matches!(refused(&request), SignatureError::HeadersNotSigned(_)), "{query}");
    }
}

/// The time that the parameters take is not that of each against each.
#[test]
fn many_parameters_take_no_long_time() {
    let query: String = (0..15_000).map(|name| format!("x-amz-{name}=&")).collect();
    let begun = std::time::Instant::now();
    assert!(is_mismatch(&presigned(&query, &[], "")));
    assert!(begun.elapsed() < std::time::Duration::from_secs(20));
}

#[test]
fn customer_keys_are_covered_and_never_shown() {
    let secret = "K0+/yQHJcx5CgotqScZJqhfJ8hpfw4leiB3Bzyo8HSo=";
    let text = |value: &str| format!("GET\n\n\n1175030000\n{KEY}:{value}\n/b/k");
    assert!(verify(&presigned("", &[(KEY, secret)], &text(secret)), AT).is_ok());
    let hoisted = format!("{KEY}={}&", secret.replace('+', "%2B"));
    assert!(verify(&presigned(&hoisted, &[], &text(secret)), AT).is_ok());
    for request in [presigned(&hoisted, &[], &text("")), presigned("", &[(KEY, secret)], "")] {
        let SignatureError::SignatureDoesNotMatch(mismatch) = refused(&request) else {
            panic!("{request:?}")
        };
        assert!(
            mismatch.string_to_sign.as_deref().unwrap().contains(&format!("{KEY}:[redacted]\n"))
        );
        assert!(!format!("{mismatch:?}").contains("K0+/"));
        assert_eq!(mismatch.canonical_request, None);
    }
    let twice = presigned(&hoisted, &[(KEY, secret)], &text(secret));
    assert!(matches!(refused(&twice), SignatureError::HeadersNotSigned(_)));
    let mut unreadable = presigned("", &[], &text("ü"));
    unreadable.add(KEY, "ü");
    assert!(is_mismatch(&unreadable), "as with version 4");
}

#[test]
fn other_vendors_keys_are_not_covered() {
    let name = "x-obs-server-side-encryption-customer-key";
    let expected = SignatureError::HeadersNotSigned(vec![name.to_owned()]);
    let text = format!("GET\n\n\n{DATE}\n/b/k");
    let request = signed("GET", "/b/k", &[("date", DATE), (name, "x")], &text);
    assert_eq!(refused(&request), expected);
    let text = format!("GET\n\n\n1175030000\n/b/k?{name}=x");
    assert_eq!(refused(&presigned(&format!("{name}=x&"), &[], &text)), expected);
    let upper = name.to_uppercase();
    assert_eq!(refused(&presigned(&format!("{upper}=x&"), &[], &text)), expected);
}

#[test]
fn malformed_signatures() {
    let mut request = Request::new("GET", "/b/k", &[HOST, ("date", DATE)]);
    for value in ["HAHAHA", "", ":", "id:", ":x", "a:b:c"] {
        request.headers.insert("authorization", format!("AWS {value}").parse().unwrap());
        let expected = "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature";
        assert_eq!(refused(&request).to_string(), expected, "{value}");
    }
    let all = format!("AWSAccessKeyId={KEY_ID}&Expires=1175030000&Signature=x");
    for (from, to, expected) in [
        (
            "Expires=1175030000&",
            "",
            "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
        ),
        ("Expires=1175030000", "Expires=", "Invalid date (should be seconds since epoch): "),
        (
            "Expires=1175030000",
            "Expires=soon",
            "Invalid date (should be seconds since epoch): soon",
        ),
        ("Expires=1175030000", "Expires=%2B1", "Invalid date (should be seconds since epoch): +1"),
        (
            "Expires=1175030000",
            "Expires=2147483647",
            "Invalid date (should be seconds since epoch): 2147483647",
        ),
        ("Expires=1175030000", "Expires=1", "Request has expired"),
        (
            "&Signature",
            "&x-amz-security-token=t&Signature",
            "The provided token is malformed or otherwise invalid.",
        ),
        (
            "&Signature",
            "&X-Amz-Signature=0&Signature",
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
        ),
    ] {
        assert!(all.contains(from), "{from}");
        let request = Request::new("GET", &format!("/b/k?{}", all.replace(from, to)), &[HOST]);
        assert_eq!(refused(&request).to_string(), expected, "{to}");
    }
    let mut both = Request::new("GET", &format!("/b/k?{all}"), &[HOST]);
    both.add("authorization", &format!("AWS {KEY_ID}:x"));
    assert_eq!(refused(&both), SignatureError::MechanismRepeated);
    let token = [("date", DATE), ("x-amz-security-token", "t")];
    let request = signed("GET", "/b/k", &token, "");
    assert_eq!(refused(&request), SignatureError::SecurityTokenUnsupported);
}

#[test]
fn the_clock_may_be_off_by_fifteen_minutes() {
    let request = signed("GET", "/b/k", &[("date", DATE)], &format!("GET\n\n\n{DATE}\n/b/k"));
    for at in ["20070327T204500Z", "20070327T211500Z"] {
        assert!(verify(&request, at).is_ok(), "{at}");
    }
    for at in ["20070327T204459Z", "20070327T211501Z"] {
        let error = verify(&request, at).unwrap_err();
        assert!(matches!(error, SignatureError::RequestTimeTooSkewed { .. }), "{at}");
    }
    for date in ["Tue, 07 Jul 2010 21:53:04 GMT", "Tue, 07 Jul 9999 21:53:04 GMT"] {
        let request = signed("GET", "/b/k", &[("x-amz-date", date)], "");
        let error = refused(&request);
        assert!(matches!(error, SignatureError::RequestTimeTooSkewed { .. }), "{date}: {error}");
    }
    for headers in [
        &[][..],
        &[("date", "x")],
        &[("date", DATE), ("date", DATE)],
        &[("date", AT)],
        &[("date", DATE), ("x-amz-date", "")],
        &[("date", DATE), ("x-amz-date", "Bad Date")],
        &[("date", DATE), ("x-amz-date", "Tue, 07 Jul 1950 21:53:04 GMT")],
    ] {
        let request = signed("GET", "/b/k", headers, "");
        assert_eq!(refused(&request), SignatureError::DateMissing, "{headers:?}");
    }
}

#[test]
fn the_body_is_read_as_x_amz_content_sha256_says() {
    let name = "x-amz-content-sha256";
    let text = |value: &str| format!("GET\n\n\n1175030000\n{name}:{value}\n/b/k");
    let hash = "0".repeat(64);
    let request = presigned("", &[(name, hash.as_str())], &text(&hash));
    assert!(matches!(verify(&request, AT), Ok(Payload::Sha256(_))));
    let request = presigned(&format!("X-Amz-Content-Sha256={hash}&"), &[], &text(&hash));
    assert!(matches!(verify(&request, AT), Ok(Payload::Sha256(_))));
    let chunks = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    let request = presigned("", &[(name, chunks)], &text(chunks));
    assert_eq!(refused(&request), SignatureError::ContentSha256NeedsSignature);
}
