//! What clients ask a coordinator, and what they hear.

use std::collections::BTreeMap;

use quorate_intent::Intent;
use quorate_model::{
    ClusterId, DerivationPath, Epoch, KeyId, KeyState, Network, OrderId, ParticipantId,
    PayloadFormat, RequestKey, ServiceName, Threshold, Timestamp,
};
use quorate_protocol::wire::{Acceptance, NodeStatus};
use quorate_trust::{Signed, SignedApproval, SignedOrder, SignedRequest, SignedRiskVerdict};

use crate::record::{KeyRecord, OperationRecord, OrderRecord};
use crate::request::SignRequestRecord;
use crate::requests::Hold;

/// Matches a reply to what a client asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientCall(pub u64);

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientRequest {
    /// Carry out an order to make a key, or a new sharing of one: [`ClientReply::Operation`]. The same
    /// order again gives the operation as it stands.
    BeginCeremony(SignedOrder),
    /// [`ClientReply::Operation`].
    GetOperation(OrderId),
    /// Have every node carry out an order, of any kind but those to make a key:
    /// [`ClientReply::Order`] as it stands. The same order again gives how it stands.
    SubmitOrder(SignedOrder),
    /// [`ClientReply::Order`].
    GetOrder(OrderId),
    /// [`ClientReply::Orders`].
    ListOrders,
    /// What a person says to a request: [`ClientReply::SignRequest`].
    SubmitApproval(SignedApproval),
    /// [`ClientReply::Key`].
    GetKey(KeyId),
    /// [`ClientReply::Keys`].
    ListKeys,
    /// Sign: [`ClientReply::SignRequest`] as it stands once it is durable. The same request again
    /// gives the resource as it stands, with the verdicts that came with it.
    CreateSignRequest {
        /// What to sign, with the service's signature.
        request: SignedRequest,
        /// What risk providers said about it: one of each. A newer one takes an older one's place.
        verdicts: Vec<SignedRiskVerdict>,
        /// Check and ask the nodes' gates only: [`ClientReply::Simulated`], or the error that
        /// creating would give.
        validate_only: bool,
    },
    /// [`ClientReply::SignRequest`].
    GetSignRequest(RequestKey),
    /// [`ClientReply::SignRequests`].
    ListSignRequests(ListFilter),
    /// Withdraw a request that no share was released for: [`ClientReply::SignRequest`].
    CancelSignRequest(RequestKey),
    /// What would each node's gate say? [`ClientReply::Simulated`].
    Simulate {
        /// The request.
        request: SignedRequest,
        /// What risk providers said about it.
        verdicts: Vec<SignedRiskVerdict>,
    },
    /// What does a payload do? [`ClientReply::Decoded`].
    DecodePayload {
        /// The key that would sign.
        key: KeyId,
        /// Which child of it.
        path: DerivationPath,
        /// The network.
        network: Network,
        /// The payload's format.
        format: PayloadFormat,
        /// The payload.
        payload: Vec<u8>,
    },
    /// [`ClientReply::Cluster`].
    GetCluster,
}

/// Which requests to list. They come by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListFilter {
    /// Of one service only.
    pub service: Option<ServiceName>,
    /// In one state only, by its name.
    pub state: Option<String>,
    /// Only those after this one.
    pub after: Option<RequestKey>,
    /// At most so many.
    pub limit: usize,
}

/// What a client hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientReply {
    /// An operation.
    Operation(Box<OperationView>),
    /// An order.
    Order(Box<OrderView>),
    /// All orders but those to make a key, without the documents that they bring.
    Orders(Vec<OrderView>),
    /// A key.
    Key(Box<KeyView>),
    /// All keys.
    Keys(Vec<KeyView>),
    /// A request.
    SignRequest(Box<SignRequestView>),
    /// A page of requests.
    SignRequests(Vec<SignRequestView>),
    /// What each node's gate would say.
    Simulated(Vec<NodeDecision>),
    /// What a payload does.
    Decoded(Box<Intent>),
    /// The cluster.
    Cluster(Box<ClusterView>),
}

/// An operation as clients see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationView {
    /// The order's id, which names the operation.
    pub id: OrderId,
    /// The key that it makes.
    pub key: KeyId,
    /// How it stands.
    pub record: OperationRecord,
}

/// An order as clients see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderView {
    /// Its id.
    pub id: OrderId,
    /// The order.
    pub record: OrderRecord,
    /// What each node that was asked said: its signed word that it holds, or why it refuses.
    pub nodes: BTreeMap<ParticipantId, Result<Signed<Acceptance>, String>>,
}

/// A key as clients see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyView {
    /// Its certificate and confirmations.
    pub record: KeyRecord,
    /// Its state.
    pub state: KeyState,
    /// The first epoch that no attempt at a new sharing has made.
    pub next_epoch: Epoch,
    /// Until when an order has it active.
    pub active_until: Option<Timestamp>,
    /// For how long orders had it activated so far, in milliseconds.
    pub activated_ms: u64,
}

/// A request as clients see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignRequestView {
    /// The request and how it stands.
    pub record: SignRequestRecord,
    /// What the payload does.
    pub intent: Option<Intent>,
    /// The messages that are signed, in order.
    pub messages: Vec<Vec<u8>>,
    /// What holds it up, if something does.
    pub hold: Option<Hold>,
}

/// What one node's gate would say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeDecision {
    /// The node.
    pub node: ParticipantId,
    /// The rules that allow; or why it refuses, or cannot say.
    pub decision: Result<Vec<String>, String>,
    /// Whether the node answered at all.
    pub answered: bool,
}

/// The cluster as clients see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterView {
    /// The cluster's id.
    pub cluster: ClusterId,
    /// The text of the version of the trust root in force.
    pub root: String,
    /// No key may have a lower threshold.
    pub threshold_floor: Threshold,
    /// Its nodes.
    pub nodes: Vec<NodeView>,
}

/// A node as clients see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeView {
    /// The node.
    pub node: ParticipantId,
    /// Whether it is attached now.
    pub attached: bool,
    /// What it last said of itself.
    pub status: Option<NodeStatus>,
    /// When it was last heard.
    pub last_seen: Option<Timestamp>,
}

/// Why a client does not get what it asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ClientError {
    /// What kind of error.
    pub code: ErrorCode,
    /// In words.
    pub message: String,
}

/// Kinds of error, by what the client can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// What was sent is wrong.
    Invalid,
    /// There is no such thing.
    NotFound,
    /// The id stands for something else.
    Conflict,
    /// The nodes' gates deny it.
    Denied,
    /// It cannot be done in the state that things are in.
    Precondition,
    /// A limit is reached: later may do.
    Exhausted,
    /// A freeze or a suspension is in force.
    Frozen,
}

impl ClientError {
    pub(crate) fn new(code: ErrorCode, message: impl ToString) -> Self {
        Self { code, message: message.to_string() }
    }
}
