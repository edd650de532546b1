//! What a condition asks of a value.
//!
//! Guarantees: a value that the operator cannot read fits no positive test and every negated one.
//! Does not: count values; `Condition` does.

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    super::{
        context::Context,
        document::Version,
        pattern::{Pattern, Template, Wildcards, lowered},
    },
    network::Network,
    operator::Operator,
};

/// A comparison with the policy's values, any of which will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Comparison {
    Address(Sense, Vec<Network>),
    Arn(Sense, Vec<Template>),
    Binary(Vec<Vec<u8>>),
    Bool(Vec<bool>),
    /// Milliseconds since 1970.
    Date(Order, Vec<i64>),
    /// Whether the key must be absent.
    Null(bool),
    Number(Order, Vec<Number>),
    Text(Sense, Case, Vec<Template>),
}

/// Whether a test asks for equality or its opposite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Sense {
    Is,
    IsNot,
}

/// Whether upper and lower case differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Case {
    Counts,
    Ignored,
}

/// How a value relates to the policy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Order {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    NotEqual,
}

/// A finite number.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(in super::super) struct Number(f64);

/// No NaN is let in, so equality is total.
impl Eq for Number {}

impl Number {
    fn parse(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
        text.parse().ok().filter(|number: &f64| plain && number.is_finite()).map(Self)
    }
}

impl Comparison {
    /// The test of an operator with these values; `None` if it cannot read one of them.
    pub(super) fn parse(operator: Operator, values: &[String], version: Version) -> Option<Self> {
        use Operator as O;
        let templates = |wildcards| all(values, |text| Template::parse(text, version, wildcards));
        let literal = |sense, case| Some(Self::Text(sense, case, templates(Wildcards::Literal)?));
        let like = |sense| Some(Self::Text(sense, Case::Counts, templates(Wildcards::Active)?));
        let arn = |sense| Some(Self::Arn(sense, templates(Wildcards::Active)?));
        let number = |order| Some(Self::Number(order, all(values, Number::parse)?));
        let date = |order| Some(Self::Date(order, all(values, date)?));
        let address = |sense| Some(Self::Address(sense, all(values, Network::parse)?));
        match operator {
            O::ArnEquals | O::ArnLike => arn(Sense::Is),
            O::ArnNotEquals | O::ArnNotLike => arn(Sense::IsNot),
            O::BinaryEquals => Some(Self::Binary(all(values, binary)?)),
            O::Bool => Some(Self::Bool(all(values, boolean)?)),
            O::DateEquals => date(Order::Equal),
            O::DateGreaterThan => date(Order::Greater),
            O::DateGreaterThanEquals => date(Order::GreaterOrEqual),
            O::DateLessThan => date(Order::Less),
            O::DateLessThanEquals => date(Order::LessOrEqual),
            O::DateNotEquals => date(Order::NotEqual),
            O::IpAddress => address(Sense::Is),
            O::NotIpAddress => address(Sense::IsNot),
            O::Null => match values {
                [one] => boolean(one).map(Self::Null),
                _ => None,
            },
            O::NumericEquals => number(Order::Equal),
            O::NumericGreaterThan => number(Order::Greater),
            O::NumericGreaterThanEquals => number(Order::GreaterOrEqual),
            O::NumericLessThan => number(Order::Less),
            O::NumericLessThanEquals => number(Order::LessOrEqual),
            O::NumericNotEquals => number(Order::NotEqual),
            O::StringEquals => literal(Sense::Is, Case::Counts),
            O::StringEqualsIgnoreCase => literal(Sense::Is, Case::Ignored),
            O::StringLike => like(Sense::Is),
            O::StringNotEquals => literal(Sense::IsNot, Case::Counts),
            O::StringNotEqualsIgnoreCase => literal(Sense::IsNot, Case::Ignored),
            O::StringNotLike => like(Sense::IsNot),
        }
    }

