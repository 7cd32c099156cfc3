//! Carries clock readings to nodes that doubt their own: they decide what to make of them.

use quorate_model::{Digest, ParticipantId};
use quorate_protocol::wire::{FromNode, ToNode};

use crate::calls::Purpose;
use crate::coordinator::Coordinator;
use crate::out::Out;

impl Coordinator {
    /// Asks every other node what its clock shows.
    pub(crate) fn ask_clocks(&mut self, asker: ParticipantId, challenge: Digest, out: &mut Out) {
        let question = ToNode::ReadClock { challenge };
        for node in self.nodes.attached().into_iter().filter(|node| *node != asker) {
            let purpose = Purpose::ReadClock(asker);
            self.ask(node, purpose, question.clone(), self.limits.phase_ms, out);
        }
    }

    /// Brings a node's reading to whoever asked for it.
    pub(crate) fn clock_read(&mut self, asker: ParticipantId, answer: FromNode, out: &mut Out) {
        if let FromNode::ClockReading(reading) = answer
            && self.nodes.is_attached(asker)
        {
            let question = ToNode::HearClock(reading);
            self.ask(asker, Purpose::HearClock, question, self.limits.phase_ms, out);
        }
    }

    /// Another node is here: for those who doubt their clocks it may be the one they need.
    pub(crate) fn ask_the_doubtful(&mut self, arrived: ParticipantId, out: &mut Out) {
        let doubts = |id: &ParticipantId| {
            *id != arrived && self.nodes.0.get(id).is_some_and(|node| node.doubts_its_clock())
        };
        for node in self.nodes.attached().into_iter().filter(doubts).collect::<Vec<_>>() {
            self.ask(node, Purpose::Status, ToNode::Status, self.limits.phase_ms, out);
        }
    }
}
