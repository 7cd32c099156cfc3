//! Whether this node still has all that it ever wrote.
//!
//! A disk that was put back to an earlier state shows nothing of that: its records fit together. So after each
//! start a node has others show what it signed to them before, and compares that with its audit log. It signs
//! nothing until enough of them, one at least honest, had nothing to show that is not in it. What they show
//! carries the node's own signature, so that nobody can make a node doubt itself.

use std::collections::BTreeSet;

use quorate_audit::{Entry, Event, EventKind, Log};
use quorate_model::{Digest, Heads, ParticipantId, Timestamp};
use quorate_protocol::wire::{Refusal, RefusalCode, Testimony};
use quorate_trust::Authentic;

use crate::node::Node;
use crate::refusal::{refuse, sender};
use crate::turn::Turn;

/// How long after the doubt has ended others may come with something to show.
const KEPT_MS: u64 = 300_000;

/// What is known of the own audit log.
#[derive(Debug)]
pub(crate) struct History {
    doubt: Option<Doubt>,
    /// The head that the log had before each of its entries: until some time after there was doubt, since what
    /// others have to show may come late.
    heads: Vec<Digest>,
    /// How many entries were there when the node started.
    loaded: u64,
    /// Until when the heads are kept, once there is no doubt.
    kept_until: Option<Timestamp>,
    /// Who had nothing to show that is not in the log.
    agreed: BTreeSet<ParticipantId>,
}

/// Why a node does not rest on its audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// Too few others were heard since the node started.
    Unconfirmed,
    /// The node signed that its log had so many entries, in this life or a later one, and they are not in it.
    PutBack { shown_by: ParticipantId, life: u64, length: u64 },
}

impl History {
    /// The history of a log that was just read.
    pub(crate) fn of(entries: &[Entry]) -> Self {
        Self {
            doubt: Some(Doubt::Unconfirmed),
            heads: entries.iter().map(|entry| entry.previous).collect(),
            loaded: entries.len() as u64,
            kept_until: None,
            agreed: BTreeSet::new(),
        }
    }

    pub(crate) fn is_in_doubt(&self) -> bool {
        self.doubt.is_some()
    }

    /// Takes note of an entry that was appended.
    pub(crate) fn follow(&mut self, entry: &Entry) {
        if self.compares() {
            self.heads.push(entry.previous);
        }
    }

    /// Whether what others show is compared: while there is doubt, and some time after.
    pub(crate) fn compares(&self) -> bool {
        self.is_in_doubt() || self.kept_until.is_some()
    }

    /// Lets go of what is not needed any more.
    pub(crate) fn forget(&mut self, now: Timestamp) {
        if self.kept_until.is_some_and(|until| until <= now) && !self.is_in_doubt() {
            self.kept_until = None;
            self.heads = Vec::new();
        }
    }

    /// Whether the log ever had so many entries and this head.
    fn had(&self, length: u64, head: &Digest, log: &Log) -> bool {
        if length == log.length() {
            return *head == log.head();
        }
        let had = usize::try_from(length).ok().and_then(|length| self.heads.get(length));
        had == Some(head)
    }

    fn confirm(&mut self, now: Timestamp) {
        self.doubt = None;
        self.agreed.clear();
        self.kept_until = Some(now.plus_millis(KEPT_MS));
    }

    /// An order says that another life begins: whatever was signed in earlier ones is forgiven.
    fn begin_anew(&mut self) {
        self.doubt = Some(Doubt::Unconfirmed);
        self.agreed.clear();
    }
}

impl Node {
    /// Refuses where this node was put back to an earlier state, or does not know yet that it was not.
    pub(crate) fn check_log(&self) -> Result<(), Refusal> {
        let reason = match self.history.doubt {
            None => return Ok(()),
            Some(Doubt::Unconfirmed) => format!(
                "this node has just started: {} of {} other nodes that are needed have nothing to show \
                 that is missing in its audit log (or, where it was readmitted, among its orders). Have \
                 the others attached to the coordinator; where they are lost, see start_peers in the \
                 node's [limits]",
                self.history.agreed.len(),
                self.start_peers()
            ),
            Some(Doubt::PutBack { shown_by, life, length }) => format!(
                "this node was put back to an earlier state: node {shown_by} shows that its audit log had \
                 {length} entries in its life {life}, which it has not. It signs again when an order \
                 readmits it (quorate order propose readmit {})",
                self.me
            ),
        };
        Err(refuse(RefusalCode::LogInDoubt, reason))
    }

