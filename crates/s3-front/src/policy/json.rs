//! JSON whose objects keep their order and have each name once.
//!
//! Guarantees: a repeated name is an error, since two readers could read such a document two ways.
//! Does not: keep numbers as numbers; in policies they stand for their text.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

use super::error::{PolicyError, shown};
use crate::limits::POLICY_BYTES_MAX;

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Json {
    /// `null`.
    Null,
    /// A string, a number or a boolean, as its text.
    Scalar(String),
    /// A list.
    List(Vec<Self>),
    /// An object.
    Object(Vec<(String, Self)>),
}

impl Json {
    /// One string, or a list of at least one.
    pub(super) fn into_texts(self) -> Result<Vec<String>, PolicyError> {
        let texts: Option<Vec<_>> = match self {
            Self::Scalar(text) => Some(vec![text]),
            Self::List(items) => items.into_iter().map(Self::into_text).collect(),
            Self::Null | Self::Object(_) => None,
        };
        texts.filter(|texts| !texts.is_empty()).ok_or(PolicyError::Syntax)
    }

    /// A string.
    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Self::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// An object.
    pub(super) fn into_fields(self) -> Result<Fields, PolicyError> {
        match self {
            Self::Object(fields) => Ok(Fields(fields)),
            _ => Err(PolicyError::Syntax),
        }
    }
}

/// The fields of an object, to be taken out one by one.
#[derive(Debug)]
pub(super) struct Fields(pub(super) Vec<(String, Json)>);

impl Fields {
    /// Those of a whole document.
    pub(super) fn parse(document: &str) -> Result<Self, PolicyError> {
        if !document.starts_with('{') {
            return Err(PolicyError::NotAnObject);
        }
        if document.len() > POLICY_BYTES_MAX {
            return Err(PolicyError::TooLarge);
        }
        let json: Json = serde_json::from_str(document).map_err(|_| PolicyError::InvalidJson)?;
        json.into_fields()
    }

    /// Takes a field out.
    pub(super) fn take(&mut self, name: &str) -> Option<Json> {
        let at = self.0.iter().position(|(field, _)| field == name)?;
        Some(self.0.remove(at).1)
    }

    /// Takes a string out.
    pub(super) fn take_text(&mut self, name: &str) -> Result<Option<String>, PolicyError> {
        self.take(name).map(|json| json.into_text().ok_or(PolicyError::Syntax)).transpose()
    }

    /// Nothing may be left.
    pub(super) fn finish(self) -> Result<(), PolicyError> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(PolicyError::UnknownField(shown(name))),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut fields: Vec<(String, Json)> = Vec::new();
        while let Some((name, value)) = entries.next_entry::<String, Json>()? {
            if fields.iter().any(|(seen, _)| *seen == name) {
                return Err(A::Error::custom("a name stands twice"));
            }
            fields.push((name, value));
        }
        Ok(Json::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_objects_with_each_name_once() {
        let fields = |document: &str| Fields::parse(document).map(|fields| fields.0.len());
        assert_eq!(fields(r#"{"a": {"b": [1, true, null]}, "c": "d"}"#), Ok(2));
        assert_eq!(fields("[]"), Err(PolicyError::NotAnObject));
        assert_eq!(fields(" {}"), Err(PolicyError::NotAnObject));
        assert_eq!(fields(""), Err(PolicyError::NotAnObject));
        assert_eq!(fields("{"), Err(PolicyError::InvalidJson));
        assert_eq!(fields("{} x"), Err(PolicyError::InvalidJson));
        assert_eq!(fields(r#"{"a": 1, "a": 1}"#), Err(PolicyError::InvalidJson));
        assert_eq!(fields(r#"{"a": {"b": 1, "\u0062": 1}}"#), Err(PolicyError::InvalidJson));
        let deep = format!("{{\"a\": {}", "[".repeat(1_000));
        assert_eq!(fields(&deep), Err(PolicyError::InvalidJson));
        let long = |extra| format!("{{\"a\":\"{}\"}}", "x".repeat(POLICY_BYTES_MAX - 8 + extra));
        assert_eq!(fields(&long(0)), Ok(1));
        assert_eq!(fields(&long(1)), Err(PolicyError::TooLarge));
    }

    #[test]
    fn scalars_are_texts() {
        let json: Json = serde_json::from_str(r#"["a", 1, -2, 1.5, true]"#).unwrap();
        assert_eq!(json.into_texts().unwrap(), ["a", "1", "-2", "1.5", "true"]);
        for bad in ["[]", "null", "{}", "[null]", "[[1]]"] {
            let json: Json = serde_json::from_str(bad).unwrap();
            assert_eq!(json.into_texts(), Err(PolicyError::Syntax), "{bad}");
        }
    }
}
