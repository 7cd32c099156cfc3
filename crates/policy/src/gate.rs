//! The gate itself.

mod facts;
mod given;
mod later;
mod missing;
mod nearest;
mod pending;
mod question;
mod replacement;

use std::collections::BTreeSet;

use cedar_policy::Authorizer;
use quorate_intent::{Amount, Asset};
use quorate_model::{Digest, PersonName};
use ruint::aliases::U256;

use self::given::Given;
use self::question::Question;
pub use self::replacement::Replacement;
use crate::limit::taken;
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

    /// What the gate would decide, for people who try out a bundle: the rules' ids, sorted, and no
    /// permit.
    pub fn simulate(&self, subject: &SigningSubject<'_>) -> Decision<Vec<String>> {
        self.evaluate(subject).unwrap_or_else(Decision::Deny)
    }

    /// What the rules see of each effect, with the approvals and at the time of the subject, in
    /// words. Nothing where a fact could not be computed: [`Self::simulate`] says which.
    pub(crate) fn observed(&self, subject: &SigningSubject<'_>) -> Vec<Vec<String>> {
        let given = Given::now(&self.bundle, subject);
        Question::new(self, subject).map_or_else(|_| Vec::new(), |asked| asked.observed(&given))
    }

    /// The smallest sets of quorums that would allow the request if nobody had approved yet, whatever
    /// the time is, without any verdict and with every verdict: who is asked about it. Empty where it
    /// needs nobody, or where approvals cannot allow it.
    pub fn required_quorums(&self, subject: &SigningSubject<'_>) -> BTreeSet<String> {
        self.required(subject).unwrap_or_default()
    }

    /// Whether a person's rejection of the request counts: whether the person is a member of one of
    /// the quorums that are asked about it.
    pub fn may_reject(&self, subject: &SigningSubject<'_>, person: &PersonName) -> bool {
        let quorums = &self.bundle.tables.quorums;
        let is_member =
            |name: &String| quorums.get(name).is_some_and(|quorum| quorum.members.contains(person));
        self.required_quorums(subject).iter().any(is_member)
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
            charges: Vec::new(),
        }
    }

    fn decide(&self, subject: &SigningSubject<'_>, phase: Phase) -> Decision {
        match self.simulate(subject) {
            Decision::Allow(rules) => Decision::Allow(Permit {
                key: subject.key.clone(),
                epoch: subject.epoch,
                subject: subject.request,
                attempt: subject.attempt,
                phase,
                rules,
                charges: self.charges(subject),
            }),
            Decision::Pending(pending) => Decision::Pending(pending),
            Decision::Later(later) => Decision::Later(later),
            Decision::Deny(denial) => Decision::Deny(denial),
        }
    }

    /// Asks the rules with the facts as they are, then with more time, then with more approvals, then
    /// with more verdicts, then with all of it. No rule is ever left out: a `forbid` that would apply
    /// in the end is a denial now.
    fn evaluate(&self, subject: &SigningSubject<'_>) -> Result<Decision<Vec<String>>, Denial> {
        let question = Question::new(self, subject)?;
        let now = Given::now(&self.bundle, subject);
        if let Some(rules) = question.allowed_by(&now)? {
            return Ok(Decision::Allow(rules));
        }
        if let Some(later) = later::earliest(&question, &now)? {
            return Ok(Decision::Later(later));
        }
        let spoken = now.clone().with_awaited_verdicts(&self.bundle, subject);
        if let Some(pending) = pending::awaited(&question, &now, &spoken)? {
            return Ok(Decision::Pending(pending));
        }
        // What stands in the way in the end, not what approvals would remedy. Where only calendars
        // that never meet do, that is seen as it is now.
        let in_time = spoken.at_any_time(&self.bundle, subject);
        let in_the_end = in_time.with_all_quorums(&self.bundle);
        let denial = question.denial(&in_the_end)?;
        Err(match denial {
            Some(Denial::NotPermitted { effect, nearest, .. }) => {
                let refused = pending::refused(&question, &in_the_end)?;
                Denial::NotPermitted { effect, nearest, refused }
            }
            Some(denial) => denial,
            None => question.denial(&now)?.unwrap_or_else(|| Denial::Indeterminate {
                effect: 0,
                reason: "the rules decide differently each time".to_owned(),
            }),
        })
    }

    /// Who is asked where providers say nothing, and where they say the best that they can: whoever
    /// rejects need not know what they said.
    fn required(&self, subject: &SigningSubject<'_>) -> Result<BTreeSet<String>, Denial> {
        let question = Question::new(self, subject)?;
        let nobody = Given::now(&self.bundle, subject).without_quorums();
        let in_time = nobody.at_any_time(&self.bundle, subject);
        let all = self.bundle.tables.verdicts.keys().cloned().collect();
        let mut required = BTreeSet::new();
        for verdicts in BTreeSet::from([BTreeSet::new(), all]) {
            let given = in_time.clone().with_verdicts(verdicts);
            let missing = missing::smallest(&question, &given)?;
            required.extend(missing.into_iter().flatten());
        }
        Ok(required)
    }

    fn charges(&self, subject: &SigningSubject<'_>) -> Vec<(Asset, U256)> {
        let intent = subject.intent;
        let takes = |asset: &Asset| {
            let amounts = intent.effects.iter().map(|effect| &effect.amount);
            let is_of = |amount: &Amount| amount.asset == *asset;
            amounts.chain([&intent.fee]).any(is_of)
        };
        let assets = self.bundle.tables.windows.values().map(|window| &window.asset);
        let assets: BTreeSet<_> = assets.filter(|asset| takes(asset)).collect();
        // More than 256 bits fills every window.
        assets
            .into_iter()
            .map(|asset| (asset.clone(), taken(intent, asset).unwrap_or(U256::MAX)))
            .collect()
    }
}

/// What of a reserve-phase permit is not of this attempt.
fn mismatch(subject: &SigningSubject<'_>, reserved: &Permit) -> Option<&'static str> {
    let Permit { key, epoch, subject: request, attempt, phase, rules: _, charges: _ } = reserved;
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