    /// Compares what another node shows of this one with the audit log. A node that was readmitted has forgotten
    /// orders as well: another agrees with it once it has caught up with that one.
    pub(crate) fn compare_logs(
        &mut self,
        shown_by: ParticipantId,
        testimony: Testimony,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        let caught_up = self.lives.of(self.me) == 1 || self.holds_as(&testimony);
        let shown =
            testimony.seen.map(|shown| shown.verify(&self.root)).transpose().map_err(sender)?;
        if shown.as_ref().is_some_and(|shown| shown.from() != self.me) {
            return Err(refuse(RefusalCode::Invalid, "that is not this node's word"));
        }
        if let Some(missing) = shown.map(Authentic::into_parts).map(|(_, shown)| shown.heads)
            && !self.has(&missing)
        {
            self.put_back(shown_by, missing, turn);
        } else if caught_up && self.history.doubt == Some(Doubt::Unconfirmed) {
            self.history.agreed.insert(shown_by);
            if self.history.agreed.len() >= self.start_peers() {
                let by: Vec<_> = self.history.agreed.iter().map(ToString::to_string).collect();
                self.log_confirmed(&by.join(","), turn);
            }
        }
        Ok(())
    }

    /// Whether the same is in force here as at whoever testifies.
    fn holds_as(&self, testimony: &Testimony) -> bool {
        let Heads { root, bundle, .. } = testimony.heads;
        let here = (self.root_hash, self.gate.bundle_hash(), self.holds());
        here == (root, bundle, testimony.holds)
    }

    /// Whether the log has what this node once said that it had; what it said in an earlier life does not count.
    fn has(&self, said: &Heads) -> bool {
        let life = self.lives.of(self.me);
        let had = || self.history.had(said.audit_length, &said.audit, &self.log);
        said.life < life || said.life == life && had()
    }

    fn put_back(&mut self, shown_by: ParticipantId, missing: Heads, turn: &mut Turn) {
        let Heads { life, audit_length: length, audit: head, .. } = missing;
        let found = !matches!(self.history.doubt, Some(Doubt::PutBack { .. }));
        self.history.doubt = Some(Doubt::PutBack { shown_by, life, length });
        self.sessions.end_all();
        self.ceremonies.end_all();
        if found {
            let event = Event::new(EventKind::LogPutBack)
                .fact("shown_by", shown_by)
                .fact("life", life)
                .fact("length", length)
                .fact("head", head);
            self.audit(event, turn);
        }
    }

    /// Rests on the log from now on.
    pub(crate) fn log_confirmed(&mut self, by: &str, turn: &mut Turn) {
        self.history.confirm(turn.now);
        self.audit(Event::new(EventKind::LogConfirmed).fact("by", by), turn);
    }

    /// Begins another life of this node, on the log that the order names.
    pub(crate) fn begin_life(&mut self, length: u64, head: &Digest) -> Result<(), Refusal> {
        if !self.history.compares() {
            let reason =
                "this node found its audit log whole: restart it, so that it compares again";
            return Err(refuse(RefusalCode::Busy, reason));
        }
        // One from before it started would fit every state that its disk could be put back to.
        if length < self.history.loaded || !self.history.had(length, head, &self.log) {
            let reason = format!(
                "the order readmits this node on an audit log of {length} entries ({}), which is not the \
                 one that it has since it started: propose another",
                head.short()
            );
            return Err(refuse(RefusalCode::Invalid, reason));
        }
        self.history.begin_anew();
        self.sessions.end_all();
        Ok(())
    }
}
