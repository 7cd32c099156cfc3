//! Decodes a payload into a normalised [`Intent`] and the messages to be signed for it, from the
//! exact bytes, with each chain's own Rust libraries.
//!
//! **Architecture invariant:** what is not understood to the last byte is refused, never guessed.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::panic, clippy::expect_used))]

mod address;
mod asset;
pub mod bitcoin;
mod chain;
pub mod compose;
mod decode;
pub mod evm;
#[cfg(test)]
mod fixture;
mod intent;
mod payload;
mod quote;
mod raw;
pub mod solana;

pub use address::ParseAddress;
pub use asset::ParseAsset;
pub use decode::{
    DecodeError, EFFECTS_MAX, PAYLOAD_BYTES_MAX, SIGNING_MESSAGES_MAX, address, decode,
};
pub use intent::{Address, Amount, Asset, Effect, EffectKind, Flag, Intent};
pub use payload::{Claim, Decoded, PayingKey, Payload};
