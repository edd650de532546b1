use http::Request;

use super::*;
use crate::error::ErrorCode;

const GOOD: &str = "K0+/yQHJcx5CgotqScZJqhfJ8hpfw4leiB3Bzyo8HSo=";
const GOOD_MD5: &str = "I0aPuXuw4REDJuP1fw07QQ==";

fn taken(target: &str, headers: &[(&str, &str)]) -> (TakenKeys, Parts, Query) {
    taken_by(Profile::Aws, target, headers)
}

fn taken_by(profile: Profile, target: &str, headers: &[(&str, &str)]) -> (TakenKeys, Parts, Query) {
    let mut request = Request::builder().uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut parts = request.body(()).unwrap().into_parts().0;
    let mut query = Query::of_request(parts.uri.query().unwrap_or_default()).unwrap();
    let taken = take(&mut parts, &mut query, profile);
    (taken, parts, query)
}

fn trio(algorithm: Option<&str>, key: Option<&str>, md5: Option<&str>) -> CustomerKeyHeaders {
    let pairs = [(ALGORITHM, algorithm), (KEY, key), (KEY_MD5, md5)];
    let headers: Vec<_> =
        pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    taken("/", &headers).0.own
}

#[test]
fn the_head_holds_no_key_afterwards() {
    let (TakenKeys { own: headers, source }, parts, query) = taken(
        "/b/k?X-Amz-Server-Side-Encryption-Customer-Algorithm=AES256&a=b",
        &[
            (KEY, GOOD),
            ("X-Amz-Server-Side-Encryption-Customer-Key-MD5", GOOD_MD5),
            (AMZ.source.key, GOOD),
            ("x-obs-server-side-encryption-customer-key", GOOD),
        ],
    );
    assert!(headers.for_write().unwrap().is_some());
    assert!(source.any(), "a source's key is taken too");
    assert!(parts.headers.is_empty());
    assert_eq!(query.iter().collect::<Vec<_>>(), [("a", "b")]);
    assert!(!is_mentioned(&parts.headers, &query));
    assert_eq!(format!("{headers:?}"), "CustomerKeyHeaders(..)");
}

#[test]
fn every_name_of_a_key_is_secret() {
    for prefix in ["x-amz-", "x-amz-copy-source-", "X-Obs-", "x-obs-copy-source-"] {
        for end in ["algorithm", "Key", "key-MD5"] {
            let name = format!("{prefix}server-side-encryption-customer-{end}");
            assert!(is_secret(&HeaderName::from_bytes(name.as_bytes()).unwrap()), "{name}");
        }
    }
    for name in ALL.into_iter().flat_map(KeyNames::six) {
        assert!(is_secret(&HeaderName::from_static(name)), "{name}");
    }
    assert!(!is_secret(&HeaderName::from_static("x-amz-server-side-encryption")));
}

#[test]
fn any_of_the_six_names_is_noticed_anywhere_in_any_spelling() {
    for name in ALL.into_iter().flat_map(KeyNames::six) {
        let mut headers = HeaderMap::new();
        assert!(!is_mentioned(&headers, &Query::default()));
        let query = Query::parse(&format!("{}=", name.to_uppercase())).unwrap();
        assert!(is_mentioned(&headers, &query), "{name}");
        headers.insert(name, HeaderValue::from_static(""));
        assert!(is_mentioned(&headers, &Query::default()), "{name}");
    }
}

