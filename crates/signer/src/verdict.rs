//! What a node says when it does not sign: denied for good, or deferred.

use std::collections::BTreeSet;

use quorate_audit::{Event, EventKind};
use quorate_model::{Digest, PersonName, Timestamp};
use quorate_policy::{Decision, Later, Pending, Permit, Replacement};
use quorate_protocol::wire::{
    Deferral, FromNode, MissingQuorum, MissingVerdict, Refusal, RefusalCode, SignedDenial,
};
use quorate_trust::{SignedApproval, SignedRequest, Verdict, VerifiedRequest};

use crate::case::{Case, Given, decode_request};
use crate::claims::Conflict;
use crate::key_states::OutOfUse;
use crate::node::Node;
use crate::record::{Record, RequestRecord};
use crate::refusal::{refuse, request};
use crate::turn::Turn;

/// A denial quotes the payload, which may be long: this much of it is enough for a person.
const REASON_CHARS_MAX: usize = 1_000;
/// Missing quorums, and missing verdicts, that are named at most.
const MISSING_MAX: usize = 8;

impl Node {
    pub(crate) fn given(&self, case: &Case, now: Timestamp) -> Given<'_> {
        let ratings = case.ratings(now, self.limits.clock_skew_ms);
        Given { approvals: case.approvals(now), ratings, usage: &self.usage, now }
    }

    /// What the state of the key and earlier releases of this node say to a request, whatever the gate says.
    pub(crate) fn guard(&self, case: &Case, given: &Given<'_>) -> Result<(), Box<Held>> {
        self.check_use(case, given).map_err(|error| Box::new(error.into()))?;
        let held = match self.claims.check(&case.decoded) {
            Ok(()) => return Ok(()),
            Err(conflict @ Conflict::Replaces { .. }) => {
                match self.gate.replacement(&given.approvals) {
                    Replacement::Approved => return Ok(()),
                    Replacement::Awaits(missing) => Held::Awaits(conflict.to_string(), missing),
                    Replacement::Impossible => Held::Denied(conflict.to_string()),
                }
            }
            Err(conflict @ Conflict::Value { .. }) => Held::Denied(conflict.to_string()),
            Err(conflict @ Conflict::Full) => Held::Busy(conflict.to_string()),
        };
        Err(Box::new(held))
    }

    /// The permit, where neither the gate nor the guard has anything against it; otherwise what the
    /// node says.
    pub(crate) fn settle(
        &mut self,
        case: &Case,
        record: &RequestRecord,
        decision: Decision,
        guarded: Result<(), Box<Held>>,
        turn: &mut Turn,
    ) -> Result<Permit, Box<Result<FromNode, Refusal>>> {
        let denial = match decision {
            Decision::Allow(permit) => match guarded.map_err(|held| *held) {
                Ok(()) => return Ok(permit),
                Err(Held::Denied(reason)) => reason,
                Err(held @ Held::Awaits(..)) => {
                    return Err(Box::new(Ok(self.awaiting(case, held, turn))));
                }
                Err(Held::Busy(reason)) => {
                    return Err(Box::new(Err(refuse(RefusalCode::Busy, reason))));
                }
            },
            Decision::Pending(pending) => {
                return Err(Box::new(Ok(self.pending(case, &pending, turn))));
            }
            Decision::Later(later) => return Err(Box::new(Ok(self.later(case, &later, turn)))),
            Decision::Deny(denial) => denial.to_string(),
        };
        Err(Box::new(Ok(self.deny(&case.verified, record.clone(), denial, turn))))
    }

    /// Takes a person's rejection of a request: durable, and for good.
    pub(crate) fn reject(
        &mut self,
        signed: &SignedRequest,
        rejection: &SignedApproval,
        turn: &mut Turn,
    ) -> Result<FromNode, Refusal> {
        let verified = signed.verify(&self.root).map_err(request)?;
        if let Some(reason) = self.earlier_denial(&verified) {
            return Ok(self.denied(verified.digest(), reason, turn.now));
        }
        // Nothing is written about what cannot be signed any more: it may have been forgotten.
        // A doubted clock that is ahead must not keep a rejection out.
        verified.check_time(self.earliest(turn.now)).map_err(request)?;
        let invalid = |reason: &dyn std::fmt::Display| refuse(RefusalCode::Invalid, reason);
        let word = rejection.verify(&self.root).map_err(|error| invalid(&error))?;
        let said = word.approval();
        if said.verdict != Verdict::Reject || said.subject.request_digest != verified.digest() {
            return Err(invalid(&"that is no rejection of this request"));
        }
        let record = self.ledger.record_of(&verified)?;
        let certified = self.keys.confirmed(&verified.request().key)?.certified.clone();
        let case = match decode_request(&certified, verified.request()) {
            Ok(decoded) => Case::new(verified, decoded),
            Err(reason) => return Ok(self.deny(&verified, record, reason, turn)),
        };
        let given = self.given(&case, turn.now);
        let subject = case.subject(&certified, record.attempt, &given);
        let person = &said.approver;
        if !self.gate.may_reject(&subject, person) && !self.guard_asks(&case, person, turn.now) {
            let reason = format!("{person} is in no quorum that is asked about this request");
            return Err(invalid(&reason));
        }
        self.sessions.drop_all(case.verified.digest());
        let reason = format!("rejected by {person}");
        Ok(self.deny(&case.verified, record, reason, turn))
    }

    pub(crate) fn earlier_denial(&self, verified: &VerifiedRequest) -> Option<String> {
        let record = self.ledger.get(&verified.request().request_key())?;
        record.denied.clone().filter(|_| record.digest == verified.digest())
    }

    /// Denies for good: durable before it is said.
    pub(crate) fn deny(
        &mut self,
        verified: &VerifiedRequest,
        record: RequestRecord,
        reason: String,
        turn: &mut Turn,
    ) -> FromNode {
        let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
        let event = Event::new(EventKind::RequestDenied)
            .fact("request", &record.request)
            .fact("digest", record.digest)
            .fact("key", &verified.request().key)
            .fact("expires", record.expires)
            .fact("bundle", self.gate.bundle_hash())
            .fact("reason", &reason);
        let record = RequestRecord { denied: Some(reason.clone()), ..record };
        self.ledger.put(record.clone());
        turn.write(Record::Request(record));
        self.audit(event, turn);
        self.denied(verified.digest(), reason, turn.now)
    }

    pub(crate) fn denied(&self, request: Digest, reason: String, now: Timestamp) -> FromNode {
        let heads = self.heads(now);
        FromNode::Denied(self.sign(SignedDenial { request, reason, heads }))
    }

    pub(crate) fn pending(&mut self, case: &Case, pending: &Pending, turn: &mut Turn) -> FromNode {
        let missing = pending.missing.iter().filter_map(missing_quorum);
        let verdicts = pending.verdicts.iter().filter_map(|verdict| {
            let quorate_policy::MissingVerdict { name, provider } = verdict;
            Some(MissingVerdict { name: name.parse().ok()?, provider: provider.clone() })
        });
        let missing = missing.take(MISSING_MAX).collect();
        let verdicts = verdicts.take(MISSING_MAX).collect();
        let until = pending.later.as_ref().map(|later| later.until);
        let said = Said { missing, verdicts, until, reason: pending.to_string() };
        self.deferred(case, said, turn)
    }

    pub(crate) fn later(&mut self, case: &Case, later: &Later, turn: &mut Turn) -> FromNode {
        let (missing, verdicts, until) = (Vec::new(), Vec::new(), Some(later.until));
        let said = Said { missing, verdicts, until, reason: later.to_string() };
        self.deferred(case, said, turn)
    }

    /// Defers what a quorum has to approve whatever the rules ask for.
    fn awaiting(&mut self, case: &Case, held: Held, turn: &mut Turn) -> FromNode {
        let reason = held.to_string();
        let missing = match held {
            Held::Awaits(_, missing) => missing_quorum(&missing).into_iter().collect(),
            Held::Denied(_) | Held::Busy(_) => Vec::new(),
        };
        self.deferred(case, Said { missing, verdicts: Vec::new(), until: None, reason }, turn)
    }

    /// Whether the guard would ask that person about a request that nobody has approved.
    fn guard_asks(&self, case: &Case, person: &PersonName, now: Timestamp) -> bool {
        if let Err(OutOfUse::Unapproved { missing, .. }) =
            self.check_use(case, &self.given(case, now))
        {
            return missing.members.contains(person);
        }
        match (self.claims.check(&case.decoded), self.gate.replacement(&BTreeSet::new())) {
            (Err(Conflict::Replaces { .. }), Replacement::Awaits(quorum)) => {
                quorum.members.contains(person)
            }
            _ => false,
        }
    }

    /// Defers: it is not durable, since nothing rests on it, but the audit log has what is new in it.
    fn deferred(&mut self, case: &Case, said: Said, turn: &mut Turn) -> FromNode {
        let Said { missing, verdicts, until, reason } = said;
        let request = case.verified.digest();
        // Of the gate's own words only: the others name what nobody has signed.
        if self.said_last.insert(request, &reason) {
            let event = Event::new(EventKind::RequestPending)
                .fact("request", case.verified.request().request_key())
                .fact("digest", request)
                .fact("key", &case.verified.request().key)
                .fact("bundle", self.gate.bundle_hash())
                .fact("reason", reason.chars().take(REASON_CHARS_MAX).collect::<String>());
            self.audit(event, turn);
        }
        let ignored = case.ignored(turn.now, self.limits.clock_skew_ms);
        let reason = [reason].into_iter().chain(ignored);
        let reason: String = reason.collect::<Vec<_>>().join("; ");
        let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
        let effects = case.decoded.intent.effects_digest();
        let heads = self.heads(turn.now);
        let said = Deferral { request, missing, verdicts, until, reason, effects, heads };
        FromNode::Deferred(self.sign(said))
    }
}

