//! The node: one question in, one answer out.

use std::collections::BTreeMap;
use std::sync::Arc;

use quorate_audit::{CheckpointError, Event, EventKind, Log, Origin, SignedCheckpoint};
use quorate_backup::Draft;
use quorate_model::{Attempt, ClusterId, Digest, Erasure, Heads, Moment, ParticipantId, Timestamp};
use quorate_policy::{Bundle, Gate, Usage};
use quorate_protocol::ecdsa::EcdsaBackend;
use quorate_protocol::wire::{CallId, FromNode, Refusal, RefusalCode, ToNode};
use quorate_protocol::{Engine, Output};
use quorate_trust::{Authentic, Body, KeyStates, Signed, SigningKey, Stops, Succession, TrustRoot};
use rand_core::CryptoRngCore;

use crate::administer::Administration;
use crate::backup::BackupRefusal;
use crate::claims::Claims;
use crate::clock::Clock;
use crate::config::Limits;
use crate::history::History;
use crate::keygen::Ceremonies;
use crate::keys::Keys;
use crate::ledger::Ledger;
use crate::lives::Lives;
use crate::orders::Orders;
use crate::pairs::FrozenPairs;
use crate::peers::Peers;
use crate::record::Record;
use crate::refusal::{refuse, sender};
use crate::reserve::Try;
use crate::reshare::Asking;
use crate::session::Sessions;
use crate::turn::Turn;
use crate::vault::Vault;
use crate::verdict::SaidLast;
use crate::work::{Asked, Outcome, Reply, Work};

/// One attachment of the node to a coordinator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

impl LinkId {
    /// The node's own admin socket.
    pub const ADMIN: Self = Self(u64::MAX);
}

/// What a node is told.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "inputs live for one step")]
pub enum Input {
    /// A coordinator asks.
    Question {
        /// Over which attachment.
        link: LinkId,
        /// Which question.
        call: CallId,
        /// What it asks.
        question: ToNode,
    },
    /// An administrator of this node reads its audit log: answered by [`Action::Checkpoint`].
    ReadAudit {
        /// Which question.
        call: CallId,
    },
    /// An administrator of this node makes a backup: answered by [`Action::Backup`].
    CreateBackup {
        /// Which question.
        call: CallId,
    },
    /// An administrator of this node does something to it: answered by [`Action::Noted`].
    Administer {
        /// Which question.
        call: CallId,
        /// What is done.
        act: Administration,
    },
    /// A piece of [`Action::Work`] is done.
    WorkDone(Outcome),
    /// Time has passed.
    Tick,
}

/// What a node wants done.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are answers")]
pub enum Action {
    /// Answer a question over the attachment that it came from.
    Answer {
        /// Over which attachment.
        link: LinkId,
        /// Which question.
        call: CallId,
        /// The answer.
        answer: FromNode,
    },
    /// Do this on a thread that has the time, and say [`Input::WorkDone`].
    Work(Work),
    /// Give an administrator the audit log as far as this checkpoint. Every entry that it is of is
    /// durable by now, the one about this access as well.
    Checkpoint {
        /// Which question.
        call: CallId,
        /// What the log is, signed.
        checkpoint: Result<SignedCheckpoint, CheckpointError>,
    },
    /// Seal this to the recovery officers, and give it to an administrator. That it was given away is
    /// durable by now.
    Backup {
        /// Which question.
        call: CallId,
        /// What to seal, or why there is nothing.
        draft: Result<Box<Draft>, BackupRefusal>,
    },
    /// What an administrator does is in the audit log, durably.
    Noted {
        /// Which question.
        call: CallId,
    },
}

