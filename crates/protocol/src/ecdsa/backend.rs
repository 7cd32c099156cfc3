//! The seam to the library that does the work: bytes in, bytes out, one function for each round.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use quorate_model::{Digest, ParticipantId, ParticipantSet, Threshold};

use super::pairs::PairStates;
use crate::exchange::{Inbox, Outbox};
use crate::sign::KeyShareError;
use crate::{Abort, AbortReason, CertifiedKey, ChildKey, SecretShare};

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
    ) -> Result<(Box<dyn KeygenRound>, Outbox), Fault>;

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

/// A key generation between two rounds: consumed by the step that leaves it.
pub trait KeygenRound: Send {
    /// Takes what everybody said.
    ///
    /// # Errors
    /// [`Fault`].
    fn step(self: Box<Self>, inbox: Inbox) -> Result<KeygenStep, Fault>;
}

/// What follows a round of key generation.
pub enum KeygenStep {
    /// Another round.
    Next(Box<dyn KeygenRound>, Outbox),
    /// The share.
    Done(Box<NewEcdsaShare>),
}

/// What a key generation makes at one participant.
pub struct NewEcdsaShare {
    /// Its share.
    pub share: SecretShare,
    /// What it shares with each of the others.
    pub pairs: PairStates,
    /// The group key: 33 bytes (compressed, SEC 1).
    pub group_verifying_key: Vec<u8>,
    /// Everybody's verifying share, in the same encoding.
    pub verifying_shares: BTreeMap<ParticipantId, Vec<u8>>,
    /// The chain code that all agreed on (BIP-32).
    pub chain_code: [u8; 32],
}

/// A share, ready to sign.
pub trait EcdsaShare: Send + Sync {
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

/// Why a round fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A message of that participant is refused; nothing that lasts is harmed.
    #[error("node {from}: {what}")]
    Refused {
        /// Whose.
        from: ParticipantId,
        /// Why.
        what: String,
    },
    /// A check failed on which the safety of the state shared with that participant rests: it must not
    /// be used again.
    #[error("the multiplication with node {with} failed: {what}")]
    Pair {
        /// With whom.
        with: ParticipantId,
        /// Which check.
        what: String,
    },
    /// Nobody's in particular.
    #[error("{0}")]
    Other(String),
}

impl From<Fault> for Abort {
    fn from(fault: Fault) -> Self {
        Self::unproven(match fault {
            Fault::Refused { from, what } => AbortReason::Refused { from, what },
            Fault::Pair { with, what } => AbortReason::Multiplication { with, what },
            Fault::Other(what) => AbortReason::Library(what),
        })
    }
}
