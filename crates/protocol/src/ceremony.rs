//! What participants of a ceremony say to each other.

use std::collections::BTreeMap;

use quorate_model::{
    Activation, Attempt, ClusterId, Digest, Epoch, KeyId, ParticipantId, ParticipantSet, Scheme,
    SessionId, Tag, Threshold, Transcribe, Transcript,
};
use quorate_trust::{Body, KeyOrder};

use crate::Resharing;

/// What a ceremony is about, as each node derives it from the order that it verified itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ceremony {
    /// The cluster.
    pub cluster: ClusterId,
    /// Digest of the order.
    pub order: Digest,
    /// Which try at the order.
    pub attempt: Attempt,
    /// The key to be made.
    pub key: KeyId,
    /// Its scheme.
    pub scheme: Scheme,
    /// The epoch that the ceremony makes.
    pub epoch: Epoch,
    /// Signers required.
    pub threshold: Threshold,
    /// Who will hold a share.
    pub roster: ParticipantSet,
    /// Whether the key may sign raw digests.
    pub raw_ok: bool,
    /// When the key begins to sign.
    pub activation: Activation,
    /// Where the key exists: how its next sharing comes about.
    pub resharing: Option<Resharing>,
}

impl Ceremony {
    /// The ceremony that an order to generate a key asks for.
    pub fn generate_key(order: &KeyOrder, attempt: Attempt) -> Self {
        let (verified, generate) = (order.verified(), order.generate_key());
        Self {
            cluster: verified.order().cluster,
            order: verified.digest(),
            attempt,
            key: generate.key.clone(),
            scheme: generate.scheme,
            epoch: Epoch::FIRST,
            threshold: generate.threshold,
            roster: generate.roster.clone(),
            raw_ok: generate.raw_ok,
            activation: generate.activation,
            resharing: None,
        }
    }

    /// Everybody who has a part in it: who will hold a share, and who gives one away.
    pub fn participants(&self) -> ParticipantSet {
        match &self.resharing {
            Some(resharing) => self.roster.union(&resharing.dealers),
            None => self.roster.clone(),
        }
    }

    /// The session id: the hash of all of this and of everybody's round-0 announcement.
    pub fn session_id(&self, announcements: &BTreeMap<ParticipantId, Announcement>) -> SessionId {
        let mut transcript = Transcript::new(Tag::Session);
        transcript.value(self).u64(announcements.len() as u64);
        for (id, announcement) in announcements {
            transcript.u64(u64::from(id.get())).value(announcement);
        }
        transcript.finish()
    }
}

impl Transcribe for Ceremony {
    fn transcribe(&self, transcript: &mut Transcript) {
        transcript
            .digest(&self.cluster)
            .digest(&self.order)
            .u64(u64::from(self.attempt.0))
            .text(self.key.as_str())
            .text(self.scheme.as_str())
            .u64(self.epoch.0)
            .u64(u64::from(self.threshold.get()))
            .participants(&self.roster)
            .u64(u64::from(self.raw_ok))
            .text(self.activation.as_str())
            .u64(u64::from(self.resharing.is_some()));
        if let Some(Resharing { predecessor, dealers }) = &self.resharing {
            transcript.digest(predecessor).participants(dealers);
        }
    }
}

/// Round 0: a fresh nonce, so that no session repeats, and an ephemeral key for secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Digest of the order.
    pub order: Digest,
    /// Which try.
    pub attempt: Attempt,
    /// Fresh randomness.
    pub nonce: [u8; 32],
    /// X25519 public key (RFC 7748).
    pub ephemeral: [u8; 32],
}

/// Round 1: commitments to the coefficients of a polynomial, and a proof of knowledge of the
/// constant one (FROST, figure 1, round 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round1 {
    /// The session.
    pub session: SessionId,
    /// One encoded element per coefficient: as many as the threshold.
    pub commitments: Vec<Vec<u8>>,
    /// The encoded proof.
    pub proof_of_knowledge: Vec<u8>,
}

/// Round 2: what this participant saw so far, and a share for each of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round2 {
    /// The session.
    pub session: SessionId,
    /// The hash of all announcements and all round-1 messages.
    pub echo: Digest,
    /// One sealed share for each other participant, ascending.
    pub shares: Vec<SealedShare>,
}

/// A share that only its receiver can open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedShare {
    /// For whom.
    pub to: ParticipantId,
    /// ChaCha20-Poly1305 ciphertext of the share.
    pub sealed: Vec<u8>,
}

/// One participant's irrevocable vote for a new sharing: "my share is durable".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// Digest of the [`crate::CertifiedKey`] that is voted for.
    pub certified: Digest,
}

impl Transcribe for Announcement {
    fn transcribe(&self, transcript: &mut Transcript) {
        transcript.digest(&self.order).u64(u64::from(self.attempt.0));
        transcript.bytes(&self.nonce).bytes(&self.ephemeral);
    }
}

impl Transcribe for Round1 {
    fn transcribe(&self, transcript: &mut Transcript) {
        transcript.digest(&self.session);
        transcript.list(self.commitments.iter().map(Vec::as_slice));
        transcript.bytes(&self.proof_of_knowledge);
    }
}

impl Transcribe for Round2 {
    fn transcribe(&self, transcript: &mut Transcript) {
        transcript.digest(&self.session).digest(&self.echo).u64(self.shares.len() as u64);
        for share in &self.shares {
            transcript.u64(u64::from(share.to.get())).bytes(&share.sealed);
        }
    }
}

impl Transcribe for Vote {
    fn transcribe(&self, transcript: &mut Transcript) {
        transcript.digest(&self.certified);
    }
}

impl Body for Announcement {
    const TAG: Tag = Tag::CeremonyAnnouncement;
}

impl Body for Round1 {
    const TAG: Tag = Tag::CeremonyRound1;
}

impl Body for Round2 {
    const TAG: Tag = Tag::CeremonyRound2;
}

impl Body for Vote {
    const TAG: Tag = Tag::CeremonyVote;
}
