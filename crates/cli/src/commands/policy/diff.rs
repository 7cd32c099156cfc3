//! `quorate policy diff`.

mod changes;

use std::collections::BTreeSet;
use std::path::Path;

use quorate_policy::{Bundle, Change, Changed};
use serde::Serialize;

use self::changes::EntryChange;
use super::outcome::Outcome;
use super::{legible, load};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Paint, Report, fields};

#[derive(Serialize)]
struct DiffReport {
    old: Side,
    new: Side,
    /// `tightening` or `loosening`.
    change: &'static str,
    /// Everything that may allow more.
    why: Vec<String>,
    /// Why the new bundle does not follow the old one.
    warnings: Vec<String>,
    entries: Vec<EntryChange>,
    /// How many requests were asked of both: the tests of the old bundle, and those of the new one
    /// whose names the old one does not have.
    asked: usize,
    decisions: Vec<DecisionChange>,
}

#[derive(Serialize)]
struct Side {
    file: String,
    version: u64,
    hash: String,
}

#[derive(Serialize)]
struct DecisionChange {
    test: String,
    before: Outcome,
    after: Outcome,
}

/// Everything that changes, for who is about to sign.
pub(super) fn text(old: &Path, new: &Path) -> Result<String, Failure> {
    Ok(DiffReport::new((old, &load(old)?), (new, &load(new)?)).text(Paint::PLAIN))
}

pub(super) fn run(old: &Path, new: &Path, output: &Output) -> Result<Exit, Failure> {
    let report = DiffReport::new((old, &load(old)?), (new, &load(new)?));
    output.show(&report)?;
    output.say(format_args!(
        "Next: quorate policy test {0}, then each who signs: quorate policy sign {0} --key FILE",
        report.new.file
    ));
    Ok(Exit::Ok)
}

impl DiffReport {
    fn new((old_file, old): (&Path, &Bundle), (new_file, new): (&Path, &Bundle)) -> Self {
        let (change, why) = match Change::between(old, new) {
            Change::Tightening => ("tightening", Vec::new()),
            Change::Loosening { why } => ("loosening", why),
        };
        let (asked, decisions) = replayed(old, new);
        Self {
            old: Side::new(old_file, old),
            new: Side::new(new_file, new),
            change,
            why,
            warnings: warnings(old, new),
            entries: changes::between(old, new),
            asked,
            decisions,
        }
    }
}

impl Side {
    fn new(file: &Path, bundle: &Bundle) -> Self {
        let file = file.display().to_string();
        Self { file, version: bundle.version(), hash: bundle.hash().to_string() }
    }

    fn line(&self) -> String {
        format!("version {}, {}, {}", self.version, self.hash, self.file)
    }
}

/// Both bundles' tests, asked of both: how many, and what is decided differently. Where both have one
/// of a name, the old one's counts.
fn replayed(old: &Bundle, new: &Bundle) -> (usize, Vec<DecisionChange>) {
    let names = |bundle: &Bundle| -> BTreeSet<String> {
        bundle.run_tests().results.into_iter().map(|result| result.name).collect()
    };
    let (in_old, in_new) = (names(old), names(new));
    let change = |Changed { name, before, after }| DecisionChange {
        test: name,
        before: Outcome::new(&before, old),
        after: Outcome::new(&after, new),
    };
    let turned = |Changed { name, before, after }| Changed { name, before: after, after: before };
    let only_new = new.replay(old).into_iter().filter(|changed| !in_old.contains(&changed.name));
    let changed = old.replay(new).into_iter().chain(only_new.map(turned));
    (in_old.union(&in_new).count(), changed.map(change).collect())
}

fn warnings(old: &Bundle, new: &Bundle) -> Vec<String> {
    let mut warnings = Vec::new();
    if old.hash() == new.hash() {
        return warnings;
    }
    if !new.previous().contains(&old.hash()) {
        let is = match new.previous().first() {
            Some(hash) => hash.to_string(),
            None => "nothing".to_owned(),
        };
        let due = old.hash();
        warnings.push(format!("the new bundle follows {is}: write `previous = \"{due}\"`"));
    }
    let due = old.version().saturating_add(1);
    if new.version() != due {
        warnings
            .push(format!("the new bundle is version {}: write `version = {due}`", new.version()));
    }
    warnings
}

impl Report for DiffReport {
    const SCHEMA: &'static str = "quorate.policy-diff/v1";

    fn text(&self, paint: Paint) -> String {
        let change = match self.change {
            "tightening" => paint.good("TIGHTENING: allows nothing that the old one does not"),
            _ => paint.bad("LOOSENING: may allow what the old one does not"),
        };
        let sides = [("old", self.old.line()), ("new", self.new.line())];
        let mut text = format!("{}\n\n{change}\n", fields(sides));
        self.why.iter().for_each(|why| text.push_str(&format!("  {}\n", legible::line(why))));
        for warning in &self.warnings {
            text.push_str(&format!("\n{} {warning}\n", paint.bad("WARNING:")));
        }
        text.push_str(if self.entries.is_empty() { "\nNo entry has changed.\n" } else { "\n" });
        self.entries.iter().for_each(|entry| text.push_str(&entry.text()));
        text.push_str(&format!(
            "\nOf {} tests, {} are decided differently.",
            self.asked,
            self.decisions.len()
        ));
        for DecisionChange { test, before, after } in &self.decisions {
            text.push_str(&format!("\n  {}", legible::line(test)));
            text.push_str(&format!("\n    old  {}\n    new  {}", before.line(), after.line()));
        }
        text
    }
}

#[cfg(test)]
mod tests;
