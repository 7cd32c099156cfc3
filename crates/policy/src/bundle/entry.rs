//! What a bundle says, one entry at a time: for people who review it, and to compare bundles by.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use cedar_policy::{Effect, PolicyId};
use quorate_intent::Asset;
use quorate_trust::PublicKey;
use ruint::aliases::U256;

use super::document::{Test, TestCharge, TestEffect, TestVerdict};
use super::{Bundle, RegisteredAsset};
use crate::calendar::Calendar;
use crate::fee::{FeeCap, RelativeCap};
use crate::quorum::Quorum;
use crate::verdict::Verdict;
use crate::window::Window;

/// One thing that a bundle says: a rule, one of its tests, or an entry of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `rules`, `tests`, or the table.
    pub table: &'static str,
    /// Its name in the table: the id of a rule.
    pub name: String,
    /// What it says, by field. A field that the bundle leaves out is not here.
    pub fields: BTreeMap<&'static str, Value>,
}

/// What a field says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(u64),
    /// Text.
    Text(String),
    /// Names, or addresses.
    Names(BTreeSet<String>),
    /// An amount of a registered asset.
    Amount {
        /// As the bundle says it.
        base_units: U256,
        /// What the bundle says about the asset.
        asset: RegisteredAsset,
    },
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::Names(names) if names.is_empty() => f.write_str("none"),
            Self::Names(names) => {
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                f.write_str(&names.join(", "))
            }
            Self::Amount { base_units, asset } => {
                let tokens = tokens(&base_units.to_string(), asset.decimals.into());
                write!(f, "{base_units} ({tokens} {})", asset.symbol)
            }
        }
    }
}

/// Base units in whole tokens, exactly.
fn tokens(digits: &str, decimals: usize) -> String {
    let padded = format!("{digits:0>width$}", width = decimals + 1);
    match padded.split_at_checked(padded.len().saturating_sub(decimals)) {
        Some((whole, part)) if part.bytes().any(|digit| digit != b'0') => {
            format!("{whole}.{}", part.trim_end_matches('0'))
        }
        Some((whole, _)) => whole.to_owned(),
        None => padded,
    }
}

impl Bundle {
    /// Everything that the bundle says, table by table: rules first, its own tests last, each table
    /// in the order of names.
    pub fn entries(&self) -> Vec<Entry> {
        let tables = &self.tables;
        let mut entries: Vec<_> = self.rules.titles.keys().map(|id| self.rule(id)).collect();
        let services = |(name, members): (&String, _)| names("groups", name, "services", members);
        entries.extend(tables.groups.iter().map(services));
        entries.extend(tables.keys.iter().map(|(name, key)| {
            let vault = key.vault.clone().map(|vault| ("vault", Value::Text(vault)));
            entry("keys", name, [("tier", text(&key.tier))].into_iter().chain(vault))
        }));
        entries.extend(tables.assets.iter().map(
            |(asset, RegisteredAsset { symbol, decimals })| {
                let decimals = Value::Number((*decimals).into());
                entry("assets", asset.as_str(), [("symbol", text(symbol)), ("decimals", decimals)])
            },
        ));
        let accounts = |(name, members): (&String, _)| names("lists", name, "addresses", members);
        entries.extend(tables.lists.iter().map(accounts));
        let nonces =
            |(name, members): (&String, _)| names("nonce_accounts", name, "addresses", members);
        entries.extend(tables.nonce_accounts.iter().map(nonces));
        entries.extend(tables.fees.iter().map(|(asset, cap)| self.fee_cap(asset, cap)));
        entries.extend(tables.limits.iter().map(|(name, limit)| {
            let most = self.amount(&limit.asset, limit.per_transaction);
            entry(
                "limits",
                name,
                [("asset", text(limit.asset.as_str())), ("per_transaction", most)],
            )
        }));
        entries.extend(tables.quorums.iter().map(|(name, quorum)| of_quorum(name, quorum)));
        entries.extend(tables.windows.iter().map(|(name, window)| self.window(name, window)));
        entries.extend(tables.calendars.iter().map(|(name, calendar)| of_calendar(name, calendar)));
        let key = |(name, key): (&String, &PublicKey)| {
            entry("providers", name, [("key", Value::Text(key.to_string()))])
        };
        entries.extend(tables.providers.iter().map(key));
        entries.extend(tables.verdicts.iter().map(|(name, verdict)| of_verdict(name, verdict)));
        let mut tests: Vec<_> = self.cases.iter().map(|case| of_test(&case.test)).collect();
        tests.sort_by(|one, other| one.name.cmp(&other.name));
        entries.extend(tests);
        entries
    }

    fn rule(&self, id: &str) -> Entry {
        let policy = self.rules.policies.policy(&PolicyId::new(id));
        let title = self.rules.titles.get(id).map(|title| ("title", text(title)));
        let effect = policy.map(|policy| match policy.effect() {
            Effect::Permit => ("effect", text("permit")),
            Effect::Forbid => ("effect", text("forbid")),
        });
        let written = policy.map(|policy| ("text", Value::Text(policy.to_string())));
        entry("rules", id, title.into_iter().chain(effect).chain(written))
    }

