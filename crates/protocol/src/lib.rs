//! Sans-I/O machines for distributed key generation and threshold signing: authentic messages in,
//! ordered outputs out; time and randomness are arguments.
//!
//! Each machine is generic over a [`suite::Suite`], and every state is consumed by the step that
//! leaves it, so that a failed session cannot be resumed and a nonce cannot be used twice.
//!
//! **Architecture invariant:** machines take only messages whose sender was verified
//! ([`quorate_trust::Authentic`]), and name a culprit only on evidence that others can check.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::panic, clippy::expect_used))]

mod abort;
mod announcing;
mod ceremony;
mod certificate;
mod channel;
mod confirmation;
mod derive;
pub mod dkg;
pub mod ecdsa;
mod engine;
pub mod exchange;
#[cfg(test)]
mod fixture;
mod group;
mod inbox;
mod reshare;
mod rounds;
mod secret;
pub mod sign;
pub mod suite;
pub mod wire;

pub use abort::{Abort, AbortReason};
pub use ceremony::{Announcement, Ceremony, Round1, Round2, SealedShare, Vote};
pub use certificate::{Certificate, CertificateError, CertifiedKey, TWEAK_CONVENTION};
pub use confirmation::Confirmation;
pub use derive::{ChildKey, DeriveError, derive_secp256k1};
pub use engine::{Engine, Output};
pub use group::{GroupInfo, verify_signature};
pub use reshare::{ReshareError, Resharing, ResharingAnnounced, begin_resharing};
pub use rounds::{
    CeremonyExchange, CeremonyProgress, CeremonyRound, CeremonyStep, Fault, MadeShare,
};
pub use secret::SecretShare;
