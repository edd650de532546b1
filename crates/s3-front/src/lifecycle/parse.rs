//! Reading rules, with S3's refusals.
//!
//! Guarantees: what S3 refuses is refused with its code and words; a transition, which this server
//! cannot keep, is `NotImplemented` and never left out silently.

use std::collections::HashSet;

use object_engine::clock::Timestamp;

use super::{
    Configuration, Expiration, Filter, Form, Noncurrent, Rule, TransitionMinimum, calendar,
    document::MINIMUM,
};
use crate::{
    error::{ErrorCode, S3Error, S3Result},
    limits::{
        LIFECYCLE_ID_CHARS_MAX, LIFECYCLE_NEWER_VERSIONS_MAX, LIFECYCLE_PREFIX_BYTES_MAX,
        LIFECYCLE_RULES_MAX, TAG_KEY_CHARS_MAX, TAG_VALUE_CHARS_MAX,
    },
    profile::Profile,
    xml::{Element, malformed},
};

/// The actions that a rule may have beside those that are refused.
const ACTIONS: [&str; 3] =
    ["Expiration", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"];
const TRANSITIONS: [&str; 2] = ["Transition", "NoncurrentVersionTransition"];

impl Configuration {
    /// The rules of a request's document; `new_id` names those that have no id.
    pub(crate) fn parse(
        body: &[u8],
        transition_minimum: TransitionMinimum,
        profile: Profile,
        new_id: &mut dyn FnMut() -> String,
    ) -> S3Result<Self> {
        let root = Element::parse(body, "LifecycleConfiguration")?;
        root.only(&["Rule"])?;
        let configuration = Self { rules: rules(&root, profile, new_id)?, transition_minimum };
        configuration.check_forms()?;
        Ok(configuration)
    }

    /// The rules of a document that was checked before.
    pub(super) fn stored(document: &str) -> S3Result<Self> {
        let root = Element::parse(document.as_bytes(), "LifecycleConfiguration")?;
        root.only(&[MINIMUM, "Rule"])?;
        let minimum = TransitionMinimum::parse(root.required(MINIMUM)?);
        Ok(Self {
            // What a profile takes beside is kept as S3 has it.
            rules: rules(&root, Profile::Aws, &mut String::new)?,
            transition_minimum: minimum.ok_or_else(malformed)?,
        })
    }

    /// S3 takes rules of the first form and of the second, but not beside each other.
    fn check_forms(&self) -> S3Result<()> {
        let legacy = |rule: &Rule| rule.filter.form == Form::Legacy;
        let newer = |rule: &Rule| rule.noncurrent.is_some_and(|one| one.keep.is_some());
        if self.rules.iter().any(|rule| legacy(rule) && newer(rule)) {
            return Err(invalid_request(
                "NewerNoncurrentVersions element can only be used in Lifecycle V2.",
            ));
        }
        if self.rules.iter().any(legacy) && !self.rules.iter().all(legacy) {
            return Err(invalid_request("Filter element can only be used in Lifecycle V2."));
        }
        Ok(())
    }
}

fn rules(
    root: &Element,
    profile: Profile,
    new_id: &mut dyn FnMut() -> String,
) -> S3Result<Vec<Rule>> {
    let elements = || root.children().iter().filter(|child| child.name() == "Rule");
    if !(1..=LIFECYCLE_RULES_MAX).contains(&elements().count()) {
        return Err(malformed());
    }
    let mut rules = Vec::new();
    let mut ids = HashSet::new();
    for element in elements() {
        let rule = rule(element, profile, new_id)?;
        if !ids.insert(rule.id.clone()) {
            return Err(S3Error::argument(
                "Rule ID must be unique. Found same ID for more than one rule",
                "ID",
                rule.id,
            ));
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn rule(element: &Element, profile: Profile, new_id: &mut dyn FnMut() -> String) -> S3Result<Rule> {
    let known = ["ID", "Filter", "Prefix", "Status"];
    element.only(&[&known[..], &ACTIONS, &TRANSITIONS].concat())?;
    let id = element.optional("ID")?.filter(|id| !id.is_empty());
    if id.is_some_and(|id| id.chars().count() > LIFECYCLE_ID_CHARS_MAX) {
        return Err(argument("ID length should not exceed allowed limit of 255", "ID", ""));
    }
    let enabled = match element.required("Status")?.trim() {
        "Enabled" => true,
        "Disabled" => false,
        _ => return Err(malformed()),
    };
    let rule = Rule {
        id: id.map_or_else(new_id, str::to_owned),
        enabled,
        filter: filter(element, profile)?,
        expiration: child(element, "Expiration")?.map(expiration).transpose()?,
        noncurrent: child(element, "NoncurrentVersionExpiration")?.map(noncurrent).transpose()?,
        abort_after_days: child(element, "AbortIncompleteMultipartUpload")?
            .map(abort_after)
            .transpose()?,
    };
    refuse_transitions(element)?;
    rule.check()?;
    Ok(rule)
}

impl Rule {
    fn check(&self) -> S3Result<()> {
        let Self { filter, expiration, noncurrent, abort_after_days, .. } = self;
        if expiration.is_none() && noncurrent.is_none() && abort_after_days.is_none() {
            return Err(invalid_request("At least one action needs to be specified in a rule"));
        }
        let of_markers = matches!(expiration, Some(Expiration::LoneMarkers(_)));
        let refused = match (filter.has_tags(), filter.has_sizes()) {
            (true, _) if of_markers => "ExpiredObjectDeleteMarker cannot be specified with Tags.",
            (_, true) if of_markers => {
                "ExpiredObjectDeleteMarker cannot be specified with Object Size."
            }
            (true, _) if abort_after_days.is_some() => {
                "AbortIncompleteMultipartUpload cannot be specified with Tags."
            }
            (_, true) if abort_after_days.is_some() => {
                "AbortIncompleteMultipartUpload cannot be specified with Object Size."
            }
            _ => return Ok(()),
        };
        Err(invalid_request(refused))
    }
}

/// Exactly one of `Prefix` and `Filter`.
fn filter(rule: &Element, profile: Profile) -> S3Result<Filter> {
    let filter = match (rule.optional("Prefix")?, child(rule, "Filter")?) {
        (Some(prefix), None) => {
            Filter { form: Form::Legacy, prefix: Some(prefix.to_owned()), ..Filter::default() }
        }
        (None, Some(filter)) => match filter.children() {
            [] => Filter::default(),
            [and] if and.name() == "And" => predicates(and, Form::And)?,
            [_] => predicates(filter, Form::One)?,
            _ if profile.takes_filter_without_and() => several(filter)?,
            _ => return Err(malformed()),
        },
        _ => return Err(malformed()),
    };
    if filter.prefix.as_ref().is_some_and(|prefix| prefix.len() > LIFECYCLE_PREFIX_BYTES_MAX) {
        return Err(invalid_request("The maximum size of a prefix is 1024"));
    }
    Ok(filter)
}

const PREDICATES: [&str; 4] = ["Prefix", "Tag", "ObjectSizeGreaterThan", "ObjectSizeLessThan"];

fn predicates(element: &Element, form: Form) -> S3Result<Filter> {
    element.only(&PREDICATES)?;
    if element.children().is_empty() {
        return Err(malformed());
    }
    listed(element, form)?.checked()
}

/// Several predicates without `And`, or beside one: whoever wrote them meant all of them to hold.
fn several(element: &Element) -> S3Result<Filter> {
    element.only(&[&PREDICATES[..], &["And"]].concat())?;
    let outside = listed(element, Form::And)?;
    let Some(and) = child(element, "And")? else { return outside.checked() };
    let mut both = predicates(and, Form::And)?;
    both.prefix = match (outside.prefix, both.prefix) {
        (Some(one), Some(other)) if one.starts_with(&other) => Some(one),
        (Some(one), Some(other)) if !other.starts_with(&one) => return Err(malformed()),
        (one, other) => other.or(one),
    };
    both.tags.extend(outside.tags);
    both.larger_than = both.larger_than.max(outside.larger_than);
    both.smaller_than = match (both.smaller_than, outside.smaller_than) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    both.checked()
}

fn listed(element: &Element, form: Form) -> S3Result<Filter> {
    let tags = element.children().iter().filter(|child| child.name() == "Tag").map(tag);
    Ok(Filter {
        form,
        prefix: element.optional("Prefix")?.map(str::to_owned),
        tags: tags.collect::<S3Result<_>>()?,
        larger_than: size(element, "ObjectSizeGreaterThan")?,
        smaller_than: size(element, "ObjectSizeLessThan")?,
    })
}

impl Filter {
    /// Itself, if there can be an object that it is about.
    fn checked(self) -> S3Result<Self> {
        let mut keys = HashSet::new();
        if !self.tags.iter().all(|(key, _)| keys.insert(key)) {
            return Err(invalid_request("Duplicate Tag Keys are not allowed."));
        }
        match (self.larger_than, self.smaller_than) {
            (Some(larger), Some(smaller)) if smaller <= larger => Err(invalid_request(
                "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.",
            )),
            _ => Ok(self),
        }
    }
}

fn tag(element: &Element) -> S3Result<(String, String)> {
    element.only(&["Key", "Value"])?;
    let (key, value) = (element.required("Key")?, element.required("Value")?);
    if !(1..=TAG_KEY_CHARS_MAX).contains(&key.chars().count()) {
        return Err(S3Error::with_message(
            ErrorCode::InvalidTag,
            "The TagKey you have provided is invalid",
        ));
    }
    if value.chars().count() > TAG_VALUE_CHARS_MAX {
        return Err(S3Error::with_message(
            ErrorCode::InvalidTag,
            "The TagValue you have provided is invalid",
        ));
    }
    Ok((key.to_owned(), value.to_owned()))
}

fn size(element: &Element, name: &str) -> S3Result<Option<u64>> {
    let parsed = |text: &str| text.trim().parse().map_err(|_| malformed());
    element.optional(name)?.map(parsed).transpose()
}

/// Exactly one of three.
fn expiration(element: &Element) -> S3Result<Expiration> {
    element.only(&["Days", "Date", "ExpiredObjectDeleteMarker"])?;
    let [one] = element.children() else { return Err(malformed()) };
    match (one.name(), one.text().trim()) {
        ("Days", text) => Ok(Expiration::Days(positive(text, "Days", "Expiration")?)),
        ("Date", text) => Ok(Expiration::Date(midnight(text)?)),
        (_, "true") => Ok(Expiration::LoneMarkers(true)),
        (_, "false") => Ok(Expiration::LoneMarkers(false)),
        _ => Err(malformed()),
    }
}

fn noncurrent(element: &Element) -> S3Result<Noncurrent> {
    element.only(&["NoncurrentDays", "NewerNoncurrentVersions"])?;
    let days = element.required("NoncurrentDays")?.trim();
    let days = positive(days, "NoncurrentDays", "NoncurrentVersionExpiration")?;
    let keep = element.optional("NewerNoncurrentVersions")?.map(str::trim);
    let keep = keep.map(|text| {
        match text.parse::<i64>().map_err(|_| malformed())?.try_into() {
            Ok(keep @ 1..=LIFECYCLE_NEWER_VERSIONS_MAX) => Ok(keep),
            _ => Err(argument(
                "'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be a positive integer of at most 100",
                "NewerNoncurrentVersions",
                text,
            )),
        }
    });
    Ok(Noncurrent { days, keep: keep.transpose()? })
}

fn abort_after(element: &Element) -> S3Result<u32> {
    element.only(&["DaysAfterInitiation"])?;
    let days = element.required("DaysAfterInitiation")?.trim();
    positive(days, "DaysAfterInitiation", "AbortIncompleteMultipartUpload")
}

fn positive(text: &str, name: &'static str, action: &str) -> S3Result<u32> {
    match text.parse::<i64>().map(i32::try_from) {
        Ok(Ok(days @ 1..)) => Ok(days.unsigned_abs()),
        Ok(_) => Err(argument(
            format!("'{name}' for {action} action must be a positive integer"),
            name,
            text,
        )),
        Err(_) => Err(malformed()),
    }
}

/// A date, or a time with its zone that is a midnight UTC.
fn midnight(text: &str) -> S3Result<Timestamp> {
    let time = match text.parse::<jiff::Timestamp>() {
        Ok(time) => time,
        Err(_) => {
            let date: jiff::civil::Date = text.parse().map_err(|_| malformed())?;
            date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| malformed())?.timestamp()
        }
    };
    let exact = time.subsec_nanosecond() == 0;
    let time = Timestamp(time.as_millisecond());
    if exact && calendar::is_midnight(time) {
        Ok(time)
    } else {
        Err(argument("'Date' must be at midnight GMT", "Date", text))
    }
}

/// Storage classes are names here, so nothing could honestly be said to have moved.
fn refuse_transitions(rule: &Element) -> S3Result<()> {
    let transitions = || rule.children().iter().filter(|one| TRANSITIONS.contains(&one.name()));
    for transition in transitions() {
        if let Some(date) = transition.optional("Date")? {
            midnight(date.trim())?;
        }
    }
    match transitions().next() {
        Some(_) => Err(S3Error::not_implemented(
            "Transitions between storage classes are not implemented.",
        )),
        None => Ok(()),
    }
}

fn child<'e>(element: &'e Element, name: &str) -> S3Result<Option<&'e Element>> {
    let mut named = element.children().iter().filter(|child| child.name() == name);
    match (named.next(), named.next()) {
        (found, None) => Ok(found),
        (_, Some(_)) => Err(malformed()),
    }
}

fn argument(message: impl Into<String>, name: &'static str, value: &str) -> S3Error {
    let message: String = message.into();
    S3Error::argument(message, name, value)
}

fn invalid_request(message: &'static str) -> S3Error {
    S3Error::with_message(ErrorCode::InvalidRequest, message)
}

#[cfg(test)]
mod tests;
