//! The question of one subject, asked of the rules as often as it takes.

use std::borrow::Cow;
use std::collections::BTreeSet;

use cedar_policy::{Decision as Verdict, Entities, Request, Response};

use quorate_intent::{Effect, EffectKind, Flag, Intent};

use super::facts::Facts;
use super::given::Given;
use super::nearest;
use crate::bundle::Bundle;
use crate::{Denial, Gate, SigningSubject};

/// One subject, with everything that its questions share.
#[derive(Debug)]
pub(super) struct Question<'a> {
    gate: &'a Gate,
    pub(super) subject: &'a SigningSubject<'a>,
    entities: Cow<'a, Entities>,
    /// Of each effect.
    facts: Vec<Facts>,
}

impl<'a> Question<'a> {
    /// # Errors
    /// [`Denial::Indeterminate`] where a fact cannot be computed exactly, and what no rule can allow.
    pub(super) fn new(gate: &'a Gate, subject: &'a SigningSubject<'a>) -> Result<Self, Denial> {
        let indeterminate = |effect, reason: String| Denial::Indeterminate { effect, reason };
        let refuse = |reason: &str| Err(indeterminate(0, reason.to_owned()));
        if subject.intent.effects.is_empty() {
            return refuse("the payload has no effect, so there is nothing to allow");
        }
        if !subject.intent.network.accepts(subject.scheme) {
            return refuse("the key's scheme does not sign for the payload's network");
        }
        let bundle = &gate.bundle;
        check_raw(subject)?;
        check_nonce(bundle, subject.intent)?;
        bundle.tables.fee_cap(subject.intent.network).check(subject.intent)?;
        let entities = bundle
            .directory
            .with_key(subject.key, &bundle.vocabulary)
            .map_err(|reason| indeterminate(0, reason))?;
        let effects = subject.intent.effects.iter().enumerate();
        let facts = effects.map(|(index, effect)| {
            Facts::new(bundle, subject, effect)
                .map_err(|error| indeterminate(index, error.to_string()))
        });
        Ok(Self { gate, subject, entities, facts: facts.collect::<Result<_, _>>()? })
    }

    pub(super) fn bundle(&self) -> &'a Bundle {
        &self.gate.bundle
    }

    /// The rules that allow the intent, sorted: every effect must be allowed. `None` where one is
    /// not.
    pub(super) fn allowed_by(&self, given: &Given) -> Result<Option<Vec<String>>, Denial> {
        let mut allowed_by = BTreeSet::new();
        for (index, facts) in self.facts.iter().enumerate() {
            let asked = self.ask(index, facts, given)?;
            match asked.response.decision() {
                Verdict::Allow => allowed_by.extend(asked.applied()),
                Verdict::Deny => return Ok(None),
            }
        }
        Ok(Some(allowed_by.into_iter().collect()))
    }

    /// Why the first effect that is not allowed is not; `None` where all are.
    pub(super) fn denial(&self, given: &Given) -> Result<Option<Denial>, Denial> {
        let rules = &self.bundle().rules;
        for (effect, facts) in self.facts.iter().enumerate() {
            let asked = self.ask(effect, facts, given)?;
            if asked.response.decision() == Verdict::Allow {
                continue;
            }
            let applied: BTreeSet<_> = asked.applied().collect();
            if applied.is_empty() {
                let (request, only_named) = (&asked.request, self.is_only_named(effect));
                let nearest =
                    nearest::nearest_rule(rules, request, &self.entities, &asked.facts, only_named);
                return Ok(Some(Denial::NotPermitted { effect, nearest, refused: Box::default() }));
            }
            let titled = |id: String| {
                let title = rules.titles.get(&id).cloned().unwrap_or_default();
                (id, title)
            };
            let rules = applied.into_iter().map(titled).collect();
            return Ok(Some(Denial::Forbidden { effect, rules }));
        }
        Ok(None)
    }

    /// What the rules see of each effect.
    pub(super) fn observed(&self, given: &Given) -> Vec<Vec<String>> {
        let facts = self.facts.iter().map(|facts| facts.given(self.bundle(), given));
        facts.map(|facts| facts.all_observed(&self.entities)).collect()
    }

    /// Whether a permit has to name what an effect is.
    fn is_only_named(&self, effect: usize) -> bool {
        let effect = self.subject.intent.effects.get(effect);
        effect.is_none_or(|effect| is_only_named(effect.kind))
    }

    fn ask(&self, effect: usize, facts: &Facts, given: &Given) -> Result<Asked, Denial> {
        let indeterminate = |reason| Denial::Indeterminate { effect, reason };
        let bundle = self.bundle();
        let facts = facts.given(bundle, given);
        let request = facts.request(bundle).map_err(|error| indeterminate(error.to_string()))?;
        let rules = &bundle.rules;
        let policies = if self.is_only_named(effect) { &rules.naming } else { &rules.policies };
        let response = self.gate.authorizer.is_authorized(&request, policies, &self.entities);
        // Cedar skips a rule that fails to evaluate: a skipped `forbid` would be a yes.
        if let Some(error) = response.diagnostics().errors().next() {
            return Err(indeterminate(format!("a rule failed to evaluate: {error}")));
        }
        Ok(Asked { facts, request, response })
    }
}

/// What a permit has to name to allow it: a rule for any action is one about amounts, and these do what
/// no amount says, so that every limit holds.
const fn is_only_named(kind: EffectKind) -> bool {
    match kind {
        EffectKind::Transfer | EffectKind::Allowance => false,
        EffectKind::Message
        | EffectKind::TypedData
        | EffectKind::ContractCall
        | EffectKind::ContractCreation
        | EffectKind::AuthorityChange
        | EffectKind::CodeDelegation
        | EffectKind::RawDigest => true,
    }
}

/// A floor under the rules: only keys that were made for it sign what nobody can decode.
fn check_raw(subject: &SigningSubject<'_>) -> Result<(), Denial> {
    let is_raw = |effect: &Effect| effect.kind == EffectKind::RawDigest;
    let refused = !subject.raw_ok && subject.intent.effects.iter().any(is_raw);
    if refused { Err(Denial::RawDigest) } else { Ok(()) }
}

/// A floor under the rules: whoever controls a durable nonce account decides until when a payload on
/// it is valid, so it has to be one of ours.
fn check_nonce(bundle: &Bundle, intent: &Intent) -> Result<(), Denial> {
    match &intent.nonce_account {
        Some(account) if bundle.tables.has_nonce_account(intent.network, account) => Ok(()),
        Some(account) => Err(Denial::ForeignNonce { account: account.clone() }),
        None => {
            let flagged = |effect: &Effect| effect.flags.contains(&Flag::DurableNonce);
            intent.effects.iter().position(flagged).map_or(Ok(()), |effect| {
                let reason = "it is on a durable nonce account, and nothing says on which";
                Err(Denial::Indeterminate { effect, reason: reason.to_owned() })
            })
        }
    }
}

/// One effect's answer.
struct Asked {
    facts: Facts,
    request: Request,
    response: Response,
}

impl Asked {
    /// Ids of the rules that decided.
    fn applied(&self) -> impl Iterator<Item = String> {
        self.response.diagnostics().reason().map(ToString::to_string)
    }
}
