//! The one encoding under every hash and every signature of a program.

use sha2::{Digest as _, Sha256};

use crate::{Digest, ParticipantSet};

/// What a hash is for. Every domain tag of quorate is in this list, so that no two uses share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tag {
    /// A version of the trust root; of the genesis, the cluster id.
    TrustRoot,
    /// A person's order.
    Order,
    /// Every order that a node carried out, those to make keys aside.
    Orders,
    /// The messages that a request would have signed.
    SigningMessages,
    /// A person's approval of a request.
    Approval,
    /// The payload of a program's statement, under a service's signature.
    SignRequest,
    /// A risk provider's verdict.
    RiskVerdict,
    /// One run of a ceremony.
    Session,
    /// A participant's round-0 announcement.
    CeremonyAnnouncement,
    /// A participant's round-1 commitments and proof.
    CeremonyRound1,
    /// A participant's round-2 echo and sealed shares.
    CeremonyRound2,
    /// The echo of all announcements and round-1 messages.
    CeremonyEcho,
    /// What a certificate certifies.
    CertifiedKey,
    /// A participant's vote.
    CeremonyVote,
    /// The certified chain code.
    ChainCode,
    /// The message of a key confirmation.
    KeyConfirmation,
    /// Derivation of a pairwise key.
    PairwiseKey,
    /// A participant's message of one round of an exchange.
    ExchangeMessage,
    /// Everybody's messages of an exchange so far.
    ExchangeSeen,
    /// A sealed part of a message.
    SealedPart,
    /// One ECDSA signing of an attempt.
    EcdsaSigning,
    /// The context of a signing attempt.
    SigningContext,
    /// A signer's reserve answer.
    ReserveAnswer,
    /// A signer's reserve answer without its heads.
    ReserveRest,
    /// All that the signers of an attempt answered: the signing package.
    SigningPackage,
    /// A signer's released shares.
    ShareAnswer,
    /// A node's signed refusal of a request.
    Denial,
    /// A node's word that a request may be signed later.
    Deferral,
    /// All orders about stops and states of keys that a node carried out.
    Holds,
    /// A node's word that it carried out an order.
    Acceptance,
    /// What a node that has just started has others sign.
    Challenge,
    /// What a node says to another that has just started.
    Testimony,
    /// A policy bundle.
    Bundle,
    /// An entry of an audit log.
    AuditEntry,
    /// The records of a node whose loss would undo a decision.
    SafetyState,
    /// The effects of an intent.
    Effects,
    /// A payload.
    Payload,
    /// What binds a store to the process that it belongs to.
    StoreBinding,
    /// What everybody may read of a backup: its digest names it.
    Backup,
    /// Derivation of the key that seals a backup's contents.
    BackupBody,
    /// The file with an officer's piece of a backup.
    BackupPiece,
    /// Proof that a backup holds a share.
    RestoreProof,
}

