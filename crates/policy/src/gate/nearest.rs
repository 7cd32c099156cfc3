//! Which rule came nearest to permitting, and what it missed.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use cedar_policy::{Authorizer, Entities, PolicyId, Request};

use super::facts::Facts;
use crate::NearestRule;
use crate::bundle::{Condition, PermitRule, Rules};

/// The permit rule for this action, by name if it allows the action `only_named`, of which the most conditions hold; among equals the one that
/// misses fewest, then the first by id.
pub(super) fn nearest_rule(
    rules: &Rules,
    request: &Request,
    entities: &Entities,
    facts: &Facts,
    only_named: bool,
) -> Option<NearestRule> {
    // Every condition is a rule of its own here, so that one evaluation tells them all. One that
    // fails to evaluate does not hold.
    let response = Authorizer::new().is_authorized(request, &rules.probes, entities);
    let held: BTreeSet<&PolicyId> = response.diagnostics().reason().collect();
    let holds = |condition: &&Condition| held.contains(&condition.probe);
    let nearness = |rule: &&PermitRule| {
        let met = rule.others.iter().filter(holds).count();
        (Reverse(met), rule.others.len())
    };
    let nearest = rules
        .permits
        .iter()
        .filter(|rule| rule.action.as_ref().map_or(!only_named, |action| holds(&action)))
        .min_by_key(nearness)?;
    let unmet = nearest.others.iter().find(|condition| !holds(condition))?;
    let observed: Vec<_> = unmet.facts.iter().map(|path| facts.observed(path, entities)).collect();
    Some(NearestRule {
        id: nearest.id.clone(),
        title: rules.titles.get(&nearest.id).cloned().unwrap_or_default(),
        unmet: unmet.text.clone(),
        observed: observed.join("; "),
    })
}