/// A signer node without its sockets, disks and clocks.
pub struct Node {
    pub(crate) me: ParticipantId,
    pub(crate) identity: SigningKey,
    pub(crate) cluster: ClusterId,
    /// The version of the trust root in force.
    pub(crate) root: TrustRoot,
    /// Its hash.
    pub(crate) root_hash: Digest,
    /// The policy gate, with the bundle in force.
    pub(crate) gate: Gate,
    /// What follows the version of the root in force.
    pub(crate) roots: Succession<TrustRoot>,
    /// What follows the bundle in force.
    pub(crate) policies: Succession<Bundle>,
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    pub(crate) version: String,
    pub(crate) log: Log,
    /// The state root of the newest entry of the log.
    pub(crate) state: Digest,
    pub(crate) keys: Keys,
    pub(crate) vault: Vault,
    pub(crate) ceremonies: Ceremonies,
    pub(crate) ledger: Ledger,
    pub(crate) confirmation_attempts: BTreeMap<Digest, Attempt>,
    pub(crate) sessions: Sessions,
    /// What was released, for windows.
    pub(crate) usage: Usage,
    /// What was used up by what was released.
    pub(crate) claims: Claims,
    pub(crate) said_last: SaidLast,
    pub(crate) stops: Stops,
    /// What orders say of the states of keys.
    pub(crate) key_states: KeyStates,
    pub(crate) orders: Orders,
    /// Which life each node is in.
    pub(crate) lives: Lives,
    /// Whether this node's own log is all that it wrote.
    pub(crate) history: History,
    pub(crate) peers: Peers,
    /// Pairs of this node and another that must not sign together.
    pub(crate) frozen_pairs: FrozenPairs,
    /// How surely a share that is erased is gone.
    pub(crate) erasure: Erasure,
    /// Whether the node was sealed. It is taken up again by a start only.
    pub(crate) sealed: bool,
    /// What signs with ECDSA keys.
    pub(crate) ecdsa: Arc<dyn EcdsaBackend>,
}

impl Engine for Node {
    type Input = Input;
    type Record = Record;
    type Action = Action;

    fn handle(
        &mut self,
        input: Input,
        now: Moment,
        rng: &mut dyn CryptoRngCore,
    ) -> Vec<Output<Record, Action>> {
        if self.sealed {
            return Self::while_sealed(input);
        }
        let jumped = self.clock.observe(now);
        let now = now.time;
        let mut turn = Turn::new(now);
        if let Some(by) = jumped {
            self.clock_jumped(by, &mut turn);
        }
        self.sessions.expire(now);
        self.history.forget(now);
        self.ceremonies.expire(now);
        self.begin_due(&mut turn);
        match input {
            Input::Question { link, call, question } => {
                let reply = self.answer(Asked { link, call }, question, &mut turn, rng);
                match reply.unwrap_or_else(|refusal| Reply::Said(FromNode::Refused(refusal))) {
                    Reply::Said(answer) => turn.finish(Some(Action::Answer { link, call, answer })),
                    // Nothing rests on it yet: it need not wait for the disk.
                    Reply::Work(work) => {
                        let mut outputs = turn.finish(None);
                        outputs.push(Output::Now(Action::Work(work)));
                        outputs
                    }
                }
            }
            Input::WorkDone(Outcome { asked: Asked { link, call }, step }) => {
                let answer = self.work_done(step, &mut turn);
                let answer = answer.unwrap_or_else(FromNode::Refused);
                turn.finish(Some(Action::Answer { link, call, answer }))
            }
            Input::ReadAudit { call } => {
                let event = Event::new(EventKind::AdminAccess).fact("call", "ExportAudit");
                self.audit(event, &mut turn);
                let origin = Origin { cluster: self.cluster, node: self.me };
                let checkpoint = self.log.checkpoint(origin).sign(&self.identity);
                turn.finish(Some(Action::Checkpoint { call, checkpoint }))
            }
            Input::CreateBackup { call } => {
                let draft = self.backup(&mut turn).map(Box::new);
                turn.finish(Some(Action::Backup { call, draft }))
            }
            Input::Administer { call, act } => self.administer(call, act, turn),
            // What is forgotten is gone, whatever time it turns out to be.
            Input::Tick if self.clock.doubt().is_some() => turn.finish(None),
            Input::Tick => {
                let remembered = now.millis().saturating_sub(self.limits.remember_ms);
                let forgotten = self.ledger.forget(Timestamp::from_millis(remembered));
                forgotten.into_iter().for_each(|record| turn.write(record));
                let horizon = now.millis().saturating_sub(Usage::HORIZON_MILLIS);
                self.usage.forget(Timestamp::from_millis(horizon));
                self.claims.forget(now);
                turn.finish(None)
            }
        }
    }

