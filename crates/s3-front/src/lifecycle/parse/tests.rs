use super::*;

const DAYS: &str = "<Expiration><Days>1</Days></Expiration>";

fn parsed(rules: &str) -> S3Result<Configuration> {
    parsed_under(Profile::Aws, rules)
}

fn parsed_under(profile: Profile, rules: &str) -> S3Result<Configuration> {
    let body = format!("<LifecycleConfiguration>{rules}</LifecycleConfiguration>");
    let minimum = TransitionMinimum::default();
    Configuration::parse(body.as_bytes(), minimum, profile, &mut || "made".into())
}

fn rule(inner: &str) -> String {
    format!("<Rule>{inner}<Status>Enabled</Status></Rule>")
}

fn filtered(filter: &str, action: &str) -> String {
    rule(&format!("<Filter>{filter}</Filter>{action}"))
}

#[track_caller]
fn refused(rules: &str, code: ErrorCode, message: &str) {
    let error = parsed(rules).expect_err(rules);
    assert_eq!(error.code(), code, "{rules}: {}", error.message());
    assert!(error.message().starts_with(message), "{rules}: {}", error.message());
}

#[test]
fn every_form_comes_back_as_it_was_put() {
    let tag = "<Tag><Key>k &amp;</Key><Value></Value></Tag>";
    for rules in [
        "<Rule><ID>a</ID><Prefix>p/</Prefix><Status>Disabled</Status><Expiration><Days>31</Days></Expiration></Rule>".to_owned(),
        format!("<Rule><ID>a</ID><Filter></Filter><Status>Enabled</Status>{DAYS}</Rule>"),
        format!("<Rule><ID>a</ID><Filter>{tag}</Filter><Status>Enabled</Status><Expiration><Date>2030-01-01T00:00:00.000Z</Date></Expiration></Rule>"),
        format!("<Rule><ID>a</ID><Filter><And><Prefix>p</Prefix>{tag}<ObjectSizeGreaterThan>1</ObjectSizeGreaterThan><ObjectSizeLessThan>3</ObjectSizeLessThan></And></Filter><Status>Enabled</Status>{DAYS}</Rule>"),
        "<Rule><ID>a</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration><NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays><NewerNoncurrentVersions>100</NewerNoncurrentVersions></NoncurrentVersionExpiration><AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>".to_owned(),
    ] {
        let configuration = parsed(&rules).unwrap();
        assert!(configuration.document().ends_with(&format!("{rules}</LifecycleConfiguration>")), "{}", configuration.document());
        assert_eq!(Configuration::stored(&configuration.to_stored()).unwrap(), configuration);
    }
    let varies = TransitionMinimum::VariesByStorageClass;
    let varies =
        Configuration { transition_minimum: varies, ..parsed(&filtered("", DAYS)).unwrap() };
    assert_eq!(Configuration::stored(&varies.to_stored()).unwrap(), varies);
}

/// And is kept as S3 has it, so that the rule is the same under another profile.
#[test]
fn under_ceph_predicates_without_and_must_all_hold() {
    let tag = |key: &str| format!("<Tag><Key>{key}</Key><Value>v</Value></Tag>");
    let (a, b) = (tag("a"), tag("b"));
    let sizes = "<ObjectSizeGreaterThan>1</ObjectSizeGreaterThan>";
    for (filter, kept) in [
        (format!("<Prefix>p</Prefix>{a}"), Some(format!("<Prefix>p</Prefix>{a}"))),
        (format!("<Prefix></Prefix>{sizes}"), Some(format!("<Prefix></Prefix>{sizes}"))),
        (
            format!("<Prefix>p/</Prefix>{a}<And><Prefix>p</Prefix>{b}</And>"),
            Some(format!("<Prefix>p/</Prefix>{b}{a}")),
        ),
        (
            format!("<Prefix>p</Prefix>{a}<And><Prefix>p/</Prefix>{b}</And>"),
            Some(format!("<Prefix>p/</Prefix>{b}{a}")),
        ),
        (
            "<ObjectSizeLessThan>9</ObjectSizeLessThan><And><ObjectSizeLessThan>7</ObjectSizeLessThan><Prefix>p</Prefix></And>".to_owned(),
            Some("<Prefix>p</Prefix><ObjectSizeLessThan>7</ObjectSizeLessThan>".to_owned()),
        ),
        (format!("<Prefix>p</Prefix><And><Prefix>q</Prefix>{b}</And>"), None),
        (format!("{a}<And><Prefix>q</Prefix>{a}</And>"), None),
        (format!("<Prefix>p</Prefix><Other>x</Other>{b}"), None),
    ] {
        let rules = filtered(&filter, DAYS);
        parsed(&rules).unwrap_err();
        let found = parsed_under(Profile::Ceph, &rules).ok().map(|found| {
            assert_eq!(Configuration::stored(&found.to_stored()).as_ref(), Ok(&found));
            found.document()
        });
        match (&found, kept) {
            (Some(document), Some(kept)) => {
                assert!(document.contains(&format!("<Filter><And>{kept}</And></Filter>")), "{document}");
            }
            (found, kept) => assert_eq!(found.is_some(), kept.is_some(), "{filter}"),
        }
    }
}

