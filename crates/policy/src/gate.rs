//! The gate itself.

mod facts;
mod nearest;

use std::collections::BTreeSet;

use cedar_policy::{Authorizer, Decision as Verdict, Entities};
use quorate_intent::Effect;
use quorate_model::Digest;

use self::facts::Facts;
use crate::{Bundle, ConfirmationSubject, Decision, Denial, Permit, Phase, SigningSubject};

/// Evaluates one bundle. Deciding needs no state and changes none.
#[derive(Debug)]
pub struct Gate {
    bundle: Bundle,
    authorizer: Authorizer,
}

impl Gate {
    /// A gate that holds to a bundle.
    pub fn new(bundle: Bundle) -> Self {
        Self { bundle, authorizer: Authorizer::new() }
    }

    /// The bundle in force.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The hash of the bundle in force: one of the node's heads.
    pub fn bundle_hash(&self) -> Digest {
        self.bundle.hash()
    }

    /// Decides whether nonces may be made for an attempt.
    pub fn reserve(&self, subject: &SigningSubject<'_>) -> Decision {
        self.decide(subject, Phase::Reserve)
    }

    /// Decides, again, whether signature shares may be released for an attempt: what was allowed
    /// before may not be now. Spends the permit of the reserve phase, which must be of the same key,
    /// epoch, request and attempt.
    pub fn share(&self, subject: &SigningSubject<'_>, reserved: Permit) -> Decision {
        match mismatch(subject, &reserved) {
            Some(part) => Decision::Deny(Denial::PermitMismatch { part }),
            None => self.decide(subject, Phase::Share),
        }
    }

    /// What the gate would decide, for people who try out a bundle: makes no permit.
    ///
    /// # Errors
    /// The denial.
    pub fn simulate(&self, subject: &SigningSubject<'_>) -> Result<Vec<String>, Denial> {
        self.evaluate(subject).map(|rules| rules.into_iter().collect())
    }

    /// The permit to confirm a new key. No policy speaks here: before the key exists for anybody,
    /// its signers sign a tagged hash of its certificate, which is a message of no network, so
    /// there is nothing to decide. The caller must have built that message itself.
    pub fn confirm(&self, subject: &ConfirmationSubject<'_>, phase: Phase) -> Permit {
        Permit {
            key: subject.key.clone(),
            epoch: subject.epoch,
            subject: subject.statement,
            attempt: subject.attempt,
            phase,
            rules: Vec::new(),
        }
    }

    fn decide(&self, subject: &SigningSubject<'_>, phase: Phase) -> Decision {
        match self.evaluate(subject) {
            Ok(rules) => Decision::Allow(Permit {
                key: subject.key.clone(),
                epoch: subject.epoch,
                subject: subject.request,
                attempt: subject.attempt,
                phase,
                rules: rules.into_iter().collect(),
            }),
            Err(denial) => Decision::Deny(denial),
        }
    }

    /// The rules that allow the intent: every effect must be allowed.
    fn evaluate(&self, subject: &SigningSubject<'_>) -> Result<BTreeSet<String>, Denial> {
        let indeterminate =
            |reason: &str| Err(Denial::Indeterminate { effect: 0, reason: reason.to_owned() });
        if subject.intent.effects.is_empty() {
            return indeterminate("the payload has no effect, so there is nothing to allow");
        }
        if subject.intent.network.scheme() != subject.scheme {
            return indeterminate("the key's scheme does not sign for the payload's network");
        }
        let directory = &self.bundle.directory;
        let entities = directory
            .with_key(subject.key, &self.bundle.vocabulary)
            .map_err(|reason| Denial::Indeterminate { effect: 0, reason })?;
        let mut allowed_by = BTreeSet::new();
        for (index, effect) in subject.intent.effects.iter().enumerate() {
            allowed_by.extend(self.evaluate_effect(subject, index, effect, &entities)?);
        }
        Ok(allowed_by)
    }

    fn evaluate_effect(
        &self,
        subject: &SigningSubject<'_>,
        index: usize,
        effect: &Effect,
        entities: &Entities,
    ) -> Result<Vec<String>, Denial> {
        let indeterminate = |reason| Denial::Indeterminate { effect: index, reason };
        let (facts, request) = Facts::new(&self.bundle, subject, effect)
            .and_then(|facts| facts.request(&self.bundle).map(|request| (facts, request)))
            .map_err(|error| indeterminate(error.to_string()))?;
        let rules = &self.bundle.rules;
        let response = self.authorizer.is_authorized(&request, &rules.policies, entities);
        // Cedar skips a rule that fails to evaluate: a skipped `forbid` would be a yes.
        if let Some(error) = response.diagnostics().errors().next() {
            return Err(indeterminate(format!("a rule failed to evaluate: {error}")));
        }
        let mut applied: Vec<_> =
            response.diagnostics().reason().map(ToString::to_string).collect();
        applied.sort();
        match response.decision() {
            Verdict::Allow => Ok(applied),
            Verdict::Deny if applied.is_empty() => Err(Denial::NotPermitted {
                effect: index,
                nearest: nearest::nearest_rule(rules, &request, entities, &facts),
            }),
            Verdict::Deny => {
                let titled = |id: String| {
                    let title = rules.titles.get(&id).cloned().unwrap_or_default();
                    (id, title)
                };
                let rules = applied.into_iter().map(titled).collect();
                Err(Denial::Forbidden { effect: index, rules })
            }
        }
    }
}

/// What of a reserve-phase permit is not of this attempt.
fn mismatch(subject: &SigningSubject<'_>, reserved: &Permit) -> Option<&'static str> {
    let Permit { key, epoch, subject: request, attempt, phase, rules: _ } = reserved;
    [
        (*phase == Phase::Reserve, "phase"),
        (key == subject.key, "key"),
        (*epoch == subject.epoch, "epoch"),
        (*request == subject.request, "request"),
        (*attempt == subject.attempt, "attempt"),
    ]
    .into_iter()
    .find_map(|(matches, part)| (!matches).then_some(part))
}

#[cfg(test)]
#[expect(
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    clippy::indexing_slicing,
    reason = "a test says what failed by panicking"
)]
mod tests;
