//! The share phase: check every signer's answer, ask the gate again, and release.

use quorate_audit::{Event, EventKind};
use quorate_model::{Attempt, Digest, Timestamp};
use quorate_policy::{ConfirmationSubject, Decision, Permit, Phase, SigningSubject};
use quorate_protocol::sign::{ReserveAnswer, SigningContext};
use quorate_protocol::wire::{FromNode, Refusal, RefusalCode};
use quorate_trust::{Authentic, Signed};

use crate::node::Node;
use crate::record::{Record, RequestRecord};
use crate::refusal::{abort, refuse, request, unless_stopped};
use crate::reserve::{NO_APPROVERS, NO_USAGE};
use crate::session::{Session, SessionSubject};
use crate::turn::Turn;

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
        let Session { reserved, permit, subject, .. } = session;
        let context = reserved.context().clone();
        // Whatever was stopped since the reserve phase takes its nonces with it.
        match &subject {
            SessionSubject::Request(object) => self.check_stops(&object.0, turn.now)?,
            SessionSubject::Confirmation => {
                unless_stopped(self.stops.on_key(&context.key, turn.now))?;
            }
        }
        let permit = match self.permit_share(&subject, &context, permit, turn.now)? {
            Ok(permit) => permit,
            Err(reason) => return self.deny_late(&subject, reason, turn),
        };
        let missing = || refuse(RefusalCode::NotFound, "this node has no such share");
        let share = self.vault.load(&permit, Phase::Share).ok_or_else(missing)?;
        let answer = reserved.release(share, answers).map_err(abort)?;
        let event = Event::new(EventKind::SharesReleased)
            .fact("key", &context.key)
            .fact("subject", context.subject)
            .fact("attempt", attempt)
            .fact("package", answer.package)
            .fact("rules", permit.rules().join(","));
        self.audit(event, turn);
        self.record_release(&subject, attempt, turn);
        Ok(FromNode::Shares(self.sign(answer)))
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

    /// Asks the gate again, about the very object that it allowed. The inner `Err` is a denial.
    fn permit_share(
        &self,
        subject: &SessionSubject,
        context: &SigningContext,
        reserved: Permit,
        now: Timestamp,
    ) -> Result<Result<Permit, String>, Refusal> {
        match subject {
            SessionSubject::Request(object) => {
                let (verified, intent) = &**object;
                verified.check_time(now).map_err(request)?;
                let subject = SigningSubject {
                    service: &verified.request().service,
                    request: verified.digest(),
                    key: &context.key,
                    scheme: context.scheme,
                    epoch: context.epoch,
                    attempt: context.attempt,
                    intent,
                    approvers: &NO_APPROVERS,
                    usage: &NO_USAGE,
                    now,
                };
                match self.gate.share(&subject, reserved) {
                    Decision::Allow(permit) => Ok(Ok(permit)),
                    Decision::Pending(pending) => Err(refuse(RefusalCode::Time, pending)),
                    Decision::Later(later) => Err(refuse(RefusalCode::Time, later)),
                    Decision::Deny(denial) => Ok(Err(denial.to_string())),
                }
            }
            SessionSubject::Confirmation => {
                let subject = ConfirmationSubject {
                    key: &context.key,
                    epoch: context.epoch,
                    statement: context.subject,
                    attempt: context.attempt,
                };
                Ok(Ok(self.gate.confirm(&subject, Phase::Share)))
            }
        }
    }

    fn deny_late(
        &mut self,
        subject: &SessionSubject,
        reason: String,
        turn: &mut Turn,
    ) -> Result<FromNode, Refusal> {
        let record = self.request_record(subject);
        match (subject, record) {
            (SessionSubject::Request(object), Some(record)) => {
                Ok(self.deny(&object.0, record, reason, turn))
            }
            (SessionSubject::Request(_) | SessionSubject::Confirmation, _) => {
                Err(refuse(RefusalCode::Aborted, reason))
            }
        }
    }

    fn record_release(&mut self, subject: &SessionSubject, attempt: Attempt, turn: &mut Turn) {
        if let Some(record) = self.request_record(subject) {
            let record = RequestRecord { released: Some(attempt), ..record };
            self.ledger.put(record.clone());
            turn.write(Record::Request(record));
        }
    }

    fn request_record(&self, subject: &SessionSubject) -> Option<RequestRecord> {
        match subject {
            SessionSubject::Request(object) => {
                self.ledger.get(&object.0.request().request_key()).cloned()
            }
            SessionSubject::Confirmation => None,
        }
    }
}
