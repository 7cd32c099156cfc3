//! A node whose disk is put back to an earlier state, and the officers who readmit it.

use quorate_coordinator::{ClientRequest, ClusterView};
use quorate_model::{Heads, ParticipantId};
use quorate_protocol::wire::FromNode;
use quorate_signer::Record;
use quorate_trust::{OrderAction, Readmission, SignedOrder};

use super::World;
use super::queue::Event;
use crate::disk::Disk;
use crate::oracle::Violation;
use crate::rng::below;

/// How soon it is looked again whether the disk is worth a copy.
const AGAIN_MS: u64 = 50;
/// How long after the copy it is put back.
const LATER_MS: u64 = 1_500;

/// How far it is.
#[derive(Default)]
pub(super) struct PutBack {
    node: Option<ParticipantId>,
    copy: Option<Disk>,
    /// Whether others have something to show that it forgot, once it was put back.
    pub(super) forgot: Option<bool>,
    order: Option<SignedOrder>,
    /// Whether it took the order.
    pub(super) readmitted: bool,
}

impl PutBack {
    /// Whether nothing more happens.
    pub(super) fn is_over(&self) -> bool {
        self.node.is_none() || self.readmitted || self.forgot == Some(false)
    }
}

impl World {
    pub(super) fn schedule_put_back(&mut self, node: ParticipantId) {
        self.put_back.node = Some(node);
        self.queue.push(self.now.plus_millis(AGAIN_MS), Event::CopyDisk(node));
    }

    /// Copies the disk once the key is active there.
    pub(super) fn copy_disk(&mut self, node: ParticipantId) {
        let Some(state) = self.nodes.get(&node) else { return };
        let records: Vec<Record> = state.process.disk.records();
        if !records.iter().any(|record| matches!(record, Record::Active(_))) {
            return self.queue.push(self.now.plus_millis(AGAIN_MS), Event::CopyDisk(node));
        }
        self.put_back.copy = Some(state.process.disk.copy());
        let later = 400 + below(&mut self.rng, LATER_MS);
        self.queue.push(self.now.plus_millis(later), Event::PutBack(node));
    }

    /// The machine goes down, and comes up with the copy.
    pub(super) fn put_back(&mut self, node: ParticipantId) {
        let Some(copy) = self.put_back.copy.take() else { return };
        self.crash_node(node);
        self.note(format!("the disk of node {node} is put back"));
        let Some(state) = self.nodes.get_mut(&node) else { return };
        state.process.disk = copy;
        let entries = |record: &Record| matches!(record, Record::Audit(_));
        let length = state.process.disk.records().iter().filter(|record| entries(record)).count();
        let shown = |heads: Heads| heads.audit_length > length as u64;
        let others = self.nodes.iter().filter(|(id, _)| **id != node);
        let records = others.flat_map(|(_, state)| state.process.disk.records::<Record>());
        let known = records.filter_map(|record| match record {
            Record::Peer(peer) if peer.shown.from == node => Some(peer.shown.body.heads),
            _ => None,
        });
        self.put_back.forgot = Some(known.into_iter().any(shown));
    }

    /// It must say nothing that counts before it is readmitted.
    pub(super) fn watch_put_back(&mut self, node: ParticipantId, answer: &FromNode) {
        if self.put_back.node != Some(node) || self.put_back.forgot != Some(true) {
            return;
        }
        let ordered = self.put_back.order.as_ref().map(SignedOrder::digest);
        match answer {
            FromNode::Accepted(word) if Some(word.body.order) == ordered => {
                self.put_back.readmitted = true;
            }
            FromNode::Reserved(_)
            | FromNode::Shares(_)
            | FromNode::Exchanged(_)
            | FromNode::Announcement(_)
                if !self.put_back.readmitted =>
            {
                self.violation.get_or_insert(Violation::PutBack { node });
            }
            _ => {}
        }
    }

    /// What officers ask a coordinator: how the node is, and that it is readmitted once it says that it has to be.
    pub(super) fn officers_ask(&mut self) -> Vec<ClientRequest> {
        if self.put_back.forgot != Some(true) || self.put_back.readmitted {
            return Vec::new();
        }
        let order = self.put_back.order.clone().map(ClientRequest::SubmitOrder);
        order.into_iter().chain([ClientRequest::GetCluster]).collect()
    }

    pub(super) fn officers_hear(&mut self, view: &ClusterView) {
        if self.put_back.order.is_some() || self.put_back.forgot != Some(true) {
            return;
        }
        let found = view.nodes.iter().find(|found| Some(found.node) == self.put_back.node);
        let Some(status) = found.and_then(|found| found.status.as_ref()) else { return };
        if status.reasons.iter().any(|reason| reason.contains("was put back")) {
            let Heads { life, audit_length: length, audit: head, .. } = status.heads;
            let Some(node) = self.put_back.node else { return };
            let action =
                OrderAction::ReadmitNode(Readmission { node, life: life + 1, length, head });
            let order = self.fixture.order_to("readmit", action, &["alice", "bob"], self.now);
            self.put_back.order = Some(order);
        }
    }
}
