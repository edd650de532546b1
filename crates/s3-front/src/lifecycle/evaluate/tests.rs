use super::*;
use crate::{lifecycle::TransitionMinimum, profile::Profile};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const NEWEST: Place = Place::Newest { is_only: false };
const ONE_DAY: &str = "<Expiration><Days>1</Days></Expiration>";

fn rules(rules: &str) -> Configuration {
    let body = format!("<LifecycleConfiguration>{rules}</LifecycleConfiguration>");
    let mut next = 0;
    let mut id = || {
        next += 1;
        format!("r{next}")
    };
    let minimum = TransitionMinimum::default();
    Configuration::parse(body.as_bytes(), minimum, Profile::Aws, &mut id).unwrap()
}

fn rule(filter: &str, action: &str) -> String {
    format!("<Rule><Filter>{filter}</Filter><Status>Enabled</Status>{action}</Rule>")
}

/// Written an hour after the epoch.
fn object<'a>(key: &'a str, size: u64, tags: KnownTags<'a>, place: Place) -> Facts<'a> {
    Facts { key, kind: Kind::Object { size, tags }, last_modified: Timestamp(HOUR), place }
}

fn plain(key: &str) -> Facts<'_> {
    object(key, 10, KnownTags::Are(&[]), NEWEST)
}

fn marker(place: Place) -> Facts<'static> {
    Facts { key: "k", kind: Kind::Marker, last_modified: Timestamp(HOUR), place }
}

/// The first of these hours at whose end the rules want it deleted.
fn due(rules: &Configuration, facts: &Facts<'_>) -> Option<i64> {
    (0..24 * 9).find(|hour| {
        let now = Timestamp(hour * HOUR);
        rules.expires(facts, Moment { now, day: DayLength::Calendar })
    })
}

#[test]
fn a_newest_object_is_due_at_the_midnight_after_its_days() {
    let days = rules(&rule("", ONE_DAY));
    assert_eq!(due(&days, &plain("k")), Some(48));
    let date = rules(&rule("", "<Expiration><Date>1970-01-04</Date></Expiration>"));
    assert_eq!(due(&date, &plain("k")), Some(72));
    let disabled = rules(&rule("", ONE_DAY).replace("Enabled", "Disabled"));
    assert_eq!(due(&disabled, &plain("k")), None);
}

#[test]
fn every_predicate_of_a_filter_must_hold() {
    let tag = |key: &str, value: &str| format!("<Tag><Key>{key}</Key><Value>{value}</Value></Tag>");
    let both = format!("<And><Prefix>a/</Prefix>{}{}</And>", tag("x", "1"), tag("y", "2"));
    let and = rules(&rule(&both, ONE_DAY));
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let all = [pair("y", "2"), pair("z", "3"), pair("x", "1")];
    assert!(due(&and, &object("a/k", 1, KnownTags::Are(&all), NEWEST)).is_some());
    assert!(due(&and, &object("b/k", 1, KnownTags::Are(&all), NEWEST)).is_none());
    assert!(due(&and, &object("a/k", 1, KnownTags::Are(&all[..2]), NEWEST)).is_none());
    let wrong = [pair("x", "2"), pair("y", "2")];
    assert!(due(&and, &object("a/k", 1, KnownTags::Are(&wrong), NEWEST)).is_none());
    assert!(due(&and, &object("a/k", 1, KnownTags::Unread, NEWEST)).is_some());
    let sized = "<And><ObjectSizeGreaterThan>10</ObjectSizeGreaterThan><ObjectSizeLessThan>20</ObjectSizeLessThan></And>";
    let sized = rules(&rule(sized, ONE_DAY));
    for (size, is_due) in [(10, false), (11, true), (19, true), (20, false)] {
        let facts = object("k", size, KnownTags::Unread, NEWEST);
        assert_eq!(due(&sized, &facts).is_some(), is_due, "{size}");
    }
}

#[test]
fn a_noncurrent_version_is_due_after_it_was_replaced_beyond_those_kept() {
    let action = "<NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions></NoncurrentVersionExpiration>";
    let keeping = rules(&rule("", action));
    let at = |newer| Place::Noncurrent { superseded: Timestamp(DAY + HOUR), newer };
    let version = |newer| object("k", 1, KnownTags::Unread, at(newer));
    assert_eq!(due(&keeping, &version(1)), None);
    assert_eq!(due(&keeping, &version(2)), None);
    assert_eq!(due(&keeping, &version(3)), Some(24 * 4));
    assert_eq!(due(&keeping, &marker(at(3))), Some(24 * 4));
    assert_eq!(due(&keeping, &plain("k")), None);
    let all = action.replace("<NewerNoncurrentVersions>2</NewerNoncurrentVersions>", "");
    assert_eq!(due(&rules(&rule("", &all)), &version(1)), Some(24 * 4));
    assert_eq!(due(&rules(&rule("", ONE_DAY)), &version(3)), None);
}

#[test]
fn a_delete_marker_goes_when_nothing_is_below_it() {
    let lone =
        "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>";
    let only = Place::Newest { is_only: true };
    assert_eq!(due(&rules(&rule("", lone)), &marker(only)), Some(1));
    assert_eq!(due(&rules(&rule("", lone)), &marker(NEWEST)), None);
    assert_eq!(due(&rules(&rule("", &lone.replace("true", "false"))), &marker(only)), None);
    assert_eq!(due(&rules(&rule("", lone)), &plain("k")), None);
    assert_eq!(due(&rules(&rule("", ONE_DAY)), &marker(only)), Some(48));
    assert_eq!(due(&rules(&rule("", ONE_DAY)), &marker(NEWEST)), None);
    let date = rules(&rule("", "<Expiration><Date>1970-01-01</Date></Expiration>"));
    assert_eq!(due(&date, &marker(only)), None);
    let tagged = "<Tag><Key>a</Key><Value>b</Value></Tag>";
    assert_eq!(due(&rules(&rule(tagged, ONE_DAY)), &marker(only)), None);
    let sized = "<ObjectSizeLessThan>5</ObjectSizeLessThan>";
    assert_eq!(due(&rules(&rule(sized, ONE_DAY)), &marker(only)), None);
}

#[test]
fn the_earliest_rule_is_told_and_the_first_of_equals() {
    let days = |days: u32| format!("<Expiration><Days>{days}</Days></Expiration>");
    let many = [rule("", &days(3)), rule("", &days(2)), rule("<Prefix>k</Prefix>", &days(2))];
    let many = rules(&many.concat());
    assert_eq!(many.expiry(&plain("k")), Some((Timestamp(3 * DAY), "r2")));
    let abort = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>";
    let abort = rules(&rule("<Prefix>a/</Prefix>", abort));
    let told = |key| abort.abort(key, Timestamp(HOUR), DayLength::Calendar);
    assert_eq!(told("a/k"), Some((Timestamp(2 * DAY), "r1")));
    assert_eq!(told("b/k"), None);
    assert_eq!(abort.expiry(&plain("a/k")), None);
}

#[test]
fn only_prefixes_that_rules_name_are_walked() {
    let of = |prefix: &str| rule(&format!("<Prefix>{prefix}</Prefix>"), ONE_DAY);
    let several = rules(&[of("b/x"), of("a/"), of("b/"), of("a/1"), of("ab")].concat());
    assert_eq!(several.object_prefixes(), ["a/", "ab", "b/"]);
    assert!(several.upload_prefixes().is_empty());
    assert_eq!(rules(&[of("a"), rule("", ONE_DAY)].concat()).object_prefixes(), [""]);
}
