//! What must hold, seen by somebody who sees everything.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use quorate_model::{Attempt, Digest, KeyId, ParticipantId, Timestamp};
use quorate_protocol::sign::ReserveAnswer;
use quorate_protocol::wire::FromNode;
use quorate_signer::Record;

use crate::cluster::ClusterFixture;
use crate::disk::Disk;

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// Shares left a node for something that the policy does not permit.
    NotPermitted {
        /// The node.
        node: ParticipantId,
        /// What it signed.
        subject: Digest,
    },
    /// Shares left a node that held a freeze.
    Frozen {
        /// The node.
        node: ParticipantId,
    },
    /// A nonce gave two shares, or was committed to twice.
    NonceReused {
        /// The node.
        node: ParticipantId,
    },
    /// A node answered one attempt twice, differently.
    AttemptReused {
        /// The node.
        node: ParticipantId,
    },
    /// Two votes for one key and attempt differ.
    VotesDiffer {
        /// The key.
        key: KeyId,
    },
    /// One node voted twice for one key, differently, and was not released from the first vote.
    VotedTwice {
        /// The node.
        node: ParticipantId,
    },
    /// An answer left a node before its records were durable.
    NotDurable {
        /// The node.
        node: ParticipantId,
        /// Which answer.
        what: &'static str,
    },
    /// A node reserved or released by a clock that was set wrong.
    WrongClock {
        /// The node.
        node: ParticipantId,
        /// What it answered.
        what: &'static str,
    },
    /// A node whose disk was put back took part in something, and others could have shown it that.
    PutBack {
        /// The node.
        node: ParticipantId,
    },
    /// A signature that does not verify was given to a client.
    BadSignature,
    /// A request ended as it should not.
    WrongEnd(String),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Remembers everything that left every node.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    /// Digests of requests that the policy permits, and of confirmation statements.
    pub(crate) permitted: BTreeSet<Digest>,
    confirmations: BTreeSet<Digest>,
    commitments: BTreeMap<(ParticipantId, Vec<u8>), Digest>,
    reserved: BTreeMap<(ParticipantId, Digest), ReserveAnswer>,
    shares: BTreeMap<(ParticipantId, Digest), Digest>,
    votes: BTreeMap<(Digest, Attempt), Digest>,
    contexts: BTreeMap<(ParticipantId, Digest, Attempt), Digest>,
    /// The order that froze the key, and the order that lifted it, once they were given.
    pub(crate) freeze: Option<Digest>,
    pub(crate) lift: Option<Digest>,
    /// Requests that only the second policy bundle lets people approve, and the order that brings it.
    pub(crate) permitted_later: BTreeSet<Digest>,
    pub(crate) loosening: Option<Digest>,
    /// When a node took an order first, as it left the node to say so.
    taken: BTreeMap<(ParticipantId, Digest), Timestamp>,
}

/// An answer leaves a node later than it was given, by a sync of the disk at most.
const SYNC_SLACK_MS: u64 = 1_000;

/// What the world knows about the question that an answer belongs to.
pub(crate) struct Asked {
    pub(crate) subject: Option<Digest>,
    pub(crate) attempt: Option<Attempt>,
    pub(crate) is_confirmation: bool,
}

impl Oracle {
    /// Looks at an answer in the moment it leaves a node.
    pub(crate) fn watch(
        &mut self,
        node: ParticipantId,
        asked: &Asked,
        answer: &FromNode,
        (disk, now): (&Disk, Timestamp),
    ) -> Result<(), Violation> {
        match answer {
            FromNode::Reserved(answer) => self.reserved(node, asked, &answer.body, disk),
            FromNode::Shares(answer) => {
                if self.is_frozen(node, (disk, now)) {
                    return Err(Violation::Frozen { node });
                }
                let body = &answer.body;
                self.released(node, asked, (&body.context, &body.package), (disk, now))
            }
            FromNode::Vote(certified, _) => {
                let digest = certified.digest();
                let place = (certified.order, certified.attempt);
                if *self.votes.entry(place).or_insert(digest) != digest {
                    return Err(Violation::VotesDiffer { key: certified.key.clone() });
                }
                let durable = disk.records::<Record>().iter().any(
                    |record| matches!(record, Record::Share(share) if share.certified == *certified),
                );
                durable.then_some(()).ok_or(Violation::NotDurable { node, what: "vote" })
            }
            FromNode::Accepted(word) => {
                let order = word.body.order;
                self.taken.entry((node, order)).or_insert(now);
                let durable = disk.records::<Record>().iter().any(
                    |record| matches!(record, Record::Order(held) if held.order.digest() == order),
                );
                durable.then_some(()).ok_or(Violation::NotDurable { node, what: "order" })
            }
            FromNode::Announcement(_)
            | FromNode::Round1(_)
            | FromNode::Round2(_)
            | FromNode::Exchanged(_)
            | FromNode::Certified
            | FromNode::Denied(_)
            | FromNode::Deferred(_)
            | FromNode::Active
            | FromNode::Simulated(_)
            | FromNode::Orders(_)
            | FromNode::Order(_)
            | FromNode::Testimony(_)
            | FromNode::Status(_)
            | FromNode::Refused(_) => Ok(()),
        }
    }

