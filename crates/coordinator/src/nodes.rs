//! What a coordinator knows of the nodes.

use std::collections::BTreeMap;

use quorate_model::{Digest, Heads, ParticipantId, Timestamp};
use quorate_protocol::wire::NodeStatus;
use rand_core::CryptoRngCore;

/// The cluster's nodes, attached or not.
#[derive(Debug)]
pub(crate) struct Nodes(pub(crate) BTreeMap<ParticipantId, NodeState>);

/// One node.
#[derive(Debug, Default)]
pub(crate) struct NodeState {
    pub(crate) attached: bool,
    pub(crate) status: Option<NodeStatus>,
    /// The trust root and the policy bundle that it was on when it last said so.
    pub(crate) on: Option<(Digest, Digest)>,
    pub(crate) last_seen: Option<Timestamp>,
    pub(crate) suspect_until: Option<Timestamp>,
}

impl NodeState {
    pub(crate) fn doubts_itself(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.challenge.is_some())
    }
}

impl Nodes {
    pub(crate) fn new(ids: impl IntoIterator<Item = ParticipantId>) -> Self {
        Self(ids.into_iter().map(|id| (id, NodeState::default())).collect())
    }

    /// A node has said what it is on.
    pub(crate) fn is_on(&mut self, id: ParticipantId, heads: &Heads) {
        if let Some(node) = self.0.get_mut(&id) {
            node.on = Some((heads.root, heads.bundle));
        }
    }

    /// Of the candidates, those that can sign together: on the trust root and the policy bundle that
    /// most of them are on.
    pub(crate) fn on_one_head(&self, candidates: Vec<ParticipantId>) -> Vec<ParticipantId> {
        let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for id in candidates {
            groups.entry(self.0.get(&id).and_then(|node| node.on)).or_default().push(id);
        }
        // Whoever has not said anything yet may be on any.
        let unknown = groups.remove(&None).unwrap_or_default();
        let largest = groups.into_values().max_by_key(Vec::len).unwrap_or_default();
        largest.into_iter().chain(unknown).collect()
    }

    pub(crate) fn is_attached(&self, id: ParticipantId) -> bool {
        self.0.get(&id).is_some_and(|node| node.attached)
    }

    /// Whether a node is attached and said that it does not doubt its clock or its log: whoever does would
    /// only refuse.
    pub(crate) fn can_work(&self, id: ParticipantId) -> bool {
        self.0
            .get(&id)
            .is_some_and(|node| node.attached && node.status.is_some() && !node.doubts_itself())
    }

    /// The nodes that can be asked, ascending.
    pub(crate) fn attached(&self) -> Vec<ParticipantId> {
        self.0.iter().filter(|(_, node)| node.attached).map(|(id, _)| *id).collect()
    }

    /// Makes a node the last choice for a while.
    pub(crate) fn suspect(&mut self, id: ParticipantId, until: Timestamp) {
        if let Some(node) = self.0.get_mut(&id) {
            node.suspect_until = Some(until);
        }
    }

    /// Orders the candidates, by failures, doubts and load: those with the fewest failures first, then
    /// those that did not fail lately, then those least in doubt, then those that say they are ready,
    /// then those with the least work, at random among equals.
    pub(crate) fn ranked(
        &self,
        candidates: &[ParticipantId],
        rank: impl Fn(ParticipantId) -> (u32, u32, usize),
        now: Timestamp,
        rng: &mut dyn CryptoRngCore,
    ) -> Vec<ParticipantId> {
        let mut ranked: Vec<_> = candidates
            .iter()
            .map(|id| {
                let node = self.0.get(id);
                let suspect_until = node.and_then(|node| node.suspect_until);
                let suspect = suspect_until.is_some_and(|until| until > now);
                let status = node.and_then(|node| node.status.as_ref());
                let not_ready = status.is_some_and(|status| !status.ready);
                let (failures, doubts, load) = rank(*id);
                (failures, suspect, doubts, not_ready, load, rng.next_u32(), *id)
            })
            .collect();
        ranked.sort_unstable();
        ranked.into_iter().map(|(.., id)| id).collect()
    }
}
