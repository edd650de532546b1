//! `Condition`: when a statement applies.
//!
//! Guarantees: values are read when the policy is; a key that the request lacks makes a positive
//! operator fail and a negated one hold, as AWS documents.
//! Does not: gather the values of a request; a [`Context`] comes with them.

mod comparison;
mod key;
mod network;
mod operator;

use super::{
    context::Context,
    document::Version,
    error::{PolicyError, shown},
    json::Fields,
};
use operator::Operator;

/// The conditions of a statement, all of which must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Conditions(Vec<Condition>);

/// One key under one operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// In lower case.
    key: String,
    quantifier: Quantifier,
    if_exists: bool,
    comparison: Comparison,
}

/// How the values of a key count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantifier {
    /// The key has one value.
    One,
    /// `ForAllValues:`; holds for a key without values.
    All,
    /// `ForAnyValue:`.
    Any,
}

impl Conditions {
    /// Takes the element out of a statement.
    pub(super) fn take(fields: &mut Fields, version: Version) -> Result<Self, PolicyError> {
        let Some(json) = fields.take("Condition") else { return Ok(Self::default()) };
        let mut conditions = Vec::new();
        for (name, keys) in json.into_fields()?.0 {
            let (quantifier, if_exists, operator) = parse_operator(&name)?;
            for (key, values) in keys.into_fields()?.0 {
                let values = values.into_texts()?;
                let comparison = Comparison::parse(operator, &values, version)
                    .ok_or_else(|| PolicyError::ConditionValue(shown(&name)))?;
                let key = key::parse(&key).ok_or(PolicyError::ConditionKey)?;
                conditions.push(Condition { key, quantifier, if_exists, comparison });
            }
        }
        Ok(Self(conditions))
    }

    /// Whether all hold.
    pub(super) fn hold(&self, context: &Context) -> bool {
        self.0.iter().all(|condition| condition.holds(context))
    }

    /// Whether one of them asks about keys that begin so (in lower case).
    pub(super) fn mention(&self, prefix: &str) -> bool {
        self.0.iter().any(|condition| condition.mentions(prefix))
    }

    /// The conditions.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Condition> {
        self.0.iter()
    }
}

impl Condition {
    fn holds(&self, context: &Context) -> bool {
        let values = context.values(&self.key);
        if let Comparison::Null(absent) = &self.comparison {
            return *absent == values.is_empty();
        }
        if values.is_empty() {
            return match self.quantifier {
                Quantifier::One => self.if_exists || self.comparison.is_negated(),
                Quantifier::All => true,
                Quantifier::Any => self.if_exists,
            };
        }
        let fits = |value: &String| self.comparison.fits(value, context);
        match self.quantifier {
            Quantifier::One if self.comparison.is_negated() => values.iter().all(fits),
            Quantifier::All => values.iter().all(fits),
            Quantifier::One | Quantifier::Any => values.iter().any(fits),
        }
    }

    fn mentions(&self, prefix: &str) -> bool {
        self.key.starts_with(prefix) || self.comparison.mentions(prefix)
    }

    /// The key, if the condition demands that it be there and have one of fixed values.
    pub(super) fn narrowed(&self) -> Option<(&str, &Comparison)> {
        let demands = !self.if_exists && self.quantifier != Quantifier::All;
        (demands && !self.comparison.is_negated()).then_some((self.key.as_str(), &self.comparison))
    }
}

pub(super) use comparison::Comparison;

fn parse_operator(name: &str) -> Result<(Quantifier, bool, Operator), PolicyError> {
    let unknown = || PolicyError::ConditionOperator(shown(name));
    let (quantifier, rest) = match name.split_once(':') {
        None => (Quantifier::One, name),
        Some(("ForAllValues", rest)) => (Quantifier::All, rest),
        Some(("ForAnyValue", rest)) => (Quantifier::Any, rest),
        Some(_) => return Err(unknown()),
    };
    let (if_exists, bare) = match rest.strip_suffix("IfExists") {
        Some(bare) => (true, bare),
        None => (false, rest),
    };
    let operator = Operator::parse(bare).ok_or_else(unknown)?;
    if operator == Operator::Null && (rest != name || if_exists) {
        return Err(unknown());
    }
    Ok((quantifier, if_exists, operator))
}

#[cfg(test)]
mod tests;
