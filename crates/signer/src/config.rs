//! What a node is told when it starts.

use std::sync::Arc;

use quorate_model::{BootId, Erasure, ParticipantId};
use quorate_policy::Bundle;
use quorate_protocol::ecdsa::EcdsaBackend;
use quorate_trust::{SigningKey, TrustRoot};

/// Everything a node needs besides its records.
#[derive(Debug)]
pub struct NodeConfig {
    /// Who the node is.
    pub identity: Identity,
    /// The trust root that the node begins with, whose hash the operator pinned.
    pub root: TrustRoot,
    /// The policy bundle that the node begins with, whose hash the trust root pins.
    pub policy: Bundle,
    /// What the node refuses to exceed.
    pub limits: Limits,
    /// The version of the software, for status.
    pub version: String,
    /// In which run of the machine the node is started, if that is known.
    pub boot: Option<BootId>,
    /// How surely a share that is erased is gone.
    pub erasure: Erasure,
    /// What signs with ECDSA keys.
    pub ecdsa: Arc<dyn EcdsaBackend>,
}

/// Who a node is: its participant id and the key that signs everything it says.
#[derive(Debug)]
pub struct Identity {
    /// The node's participant id.
    pub participant: ParticipantId,
    /// The identity key that the trust root names for it.
    pub key: SigningKey,
}

/// What a node refuses to exceed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Signing sessions that hold nonces at one time.
    pub sessions_max: usize,
    /// Key generations at one time.
    pub ceremonies_max: usize,
    /// Attempts answered for one request, confirmation or order.
    pub attempts_max: u32,
    /// How long nonces wait for the share phase, in milliseconds.
    pub session_ms: u64,
    /// How long one attempt at a ceremony may take, in milliseconds.
    pub ceremony_ms: u64,
    /// How far the clocks of signers may differ, in milliseconds; also how far the node's own clock
    /// may fall behind what it wrote before.
    pub clock_skew_ms: u64,
    /// How many other nodes' clocks must agree with this node's after a start of the machine: as many
    /// as the trust root's threshold floor where this is `None`, and never more than there are. With
    /// zero, whoever starts the node vouches for its clock.
    pub start_peers: Option<usize>,
    /// How long after its expiry a request is remembered, in milliseconds.
    pub remember_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions_max: 512,
            ceremonies_max: 16,
            attempts_max: 8,
            session_ms: 15_000,
            ceremony_ms: 120_000,
            clock_skew_ms: 10_000,
            start_peers: None,
            remember_ms: 3_600_000,
        }
    }
}
