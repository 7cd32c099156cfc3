//! Whether a bundle can allow anything that the one before it does not.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{Effect, PolicyId};
use quorate_model::Network;

use super::polarity::Polarities;
use super::{Bundle, Tables, syntax};
use crate::calendar::Calendar;
use crate::fee::FeeCap;
use crate::limit::Limit;
use crate::quorum::Quorum;
use crate::verdict::Verdict;
use crate::window::Window;

/// What a bundle does to what the one before it allows. Compared by what is written, not by what it
/// means: what is not plainly a tightening counts as a loosening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The new bundle allows nothing that the old one does not.
    Tightening,
    /// It may.
    Loosening {
        /// Everything that may allow more, in words.
        why: Vec<String>,
    },
}

impl Change {
    /// Compares a bundle with its predecessor.
    ///
    /// A tightening may add a `forbid`; remove a `permit`, a registered asset, or whatever no rule
    /// names any more; lower a limit; lower an amount or a count of a window, or lengthen it; shorten
    /// the hours of a calendar; take levels off a verdict, or demand that it is fresher; raise the
    /// number that a quorum requires; remove members of lists and groups that only make rules allow
    /// more, and add members to those that only make rules refuse; remove nonce accounts.
    /// Its own tests, version, predecessor and time change nothing.
    ///
    /// A member who leaves a quorum makes it a loosening, although fewer can then approve: whoever
    /// may approve may also reject.
    pub fn between(old: &Bundle, new: &Bundle) -> Self {
        let mut comparison = Comparison { old, new, why: Vec::new() };
        comparison.rules();
        comparison.assets();
        comparison.fees();
        comparison.numbers();
        comparison.members();
        comparison.nonce_accounts();
        match comparison.why {
            why if why.is_empty() => Self::Tightening,
            why => Self::Loosening { why },
        }
    }
}

struct Comparison<'a> {
    old: &'a Bundle,
    new: &'a Bundle,
    why: Vec<String>,
}

impl Comparison<'_> {
    fn rules(&mut self) {
        let (old, new) = (&self.old.rules, &self.new.rules);
        for id in union(&old.titles, &new.titles) {
            let policy_id = PolicyId::new(id);
            let policies = (old.policies.policy(&policy_id), new.policies.policy(&policy_id));
            let loosens = match policies {
                (Some(gone), None) => (gone.effect() == Effect::Forbid).then_some("is gone"),
                (None, Some(come)) => (come.effect() == Effect::Permit).then_some("is new"),
                (Some(before), Some(after)) => {
                    let same = match (syntax::to_json(before), syntax::to_json(after)) {
                        (Ok(before), Ok(after)) => before == after,
                        (Err(_), _) | (_, Err(_)) => false,
                    };
                    (!same).then_some("has changed")
                }
                (None, None) => None,
            };
            self.why.extend(loosens.map(|what| format!("rule {id} {what}")));
        }
    }

    fn assets(&mut self) {
        let (old, new) = (&self.old.tables, &self.new.tables);
        for (asset, registered) in &new.assets {
            match old.assets.get(asset) {
                Some(before) if before == registered => {}
                Some(_) => self.why.push(format!("asset {asset} has changed")),
                None => self.why.push(format!("asset {asset} is new")),
            }
        }
        for key in union(&old.keys, &new.keys) {
            if old.keys.get(key) != new.keys.get(key) {
                self.why.push(format!("key {key} has changed"));
            }
        }
    }

    /// A bundle that has no cap for a network has the built-in one.
    fn fees(&mut self) {
        let (old, new) = (&self.old.tables, &self.new.tables);
        let networks: BTreeSet<_> = [old, new].into_iter().flat_map(Tables::fee_networks).collect();
        let tightens =
            |network: &Network| fee_cap_tightens(old.fee_cap(*network), new.fee_cap(*network));
        let loosened = networks.into_iter().filter(|network| !tightens(network));
        self.why.extend(loosened.map(|network| format!("the fee cap of {network} has changed")));
    }

    fn numbers(&mut self) {
        let (old, new) = (&self.old.tables, &self.new.tables);
        let why = &mut self.why;
        compare("limit", (&old.limits, &new.limits), why, limit_tightens);
        compare("quorum", (&old.quorums, &new.quorums), why, quorum_tightens);
        compare("window", (&old.windows, &new.windows), why, window_tightens);
        compare("calendar", (&old.calendars, &new.calendars), why, calendar_tightens);
        compare("provider", (&old.providers, &new.providers), why, PartialEq::eq);
        compare("verdict", (&old.verdicts, &new.verdicts), why, verdict_tightens);
        // What it counts would be missing from a window that comes back.
        let gone = old.windows.keys().filter(|name| !new.windows.contains_key(*name));
        why.extend(gone.map(|name| format!("window {name} is gone")));
    }

    fn members(&mut self) {
        let (old, new) = (&self.old.tables, &self.new.tables);
        let polarities = Polarities::of([&self.old.rules.policies, &self.new.rules.policies]);
        for (kind, entity_type, old, new) in [
            ("group", "Custody::Group", &old.groups, &new.groups),
            ("list", "Custody::AddressList", &old.lists, &new.lists),
        ] {
            for (name, before, after) in in_both(old, new) {
                let removed = before.difference(after).next();
                if let Some(removed) = removed.filter(|_| !polarities.only_allow(entity_type, name))
                {
                    self.why.push(format!("{removed} is gone from {kind} {name}"));
                }
                let added = after.difference(before).next();
                if let Some(added) = added.filter(|_| !polarities.only_refuse(entity_type, name)) {
                    self.why.push(format!("{added} is new in {kind} {name}"));
                }
            }
        }
    }

    /// No rule names these: the gate itself refuses the nonce accounts that are in no table.
    fn nonce_accounts(&mut self) {
        let all = |bundle: &'_ Bundle| -> BTreeSet<String> {
            bundle.tables.nonce_accounts.values().flatten().cloned().collect()
        };
        let (old, new) = (all(self.old), all(self.new));
        let added = new.difference(&old);
        self.why.extend(added.map(|account| format!("nonce account {account} is new")));
    }
}

