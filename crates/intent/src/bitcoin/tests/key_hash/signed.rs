//! What is signed and put together is what the network's own consensus code accepts.

use bitcoin::consensus::deserialize;
use bitcoin::secp256k1::{self, PublicKey};
use bitcoin::{Amount, EcdsaSighashType, Psbt, Transaction, TxOut};
use bitcoinconsensus::{VERIFY_ALL_PRE_TAPROOT, verify_with_flags};

use super::{decoded, version2_of};
use crate::bitcoin::inputs::{OwnInput, Sighash};
use crate::bitcoin::signature::InputSignature;
use crate::bitcoin::spend::digests;
use crate::bitcoin::{Owner, Place, PsbtError, extract, finalize};
use crate::fixture::BitcoinKey;
use crate::{DecodeError, PayingKey};

/// The order of the group.
const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

fn signatures(key: &BitcoinKey, psbt: &[u8]) -> Vec<Vec<u8>> {
    let messages = decoded(key, psbt.to_vec()).unwrap().signing_messages;
    messages.iter().map(|message| key.sign(message)).collect()
}

fn signed(key: &BitcoinKey, psbt: &[u8]) -> Vec<u8> {
    finalize(psbt, key.paying(), &signatures(key, psbt)).unwrap()
}

/// Whether consensus accepts every input, where the spent outputs are worth `sats`.
fn accepted(key: &BitcoinKey, transaction: &[u8], sats: &[u64]) -> bool {
    let script = Owner::new(key.paying()).unwrap().script;
    sats.iter().enumerate().all(|(index, sats)| {
        let (script, flags) = (script.as_bytes(), VERIFY_ALL_PRE_TAPROOT);
        verify_with_flags(script, *sats, transaction, None, index, flags).is_ok()
    })
}

/// r, and n - s in the place of s: as valid to the curve, and not relayed.
fn high(signature: &[u8]) -> Vec<u8> {
    use ruint::aliases::U256;
    let order = U256::from_str_radix(ORDER, 16).unwrap();
    let s = U256::from_be_slice(&signature[32..64]);
    let high: [u8; 32] = (order - s).to_be_bytes();
    [&signature[..32], &high, &signature[64..]].concat()
}

/// The native P2WPKH example of BIP-143, whose second input is ours: digest and signature.
#[test]
fn digest_and_signature_are_those_of_bip143() {
    let unsigned = "0100000002fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f\
        0000000000eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a01000000\
        00ffffffff02202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d00\
        0000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac11000000";
    let unsigned: Transaction = deserialize(&hex::decode(unsigned).unwrap()).unwrap();
    let key = "025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee6357";
    let group_verifying_key = &hex::decode(key).unwrap();
    let paying = PayingKey { group_verifying_key, ..BitcoinKey::ecdsa(1).paying() };
    let owner = Owner::new(paying).unwrap();
    let script = "00141d0f172a0ecb48aee1be1f2687d2963ae33f71a1";
    assert_eq!(owner.script.to_hex_string(), script);
    let inputs = unsigned.input.iter().map(|input| OwnInput {
        outpoint: input.previous_output,
        prevout: TxOut {
            value: Amount::from_sat(600_000_000),
            script_pubkey: owner.script.clone(),
        },
        sighash: Sighash::SegwitV0,
    });
    let digest = digests(&unsigned, &inputs.collect::<Vec<_>>()).unwrap()[1];
    let expected = "c37af31116d1b27caf68aae9e3ac82f1477929014d5b917657d0eb49478cb670";
    assert_eq!(hex::encode(digest), expected);
    let signature = "304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220\
        573a954c4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee01";
    let signature = hex::decode(signature).unwrap();
    let read = InputSignature::from_bytes(&signature, &owner.form).unwrap();
    assert!(read.verifies(digest, &owner.form));
    assert_eq!(read.witness(&owner.form).to_vec(), [signature, group_verifying_key.clone()]);
}

#[test]
fn signed_transactions_are_accepted_for_either_parity_of_the_key() {
    let mut parities = std::collections::BTreeSet::new();
    for secret in 1..=6 {
        let key = BitcoinKey::ecdsa(secret);
        parities.insert(key.paying().group_verifying_key[0]);
        for psbt in [key.payment(), version2_of(&key.payment())] {
            let transaction = extract(&signed(&key, &psbt), key.paying()).unwrap();
            assert!(accepted(&key, &transaction, &[70_000, 50_000]), "{secret}");
            assert!(!accepted(&key, &transaction, &[70_000, 49_999]), "{secret}");
        }
    }
    assert_eq!(parities.len(), 2);
}

#[test]
fn a_witness_is_the_signature_and_the_key() {
    let key = BitcoinKey::ecdsa(1);
    let transaction = extract(&signed(&key, &key.payment()), key.paying()).unwrap();
    let transaction: Transaction = deserialize(&transaction).unwrap();
    for input in &transaction.input {
        let [signature, public_key] = &input.witness.to_vec()[..] else { panic!("{input:?}") };
        assert_eq!(public_key, key.paying().group_verifying_key);
        // DER, and the byte of SIGHASH_ALL.
        assert_eq!((signature[0], signature.last()), (0x30, Some(&1)));
    }
}

