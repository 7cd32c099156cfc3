//! Lives of nodes: one begins with the cluster, and another with each order that readmits the node.

use std::collections::BTreeMap;

use quorate_model::ParticipantId;
use quorate_protocol::wire::{Refusal, RefusalCode};
use quorate_trust::Readmission;

use crate::node::Node;
use crate::refusal::refuse;

/// Which life each node is in, as the orders here say.
#[derive(Debug, Default)]
pub(crate) struct Lives(BTreeMap<ParticipantId, u64>);

impl Lives {
    pub(crate) fn of(&self, node: ParticipantId) -> u64 {
        self.0.get(&node).copied().unwrap_or(1)
    }

    /// Takes up an order. They may come in any order from the disk.
    pub(crate) fn load(&mut self, readmission: &Readmission) {
        let life = readmission.life.max(self.of(readmission.node));
        self.0.insert(readmission.node, life);
    }
}

impl Node {
    /// Begins another life of a node: a later one than that it is in, so that no order serves twice. There
    /// may have been some between that this node did not hear of, or lost with its store.
    pub(crate) fn readmit(&mut self, readmission: &Readmission) -> Result<(), Refusal> {
        let Readmission { node, life, length, head } = readmission;
        let present = self.lives.of(*node);
        if *life <= present {
            let reason = format!("node {node} is in its life {present} already: propose the next");
            return Err(refuse(RefusalCode::Invalid, reason));
        }
        if *node == self.me {
            self.begin_life(*length, head)?;
        }
        self.lives.load(readmission);
        Ok(())
    }
}
