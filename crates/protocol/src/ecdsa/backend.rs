//! The seam to the library that does the work: bytes in, bytes out, one function for each round.

use std::fmt;
use std::sync::Arc;

use quorate_model::{Digest, ParticipantId, ParticipantSet, Threshold};

use super::pairs::PairStates;
use crate::exchange::{Inbox, Outbox};
use crate::rounds::{CeremonyRound, Fault};
use crate::sign::KeyShareError;
use crate::{CertifiedKey, ChildKey, SecretShare};

/// A protocol for threshold ECDSA.
pub trait EcdsaBackend: fmt::Debug + Send + Sync {
    /// Begins a key generation: round 1. `entropy` is fresh randomness of the caller, for a backend
    /// that has none of its own.
    ///
    /// # Errors
    /// [`Fault`].
    fn generate(
        &self,
        session: Digest,
        me: ParticipantId,
        roster: &ParticipantSet,
        threshold: Threshold,
        entropy: [u8; 32],
    ) -> Result<(Box<dyn CeremonyRound>, Outbox), Fault>;

    /// Where the polynomials of a sharing are evaluated for a holder; `None` for somebody who is none.
    fn point(&self, roster: &ParticipantSet, id: ParticipantId) -> Option<u16>;

    /// Begins the rounds of a key generation that follow the dealing, for shares that were dealt
    /// otherwise: they prove the shares, and set up what each pair of holders shares. `among` is everybody
    /// who holds one, and how many sign.
    ///
    /// # Errors
    /// [`Fault`].
    fn set_up(
        &self,
        session: Digest,
        me: ParticipantId,
        among: (&ParticipantSet, Threshold),
        share: &SecretShare,
        entropy: [u8; 32],
    ) -> Result<(Box<dyn CeremonyRound>, Outbox), Fault>;

    /// Takes up a stored share.
    ///
    /// # Errors
    /// [`KeyShareError`], also where the share is not the certified one.
    fn load(
        &self,
        certified: &CertifiedKey,
        me: ParticipantId,
        share: &SecretShare,
        pairs: &PairStates,
    ) -> Result<Arc<dyn EcdsaShare>, KeyShareError>;
}

/// A share, ready to sign.
pub trait EcdsaShare: Send + Sync {
    /// The share itself, to be dealt to the holders of the next sharing.
    fn secret_share(&self) -> SecretShare;

    /// Begins a signing: round 1. Message, signers and key are fixed from here on.
    ///
    /// # Errors
    /// [`Fault`].
    fn sign(&self, signing: &Signing<'_>) -> Result<(Box<dyn SignRound>, Outbox), Fault>;
}

/// What is signed, and by whom.
#[derive(Debug)]
pub struct Signing<'a> {
    /// Names this signing: never used before, and the same at every signer.
    pub id: Digest,
    /// Exactly who signs.
    pub signing_set: &'a ParticipantSet,
    /// Which child of the key signs; the key itself where its tweak is zero.
    pub child: &'a ChildKey,
    /// The hash to sign.
    pub message: [u8; 32],
    /// Fresh randomness of the caller, for a backend that has none of its own.
    pub entropy: [u8; 32],
}

/// A signing between two rounds: consumed by the step that leaves it.
pub trait SignRound: Send {
    /// Takes what everybody said.
    ///
    /// # Errors
    /// [`Fault`].
    fn step(self: Box<Self>, inbox: Inbox) -> Result<SignStep, Fault>;
}

/// What follows a round of signing.
pub enum SignStep {
    /// Another round.
    Next(Box<dyn SignRound>, Outbox),
    /// What this signer adds to the signature: with everybody's, anyone can put it together.
    Done(PartialSignature),
}

/// One signer's part of a signature: `s = Σw / Σu` (DKLs23, protocol 3.6, step 10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialSignature {
    /// The x-coordinate of the nonce point, the same for every signer.
    pub r: [u8; 32],
    /// The denominator's part.
    pub u: [u8; 32],
    /// The numerator's part.
    pub w: [u8; 32],
}
