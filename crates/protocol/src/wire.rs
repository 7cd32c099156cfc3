//! What a coordinator asks a node, and what the node answers. Every question has one answer; each
//! names the question by its call id.

use std::collections::BTreeSet;

use quorate_model::{
    Attempt, Digest, Heads, KeyId, ParticipantId, ParticipantSet, PersonName, ProviderName,
    QuorumName, SharingId, Tag, Timestamp, Transcribe, Transcript, VerdictName,
};
use quorate_trust::{Body, Signed, SignedApproval, SignedOrder, SignedRequest, SignedRiskVerdict};

use crate::exchange::Parcel;
use crate::sign::{AnsweredHeads, ReserveAnswer, ShareAnswer};
use crate::{Announcement, Certificate, CertifiedKey, Confirmation, Round1, Round2, Vote};

/// Matches an answer to its question, within one attachment of a node to a coordinator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// What signers are asked to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are requests")]
pub enum Subject {
    /// A service's request.
    Request(SignedRequest),
    /// The confirmation of a new sharing by one set of its holders.
    Confirmation {
        /// The sharing.
        sharing: SharingId,
    },
}

/// What was said about a request, in words that a node verifies itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// What people said.
    pub approvals: Vec<SignedApproval>,
    /// What risk providers said.
    pub verdicts: Vec<SignedRiskVerdict>,
}

/// A question to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToNode {
    /// Begin a key generation: answered by [`FromNode::Announcement`], or by [`FromNode::Vote`]
    /// where the node has voted already.
    GenerateKey {
        /// The order that the node verifies.
        order: SignedOrder,
        /// Which try.
        attempt: Attempt,
        /// For a node that voted in an earlier try: announcements of this try by `threshold` other
        /// holders, which are their word that they never voted before and never will. The node
        /// then drops its share of the earlier try and joins this one.
        never_voted: Vec<Signed<Announcement>>,
    },
    /// Begin a new sharing of a key: answered by [`FromNode::Announcement`].
    ReshareKey {
        /// The order that the node verifies.
        order: SignedOrder,
        /// Which try.
        attempt: Attempt,
        /// Who deals.
        dealers: ParticipantSet,
        /// The sharing that the new one follows, for those who hold no share of it.
        predecessor: Certificate,
    },
    /// Everybody's announcements: answered by [`FromNode::Round1`], or for an ECDSA key
    /// and for every new sharing by [`FromNode::Exchanged`] with the first of its rounds.
    Announcements(CeremonyKey, Vec<Signed<Announcement>>),
    /// Everybody's commitments: answered by [`FromNode::Round2`].
    Round1(CeremonyKey, Vec<Signed<Round1>>),
    /// Everybody's sealed shares: answered by [`FromNode::Vote`].
    Round2(CeremonyKey, Vec<Signed<Round2>>),
    /// Everybody's messages of a round, each with the part for this node: answered by
    /// [`FromNode::Exchanged`] with the next, and after the last by [`FromNode::Vote`] in a key
    /// generation and by [`FromNode::Shares`] in a signing.
    Exchange(ExchangeKey, Vec<Parcel>),
    /// The certificate: answered by [`FromNode::Certified`].
    Certify(Certificate),
    /// Reserve: answered by [`FromNode::Reserved`], [`FromNode::Denied`] or [`FromNode::Deferred`].
    Reserve {
        /// What to sign.
        subject: Subject,
        /// What was said about it.
        words: Words,
        /// Which try.
        attempt: Attempt,
        /// Who signs.
        signing_set: ParticipantSet,
    },
    /// Everybody's reserve answers: answered by [`FromNode::Shares`], or for an ECDSA key by
    /// [`FromNode::Exchanged`] with the first of its rounds.
    Share {
        /// Digest of the subject.
        subject: Digest,
        /// Which try.
        attempt: Attempt,
        /// The signed answers of the whole signing set.
        answers: Vec<Signed<ReserveAnswer>>,
    },
    /// A person's rejection of a request: answered by [`FromNode::Denied`], once it is durable.
    Reject {
        /// The request.
        request: SignedRequest,
        /// The rejection.
        rejection: SignedApproval,
    },
    /// Proof that every share of a key signs: answered by [`FromNode::Active`].
    Confirm {
        /// The sharing.
        sharing: SharingId,
        /// Signatures of sets that cover its roster.
        confirmations: Vec<Confirmation>,
    },
    /// Another sharing took the place of every one that you hold of a key, and you hold no share of that one:
    /// answered by [`FromNode::Active`], once the old ones are erased.
    Replaced {
        /// The sharing's certificate.
        certificate: Certificate,
        /// Signatures of sets that cover its roster.
        confirmations: Vec<Confirmation>,
    },
    /// Carry out an order, of any kind but those to make a key: answered by [`FromNode::Accepted`].
    CarryOut {
        /// The order.
        order: SignedOrder,
        /// The words of nodes that carried it out: where enough of them did so in time, a node that
        /// was away takes the order as they did.
        acceptances: Vec<Signed<Acceptance>>,
    },
    /// Which orders did you carry out? Answered by [`FromNode::Orders`]: so a stop that was brought
    /// to one node by hand reaches the others.
    Orders,
    /// Which order is that? Answered by [`FromNode::Order`].
    Order(Digest),
    /// What does your clock show, and what have you seen of the asking node's audit log? It takes no
    /// older answer than its question: answered by [`FromNode::Testimony`].
    Testify {
        /// The node that asks.
        asker: ParticipantId,
        /// What it drew at random ([`NodeStatus::challenge`]).
        challenge: Digest,
    },
    /// What another node says, for a node that doubts its clock or its audit log: answered by
    /// [`FromNode::Status`].
    HearTestimony(Signed<Testimony>),
    /// What would the gate say? Answered by [`FromNode::Simulated`]; nothing is reserved.
    Simulate {
        /// The request.
        request: SignedRequest,
        /// What risk providers said about it.
        verdicts: Vec<SignedRiskVerdict>,
    },
    /// How are you? Answered by [`FromNode::Status`].
    Status,
}

