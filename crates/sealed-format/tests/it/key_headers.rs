//! The header trio against the recorded behaviour of AWS: its error catalogue, its order of checks,
//! its way with base64.

use sealed_format::{CustomerKey, KeyHeaderError as E, KeyHeaders, Md5Rule, PresentedKey};

/// Published keys with their MD5s, most from other servers' tests and vendors' guides.
const PAIRS: [(&str, &str); 10] = [
    ("K0+/yQHJcx5CgotqScZJqhfJ8hpfw4leiB3Bzyo8HSo=", "I0aPuXuw4REDJuP1fw07QQ=="),
    ("K7QkYpBkM5+hcs27fsNkUnNVaobncnLht/rCB2o/9Cw=", "4XvB3tbNTN+tIEVa0/fGaQ=="),
    ("pO3upElrwuEXSoFwCfnZPdSsmt/xWeFa0N9KgDijwVs=", "DWygnHRtgiJ77HCm+1rvHw=="),
    ("6b+WOZ1T3cqZMxgThRcXAQBrS5mXKdDUphvpxptl9/4=", "arxBvwY2V4SiOne6yppVPQ=="),
    ("Kv/gDqdWVGIT4iDqg+btQvV3lc1idlm4WI+MMOyHOAw=", "fMNuOw6OLU5GG2vc6RTA+g=="),
    ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "tP/LI3N87DFaSk0aoqYgzg=="),
    ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "cLyPS3KoaSFGi/joRB3OUQ=="),
    ("MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA=", "zZ5FnqcIqUjVwvWmyog4zw=="),
    ("4niV/jPK5VFRHY+KNb6wtqYd4xXyMgdJ9XQJpcQUVbs=", "3+lCcX7IChUELg1zM+gnSQ=="),
    ("kX7SdwVc/1VXJr76kfKnkQ3ONYhxianyL2+C3rPVT9s=", "1avwvWBM8rRObQetiHxAQA=="),
];
const KEY: &str = PAIRS[0].0;
const MD5: &str = PAIRS[0].1;

fn parse(
    algorithm: Option<&str>,
    key: Option<&str>,
    md5: Option<&str>,
    rule: Md5Rule,
) -> Result<Option<PresentedKey>, E> {
    KeyHeaders {
        algorithm: algorithm.map(str::as_bytes),
        key: key.map(str::as_bytes),
        md5: md5.map(str::as_bytes),
    }
    .parse(rule)
}

fn write(algorithm: Option<&str>, key: Option<&str>, md5: Option<&str>) -> Result<PresentedKey, E> {
    parse(algorithm, key, md5, Md5Rule::Required)
        .map(|presented| presented.expect("a header is present"))
}

/// With the given key text and its own right MD5.
fn with_own_md5(key: &str) -> PresentedKey {
    let presented = parse(Some("AES256"), Some(key), None, Md5Rule::Optional).unwrap().unwrap();
    let md5 = presented.md5.to_base64();
    write(Some("AES256"), Some(key), Some(&md5)).unwrap()
}

fn golden() -> CustomerKey {
    write(Some("AES256"), Some(KEY), Some(MD5)).unwrap().key.unwrap()
}

#[test]
fn published_pairs_agree() {
    for (key, md5) in PAIRS {
        let presented = write(Some("AES256"), Some(key), Some(md5)).unwrap();
        assert_eq!(presented.md5.to_base64(), md5);
        assert_eq!(presented.key.unwrap().md5().to_base64(), md5);
        for (other, _) in PAIRS.iter().filter(|(other, _)| *other != key) {
            assert_eq!(write(Some("AES256"), Some(other), Some(md5)).unwrap_err(), E::Md5Mismatch);
        }
    }
}

#[test]
fn no_header_is_no_key() {
    let none = KeyHeaders { algorithm: None, key: None, md5: None };
    assert!(!none.any());
    assert!(none.parse(Md5Rule::Required).unwrap().is_none());
}

#[test]
fn an_empty_header_is_present() {
    for (algorithm, key, md5) in
        [(Some(""), None, None), (None, Some(""), None), (None, None, Some(""))]
    {
        let headers = KeyHeaders {
            algorithm: algorithm.map(str::as_bytes),
            key: key.map(str::as_bytes),
            md5: md5.map(str::as_bytes),
        };
        assert!(headers.any());
        assert!(headers.parse(Md5Rule::Optional).is_err());
    }
}

