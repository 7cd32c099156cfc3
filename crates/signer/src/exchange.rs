//! Rounds of an ECDSA key generation or signing, and what came of the work for each.

use std::collections::BTreeMap;

use quorate_model::ParticipantId;
use quorate_protocol::ecdsa::SigningProgress;
use quorate_protocol::exchange::{ExchangeMessage, Parcel, SealedPart};
use quorate_protocol::wire::{ExchangeKey, FromNode, Refusal, RefusalCode};
use quorate_protocol::{Abort, AbortReason};
use quorate_trust::Authentic;

use crate::node::Node;
use crate::refusal::{abort, refuse};
use crate::session::{Session, SessionSubject, Stage};
use crate::share::{Making, Release};
use crate::turn::Turn;
use crate::work::{Asked, Reply, SigningRun, Step, Work};

type Round = (Vec<Authentic<ExchangeMessage>>, BTreeMap<ParticipantId, SealedPart>);

impl Node {
    /// Everybody's messages of a round.
    pub(crate) fn exchange(
        &mut self,
        exchange: &ExchangeKey,
        parcels: Vec<Parcel>,
        asked: Asked,
        turn: &mut Turn,
    ) -> Result<Reply, Refusal> {
        let round = self.open(parcels)?;
        match exchange {
            ExchangeKey::Ceremony(ceremony) => self.ceremony_round(ceremony, round, asked, turn),
            ExchangeKey::Signing { subject, attempt } => {
                self.check_fit(turn.now)?;
                let session = self.sessions.take(*subject, *attempt);
                let Some(Session { stage: Stage::Rounds(signing), permit, subject, deadline }) =
                    session
                else {
                    let reason = format!("attempt {attempt} is in no round here");
                    return Err(refuse(RefusalCode::NotFound, reason));
                };
                let context = signing.context().clone();
                if let Some(answer) = self.still_allowed(&subject, &context, turn)? {
                    return Ok(answer.into());
                }
                let session = Session { stage: Stage::Working(context), permit, subject, deadline };
                let (messages, parts) = round;
                Ok(self.work_on(session, asked, move || signing.handle(messages, parts)))
            }
        }
    }

    /// Puts a session aside while work is done for it.
    pub(crate) fn work_on(
        &mut self,
        session: Session,
        asked: Asked,
        step: impl FnOnce() -> Result<SigningProgress, Abort> + Send + 'static,
    ) -> Reply {
        let context = session.context();
        let run = SigningRun {
            subject: context.subject,
            attempt: context.attempt,
            key: context.key.clone(),
            epoch: context.epoch,
            signing_set: context.signing_set.clone(),
        };
        self.sessions.open(run.subject, run.attempt, session);
        Reply::Work(Work::signing(asked, run, step))
    }

    /// Verifies who said what, and takes out what is for this node.
    fn open(&self, parcels: Vec<Parcel>) -> Result<Round, Refusal> {
        let mut messages = Vec::new();
        let mut parts = BTreeMap::new();
        for Parcel { message, parts: own } in parcels {
            let own = own.into_iter().find(|part| part.to == self.me);
            parts.extend(own.map(|part| (message.from, part)));
            messages.push(message);
        }
        Ok((self.authenticate(messages)?, parts))
    }

    /// What came of a piece of work. A session that ended meanwhile is not taken up again.
    pub(crate) fn work_done(&mut self, step: Step, turn: &mut Turn) -> Result<FromNode, Refusal> {
        match step {
            Step::Keygen(ceremony, progress) => self.keygen_done(&ceremony, progress, turn),
            Step::Signing(run, progress) => self.signing_done(&run, progress, turn),
        }
    }

    fn signing_done(
        &mut self,
        run: &SigningRun,
        progress: Result<SigningProgress, Abort>,
        turn: &mut Turn,
    ) -> Result<FromNode, Refusal> {
        // Whatever became of the session: what failed has failed.
        match progress.as_ref().map_err(|abort| &abort.reason) {
            Err(reason @ AbortReason::Multiplication { with, what }) => {
                self.freeze_pair(&run.key, run.epoch, *with, what, turn);
                return Err(refuse(RefusalCode::PairFrozen(*with), reason));
            }
            // A check may have failed with any of them: a panic must not be a way around it (threat P14).
            Err(reason @ AbortReason::Panicked) => {
                let me = self.me;
                for with in run.signing_set.iter().filter(|id| *id != me) {
                    self.freeze_pair(&run.key, run.epoch, with, &reason.to_string(), turn);
                }
            }
            Ok(_) | Err(_) => {}
        }
        let progress = progress.map_err(abort)?;
        let session = self.sessions.take(run.subject, run.attempt);
        let Some(Session { stage: Stage::Working(context), permit, subject, deadline }) = session
        else {
            let reason = format!("attempt {} ended while its round was computed", run.attempt);
            return Err(refuse(RefusalCode::NotFound, reason));
        };
        match progress {
            SigningProgress::Next(signing, message, parts) => {
                let stage = Stage::Rounds(signing);
                let session = Session { stage, permit, subject, deadline };
                self.sessions.open(run.subject, run.attempt, session);
                Ok(FromNode::Exchanged(Parcel { message: self.sign(message), parts }))
            }
            SigningProgress::Done(answer) => {
                let release = Release { making: Making::Made(answer), context };
                match subject {
                    SessionSubject::Request(case) => {
                        self.share_request(&case, permit, release, turn)
                    }
                    SessionSubject::Confirmation => self.share_confirmation(release, turn),
                }
            }
        }
    }
}
