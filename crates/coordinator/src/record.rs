//! What a coordinator keeps.

use quorate_model::{Attempt, Digest, KeyId, OrderId, RequestKey, SharingId, Timestamp};
use quorate_protocol::wire::Acceptance;
use quorate_protocol::{Certificate, Confirmation};
use quorate_trust::{Order, OrderAction, Signed, SignedOrder};

use crate::request::SignRequestRecord;

/// One record. A later record with the same place in its tree replaces the earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// Tree `requests`, by service and request id.
    Request(SignRequestRecord),
    /// Removes the record of a request that ended and expired long ago.
    ForgetRequest(RequestKey),
    /// Tree `operations`, by digest of the order.
    Operation(OperationRecord),
    /// Tree `keys`, by key id and epoch.
    Key(KeyRecord),
    /// Removes the record of a sharing that another took the place of.
    ForgetSharing(SharingId),
    /// Tree `orders`, by digest of the order.
    Order(OrderRecord),
    /// Tree `acceptances`, by digest of the order and node.
    Acceptance(AcceptanceRecord),
}

/// A node's word that it carried out an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptanceRecord {
    /// The word, which was verified.
    pub word: Signed<Acceptance>,
}

/// An order of any kind but those to make a key: every node is to hear of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRecord {
    /// The order.
    pub order: SignedOrder,
    /// Digest of the order's text.
    pub digest: Digest,
    /// When it arrived.
    pub created: Timestamp,
    /// From when on it holds at this coordinator.
    pub begins: Timestamp,
}

/// The carrying out of an order to make a key, or a new sharing of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationRecord {
    /// The order.
    pub order: SignedOrder,
    /// Digest of the order's text.
    pub digest: Digest,
    /// The newest try.
    pub attempt: Attempt,
    /// How it stands.
    pub state: OperationState,
    /// When the order arrived.
    pub created: Timestamp,
    /// When this record last changed.
    pub updated: Timestamp,
}

impl OperationRecord {
    /// The order's id, and the key that it makes or makes a new sharing of. Who signed it is not looked at: that was verified
    /// when it came.
    pub(crate) fn makes(&self) -> Option<(OrderId, KeyId)> {
        match Order::parse(&self.order.text).ok()? {
            Order { id, action: OrderAction::GenerateKey(generate), .. } => {
                Some((id, generate.key))
            }
            Order { id, action: OrderAction::ReshareKey(reshare), .. } => Some((id, reshare.key)),
            Order { .. } => None,
        }
    }

    /// Digest of the sharing that it makes the next one of.
    pub(crate) fn follows(&self) -> Option<Digest> {
        let OrderAction::ReshareKey(reshare) = Order::parse(&self.order.text).ok()?.action else {
            return None;
        };
        Some(reshare.predecessor)
    }
}

/// How an operation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperationState {
    /// Being tried; the text says what it waits for.
    Running(String),
    /// The key exists and is active.
    Done,
    /// It will not succeed; the text says why and what to do.
    Failed(String),
}

/// A sharing of a key that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// What all its holders voted for.
    pub certificate: Certificate,
    /// Proof that its shares sign; complete once the key is active.
    pub confirmations: Vec<Confirmation>,
    /// Whether every holder has said that the key is active.
    pub active: bool,
    /// When it was certified.
    pub created: Timestamp,
}
