//! What a bundle says, as shown.

use std::collections::BTreeMap;

use quorate_policy::{Entry, Value};
use serde::{Serialize, Serializer};

use super::legible;

/// A list that is longer is only counted in text for people; programs get all of it.
const SHOWN_MAX: usize = 16;

/// What a field says. Amounts are base units, as text, for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said(pub(super) Value);

#[derive(Debug, Serialize)]
pub(super) struct EntryReport {
    pub(super) table: &'static str,
    pub(super) name: String,
    pub(super) fields: BTreeMap<&'static str, Said>,
}

impl EntryReport {
    pub(super) fn new(entry: Entry) -> Self {
        let Entry { table, name, fields } = entry;
        let fields = fields.into_iter().map(|(field, value)| (field, Said(value))).collect();
        Self { table, name, fields }
    }

    /// Its table and its name.
    pub(super) fn path(&self) -> String {
        format!("{}.{}", self.table, legible::line(&self.name))
    }

    /// Its fields in one line.
    pub(super) fn line(&self) -> String {
        let says = |(field, said): (&&str, &Said)| format!("{field} {}", said.line());
        self.fields.iter().map(says).collect::<Vec<_>>().join("; ")
    }

    /// A field as text.
    pub(super) fn field(&self, name: &str) -> String {
        self.fields.get(name).map(Said::line).unwrap_or_default()
    }
}

impl Said {
    /// In one line.
    pub(super) fn line(&self) -> String {
        match &self.0 {
            Value::Names(names) if names.len() > SHOWN_MAX => format!("{} in all", names.len()),
            Value::Names(_) | Value::Number(_) | Value::Text(_) | Value::Amount { .. } => {
                legible::line(&self.0.to_string())
            }
        }
    }
}

impl Serialize for Said {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Value::Number(number) => serializer.serialize_u64(*number),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Names(names) => names.serialize(serializer),
            Value::Amount { base_units, .. } => serializer.collect_str(base_units),
        }
    }
}
