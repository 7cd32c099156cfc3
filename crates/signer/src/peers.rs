//! What a node remembers of the others' audit logs: they only grow, so a node that shows an older one
//! was put back to an earlier state, and may have forgotten a freeze, a denial or an attempt. That a longer
//! log grew from the one before is believed here: an answer carries no proof of it. The other node finds out
//! itself, when it has started and is shown what it signed ([`crate::history`]).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use quorate_audit::{Entry, Event, EventKind};
use quorate_model::{Heads, ParticipantId};
use quorate_protocol::sign::AnsweredHeads;
use quorate_protocol::wire::{Refusal, RefusalCode};
use quorate_trust::Signed;

use crate::node::Node;
use crate::record::Record;
use crate::refusal::refuse;
use crate::start::StartError;
use crate::turn::Turn;

/// The fact of an entry that says how long another signer's log was.
pub(crate) const FACT: &str = "seen_log";

/// The longest audit log that another node has shown in its present life, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerRecord {
    /// What it signed.
    pub shown: Signed<AnsweredHeads>,
}

#[derive(Debug, Default)]
pub(crate) struct Peers(BTreeMap<ParticipantId, Signed<AnsweredHeads>>);

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
        self.0.insert(record.shown.from, record.shown);
    }

    /// The longest audit log that a node has shown, for showing it to that node.
    pub(crate) fn shown_by(&self, node: ParticipantId) -> Option<&Signed<AnsweredHeads>> {
        self.0.get(&node)
    }

    fn seen(&self, node: ParticipantId) -> Option<Heads> {
        self.0.get(&node).map(|shown| shown.body.heads)
    }

    /// Answers of sessions that run at one time come in any order; one that was given so much later
    /// than `apart_ms` allows for does not.
    fn compare(&self, node: ParticipantId, shown: Heads, apart_ms: u64) -> Shown {
        let Some(seen) = self.seen(node).filter(|seen| seen.life == shown.life) else {
            return Shown::Longer;
        };
        let put_back = match shown.audit_length.cmp(&seen.audit_length) {
            Ordering::Greater => return Shown::Longer,
            Ordering::Equal => shown.audit != seen.audit,
            Ordering::Less => shown.clock.since(seen.clock) > apart_ms,
        };
        if put_back { Shown::PutBack } else { Shown::Earlier }
    }

    /// What was seen of a node by an entry of the own audit log: its number, its life, its log's length.
    pub(crate) fn fact(&self, node: ParticipantId) -> Option<String> {
        let Heads { life, audit_length, .. } = self.seen(node)?;
        Some(format!("{node}:{life}:{audit_length}"))
    }

    /// Checks that nothing was forgotten of what the entries of the own log say was seen.
    pub(crate) fn check(&self, entries: &[Entry]) -> Result<(), StartError> {
        for (node, seen) in
            entries.iter().flat_map(|entry| entry.event.values(FACT)).filter_map(read)
        {
            let kept = self.seen(node).map(|kept| (kept.life, kept.audit_length));
            if kept < Some(seen) {
                return Err(StartError::Peer(node));
            }
        }
        Ok(())
    }
}

/// A fact that is none of ours asks nothing.
fn read(fact: &str) -> Option<(ParticipantId, (u64, u64))> {
    let mut parts = fact.split(':');
    let node = parts.next()?.parse().ok()?;
    Some((node, (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?)))
}

impl Node {
    /// Refuses to sign with a node that shows an older audit log than before, and remembers what the
    /// others show. Their signatures were verified.
    pub(crate) fn check_logs(
        &mut self,
        answers: Vec<Signed<AnsweredHeads>>,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        let apart_ms = self.limits.clock_skew_ms + self.limits.session_ms;
        for shown in answers.into_iter().filter(|answer| answer.from != self.me) {
            let (node, heads) = (shown.from, shown.body.heads);
            self.check_life(node, heads.life)?;
            match self.peers.compare(node, heads, apart_ms) {
                Shown::Earlier => {}
                Shown::Longer => {
                    let record = PeerRecord { shown };
                    turn.write(Record::Peer(record.clone()));
                    self.peers.put(record);
                }
                Shown::PutBack => return Err(self.peer_put_back(node, heads, turn)),
            }
        }
        Ok(())
    }

    /// Both must know of the same orders that readmitted the other node.
    fn check_life(&self, node: ParticipantId, shown: u64) -> Result<(), Refusal> {
        let life = self.lives.of(node);
        if shown == life {
            return Ok(());
        }
        let reason = format!(
            "node {node} says that it is in its life {shown}, this node that it is in {life}"
        );
        Err(refuse(RefusalCode::HeadsDiffer, reason))
    }

    fn peer_put_back(&mut self, node: ParticipantId, shown: Heads, turn: &mut Turn) -> Refusal {
        let seen = self.peers.seen(node).map_or(0, |seen| seen.audit_length);
        let Heads { audit_length: length, audit: head, .. } = shown;
        let event = Event::new(EventKind::PeerPutBack)
            .fact("node", node)
            .fact("length", length)
            .fact("head", head)
            .fact("seen", seen);
        self.audit(event, turn);
        let reason = format!(
            "node {node} shows an audit log of {length} entries ({}), and has shown {seen}: it was put \
             back to an earlier state, or its records were changed. Restart it, so that it finds out; \
             compare its `quorate audit export` with an earlier one",
            head.short()
        );
        refuse(RefusalCode::PeerPutBack, reason)
    }
}