/// What is held against a request whatever its rules say.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Held {
    /// For good.
    #[error("{0}")]
    Denied(String),
    /// Until a quorum approves it.
    #[error("{0}; the approval of a quorum is missing: {1}")]
    Awaits(String, quorate_policy::MissingQuorum),
    /// Until there is room.
    #[error("{0}")]
    Busy(String),
}

impl From<OutOfUse> for Held {
    fn from(error: OutOfUse) -> Self {
        let reason = error.to_string();
        match error {
            OutOfUse::Elsewhere { .. } | OutOfUse::NoQuorum { .. } => Self::Denied(reason),
            OutOfUse::Unapproved { missing, .. } => Self::Awaits(reason, missing),
        }
    }
}

fn missing_quorum(missing: &quorate_policy::MissingQuorum) -> Option<MissingQuorum> {
    let quorate_policy::MissingQuorum { name, required, present, members } = missing;
    Some(MissingQuorum {
        // Whatever else it may be called in a bundle, nobody could approve in its name.
        name: name.parse().ok()?,
        required: *required,
        present: present.iter().cloned().collect(),
        members: members.iter().cloned().collect(),
    })
}

struct Said {
    missing: Vec<MissingQuorum>,
    verdicts: Vec<MissingVerdict>,
    until: Option<Timestamp>,
    reason: String,
}

/// What was last said to deferred requests, so that repeating it does not fill the audit log.
#[derive(Debug, Default)]
pub(crate) struct SaidLast(std::collections::BTreeMap<Digest, (String, usize)>);

impl SaidLast {
    const REQUESTS_MAX: usize = 4_096;
    /// Whoever asks may show approvals or not, and so change what is said, for as long as it likes.
    const NEWS_MAX: usize = 16;

    /// Whether that is news.
    fn insert(&mut self, request: Digest, reason: &str) -> bool {
        if self.0.len() >= Self::REQUESTS_MAX {
            self.0.clear();
        }
        let (last, news) = self.0.entry(request).or_default();
        if last == reason || *news >= Self::NEWS_MAX {
            return false;
        }
        reason.clone_into(last);
        *news += 1;
        true
    }
}
