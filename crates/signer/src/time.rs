//! What depends on time, and what a node does while it doubts its clock.

use quorate_audit::{Event, EventKind};
use quorate_model::{Digest, ParticipantId, Timestamp};
use quorate_protocol::wire::{FromNode, Refusal, RefusalCode, Testimony};
use quorate_trust::Signed;
use rand_core::CryptoRngCore;

use crate::clock::Doubt;
use crate::node::Node;
use crate::record::Record;
use crate::refusal::{refuse, sender};
use crate::turn::Turn;

impl Node {
    /// Refuses where this node may not rest on its clock: where it shows an earlier time than the
    /// node itself has written, or where it is in doubt.
    ///
    /// It is asked before anything that time alone brings about (a lift or a change that comes into
    /// force, a window that opens, a request that has expired), and before a time is written down
    /// that later counts. What stops something does not ask: it holds whatever the clock shows.
    pub(crate) fn check_clock(&self, now: Timestamp) -> Result<(), Refusal> {
        let mark = self.log.time();
        let behind = mark.since(now);
        if behind > self.limits.clock_skew_ms {
            let reason = format!(
                "this node's clock is {behind} ms behind its own records: set it right; where it is \
                 right, the records were written by a clock that was ahead, and the node works again \
                 at {mark}"
            );
            return Err(refuse(RefusalCode::Time, reason));
        }
        match self.clock.doubt() {
            None => Ok(()),
            Some(doubt) => Err(refuse(RefusalCode::Time, self.describe(doubt))),
        }
    }

    /// Refuses where this node may not sign or take part in anything: by its clock, or by its audit log.
    pub(crate) fn check_fit(&self, now: Timestamp) -> Result<(), Refusal> {
        self.check_clock(now)?;
        self.check_log()
    }

    /// The earliest that it can be: what the clock shows, or, where that is in doubt, the latest
    /// time that the node was sure of.
    pub(crate) fn earliest(&self, now: Timestamp) -> Timestamp {
        if self.clock.doubt().is_none() { now } else { self.log.time().min(now) }
    }

    fn describe(&self, doubt: Doubt) -> String {
        let why = match doubt {
            Doubt::Unconfirmed => "is not confirmed since its machine started".to_owned(),
            Doubt::Jumped(by) => format!("was set {}", ahead(by)),
        };
        let (mut agree, mut differ) = (0, String::new());
        for (node, by) in self.clock.differences() {
            match by {
                0 => agree += 1,
                _ => differ = format!("{differ}; node {node}'s clock is {}", ahead(by)),
            }
        }
        format!(
            "this node's clock {why}: {agree} of {} other nodes that are needed agree with it\
             {differ}. Set it right if it is wrong, and have the others attached to the coordinator; \
             where they are lost, see start_peers in the node's [limits]",
            self.start_peers()
        )
    }

    /// How many others must agree with this node's clock and with its audit log: so many that one of them is
    /// honest, since fewer than the threshold are not; where there are no more, all.
    pub(crate) fn start_peers(&self) -> usize {
        let others = self.root.nodes.len().saturating_sub(1);
        let enough = self.root.threshold_floor.as_usize();
        self.limits.start_peers.unwrap_or(enough).min(others)
    }

    /// Acts on a clock that was just found to have been set: whatever was begun by it ends.
    pub(crate) fn clock_jumped(&mut self, by: i128, turn: &mut Turn) {
        self.sessions.end_all();
        self.ceremonies.end_all();
        self.audit(Event::new(EventKind::ClockDoubted).fact("ahead_ms", by), turn);
    }

    /// Signs what this node's clock shows, and what it has seen of another that has just started. It says so
    /// also while it is in doubt itself: all nodes of a cluster may have to start at once.
    pub(crate) fn testify(
        &self,
        asker: ParticipantId,
        challenge: Digest,
        now: Timestamp,
    ) -> FromNode {
        let seen = self.peers.shown_by(asker).cloned();
        let (holds, heads) = (self.holds(), self.heads(now));
        FromNode::Testimony(self.sign(Testimony { asker, challenge, holds, seen, heads }))
    }

    /// Hears what another node says; with enough that agree, the doubt ends.
    pub(crate) fn hear_testimony(
        &mut self,
        testimony: Signed<Testimony>,
        turn: &mut Turn,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<FromNode, Refusal> {
        let testimony = testimony.verify(&self.root).map_err(sender)?;
        if testimony.from() == self.me {
            return Err(refuse(
                RefusalCode::Invalid,
                "a node does not confirm its own clock and log",
            ));
        }
        if testimony.body().asker != self.me {
            return Err(refuse(RefusalCode::Invalid, "that was testified to another node"));
        }
        if self.clock.doubt().is_none() && !self.history.compares() {
            return Ok(FromNode::Status(self.status(turn.now, rng)));
        }
        if !self.clock.hear(&testimony) {
            let reason = "that answers no question of this node's, or comes too late for one";
            return Err(refuse(RefusalCode::Time, reason));
        }
        if self.clock.doubt().is_some() {
            let agree = self.clock.differences().filter(|(_, by)| *by == 0);
            let agree: Vec<_> = agree.map(|(node, _)| node.to_string()).collect();
            if agree.len() >= self.start_peers() {
                self.clock_confirmed(&agree.join(","), turn);
            }
        }
        if self.history.compares() {
            let (from, testimony) = testimony.into_parts();
            self.compare_logs(from, testimony, turn)?;
        }
        Ok(FromNode::Status(self.status(turn.now, rng)))
    }

    /// Whether this node has others testify.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.clock.doubt().is_some() || self.history.is_in_doubt()
    }

    /// Believes the clock from now on.
    pub(crate) fn clock_confirmed(&mut self, by: &str, turn: &mut Turn) {
        if let Some(record) = self.clock.confirm() {
            turn.write(Record::Clock(record));
        }
        self.audit(Event::new(EventKind::ClockConfirmed).fact("by", by), turn);
    }
}

fn ahead(by: i128) -> String {
    let millis = by.unsigned_abs();
    if by < 0 { format!("{millis} ms back") } else { format!("{millis} ms ahead") }
}
