//! What is signed and put together is what the network's own consensus code accepts.

use bitcoin::consensus::deserialize;
use bitcoin::{Amount, Psbt, TapSighashType, Transaction};
use bitcoinconsensus::{Utxo, VERIFY_ALL_PRE_TAPROOT, VERIFY_TAPROOT, verify_with_flags};

use super::version2::version2_of;
use super::{decoded, edited};
use crate::bitcoin::{Owner, PsbtError, extract, finalize};
use crate::fixture::BitcoinKey;

fn signed(key: &BitcoinKey, psbt: &[u8]) -> Vec<u8> {
    let messages = decoded(key, psbt.to_vec()).unwrap().signing_messages;
    let signatures: Vec<_> = messages.iter().map(|message| key.sign(message)).collect();
    finalize(psbt, key.paying(), &signatures).unwrap()
}

/// Whether consensus accepts every input, where the spent outputs are worth `sats`.
fn accepted(key: &BitcoinKey, transaction: &[u8], sats: &[i64]) -> bool {
    let script = Owner::new(key.paying()).unwrap().script;
    let utxo = |value: &i64| Utxo {
        script_pubkey: script.as_bytes().as_ptr(),
        script_pubkey_len: u32::try_from(script.len()).unwrap(),
        value: *value,
    };
    let spent: Vec<_> = sats.iter().map(utxo).collect();
    let flags = VERIFY_ALL_PRE_TAPROOT | VERIFY_TAPROOT;
    sats.iter().enumerate().all(|(index, value)| {
        let (script, value) = (script.as_bytes(), u64::try_from(*value).unwrap());
        verify_with_flags(script, value, transaction, Some(&spent), index, flags).is_ok()
    })
}

#[test]
fn signed_transactions_are_accepted_for_either_parity_of_the_key() {
    let mut parities = std::collections::BTreeSet::new();
    for secret in 1..=6 {
        let key = BitcoinKey::new(secret);
        parities.insert(key.paying().group_verifying_key[0]);
        let transaction = extract(&signed(&key, &key.payment()), key.paying()).unwrap();
        assert!(accepted(&key, &transaction, &[70_000, 50_000]), "{secret}");
    }
    assert_eq!(parities.len(), 2);
}

#[test]
fn both_versions_and_both_sighash_types_are_accepted() {
    let key = BitcoinKey::new(1);
    let all = edited(&key, |psbt| {
        psbt.inputs[1].sighash_type = Some(TapSighashType::All.into());
    });
    let transaction = extract(&signed(&key, &all), key.paying()).unwrap();
    assert!(accepted(&key, &transaction, &[70_000, 50_000]));
    let witness = deserialize::<Transaction>(&transaction).unwrap().input[1].witness.to_vec();
    assert_eq!((witness[0].len(), witness[0][64]), (65, 1));
    let version2 = signed(&key, &version2_of(&key.payment()));
    let transaction = extract(&version2, key.paying()).unwrap();
    assert!(accepted(&key, &transaction, &[70_000, 50_000]));
    // The other library reads the signature that was put in.
    let version2 = psbt_v2::v2::Psbt::deserialize(&version2).unwrap();
    assert!(version2.inputs.iter().all(|input| input.tap_key_sig.is_some()));
}

/// Threat A15: the signature covers every amount, so a lie about one is worthless.
#[test]
fn a_lie_about_an_amount_makes_a_signature_that_nobody_accepts() {
    let key = BitcoinKey::new(1);
    let lie = edited(&key, |psbt| {
        psbt.inputs[1].witness_utxo.as_mut().unwrap().value = Amount::from_sat(49_999);
    });
    let transaction = extract(&signed(&key, &lie), key.paying()).unwrap();
    assert!(!accepted(&key, &transaction, &[70_000, 50_000]));
    assert!(accepted(&key, &transaction, &[70_000, 49_999]));
}

#[test]
fn the_finalised_psbt_keeps_its_fields() {
    let key = BitcoinKey::new(1);
    let before = Psbt::deserialize(&key.payment()).unwrap();
    let mut after = Psbt::deserialize(&signed(&key, &key.payment())).unwrap();
    for input in &mut after.inputs {
        assert!(input.tap_key_sig.take().is_some());
    }
    assert_eq!(after, before);
}

#[test]
fn signatures_are_counted_and_verified() {
    let key = BitcoinKey::new(1);
    let psbt = key.payment();
    let messages = decoded(&key, psbt.clone()).unwrap().signing_messages;
    let [first, second] = [key.sign(&messages[0]), key.sign(&messages[1])];
    let refusal = |signatures: &[&Vec<u8>]| finalize(&psbt, key.paying(), signatures).unwrap_err();
    assert_eq!(refusal(&[&first]), PsbtError::SignatureCount { inputs: 2, signatures: 1 }.into());
    assert_eq!(refusal(&[&second, &first]), PsbtError::Signature { input: 0 }.into());
    assert_eq!(refusal(&[&first, &first]), PsbtError::Signature { input: 1 }.into());
    let other = BitcoinKey::new(2).sign(&messages[1]);
    assert_eq!(refusal(&[&first, &other]), PsbtError::Signature { input: 1 }.into());
    assert!(finalize(&psbt, key.paying(), &[first, second]).is_ok());
}

#[test]
fn only_whole_and_true_signatures_are_extracted() {
    let key = BitcoinKey::new(1);
    let finalised = signed(&key, &key.payment());
    let refusal = |edit: fn(&mut Psbt)| {
        let mut psbt = Psbt::deserialize(&finalised).unwrap();
        edit(&mut psbt);
        extract(&psbt.serialize(), key.paying()).unwrap_err()
    };
    let unsigned = refusal(|psbt| psbt.inputs[1].tap_key_sig = None);
    assert_eq!(unsigned, PsbtError::Unsigned { input: 1 }.into());
    let swapped = refusal(|psbt| psbt.inputs[1].tap_key_sig = psbt.inputs[0].tap_key_sig);
    assert_eq!(swapped, PsbtError::Signature { input: 1 }.into());
    let other_type = refusal(|psbt| {
        psbt.inputs[0].tap_key_sig.as_mut().unwrap().sighash_type = TapSighashType::All;
    });
    assert_eq!(other_type, PsbtError::Signature { input: 0 }.into());
    let other_effect = refusal(|psbt| psbt.unsigned_tx.output[0].value -= Amount::ONE_SAT);
    assert_eq!(other_effect, PsbtError::Signature { input: 0 }.into());
    // An unsigned PSBT that would be refused is refused with signatures as well.
    assert!(finalize::<Vec<u8>>(b"psbt\xff", key.paying(), &[]).is_err());
}
