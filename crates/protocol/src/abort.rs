//! How a session ends early, and who is to blame.

use quorate_model::ParticipantId;

use crate::DeriveError;

/// A session ended without a result. The machine is gone: it cannot be resumed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Abort {
    /// Why.
    pub reason: AbortReason,
    /// Participants convicted by messages that they signed and anyone can check. Empty where views
    /// merely differ: then a coordinator, or nobody, may be at fault.
    pub culprits: Vec<ParticipantId>,
}

/// Why a session ended early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AbortReason {
    /// A message of somebody outside the session.
    #[error("node {0} is not part of this session")]
    Stranger(ParticipantId),
    /// Two messages of one sender in one round.
    #[error("two messages of node {0} in one round")]
    Duplicate(ParticipantId),
    /// No message of a participant.
    #[error("the message of node {0} is missing")]
    Missing(ParticipantId),
    /// A message of another session, attempt or round.
    #[error("the message of node {0} belongs to another session")]
    OtherSession(ParticipantId),
    /// Our own message came back changed, or an older one of ours was replayed.
    #[error("our own message came back different")]
    NotOurs,
    /// A key that gives a shared secret anyone could compute.
    #[error("node {0} announced a degenerate ephemeral key")]
    DegenerateKey(ParticipantId),
    /// A commitment to a polynomial of another degree (the threshold-raising attack, Trail of Bits
    /// 2024).
    #[error("node {from} committed to {found} coefficients where the threshold is {expected}")]
    CommitmentLength {
        /// Who.
        from: ParticipantId,
        /// How many coefficients.
        found: usize,
        /// How many there must be.
        expected: usize,
    },
    /// Bytes that are no element or scalar.
    #[error("node {from}: malformed {what}")]
    Malformed {
        /// Who.
        from: ParticipantId,
        /// Of which part.
        what: &'static str,
    },
    /// A proof of knowledge that does not verify (RFC 9591, appendix D; FROST, figure 1).
    #[error("node {0}: the proof of knowledge does not verify")]
    ProofOfKnowledge(ParticipantId),
    /// The participants did not all see the same messages.
    #[error("node {0} saw other messages than this node did")]
    EchoMismatch(ParticipantId),
    /// A share that cannot be opened.
    #[error("node {0}: the share sealed for this node cannot be opened")]
    SealedShare(ParticipantId),
    /// The part of a message that was delivered is not the one that its sender signed.
    #[error("what was delivered from node {0} is not what it signed")]
    Relay(ParticipantId),
    /// A failed check in a two-party multiplication, on a message that its sender signed. It concerns
    /// the pair: the evidence depends on secrets of both (DKLs23, section 3.2).
    #[error("the multiplication with node {with} failed: {what}")]
    Multiplication {
        /// With whom.
        with: ParticipantId,
        /// Which check.
        what: String,
    },
    /// The implementation panicked: in a signing, what it had checked by then is not known.
    #[error("the implementation of the protocol panicked")]
    Panicked,
    /// A message of a node that an inner protocol refuses without harm to what the pair shares.
    #[error("node {from}: {what}")]
    Refused {
        /// Who.
        from: ParticipantId,
        /// Why.
        what: String,
    },
    /// A share that contradicts its sender's commitment.
    #[error("node {0}: the share does not match the commitment")]
    ShareMismatch(ParticipantId),
    /// Two answers to one attempt describe different things to sign.
    #[error("node {0} answered for another signing context")]
    ContextMismatch(ParticipantId),
    /// A number of commitments or shares that is not the number of messages.
    #[error("node {from} sent {found} items for {expected} messages")]
    Count {
        /// Who.
        from: ParticipantId,
        /// How many items.
        found: usize,
        /// How many messages.
        expected: usize,
    },
    /// Shares made for another signing package.
    #[error("node {0} signed another signing package")]
    PackageMismatch(ParticipantId),
    /// A signature share that does not verify against its sender's verifying share.
    #[error("node {0}: the signature share does not verify")]
    SignatureShare(ParticipantId),
    /// Parts that make no ECDSA signature: whose it was does not show (DKLs23, section 3.2).
    #[error("the parts make no signature, and nothing shows whose part is wrong")]
    Combination,
    /// An ECDSA share without what pairs share.
    #[error(
        "this node's share was restored from a backup, which has nothing of what pairs share: refresh the key first"
    )]
    DealtOnly,
    /// The path leads to no key.
    #[error(transparent)]
    Derive(#[from] DeriveError),
    /// The library refused for a reason that blames nobody.
    #[error("{0}")]
    Library(String),
}

impl From<DeriveError> for Abort {
    fn from(error: DeriveError) -> Self {
        Self::unproven(error.into())
    }
}

impl Abort {
    /// An abort that convicts `culprit`, whose signed message alone proves it.
    pub fn proven(reason: AbortReason, culprit: ParticipantId) -> Self {
        Self { reason, culprits: vec![culprit] }
    }

    /// Whom the reason names: whom to do without in the next attempt, convicted or not.
    pub fn named(&self) -> Option<ParticipantId> {
        match &self.reason {
            AbortReason::Stranger(id)
            | AbortReason::Duplicate(id)
            | AbortReason::Missing(id)
            | AbortReason::OtherSession(id)
            | AbortReason::DegenerateKey(id)
            | AbortReason::CommitmentLength { from: id, .. }
            | AbortReason::Malformed { from: id, .. }
            | AbortReason::ProofOfKnowledge(id)
            | AbortReason::EchoMismatch(id)
            | AbortReason::SealedShare(id)
            | AbortReason::ShareMismatch(id)
            | AbortReason::Refused { from: id, .. }
            | AbortReason::ContextMismatch(id)
            | AbortReason::Count { from: id, .. }
            | AbortReason::PackageMismatch(id)
            | AbortReason::SignatureShare(id) => Some(*id),
            AbortReason::NotOurs
            | AbortReason::Relay(_)
            | AbortReason::Combination
            | AbortReason::DealtOnly
            | AbortReason::Panicked
            | AbortReason::Derive(_)
            | AbortReason::Multiplication { .. }
            | AbortReason::Library(_) => None,
        }
    }

    /// An abort that convicts nobody.
    pub fn unproven(reason: AbortReason) -> Self {
        Self { reason, culprits: Vec::new() }
    }
}