    /// Whether it asks for a difference, and so holds where there is nothing to compare.
    pub(super) fn is_negated(&self) -> bool {
        match self {
            Self::Address(sense, _) | Self::Arn(sense, _) | Self::Text(sense, ..) => {
                *sense == Sense::IsNot
            }
            Self::Date(order, _) | Self::Number(order, _) => *order == Order::NotEqual,
            Self::Binary(_) | Self::Bool(_) | Self::Null(_) => false,
        }
    }

    /// Whether a value passes.
    pub(in super::super) fn fits(&self, value: &str, context: &Context) -> bool {
        self.equals_any(value, context) != self.is_negated()
    }

    /// Whether a value is, for a negated test, what it must not be, and for another, what it must.
    fn equals_any(&self, value: &str, context: &Context) -> bool {
        match self {
            Self::Address(_, networks) => value
                .parse::<IpAddr>()
                .is_ok_and(|address| networks.iter().any(|network| network.contains(address))),
            Self::Arn(_, templates) => {
                any(templates, (context, value.len()), |pattern| arn_fits(pattern, value))
            }
            Self::Binary(wanted) => binary(value).is_some_and(|value| wanted.contains(&value)),
            Self::Bool(wanted) => boolean(value).is_some_and(|value| wanted.contains(&value)),
            Self::Date(order, dates) => date(value).is_some_and(|value| order.any(value, dates)),
            Self::Null(_) => false,
            Self::Number(order, numbers) => {
                Number::parse(value).is_some_and(|value| order.any(value, numbers))
            }
            Self::Text(_, Case::Counts, templates) => {
                any(templates, (context, value.len()), |pattern| pattern.matches(value))
            }
            Self::Text(_, Case::Ignored, templates) => {
                let value = lowered(value);
                // A character in lower case may have a quarter of its bytes.
                let bytes_max = value.len().saturating_mul(4);
                any(templates, (context, bytes_max), |pattern| pattern.lowered().matches(&value))
            }
        }
    }

    /// Whether a variable of its values begins so.
    pub(super) fn mentions(&self, prefix: &str) -> bool {
        match self {
            Self::Arn(_, templates) | Self::Text(_, _, templates) => {
                templates.iter().any(|template| template.mentions(prefix))
            }
            _ => false,
        }
    }
}

impl Order {
    /// `NotEqual` is asked the other way round, as every negated test.
    fn any<T: PartialOrd>(self, value: T, wanted: &[T]) -> bool {
        wanted.iter().any(|wanted| match self {
            Self::Equal | Self::NotEqual => value == *wanted,
            Self::Greater => value > *wanted,
            Self::GreaterOrEqual => value >= *wanted,
            Self::Less => value < *wanted,
            Self::LessOrEqual => value <= *wanted,
        })
    }
}

fn all<T>(values: &[String], parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    values.iter().map(|value| parse(value)).collect()
}

/// Whether one of the values passes; one whose variables the request lacks stands for nothing.
fn any(
    templates: &[Template],
    (context, bytes_max): (&Context, usize),
    test: impl Fn(&Pattern) -> bool,
) -> bool {
    templates.iter().any(|template| template.fits(context, bytes_max, &test) == Some(true))
}

/// ARNs are compared section by section: no wildcard reaches over a colon but in the last.
fn arn_fits(pattern: &Pattern, value: &str) -> bool {
    let patterns = pattern.sections(':', ARN_SECTIONS);
    let values: Vec<_> = value.splitn(ARN_SECTIONS, ':').collect();
    patterns.len() == values.len()
        && patterns.iter().zip(values).all(|(pattern, value)| pattern.matches(value))
}

/// `arn`, partition, service, region, account, resource.
const ARN_SECTIONS: usize = 6;

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn binary(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// A date, a time with its zone, or seconds since 1970.
fn date(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<i64>() {
        return seconds.checked_mul(1_000);
    }
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_millisecond());
    }
    let day: jiff::civil::Date = text.parse().ok().filter(|_| text.len() == "YYYY-MM-DD".len())?;
    let midnight = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(midnight.timestamp().as_millisecond())
}
