//! What a signing attempt is about, and what its signers say.

use std::collections::BTreeMap;

use quorate_model::{
    Attempt, ClusterId, DerivationPath, Digest, Epoch, Heads, KeyId, ParticipantId, ParticipantSet,
    Scheme, Tag, Transcribe, Transcript,
};
use quorate_trust::{Body, Signed};

/// Everything that a signer commits to before it makes a nonce. Each signer computes it itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningContext {
    /// The cluster.
    pub cluster: ClusterId,
    /// The key.
    pub key: KeyId,
    /// Its scheme.
    pub scheme: Scheme,
    /// The epoch of the shares.
    pub epoch: Epoch,
    /// Digest of the request, or of the confirmation statement.
    pub subject: Digest,
    /// Which try at it.
    pub attempt: Attempt,
    /// Exactly who signs.
    pub signing_set: ParticipantSet,
    /// Which child of the key signs.
    pub path: DerivationPath,
    /// The messages to sign, in order.
    pub messages: Vec<Vec<u8>>,
}

/// Round one: a signer's nonce commitments, one pair for each message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReserveAnswer {
    /// Digest of the [`SigningContext`].
    pub context: Digest,
    /// For each message the hiding and the binding commitment, encoded.
    pub commitments: Vec<[Vec<u8>; 2]>,
    /// For an ECDSA key, which has no commitments, what makes the session.
    pub offer: Option<Offer>,
    /// What the node knows to be newest.
    pub heads: Heads,
}

/// The heads of a [`ReserveAnswer`] with as much of it as its signature takes to verify: so whoever was shown
/// them can show them to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweredHeads {
    /// Hash of all else that was answered.
    pub rest: Digest,
    /// What the node knew to be newest.
    pub heads: Heads,
}

/// What a signer of an ECDSA key announces before the rounds of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Fresh randomness, so that no session repeats.
    pub nonce: [u8; 32],
    /// X25519 public key (RFC 7748).
    pub ephemeral: [u8; 32],
}

/// Round two: a signer's signature shares, one for each message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareAnswer {
    /// Digest of the context.
    pub context: Digest,
    /// Digest of the signing package: the context and everybody's reserve answer.
    pub package: Digest,
    /// For each message a share, encoded.
    pub shares: Vec<Vec<u8>>,
}

impl SigningContext {
    /// The digest that every answer of the attempt carries.
    pub fn digest(&self) -> Digest {
        Transcript::new(Tag::SigningContext).value(self).finish()
    }
}

/// The digest of a signing package: what a signer releases its shares for.
pub(crate) fn package_digest(
    context: &Digest,
    answers: &BTreeMap<ParticipantId, ReserveAnswer>,
) -> Digest {
    let mut transcript = Transcript::new(Tag::SigningPackage);
    transcript.digest(context).u64(answers.len() as u64);
    for (id, answer) in answers {
        transcript.u64(u64::from(id.get())).value(answer);
    }
    transcript.finish()
}

impl Transcribe for SigningContext {
    fn transcribe(&self, transcript: &mut Transcript) {
        transcript
            .digest(&self.cluster)
            .text(self.key.as_str())
            .text(self.scheme.as_str())
            .u64(self.epoch.0)
            .digest(&self.subject)
            .u64(u64::from(self.attempt.0))
            .participants(&self.signing_set)
            .text(&self.path.to_string())
            .list(self.messages.iter().map(Vec::as_slice));
    }
}

impl ReserveAnswer {
    /// Hash of all but the heads.
    fn rest(&self) -> Digest {
        let mut transcript = Transcript::new(Tag::ReserveRest);
        transcript.digest(&self.context).u64(self.commitments.len() as u64);
        for [hiding, binding] in &self.commitments {
            transcript.bytes(hiding).bytes(binding);
        }
        transcript.u64(u64::from(self.offer.is_some()));
        if let Some(Offer { nonce, ephemeral }) = &self.offer {
            transcript.bytes(nonce).bytes(ephemeral);
        }
        transcript.finish()
    }
}

impl AnsweredHeads {
    /// The heads in a signed answer. The signature of the one is that of the other.
    pub fn of(answer: &Signed<ReserveAnswer>) -> Signed<Self> {
        let body = Self { rest: answer.body.rest(), heads: answer.body.heads };
        Signed { from: answer.from, body, signature: answer.signature }
    }
}

impl Transcribe for ReserveAnswer {
    fn transcribe(&self, transcript: &mut Transcript) {
        transcript.digest(&self.rest()).value(&self.heads);
    }
}

impl Transcribe for AnsweredHeads {
    fn transcribe(&self, transcript: &mut Transcript) {
        transcript.digest(&self.rest).value(&self.heads);
    }
}

impl Body for AnsweredHeads {
    const TAG: Tag = Tag::ReserveAnswer;
}

impl Transcribe for ShareAnswer {
    fn transcribe(&self, transcript: &mut Transcript) {
        transcript.digest(&self.context).digest(&self.package);
        transcript.list(self.shares.iter().map(Vec::as_slice));
    }
}

impl Body for ReserveAnswer {
    const TAG: Tag = Tag::ReserveAnswer;
}

impl Body for ShareAnswer {
    const TAG: Tag = Tag::ShareAnswer;
}
