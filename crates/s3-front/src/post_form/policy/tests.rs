//! Policies against forms, and the texts of what is refused.

use super::*;

const NOW: Timestamp = Timestamp(1_767_323_045_000);
const LATER: &str = "2026-01-02T04:00:00.000Z";

fn encoded(expiration: &str, conditions: &str) -> String {
    STANDARD.encode(format!("{{\"expiration\": \"{expiration}\", \"conditions\": [{conditions}]}}"))
}

fn checked(conditions: &str, fields: &[(&str, &str)]) -> Result<LengthRange, PolicyError> {
    let form = Form::of(fields);
    Policy::parse(&encoded(LATER, conditions))?.check(&form, ("bkt", Profile::Aws), NOW)
}

#[track_caller]
fn denied(conditions: &str, fields: &[(&str, &str)], why: &str) {
    let error = checked(conditions, fields).unwrap_err();
    assert_eq!(error, PolicyError::Denied(format!("Invalid according to Policy: {why}")));
}

#[track_caller]
fn invalid(document: &str, why: &str) {
    let error = Policy::parse(&STANDARD.encode(document)).err().unwrap();
    assert_eq!(error, PolicyError::Invalid(format!("Invalid Policy: {why}")));
}

#[test]
fn every_kind_of_condition_can_hold() {
    let fields = [
        ("kEy", "user/a"),
        ("Content-Type", "image/png,image/gif"),
        ("acl", "private"),
        ("X-Amz-Meta-Tag", "anything"),
        ("x-ignore-me", "x"),
        ("AWSAccessKeyId", "x"),
        ("Signature", "x"),
        ("pOLICy", "x"),
        ("X-Amz-Signature", "x"),
    ];
    let conditions = r#"{"bUcKeT": "bkt"}, ["StArTs-WiTh", "$KeY", "user/"], {"AcL": "private"},
        ["starts-with", "$Content-Type", "image/"], ["starts-with", "$x-amz-meta-tag", ""],
        ["eq", "$key", "user/a"], ["content-length-range", 5, "10"], ["content-length-range", 1, 9]"#;
    assert_eq!(checked(conditions, &fields), Ok(LengthRange { min: 5, max: 9 }));
}

