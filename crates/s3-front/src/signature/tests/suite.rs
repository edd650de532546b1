//! AWS's Signature Version 4 test suite (`tests/data/README.md`), both forms of every case.

use aws_lc_rs::hmac;
use serde_json::Value;

use super::Request;
use crate::signature::canonical::CanonicalRequest;
use crate::signature::{hex, signing_key, string_to_sign};

const SECRET: &[u8] = b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SCOPE: [&str; 4] = ["20150830", "us-east-1", "service", "aws4_request"];
const TIME_AND_SCOPE: &str = "20150830T123600Z\n20150830/us-east-1/service/aws4_request";

#[test]
fn every_case_gives_the_published_texts_and_signatures() {
    let cases: Value =
        serde_json::from_str(include_str!("../../../tests/data/sigv4-test-suite.json")).unwrap();
    let mut checked = 0;
    for case in cases.as_array().unwrap() {
        for form in ["header", "query"] {
            if case[form].is_object() {
                check(case["name"].as_str().unwrap(), &case[form], form == "query");
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 63, "cases may not silently go");
}

fn check(name: &str, case: &Value, presigned: bool) {
    let text = |field: &str| case[field].as_str().unwrap();
    let request = parse(text("signed_request"));
    let expected = text("canonical_request");
    let mut last_lines = expected.rsplit('\n');
    let payload = last_lines.next().unwrap();
    let signed_headers = last_lines.next().unwrap();
    let canonical = CanonicalRequest { head: &request.head(), presigned, signed_headers, payload };
    assert_eq!(canonical.redacted().unwrap(), expected, "{name}");
    let string = string_to_sign(TIME_AND_SCOPE, &canonical.hash());
    assert_eq!(string, text("string_to_sign"), "{name}");
    let tag = hmac::sign(&signing_key::derive(SECRET, SCOPE), string.as_bytes());
    assert_eq!(hex::text(tag.as_ref().try_into().unwrap()), text("signature"), "{name}");
}

/// HTTP/1.1 as the suite writes it. A value that goes on in the next line is joined by a space, as a
/// server that still understands folded headers does.
fn parse(text: &str) -> Request {
    let head = text.split("\n\n").next().unwrap().trim_end();
    let mut lines = head.split('\n');
    let (method, rest) = lines.next().unwrap().split_once(' ').unwrap();
    let mut request = Request::new(method, rest.strip_suffix(" HTTP/1.1").unwrap(), &[]);
    let mut fields: Vec<String> = Vec::new();
    for line in lines {
        match line.strip_prefix(' ') {
            Some(more) => fields.last_mut().unwrap().push_str(&format!(" {more}")),
            None => fields.push(line.to_owned()),
        }
    }
    for field in fields {
        let (name, value) = field.split_once(':').unwrap();
        request.add(name, value);
    }
    request
}
