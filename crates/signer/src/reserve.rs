//! The reserve phase: verify, decode, ask the gate, and only then make nonces.

use std::collections::BTreeSet;

use quorate_audit::{Event, EventKind};
use quorate_intent::{Decoded, PayingKey, Payload, decode};
use quorate_model::{Attempt, Digest, KeyId, ParticipantSet, PersonName, Timestamp};
use quorate_policy::{ConfirmationSubject, Decision, Permit, Phase, SigningSubject, Usage};
use quorate_protocol::sign::SigningContext;
use quorate_protocol::wire::{FromNode, Refusal, RefusalCode, SignedDenial, Subject};
use quorate_protocol::{CertifiedKey, Confirmation};
use quorate_trust::{SignRequest, SignedRequest, VerifiedRequest};
use rand_core::CryptoRngCore;

use crate::keys::HeldKey;
use crate::ledger::check_attempt;
use crate::node::Node;
use crate::record::{ConfirmationAttempt, Record, RequestRecord};
use crate::refusal::{abort, refuse, request, unless_stopped};
use crate::session::{Session, SessionSubject};
use crate::turn::Turn;

/// A denial quotes the payload, which may be long: this much of it is enough for a person.
const DENIAL_CHARS_MAX: usize = 1_000;

/// Approvals do not reach the node yet, and it keeps no ledger of what it released: rules that ask
/// for quorums find none met, and windows find nothing used.
pub(crate) static NO_APPROVERS: BTreeSet<PersonName> = BTreeSet::new();
pub(crate) static NO_USAGE: Usage = Usage::new();

