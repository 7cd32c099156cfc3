//! The one way in: a payload and the key that is asked to sign it.

use quorate_model::{Network, Scheme};

use crate::bitcoin::{self, PsbtError};
use crate::chain::Chain;
use crate::evm::{self, EvmError};
use crate::solana::{self, MessageError};
use crate::{Address, Decoded, PayingKey, Payload, raw};

/// The longest payload that is decoded, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 256 * 1024;

/// The most messages that one payload may need signed: the inputs of a PSBT.
pub const SIGNING_MESSAGES_MAX: usize = 256;

/// The most effects that one payload may have: each of them is decided on, in every node, twice.
pub const EFFECTS_MAX: usize = 256;

/// Why a payload is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A payload of one chain for the network of another.
    #[error(
        "a {format} payload is not for {network}: send the payload in that network's format, or \
         the request for the payload's network"
    )]
    WrongFormat {
        /// The payload's format.
        format: &'static str,
        /// The network that the request is bound to.
        network: Network,
    },
    /// Over [`PAYLOAD_BYTES_MAX`].
    #[error("the payload has {bytes} bytes, the limit is {PAYLOAD_BYTES_MAX}: split it")]
    TooLong {
        /// How many it has.
        bytes: usize,
    },
    /// Over [`EFFECTS_MAX`].
    #[error("the payload has {effects} effects, the limit is {EFFECTS_MAX}: split it")]
    TooManyEffects {
        /// How many it has.
        effects: usize,
    },
    /// A raw digest of another length.
    #[error("a raw digest has 32 bytes, not {bytes}: hash what is to be signed first")]
    RawDigest {
        /// How many it has.
        bytes: usize,
    },
    /// The group verifying key is not in the encoding of the network's scheme.
    #[error(
        "the group verifying key ({bytes} bytes, {scheme}) is no key that {network} takes: use a key \
         of one of its schemes"
    )]
    Key {
        /// How long the key is.
        bytes: usize,
        /// The scheme that it is said to be of.
        scheme: Scheme,
        /// The network that the request is bound to.
        network: Network,
    },
    /// A PSBT that is refused.
    #[error(transparent)]
    Bitcoin(#[from] PsbtError),
    /// A Solana message that is refused.
    #[error(transparent)]
    Solana(#[from] MessageError),
    /// An EVM payload that is refused.
    #[error(transparent)]
    Evm(#[from] EvmError),
}

/// Decodes a payload that `key` is asked to sign, from its exact bytes alone.
///
/// # Errors
/// [`DecodeError`] for everything that is not understood to the last byte, names another payer than
/// `key`, or is over a limit.
pub fn decode(payload: &Payload, key: PayingKey<'_>) -> Result<Decoded, DecodeError> {
    let bytes = payload.as_bytes().len();
    if bytes > PAYLOAD_BYTES_MAX {
        return Err(DecodeError::TooLong { bytes });
    }
    let decoded = match (payload, Chain::of(key.network)) {
        (Payload::RawDigest(digest), _) => raw::decode(digest, key, payload.digest())?,
        (Payload::BitcoinPsbt(psbt), Chain::Bitcoin(_)) => {
            bitcoin::decode(psbt, key, payload.digest())?
        }
        (Payload::SolanaMessage(message), Chain::Solana) => {
            solana::decode(message, key, payload.digest())?
        }
        (
            Payload::EvmTransaction(_)
            | Payload::EvmMessage(_)
            | Payload::EvmTypedData(_)
            | Payload::EvmAuthorization(_),
            Chain::Evm(_),
        ) => evm::decode(payload, key)?,
        (Payload::BitcoinPsbt(_), Chain::Solana | Chain::Evm(_))
        | (Payload::SolanaMessage(_), Chain::Bitcoin(_) | Chain::Evm(_))
        | (
            Payload::EvmTransaction(_)
            | Payload::EvmMessage(_)
            | Payload::EvmTypedData(_)
            | Payload::EvmAuthorization(_),
            Chain::Bitcoin(_) | Chain::Solana,
        ) => {
            let (format, network) = (payload.format(), key.network);
            return Err(DecodeError::WrongFormat { format, network });
        }
    };
    let effects = decoded.intent.effects.len();
    if effects > EFFECTS_MAX { Err(DecodeError::TooManyEffects { effects }) } else { Ok(decoded) }
}

/// The address at which `key` receives on its network: on Bitcoin P2TR without script tree (BIP-86's
/// output key) or, for `ecdsa-secp256k1`, P2WPKH; on Solana and EVM networks the account of the group key.
///
/// # Errors
/// [`DecodeError::Key`].
pub fn address(key: PayingKey<'_>) -> Result<Address, DecodeError> {
    match Chain::of(key.network) {
        Chain::Bitcoin(_) => Ok(bitcoin::Owner::new(key)?.address),
        Chain::Solana => Ok(Address(solana::payer(key)?.to_string())),
        Chain::Evm(_) => Ok(Address(evm::text(&evm::account(key)?))),
    }
}

#[cfg(test)]
mod tests;
