//! How a node is.

use quorate_protocol::wire::NodeStatus;

use crate::pb::node::v1 as pb;
use crate::{DecodeError, field, limits};

impl TryFrom<pb::NodeStatus> for NodeStatus {
    type Error = DecodeError;

    fn try_from(status: pb::NodeStatus) -> Result<Self, DecodeError> {
        const REASONS: &str = "NodeStatus.reasons";
        const SCHEDULED: &str = "NodeStatus.scheduled";
        const STOPS: &str = "NodeStatus.stops";
        const VERSION: &str = "NodeStatus.version";
        const CHALLENGE: &str = "NodeStatus.challenge";
        let challenge = Some(status.challenge).filter(|bytes| !bytes.is_empty());
        Ok(Self {
            heads: field::required("NodeStatus.heads", status.heads)?.try_into()?,
            active_keys: status.active_keys,
            open_sessions: status.open_sessions,
            ready: status.ready,
            reasons: field::text_list(REASONS, status.reasons, limits::STATUS_REASONS_MAX)?,
            stops: field::text_list(STOPS, status.stops, limits::STATUS_REASONS_MAX)?,
            root_version: status.root_version,
            policy_version: status.policy_version,
            scheduled: field::text_list(SCHEDULED, status.scheduled, limits::STATUS_REASONS_MAX)?,
            version: field::text(VERSION, status.version, limits::VERSION_BYTES_MAX)?,
            challenge: challenge.map(|b| field::digest(CHALLENGE, &b)).transpose()?,
        })
    }
}

impl From<NodeStatus> for pb::NodeStatus {
    fn from(status: NodeStatus) -> Self {
        let clip = |texts: Vec<String>| {
            let texts = texts.into_iter().take(limits::STATUS_REASONS_MAX);
            texts.map(|text| field::clip(text, limits::REASON_BYTES_MAX)).collect()
        };
        Self {
            heads: Some(status.heads.into()),
            active_keys: status.active_keys,
            open_sessions: status.open_sessions,
            ready: status.ready,
            reasons: clip(status.reasons),
            stops: clip(status.stops),
            root_version: status.root_version,
            policy_version: status.policy_version,
            scheduled: clip(status.scheduled),
            version: field::clip(status.version, limits::VERSION_BYTES_MAX),
            challenge: status.challenge.map_or(vec![], |c| c.as_bytes().to_vec()),
        }
    }
}
