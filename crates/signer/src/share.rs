//! The share phase: check every signer's answer, ask the gate again, and release.

use quorate_audit::{Event, EventKind};
use quorate_intent::Decoded;
use quorate_model::{Attempt, Digest, Timestamp};
use quorate_policy::{ConfirmationSubject, Decision, Gate, Permit, Phase, SigningSubject};
use quorate_protocol::sign::{
    AnsweredHeads, AnyReserved, ReserveAnswer, ShareAnswer, SigningContext,
};
use quorate_protocol::wire::{FromNode, Refusal, RefusalCode};
use quorate_trust::{Authentic, Signed};

use crate::case::Case;
use crate::claims::with_claims;
use crate::node::Node;
use crate::record::{Record, RequestRecord};
use crate::refusal::{abort, refuse, request, unless_stopped};
use crate::session::{Session, SessionSubject, Stage};
use crate::turn::Turn;
use crate::work::{Asked, Reply};

/// What is to be released, with everything that has to be right before it is.
pub(crate) struct Release {
    pub(crate) making: Making,
    pub(crate) context: SigningContext,
}

/// How the shares come about.
#[expect(clippy::large_enum_variant, reason = "it lives for one step")]
pub(crate) enum Making {
    /// From nonces, which are spent by it.
    Nonces(AnyReserved, Vec<Authentic<ReserveAnswer>>),
    /// They were made, in rounds.
    Made(ShareAnswer),
}

impl Node {
    pub(crate) fn share(
        &mut self,
        subject: Digest,
        attempt: Attempt,
        answers: Vec<Signed<ReserveAnswer>>,
        asked: Asked,
        turn: &mut Turn,
    ) -> Result<Reply, Refusal> {
        let shown = answers.iter().map(AnsweredHeads::of).collect();
        let answers = self.authenticate(answers)?;
        self.check_fit(turn.now)?;
        self.check_heads(&answers, turn.now)?;
        let Some(session) = self.sessions.take(subject, attempt) else {
            let reason =
                format!("attempt {attempt} holds no nonces here: it was used or it expired");
            return Err(refuse(RefusalCode::NotFound, reason));
        };
        // After the session: so nobody fills the audit log with one false answer.
        self.check_logs(shown, turn)?;
        let context = session.context().clone();
        let Session { stage, permit, subject, deadline } = session;
        let making = match stage {
            Stage::Reserved(AnyReserved::Ecdsa(reserved)) => {
                if let Some(answer) = self.still_allowed(&subject, &context, turn)? {
                    return Ok(answer.into());
                }
                let session = Session { stage: Stage::Working(context), permit, subject, deadline };
                return Ok(self.work_on(session, asked, move || reserved.begin(answers)));
            }
            Stage::Reserved(reserved) => Making::Nonces(reserved, answers),
            Stage::Rounds(_) | Stage::Working(_) => {
                let reason = format!("attempt {attempt} is past its reserve phase: it ends here");
                return Err(refuse(RefusalCode::NotFound, reason));
            }
        };
        let release = Release { making, context };
        let answer = match subject {
            SessionSubject::Request(case) => self.share_request(&case, permit, release, turn),
            SessionSubject::Confirmation => self.share_confirmation(release, turn),
        };
        answer.map(Reply::Said)
    }

    /// Asks the gate again before a round: something else to answer where the subject may not be
    /// signed any more. What stopped it takes the session with it.
    pub(crate) fn still_allowed(
        &mut self,
        subject: &SessionSubject,
        context: &SigningContext,
        turn: &mut Turn,
    ) -> Result<Option<FromNode>, Refusal> {
        match subject {
            SessionSubject::Confirmation => {
                unless_stopped(self.stops.on_key(&context.key, turn.now)).map(|()| None)
            }
            SessionSubject::Request(case) => {
                let asked = self.ask_again(case, context.attempt, turn, Gate::reserve)?;
                Ok(asked.err())
            }
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

    /// Asks the gate again, about the very case that it allowed, and releases. Whatever stopped it since
    /// the reserve phase takes the nonces with it.
    pub(crate) fn share_request(
        &mut self,
        case: &Case,
        reserved: Permit,
        release: Release,
        turn: &mut Turn,
    ) -> Result<FromNode, Refusal> {
        let attempt = release.context.attempt;
        let asked =
            self.ask_again(case, attempt, turn, |gate, subject| gate.share(subject, reserved))?;
        let permit = match asked {
            Ok(permit) => permit,
            Err(answer) => return Ok(answer),
        };
        let verified = &case.verified;
        let record = self.ledger.record_of(verified)?;
        let key = release.context.key.clone();
        let answer = self.release(release, &permit, Some(&case.decoded), turn)?;
        let Decoded { intent, claims, .. } = &case.decoded;
        let payload = intent.payload_digest;
        self.claims.remember(claims.iter().cloned(), payload, verified.digest(), turn.now);
        for (asset, amount) in permit.charges() {
            self.usage.charge(&key, asset, *amount, turn.now, verified.digest());
        }
        let record = RequestRecord { released: Some(attempt), ..record };
        self.ledger.put(record.clone());
        turn.write(Record::Request(record));
        Ok(answer)
    }

    /// The gate's answer about a case, now: a permit, or what is said instead.
    fn ask_again(
        &mut self,
        case: &Case,
        attempt: Attempt,
        turn: &mut Turn,
        ask: impl FnOnce(&Gate, &SigningSubject<'_>) -> Decision<Permit>,
    ) -> Result<Result<Permit, FromNode>, Refusal> {
        let verified = &case.verified;
        self.check_stops(verified, turn.now)?;
        verified.check_time(turn.now).map_err(request)?;
        if let Some(reason) = self.earlier_denial(verified) {
            return Ok(Err(self.denied(verified.digest(), reason, turn.now)));
        }
        let record = self.ledger.record_of(verified)?;
        let certified = self.keys.confirmed(&verified.request().key)?.certified.clone();
        let given = self.given(case, turn.now);
        let decision = ask(&self.gate, &case.subject(&certified, attempt, &given));
        let guarded = self.guard(case, &given);
        match self.settle(case, &record, decision, guarded, turn) {
            Ok(permit) => Ok(Ok(permit)),
            Err(said) => said.map(Err),
        }
    }

    pub(crate) fn share_confirmation(
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
        let Release { making, context } = release;
        let missing = || refuse(RefusalCode::NotFound, "this node has no such share");
        let share = self.vault.load(permit, Phase::Share).ok_or_else(missing)?;
        let answer = match making {
            Making::Nonces(reserved, answers) => reserved.release(share, answers).map_err(abort)?,
            Making::Made(answer) => answer,
        };
        let mut event = Event::new(EventKind::SharesReleased)
            .fact("key", &context.key)
            .fact("epoch", context.epoch)
            .fact("subject", context.subject)
            .fact("attempt", context.attempt)
            .fact("package", answer.package)
            .fact("bundle", self.gate.bundle_hash())
            .fact("rules", permit.rules().join(","));
        for seen in context.signing_set.iter().filter_map(|node| self.peers.fact(node)) {
            event = event.fact(crate::peers::FACT, seen);
        }
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
