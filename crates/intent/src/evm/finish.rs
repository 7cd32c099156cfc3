//! From a signature to what is sent.

use alloy_eips::Encodable2718 as _;
use alloy_primitives::{B256, Signature, U256};

use super::{EvmError, account, chain_of, decode, delegation, transaction};
use crate::{DecodeError, PayingKey, Payload};

/// What a recovery id becomes in the signature of a message (EIP-191, EIP-712).
const MESSAGE_V: u8 = 27;

/// Puts a signature to the payload that it was made for. `signature` is r, s and the recovery id,
/// 65 bytes, as the nodes sign. What comes back is
/// - of a transaction, the signed one as it is broadcast (EIP-2718);
/// - of an authorisation, the RLP of the signed one, an item of a transaction's list (EIP-7702);
/// - of a message or typed data, r, s and 27 or 28, as contracts and wallets take it.
///
/// # Errors
/// [`DecodeError`] where the payload would be refused by [`crate::decode`], or where the signature is
/// not the key's, has the higher s, or another recovery id.
pub fn finalize(
    payload: &Payload,
    key: PayingKey<'_>,
    signature: &[u8; 65],
) -> Result<Vec<u8>, DecodeError> {
    let decoded = decode(payload, key)?;
    let message = decoded.signing_messages.first().map(Vec::as_slice).unwrap_or_default();
    let digest = B256::try_from(message).map_err(|_| EvmError::Signature)?;
    let chain = chain_of(key)?;
    let signature = verified(signature, digest, key)?;
    Ok(match payload {
        Payload::EvmTransaction(bytes) => {
            transaction::unsigned(bytes, chain)?.into_envelope(signature).encoded_2718()
        }
        Payload::EvmAuthorization(bytes) => {
            let signed = delegation::authorization(bytes)?.into_signed(signature);
            alloy_rlp::encode(signed)
        }
        Payload::EvmMessage(_) | Payload::EvmTypedData(_) => {
            let [body @ .., _] = signature.as_rsy();
            let parity = MESSAGE_V.saturating_add(u8::from(signature.v()));
            [body.as_slice(), &[parity]].concat()
        }
        Payload::BitcoinPsbt(_) | Payload::SolanaMessage(_) | Payload::RawDigest(_) => {
            let (format, network) = (payload.format(), key.network);
            return Err(DecodeError::WrongFormat { format, network });
        }
    })
}

/// The signature, if it is the key's over the digest and in the one form that the network takes
/// (EIP-2).
fn verified(
    signature: &[u8; 65],
    digest: B256,
    key: PayingKey<'_>,
) -> Result<Signature, DecodeError> {
    let (r, rest) = signature.split_first_chunk::<32>().ok_or(EvmError::Signature)?;
    let (s, id) = rest.split_first_chunk::<32>().ok_or(EvmError::Signature)?;
    let parity = match id {
        [0] => false,
        [1] => true,
        _ => return Err(EvmError::Signature.into()),
    };
    let signature = Signature::new(U256::from_be_bytes(*r), U256::from_be_bytes(*s), parity);
    let signer = signature.recover_address_from_prehash(&digest).ok();
    let is_low = signature.normalize_s().is_none();
    if is_low && signer == Some(account(key)?) {
        Ok(signature)
    } else {
        Err(EvmError::Signature.into())
    }
}
