//! EVM chains: transactions of every type, personal messages, typed data and authorisations, with
//! calls decoded into what they do.
//!
//! What is signed is computed here, from the decoded payload; the payload is what that encodes to,
//! byte by byte, or it is refused. A call is decoded by its selector, without knowledge of the code at
//! the address: `transfer(address,uint256)` is told as a transfer of the token whose contract is
//! called, whatever that contract is. So a token is what a policy's registry of assets says it is,
//! by its contract's address; one that is not in it is refused.

mod abi;
mod account;
mod authority;
mod batch;
mod call;
mod collection;
mod delegation;
mod error;
mod finish;
mod message;
mod permit2;
mod safe;
mod shown;
mod token;
mod transaction;
mod typed_data;

use alloy_primitives::B256;
use quorate_model::ChainId;
use ruint::aliases::U256;

pub use error::EvmError;
pub use finish::finalize;
pub use typed_data::TypedDataError;

pub(crate) use account::{account, account_of, text};

use crate::chain::Chain;
use crate::{Amount, Asset, Claim, DecodeError, Decoded, Effect, Intent, PayingKey, Payload};

/// A payload, decoded.
struct Read {
    effects: Vec<Effect>,
    /// At most so much, in wei.
    fee: U256,
    account_nonce: Option<u64>,
    validity: &'static str,
    digest: B256,
}

/// Decodes a payload of one of the EVM's formats that `key` is asked to sign.
pub(crate) fn decode(payload: &Payload, key: PayingKey<'_>) -> Result<Decoded, DecodeError> {
    let from = account(key)?;
    let chain = chain_of(key)?;
    let read = match payload {
        Payload::EvmTransaction(bytes) => transaction::read(bytes, chain, from)?,
        Payload::EvmMessage(bytes) => message::read(bytes, chain)?,
        Payload::EvmTypedData(json) => typed_data::read(json, chain, from)?,
        Payload::EvmAuthorization(bytes) => delegation::read(bytes, chain)?,
        Payload::BitcoinPsbt(_) | Payload::SolanaMessage(_) | Payload::RawDigest(_) => {
            let (format, network) = (payload.format(), key.network);
            return Err(DecodeError::WrongFormat { format, network });
        }
    };
    // An account signs one transaction for each nonce: the next one with it takes its place.
    let claim = |nonce| Claim {
        what: format!("nonce:{}:{}:{nonce}", key.network, text(&from)),
        value: String::new(),
    };
    let claims = read.account_nonce.map(claim).into_iter().collect();
    let intent = Intent {
        network: key.network,
        from: crate::Address(text(&from)),
        effects: read.effects,
        fee: Amount { asset: Asset::native(key.network), base_units: read.fee },
        change: Vec::new(),
        nonce_account: None,
        account_nonce: read.account_nonce,
        validity: read.validity.to_owned(),
        payload_digest: payload.digest(),
    };
    Ok(Decoded { intent, signing_messages: vec![read.digest.to_vec()], claims })
}

/// The chain that a key is asked to sign for.
fn chain_of(key: PayingKey<'_>) -> Result<ChainId, DecodeError> {
    match Chain::of(key.network) {
        Chain::Evm(chain) => Ok(chain),
        Chain::Bitcoin(_) | Chain::Solana => {
            let bytes = key.group_verifying_key.len();
            Err(DecodeError::Key { bytes, scheme: key.scheme, network: key.network })
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
