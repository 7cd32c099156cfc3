//! Personal messages (EIP-191, version 0x45 `E`).

use alloy_consensus::TxEnvelope;
use alloy_eips::Decodable2718 as _;
use alloy_primitives::eip191_hash_message;
use quorate_model::{ChainId, Network};

use super::transaction::Unsigned;
use super::{EvmError, Read, delegation, shown};
use crate::{Address, Amount, Asset, Effect, EffectKind};

/// As much of a message as people are shown: all of it.
const BYTES_MAX: usize = 4_096;

/// Length of a digest. Contracts take the signature of a message that is one for the owner's word on what
/// was hashed: a Safe a transaction, ERC-4337 accounts an operation.
const DIGEST_BYTES: usize = 32;

/// The first byte of everything that EIP-191 defines.
const EIP191: u8 = 0x19;

/// Decodes a message that the key is asked to sign.
pub(super) fn read(bytes: &[u8], chain: ChainId) -> Result<Read, EvmError> {
    if bytes.len() > BYTES_MAX {
        return Err(EvmError::LongMessage { bytes: bytes.len(), max: BYTES_MAX });
    }
    if bytes.len() == DIGEST_BYTES {
        return Err(EvmError::Ambiguous { what: "a digest, as contracts take it" });
    }
    let written = std::str::from_utf8(bytes).ok().and_then(unhexed);
    for bytes in [Some(bytes), written.as_deref()].into_iter().flatten() {
        if let Some(what) = otherwise(bytes) {
            return Err(EvmError::Ambiguous { what });
        }
    }
    let digest = eip191_hash_message(bytes);
    let effect = Effect {
        kind: EffectKind::Message,
        amount: Amount {
            asset: Asset::native(Network::Evm(chain)),
            base_units: Default::default(),
        },
        destination: Address(format!("message:{digest}")),
        flags: Vec::new(),
        detail: match std::str::from_utf8(bytes) {
            Ok(text) => shown::quoted(text),
            Err(_) => shown::hexadecimal(bytes),
        },
    };
    Ok(Read {
        effects: vec![effect],
        fee: Default::default(),
        account_nonce: None,
        validity: "from now on, for ever, as far as the message itself says nothing else",
        digest,
    })
}

/// What the bytes are without the prefix of a message. With it they are no such thing to the network, but
/// whoever asks for it may hope that they will be taken for that.
fn otherwise(bytes: &[u8]) -> Option<&'static str> {
    let signed = || {
        let mut rest = bytes;
        TxEnvelope::decode_2718(&mut rest).is_ok() && rest.is_empty()
    };
    let unsigned = || {
        let mut rest = bytes;
        Unsigned::decode_unsigned(&mut rest).is_ok() && rest.is_empty()
    };
    if bytes.first() == Some(&EIP191) {
        Some("the digest's preimage of typed data or of another message")
    } else if delegation::authorization(bytes).is_ok() {
        Some("an authorization")
    } else if signed() || unsigned() {
        Some("a transaction")
    } else {
        None
    }
}

/// The bytes that a message writes in hexadecimal digits.
fn unhexed(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.trim().trim_start_matches("0x")).ok().filter(|bytes| !bytes.is_empty())
}
