//! Builds plain payments for a key: what the command line and the demo send. Nothing here is trusted:
//! what is built is decoded and decided on like any other payload.

mod bitcoin;
mod evm;
mod solana;

use crate::{DecodeError, ParseAddress};

pub use bitcoin::{Coin, Payment, bitcoin_payment, bitcoin_payment_proven};
pub use evm::{EvmSending, evm_token_transfer, evm_transfer};
pub use solana::{solana_nonce_transfer, solana_transfer};

/// Why a payment cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// The key does not fit the network.
    #[error(transparent)]
    Key(#[from] DecodeError),
    /// The key's network has no such payments.
    #[error("{network} has no {payment}: use the one of its chain")]
    Network {
        /// The key's network.
        network: quorate_model::Network,
        /// What was to be built.
        payment: &'static str,
    },
    /// A destination that is no address of the network.
    #[error(transparent)]
    Address(#[from] ParseAddress),
    /// A coin whose outpoint is not `txid:vout`.
    #[error("{0:?} is no outpoint: expected the transaction id, ':' and the output index")]
    Outpoint(String),
    /// Bytes that are no transaction.
    #[error(
        "previous transaction {0} cannot be decoded: give it whole, as the network serialises it"
    )]
    PreviousTransaction(usize),
    /// A coin of a P2WPKH key without the transaction that made it.
    #[error("the previous transaction of coin {0} is missing: give it whole, it proves the amount")]
    MissingPreviousTransaction(String),
    /// The coins do not cover payments and fee.
    #[error("coins of {coins} sat do not cover {needed} sat of payments and fee: add a coin")]
    Funds {
        /// Worth of the coins, in satoshis.
        coins: u64,
        /// Worth of payments and fee, in satoshis.
        needed: u64,
    },
    /// A sum over 2^64 - 1 satoshis.
    #[error("the amounts overflow: they cannot be real")]
    Overflow,
    /// Change that no node would relay.
    #[error("change of {0} sat is below the dust limit: raise the fee by it, or add a coin")]
    DustChange(u64),
}
