//! Signatures.

use alloy_consensus::TxEnvelope;
use alloy_eips::Decodable2718 as _;
use alloy_primitives::{Signature, U256};

use super::refusals::good;
use super::*;

/// The order of secp256k1 less one.
const ORDER_LESS_ONE: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140";

#[test]
fn a_signed_transaction_is_the_keys_and_what_was_decoded() {
    let key = EvmKey::new(1);
    for bytes in good() {
        let payload = Payload::EvmTransaction(bytes.clone());
        let digest = crate::decode(&payload, key.paying()).unwrap().signing_messages.remove(0);
        let raw = finalize(&payload, key.paying(), &key.sign(&digest)).unwrap();
        let mut rest = raw.as_slice();
        let signed = TxEnvelope::decode_2718(&mut rest).unwrap();
        assert!(rest.is_empty());
        assert_eq!(signed.signature_hash().to_vec(), digest);
        let signer = signed.signature().recover_address_from_prehash(&signed.signature_hash());
        assert_eq!(signer.unwrap(), own());
    }
}

#[test]
fn other_signatures_are_refused() {
    let (key, other) = (EvmKey::new(1), EvmKey::new(2));
    let payload = Payload::EvmTransaction(key.payment());
    let digest = keccak256(payload.as_bytes());
    let good = key.sign(digest.as_slice());
    let mut parity = good;
    parity[64] ^= 1;
    let mut message_v = good;
    message_v[64] += 27;
    let mut spoiled = good;
    spoiled[40] ^= 1;
    // The same point, upside down: valid but for EIP-2.
    let mut high = good;
    let s = U256::from_be_slice(&good[32..64]);
    let order = U256::from_str_radix(ORDER_LESS_ONE, 16).unwrap() + U256::from(1);
    high[32..64].copy_from_slice(&(order - s).to_be_bytes::<32>());
    high[64] ^= 1;
    let recovered = Signature::from_raw_array(&high).unwrap().recover_address_from_prehash(&digest);
    assert_eq!(recovered.unwrap(), own());
    for bad in
        [parity, message_v, spoiled, high, other.sign(digest.as_slice()), [0; 65], [0xff; 65]]
    {
        let refused = finalize(&payload, key.paying(), &bad);
        assert_eq!(refused, Err(DecodeError::Evm(EvmError::Signature)));
    }
    assert!(finalize(&payload, key.paying(), &good).is_ok());
}

#[test]
fn messages_and_authorizations_have_forms_of_their_own() {
    let key = EvmKey::new(1);
    let message = Payload::EvmMessage(b"hello".to_vec());
    let digest = crate::decode(&message, key.paying()).unwrap().signing_messages.remove(0);
    let signature = key.sign(&digest);
    let finished = finalize(&message, key.paying(), &signature).unwrap();
    assert_eq!(finished[..64], signature[..64]);
    assert_eq!(finished[64], 27 + signature[64]);
    let authorization =
        alloy_eips::eip7702::Authorization { chain_id: U256::from(1), address: SAFE, nonce: 1 };
    let payload = Payload::EvmAuthorization(delegation::encoded(&authorization));
    let digest = authorization.signature_hash();
    let finished = finalize(&payload, key.paying(), &key.sign(digest.as_slice())).unwrap();
    let signed: alloy_eips::eip7702::SignedAuthorization =
        alloy_rlp::decode_exact(&finished).unwrap();
    assert_eq!(signed.inner(), &authorization);
    assert_eq!(delegation::authority(&signed), Some(own()));
}
