use super::*;

fn parsed(rules: &str) -> S3Result<CorsConfiguration> {
    CorsConfiguration::parse(format!("<CORSConfiguration>{rules}</CORSConfiguration>").as_bytes())
}

fn rule(more: &str) -> String {
    format!(
        "<CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>https://a</AllowedOrigin>{more}</CORSRule>"
    )
}

#[track_caller]
fn refused(rules: &str, message: &str) {
    let error = parsed(rules).expect_err(rules);
    let code = if message.is_empty() { ErrorCode::MalformedXML } else { ErrorCode::InvalidRequest };
    assert_eq!(error.code(), code, "{rules}");
    assert!(message.is_empty() || error.message() == message, "{}", error.message());
}

#[test]
fn what_is_written_is_read() {
    let all = "<CORSRule><ID>a &amp; b</ID><AllowedHeader>x-amz-*</AllowedHeader>\
        <AllowedHeader>*</AllowedHeader><AllowedMethod>PUT</AllowedMethod>\
        <AllowedMethod>HEAD</AllowedMethod><AllowedOrigin>https://*.example</AllowedOrigin>\
        <ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>0</MaxAgeSeconds></CORSRule>";
    let configuration = parsed(&format!("{all}{}", rule(""))).unwrap();
    let document = configuration.document();
    assert!(document.contains(all), "{document}");
    assert_eq!(CorsConfiguration::read(document.as_bytes()).unwrap(), configuration);
}

#[test]
fn what_aws_refuses_is_refused_in_its_words() {
    refused("", "");
    refused("<CORSRule/>", "");
    refused("<CORSRule><AllowedMethod>GET</AllowedMethod></CORSRule>", "");
    refused("<CORSRule><AllowedOrigin>*</AllowedOrigin></CORSRule>", "");
    refused(&rule("<Surprise/>"), "");
    refused(&rule("<AllowedOrigin/>"), "");
    refused(&rule("<AllowedHeader> </AllowedHeader>"), "");
    refused(&rule("<ID>a</ID><ID>b</ID>"), "");
    for seconds in ["", "x", "-1", "1.5", "2147483648"] {
        refused(&rule(&format!("<MaxAgeSeconds>{seconds}</MaxAgeSeconds>")), "");
    }
    for method in ["PATCH", "OPTIONS", "get", "*", ""] {
        refused(
            &rule(&format!("<AllowedMethod>{method}</AllowedMethod>")),
            &format!(
                "Found unsupported HTTP method in CORS config. Unsupported method is {method}"
            ),
        );
    }
    refused(
        &rule("<AllowedOrigin>*a*</AllowedOrigin>"),
        "AllowedOrigin \"*a*\" can not have more than one wildcard.",
    );
    refused(
        &rule("<AllowedHeader>x-*-*</AllowedHeader>"),
        "AllowedHeader \"x-*-*\" can not have more than one wildcard.",
    );
    refused(
        &rule("<ExposeHeader>x-*</ExposeHeader>"),
        "ExposeHeader \"x-*\" contains wildcard. We currently do not support wildcard for ExposeHeader.",
    );
    refused(
        &rule("<ExposeHeader>a: b</ExposeHeader>"),
        "ExposeHeader \"a: b\" contains invalid character.",
    );
    refused(
        &rule(&format!("<ID>{}</ID>", "é".repeat(CORS_RULE_ID_CHARS_MAX + 1))),
        "The ID of a CORS rule should not exceed allowed limit of 255 characters.",
    );
}

#[test]
fn rules_and_bytes_have_limits() {
    parsed(&rule("").repeat(CORS_RULES_MAX)).unwrap();
    refused(
        &rule("").repeat(CORS_RULES_MAX + 1),
        "The number of CORS rules should not exceed allowed limit of 100 rules.",
    );
    let long = |bytes: usize| {
        let around = "<CORSConfiguration></CORSConfiguration>".len() + rule("").len();
        CorsConfiguration::parse(
            format!(
                "<CORSConfiguration>{}{}</CORSConfiguration>",
                rule(""),
                " ".repeat(bytes - around)
            )
            .as_bytes(),
        )
    };
    long(CORS_BYTES_MAX).unwrap();
    let error = long(CORS_BYTES_MAX + 1).unwrap_err();
    assert_eq!(error.code(), ErrorCode::MaxMessageLengthExceeded);
    assert_eq!(error.elements(), [("MaxMessageLengthBytes", "65536".to_owned())]);
}

#[test]
fn a_wildcard_stands_for_any_run_of_characters() {
    for (pattern, text, expected) in [
        ("*", "", true),
        ("*", "https://a", true),
        ("https://*.a", "https://b.a", true),
        ("https://*.a", "https://.a", true),
        ("https://*.a", "https://b.a.c", false),
        ("start*end", "startend", true),
        ("start*end", "0start1end", false),
        ("aba*aba", "aba", false),
        ("a", "a", true),
        ("a", "A", false),
        ("a", "ab", false),
    ] {
        assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
    }
}

#[test]
fn the_first_rule_that_allows_everything_decides() {
    let configuration = parsed(
        "<CORSRule><ID>1</ID><AllowedMethod>GET</AllowedMethod><AllowedOrigin>https://a</AllowedOrigin></CORSRule>\
         <CORSRule><ID>2</ID><AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod>\
         <AllowedOrigin>https://a</AllowedOrigin><AllowedHeader>X-Amz-*</AllowedHeader></CORSRule>\
         <CORSRule><ID>3</ID><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin>\
         <AllowedHeader>*</AllowedHeader></CORSRule>",
    )
    .unwrap();
    let found = |origin: &str, method: &str, headers: &[&str]| {
        let headers: Vec<_> = headers.iter().map(|name| (*name).to_owned()).collect();
        let allowed = configuration.allowing(Asked { origin, method, headers: &headers });
        allowed.map(|allowed| (allowed.rule.id.clone().unwrap(), allowed.everybody))
    };
    let rule = |id: &str, everybody| Some((id.to_owned(), everybody));
    assert_eq!(found("https://a", "GET", &[]), rule("1", false));
    assert_eq!(found("https://a", "PUT", &[]), rule("2", false));
    assert_eq!(found("https://a", "GET", &["x-amz-date"]), rule("2", false));
    assert_eq!(found("https://a", "GET", &["x-amz-date", "range"]), rule("3", true));
    assert_eq!(found("https://b", "GET", &[]), rule("3", true));
    assert_eq!(found("https://b", "PUT", &[]), None);
    assert_eq!(found("https://a", "PUT", &["range"]), None);
    let many = vec!["a"; CORS_REQUESTED_HEADERS_MAX + 1];
    assert_eq!(found("https://b", "GET", &many[1..]), rule("3", true));
    assert_eq!(found("https://b", "GET", &many), None);
}
