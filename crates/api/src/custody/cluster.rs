//! The cluster, as clients see it.

use quorate_coordinator::{ClusterView, NodeView};
use quorate_model::Timestamp;

use crate::field;
use crate::pb::custody::v1 as pb;

/// The cluster; `version` is the coordinator's software's.
#[must_use]
pub fn cluster_to_pb(view: ClusterView, version: &str) -> pb::Cluster {
    pb::Cluster {
        cluster: view.cluster.as_bytes().to_vec(),
        root: view.root,
        version: version.to_owned(),
        threshold_floor: u32::from(view.threshold_floor.get()),
        nodes: view.nodes.into_iter().map(Into::into).collect(),
    }
}

impl From<NodeView> for pb::Node {
    fn from(node: NodeView) -> Self {
        Self {
            id: field::participant_to_pb(node.node),
            attached: node.attached,
            status: node.status.map(Into::into),
            last_seen_ms: node.last_seen.map_or(0, Timestamp::millis),
        }
    }
}
