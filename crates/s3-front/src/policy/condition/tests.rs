use super::*;

fn conditions(json: &str) -> Result<Conditions, PolicyError> {
    let json = serde_json::from_str(json).unwrap();
    Conditions::take(&mut Fields(vec![("Condition".to_owned(), json)]), Version::V2012)
}

fn context(values: &[(&str, &str)]) -> Context {
    let mut context = Context::default();
    for (key, value) in values {
        context.add(key, *value);
    }
    context
}

/// Whether `{operator: {aws:k: wanted}}` holds for these values of the key.
fn holds(operator: &str, wanted: &str, values: &[&str]) -> bool {
    let conditions = conditions(&format!(r#"{{"{operator}": {{"aws:k": {wanted}}}}}"#)).unwrap();
    let values: Vec<_> = values.iter().map(|value| ("aws:K", *value)).collect();
    conditions.hold(&context(&values))
}

#[test]
fn every_operator_compares() {
    for (operator, wanted, value, expected) in [
        ("StringEquals", r#""a*""#, "a*", true),
        ("StringEquals", r#""a*""#, "ab", false),
        ("StringEquals", r#"["x", "A"]"#, "A", true),
        ("StringEquals", r#""A""#, "a", false),
        ("StringNotEquals", r#"["a", "b"]"#, "b", false),
        ("StringNotEquals", r#"["a", "b"]"#, "c", true),
        ("StringEqualsIgnoreCase", r#""aB""#, "Ab", true),
        ("StringEqualsIgnoreCase", r#""ab""#, "abc", false),
        ("StringNotEqualsIgnoreCase", r#""aB""#, "Ab", false),
        ("StringNotEqualsIgnoreCase", r#""aB""#, "c", true),
        ("StringLike", r#""a*c?""#, "abbcd", true),
        ("StringLike", r#""a*c?""#, "abbc", false),
        ("StringNotLike", r#""a*""#, "ab", false),
        ("StringNotLike", r#""a*""#, "ba", true),
        ("NumericEquals", "10", "10.0", true),
        ("NumericEquals", r#""10""#, "11", false),
        ("NumericEquals", "10", "x", false),
        ("NumericNotEquals", "10", "10", false),
        ("NumericNotEquals", "10", "11", true),
        ("NumericNotEquals", "10", "x", true),
        ("NumericLessThan", "10", "9", true),
        ("NumericLessThan", "10", "10", false),
        ("NumericLessThanEquals", "10", "10", true),
        ("NumericLessThanEquals", "10", "11", false),
        ("NumericGreaterThan", "10", "10", false),
        ("NumericGreaterThan", "9", "10", true),
        ("NumericGreaterThanEquals", "10", "10", true),
        ("NumericGreaterThanEquals", "10", "-1", false),
        ("DateEquals", r#""2026-01-02T03:04:05Z""#, "2026-01-02T03:04:05Z", true),
        ("DateEquals", r#""2026-01-02T04:04:05+01:00""#, "2026-01-02T03:04:05Z", true),
        ("DateEquals", r#""1767323045""#, "2026-01-02T03:04:05Z", true),
        ("DateEquals", r#""2026-01-02""#, "2026-01-02T00:00:00Z", true),
        ("DateNotEquals", r#""2026-01-02""#, "2026-01-02T00:00:00Z", false),
        ("DateNotEquals", r#""2026-01-02""#, "2026-01-03T00:00:00Z", true),
        ("DateLessThan", r#""2026-01-03""#, "2026-01-02T00:00:00Z", true),
        ("DateLessThan", r#""2026-01-02""#, "2026-01-02T00:00:00Z", false),
        ("DateLessThanEquals", r#""2026-01-02""#, "2026-01-02T00:00:00Z", true),
        ("DateLessThanEquals", r#""2026-01-01""#, "2026-01-02T00:00:00Z", false),
        ("DateGreaterThan", r#""2026-01-01""#, "2026-01-02T00:00:00Z", true),
        ("DateGreaterThan", r#""2026-01-02""#, "2026-01-02T00:00:00Z", false),
        ("DateGreaterThanEquals", r#""2026-01-02""#, "2026-01-02T00:00:00Z", true),
        ("DateGreaterThanEquals", r#""2026-01-03""#, "2026-01-02T00:00:00Z", false),
        ("Bool", "true", "true", true),
        ("Bool", r#""False""#, "false", true),
        ("Bool", r#""false""#, "true", false),
        ("BinaryEquals", r#""QmluYXJ5""#, "QmluYXJ5", true),
        ("BinaryEquals", r#""QmluYXJ5""#, "QmluYXJ6", false),
        ("IpAddress", r#""192.0.2.0/24""#, "192.0.2.7", true),
        ("IpAddress", r#""192.0.2.0/24""#, "192.0.3.7", false),
        ("IpAddress", r#"["2001:db8::/32", "192.0.2.0/24"]"#, "2001:db8::1", true),
        ("NotIpAddress", r#""192.0.2.0/24""#, "192.0.2.7", false),
        ("NotIpAddress", r#""192.0.2.0/24""#, "192.0.3.7", true),
        ("ArnEquals", r#""arn:aws:iam::*:user/a*""#, "arn:aws:iam::1:user/ab", true),
        ("ArnLike", r#""arn:aws:iam::*:user/a*""#, "arn:aws:iam::1:user/b", false),
        ("ArnLike", r#""arn:*:user/ab""#, "arn:aws:iam::1:user/ab", false),
        ("ArnLike", r#""arn:aws:iam::1:*""#, "arn:aws:iam::1:a:b", true),
        ("ArnNotEquals", r#""arn:aws:iam::1:user/a""#, "arn:aws:iam::1:user/a", false),
        ("ArnNotLike", r#""arn:aws:iam::1:user/a""#, "arn:aws:iam::1:user/b", true),
        ("Null", "true", "x", false),
        ("Null", r#""false""#, "x", true),
    ] {
        assert_eq!(holds(operator, wanted, &[value]), expected, "{operator} {wanted} {value}");
    }
}

#[test]
fn an_absent_key_fails_positive_tests_and_passes_negated_ones() {
    for (operator, wanted, expected) in [
        ("StringEquals", r#""a""#, false),
        ("StringLike", r#""*""#, false),
        ("StringNotEquals", r#""a""#, true),
        ("StringNotEqualsIgnoreCase", r#""a""#, true),
        ("StringNotLike", r#""*""#, true),
        ("NumericEquals", "1", false),
        ("NumericLessThan", "1", false),
        ("NumericNotEquals", "1", true),
        ("DateNotEquals", r#""2026-01-01""#, true),
        ("DateLessThan", r#""2026-01-01""#, false),
        ("Bool", "true", false),
        ("BinaryEquals", r#""QQ==""#, false),
        ("IpAddress", r#""0.0.0.0/0""#, false),
        ("NotIpAddress", r#""0.0.0.0/0""#, true),
        ("ArnLike", r#""arn:aws:s3:::*""#, false),
        ("ArnNotLike", r#""arn:aws:s3:::*""#, true),
        ("Null", "true", true),
        ("Null", "false", false),
    ] {
        assert_eq!(holds(operator, wanted, &[]), expected, "{operator}");
        if operator != "Null" {
            let if_exists = format!("{operator}IfExists");
            assert!(holds(&if_exists, wanted, &[]), "{if_exists}");
        }
    }
    assert!(holds("StringEqualsIfExists", r#""a""#, &["a"]));
    assert!(!holds("StringEqualsIfExists", r#""a""#, &["b"]));
}

#[test]
fn quantifiers_count_values() {
    for (operator, values, expected) in [
        ("ForAllValues:StringEquals", ["a", "b"].as_slice(), true),
        ("ForAllValues:StringEquals", &["a", "c"], false),
        ("ForAllValues:StringEquals", &[], true),
        ("ForAnyValue:StringEquals", &["c", "a"], true),
        ("ForAnyValue:StringEquals", &["c", "d"], false),
        ("ForAnyValue:StringEquals", &[], false),
        ("ForAnyValue:StringEqualsIfExists", &[], true),
        ("ForAllValues:StringNotEquals", &["c", "a"], false),
        ("ForAllValues:StringNotEquals", &["c", "d"], true),
        ("ForAnyValue:StringNotEquals", &["a", "c"], true),
        ("ForAnyValue:StringNotEquals", &["a", "b"], false),
        ("StringEquals", &["c", "a"], true),
        ("StringNotEquals", &["c", "a"], false),
    ] {
        let held = holds(operator, r#"["a", "b"]"#, values);
        assert_eq!(held, expected, "{operator} {values:?}");
    }
}

#[test]
fn all_conditions_must_hold() {
    let both = conditions(
        r#"{"StringEquals": {"s3:prefix": "a", "s3:Delimiter": "/"}, "Bool": {"aws:SecureTransport": true}}"#,
    )
    .unwrap();
    let all = [("s3:prefix", "a"), ("S3:delimiter", "/"), ("aws:securetransport", "true")];
    assert!(both.hold(&context(&all)));
    for missing in 0..all.len() {
        let mut some = all.to_vec();
        some.remove(missing);
        assert!(!both.hold(&context(&some)), "without {missing}");
    }
    assert!(conditions("{}").unwrap().hold(&context(&[])));
}

#[test]
fn values_may_have_variables() {
    let like = conditions(r#"{"StringLike": {"s3:prefix": "home/${aws:username}/*"}}"#).unwrap();
    let held = |name, prefix| like.hold(&context(&[("aws:username", name), ("s3:prefix", prefix)]));
    assert!(held("alice", "home/alice/x"));
    assert!(!held("alice", "home/bob/x"));
    assert!(!held("*", "home/bob/x"), "a name is no wildcard");
    assert!(!like.hold(&context(&[("s3:prefix", "home//x")])), "nobody has no home");
    let unlike = conditions(r#"{"StringNotEquals": {"s3:prefix": "${aws:username}"}}"#).unwrap();
    assert!(unlike.hold(&context(&[("s3:prefix", "x")])));
    assert!(like.mention("aws:user") && like.mention("s3:prefix") && !like.mention("s3:max"));
}

#[test]
fn what_cannot_be_read_is_refused() {
    for (json, expected) in [
        (r#"{"StringEqual": {"s3:prefix": "a"}}"#, "Invalid Condition type : StringEqual"),
        (r#"{"stringEquals": {"s3:prefix": "a"}}"#, "Invalid Condition type : stringEquals"),
        (
            r#"{"ForSome:StringEquals": {"s3:prefix": "a"}}"#,
            "Invalid Condition type : ForSome:StringEquals",
        ),
        (r#"{"NullIfExists": {"s3:prefix": "true"}}"#, "Invalid Condition type : NullIfExists"),
        (r#"{"StringEquals": {"s3:prefixes": "a"}}"#, "Policy has an invalid condition key"),
        (r#"{"StringEquals": {"prefix": "a"}}"#, "Policy has an invalid condition key"),
        (r#"{"StringEquals": {"aws:": "a"}}"#, "Policy has an invalid condition key"),
        (
            r#"{"StringEquals": {"s3:ExistingObjectTag/": "a"}}"#,
            "Policy has an invalid condition key",
        ),
        (
            r#"{"NumericEquals": {"s3:max-keys": "ten"}}"#,
            "Invalid value in Conditions for operator NumericEquals",
        ),
        (
            r#"{"NumericEquals": {"s3:max-keys": "NaN"}}"#,
            "Invalid value in Conditions for operator NumericEquals",
        ),
        (
            r#"{"DateLessThan": {"aws:CurrentTime": "soon"}}"#,
            "Invalid value in Conditions for operator DateLessThan",
        ),
        (
            r#"{"Bool": {"aws:SecureTransport": "yes"}}"#,
            "Invalid value in Conditions for operator Bool",
        ),
        (
            r#"{"IpAddress": {"aws:SourceIp": "192.0.2.0/40"}}"#,
            "Invalid value in Conditions for operator IpAddress",
        ),
        (
            r#"{"Null": {"s3:prefix": ["true", "false"]}}"#,
            "Invalid value in Conditions for operator Null",
        ),
        (
            r#"{"StringEquals": {"s3:prefix": "${x"}}"#,
            "Invalid value in Conditions for operator StringEquals",
        ),
        (r#"{"StringEquals": {"s3:prefix": []}}"#, "Invalid policy syntax."),
        (r#"{"StringEquals": "s3:prefix"}"#, "Invalid policy syntax."),
        (r#""x""#, "Invalid policy syntax."),
    ] {
        assert_eq!(conditions(json).unwrap_err().to_string(), expected, "{json}");
    }
    conditions(r#"{"StringEquals": {"S3:existingObjectTag/Team": "a"}}"#).unwrap();
    conditions(r#"{"StringEquals": {"aws:PrincipalOrgID": "o-1"}}"#).unwrap();
}
