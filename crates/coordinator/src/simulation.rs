//! What would the nodes' gates say? Asked of all, reserved nowhere.

use std::collections::BTreeMap;

use quorate_model::ParticipantId;
use quorate_protocol::wire::{FromNode, ToNode};
use quorate_trust::{SignedRequest, SignedRiskVerdict};

use crate::calls::Purpose;
use crate::client::{ClientCall, ClientError, ClientReply, ErrorCode, NodeDecision};
use crate::coordinator::{Action, Coordinator};
use crate::out::Out;

/// A simulation that waits for nodes.
#[derive(Debug)]
pub(crate) struct Simulation {
    /// Give the error that creating the request would give.
    validate: bool,
    /// How many denials leave no signing set.
    fatal: usize,
    waiting: usize,
    decisions: BTreeMap<ParticipantId, NodeDecision>,
}

impl Coordinator {
    pub(crate) fn simulate(
        &mut self,
        call: ClientCall,
        (request, verdicts): (&SignedRequest, &[SignedRiskVerdict]),
        validate: bool,
        out: &mut Out,
    ) {
        if self.simulations.len() >= self.limits.simulations_max {
            let message = format!("{} simulations are running", self.limits.simulations_max);
            let reply = Err(ClientError::new(ErrorCode::Exhausted, message));
            return out.say(Action::Reply { call, reply });
        }
        let Some(activation) = self.keys.present(&request.request.key) else { return };
        let certified = &activation.record.certificate.certified;
        let roster = certified.roster.clone();
        let fatal = roster.len() - certified.threshold.as_usize() + 1;
        let decisions = BTreeMap::new();
        let simulation = Simulation { validate, fatal, waiting: roster.len(), decisions };
        self.simulations.insert(call, simulation);
        for node in roster.iter() {
            if self.nodes.is_attached(node) {
                let (request, verdicts) = (request.clone(), verdicts.to_vec());
                let question = ToNode::Simulate { request, verdicts };
                self.ask(node, Purpose::Simulate(call), question, self.limits.phase_ms, out);
            } else {
                self.simulate_failed(node, call, format!("node {node} is not attached"), out);
            }
        }
    }

    pub(crate) fn simulate_answered(
        &mut self,
        node: ParticipantId,
        call: ClientCall,
        answer: FromNode,
        out: &mut Out,
    ) {
        match answer {
            FromNode::Simulated(decision) => {
                let decision = NodeDecision { node, decision, answered: true };
                self.simulate_decided(call, decision, out);
            }
            FromNode::Refused(refusal) => self.simulate_failed(node, call, refusal.reason, out),
            FromNode::Announcement(_)
            | FromNode::Round1(_)
            | FromNode::Round2(_)
            | FromNode::Exchanged(_)
            | FromNode::Vote(..)
            | FromNode::Certified
            | FromNode::Reserved(_)
            | FromNode::Denied(_)
            | FromNode::Deferred(_)
            | FromNode::Shares(_)
            | FromNode::Active
            | FromNode::Accepted(_)
            | FromNode::Orders(_)
            | FromNode::Order(_)
            | FromNode::Testimony(_)
            | FromNode::Status(_) => {
                let reason = format!("node {node} answered something else than it was asked");
                self.simulate_failed(node, call, reason, out);
            }
        }
    }

    pub(crate) fn simulate_failed(
        &mut self,
        node: ParticipantId,
        call: ClientCall,
        reason: String,
        out: &mut Out,
    ) {
        let decision = NodeDecision { node, decision: Err(reason), answered: false };
        self.simulate_decided(call, decision, out);
    }

    fn simulate_decided(&mut self, call: ClientCall, decision: NodeDecision, out: &mut Out) {
        let Some(simulation) = self.simulations.get_mut(&call) else { return };
        simulation.decisions.insert(decision.node, decision);
        simulation.waiting -= 1;
        if simulation.waiting == 0
            && let Some(done) = self.simulations.remove(&call)
        {
            out.say(Action::Reply { call, reply: done.reply() });
        }
    }
}

impl Simulation {
    fn reply(self) -> Result<ClientReply, ClientError> {
        let decisions: Vec<_> = self.decisions.into_values().collect();
        let denials = decisions.iter().filter(|d| d.answered && d.decision.is_err());
        let reasons: Vec<_> = denials
            .filter_map(|d| Some(format!("node {}: {}", d.node, d.decision.as_ref().err()?)))
            .collect();
        if self.validate && reasons.len() >= self.fatal {
            return Err(ClientError::new(ErrorCode::Denied, reasons.join("; ")));
        }
        Ok(ClientReply::Simulated(decisions))
    }
}