impl Tag {
    const fn as_str(self) -> &'static str {
        match self {
            Self::TrustRoot => "quorate/v1/trust-root",
            Self::Order => "quorate/v1/order",
            Self::Orders => "quorate/v1/orders",
            Self::SigningMessages => "quorate/v1/signing-messages",
            Self::Approval => "quorate/v1/approval",
            Self::SignRequest => "quorate/v1/sign-request",
            Self::RiskVerdict => "quorate/v1/risk-verdict",
            Self::Session => "quorate/v1/session",
            Self::CeremonyAnnouncement => "quorate/v1/ceremony-announcement",
            Self::CeremonyRound1 => "quorate/v1/ceremony-round1",
            Self::CeremonyRound2 => "quorate/v1/ceremony-round2",
            Self::CeremonyEcho => "quorate/v1/ceremony-echo",
            Self::CertifiedKey => "quorate/v1/certified-key",
            Self::CeremonyVote => "quorate/v1/ceremony-vote",
            Self::ChainCode => "quorate/v1/chain-code",
            Self::KeyConfirmation => "quorate/v1/key-confirmation",
            Self::PairwiseKey => "quorate/v1/pairwise-key",
            Self::ExchangeMessage => "quorate/v1/exchange-message",
            Self::ExchangeSeen => "quorate/v1/exchange-seen",
            Self::SealedPart => "quorate/v1/sealed-part",
            Self::EcdsaSigning => "quorate/v1/ecdsa-signing",
            Self::SigningContext => "quorate/v1/signing-context",
            Self::ReserveAnswer => "quorate/v1/reserve-answer",
            Self::ReserveRest => "quorate/v1/reserve-rest",
            Self::SigningPackage => "quorate/v1/signing-package",
            Self::ShareAnswer => "quorate/v1/share-answer",
            Self::Denial => "quorate/v1/denial",
            Self::Deferral => "quorate/v1/deferral",
            Self::Holds => "quorate/v1/holds",
            Self::Acceptance => "quorate/v1/acceptance",
            Self::Challenge => "quorate/v1/challenge",
            Self::Testimony => "quorate/v1/testimony",
            Self::Bundle => "quorate/v1/bundle",
            Self::AuditEntry => "quorate/v1/audit-entry",
            Self::SafetyState => "quorate/v1/safety-state",
            Self::Effects => "quorate/v1/effects",
            Self::Payload => "quorate/v1/payload",
            Self::StoreBinding => "quorate/v1/store-binding",
            Self::Backup => "quorate/v1/backup",
            Self::BackupBody => "quorate/v1/backup-body",
            Self::BackupPiece => "quorate/v1/backup-piece",
            Self::RestoreProof => "quorate/v1/restore-proof",
        }
    }
}

/// Hashes fields one after the other, each with its length, under a domain tag. Equal digests mean
/// equal tags and equal fields: no two lists of fields have one encoding.
#[derive(Debug, Clone)]
pub struct Transcript(Sha256);

impl Transcript {
    /// Begins a transcript for one use.
    pub fn new(tag: Tag) -> Self {
        let mut transcript = Self(Sha256::new());
        transcript.bytes(tag.as_str().as_bytes());
        transcript
    }

    /// Appends bytes, with their length.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.u64(bytes.len() as u64);
        self.0.update(bytes);
        self
    }

    /// Appends a number.
    pub fn u64(&mut self, number: u64) -> &mut Self {
        self.0.update(number.to_be_bytes());
        self
    }

    /// Appends a digest.
    pub fn digest(&mut self, digest: &Digest) -> &mut Self {
        self.bytes(digest.as_bytes())
    }

    /// Appends text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    /// Appends a set of participants.
    pub fn participants(&mut self, set: &ParticipantSet) -> &mut Self {
        self.u64(set.len() as u64);
        set.iter().for_each(|id| {
            self.u64(u64::from(id.get()));
        });
        self
    }

    /// Appends a list of byte strings, with its length.
    pub fn list<'a>(&mut self, items: impl ExactSizeIterator<Item = &'a [u8]>) -> &mut Self {
        self.u64(items.len() as u64);
        items.for_each(|item| {
            self.bytes(item);
        });
        self
    }

    /// Appends a value by its own description.
    pub fn value(&mut self, value: &impl Transcribe) -> &mut Self {
        value.transcribe(self);
        self
    }

    /// The digest of everything appended.
    pub fn finish(&self) -> Digest {
        Digest::new(self.0.clone().finalize().into())
    }
}

/// A value that can be appended to a transcript, field by field, injectively.
pub trait Transcribe {
    /// Appends every field that has meaning.
    fn transcribe(&self, transcript: &mut Transcript);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_run_together() {
        let digest = |parts: &[&str]| {
            let mut transcript = Transcript::new(Tag::Session);
            parts.iter().for_each(|part| {
                transcript.text(part);
            });
            transcript.finish()
        };
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_ne!(digest(&["ab"]), digest(&["ab", ""]));
        assert_ne!(Transcript::new(Tag::Session).finish(), Transcript::new(Tag::Order).finish());
    }
}
