//! What it does to decisions when a group or a list gets more members.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{Policy, PolicySet};
use serde_json::Value;

use super::syntax::{self, Conditions};
use super::truth::Truth;

/// How the rules use groups and lists: what it does when more is in them.
#[derive(Debug, Default)]
pub(super) struct Polarities {
    uses: BTreeMap<(String, String), BTreeSet<Use>>,
    /// A rule could not be read: everything may be used in any way.
    unreadable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    Allows,
    Refuses,
    Either,
}

impl Polarities {
    pub(super) fn of<'a>(sets: impl IntoIterator<Item = &'a PolicySet>) -> Self {
        let mut polarities = Self::default();
        sets.into_iter().flat_map(PolicySet::policies).for_each(|policy| polarities.read(policy));
        polarities
    }

    /// Whether more members make rules allow more, and nothing else. Also true where no rule names
    /// it.
    pub(super) fn only_allow(&self, entity_type: &str, id: &str) -> bool {
        self.only(entity_type, id, Use::Allows)
    }

    /// Whether more members make rules refuse more, and nothing else. Also true where no rule names
    /// it.
    pub(super) fn only_refuse(&self, entity_type: &str, id: &str) -> bool {
        self.only(entity_type, id, Use::Refuses)
    }

    fn only(&self, entity_type: &str, id: &str, expected: Use) -> bool {
        let uses = self.uses.get(&(entity_type.to_owned(), id.to_owned()));
        !self.unreadable && uses.into_iter().flatten().all(|found| *found == expected)
    }

    fn read(&mut self, policy: &Policy) {
        let (Ok(json), Ok(conditions)) = (syntax::to_json(policy), Conditions::of(policy)) else {
            self.unreadable = true;
            return;
        };
        for condition in conditions.action.iter().chain(&conditions.others) {
            self.walk(condition, Truth::of_rule(&json));
        }
    }

    fn walk(&mut self, expression: &Value, truth: Truth) {
        if let Some(entity) = entity(expression) {
            self.uses.entry(entity).or_default().insert(Use::Either);
            return;
        }
        let Some((operator, body)) = syntax::operator(expression) else { return };
        let container = match operator {
            "in" => body.get("right"),
            "is" => body.get("in"),
            _ => None,
        };
        if let Some(entities) = container.and_then(entities) {
            for entity in entities {
                self.uses.entry(entity).or_default().insert(match truth {
                    Truth::Allows => Use::Allows,
                    Truth::Refuses => Use::Refuses,
                    Truth::Either => Use::Either,
                });
            }
            if let Some(left) = body.get("left") {
                self.walk(left, Truth::Either);
            }
            return;
        }
        truth.of_parts(operator, body).for_each(|(truth, part)| self.walk(part, truth));
    }
}

/// An entity literal, by type and id.
fn entity(expression: &Value) -> Option<(String, String)> {
    let ("Value", literal) = syntax::operator(expression)? else { return None };
    let uid = literal.get("__entity")?;
    let part = |name| uid.get(name).and_then(Value::as_str).map(str::to_owned);
    Some((part("type")?, part("id")?))
}

/// An entity literal, or the entity literals of a set; `None` where anything is computed.
fn entities(expression: &Value) -> Option<Vec<(String, String)>> {
    match syntax::operator(expression)? {
        ("Set", elements) => elements.as_array()?.iter().map(entity).collect(),
        _ => entity(expression).map(|entity| vec![entity]),
    }
}
