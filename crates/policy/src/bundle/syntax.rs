//! Reads Cedar's JSON form of policies
//! (<https://docs.cedarpolicy.com/policies/json-format.html>): objects of one operator each.

use cedar_policy::Policy;
use serde_json::{Value, json};

use super::BundleError;

/// An expression: the operator, and what it is applied to.
pub(super) fn operator(expression: &Value) -> Option<(&str, &Value)> {
    let mut entries = expression.as_object()?.iter();
    let (operator, body) = entries.next()?;
    entries.next().is_none().then_some((operator.as_str(), body))
}

/// The attributes that lead from a variable to a value: `["context", "amount", "nano"]`.
pub(super) fn path(expression: &Value) -> Option<Vec<&str>> {
    let mut attributes = Vec::new();
    let mut expression = expression;
    loop {
        match operator(expression)? {
            ("Var", variable) => {
                attributes.push(variable.as_str()?);
                attributes.reverse();
                return Some(attributes);
            }
            (".", body) => {
                attributes.push(body.get("attr")?.as_str()?);
                expression = body.get("left")?;
            }
            _ => return None,
        }
    }
}

/// A string literal.
pub(super) fn text(expression: &Value) -> Option<&str> {
    match operator(expression)? {
        ("Value", literal) => literal.as_str(),
        _ => None,
    }
}

/// A string literal, or the string literals of a set; `None` where anything is computed.
pub(super) fn texts(expression: &Value) -> Option<Vec<&str>> {
    match operator(expression)? {
        ("Set", elements) => elements.as_array()?.iter().map(text).collect(),
        _ => text(expression).map(|text| vec![text]),
    }
}

/// What must hold for a rule to apply, one condition at a time: the constraints of its scope on
/// principal, action and resource, then the conjuncts of its clauses.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    pub(super) action: Option<Value>,
    pub(super) others: Vec<Value>,
}

impl Conditions {
    pub(super) fn of(policy: &Policy) -> Result<Self, BundleError> {
        let json = to_json(policy)?;
        let constraint = |variable| json.get(variable).and_then(|c| scope_condition(variable, c));
        let mut others: Vec<_> =
            ["principal", "resource"].into_iter().filter_map(constraint).collect();
        for (kind, body) in clauses(&json) {
            if kind == "unless" {
                others.push(json!({ "!": { "arg": body } }));
            } else {
                conjuncts(body, &mut others);
            }
        }
        Ok(Self { action: constraint("action"), others })
    }
}

/// The clauses of a policy: `when` or `unless`, and the expression.
pub(super) fn clauses(policy: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let conditions = policy.get("conditions").and_then(Value::as_array);
    conditions
        .into_iter()
        .flatten()
        .filter_map(|clause| Some((clause.get("kind")?.as_str()?, clause.get("body")?)))
}

pub(super) fn to_json(policy: &Policy) -> Result<Value, BundleError> {
    policy.to_json().map_err(|error| BundleError::Invalid {
        rule: policy.id().to_string(),
        reason: error.to_string(),
    })
}

/// A rule that applies exactly where the condition holds.
pub(super) fn permit_where(condition: &Value) -> Value {
    json!({
        "effect": "permit",
        "principal": { "op": "All" },
        "action": { "op": "All" },
        "resource": { "op": "All" },
        "conditions": [{ "kind": "when", "body": condition }],
    })
}

/// A scope constraint as the expression that means the same; `None` where it constrains nothing.
fn scope_condition(variable: &str, constraint: &Value) -> Option<Value> {
    let left = json!({ "Var": variable });
    let entity = |uid: &Value| json!({ "Value": { "__entity": uid } });
    let one = constraint.get("entity").map(entity);
    let right = || match constraint.get("entities").and_then(Value::as_array) {
        Some(uids) => Some(json!({ "Set": uids.iter().map(entity).collect::<Vec<_>>() })),
        None => one,
    };
    match constraint.get("op")?.as_str()? {
        "==" => Some(json!({ "==": { "left": left, "right": right()? } })),
        "in" => Some(json!({ "in": { "left": left, "right": right()? } })),
        "is" => {
            let mut body = json!({ "left": left, "entity_type": constraint.get("entity_type")? });
            if let Some(parent) = constraint.get("in").and_then(|parent| parent.get("entity")) {
                body.as_object_mut()?.insert("in".to_owned(), entity(parent));
            }
            Some(json!({ "is": body }))
        }
        _ => None,
    }
}

/// Splits `a && b && c`, in the order of the text.
fn conjuncts(expression: &Value, found: &mut Vec<Value>) {
    match operator(expression) {
        Some(("&&", body)) => {
            for operand in [body.get("left"), body.get("right")].into_iter().flatten() {
                conjuncts(operand, found);
            }
        }
        _ => found.push(expression.clone()),
    }
}

/// The facts that an expression speaks about, each once, in the order of the text.
pub(super) fn facts(expression: &Value) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    collect_facts(expression, &mut found);
    found
}

fn collect_facts(expression: &Value, found: &mut Vec<Vec<String>>) {
    if let Some(path) = path(expression) {
        let path: Vec<_> = path.into_iter().map(str::to_owned).collect();
        if !found.contains(&path) {
            found.push(path);
        }
        return;
    }
    match expression {
        Value::Object(operands) => operands.values().for_each(|v| collect_facts(v, found)),
        Value::Array(operands) => operands.iter().for_each(|v| collect_facts(v, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
