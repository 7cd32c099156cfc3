//! The share phase: check every signer's answer, ask the gate again, and release.

use quorate_audit::{Event, EventKind};
use quorate_intent::Decoded;
use quorate_model::{Attempt, Digest, Timestamp};
use quorate_policy::{ConfirmationSubject, Permit, Phase};
use quorate_protocol::sign::{AnyReserved, ReserveAnswer, SigningContext};
use quorate_protocol::wire::{FromNode, Refusal, RefusalCode};
use quorate_trust::{Authentic, Signed};

use crate::case::Case;
use crate::claims::with_claims;
use crate::node::Node;
use crate::record::{Record, RequestRecord};
use crate::refusal::{abort, refuse, request, unless_stopped};
use crate::session::{Session, SessionSubject};
use crate::turn::Turn;

/// Nonces, with everything that has to be right before they are spent.
struct Release {
    reserved: AnyReserved,
    context: SigningContext,
    answers: Vec<Authentic<ReserveAnswer>>,
}

impl Node {
    pub(crate) fn share(
        &mut self,
        subject: Digest,
        attempt: Attempt,
        answers: Vec<Signed<ReserveAnswer>>,
        turn: &mut Turn,
    ) -> Result<FromNode, Refusal> {
        let answers = self.authenticate(answers)?;
        self.check_clock(turn.now)?;
        self.check_heads(&answers, turn.now)?;
        let Some(session) = self.sessions.take(subject, attempt) else {
            let reason =
                format!("attempt {attempt} holds no nonces here: it was used or it expired");
            return Err(refuse(RefusalCode::NotFound, reason));
        };
        // After the session: so nobody fills the audit log with one false answer.
        self.check_logs(&answers, turn)?;
        let Session { reserved, permit, subject, .. } = session;
        let context = reserved.context().clone();
        let release = Release { reserved, context, answers };
        match subject {
            SessionSubject::Request(case) => self.share_request(&case, permit, release, turn),
            SessionSubject::Confirmation => self.share_confirmation(release, turn),
        }
    }

    /// Every signer must be on the same root and the same bundle, and agree on the time.
    fn check_heads(
        &self,
        answers: &[Authentic<ReserveAnswer>],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let ours = self.heads(now);
        for answer in answers {
            let (from, heads) = (answer.from(), answer.body().heads);
            if heads.root != ours.root || heads.bundle != ours.bundle {
                let reason = format!(
                    "node {from} is on root {} and bundle {}, this node on {} and {}",
                    heads.root.short(),
                    heads.bundle.short(),
                    ours.root.short(),
                    ours.bundle.short()
                );
                return Err(refuse(RefusalCode::HeadsDiffer, reason));
            }
            let skew = heads.clock.since(now).max(now.since(heads.clock));
            // A session may be as old as its deadline; the rest is skew.
            if skew > self.limits.clock_skew_ms + self.limits.session_ms {
                let reason = format!("the clocks of node {from} and this node differ by {skew} ms");
                return Err(refuse(RefusalCode::Time, reason));
            }
        }
        Ok(())
    }

    /// Asks the gate again, about the very case that it allowed. Whatever stopped it since the reserve
    /// phase takes the nonces with it.
    fn share_request(
        &mut self,
        case: &Case,
        reserved: Permit,
        release: Release,
        turn: &mut Turn,
    ) -> Result<FromNode, Refusal> {
        let verified = &case.verified;
        self.check_stops(verified, turn.now)?;
        verified.check_time(turn.now).map_err(request)?;
        if let Some(reason) = self.earlier_denial(verified) {
            return Ok(self.denied(verified.digest(), reason, turn.now));
        }
        let record = self.ledger.record_of(verified)?;
        let certified = self.keys.active(&verified.request().key)?.certified.clone();
        let attempt = release.context.attempt;
        let given = self.given(case, turn.now);
        let decision = self.gate.share(&case.subject(&certified, attempt, &given), reserved);
        let guarded = self.guard(case, &given);
        let permit = match self.settle(case, &record, decision, guarded, turn) {
            Ok(permit) => permit,
            Err(said) => return *said,
        };
        let answer = self.release(release, &permit, Some(&case.decoded), turn)?;
        let Decoded { intent, claims, .. } = &case.decoded;
        let payload = intent.payload_digest;
        self.claims.remember(claims.iter().cloned(), payload, verified.digest(), turn.now);
        for (asset, amount) in permit.charges() {
            let (key, request) = (&certified.key, verified.digest());
            self.usage.charge(key, asset, *amount, turn.now, request);
        }
        let record = RequestRecord { released: Some(attempt), ..record };
        self.ledger.put(record.clone());
        turn.write(Record::Request(record));
        Ok(answer)
    }

    fn share_confirmation(
        &mut self,
        release: Release,
        turn: &mut Turn,
    ) -> Result<FromNode, Refusal> {
        let context = &release.context;
        unless_stopped(self.stops.on_key(&context.key, turn.now))?;
        let subject = ConfirmationSubject {
            key: &context.key,
            epoch: context.epoch,
            statement: context.subject,
            attempt: context.attempt,
        };
        let permit = self.gate.confirm(&subject, Phase::Share);
        self.release(release, &permit, None, turn)
    }

    /// Spends the nonces. What windows are charged and what the payload uses up is in the entry of the
    /// audit log: it is the ledger.
    fn release(
        &mut self,
        release: Release,
        permit: &Permit,
        decoded: Option<&Decoded>,
        turn: &mut Turn,
    ) -> Result<FromNode, Refusal> {
        let Release { reserved, context, answers } = release;
        let missing = || refuse(RefusalCode::NotFound, "this node has no such share");
        let share = self.vault.load(permit, Phase::Share).ok_or_else(missing)?;
        let answer = reserved.release(share, answers).map_err(abort)?;
        let mut event = Event::new(EventKind::SharesReleased)
            .fact("key", &context.key)
            .fact("epoch", context.epoch)
            .fact("subject", context.subject)
            .fact("attempt", context.attempt)
            .fact("package", answer.package)
            .fact("bundle", self.gate.bundle_hash())
            .fact("rules", permit.rules().join(","));
        for (asset, amount) in permit.charges() {
            event = event.fact(crate::charge::FACT, crate::charge::write(asset, *amount));
        }
        if let Some(decoded) = decoded {
            event = with_claims(event, decoded);
        }
        self.audit(event, turn);
        Ok(FromNode::Shares(self.sign(answer)))
    }
}