#[test]
fn each_mistake_has_its_answer() {
    let aes = Some("AES256");
    for (algorithm, key, md5, expected) in [
        (None, Some(KEY), Some(MD5), E::MissingAlgorithm),
        (None, Some(KEY), None, E::MissingAlgorithm),
        (None, None, Some(MD5), E::MissingAlgorithm),
        (aes, None, Some(MD5), E::MissingKey),
        (aes, None, None, E::MissingKey),
        (Some(""), None, None, E::MissingKey),
        (aes, Some(""), Some(MD5), E::KeyTooShort),
        (aes, Some("a"), Some(MD5), E::KeyTooShort),
        (aes, Some("ZZ"), Some(MD5), E::KeyTooShort),
        (aes, Some("####"), Some(MD5), E::KeyTooShort),
        (aes, Some("schlüssel"), Some(MD5), E::KeyNotAscii),
        (aes, Some("ключ"), Some(MD5), E::KeyNotAscii),
        (aes, Some(KEY), None, E::MissingMd5),
        (aes, Some(KEY), Some(""), E::Md5Mismatch),
        (aes, Some(KEY), Some("I0aPuXuw4REDJuP1fw07QQ"), E::Md5Mismatch),
        (aes, Some(KEY), Some("I0aPuXuw4REDJuP1fw07QQ== "), E::Md5Mismatch),
        (aes, Some(KEY), Some("####"), E::Md5Mismatch),
        (aes, Some(KEY), Some("23468fb97bb0e1110326e3f57f0d3b41"), E::Md5Mismatch),
        (Some(""), Some(KEY), Some(MD5), E::UnsupportedAlgorithm),
        (Some("aes256"), Some(KEY), Some(MD5), E::UnsupportedAlgorithm),
        (Some("KMS"), Some(KEY), Some(MD5), E::UnsupportedAlgorithm),
        (Some("aws:kms"), Some(KEY), Some(MD5), E::UnsupportedAlgorithm),
        (Some("AES128-INVALID"), Some(KEY), Some(MD5), E::UnsupportedAlgorithm),
        (Some("AES256-INVALID"), Some(KEY), Some(MD5), E::UnsupportedAlgorithm),
        (Some("AES256 "), Some(KEY), Some(MD5), E::UnsupportedAlgorithm),
    ] {
        let found = write(algorithm, key, md5).map(|_| ()).unwrap_err();
        assert_eq!(found, expected, "{algorithm:?} {key:?} {md5:?}");
    }
}

#[test]
fn the_order_is_the_recorded_one() {
    // All three wrong: the MD5 is told before the algorithm.
    let found = write(Some("AES128-INVALID"), Some("QUJD"), Some("bad")).unwrap_err();
    assert_eq!(found, E::Md5Mismatch);
    // A wrong algorithm is told before a wrong length.
    let short = with_own_md5("QUJD").md5.to_base64();
    let found = write(Some("KMS"), Some("QUJD"), Some(&short)).unwrap_err();
    assert_eq!(found, E::UnsupportedAlgorithm);
    // A key that decodes to nothing is told before its MD5 and the algorithm.
    assert_eq!(write(Some("KMS"), Some("ZZ"), None).unwrap_err(), E::KeyTooShort);
    // A missing MD5 is told before the algorithm.
    assert_eq!(write(Some("KMS"), Some(KEY), None).unwrap_err(), E::MissingMd5);
}

#[test]
fn reads_may_leave_the_md5_out_but_not_get_it_wrong() {
    for rule in [Md5Rule::Optional, Md5Rule::OptionalOrGuide] {
        let presented = parse(Some("AES256"), Some(KEY), None, rule).unwrap().unwrap();
        assert_eq!(presented.md5.to_base64(), MD5, "it is echoed all the same");
        let found = parse(Some("AES256"), Some(KEY), Some("bad"), rule).map(|_| ()).unwrap_err();
        assert_eq!(found, E::Md5Mismatch);
    }
}

#[test]
fn the_guides_recipe_counts_where_it_is_asked_for() {
    for (key, guide) in [
        (PAIRS[1].0, "OTAzOTJhZThhMjA5ZTQxOGNmMjA3OWYwMGVkNjc5NzUK"),
        (PAIRS[6].0, "ZWU4ODhmMmFmNGIxMDU4OGI5ZTY1ZDFlNDAyZTg3OGIK"),
    ] {
        let ask = |rule| parse(Some("AES256"), Some(key), Some(guide), rule).map(|_| ());
        assert_eq!(ask(Md5Rule::OptionalOrGuide), Ok(()));
        assert_eq!(ask(Md5Rule::Optional), Err(E::Md5Mismatch));
        assert_eq!(ask(Md5Rule::Required), Err(E::Md5Mismatch));
        // It is the guide's value of this key, not of any.
        let other = parse(Some("AES256"), Some(KEY), Some(guide), Md5Rule::OptionalOrGuide);
        assert_eq!(other.map(|_| ()).unwrap_err(), E::Md5Mismatch);
    }
    let digest = parse(Some("AES256"), Some(KEY), Some(MD5), Md5Rule::OptionalOrGuide);
    assert!(digest.unwrap().is_some());
}

#[test]
fn foreign_characters_in_the_key_are_dropped() {
    let (left, right) = KEY.split_at(20);
    for text in [
        format!("{left} {right}"),
        format!(" {KEY}\t"),
        format!("{left}\r\n{right}"),
        format!("{left}!#-_{right}"),
        format!("{KEY}==="),
    ] {
        let presented = write(Some("AES256"), Some(&text), Some(MD5)).unwrap();
        assert!(presented.key.unwrap().same_as(&golden()), "{text:?}");
    }
}

#[test]
fn other_variants_of_base64_are_another_key() {
    // A full group of padding adds a byte; an unpadded key loses two; `-` and `_` are dropped, not
    // mapped.
    let url_safe = KEY.replace('+', "-").replace('/', "_");
    for text in [format!("{KEY}===="), KEY.trim_end_matches('=').to_owned(), url_safe] {
        let found = write(Some("AES256"), Some(&text), Some(MD5)).map(|_| ()).unwrap_err();
        assert_eq!(found, E::Md5Mismatch, "{text:?}");
    }
}

#[test]
fn another_length_with_its_own_md5_is_for_the_operation_to_answer() {
    // 30 and 31 bytes, 33, and the 44 bytes of a key that was encoded twice.
    let twice = "SzArL3lRSEpjeDVDZ290cVNjWkpxaGZKOGhwZnc0bGVpQjNCenlvOEhTbz0=";
    let unpadded = KEY.trim_end_matches('=');
    let longer = format!("{}QUFB", &KEY[..40]);
    for text in ["QUJD", unpadded, &longer, twice] {
        assert!(with_own_md5(text).key.is_err(), "{text}");
    }
}