    fn fee_cap(&self, asset: &Asset, cap: &FeeCap) -> Entry {
        let most = ("per_transaction", self.amount(asset, cap.per_transaction));
        let relative = cap.relative.iter().flat_map(|RelativeCap { per_mille, at_least }| {
            [("per_mille", Value::Number(*per_mille)), ("at_least", self.amount(asset, *at_least))]
        });
        entry("fees", asset.as_str(), [most].into_iter().chain(relative))
    }

    fn window(&self, name: &str, window: &Window) -> Entry {
        let asset = ("asset", text(window.asset.as_str()));
        let seconds = ("seconds", Value::Number(window.millis / 1_000));
        let amount = window.amount.map(|amount| ("amount", self.amount(&window.asset, amount)));
        let count = window.count.map(|count| ("count", Value::Number(count)));
        entry("windows", name, [asset, seconds].into_iter().chain(amount).chain(count))
    }

    fn amount(&self, asset: &Asset, base_units: U256) -> Value {
        match self.asset(asset) {
            Some(asset) => Value::Amount { base_units, asset: asset.clone() },
            // A limit or a window on an asset that is not registered is refused.
            None => Value::Text(base_units.to_string()),
        }
    }
}

fn of_quorum(name: &str, quorum: &Quorum) -> Entry {
    let required = Value::Number(u64::try_from(quorum.required).unwrap_or(u64::MAX));
    let members = quorum.members.iter().map(ToString::to_string).collect();
    entry("quorums", name, [("required", required), ("members", Value::Names(members))])
}

fn of_calendar(name: &str, calendar: &Calendar) -> Entry {
    let day_names: Vec<_> = calendar.day_names().collect();
    entry(
        "calendars",
        name,
        [
            ("days", Value::Text(day_names.join(", "))),
            ("from", Value::Text(calendar.begins())),
            ("to", Value::Text(calendar.ends())),
            ("utc_offset", Value::Text(calendar.utc_offset_text())),
        ],
    )
}

fn of_verdict(name: &str, verdict: &Verdict) -> Entry {
    let levels = verdict.levels.iter().map(ToString::to_string).collect();
    entry(
        "verdicts",
        name,
        [
            ("provider", text(verdict.provider.as_str())),
            ("levels", Value::Names(levels)),
            ("fresh_seconds", Value::Number(verdict.millis / 1_000)),
        ],
    )
}

fn of_test(test: &Test) -> Entry {
    let listed = |names: &BTreeSet<String>| Value::Names(names.clone());
    let fields = [
        ("service", text(&test.service)),
        ("key", text(&test.key)),
        ("network", text(&test.network)),
        ("effects", joined(test.effects.iter().map(effect_text))),
        ("now", text(&test.now)),
        ("expect", text(test.expect.as_str())),
    ];
    let optional = [
        test.fee.as_deref().map(|fee| ("fee", text(fee))),
        test.nonce_account.as_deref().map(|account| ("nonce_account", text(account))),
        test.raw_ok.then(|| ("raw_ok", text("true"))),
        (!test.approvers.is_empty()).then(|| ("approvers", listed(&test.approvers))),
        (!test.verdicts.is_empty())
            .then(|| ("verdicts", joined(test.verdicts.iter().map(verdict_text)))),
        (!test.usage.is_empty()).then(|| ("usage", joined(test.usage.iter().map(charge_text)))),
        test.rules.as_ref().map(|rules| ("rules", listed(rules))),
        test.missing.as_ref().map(|missing| ("missing", listed(missing))),
        test.until.as_deref().map(|until| ("until", text(until))),
    ];
    entry("tests", &test.name, fields.into_iter().chain(optional.into_iter().flatten()))
}

fn effect_text(effect: &TestEffect) -> String {
    let TestEffect { action, to, amount, asset, flags } = effect;
    let action = action.as_ref().map(|action| format!("{action} ")).unwrap_or_default();
    let asset = asset.as_ref().map(|asset| format!(" of {asset}")).unwrap_or_default();
    let flags: String = flags.iter().map(|flag| format!(" [{flag}]")).collect();
    format!("{action}{amount}{asset} to {to}{flags}")
}

fn verdict_text(verdict: &TestVerdict) -> String {
    let TestVerdict { provider, level, at } = verdict;
    let at = at.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
    format!("{level} of {provider}{at}")
}

fn charge_text(charge: &TestCharge) -> String {
    let TestCharge { asset, amount, at } = charge;
    let asset = asset.as_ref().map(|asset| format!(" of {asset}")).unwrap_or_default();
    format!("{amount}{asset} at {at}")
}

fn joined(parts: impl Iterator<Item = String>) -> Value {
    Value::Text(parts.collect::<Vec<_>>().join("; "))
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn names(
    table: &'static str,
    name: &str,
    field: &'static str,
    members: &BTreeSet<String>,
) -> Entry {
    entry(table, name, [(field, Value::Names(members.clone()))])
}

fn entry(
    table: &'static str,
    name: &str,
    fields: impl IntoIterator<Item = (&'static str, Value)>,
) -> Entry {
    Entry { table, name: name.to_owned(), fields: fields.into_iter().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_told_in_tokens_exactly() {
        for (digits, decimals, told) in [
            ("10000000", 8, "0.1"),
            ("1", 8, "0.00000001"),
            ("0", 8, "0"),
            ("500000000", 8, "5"),
            ("123", 0, "123"),
            ("120", 1, "12"),
        ] {
            assert_eq!(tokens(digits, decimals), told);
        }
    }
}
