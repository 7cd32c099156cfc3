//! What Cedar accepts and the gate does not.
//!
//! Some facts may only be used monotonically: amounts are rounded up, so they prove upper bounds
//! only, and more limits that hold, more approvals, or more verdicts, must never allow less. So each expression is
//! walked together with what its truth does to the decision.

use quorate_intent::Flag;
use quorate_model::Network;
use serde_json::Value;

use super::truth::Truth;
use super::{Lint, Tables, syntax};

/// The sets of names of which more must never allow less.
const MONOTONIC: [&str; 5] = ["limits", "quorums", "windows", "calendars", "verdicts"];

/// Checks the JSON form of one policy.
pub(super) fn check(policy: &Value, tables: &Tables) -> Result<(), Lint> {
    let names = Names(tables);
    for (truth, body) in Truth::of_clauses(policy) {
        names.check(body, truth)?;
    }
    Ok(())
}

/// The names that rules may use.
#[derive(Debug, Clone, Copy)]
struct Names<'a>(&'a Tables);

impl Names<'_> {
    fn check(self, expression: &Value, truth: Truth) -> Result<(), Lint> {
        if let Some(path) = syntax::path(expression) {
            return check_use(&path);
        }
        let unsupported = || Lint::Unsupported { expression: expression.to_string() };
        let (operator, body) = syntax::operator(expression).ok_or_else(unsupported)?;
        let operand = |name| body.get(name).ok_or_else(unsupported);
        match operator {
            "Value" => Ok(()),
            "+" | "-" | "*" | "neg" | "offset" | "durationSince" => Err(Lint::Arithmetic),
            "!" => self.check(operand("arg")?, truth.negated()),
            "&&" | "||" => {
                self.check(operand("left")?, truth)?;
                self.check(operand("right")?, truth)
            }
            "if-then-else" => {
                self.check(operand("if")?, Truth::Either)?;
                self.check(operand("then")?, truth)?;
                self.check(operand("else")?, truth)
            }
            "<" | "<=" => self.check_order(operand("left")?, operand("right")?, truth),
            ">" | ">=" => self.check_order(operand("right")?, operand("left")?, truth),
            "==" | "!=" => self.check_equality(operand("left")?, operand("right")?),
            "contains" | "containsAll" | "containsAny" => {
                self.check_membership(operand("left")?, operand("right")?, truth)
            }
            "in" | "hasTag" | "getTag" => self.check_each([operand("left")?, operand("right")?]),
            "is" => self.check_each([operand("left")?].into_iter().chain(body.get("in"))),
            "like" | "." => self.check(operand("left")?, Truth::Either),
            "has" if syntax::path(operand("left")?).is_some() => Ok(()),
            "has" => self.check(operand("left")?, Truth::Either),
            "isEmpty" => self.check(operand("arg")?, Truth::Either),
            "Record" => self.check_each(body.as_object().ok_or_else(unsupported)?.values()),
            // A set, or the arguments of an extension function such as `datetime`.
            _ => self.check_each(body.as_array().ok_or_else(unsupported)?),
        }
    }

    fn check_each<'v>(self, operands: impl IntoIterator<Item = &'v Value>) -> Result<(), Lint> {
        operands.into_iter().try_for_each(|operand| self.check(operand, Truth::Either))
    }

    /// `lesser < greater`, or with `<=`.
    fn check_order(self, lesser: &Value, greater: &Value, truth: Truth) -> Result<(), Lint> {
        match (amount(lesser), amount(greater)) {
            (None, None) => self.check_each([lesser, greater]),
            (Some(_), None) if truth == Truth::Allows && is_number(greater) => Ok(()),
            (None, Some(_)) if truth == Truth::Refuses && is_number(lesser) => Ok(()),
            (Some(fact), _) | (None, Some(fact)) => Err(Lint::AmountNotBoundedAbove { fact }),
        }
    }

    fn check_equality(self, left: &Value, right: &Value) -> Result<(), Lint> {
        for (fact, value) in [(left, right), (right, left)] {
            if let (Some(path), Some(name)) = (syntax::path(fact), syntax::text(value)) {
                self.check_known(&path, name)?;
            }
        }
        self.check_each([left, right])
    }

    fn check_membership(self, set: &Value, element: &Value, truth: Truth) -> Result<(), Lint> {
        for (fact, names) in [(set, element), (element, set)] {
            if let (Some(path), Some(names)) = (syntax::path(fact), syntax::texts(names)) {
                names.into_iter().try_for_each(|name| self.check_known(&path, name))?;
            }
        }
        match syntax::path(set).as_deref() {
            Some(["context", set]) if MONOTONIC.contains(set) => {
                let monotonic = truth == Truth::Allows && syntax::texts(element).is_some();
                monotonic.then_some(()).ok_or_else(|| misused(set))
            }
            _ => self.check_each([set, element]),
        }
    }

    /// A rule that compares a fact with a name that the fact can never have is a rule that never
    /// applies: harmless in a permit, a hole in a forbid.
    fn check_known(self, path: &[&str], name: &str) -> Result<(), Lint> {
        let tables = self.0;
        let (kind, known) = match path {
            ["context", "asset"] => {
                ("asset", tables.assets.keys().any(|asset| asset.as_str() == name))
            }
            ["context", "limits"] => ("limit", tables.limits.contains_key(name)),
            ["context", "quorums"] => ("quorum", tables.quorums.contains_key(name)),
            ["context", "windows"] => ("window", tables.windows.contains_key(name)),
            ["context", "calendars"] => ("calendar", tables.calendars.contains_key(name)),
            ["context", "verdicts"] => ("verdict", tables.verdicts.contains_key(name)),
            ["context", "flags"] => ("flag", Flag::ALL.iter().any(|flag| flag.as_str() == name)),
            ["context", "chain"] => ("network", name.parse::<Network>().is_ok()),
            _ => return Ok(()),
        };
        known.then_some(()).ok_or_else(|| Lint::UnknownName { kind, name: name.to_owned() })
    }
}

/// A fact that is used outside of the forms that allow more than reading it.
fn check_use(path: &[&str]) -> Result<(), Lint> {
    let fact = || path.join(".");
    match path {
        ["context"] | ["context", "amount" | "fee"] => Err(Lint::WholeRecord { fact: fact() }),
        ["context", "amount" | "fee", ..] => Err(Lint::AmountNotBoundedAbove { fact: fact() }),
        ["context", set] if MONOTONIC.contains(set) => Err(misused(set)),
        _ => Ok(()),
    }
}

fn misused(set: &str) -> Lint {
    Lint::SetMisused { fact: format!("context.{set}") }
}

fn amount(expression: &Value) -> Option<String> {
    let path = syntax::path(expression)?;
    matches!(path.as_slice(), ["context", "amount" | "fee", _]).then(|| path.join("."))
}

fn is_number(expression: &Value) -> bool {
    matches!(syntax::operator(expression), Some(("Value", literal)) if literal.is_i64())
}