    /// Whether a node said that it holds the freeze, and either does not hold the lift, or nobody has
    /// held it for the root's delay: a node that was away may take the lift as others took it. It may hold
    /// the lift and have crashed before it said so.
    fn is_frozen(&self, node: ParticipantId, (disk, now): (&Disk, Timestamp)) -> bool {
        let taken = |order: Option<Digest>| self.taken.get(&(node, order?)).copied();
        let on_disk = |record: &Record| matches!(record, Record::Order(held) if Some(held.order.digest()) == self.lift);
        let holds_lift = taken(self.lift).is_some() || disk.records::<Record>().iter().any(on_disk);
        let lifted = holds_lift && self.may_hold(self.lift, ClusterFixture::UNFREEZE_DELAY_S, now);
        taken(self.freeze).is_some() && !lifted
    }

    /// Whether some node took an order so long ago that its delay is over.
    fn may_hold(&self, order: Option<Digest>, delay_s: u64, now: Timestamp) -> bool {
        let takes = self.taken.iter().filter(|((_, taken), _)| Some(*taken) == order);
        let first = takes.map(|(_, time)| *time).min();
        first.is_some_and(|first| now.since(first) + SYNC_SLACK_MS >= 1_000 * delay_s)
    }

    fn reserved(
        &mut self,
        node: ParticipantId,
        asked: &Asked,
        answer: &ReserveAnswer,
        disk: &Disk,
    ) -> Result<(), Violation> {
        for [hiding, binding] in &answer.commitments {
            for commitment in [hiding, binding] {
                let place = (node, commitment.clone());
                let earlier = self.commitments.insert(place, answer.context);
                if earlier.is_some() {
                    return Err(Violation::NonceReused { node });
                }
            }
        }
        self.reserved.insert((node, answer.context), answer.clone());
        let (Some(subject), Some(attempt)) = (asked.subject, asked.attempt) else { return Ok(()) };
        if asked.is_confirmation {
            self.confirmations.insert(subject);
        }
        if self.contexts.insert((node, subject, attempt), answer.context).is_some() {
            return Err(Violation::AttemptReused { node });
        }
        durable(disk, subject, |record| record.attempt >= attempt)
            .then_some(())
            .ok_or(Violation::NotDurable { node, what: "reservation" })
    }

    fn released(
        &mut self,
        node: ParticipantId,
        asked: &Asked,
        (context, package): (&Digest, &Digest),
        (disk, now): (&Disk, Timestamp),
    ) -> Result<(), Violation> {
        if self.shares.insert((node, *context), *package).is_some() {
            return Err(Violation::NonceReused { node });
        }
        let (Some(subject), Some(attempt)) = (asked.subject, asked.attempt) else { return Ok(()) };
        if self.confirmations.contains(&subject) {
            return Ok(());
        }
        let later = self.permitted_later.contains(&subject)
            && self.may_hold(self.loosening, ClusterFixture::CHANGE_DELAY_S, now);
        if !later && !self.permitted.contains(&subject) {
            return Err(Violation::NotPermitted { node, subject });
        }
        durable(disk, subject, |record| record.released >= Some(attempt))
            .then_some(())
            .ok_or(Violation::NotDurable { node, what: "share" })
    }
}

/// Whether the disk holds the record that an answer about `subject` rests on.
fn durable(
    disk: &Disk,
    subject: Digest,
    enough: impl Fn(&quorate_signer::RequestRecord) -> bool,
) -> bool {
    disk.records::<Record>().iter().any(|record| match record {
        Record::Request(record) => record.digest == subject && enough(record),
        Record::ConfirmationAttempt(record) => record.statement == subject,
        Record::Ceremony(_)
        | Record::Share(_)
        | Record::DropSharing { .. }
        | Record::PairFreeze(_)
        | Record::Certificate(_)
        | Record::Active(_)
        | Record::ForgetRequest(_)
        | Record::Watermark(_)
        | Record::Clock(_)
        | Record::Order(_)
        | Record::Peer(_)
        | Record::Audit(_) => false,
    })
}
