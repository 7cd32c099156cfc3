//! What two bundles say differently, entry by entry. Compared as written: what only reads otherwise is
//! told, too.

use std::collections::{BTreeMap, BTreeSet};

use quorate_policy::{Bundle, Entry, Value};
use serde::Serialize;

use super::super::entry::Said;
use super::legible;

/// An entry that is not the same in both.
#[derive(Debug, Serialize)]
pub(super) struct EntryChange {
    /// `added`, `removed` or `changed`.
    what: &'static str,
    table: &'static str,
    name: String,
    /// The fields that differ.
    fields: Vec<FieldChange>,
}

#[derive(Debug, Serialize)]
struct FieldChange {
    field: &'static str,
    before: Option<Said>,
    after: Option<Said>,
}

/// What changed, in the order in which a bundle tells its entries.
pub(super) fn between(old: &Bundle, new: &Bundle) -> Vec<EntryChange> {
    let (old, new) = (old.entries(), new.entries());
    let keyed = |entries: &[Entry]| -> BTreeMap<_, _> {
        let key = |entry: &Entry| (entry.table, entry.name.clone());
        entries.iter().map(|entry| (key(entry), entry.fields.clone())).collect()
    };
    let (before, after) = (keyed(&old), keyed(&new));
    let mut told = BTreeSet::new();
    let mut changes = Vec::new();
    for Entry { table, name, .. } in old.iter().chain(&new) {
        let key = (*table, name.clone());
        let (before, after) = (before.get(&key), after.get(&key));
        if before != after && told.insert(key) {
            changes.push(EntryChange::new(table, name, before, after));
        }
    }
    changes
}

type Fields = BTreeMap<&'static str, Value>;

impl EntryChange {
    fn new(
        table: &'static str,
        name: &str,
        before: Option<&Fields>,
        after: Option<&Fields>,
    ) -> Self {
        let what = match (before, after) {
            (None, _) => "added",
            (Some(_), None) => "removed",
            (Some(_), Some(_)) => "changed",
        };
        let names: BTreeSet<_> =
            [before, after].into_iter().flatten().flat_map(Fields::keys).collect();
        let said = |fields: Option<&Fields>, field: &str| fields?.get(field).cloned().map(Said);
        let fields = names.into_iter().map(|field| FieldChange {
            field,
            before: said(before, field),
            after: said(after, field),
        });
        let fields = fields.filter(|change| change.before != change.after).collect();
        Self { what, table, name: name.to_owned(), fields }
    }

    /// One line for the entry, and each field below it.
    pub(super) fn text(&self) -> String {
        let Self { what, table, name, fields } = self;
        let head = format!("{what}  {table}.{}\n", legible::line(name));
        let fields = fields.iter().map(|change| format!("    {}\n", change.text()));
        fields.fold(head, |text, field| text + &field)
    }
}

impl FieldChange {
    fn text(&self) -> String {
        let field = self.field;
        let value = |said: &Option<Said>| said.as_ref().map(|said| said.0.clone());
        match (value(&self.before), value(&self.after)) {
            (Some(Value::Names(before)), Some(Value::Names(after))) => {
                let gone = before.difference(&after).map(|name| format!(" -{name}"));
                let come = after.difference(&before).map(|name| format!(" +{name}"));
                legible::line(&format!("{field}:{}", gone.chain(come).collect::<String>()))
            }
            // The text of a rule, line by line.
            (before, after) if field == "text" => {
                let text = |value: Option<Value>| {
                    value.map(|value| legible::lines(&value.to_string())).unwrap_or_default()
                };
                format!("{field}:{}", compared(&text(before), &text(after)))
            }
            (Some(before), Some(after)) => legible::line(&format!("{field}: {before} -> {after}")),
            (Some(before), None) => legible::line(&format!("{field}: -{before}")),
            (None, Some(after)) => legible::line(&format!("{field}: +{after}")),
            (None, None) => field.to_owned(),
        }
    }
}

/// The lines of two texts, marked from the first that differs to the last that does.
fn compared(before: &str, after: &str) -> String {
    let (before, after): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let same = |(one, other): &(&&str, &&str)| one == other;
    let head = before.iter().zip(&after).take_while(same).count();
    let most = before.len().min(after.len()) - head;
    let tail = before.iter().rev().zip(after.iter().rev()).take(most).take_while(same).count();
    let kept = |mark, lines: &[&str], from, to| -> String {
        let lines = lines.iter().skip(from).take(to - from);
        lines.map(|line| format!("\n      {mark} {line}")).collect()
    };
    let first = kept(' ', &before, 0, head);
    let gone = kept('-', &before, head, before.len() - tail);
    let come = kept('+', &after, head, after.len() - tail);
    let last = kept(' ', &before, before.len() - tail, before.len());
    format!("{first}{gone}{come}{last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_differ_are_marked() {
        let marks = |before, after| {
            let text = compared(before, after);
            text.lines().filter_map(|line| line.chars().nth(6)).collect::<String>()
        };
        assert_eq!(marks("a\nb\nc", "a\nx\ny\nc"), " -++ ");
        assert_eq!(marks("", "a\nb"), "++");
        assert_eq!(marks("a\nb", ""), "--");
        assert_eq!(marks("a\na", "a"), " -");
        assert_eq!(marks("a", "a"), " ");
    }
}