#[test]
fn what_does_not_fit_the_schema_is_malformed() {
    let malformed = |rules: &str| refused(rules, ErrorCode::MalformedXML, "The XML you provided");
    let tag = "<Tag><Key>k</Key><Value>v</Value></Tag>";
    for rules in [
        String::new(),
        rule(DAYS),
        rule(&format!("<Prefix/><Filter/>{DAYS}")),
        format!("<Rule><Prefix/><Status>enabled</Status>{DAYS}</Rule>"),
        format!("<Rule><Prefix/>{DAYS}</Rule>"),
        filtered(&format!("<Prefix>p</Prefix>{tag}"), DAYS),
        filtered("<And></And>", DAYS),
        filtered("<Other>x</Other>", DAYS),
        filtered("<ObjectSizeLessThan>-1</ObjectSizeLessThan>", DAYS),
        filtered("", "<Expiration></Expiration>"),
        filtered("", "<Expiration><Days>1</Days><Date>2030-01-01</Date></Expiration>"),
        filtered("", "<Expiration><Days>x</Days></Expiration>"),
        filtered("", "<Expiration><Date>soon</Date></Expiration>"),
        filtered("", "<NoncurrentVersionExpiration></NoncurrentVersionExpiration>"),
        filtered("", &DAYS.repeat(2)),
        filtered("", &format!("{DAYS}<Surprise/>")),
        filtered("", DAYS)
            .replace("<Status>", "<ID>a</ID><Status>")
            .repeat(LIFECYCLE_RULES_MAX + 1),
    ] {
        malformed(&rules);
    }
}

#[test]
fn what_s3_refuses_is_refused_in_its_words() {
    use ErrorCode::{InvalidArgument, InvalidRequest};
    let named =
        |id: &str| format!("<Rule><ID>{id}</ID><Prefix/><Status>Enabled</Status>{DAYS}</Rule>");
    refused(
        &named(&"é".repeat(256)),
        InvalidArgument,
        "ID length should not exceed allowed limit of 255",
    );
    parsed(&named(&"é".repeat(255))).unwrap();
    refused(
        &named("a").repeat(2),
        InvalidArgument,
        "Rule ID must be unique. Found same ID for more than one rule",
    );
    let tag = "<Tag><Key>k</Key><Value>v</Value></Tag>";
    let size = "<ObjectSizeLessThan>5</ObjectSizeLessThan>";
    let days = |days: &str| filtered("", &format!("<Expiration><Days>{days}</Days></Expiration>"));
    let markers =
        "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>";
    let abort = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>";
    let newer = |keep: u32| {
        format!(
            "<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays><NewerNoncurrentVersions>{keep}</NewerNoncurrentVersions></NoncurrentVersionExpiration>"
        )
    };
    let positive = "'Days' for Expiration action must be a positive integer";
    for (rules, code, message) in [
        (days("0"), InvalidArgument, positive),
        (days("-1"), InvalidArgument, positive),
        (days("2147483648"), InvalidArgument, positive),
        (
            filtered("", &abort.replace('1', "0")),
            InvalidArgument,
            "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer",
        ),
        (filtered("", &newer(101)), InvalidArgument, "'NewerNoncurrentVersions'"),
        (filtered("", &newer(0)), InvalidArgument, "'NewerNoncurrentVersions'"),
        (
            rule(&format!("<Prefix/>{}", newer(1))),
            InvalidRequest,
            "NewerNoncurrentVersions element can only be used in Lifecycle V2.",
        ),
        (
            filtered("", "<Expiration><Date>2030-01-01T01:00:00Z</Date></Expiration>"),
            InvalidArgument,
            "'Date' must be at midnight GMT",
        ),
        (
            filtered("", "<Expiration><Date>2030-01-01T00:00:00+01:00</Date></Expiration>"),
            InvalidArgument,
            "'Date' must be at midnight GMT",
        ),
        (filtered("", ""), InvalidRequest, "At least one action needs to be specified in a rule"),
        (
            filtered(tag, markers),
            InvalidRequest,
            "ExpiredObjectDeleteMarker cannot be specified with Tags.",
        ),
        (
            filtered(size, markers),
            InvalidRequest,
            "ExpiredObjectDeleteMarker cannot be specified with Object Size.",
        ),
        (
            filtered(tag, abort),
            InvalidRequest,
            "AbortIncompleteMultipartUpload cannot be specified with Tags.",
        ),
        (
            filtered(size, abort),
            InvalidRequest,
            "AbortIncompleteMultipartUpload cannot be specified with Object Size.",
        ),
        (
            filtered(&format!("<And>{tag}{tag}</And>"), DAYS),
            InvalidRequest,
            "Duplicate Tag Keys are not allowed.",
        ),
        (
            filtered(
                &format!("<And>{size}<ObjectSizeGreaterThan>5</ObjectSizeGreaterThan></And>"),
                DAYS,
            ),
            InvalidRequest,
            "'ObjectSizeLessThan' has to be a value greater than",
        ),
        (
            filtered(&format!("<Prefix>{}</Prefix>", "p".repeat(1_025)), DAYS),
            InvalidRequest,
            "The maximum size of a prefix is 1024",
        ),
        (
            format!("<Rule><ID>b</ID><Filter/><Status>Enabled</Status>{DAYS}</Rule>{}", named("a")),
            InvalidRequest,
            "Filter element can only be used in Lifecycle V2.",
        ),
    ] {
        refused(&rules, code, message);
    }
}

#[test]
fn transitions_are_refused_never_left_out() {
    let transition = "<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>";
    let noncurrent = "<NoncurrentVersionTransition><NoncurrentDays>1</NoncurrentDays><StorageClass>GLACIER</StorageClass></NoncurrentVersionTransition>";
    for action in [transition, noncurrent] {
        let both = filtered("", &format!("{DAYS}{action}"));
        for rules in [filtered("", action), both] {
            refused(&rules, ErrorCode::NotImplemented, "Transitions between storage classes");
        }
    }
    let dated = transition.replace("<Days>1</Days>", "<Date>2022-09-27T01:00:00Z</Date>");
    refused(&filtered("", &dated), ErrorCode::InvalidArgument, "'Date' must be at midnight GMT");
}
