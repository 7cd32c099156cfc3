//! JSON that means the same to every parser: no name twice in one object.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::TypedDataError;

/// Parses a whole document.
pub(super) fn parse(json: &[u8]) -> Result<Value, TypedDataError> {
    let parsed = serde_json::from_slice::<Strict>(json);
    parsed
        .map(|Strict(value)| value)
        .map_err(|error| TypedDataError::Json { reason: crate::quote::quoted(&error.to_string()) })
}

struct Strict(Value);

struct StrictVisitor;

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor)
    }
}

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("objects, lists, texts, booleans and whole numbers below 2^53")
    }

    fn visit_bool<E>(self, bool: bool) -> Result<Strict, E> {
        Ok(Strict(Value::Bool(bool)))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Strict, E> {
        exact(number.unsigned_abs())?;
        Ok(Strict(Value::Number(Number::from(number))))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Strict, E> {
        exact(number)?;
        Ok(Strict(Value::Number(Number::from(number))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Strict, E> {
        Ok(Strict(Value::String(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Strict, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(Strict(Value::Array(values)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Strict, A::Error> {
        let mut values = Map::new();
        while let Some((name, Strict(value))) = members.next_entry::<String, Strict>()? {
            if values.contains_key(&name) {
                return Err(A::Error::custom(format_args!("{name:?} is there twice")));
            }
            values.insert(name, value);
        }
        Ok(Strict(Value::Object(values)))
    }
}

/// Larger numbers are rounded by who reads JSON as JavaScript does (RFC 8259, section 6).
fn exact<E: serde::de::Error>(magnitude: u64) -> Result<(), E> {
    if magnitude < 1 << 53 {
        Ok(())
    } else {
        Err(E::custom("a number of 2^53 or more: write it as text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_parsers_read_in_different_ways_is_refused() {
        assert!(parse(br#"{"a": 9007199254740991}"#).is_ok());
        assert!(parse(br#"{"a": [1, "x", true, {}], "b": -1}"#).is_ok());
        for json in [
            r#"{"a": 1, "a": 1}"#,
            r#"{"a": {"b": 1, "b": 2}}"#,
            r#"{"a": 1.5}"#,
            r#"{"a": 1e3}"#,
            r#"{"a": 18446744073709551616}"#,
            r#"{"a": 9007199254740992}"#,
            r#"{"a": -9007199254740992}"#,
            r#"{"a": null}"#,
            r#"{"a": 1,}"#,
            r#"{"a": 1} {}"#,
            "",
        ] {
            assert!(matches!(parse(json.as_bytes()), Err(TypedDataError::Json { .. })), "{json}");
        }
        let deep = "[".repeat(100_000);
        assert!(parse(deep.as_bytes()).is_err());
    }
}
