//! Threshold signing: FROST's two rounds (RFC 9591, section 5) as *reserve* and *share*, with every
//! signer checking every other signer's signed answer.
//!
//! The variant is plain FROST: binding factors over the full list of commitments of the full
//! signing set (RFC 9591, section 4.4), never the optimised one.

mod aggregate;
mod any;
mod context;
mod key_share;
mod reserve;
mod share;
#[cfg(test)]
mod tests;

pub use aggregate::aggregate;
pub use any::{AnyGroupInfo, AnyKeyShare, AnyReserved};
pub(crate) use context::package_digest;
pub use context::{AnsweredHeads, Offer, ReserveAnswer, ShareAnswer, SigningContext};
pub use key_share::{KeyShare, KeyShareError};
pub use reserve::Reserved;
