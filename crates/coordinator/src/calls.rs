//! Questions that wait for an answer.

use std::collections::{BTreeMap, BTreeSet};

use quorate_model::{Attempt, Digest, OrderId, ParticipantId, SharingId, Timestamp};
use quorate_protocol::wire::{CallId, CeremonyKey};

use crate::client::ClientCall;

/// Which of its answers a signing session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Reserve,
    /// A round of ECDSA, counted from 1.
    Round(u8),
    Share,
}

/// What an answer is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    Signing {
        subject: Digest,
        attempt: Attempt,
        phase: Phase,
    },
    Ceremony(CeremonyKey),
    Activation(SharingId),
    Simulate(ClientCall),
    Order(OrderId),
    Orders,
    FetchOrder(Digest),
    Reject,
    /// For the node that doubts its own.
    Testify(ParticipantId),
    HearTestimony,
    Status,
}

/// Open questions, by node and call, each with a deadline.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    last: u64,
    open: BTreeMap<(ParticipantId, CallId), (Purpose, Timestamp)>,
    deadlines: BTreeSet<(Timestamp, ParticipantId, CallId)>,
}

impl Calls {
    pub(crate) fn open(
        &mut self,
        node: ParticipantId,
        purpose: Purpose,
        deadline: Timestamp,
    ) -> CallId {
        self.last += 1;
        let call = CallId(self.last);
        self.open.insert((node, call), (purpose, deadline));
        self.deadlines.insert((deadline, node, call));
        call
    }

    /// Takes out the question that is being answered.
    pub(crate) fn take(&mut self, node: ParticipantId, call: CallId) -> Option<Purpose> {
        let (purpose, deadline) = self.open.remove(&(node, call))?;
        self.deadlines.remove(&(deadline, node, call));
        Some(purpose)
    }

    /// Takes out every question to a node that is gone.
    pub(crate) fn take_all(&mut self, node: ParticipantId) -> Vec<Purpose> {
        let first = (node, CallId(0));
        let last = (node, CallId(u64::MAX));
        let calls: Vec<_> = self.open.range(first..=last).map(|((_, call), _)| *call).collect();
        calls.into_iter().filter_map(|call| self.take(node, call)).collect()
    }

    /// Takes out every question whose time ran out.
    pub(crate) fn take_overdue(&mut self, now: Timestamp) -> Vec<(ParticipantId, Purpose)> {
        let mut overdue = Vec::new();
        while let Some((deadline, node, call)) = self.deadlines.first().copied() {
            if deadline > now {
                break;
            }
            match self.take(node, call) {
                Some(purpose) => overdue.push((node, purpose)),
                None => {
                    self.deadlines.pop_first();
                }
            }
        }
        overdue
    }

    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(deadline, ..)| *deadline)
    }

    /// How many questions a node has not answered yet.
    pub(crate) fn load(&self, node: ParticipantId) -> usize {
        self.open.range((node, CallId(0))..=(node, CallId(u64::MAX))).count()
    }
}