#[test]
fn the_finalised_psbt_keeps_its_fields() {
    let key = BitcoinKey::ecdsa(1);
    let before = Psbt::deserialize(&key.payment()).unwrap();
    let mut after = Psbt::deserialize(&signed(&key, &key.payment())).unwrap();
    for input in &mut after.inputs {
        let own = PublicKey::from_slice(key.paying().group_verifying_key).unwrap();
        let signature = input.partial_sigs.remove(&own.into()).unwrap();
        assert_eq!(signature.sighash_type, EcdsaSighashType::All);
    }
    assert_eq!(after, before);
}

#[test]
fn signatures_are_counted_and_verified() {
    let key = BitcoinKey::ecdsa(1);
    let psbt = key.payment();
    let good = signatures(&key, &psbt);
    let [first, second] = [good[0].clone(), good[1].clone()];
    let refusal = |signatures: &[&[u8]]| finalize(&psbt, key.paying(), signatures).unwrap_err();
    let count = PsbtError::SignatureCount { inputs: 2, signatures: 1 };
    assert_eq!(refusal(&[&first]), count.into());
    let second_is_bad = |bad: &[u8]| {
        assert_eq!(refusal(&[&first, bad]), PsbtError::Signature { input: 1 }.into());
    };
    second_is_bad(&first);
    let message = &decoded(&key, psbt.clone()).unwrap().signing_messages[1];
    second_is_bad(&BitcoinKey::ecdsa(2).sign(message));
    second_is_bad(&BitcoinKey::new(1).sign(message));
    for at in 0..64 {
        let mut flipped = second.clone();
        flipped[at] ^= 1;
        second_is_bad(&flipped);
    }
    // Without recovery id, with one that does not exist, and with more.
    second_is_bad(&second[..64]);
    second_is_bad(&[&second[..64], &[4]].concat());
    second_is_bad(&[&second[..], &[0]].concat());
    second_is_bad(&[]);
    for recovery_id in 0..=3 {
        let with_id = [&second[..64], &[recovery_id]].concat();
        assert!(finalize(&psbt, key.paying(), &[&first, &with_id]).is_ok());
    }
}

/// Consensus would take the higher s, but no node relays it, and it is a second id of one payment.
#[test]
fn only_the_lower_s_is_taken() {
    let key = BitcoinKey::ecdsa(1);
    let psbt = key.payment();
    let [first, second] = signatures(&key, &psbt).try_into().unwrap();
    let refused = finalize(&psbt, key.paying(), &[&first, &high(&second)]);
    assert_eq!(refused, Err(PsbtError::Signature { input: 1 }.into()));
    assert!(finalize(&psbt, key.paying(), &[&first, &high(&high(&second))]).is_ok());
    let higher = secp256k1::ecdsa::Signature::from_compact(&high(&second)[..64]).unwrap();
    let refused = after(&key, |psbt| {
        for signature in psbt.inputs[1].partial_sigs.values_mut() {
            signature.signature = higher;
        }
    });
    assert_eq!(refused, PsbtError::Signature { input: 1 });
}

#[test]
fn only_whole_and_true_signatures_are_extracted() {
    let key = BitcoinKey::ecdsa(1);
    let unsigned = after(&key, |psbt| psbt.inputs[1].partial_sigs.clear());
    assert_eq!(unsigned, PsbtError::Unsigned { input: 1 });
    let swapped = after(&key, |psbt| {
        psbt.inputs[1].partial_sigs = psbt.inputs[0].partial_sigs.clone();
    });
    assert_eq!(swapped, PsbtError::Signature { input: 1 });
    let other_type = after(&key, |psbt| {
        for signature in psbt.inputs[0].partial_sigs.values_mut() {
            signature.sighash_type = EcdsaSighashType::None;
        }
    });
    assert_eq!(other_type, PsbtError::Signature { input: 0 });
    let other_effect = after(&key, |psbt| psbt.unsigned_tx.output[0].value -= Amount::ONE_SAT);
    assert_eq!(other_effect, PsbtError::Signature { input: 0 });
    let second_key = after(&key, |psbt| {
        let signature = *psbt.inputs[0].partial_sigs.values().next().unwrap();
        let other = PublicKey::from_slice(BitcoinKey::ecdsa(2).paying().group_verifying_key);
        psbt.inputs[0].partial_sigs.insert(other.unwrap().into(), signature);
    });
    let (place, field) = (Place::Input(0), "PSBT_IN_PARTIAL_SIG");
    assert_eq!(second_key, PsbtError::Unexpected { place, field });
    assert!(finalize::<Vec<u8>>(b"psbt\xff", key.paying(), &[]).is_err());
}

/// Why extraction refuses the finalised payment after an edit.
fn after(key: &BitcoinKey, edit: impl FnOnce(&mut Psbt)) -> PsbtError {
    let mut psbt = Psbt::deserialize(&signed(key, &key.payment())).unwrap();
    edit(&mut psbt);
    match extract(&psbt.serialize(), key.paying()) {
        Err(DecodeError::Bitcoin(error)) => error,
        other => panic!("{other:?}"),
    }
}
