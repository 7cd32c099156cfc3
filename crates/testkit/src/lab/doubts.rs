//! Clocks of a lab's nodes, right and wrong, and what nodes ask each other after a start.

use quorate_model::{Digest, Moment, ParticipantId, Timestamp};
use quorate_policy::Bundle;
use quorate_protocol::wire::{FromNode, Testimony, ToNode};
use quorate_signer::StartError;
use quorate_trust::Signed;

use super::Lab;

impl Lab {
    /// Brings a node that is in doubt what the others testify.
    ///
    /// # Panics
    /// If a node does not answer.
    pub fn confirm_start(&mut self, node: ParticipantId) {
        let Some(challenge) = self.challenge(node) else { return };
        for other in self.ids().into_iter().filter(|other| *other != node) {
            let testimony = self.testify(other, node, challenge);
            self.ask(node, ToNode::HearTestimony(testimony));
        }
    }

    /// What a node that is in doubt has others sign.
    ///
    /// # Panics
    /// If it does not answer.
    pub fn challenge(&mut self, node: ParticipantId) -> Option<Digest> {
        let FromNode::Status(status) = self.ask(node, ToNode::Status) else { panic!("no status") };
        status.challenge
    }

    /// What a node testifies to another.
    ///
    /// # Panics
    /// If it does not answer.
    pub fn testify(
        &mut self,
        node: ParticipantId,
        asker: ParticipantId,
        challenge: Digest,
    ) -> Signed<Testimony> {
        match self.ask(node, ToNode::Testify { asker, challenge }) {
            FromNode::Testimony(testimony) => testimony,
            other => panic!("{other:?}"),
        }
    }

    /// Restarts the machine of a node, and the node with it.
    ///
    /// # Errors
    /// Why the node does not start.
    pub fn reboot(&mut self, node: ParticipantId, bundle: Bundle) -> Result<(), StartError> {
        *self.boots.entry(node).or_default() += 1;
        self.restart_alone(node, bundle, |_| {})
    }

    /// What a node's clocks show.
    pub(super) fn moment(&self, node: ParticipantId) -> Moment {
        let wrong_ms = self.wrong_ms.get(&node).copied().unwrap_or_default();
        let time = self.now.millis().saturating_add_signed(wrong_ms);
        Moment { time: Timestamp::from_millis(time), uptime_ms: self.now.millis() }
    }
}
