//! The reserve phase: verify, decode, ask the gate, and only then make nonces.

use quorate_audit::{Event, EventKind};
use quorate_model::{Attempt, ParticipantSet, SharingId, Timestamp};
use quorate_policy::{ConfirmationSubject, Decision, Permit, Phase};
use quorate_protocol::sign::SigningContext;
use quorate_protocol::wire::{FromNode, Refusal, RefusalCode, Subject, Words};
use quorate_protocol::{CertifiedKey, Confirmation};
use quorate_trust::{SignRequest, SignedRequest, SignedRiskVerdict, VerifiedRequest};
use rand_core::CryptoRngCore;

use crate::case::{Case, decode_request};
use crate::ledger::check_attempt;
use crate::node::Node;
use crate::record::{ConfirmationAttempt, Record};
use crate::refusal::{abort, refuse, request, unless_stopped};
use crate::session::{Session, SessionSubject, Stage};
use crate::turn::Turn;

/// Which try at a subject, and who signs in it.
pub(crate) struct Try {
    pub(crate) attempt: Attempt,
    pub(crate) signing_set: ParticipantSet,
}

impl Node {
    pub(crate) fn reserve(
        &mut self,
        subject: Subject,
        words: &Words,
        this_try: Try,
        turn: &mut Turn,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<FromNode, Refusal> {
        self.check_fit(turn.now)?;
        if self.sessions.len() >= self.limits.sessions_max {
            let reason = format!("{} signing sessions are open", self.limits.sessions_max);
            return Err(refuse(RefusalCode::Busy, reason));
        }
        match subject {
            Subject::Request(signed) => self.reserve_request(&signed, words, this_try, turn, rng),
            Subject::Confirmation { sharing } => {
                let Try { attempt, signing_set } = this_try;
                self.reserve_confirmation(&sharing, attempt, signing_set, turn, rng)
            }
        }
    }

    fn reserve_request(
        &mut self,
        signed: &SignedRequest,
        words: &Words,
        Try { attempt, signing_set }: Try,
        turn: &mut Turn,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<FromNode, Refusal> {
        let verified = self.verify_request(signed, turn.now)?;
        let certified = self.keys.confirmed(&verified.request().key)?.certified.clone();
        self.check_stops(&verified, turn.now)?;
        self.check_signing_set(&certified, &signing_set)?;
        self.check_pairs(&certified, &signing_set)?;
        if let Some(reason) = self.earlier_denial(&verified) {
            return Ok(self.denied(verified.digest(), reason, turn.now));
        }
        let record = self.ledger.admit(&verified, attempt, self.limits.attempts_max)?;
        let mut case = match decode_request(&certified, verified.request()) {
            Ok(decoded) => Case::new(verified, decoded),
            Err(reason) => return Ok(self.deny(&verified, record, reason, turn)),
        };
        case.hear(&words.approvals, &certified, &self.root, self.gate.bundle_hash());
        case.consult(&words.verdicts, self.gate.bundle());
        let given = self.given(&case, turn.now);
        let decision = self.gate.reserve(&case.subject(&certified, attempt, &given));
        let guarded = self.guard(&case, &given);
        let permit = match self.settle(&case, &record, decision, guarded, turn) {
            Ok(permit) => permit,
            Err(said) => return *said,
        };
        let context = SigningContext {
            cluster: self.cluster,
            key: certified.key.clone(),
            scheme: certified.scheme,
            epoch: certified.epoch,
            subject: case.verified.digest(),
            attempt,
            signing_set,
            path: case.verified.request().path.clone(),
            messages: case.decoded.signing_messages.clone(),
        };
        let event = Event::new(EventKind::RequestReserved)
            .fact("request", &record.request)
            .fact("digest", record.digest)
            .fact("key", &context.key)
            .fact("epoch", context.epoch)
            .fact("path", &context.path)
            .fact("attempt", attempt)
            .fact("expires", record.expires)
            .fact("signing_set", &context.signing_set)
            .fact("effects", case.decoded.intent.effects_digest())
            .fact("bundle", self.gate.bundle_hash())
            .fact("rules", permit.rules().join(","))
            .fact("approved_by", case.approved_by(turn.now))
            .fact("rated_by", case.rated_by())
            .fact("client_reference", &case.verified.request().client_reference);
        self.ledger.put(record.clone());
        turn.write(Record::Request(record));
        self.audit(event, turn);
        self.make_nonces(context, permit, SessionSubject::Request(Box::new(case)), turn, rng)
    }

    fn reserve_confirmation(
        &mut self,
        sharing: &SharingId,
        attempt: Attempt,
        signing_set: ParticipantSet,
        turn: &mut Turn,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<FromNode, Refusal> {
        let held = self.keys.find(sharing)?;
        let key = &sharing.key;
        // Also for an active key: a coordinator that lost the confirmations needs them again, and
        // they are the same statements.
        if held.certificate.is_none() {
            let reason = format!("key {key} is not certified at this node");
            return Err(refuse(RefusalCode::NotFound, reason));
        }
        unless_stopped(self.stops.on_key(key, turn.now))?;
        self.check_signing_set(&held.certified, &signing_set)?;
        self.check_pairs(&held.certified, &signing_set)?;
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
            .fact("epoch", epoch)
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
        let stage = Stage::Reserved(reserved);
        let session = Session { stage, permit, subject, deadline };
        self.sessions.open(digest, attempt, session);
        Ok(FromNode::Reserved(self.sign(answer)))
    }

    /// What the gate would say of a request, with nothing reserved or written.
    pub(crate) fn simulate(
        &self,
        signed: &SignedRequest,
        verdicts: &[SignedRiskVerdict],
        now: Timestamp,
    ) -> Result<FromNode, Refusal> {
        self.check_clock(now)?;
        let verified = self.verify_request(signed, now)?;
        let certified = &self.keys.confirmed(&verified.request().key)?.certified;
        self.check_stops(&verified, now)?;
        let decision = match decode_request(certified, verified.request()) {
            Err(reason) => Err(reason),
            Ok(decoded) => {
                let mut case = Case::new(verified, decoded);
                case.consult(verdicts, self.gate.bundle());
                let given = self.given(&case, now);
                match self.gate.simulate(&case.subject(certified, Attempt::FIRST, &given)) {
                    Decision::Allow(rules) => {
                        self.guard(&case, &given).map(|()| rules).map_err(|held| held.to_string())
                    }
                    refused @ (Decision::Pending(_) | Decision::Later(_) | Decision::Deny(_)) => {
                        Err(refused.to_string())
                    }
                }
            }
        };
        Ok(FromNode::Simulated(decision))
    }

    pub(crate) fn verify_request(
        &self,
        signed: &SignedRequest,
        now: Timestamp,
    ) -> Result<VerifiedRequest, Refusal> {
        let verified = signed.verify(&self.root).map_err(request)?;
        verified.check_time(now).map_err(request)?;
        Ok(verified)
    }

    pub(crate) fn check_stops(
        &self,
        verified: &VerifiedRequest,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let SignRequest { key, service, .. } = verified.request();
        unless_stopped(self.stops.on_request(key, service, now))?;
        self.check_key_state(key, now)
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
}
