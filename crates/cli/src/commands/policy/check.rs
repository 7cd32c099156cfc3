//! `quorate policy check`.

use std::collections::BTreeMap;
use std::path::Path;

use quorate_policy::Bundle;
use serde::Serialize;

use super::entry::EntryReport;
use super::load;
use crate::exit::{Exit, Failure};
use crate::output::{Output, Paint, Report, fields, table};

#[derive(Serialize)]
struct CheckReport {
    file: String,
    version: u64,
    hash: String,
    previous: Vec<String>,
    not_before: Option<String>,
    /// How many entries each table has.
    counts: BTreeMap<&'static str, usize>,
    entries: Vec<EntryReport>,
}

pub(super) fn run(file: &Path, output: &Output) -> Result<Exit, Failure> {
    let report = CheckReport::new(file, &load(file)?);
    output.show(&report)?;
    output.say(format_args!("Next: quorate policy test {}", report.file));
    Ok(Exit::Ok)
}

impl CheckReport {
    fn new(file: &Path, bundle: &Bundle) -> Self {
        let entries: Vec<_> = bundle.entries().into_iter().map(EntryReport::new).collect();
        let mut counts = BTreeMap::new();
        for entry in &entries {
            *counts.entry(entry.table).or_default() += 1;
        }
        Self {
            file: file.display().to_string(),
            version: bundle.version(),
            hash: bundle.hash().to_string(),
            previous: bundle.previous().iter().map(ToString::to_string).collect(),
            not_before: bundle.not_before().map(|time| time.to_string()),
            counts,
            entries,
        }
    }

    fn of<'a>(&'a self, tables: &'a [&str]) -> impl Iterator<Item = &'a EntryReport> {
        self.entries.iter().filter(|entry| tables.contains(&entry.table))
    }
}

impl Report for CheckReport {
    const SCHEMA: &'static str = "quorate.policy-check/v1";

    fn text(&self, paint: Paint) -> String {
        let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        let previous = match self.previous.as_slice() {
            [] => "none".to_owned(),
            hashes => hashes.join(", "),
        };
        let counts = self.counts.iter().map(|(table, count)| format!("{count} {table}"));
        let head = fields([
            ("version", self.version.to_string()),
            ("hash", self.hash.clone()),
            ("previous", previous),
            ("not before", or_none(&self.not_before)),
            ("contains", counts.collect::<Vec<_>>().join(", ")),
        ]);
        let rules = self.of(&["rules"]).map(|rule| {
            let id = super::legible::line(&rule.name);
            [id, rule.field("effect"), rule.field("title")]
        });
        let rules = table(["rule", "effect", "title"], rules);
        let shown = [
            "quorums",
            "windows",
            "limits",
            "calendars",
            "providers",
            "verdicts",
            "groups",
            "keys",
            "lists",
            "nonce_accounts",
        ];
        let entries = self.of(&shown).map(|entry| [entry.path(), entry.line()]);
        let entries = table(["entry", "says"], entries);
        format!("{head}\n\n{rules}\n\n{entries}\n\n{}", paint.good("accepted"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const EXAMPLE: &str = include_str!("../../../../../deploy/policies/exchange-hot-wallet.toml");

    #[test]
    fn a_check_shows_rules_quorums_windows_and_limits() {
        let bundle = Bundle::parse(EXAMPLE).unwrap();
        let text = CheckReport::new(Path::new("a.toml"), &bundle).text(Paint::PLAIN);
        for part in [
            &bundle.hash().to_string(),
            "6 rules",
            "11 tests",
            "Sweeps go to our own cold storage, in any amount",
            "members rita, roland; required 1",
            "windows.hot-hour",
            "per_transaction 10000000 (0.1 BTC)",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn programs_get_values_in_their_own_kind() {
        let bundle = Bundle::parse(EXAMPLE).unwrap();
        let report = CheckReport::new(Path::new("a.toml"), &bundle);
        let value: Value = serde_json::to_value(&report).unwrap();
        assert_eq!((&value["version"], &value["previous"]), (&1.into(), &Value::Array(Vec::new())));
        let entries = value["entries"].as_array().unwrap();
        let fields = |name: &str| &entries.iter().find(|e| e["name"] == name).unwrap()["fields"];
        assert_eq!(fields("risk")["required"], 1);
        assert_eq!(fields("risk")["members"][1], "roland");
        assert_eq!(fields("small")["per_transaction"], "10000000");
        assert_eq!(fields("p10-denied")["effect"], "forbid");
    }

    #[test]
    fn long_lists_are_counted() {
        let names: Vec<_> = (0..17).map(|n| format!("\"s{n}\"")).collect();
        let text = EXAMPLE.replace("[\"treasury\"]", &format!("[{}]", names.join(", ")));
        let bundle = Bundle::parse(&text).unwrap();
        let text = CheckReport::new(Path::new("a.toml"), &bundle).text(Paint::PLAIN);
        assert!(text.contains("services 17 in all"), "{text}");
    }
}
