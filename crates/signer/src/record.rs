//! What a node keeps: the records that its engine makes durable and starts from.

use std::fmt;

use quorate_audit::Entry;
use quorate_model::{
    Attempt, BootId, Digest, KeyId, Moment, ParticipantId, RequestKey, SharingId, Timestamp,
};
use quorate_protocol::ecdsa::PairStates;
use quorate_protocol::{Certificate, CertifiedKey, Confirmation, SecretShare};
use quorate_trust::{Signature, SignedOrder};

use crate::pairs::PairFreezeRecord;
use crate::peers::PeerRecord;

/// One record. A later record with the same place in its tree replaces the earlier one.
#[derive(Debug)]
pub enum Record {
    /// Tree `ceremonies`, by digest of the order.
    Ceremony(CeremonyRecord),
    /// Trees `votes` (everything but the secret, by key id and epoch), `shares` (the 32 secret bytes, by key id
    /// and epoch, under a data key of their own) and `pairs` (what an ECDSA key's holders share with
    /// each other, under the same data key). Written together or not at all.
    Share(ShareRecord),
    /// Removes every record of a sharing, for one that can never be certified or that another took the
    /// place of, and erases its data key.
    DropSharing {
        /// The sharing.
        sharing: SharingId,
        /// With whom the node shared state for it.
        peers: Vec<ParticipantId>,
    },
    /// Tree `certificates`, by key id and epoch.
    Certificate(Certificate),
    /// Tree `confirmations`, by key id and epoch: the sharing signs from here on.
    Active(ActiveRecord),
    /// Tree `requests`, by service and request id.
    Request(RequestRecord),
    /// Removes the [`RequestRecord`] of a request that expired before the watermark.
    ForgetRequest(RequestKey),
    /// Tree `watermark`, one record: no request that expires at or before it is accepted again.
    Watermark(Timestamp),
    /// Tree `clock`, one record.
    Clock(ClockRecord),
    /// Tree `confirmation-attempts`, by confirmation statement.
    ConfirmationAttempt(ConfirmationAttempt),
    /// Tree `orders`, by digest of the order.
    Order(OrderRecord),
    /// Tree `peers`, by participant id.
    Peer(PeerRecord),
    /// Tree `pair-freezes`, by key id, epoch and participant id.
    PairFreeze(PairFreezeRecord),
    /// Tree `audit`, by index.
    Audit(Entry),
}

/// How far tries at an order to make a key have come at this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CeremonyRecord {
    /// The key.
    pub key: KeyId,
    /// Digest of the order.
    pub order: Digest,
    /// The newest try that this node took part in.
    pub attempt: Attempt,
}

/// An order of any kind but those to make a key, carried out here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRecord {
    /// The order, verified when it was accepted.
    pub order: SignedOrder,
    /// From when on it holds here.
    pub begins: Timestamp,
}

/// This node's share of a key, with what it voted for.
pub struct ShareRecord {
    /// What the node voted for.
    pub certified: CertifiedKey,
    /// The node's signature over its vote.
    pub vote: Signature,
    /// The secret.
    pub share: SecretShare,
    /// For an ECDSA key, what the node shares with each of the other holders.
    pub pairs: PairStates,
}

impl fmt::Debug for ShareRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShareRecord").field("certified", &self.certified).finish_non_exhaustive()
    }
}

/// Proof that every share of a sharing signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveRecord {
    /// The sharing.
    pub sharing: SharingId,
    /// Signatures of sets that cover its roster.
    pub confirmations: Vec<Confirmation>,
}

/// What this node did for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// The request's name.
    pub request: RequestKey,
    /// Digest of the statement under that name: the only one, for ever.
    pub digest: Digest,
    /// When it expires.
    pub expires: Timestamp,
    /// The newest attempt that this node answered.
    pub attempt: Attempt,
    /// The newest attempt for which shares left this node.
    pub released: Option<Attempt>,
    /// Why the gate denied it, if it did: final at this node.
    pub denied: Option<String>,
}

/// What the clocks of this node's machine showed when other nodes last agreed with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockRecord {
    /// In which run of the machine.
    pub boot: BootId,
    /// What they showed.
    pub confirmed: Moment,
}

/// How many tries at a confirmation this node answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmationAttempt {
    /// The statement (it names key and signing set).
    pub statement: Digest,
    /// The newest attempt that this node answered.
    pub attempt: Attempt,
}
