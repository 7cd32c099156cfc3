//! Sign requests as the coordinator keeps and shows them.

use quorate_model::{Attempt, Digest, ParticipantId, ParticipantSet, Timestamp};
use quorate_protocol::wire::{Deferral, SignedDenial};
use quorate_trust::{Signed, SignedApproval, SignedRequest, SignedRiskVerdict};

/// A sign request and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignRequestRecord {
    /// What the service asked for, with its signature.
    pub signed: SignedRequest,
    /// Digest of the statement.
    pub digest: Digest,
    /// How it stands.
    pub state: RequestState,
    /// The newest attempt; zero before the first.
    pub attempt: Attempt,
    /// Nodes whose gate denied it, with their signed words.
    pub denials: Vec<Signed<SignedDenial>>,
    /// Nodes that would not sign it yet, with their signed words: the newest of each.
    pub deferrals: Vec<Signed<Deferral>>,
    /// What people said to it; each person once.
    pub approvals: Vec<SignedApproval>,
    /// What risk providers said about it; the newest that the service brought of each.
    pub verdicts: Vec<SignedRiskVerdict>,
    /// Why it waits, or why it ended as it did; empty where there is nothing to say.
    pub reason: String,
    /// When it arrived.
    pub created: Timestamp,
    /// When this record last changed.
    pub updated: Timestamp,
}

/// The states of a request (AIP-216). All but the first three are final for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestState {
    /// Waiting for people to approve, or for the verdict of a risk provider.
    PendingApproval,
    /// Waiting for nodes.
    Queued,
    /// A signing set is at work.
    Signing,
    /// Signed: one verified signature for each message.
    Signed {
        /// In the order of the messages.
        signatures: Vec<Vec<u8>>,
        /// Who signed.
        signers: ParticipantSet,
    },
    /// So many nodes denied it that no signing set is left.
    Denied,
    /// A person who was asked rejected it.
    Rejected,
    /// Its time ran out.
    Expired,
    /// The service withdrew it.
    Canceled,
    /// Every attempt failed.
    Failed,
}

impl RequestState {
    /// The name on every surface.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::PendingApproval => "PENDING_APPROVAL",
            Self::Queued => "QUEUED",
            Self::Signing => "SIGNING",
            Self::Signed { .. } => "SIGNED",
            Self::Denied => "DENIED",
            Self::Rejected => "REJECTED",
            Self::Expired => "EXPIRED",
            Self::Canceled => "CANCELED",
            Self::Failed => "FAILED",
        }
    }

    /// Whether nothing will change any more.
    pub const fn is_final(&self) -> bool {
        !matches!(self, Self::PendingApproval | Self::Queued | Self::Signing)
    }
}

impl SignRequestRecord {
    /// Whether `node` denied it.
    pub fn is_denied_by(&self, node: ParticipantId) -> bool {
        self.denials.iter().any(|denial| denial.from == node)
    }
}