impl ToNode {
    /// The question to carry out an order, without the words of others.
    pub fn carry_out(order: SignedOrder) -> Self {
        Self::CarryOut { order, acceptances: Vec::new() }
    }
}

/// One run of a ceremony, as question and answer name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CeremonyKey {
    /// The key that is being made.
    pub key: KeyId,
    /// Which try.
    pub attempt: Attempt,
}

/// Which exchange a message belongs to, as question and answer name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExchangeKey {
    /// A key generation.
    Ceremony(CeremonyKey),
    /// A signing.
    Signing {
        /// Digest of the subject.
        subject: Digest,
        /// Which try.
        attempt: Attempt,
    },
}

/// A node's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromNode {
    /// Round 0 of a ceremony.
    Announcement(Signed<Announcement>),
    /// Round 1 of a ceremony.
    Round1(Signed<Round1>),
    /// Round 2 of a ceremony.
    Round2(Signed<Round2>),
    /// A round of an ECDSA key generation or signing, with the parts for all the others.
    Exchanged(Parcel),
    /// The node's share is durable, and this is its vote.
    Vote(CertifiedKey, Signed<Vote>),
    /// The node holds the certificate.
    Certified,
    /// Allowed and reserved.
    Reserved(Signed<ReserveAnswer>),
    /// Denied by the node's gate: final for the request at this node.
    Denied(Signed<SignedDenial>),
    /// Not now: people must approve or providers speak first, or it is not the time.
    Deferred(Signed<Deferral>),
    /// The node's signature shares.
    Shares(Signed<ShareAnswer>),
    /// The sharing is active at the node; or the node holds nothing of the key that it took the place of.
    Active,
    /// The order holds at the node, durably.
    Accepted(Signed<Acceptance>),
    /// Digests of the orders that the node carried out.
    Orders(Vec<Digest>),
    /// An order that the node carried out.
    Order(SignedOrder),
    /// What the node's clock shows, and what it has seen of the asking node.
    Testimony(Signed<Testimony>),
    /// What the gate would say: the rules that allow, or the reason it refuses.
    Simulated(Result<Vec<String>, String>),
    /// How the node is.
    Status(NodeStatus),
    /// The node refuses for another reason than its gate's.
    Refused(Refusal),
}

/// A denial of a request by a node's gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedDenial {
    /// Digest of the request.
    pub request: Digest,
    /// The rule, or the nearest rule's first unmet condition and the value seen.
    pub reason: String,
    /// What the node knows to be newest.
    pub heads: Heads,
}

/// Why a request may be signed later, and not now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferral {
    /// Digest of the request.
    pub request: Digest,
    /// The smallest set of quorums that would allow it, in the order of their names; none where only
    /// verdicts or time are missing.
    pub missing: Vec<MissingQuorum>,
    /// Verdicts that it takes as well, in the order of their names.
    pub verdicts: Vec<MissingVerdict>,
    /// The earliest time at which windows and calendars could allow it, where these stand in the way.
    pub until: Option<Timestamp>,
    /// All of it in words, approvals and verdicts that do not count and why among it.
    pub reason: String,
    /// Digest of the effects as this node decoded them.
    pub effects: Digest,
    /// What the node knows to be newest.
    pub heads: Heads,
}

impl Deferral {
    /// Whether it waits for people or providers to speak, and not for a time alone.
    pub fn awaits_words(&self) -> bool {
        !self.missing.is_empty() || !self.verdicts.is_empty()
    }
}

/// A quorum that is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingQuorum {
    /// Its name in the policy bundle.
    pub name: QuorumName,
    /// How many of its members must approve.
    pub required: usize,
    /// Which members did.
    pub present: BTreeSet<PersonName>,
    /// Everybody who may.
    pub members: BTreeSet<PersonName>,
}