/// What only one of the bundles has is not compared: only the rules of that one can name it.
fn compare<T: PartialEq>(
    kind: &str,
    (old, new): (&BTreeMap<String, T>, &BTreeMap<String, T>),
    why: &mut Vec<String>,
    tightens: fn(&T, &T) -> bool,
) {
    let loosened = in_both(old, new).filter(|(_, before, after)| !tightens(before, after));
    why.extend(loosened.map(|(name, _, _)| format!("{kind} {name} has changed")));
}

fn fee_cap_tightens(before: FeeCap, after: FeeCap) -> bool {
    let relative = match (before.relative, after.relative) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(before), Some(after)) => {
            after.per_mille <= before.per_mille && after.at_least <= before.at_least
        }
    };
    after.per_transaction <= before.per_transaction && relative
}

fn limit_tightens(before: &Limit, after: &Limit) -> bool {
    before.asset == after.asset && after.per_transaction <= before.per_transaction
}

fn quorum_tightens(before: &Quorum, after: &Quorum) -> bool {
    before.members == after.members && after.required >= before.required
}

fn window_tightens(before: &Window, after: &Window) -> bool {
    before.asset == after.asset
        && after.millis >= before.millis
        && is_within(after.amount, before.amount)
        && is_within(after.count, before.count)
}

/// Whether an upper bound is at most another; none is no bound.
fn is_within<T: Ord>(bound: Option<T>, other: Option<T>) -> bool {
    match (bound, other) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(bound), Some(other)) => bound <= other,
    }
}

fn verdict_tightens(before: &Verdict, after: &Verdict) -> bool {
    before.provider == after.provider
        && after.levels.is_subset(&before.levels)
        && after.millis <= before.millis
}

fn calendar_tightens(before: &Calendar, after: &Calendar) -> bool {
    before.offset == after.offset
        && after.days.is_subset(&before.days)
        && after.from >= before.from
        && after.to <= before.to
}

fn union<'a, T>(
    old: &'a BTreeMap<String, T>,
    new: &'a BTreeMap<String, T>,
) -> BTreeSet<&'a String> {
    old.keys().chain(new.keys()).collect()
}

fn in_both<'a, T>(
    old: &'a BTreeMap<String, T>,
    new: &'a BTreeMap<String, T>,
) -> impl Iterator<Item = (&'a String, &'a T, &'a T)> {
    old.iter().filter_map(|(name, before)| Some((name, before, new.get(name)?)))
}

#[cfg(test)]
#[expect(clippy::panic, reason = "a test says what failed by panicking")]
mod tests;