impl Node {
    pub(crate) fn reserve(
        &mut self,
        subject: Subject,
        attempt: Attempt,
        signing_set: ParticipantSet,
        turn: &mut Turn,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<FromNode, Refusal> {
        self.check_clock(turn.now)?;
        if self.sessions.len() >= self.limits.sessions_max {
            let reason = format!("{} signing sessions are open", self.limits.sessions_max);
            return Err(refuse(RefusalCode::Busy, reason));
        }
        match subject {
            Subject::Request(signed) => {
                self.reserve_request(&signed, attempt, signing_set, turn, rng)
            }
            Subject::Confirmation { key } => {
                self.reserve_confirmation(&key, attempt, signing_set, turn, rng)
            }
        }
    }

    fn reserve_request(
        &mut self,
        signed: &SignedRequest,
        attempt: Attempt,
        signing_set: ParticipantSet,
        turn: &mut Turn,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<FromNode, Refusal> {
        let verified = signed.verify(&self.root).map_err(request)?;
        verified.check_time(turn.now).map_err(request)?;
        let held = self.keys.active(&verified.request().key)?;
        self.check_stops(&verified, turn.now)?;
        self.check_signing_set(&held.certified, &signing_set)?;
        if let Some(reason) = self.earlier_denial(&verified) {
            return Ok(self.denied(verified.digest(), reason, turn.now));
        }
        let record = self.ledger.admit(&verified, attempt, self.limits.attempts_max)?;
        let (decoded, permit) = match self.decide(held, &verified, attempt, turn.now)? {
            Ok(allowed) => allowed,
            Err(reason) => return Ok(self.deny(&verified, record, reason, turn)),
        };
        let context = SigningContext {
            cluster: self.cluster,
            key: held.certified.key.clone(),
            scheme: held.certified.scheme,
            epoch: held.certified.epoch,
            subject: verified.digest(),
            attempt,
            signing_set,
            path: verified.request().path.clone(),
            messages: decoded.signing_messages,
        };
        let event = Event::new(EventKind::RequestReserved)
            .fact("request", &record.request)
            .fact("digest", record.digest)
            .fact("key", &context.key)
            .fact("attempt", attempt)
            .fact("expires", record.expires)
            .fact("signing_set", &context.signing_set)
            .fact("effects", decoded.intent.effects_digest())
            .fact("bundle", self.gate.bundle_hash())
            .fact("rules", permit.rules().join(","))
            .fact("client_reference", &verified.request().client_reference);
        self.ledger.put(record.clone());
        turn.write(Record::Request(record));
        self.audit(event, turn);
        let subject = SessionSubject::Request(Box::new((verified, decoded.intent)));
        self.make_nonces(context, permit, subject, turn, rng)
    }

    fn reserve_confirmation(
        &mut self,
        key: &KeyId,
        attempt: Attempt,
        signing_set: ParticipantSet,
        turn: &mut Turn,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<FromNode, Refusal> {
        let held = self.keys.find(key)?;
        // Also for an active key: a coordinator that lost the confirmations needs them again, and
        // they are the same statements.
        if held.certificate.is_none() {
            let reason = format!("key {key} is not certified at this node");
            return Err(refuse(RefusalCode::NotFound, reason));
        }
        unless_stopped(self.stops.on_key(key, turn.now))?;
        self.check_signing_set(&held.certified, &signing_set)?;
        check_attempt(attempt, self.limits.attempts_max)?;
        let statement = Confirmation::statement(&held.certified, &signing_set);
        if self.confirmation_attempts.get(&statement).is_some_and(|seen| attempt <= *seen) {
            let reason = format!("attempt {attempt} at confirming {key} was used");
            return Err(refuse(RefusalCode::AttemptUsed, reason));
        }
        let epoch = held.certified.epoch;
        let subject = ConfirmationSubject { key, epoch, statement, attempt };
        let permit = self.gate.confirm(&subject, Phase::Reserve);
        let context = SigningContext {
            cluster: self.cluster,
            key: key.clone(),
            scheme: held.certified.scheme,
            epoch,
            subject: statement,
            attempt,
            signing_set,
            path: quorate_model::DerivationPath::root(),
            messages: vec![statement.as_bytes().to_vec()],
        };
        self.confirmation_attempts.insert(statement, attempt);
        turn.write(Record::ConfirmationAttempt(ConfirmationAttempt { statement, attempt }));
        let event = Event::new(EventKind::ConfirmationReserved)
            .fact("key", key)
            .fact("signing_set", &context.signing_set)
            .fact("attempt", attempt);
        self.audit(event, turn);
        self.make_nonces(context, permit, SessionSubject::Confirmation, turn, rng)
    }

    /// Makes nonces under a permit and answers with the commitments to them.
    fn make_nonces(
        &mut self,
        context: SigningContext,
        permit: Permit,
        subject: SessionSubject,
        turn: &Turn,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<FromNode, Refusal> {
        let (digest, attempt) = (context.subject, context.attempt);
        let heads = self.heads(turn.now);
        let missing = || refuse(RefusalCode::NotFound, "this node has no such share");
        let share = self.vault.load(&permit, Phase::Reserve).ok_or_else(missing)?;
        let (reserved, answer) = share.reserve(context, self.me, heads, rng).map_err(abort)?;
        let deadline = turn.now.plus_millis(self.limits.session_ms);
        let session = Session { reserved, permit, subject, deadline };
        self.sessions.open(digest, attempt, session);
        Ok(FromNode::Reserved(self.sign(answer)))
    }

    /// Decodes the payload from its exact bytes and asks the gate. The inner `Err` is the reason of a
    /// denial; what may be allowed later is refused without one.
    fn decide(
        &self,
        held: &HeldKey,
        verified: &VerifiedRequest,
        attempt: Attempt,
        now: Timestamp,
    ) -> Result<Result<(Decoded, Permit), String>, Refusal> {
        let decoded = match decode_request(held, verified.request()) {
            Ok(decoded) => decoded,
            Err(reason) => return Ok(Err(reason)),
        };
        let subject = signing_subject(held, verified, attempt, &decoded, now);
        match self.gate.reserve(&subject) {
            Decision::Allow(permit) => Ok(Ok((decoded, permit))),
            Decision::Pending(pending) => Err(refuse(RefusalCode::Time, pending)),
            Decision::Later(later) => Err(refuse(RefusalCode::Time, later)),
            Decision::Deny(denial) => Ok(Err(denial.to_string())),
        }
    }

    /// What the gate would say of a request, with nothing reserved or written.
    pub(crate) fn simulate(
        &self,
        signed: &SignedRequest,
        now: Timestamp,
    ) -> Result<FromNode, Refusal> {
        let verified = signed.verify(&self.root).map_err(request)?;
        verified.check_time(now).map_err(request)?;
        let held = self.keys.active(&verified.request().key)?;
        self.check_stops(&verified, now)?;
        let decision = decode_request(held, verified.request()).and_then(|decoded| {
            let subject = signing_subject(held, &verified, Attempt::FIRST, &decoded, now);
            match self.gate.simulate(&subject) {
                Decision::Allow(rules) => Ok(rules),
                refused @ (Decision::Pending(_) | Decision::Later(_) | Decision::Deny(_)) => {
                    Err(refused.to_string())
                }
            }
        });
        Ok(FromNode::Simulated(decision))
    }

    pub(crate) fn check_stops(
        &self,
        verified: &VerifiedRequest,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let SignRequest { key, service, .. } = verified.request();
        unless_stopped(self.stops.on_request(key, service, now))
    }

    fn check_signing_set(
        &self,
        certified: &CertifiedKey,
        signing_set: &ParticipantSet,
    ) -> Result<(), Refusal> {
        let exact = signing_set.len() == certified.threshold.as_usize();
        if exact && signing_set.is_subset(&certified.roster) && signing_set.contains(self.me) {
            return Ok(());
        }
        let reason = format!(
            "signing set {signing_set}: exactly {} of {}, this node among them",
            certified.threshold, certified.roster
        );
        Err(refuse(RefusalCode::Invalid, reason))
    }

    fn earlier_denial(&self, verified: &VerifiedRequest) -> Option<String> {
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
        let reason: String = reason.chars().take(DENIAL_CHARS_MAX).collect();
        let event = Event::new(EventKind::RequestDenied)
            .fact("request", &record.request)
            .fact("digest", record.digest)
            .fact("key", &verified.request().key)
            .fact("bundle", self.gate.bundle_hash())
            .fact("reason", &reason);
        self.audit(event, turn);
        let record = RequestRecord { denied: Some(reason.clone()), ..record };
        self.ledger.put(record.clone());
        turn.write(Record::Request(record));
        self.denied(verified.digest(), reason, turn.now)
    }

    fn denied(&self, request: Digest, reason: String, now: Timestamp) -> FromNode {
        let heads = self.heads(now);
        FromNode::Denied(self.sign(SignedDenial { request, reason, heads }))
    }
}

/// Decodes a request's payload for the key that it names. The declared action must be what every
/// effect is: a service cannot have something else signed under that name.
fn decode_request(held: &HeldKey, request: &SignRequest) -> Result<Decoded, String> {
    if request.scheme != held.certified.scheme {
        return Err(format!("key {} has scheme {}", request.key, held.certified.scheme));
    }
    let payload = Payload::new(request.payload_format, request.payload.clone());
    let group_verifying_key = &held.certified.group_verifying_key;
    let key = PayingKey { group_verifying_key, network: request.network };
    let decoded = decode(&payload, key).map_err(|error| format!("undecodable: {error}"))?;
    match decoded.intent.effects.iter().find(|effect| effect.kind.as_str() != request.action) {
        Some(other) => Err(format!(
            "action {} was asked for, the payload does {}",
            request.action,
            other.kind.as_str()
        )),
        None => Ok(decoded),
    }
}

fn signing_subject<'a>(
    held: &'a HeldKey,
    verified: &'a VerifiedRequest,
    attempt: Attempt,
    decoded: &'a Decoded,
    now: Timestamp,
) -> SigningSubject<'a> {
    SigningSubject {
        service: &verified.request().service,
        request: verified.digest(),
        key: &held.certified.key,
        scheme: held.certified.scheme,
        epoch: held.certified.epoch,
        attempt,
        intent: &decoded.intent,
        approvers: &NO_APPROVERS,
        usage: &NO_USAGE,
        now,
    }
}
