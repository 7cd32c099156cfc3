//! Threshold ECDSA over secp256k1: DKLs23 (Doerner, Kondi, Lee, shelat; ePrint 2023/765) as rounds of
//! an [`exchange`](crate::exchange), behind a trait of ours.
//!
//! Key generation and signing take three rounds each, after a round 0 in which everybody announces
//! fresh randomness and an ephemeral key. There are no presignatures: message, signers and child key
//! are fixed before round 1 (threats P7, P23).

mod backend;
mod combine;
mod dkls23;
mod keygen;
mod pairs;
mod sign;
#[cfg(test)]
mod tests;

pub use backend::{EcdsaBackend, EcdsaShare, PartialSignature, SignRound, SignStep, Signing};
pub use combine::{combine, verify};
pub use dkls23::Dkls23;
pub use keygen::{EcdsaAnnounced, begin_keygen};
pub(crate) use pairs::pair_covering_sets;
pub use pairs::{PairState, PairStates, covers_pairs};
pub(crate) use sign::offers;
pub use sign::{EcdsaKeyShare, EcdsaReserved, EcdsaSigning, SigningProgress};

/// The most holders of an ECDSA key: a holder's message of a round of key generation is about
/// 150 kB for each of the others, and has to fit one frame.
pub const HOLDERS_MAX: usize = 12;

/// The most messages in a request times counterparties in its signing set: each is 56 kB in a round.
pub const SIGNINGS_MAX: usize = 32;
