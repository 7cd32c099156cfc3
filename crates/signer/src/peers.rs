//! What a node remembers of the others' audit logs: they only grow, so a node that shows an older one
//! was put back to an earlier state, and may have forgotten a freeze, a denial or an attempt. That a longer
//! log grew from the one before is believed: an answer carries no proof of it.

use std::collections::BTreeMap;

use quorate_audit::{Event, EventKind};
use quorate_model::{Digest, Heads, ParticipantId, Timestamp};
use quorate_protocol::sign::ReserveAnswer;
use quorate_protocol::wire::{Refusal, RefusalCode};
use quorate_trust::Authentic;

use crate::node::Node;
use crate::record::Record;
use crate::refusal::refuse;
use crate::turn::Turn;

/// The longest audit log that another node has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerRecord {
    /// The node.
    pub node: ParticipantId,
    /// Its TLS key in the trust root of then. A node that was lost and joins again gets another one by
    /// an order of the root's quorum, and begins a new log.
    pub tls: Digest,
    /// How many entries its log had.
    pub length: u64,
    /// The root of the tree of all of them.
    pub head: Digest,
    /// What its clock showed.
    pub clock: Timestamp,
}

#[derive(Debug, Default)]
pub(crate) struct Peers(BTreeMap<ParticipantId, PeerRecord>);

/// What another node shows, beside what it has shown.
enum Shown {
    /// A longer log.
    Longer,
    /// The same, or an answer that was given earlier and comes later.
    Earlier,
    /// A shorter one, later; or another one of the same length.
    PutBack,
}

impl Peers {
    pub(crate) fn put(&mut self, record: PeerRecord) {
        self.0.insert(record.node, record);
    }

    /// Answers of sessions that run at one time come in any order; one that was given so much later
    /// than `apart_ms` allows for does not.
    fn compare(&self, shown: &PeerRecord, apart_ms: u64) -> Shown {
        let Some(seen) = self.0.get(&shown.node).filter(|seen| seen.tls == shown.tls) else {
            return Shown::Longer;
        };
        let put_back = match shown.length.cmp(&seen.length) {
            std::cmp::Ordering::Greater => return Shown::Longer,
            std::cmp::Ordering::Equal => shown.head != seen.head,
            std::cmp::Ordering::Less => shown.clock.since(seen.clock) > apart_ms,
        };
        if put_back { Shown::PutBack } else { Shown::Earlier }
    }
}

impl Node {
    /// Refuses to sign with a node that shows an older audit log than before, and remembers what the
    /// others show.
    pub(crate) fn check_logs(
        &mut self,
        answers: &[Authentic<ReserveAnswer>],
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        let apart_ms = self.limits.clock_skew_ms + self.limits.session_ms;
        let others = answers.iter().filter(|answer| answer.from() != self.me);
        for (node, heads) in others.map(|answer| (answer.from(), answer.body().heads)) {
            let Some(tls) = self.root.nodes.get(&node).map(|entry| entry.tls) else { continue };
            let Heads { audit: head, audit_length: length, clock, .. } = heads;
            let shown = PeerRecord { node, tls, length, head, clock };
            match self.peers.compare(&shown, apart_ms) {
                Shown::Earlier => {}
                Shown::Longer => {
                    turn.write(Record::Peer(shown.clone()));
                    self.peers.put(shown);
                }
                Shown::PutBack => return Err(self.put_back(&shown, turn)),
            }
        }
        Ok(())
    }

    fn put_back(&mut self, shown: &PeerRecord, turn: &mut Turn) -> Refusal {
        let PeerRecord { node, length, head, .. } = shown;
        let seen = self.peers.0.get(node).map_or(0, |seen| seen.length);
        let event = Event::new(EventKind::PeerPutBack)
            .fact("node", node)
            .fact("length", length)
            .fact("head", head)
            .fact("seen", seen);
        self.audit(event, turn);
        let reason = format!(
            "node {node} shows an audit log of {length} entries ({}), and has shown {seen}: it was put \
             back to an earlier state, or its records were changed. Compare its `quorate audit export` \
             with an earlier one",
            head.short()
        );
        refuse(RefusalCode::PeerPutBack, reason)
    }
}
