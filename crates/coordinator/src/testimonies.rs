//! Carries to nodes that have just started what the others know of the time and of them: they decide what to
//! make of it.

use quorate_model::{Digest, ParticipantId};
use quorate_protocol::wire::{FromNode, ToNode};

use crate::calls::Purpose;
use crate::coordinator::Coordinator;
use crate::out::Out;

impl Coordinator {
    /// Asks every other node what its clock shows, and what it has seen of the one that asks.
    pub(crate) fn ask_to_testify(
        &mut self,
        asker: ParticipantId,
        challenge: Digest,
        out: &mut Out,
    ) {
        let question = ToNode::Testify { asker, challenge };
        for node in self.nodes.attached().into_iter().filter(|node| *node != asker) {
            let purpose = Purpose::Testify(asker);
            self.ask(node, purpose, question.clone(), self.limits.phase_ms, out);
        }
    }

    /// Brings a node's testimony to whoever asked for it.
    pub(crate) fn testified(&mut self, asker: ParticipantId, answer: FromNode, out: &mut Out) {
        if let FromNode::Testimony(testimony) = answer
            && self.nodes.is_attached(asker)
        {
            let question = ToNode::HearTestimony(testimony);
            self.ask(asker, Purpose::HearTestimony, question, self.limits.phase_ms, out);
        }
    }

    /// Another node is here: for those in doubt it may be the one they need.
    pub(crate) fn ask_the_doubtful(&mut self, arrived: ParticipantId, out: &mut Out) {
        let doubts = |id: &ParticipantId| {
            *id != arrived && self.nodes.0.get(id).is_some_and(|node| node.doubts_itself())
        };
        for node in self.nodes.attached().into_iter().filter(doubts).collect::<Vec<_>>() {
            self.ask(node, Purpose::Status, ToNode::Status, self.limits.phase_ms, out);
        }
    }
}