#[test]
fn a_condition_that_does_not_hold_is_named() {
    for (condition, shown) in [
        (r#"{"bucket": "x"}"#, r#"["eq", "$bucket", "x"]"#),
        (r#"["eq", "$key", "A"]"#, r#"["eq", "$key", "A"]"#),
        (r#"["starts-with", "$Key", "b\"\\"]"#, r#"["starts-with", "$Key", "b\"\\"]"#),
        (r#"["eq", "key", "a"]"#, r#"["eq", "key", "a"]"#),
        (r#"["starts-with", "$absent", ""]"#, r#"["starts-with", "$absent", ""]"#),
        (r#"["eq", "$absent", ""]"#, r#"["eq", "$absent", ""]"#),
        (r#"["content-length-range", "test", "10"]"#, r#"["content-length-range", "test", "10"]"#),
        (
            r#"["starts-with", "$content-type", "image/"]"#,
            r#"["starts-with", "$content-type", "image/"]"#,
        ),
    ] {
        let fields = [("key", "a"), ("Content-Type", "image/png, text/plain")];
        denied(condition, &fields, &format!("Policy Condition failed: {shown}"));
    }
}

#[test]
fn a_field_without_a_condition_is_extra() {
    let fields = [("key", "a"), ("Utf8", "x"), ("x-amz-meta-b", "x")];
    denied(r#"{"key": "a"}"#, &fields, "Extra input fields: Utf8, x-amz-meta-b");
    denied(r#"["content-length-range", 0, 9]"#, &[("key", "a")], "Extra input fields: key");
}

#[test]
fn a_pinned_key_is_not_shown() {
    let name = "x-amz-server-side-encryption-customer-key";
    let conditions = format!(r#"["eq", "${name}", "c2VjcmV0"]"#);
    let shown = format!(r#"Policy Condition failed: ["eq", "${name}", "[redacted]"]"#);
    denied(&conditions, &[(name, "other")], &shown);
    assert!(checked(&conditions, &[(name, "c2VjcmV0")]).is_ok());
}

/// A customer's key that a policy speaks of is meant, also where other fields may be left away.
#[test]
fn ceph_takes_an_absent_field_for_an_empty_one_and_checksums_unnamed() {
    let form = |fields: &[(&str, &str)]| Form::of(fields);
    let under = |profile, conditions: &str, fields: &[(&str, &str)]| {
        let policy = Policy::parse(&encoded(LATER, conditions)).unwrap();
        policy.check(&form(fields), ("bkt", profile), NOW).is_ok()
    };
    let key = "x-amz-server-side-encryption-customer-key";
    for (condition, fields, under_ceph) in [
        (r#"["starts-with", "$x-amz-meta-a", ""]"#.to_owned(), &[][..], true),
        (r#"["starts-with", "$x-amz-meta-a", "b"]"#.to_owned(), &[], false),
        (r#"["eq", "$x-amz-meta-a", ""]"#.to_owned(), &[], false),
        (format!(r#"["starts-with", "${key}", ""]"#), &[], false),
        (r#"["eq", "$bucket", "bkt"]"#.to_owned(), &[("x-amz-checksum-sha256", "x")], true),
        (r#"["eq", "$bucket", "bkt"]"#.to_owned(), &[("x-amz-meta-a", "x")], false),
    ] {
        for profile in Profile::ALL {
            let expected = under_ceph && profile == Profile::Ceph;
            assert_eq!(under(profile, &condition, fields), expected, "{profile:?} {condition}");
        }
    }
}

#[test]
fn a_policy_ends() {
    let at = |expiration: &str| {
        let policy = Policy::parse(&encoded(expiration, "{\"key\": \"a\"}"))?;
        policy.check(&Form::of(&[("key", "a")]), ("bkt", Profile::Aws), NOW)
    };
    assert!(at("2026-01-02T03:04:05Z").is_ok());
    let expired = PolicyError::Denied("Invalid according to Policy: Policy expired.".into());
    assert_eq!(at("2026-01-02T03:04:04.999Z"), Err(expired));
    for bad in ["2026-01-02 03:04:05Z", "2026-01-02T05:04:05+02:00", "2026-01-02", "soon"] {
        let why = format!("Invalid Policy: Invalid 'expiration' value: '{bad}'");
        assert_eq!(at(bad), Err(PolicyError::Invalid(why)));
    }
}

#[test]
fn documents_that_are_no_policies_are_refused() {
    let with =
        |condition: &str| format!("{{\"expiration\": \"{LATER}\", \"conditions\": [{condition}]}}");
    for (condition, why) in [
        (
            "{}",
            "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
        ),
        (
            "{\"a\": \"1\", \"b\": \"2\"}",
            "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
        ),
        ("{\"a\": 1}", "Invalid Simple-Condition: value must be a string."),
        ("{\"a\": null}", "Invalid JSON."),
        ("1", "Invalid condition test: must be a List or Object."),
        ("[]", "Invalid Condition: missing operation identifier."),
        ("[\"ends-with\", \"$key\", \"a\"]", "Invalid Condition: unknown operation 'ends-with'."),
        (
            "[\"content-length-range\", 0]",
            "Invalid content-length-range: wrong number of arguments.",
        ),
        ("[\"content-length-range\", -1, 0]", "Token - must be enclosed in quotes."),
        ("[\"content-length-range\", 0, 1.5]", "Invalid JSON."),
        ("[\"eq\", \"$key\", 1]", "Invalid JSON."),
    ] {
        invalid(&with(condition), why);
    }
    invalid("", "Invalid JSON.");
    invalid("[]", "Invalid JSON.");
    invalid("{\"conditions\": []}", "Policy missing expiration.");
    invalid(&format!("{{\"expiration\": \"{LATER}\"}}"), "Policy missing conditions.");
    invalid(&format!("{{\"EXPIRATION\": \"{LATER}\"}}"), "Unexpected: 'expiration'");
    invalid("{\"conditions\": {}}", "Invalid 'conditions' value: must be a List.");
    let error = Policy::parse("%").err().unwrap();
    assert_eq!(error, PolicyError::Invalid("Invalid Policy: invalid Base64 encoding.".into()));
}