/// The goldens of the specification's section 1.2, steps 6 to 10, for a write.
#[test]
fn refusals_of_a_write_come_in_order() {
    let short = "AAECAwQFBgcICQoLDA0ODw==";
    let short_md5 = "GsHvAelsrxvg0ykzGk/CqA==";
    let cases = [
        (trio(None, Some(GOOD), Some(GOOD_MD5)), sse_c::missing_algorithm()),
        (trio(None, None, Some(GOOD_MD5)), sse_c::missing_algorithm()),
        (trio(Some("AES256"), None, None), sse_c::missing_key()),
        (trio(Some(""), None, Some("")), sse_c::missing_key()),
        (trio(Some("bad"), Some("####"), Some("bad")), sse_c::key_too_short(b"####")),
        (trio(Some("AES256"), Some(""), None), sse_c::key_too_short(b"")),
        (trio(Some("bad"), Some(GOOD), None), sse_c::missing_md5()),
        (trio(Some("bad"), Some(GOOD), Some("bad")), sse_c::md5_mismatch()),
        (trio(Some("AES256"), Some(GOOD), Some("")), sse_c::md5_mismatch()),
        (trio(Some("AES256"), Some(&GOOD[..43]), Some(GOOD_MD5)), sse_c::md5_mismatch()),
        (trio(Some("aes256"), Some(GOOD), Some(GOOD_MD5)), sse_c::unsupported_algorithm(b"aes256")),
        (trio(Some(""), Some(short), Some(short_md5)), sse_c::unsupported_algorithm(b"")),
        (trio(Some("AES256"), Some(short), Some(short_md5)), sse_c::key_wrong_length()),
    ];
    for (at, (headers, expected)) in cases.into_iter().enumerate() {
        let error = headers.for_write().expect_err("refused");
        assert_eq!(error, expected, "case {at}: {} {:?}", error.message(), error.elements());
        assert!(error.closes() && error.status().as_u16() == 400);
        assert_eq!(error.elements()[0].1, "x-amz-server-side-encryption");
    }
    assert!(trio(None, None, None).for_write().unwrap().is_none());
}

#[test]
fn a_read_needs_no_md5_but_checks_one() {
    let opening = trio(Some("AES256"), Some(GOOD), None).for_read().unwrap().unwrap();
    assert_eq!(opening.md5().to_base64(), GOOD_MD5);
    assert!(opening.key().is_some());
    let error = trio(Some("AES256"), Some(GOOD), Some("bad")).for_read().unwrap_err();
    assert_eq!(error, sse_c::md5_mismatch());
    let short =
        trio(Some("AES256"), Some("AAECAwQFBgcICQoLDA0ODw=="), None).for_read().unwrap().unwrap();
    assert!(short.key().is_none(), "a wrong length is a wrong key");
}

#[test]
fn complete_considers_the_trio_only_as_a_whole() {
    for partial in [
        trio(Some("bad"), None, None),
        trio(None, Some(""), None),
        trio(Some("AES256"), Some(GOOD), None),
        trio(Some("AES256"), None, Some(GOOD_MD5)),
    ] {
        assert!(partial.for_complete().unwrap().is_none());
    }
    let error = trio(Some("bad"), Some(GOOD), Some(GOOD_MD5)).for_complete().unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidEncryptionAlgorithmError);
    assert!(trio(Some("AES256"), Some(GOOD), Some(GOOD_MD5)).for_complete().unwrap().is_some());
}

#[test]
fn each_spelling_is_taken_and_only_the_profiles_are_let_in() {
    let [algorithm, key, md5] = OBS.own.names();
    let headers = [(algorithm, "AES256"), (key, GOOD), (md5, GOOD_MD5), (OBS.source.key, GOOD)];
    let (taken, parts, _) = taken_by(Profile::Obs, "/", &headers);
    assert!(taken.own.for_write().unwrap().is_some());
    assert!(parts.headers.is_empty(), "no key stays in the head");
    assert!(taken_by(Profile::Aws, "/", &headers).1.headers.is_empty());

    let (query, mut headers) = (Query::default(), HeaderMap::new());
    headers.insert(key, HeaderValue::from_static(""));
    for profile in Profile::ALL {
        let refused = refuse_foreign(&headers, &query, profile).is_err();
        assert_eq!(refused, profile != Profile::Obs, "{profile:?}");
        let unknown = Query::parse("X-Cos-Server-Side-Encryption-Customer-Key=").unwrap();
        refuse_foreign(&HeaderMap::new(), &unknown, profile).unwrap_err();
        let amz = Query::parse(&format!("{KEY}=")).unwrap();
        refuse_foreign(&HeaderMap::new(), &amz, profile).unwrap();
    }
}
