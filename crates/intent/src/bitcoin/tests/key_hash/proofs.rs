//! Threat A15: the digest of a P2WPKH input covers its own amount only (BIP-143), so every amount is
//! proven by the whole previous transaction.

use bitcoin::{Amount, OutPoint, Psbt, Transaction};

use super::{decoded, edited, refusal, refusal_after};
use crate::bitcoin::maps::Maps;
use crate::bitcoin::{Owner, PsbtError};
use crate::fixture::BitcoinKey;

const REFUSED: PsbtError = PsbtError::PreviousTransaction { input: 1 };

fn previous(psbt: &mut Psbt) -> &mut Transaction {
    psbt.inputs[1].non_witness_utxo.as_mut().unwrap()
}

#[test]
fn every_input_needs_its_previous_transaction() {
    for input in [0, 1] {
        let missing = refusal_after(|psbt| psbt.inputs[input].non_witness_utxo = None);
        assert_eq!(missing, PsbtError::MissingPreviousTransaction { input });
    }
}

#[test]
fn a_witness_utxo_may_be_left_out() {
    let key = BitcoinKey::ecdsa(1);
    let without = edited(&key, |psbt| {
        psbt.inputs.iter_mut().for_each(|input| input.witness_utxo = None);
    });
    let plain = decoded(&key, key.payment()).unwrap();
    assert_eq!(decoded(&key, without).unwrap().signing_messages, plain.signing_messages);
}

#[test]
fn a_lie_in_the_witness_utxo_is_refused() {
    for sats in [49_999, 50_001] {
        let lie = refusal_after(|psbt| {
            psbt.inputs[1].witness_utxo.as_mut().unwrap().value = Amount::from_sat(sats);
        });
        assert_eq!(lie, REFUSED);
    }
    let other = Owner::new(BitcoinKey::ecdsa(2).paying()).unwrap().script;
    let script = refusal_after(|psbt| {
        psbt.inputs[1].witness_utxo.as_mut().unwrap().script_pubkey = other;
    });
    assert_eq!(script, REFUSED);
}

#[test]
fn a_lie_in_the_previous_transaction_is_refused() {
    let both = |psbt: &mut Psbt| {
        psbt.inputs[1].witness_utxo.as_mut().unwrap().value = Amount::from_sat(49_999);
        previous(psbt).output[0].value = Amount::from_sat(49_999);
    };
    assert_eq!(refusal_after(both), REFUSED);
    let without_utxo = refusal_after(|psbt| {
        both(psbt);
        psbt.inputs[1].witness_utxo = None;
    });
    assert_eq!(without_utxo, REFUSED);
}

#[test]
fn another_output_of_the_previous_transaction_is_refused() {
    let beyond = refusal_after(|psbt| {
        psbt.inputs[1].witness_utxo = None;
        psbt.unsigned_tx.input[1].previous_output.vout = 1;
    });
    assert_eq!(beyond, REFUSED);
    // One that exists, but is worth something else than is said.
    let other = refusal_after(|psbt| {
        let mut output = previous(psbt).output[0].clone();
        output.value += Amount::ONE_SAT;
        previous(psbt).output.push(output);
        let txid = previous(psbt).compute_txid();
        psbt.unsigned_tx.input[1].previous_output = OutPoint { txid, vout: 1 };
    });
    assert_eq!(other, REFUSED);
}

#[test]
fn another_transaction_is_refused() {
    let swapped = refusal_after(|psbt| {
        psbt.inputs[1].non_witness_utxo = psbt.inputs[0].non_witness_utxo.clone();
    });
    assert_eq!(swapped, REFUSED);
    // The same output in a transaction of another id.
    let other_id = refusal_after(|psbt| previous(psbt).version.0 = 1);
    assert_eq!(other_id, REFUSED);
}

#[test]
fn an_input_of_another_owner_is_refused() {
    let other = BitcoinKey::ecdsa(2);
    let address = crate::address(BitcoinKey::ecdsa(1).paying()).unwrap().to_string();
    let refused = refusal_after(|psbt| {
        let transaction = other.previous(50_000, 0);
        let txid = transaction.compute_txid();
        psbt.unsigned_tx.input[1].previous_output = OutPoint { txid, vout: 0 };
        psbt.inputs[1].witness_utxo = None;
        psbt.inputs[1].non_witness_utxo = Some(transaction);
    });
    assert_eq!(refused, PsbtError::NotOurs { input: 1, address });
}

/// The bytes of a previous transaction are decoded as they are: an encoding that would not come back
/// the same is refused with the rest.
#[test]
fn a_previous_transaction_with_more_bytes_is_refused() {
    let mut maps = Maps::parse(&BitcoinKey::ecdsa(1).payment()).unwrap();
    maps.inputs[1].get_mut([0].as_slice()).unwrap().push(0);
    assert!(matches!(refusal(maps.to_bytes()), PsbtError::Undecodable { .. }));
}

/// The fee attack: two PSBTs of one transaction, each with the truth about one coin and a lie about
/// the other, whose signatures put together would spend both coins. Both are refused.
#[test]
fn two_psbts_that_lie_differently_are_both_refused() {
    let key = BitcoinKey::ecdsa(1);
    let lie = |input: usize| {
        edited(&key, |psbt| {
            let said = psbt.inputs[input].witness_utxo.as_mut().unwrap();
            said.value -= Amount::from_sat(20_000);
            psbt.unsigned_tx.output.pop();
            psbt.outputs.pop();
        })
    };
    for input in [0, 1] {
        assert_eq!(refusal(lie(input)), PsbtError::PreviousTransaction { input });
        // Nor without the proof of the coin that is lied about.
        let mut unproven = Psbt::deserialize(&lie(input)).unwrap();
        unproven.inputs[input].non_witness_utxo = None;
        let missing = PsbtError::MissingPreviousTransaction { input };
        assert_eq!(refusal(unproven.serialize()), missing);
    }
}
