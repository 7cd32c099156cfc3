//! The rules of a bundle: parsed, named, validated, linted.

use std::collections::BTreeMap;
use std::str::FromStr;

use cedar_policy::ffi::DetailedError;
use cedar_policy::{
    ActionConstraint, Effect, Policy, PolicyId, PolicySet, ValidationMode, Validator,
};
use serde_json::Value;

use super::directory::Directory;
use super::syntax::{self, Conditions};
use super::vocabulary::Vocabulary;
use super::{BundleError, Lint, Tables, nesting};
use super::{lint, optional};

/// At most this many rules in a bundle.
pub(super) const COUNT_MAX: usize = 1_000;

/// The rules, and their conditions taken apart for explanations.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) policies: PolicySet,
    /// The same without the permits that are for any action whatever.
    pub(crate) naming: PolicySet,
    pub(crate) titles: BTreeMap<String, String>,
    pub(crate) permits: Vec<PermitRule>,
    /// One rule for each condition of a permit, by the id in [`Condition::probe`].
    pub(crate) probes: PolicySet,
}

/// A rule that permits, taken apart.
#[derive(Debug, Clone)]
pub(crate) struct PermitRule {
    pub(crate) id: String,
    pub(crate) action: Option<Condition>,
    pub(crate) others: Vec<Condition>,
}

/// Something that must hold for a rule to apply.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    /// The rule that applies exactly where this condition holds.
    pub(crate) probe: PolicyId,
    /// In the rule's own words.
    pub(crate) text: String,
    /// The facts that it speaks about, such as `["context", "amount", "nano"]`.
    pub(crate) facts: Vec<Vec<String>>,
}

impl Rules {
    pub(super) fn parse(
        text: &str,
        vocabulary: &Vocabulary,
        directory: &Directory,
        tables: &Tables,
    ) -> Result<Self, BundleError> {
        let policies = named_policies(text)?;
        let titles = policies
            .iter()
            .map(|(id, policy)| Ok((id.clone(), annotation(policy, id, "title")?)))
            .collect::<Result<_, BundleError>>()?;
        let set = PolicySet::from_policies(policies.values().cloned())
            .map_err(|error| BundleError::Policies(error.to_string()))?;
        validate(&set, vocabulary)?;
        let mut probes = Probes::default();
        let mut permits = Vec::new();
        for (id, policy) in &policies {
            let in_rule = |lint| BundleError::Lint { rule: id.clone(), lint };
            check_entities(policy, directory).map_err(in_rule)?;
            let json = syntax::to_json(policy)?;
            lint::check(&json, tables).map_err(in_rule)?;
            optional::check(&json, &policies, &optional::FACTS).map_err(in_rule)?;
            if policy.effect() == Effect::Permit {
                permits.push(probes.take_apart(id, policy)?);
            }
        }
        let names_action = |policy: &&Policy| {
            policy.effect() == Effect::Forbid || policy.action_constraint() != ActionConstraint::Any
        };
        let naming = PolicySet::from_policies(policies.values().filter(names_action).cloned())
            .map_err(|error| BundleError::Policies(error.to_string()))?;
        Ok(Self { policies: set, naming, titles, permits, probes: probes.policies })
    }
}

/// The policies by their `@id`, in the order of their ids.
fn named_policies(text: &str) -> Result<BTreeMap<String, Policy>, BundleError> {
    if !nesting::is_shallow(text) {
        return Err(BundleError::TooDeep);
    }
    let set = PolicySet::from_str(text)
        .map_err(|error| BundleError::Policies(located(text, &(&error).into())))?;
    if set.num_of_templates() > 0 {
        return Err(BundleError::Template);
    }
    let count = set.num_of_policies();
    if count > COUNT_MAX {
        return Err(BundleError::TooManyRules { count });
    }
    let mut policies = BTreeMap::new();
    for policy in set.policies() {
        let id = annotation(policy, &policy.to_string(), "id")?;
        let named = policy.new_id(PolicyId::new(&id));
        if policies.insert(id.clone(), named).is_some() {
            return Err(BundleError::DuplicateRule { rule: id });
        }
    }
    Ok(policies)
}

/// What Cedar says, with the line that it is about.
fn located(text: &str, error: &DetailedError) -> String {
    let message = &error.message;
    let line = error.source_locations.first().and_then(|label| {
        let before = text.get(..label.loc.start)?;
        let number = before.matches('\n').count();
        Some((number + 1, text.lines().nth(number)?.trim()))
    });
    match line {
        Some((number, line)) => format!("{message}, in line {number} of them: {line}"),
        None => message.clone(),
    }
}

fn annotation(policy: &Policy, rule: &str, name: &'static str) -> Result<String, BundleError> {
    match policy.annotation(name) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        Some(_) | None => {
            Err(BundleError::MissingAnnotation { rule: rule.to_owned(), annotation: name })
        }
    }
}

/// A warning refuses the bundle, too: it is about a rule that can never apply, or about text that
/// does not read as it is.
fn validate(policies: &PolicySet, vocabulary: &Vocabulary) -> Result<(), BundleError> {
    let result =
        Validator::new(vocabulary.schema.clone()).validate(policies, ValidationMode::Strict);
    let errors = result.validation_errors().map(|e| (e.policy_id(), e.to_string()));
    let warnings = result.validation_warnings().map(|w| (w.policy_id(), w.to_string()));
    match errors.chain(warnings).next() {
        Some((rule, reason)) => Err(BundleError::Invalid { rule: rule.to_string(), reason }),
        None => Ok(()),
    }
}

/// Every entity that a rule names must be in a table of the bundle.
fn check_entities(policy: &Policy, directory: &Directory) -> Result<(), Lint> {
    match policy.entity_literals().into_iter().find(|uid| !directory.contains(uid)) {
        Some(uid) => Err(Lint::UnknownName { kind: "entity", name: uid.to_string() }),
        None => Ok(()),
    }
}

#[derive(Default)]
struct Probes {
    policies: PolicySet,
    count: usize,
}

impl Probes {
    fn take_apart(&mut self, id: &str, policy: &Policy) -> Result<PermitRule, BundleError> {
        let conditions = Conditions::of(policy)?;
        let mut add = |expression| self.add(id, expression);
        Ok(PermitRule {
            id: id.to_owned(),
            action: conditions.action.as_ref().map(&mut add).transpose()?,
            others: conditions.others.iter().map(add).collect::<Result<_, _>>()?,
        })
    }

    fn add(&mut self, rule: &str, expression: &Value) -> Result<Condition, BundleError> {
        let invalid = |reason| BundleError::Invalid { rule: rule.to_owned(), reason };
        let probe = PolicyId::new(self.count.to_string());
        let policy = Policy::from_json(Some(probe.clone()), syntax::permit_where(expression))
            .map_err(|error| invalid(error.to_string()))?;
        let rendered = policy.to_string();
        let text = rendered
            .split_once("when {")
            .and_then(|(_, clause)| clause.trim().strip_suffix("};"))
            .map_or(rendered.as_str(), str::trim);
        let condition =
            Condition { probe, text: text.to_owned(), facts: syntax::facts(expression) };
        self.policies.add(policy).map_err(|error| invalid(error.to_string()))?;
        self.count += 1;
        Ok(condition)
    }
}
