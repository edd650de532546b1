//! The policy document of a form: what its signer allows.
//!
//! Guarantees: every field of a form is allowed by a condition, except those that carry the policy and
//! its proof, the file, and `x-ignore-*`; every condition holds. Names are compared in any case, values
//! as they are. No answer shows a customer's key that a policy pins.
//! Does not: verify who signed it; `signature` does, before it is read here.
//!
//! Follows the S3 API reference, "POST Policy", and where it is silent the answers that S3 is known to
//! have given.

use std::fmt::Write as _;

use base64::{Engine, engine::general_purpose::STANDARD};
use object_engine::clock::Timestamp;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    Form,
    json::{self, Text, Value},
};
use crate::{body::ChecksumAlgorithm, key_names, profile::Profile, signature::is_customer_secret};

/// Why a policy lets a form not pass. The client, or who signed the policy, must act.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PolicyError {
    /// 400: the document cannot be read.
    Invalid(String),
    /// 403: it does not allow this form.
    Denied(String),
}

impl PolicyError {
    pub(super) fn invalid(why: &str) -> Self {
        Self::Invalid(format!("Invalid Policy: {why}"))
    }

    fn denied(why: &str) -> Self {
        Self::Denied(format!("Invalid according to Policy: {why}"))
    }
}

/// The lengths that a file may have, in bytes, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LengthRange {
    pub(crate) min: u64,
    pub(crate) max: u64,
}

/// A policy that was read.
pub(crate) struct Policy {
    expiration: Timestamp,
    conditions: Vec<Condition>,
}

struct Condition {
    test: Test,
    arguments: [Text; 2],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Test {
    Equal,
    StartsWith,
    Length,
}

impl Policy {
    /// Reads the field `policy`.
    pub(crate) fn parse(field: &str) -> Result<Self, PolicyError> {
        let mut document = Zeroizing::new(vec![0; field.len()]);
        let length = STANDARD
            .decode_slice(field.trim(), &mut document)
            .map_err(|_| PolicyError::invalid("invalid Base64 encoding."))?;
        let text = std::str::from_utf8(&document[..length])
            .map_err(|_| PolicyError::invalid("Invalid JSON."))?;
        let Value::Object(members) = json::parse(text)? else {
            return Err(PolicyError::invalid("Invalid JSON."));
        };
        let (mut expiration, mut conditions) = (None, None);
        for (name, value) in members {
            match name.as_str() {
                "expiration" => expiration = Some(time(value)?),
                "conditions" => conditions = Some(read_conditions(value)?),
                other => {
                    let other = other.to_lowercase();
                    return Err(PolicyError::invalid(&format!("Unexpected: '{other}'")));
                }
            }
        }
        let missing = |what: &str| PolicyError::invalid(&format!("Policy missing {what}."));
        Ok(Self {
            expiration: expiration.ok_or_else(|| missing("expiration"))?,
            conditions: conditions.ok_or_else(|| missing("conditions"))?,
        })
    }

    /// Checks a form that was sent to `bucket`; what is left to check is the file's length.
    pub(crate) fn check(
        &self,
        form: &Form,
        (bucket, profile): (&str, Profile),
        now: Timestamp,
    ) -> Result<LengthRange, PolicyError> {
        if now > self.expiration {
            return Err(PolicyError::denied("Policy expired."));
        }
        let mut range = LengthRange { min: 0, max: u64::MAX };
        for condition in &self.conditions {
            let is_idle = profile.takes_absent_field_as_empty() && condition.is_idle(form);
            if !is_idle && !condition.holds(form, bucket, &mut range) {
                let text = condition.text();
                return Err(PolicyError::denied(&format!("Policy Condition failed: {text}")));
            }
        }
        let is_checksum = |name: &str| ChecksumAlgorithm::from_header_name(name).is_some();
        let allowed = |name: &str| {
            profile.takes_unnamed_checksum() && is_checksum(name)
                || self.conditions.iter().any(|condition| condition.names(name))
        };
        let extra: Vec<_> =
            form.names().filter(|name| !is_exempt(name) && !allowed(name)).collect();
        if extra.is_empty() {
            return Ok(range);
        }
        Err(PolicyError::denied(&format!("Extra input fields: {}", extra.join(", "))))
    }
}

/// The fields that need no condition.
fn is_exempt(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "x-amz-signature" | "awsaccesskeyid" | "signature" | "policy" | "file")
        || name.starts_with("x-ignore-")
}

impl Condition {
    /// The field that it is about, as the policy spells it; `None` without the `$` that fields have.
    fn field(&self) -> Option<&str> {
        self.arguments[0].strip_prefix('$').filter(|_| self.test != Test::Length)
    }

    fn names(&self, field: &str) -> bool {
        self.field().is_some_and(|ours| ours.eq_ignore_ascii_case(field))
    }

    fn holds(&self, form: &Form, bucket: &str, range: &mut LengthRange) -> bool {
        if self.test == Test::Length {
            return self.narrow(range);
        }
        let Some(field) = self.field() else { return false };
        let value = match field {
            _ if field.eq_ignore_ascii_case("bucket") => Some(bucket.as_bytes()),
            _ => form.get(field),
        };
        // A field that is not there fails, even where its beginning may be anything.
        value.is_some_and(|value| self.matches(field, value))
    }