/// A verdict that nobody gave, or that is too old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingVerdict {
    /// Its name in the policy bundle.
    pub name: VerdictName,
    /// Who must give it.
    pub provider: ProviderName,
}

/// A node's word that it carried out an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// Digest of the order.
    pub order: Digest,
    /// From when on the order holds at the node: what stops does so at once, what lifts a stop or may
    /// allow more after a delay.
    pub begins: Timestamp,
    /// What the node knows to be newest, the order among it.
    pub heads: Heads,
}

/// What a node knows of another that has just started, for that one to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Testimony {
    /// Whom it is for.
    pub asker: ParticipantId,
    /// What the asking node drew: all of this is newer than that.
    pub challenge: Digest,
    /// Digest of the orders about stops and states of keys that the node carried out.
    pub holds: Digest,
    /// The asking node's own word, where the node has one: how long its audit log was.
    pub seen: Option<Signed<AnsweredHeads>>,
    /// What the node knows to be newest, its clock among it.
    pub heads: Heads,
}

/// Why a node refuses what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// What kind of refusal.
    pub code: RefusalCode,
    /// In words.
    pub reason: String,
}

/// Kinds of refusal, by what the asker can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalCode {
    /// The statement or message is wrong, and will stay so.
    Invalid,
    /// The node has no such key, session or ceremony.
    NotFound,
    /// This attempt was used: ask with the next.
    AttemptUsed,
    /// No attempts are left for the subject.
    AttemptsExhausted,
    /// Signers are not on the same trust root or policy bundle.
    HeadsDiffer,
    /// The session failed, through messages of others or of the asker.
    Aborted,
    /// A limit is reached: later may do.
    Busy,
    /// Too early, too late, or the node doubts its clock.
    Time,
    /// The node has not found out yet whether it was put back to an earlier state, or it was.
    LogInDoubt,
    /// A freeze or a suspension is in force: until it is lifted.
    Frozen,
    /// Another signer shows an older audit log than before.
    PeerPutBack,
    /// What this node and that signer share for an ECDSA key must not be used again.
    PairFrozen(ParticipantId),
}

/// How a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStatus {
    /// What it knows to be newest.
    pub heads: Heads,
    /// How many keys it could sign with now.
    pub active_keys: u64,
    /// Signing sessions that hold nonces.
    pub open_sessions: u64,
    /// Whether it could sign now.
    pub ready: bool,
    /// Why not.
    pub reasons: Vec<String>,
    /// The freezes and suspensions in force and the pairs that must not sign together, each in words.
    pub stops: Vec<String>,
    /// The version of the trust root in force.
    pub root_version: u64,
    /// The version of the policy bundle in force.
    pub policy_version: u64,
    /// What waits to come into force, each in words.
    pub scheduled: Vec<String>,
    /// The version of its software.
    pub version: String,
    /// Where it doubts its clock or its audit log: what others are to sign beside what they know.
    pub challenge: Option<Digest>,
}

impl Transcribe for SignedDenial {
    fn transcribe(&self, transcript: &mut Transcript) {
        transcript.digest(&self.request).text(&self.reason).value(&self.heads);
    }
}

impl Body for SignedDenial {
    const TAG: Tag = Tag::Denial;
}

impl Transcribe for Deferral {
    fn transcribe(&self, transcript: &mut Transcript) {
        transcript.digest(&self.request).u64(self.missing.len() as u64);
        for MissingQuorum { name, required, present, members } in &self.missing {
            transcript.text(name.as_str()).u64(*required as u64);
            for persons in [present, members] {
                transcript.list(persons.iter().map(|name| name.as_str().as_bytes()));
            }
        }
        transcript.u64(self.verdicts.len() as u64);
        for MissingVerdict { name, provider } in &self.verdicts {
            transcript.text(name.as_str()).text(provider.as_str());
        }
        let until = self.until.map_or(0, Timestamp::millis);
        transcript.u64(u64::from(self.until.is_some())).u64(until).text(&self.reason);
        transcript.digest(&self.effects).value(&self.heads);
    }
}

impl Body for Deferral {
    const TAG: Tag = Tag::Deferral;
}

impl Transcribe for Acceptance {
    fn transcribe(&self, transcript: &mut Transcript) {
        transcript.digest(&self.order).u64(self.begins.millis()).value(&self.heads);
    }
}

impl Body for Acceptance {
    const TAG: Tag = Tag::Acceptance;
}

impl Transcribe for Testimony {
    fn transcribe(&self, transcript: &mut Transcript) {
        transcript.u64(u64::from(self.asker.get())).digest(&self.challenge).digest(&self.holds);
        transcript.u64(u64::from(self.seen.is_some()));
        if let Some(Signed { from, body, signature }) = &self.seen {
            transcript.u64(u64::from(from.get())).value(body).bytes(signature.as_bytes());
        }
        transcript.value(&self.heads);
    }
}

impl Body for Testimony {
    const TAG: Tag = Tag::Testimony;
}
