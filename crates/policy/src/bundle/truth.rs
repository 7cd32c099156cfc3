//! What it does to the decision when an expression becomes true.

use serde_json::Value;

use super::syntax;

/// What it does to the decision when an expression becomes true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    /// It can only allow more.
    Allows,
    /// It can only allow less.
    Refuses,
    /// It can do either.
    Either,
}

impl Truth {
    pub(super) const fn negated(self) -> Self {
        match self {
            Self::Allows => Self::Refuses,
            Self::Refuses => Self::Allows,
            Self::Either => Self::Either,
        }
    }

    /// Of a rule that applies.
    pub(super) fn of_rule(policy: &Value) -> Self {
        match policy.get("effect").and_then(Value::as_str) {
            Some("permit") => Self::Allows,
            _ => Self::Refuses,
        }
    }

    /// Of each clause of a rule.
    pub(super) fn of_clauses(policy: &Value) -> impl Iterator<Item = (Self, &Value)> {
        let when = Self::of_rule(policy);
        syntax::clauses(policy).map(move |(kind, body)| {
            let truth = if kind == "unless" { when.negated() } else { when };
            (truth, body)
        })
    }

    /// The parts of an expression, each with what its truth does to the decision, where the whole's
    /// does this. What an operator makes of its operands is not known where it is not listed.
    pub(super) fn of_parts<'v>(
        self,
        operator: &str,
        body: &'v Value,
    ) -> impl Iterator<Item = (Self, &'v Value)> {
        let operands: Vec<&Value> = match body {
            Value::Object(operands) => operands.values().collect(),
            Value::Array(operands) => operands.iter().collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        };
        let (truth, condition) = match operator {
            "!" => (self.negated(), None),
            "&&" | "||" => (self, None),
            "if-then-else" => (self, body.get("if")),
            _ => (Self::Either, None),
        };
        operands.into_iter().map(move |operand| {
            let is_condition = condition.is_some_and(|condition| std::ptr::eq(condition, operand));
            (if is_condition { Self::Either } else { truth }, operand)
        })
    }
}