    /// Whether it lets a field begin with anything that the form does not have. Never one of a customer's
    /// key: whoever signs a policy about that means it to be there.
    fn is_idle(&self, form: &Form) -> bool {
        let is_absent =
            |field: &str| form.get(field).is_none() && !key_names::is_any_vendors(field);
        self.test == Test::StartsWith
            && self.arguments[1].is_empty()
            && self.field().is_some_and(is_absent)
    }

    fn matches(&self, field: &str, value: &[u8]) -> bool {
        let wanted = self.arguments[1].as_bytes();
        match self.test {
            Test::StartsWith if field.eq_ignore_ascii_case("content-type") => {
                let each = |value: &[u8]| begins(value.trim_ascii_start(), wanted);
                value.split(|byte| *byte == b',').all(each)
            }
            Test::StartsWith => begins(value, wanted),
            _ => value.ct_eq(wanted).into(),
        }
    }

    fn narrow(&self, range: &mut LengthRange) -> bool {
        let [min, max] = &self.arguments;
        let (Ok(min), Ok(max)) = (min.parse::<u64>(), max.parse::<u64>()) else { return false };
        *range = LengthRange { min: range.min.max(min), max: range.max.min(max) };
        true
    }

    /// As S3 shows it, with what a customer's key must be left out.
    fn text(&self) -> String {
        let operator = match self.test {
            Test::Equal => "eq",
            Test::StartsWith => "starts-with",
            Test::Length => "content-length-range",
        };
        let [first, second] = &self.arguments;
        let secret = is_customer_secret(first.bytes());
        let second = if secret { "[redacted]" } else { second.as_str() };
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = write!(text, "[\"{operator}\", \"{}\", \"{}\"]", escaped(first), escaped(second));
        text
    }
}

/// In constant time for a given length, since the value may be a key.
fn begins(value: &[u8], wanted: &[u8]) -> bool {
    value.get(..wanted.len()).is_some_and(|start| start.ct_eq(wanted).into())
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// ISO 8601 in UTC: `2007-12-01T12:00:00.000Z`; offsets are refused, as S3 does.
fn time(value: Value) -> Result<Timestamp, PolicyError> {
    let Value::Text(text) = value else {
        return Err(PolicyError::invalid("Invalid 'expiration' value: must be a String."));
    };
    let shape = text.as_bytes().get(10) == Some(&b'T') && text.ends_with('Z');
    match text.parse::<jiff::Timestamp>() {
        Ok(time) if shape => Ok(Timestamp(time.as_millisecond())),
        _ => {
            let text = text.as_str();
            Err(PolicyError::invalid(&format!("Invalid 'expiration' value: '{text}'")))
        }
    }
}

fn read_conditions(value: Value) -> Result<Vec<Condition>, PolicyError> {
    let Value::List(values) = value else {
        return Err(PolicyError::invalid("Invalid 'conditions' value: must be a List."));
    };
    values.into_iter().map(read_condition).collect()
}

fn read_condition(value: Value) -> Result<Condition, PolicyError> {
    match value {
        Value::Object(members) => simple(members),
        Value::List(values) => listed(values),
        _ => Err(PolicyError::invalid("Invalid condition test: must be a List or Object.")),
    }
}

fn simple(members: Vec<(Text, Value)>) -> Result<Condition, PolicyError> {
    let Ok([(name, value)]) = <[_; 1]>::try_from(members) else {
        return Err(PolicyError::invalid(
            "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
        ));
    };
    let Value::Text(value) = value else {
        return Err(PolicyError::invalid("Invalid Simple-Condition: value must be a string."));
    };
    let name = Zeroizing::new(format!("${}", name.as_str()));
    Ok(Condition { test: Test::Equal, arguments: [name, value] })
}

fn listed(values: Vec<Value>) -> Result<Condition, PolicyError> {
    let mut values = values.into_iter();
    let Some(Value::Text(operator)) = values.next() else {
        return Err(PolicyError::invalid("Invalid Condition: missing operation identifier."));
    };
    let test = match operator.to_ascii_lowercase().as_str() {
        "eq" => Test::Equal,
        "starts-with" => Test::StartsWith,
        "content-length-range" => Test::Length,
        other => {
            let why = format!("Invalid Condition: unknown operation '{other}'.");
            return Err(PolicyError::invalid(&why));
        }
    };
    let argument = |value| match value {
        Value::Text(text) => Ok(text),
        Value::Number(digits) if test == Test::Length => Ok(digits),
        _ => Err(PolicyError::invalid("Invalid JSON.")),
    };
    let arguments: Vec<Text> = values.map(argument).collect::<Result<_, _>>()?;
    let operator = operator.as_str();
    let arguments = <[Text; 2]>::try_from(arguments).map_err(|_| {
        PolicyError::invalid(&format!("Invalid {operator}: wrong number of arguments."))
    })?;
    Ok(Condition { test, arguments })
}

#[cfg(test)]
mod tests;