    fn wake_at(&self) -> Option<Timestamp> {
        if self.sealed {
            return None;
        }
        let forget = self.ledger.next_expiry();
        let forget = forget.map(|time| time.plus_millis(self.limits.remember_ms + 1));
        // While the clock is in doubt nothing comes of these: there is nothing to wake up for.
        let documents = [self.roots.next_begin(), self.policies.next_begin()];
        let by_the_clock = [
            forget,
            self.next_destruction(self.clock.now()),
            self.stops.next_end(self.clock.now()),
        ]
        .into_iter()
        .chain(documents);
        let by_the_clock = by_the_clock.filter(|_| self.clock.doubt().is_none());
        let ends = [self.sessions.next_deadline(), self.ceremonies.next_deadline()];
        ends.into_iter().chain(by_the_clock).flatten().min()
    }
}

impl Node {
    fn answer(
        &mut self,
        asked: Asked,
        question: ToNode,
        turn: &mut Turn,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Reply, Refusal> {
        let answer = match question {
            ToNode::GenerateKey { order, attempt, never_voted } => {
                self.generate_key(&order, attempt, never_voted, turn, rng)
            }
            ToNode::ReshareKey { order, attempt, dealers, predecessor } => {
                let asked = Asking { attempt, dealers, predecessor };
                self.reshare_key(&order, asked, turn, rng)
            }
            ToNode::Announcements(ceremony, messages) => {
                return self.announcements(&ceremony, messages, asked, turn, rng);
            }
            ToNode::Round1(ceremony, messages) => self.round1(&ceremony, messages, turn),
            ToNode::Round2(ceremony, messages) => self.round2(&ceremony, messages, turn),
            ToNode::Exchange(exchange, parcels) => {
                return self.exchange(&exchange, parcels, asked, turn);
            }
            ToNode::Certify(certificate) => self.certify(certificate, turn),
            ToNode::Reserve { subject, words, attempt, signing_set } => {
                let this_try = Try { attempt, signing_set };
                self.reserve(subject, &words, this_try, turn, rng)
            }
            ToNode::Reject { request, rejection } => self.reject(&request, &rejection, turn),
            ToNode::Share { subject, attempt, answers } => {
                return self.share(subject, attempt, answers, asked, turn);
            }
            ToNode::Confirm { sharing, confirmations } => {
                self.confirm(&sharing, confirmations, turn)
            }
            ToNode::Replaced { certificate, confirmations } => {
                self.replaced(&certificate, &confirmations, turn)
            }
            ToNode::CarryOut { order, acceptances } => {
                self.carry_out(order, acceptances, asked.link, turn)
            }
            ToNode::Orders => Ok(FromNode::Orders(self.orders.digests().copied().collect())),
            ToNode::Order(digest) => self.order(&digest),
            ToNode::Simulate { request, verdicts } => self.simulate(&request, &verdicts, turn.now),
            ToNode::Testify { asker, challenge } => Ok(self.testify(asker, challenge, turn.now)),
            ToNode::HearTestimony(testimony) => self.hear_testimony(testimony, turn, rng),
            ToNode::Status => Ok(FromNode::Status(self.status(turn.now, rng))),
        };
        answer.map(Reply::Said)
    }

    /// What this node knows to be newest.
    pub(crate) fn heads(&self, now: Timestamp) -> Heads {
        Heads {
            root: self.root_hash,
            bundle: self.gate.bundle_hash(),
            orders: self.orders.head(),
            life: self.lives.of(self.me),
            audit: self.log.head(),
            audit_length: self.log.length(),
            clock: now,
        }
    }

    /// Signs what this node says.
    pub(crate) fn sign<T: Body>(&self, body: T) -> Signed<T> {
        Signed::sign(self.me, body, &self.identity)
    }

    /// Verifies who said what a coordinator relayed.
    pub(crate) fn authenticate<T: Body>(
        &self,
        messages: Vec<Signed<T>>,
    ) -> Result<Vec<Authentic<T>>, Refusal> {
        if messages.len() > self.root.nodes.len() {
            return Err(refuse(RefusalCode::Aborted, "more messages than nodes"));
        }
        messages.into_iter().map(|message| message.verify(&self.root).map_err(sender)).collect()
    }
}
