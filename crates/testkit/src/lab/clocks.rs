//! Clocks of a lab's nodes, right and wrong.

use quorate_model::{Digest, Moment, ParticipantId, Timestamp};
use quorate_policy::Bundle;
use quorate_protocol::wire::{ClockReading, FromNode, ToNode};
use quorate_signer::StartError;
use quorate_trust::Signed;

use super::Lab;

impl Lab {
    /// Brings a node that doubts its clock what the clocks of the others show.
    ///
    /// # Panics
    /// If a node does not answer.
    pub fn confirm_clock(&mut self, node: ParticipantId) {
        let Some(challenge) = self.clock_challenge(node) else { return };
        for other in self.ids().into_iter().filter(|other| *other != node) {
            let reading = self.read_clock(other, challenge);
            self.ask(node, ToNode::HearClock(reading));
        }
    }

    /// What a node that doubts its clock has others sign.
    ///
    /// # Panics
    /// If it does not answer.
    pub fn clock_challenge(&mut self, node: ParticipantId) -> Option<Digest> {
        let FromNode::Status(status) = self.ask(node, ToNode::Status) else { panic!("no status") };
        status.clock_challenge
    }

    /// What a node says that its clock shows.
    ///
    /// # Panics
    /// If it does not answer.
    pub fn read_clock(&mut self, node: ParticipantId, challenge: Digest) -> Signed<ClockReading> {
        match self.ask(node, ToNode::ReadClock { challenge }) {
            FromNode::ClockReading(reading) => reading,
            other => panic!("{other:?}"),
        }
    }

    /// Restarts the machine of a node, and the node with it.
    ///
    /// # Errors
    /// Why the node does not start.
    pub fn reboot(&mut self, node: ParticipantId, bundle: Bundle) -> Result<(), StartError> {
        *self.boots.entry(node).or_default() += 1;
        self.restart_with(node, bundle, |_| {})
    }

    /// What a node's clocks show.
    pub(super) fn moment(&self, node: ParticipantId) -> Moment {
        let wrong_ms = self.wrong_ms.get(&node).copied().unwrap_or_default();
        let time = self.now.millis().saturating_add_signed(wrong_ms);
        Moment { time: Timestamp::from_millis(time), uptime_ms: self.now.millis() }
    }
}
