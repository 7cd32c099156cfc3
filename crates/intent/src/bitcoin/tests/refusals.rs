//! Every refusal, each from the good payment after one edit.

use bitcoin::consensus::deserialize;
use bitcoin::psbt::{PsbtSighashType, raw};
use bitcoin::secp256k1::PublicKey;
use bitcoin::{Amount, OutPoint, Psbt, ScriptBuf, TapSighashType, Transaction, TxOut};

use super::{add_output, decoded, edited, internal_key};
use crate::bitcoin::maps::Maps;
use crate::bitcoin::{Owner, Place, PsbtError};
use crate::fixture::BitcoinKey;
use crate::{DecodeError, SIGNING_MESSAGES_MAX};

fn refusal(bytes: Vec<u8>) -> PsbtError {
    match decoded(&BitcoinKey::new(1), bytes) {
        Err(DecodeError::Bitcoin(error)) => error,
        other => panic!("{other:?}"),
    }
}

pub(super) fn refusal_after(edit: impl FnOnce(&mut Psbt)) -> PsbtError {
    refusal(edited(&BitcoinKey::new(1), edit))
}

/// A previous transaction whose output `vout` is `output`.
fn previous(output: &TxOut, vout: u32) -> Transaction {
    let empty = TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::new() };
    let mut outputs = vec![empty; vout as usize];
    outputs.push(output.clone());
    Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: bitcoin::absolute::LockTime::ZERO,
        input: vec![Default::default()],
        output: outputs,
    }
}

#[test]
fn bytes_that_are_no_psbt_are_refused() {
    assert_eq!(refusal(Vec::new()), PsbtError::Magic);
    assert_eq!(refusal(b"psbt\xfe".to_vec()), PsbtError::Magic);
    assert_eq!(refusal(b"psbt\xff".to_vec()), PsbtError::Malformed { offset: 5 });
    let field = "PSBT_GLOBAL_UNSIGNED_TX";
    let missing = PsbtError::MissingField { place: Place::Global, field };
    assert_eq!(refusal(b"psbt\xff\0".to_vec()), missing);
}

#[test]
fn every_cut_is_refused() {
    let payment = BitcoinKey::new(1).payment();
    for length in 0..payment.len() {
        refusal(payment[..length].to_vec());
    }
}

#[test]
fn trailing_bytes_are_refused() {
    let payment = BitcoinKey::new(1).payment();
    for extra in [[0].as_slice(), &[1, 2, 3]] {
        let offset = payment.len();
        let longer = [payment.as_slice(), extra].concat();
        assert_eq!(refusal(longer), PsbtError::TrailingBytes { offset });
    }
}

#[test]
fn a_length_in_a_longer_form_is_refused() {
    let mut payment = BitcoinKey::new(1).payment();
    // The first key's length, 1, as three bytes.
    payment.splice(5..6, [0xfd, 1, 0]);
    assert_eq!(refusal(payment), PsbtError::Malformed { offset: 5 });
}

#[test]
fn a_repeated_field_is_refused() {
    let payment = BitcoinKey::new(1).payment();
    let version = [1, 0xfb, 4, 0, 0, 0, 0];
    let twice = [&payment[..5], &version, &version, &payment[5..]].concat();
    assert_eq!(refusal(twice), PsbtError::RepeatedField { offset: 12 });
}

#[test]
fn other_versions_are_refused() {
    let payment = BitcoinKey::new(1).payment();
    for version in [1, 3] {
        let field = [1, 0xfb, 4, version, 0, 0, 0];
        let bytes = [&payment[..5], &field, &payment[5..]].concat();
        assert_eq!(refusal(bytes), PsbtError::Version(u32::from(version)));
    }
    let short = [&payment[..5], &[1, 0xfb, 1, 0], &payment[5..]].concat();
    let field = "PSBT_GLOBAL_VERSION";
    assert_eq!(refusal(short), PsbtError::FieldValue { place: Place::Global, field });
}

#[test]
fn what_the_bitcoin_crate_refuses_is_refused() {
    let signed = edited(&BitcoinKey::new(1), |psbt| {
        psbt.unsigned_tx.input[0].script_sig = ScriptBuf::from_bytes(vec![0x51]);
    });
    assert!(matches!(refusal(signed), PsbtError::Undecodable { .. }));
}

/// The crate reads an uncompressed key of a derivation, but would write it compressed: the bytes that
/// were sent are not the ones that were decoded.
#[test]
fn fields_that_would_not_come_back_the_same_are_refused() {
    let key = BitcoinKey::new(1);
    let point = PublicKey::from_slice(key.paying().group_verifying_key).unwrap();
    let with_derivation = |point: &[u8]| {
        let mut maps = Maps::parse(&key.payment()).unwrap();
        maps.outputs[0].insert([&[0x02], point].concat(), vec![0; 8]);
        maps.to_bytes()
    };
    assert!(decoded(&key, with_derivation(&point.serialize())).is_ok());
    let uncompressed = with_derivation(&point.serialize_uncompressed());
    assert_eq!(refusal(uncompressed), PsbtError::NotCanonical);
}

#[test]
fn unknown_and_proprietary_fields_are_refused() {
    let unknown = || raw::Key { type_value: 0x42, key: vec![1] };
    let own = || raw::ProprietaryKey { prefix: b"x".to_vec(), subtype: 1, key: vec![] };
    type Edit = Box<dyn FnOnce(&mut Psbt)>;
    let edits: [(Edit, Place, u8); 6] = [
        (Box::new(move |p| drop(p.unknown.insert(unknown(), vec![]))), Place::Global, 0x42),
        (Box::new(move |p| drop(p.proprietary.insert(own(), vec![]))), Place::Global, 0xfc),
        (
            Box::new(move |p| drop(p.inputs[1].unknown.insert(unknown(), vec![]))),
            Place::Input(1),
            0x42,
        ),
        (
            Box::new(move |p| drop(p.inputs[1].proprietary.insert(own(), vec![]))),
            Place::Input(1),
            0xfc,
        ),
        (
            Box::new(move |p| drop(p.outputs[0].unknown.insert(unknown(), vec![]))),
            Place::Output(0),
            0x42,
        ),
        (
            Box::new(move |p| drop(p.outputs[0].proprietary.insert(own(), vec![]))),
            Place::Output(0),
            0xfc,
        ),
    ];
    for (edit, place, key_type) in edits {
        assert_eq!(refusal_after(edit), PsbtError::UnknownField { place, key_type });
    }
}

#[test]
fn other_transaction_versions_are_refused() {
    for version in [0, 4, -1] {
        let refused = refusal_after(|psbt| psbt.unsigned_tx.version.0 = version);
        assert_eq!(refused, PsbtError::TransactionVersion(version));
    }
}

#[test]
fn no_inputs_no_outputs_and_too_many_inputs_are_refused() {
    let none = refusal_after(|psbt| {
        psbt.unsigned_tx.input.clear();
        psbt.inputs.clear();
    });
    assert_eq!(none, PsbtError::NoInputs);
    let all_fee = refusal_after(|psbt| {
        psbt.unsigned_tx.output.clear();
        psbt.outputs.clear();
    });
    assert_eq!(all_fee, PsbtError::NoOutputs);
    let with_inputs = |count: usize| {
        edited(&BitcoinKey::new(1), move |psbt| {
            for vout in psbt.inputs.len()..count {
                let mut input = psbt.unsigned_tx.input[0].clone();
                input.previous_output.vout = u32::try_from(vout + 100).unwrap();
                psbt.unsigned_tx.input.push(input);
                psbt.inputs.push(psbt.inputs[0].clone());
            }
        })
    };
    let inputs = SIGNING_MESSAGES_MAX + 1;
    assert_eq!(refusal(with_inputs(inputs)), PsbtError::TooManyInputs { inputs });
    let most = decoded(&BitcoinKey::new(1), with_inputs(SIGNING_MESSAGES_MAX)).unwrap();
    assert_eq!(most.signing_messages.len(), SIGNING_MESSAGES_MAX);
}

#[test]
fn an_outpoint_is_spent_once() {
    let twice = refusal_after(|psbt| {
        let first = psbt.unsigned_tx.input[0].previous_output;
        psbt.unsigned_tx.input[1].previous_output = first;
    });
    assert_eq!(twice, PsbtError::RepeatedInput { input: 1 });
}

#[test]
fn every_input_needs_its_witness_utxo() {
    let missing = refusal_after(|psbt| psbt.inputs[1].witness_utxo = None);
    assert_eq!(missing, PsbtError::MissingWitnessUtxo { input: 1 });
}

#[test]
fn a_previous_transaction_must_agree() {
    let with_previous = |lie: fn(&mut Psbt, &mut Transaction)| {
        edited(&BitcoinKey::new(1), move |psbt| {
            let utxo = psbt.inputs[1].witness_utxo.clone().unwrap();
            let mut transaction = previous(&utxo, 3);
            psbt.unsigned_tx.input[1].previous_output =
                OutPoint { txid: transaction.compute_txid(), vout: 3 };
            lie(psbt, &mut transaction);
            psbt.inputs[1].non_witness_utxo = Some(transaction);
        })
    };
    assert!(decoded(&BitcoinKey::new(1), with_previous(|_, _| {})).is_ok());
    let refused = PsbtError::PreviousTransaction { input: 1 };
    let other_txid = with_previous(|_, transaction| transaction.version.0 = 1);
    assert_eq!(refusal(other_txid), refused);
    let other_amount = with_previous(|psbt, _| {
        psbt.inputs[1].witness_utxo.as_mut().unwrap().value -= Amount::from_sat(1);
    });
    assert_eq!(refusal(other_amount), refused);
    let beyond = with_previous(|psbt, _| psbt.unsigned_tx.input[1].previous_output.vout = 4);
    assert_eq!(refusal(beyond), refused);
}

#[test]
fn an_input_of_another_owner_is_refused() {
    let foreign = Owner::new(BitcoinKey::new(2).paying()).unwrap();
    let address = crate::address(BitcoinKey::new(1).paying()).unwrap().to_string();
    let refused = refusal_after(|psbt| {
        psbt.inputs[1].witness_utxo.as_mut().unwrap().script_pubkey = foreign.script;
    });
    assert_eq!(refused, PsbtError::NotOurs { input: 1, address });
}

#[test]
fn another_internal_key_is_refused() {
    let foreign = internal_key(&BitcoinKey::new(2));
    let input = refusal_after(|psbt| psbt.inputs[0].tap_internal_key = Some(foreign));
    assert_eq!(input, PsbtError::InternalKey { place: Place::Input(0) });
    assert!(input.to_string().starts_with("PSBT_IN_TAP_INTERNAL_KEY of input 0"));
    let output = refusal_after(|psbt| psbt.outputs[1].tap_internal_key = Some(foreign));
    assert_eq!(output, PsbtError::InternalKey { place: Place::Output(1) });
}

#[test]
fn other_sighash_types_are_refused() {
    for sighash_type in [2, 3, 0x81, 0x82, 0x83, 4, 0xffff_ffff] {
        let refused = refusal_after(|psbt| {
            psbt.inputs[1].sighash_type = Some(PsbtSighashType::from_u32(sighash_type));
        });
        assert_eq!(refused, PsbtError::SighashType { input: 1, sighash_type });
    }
    for allowed in [TapSighashType::Default, TapSighashType::All] {
        let bytes = edited(&BitcoinKey::new(1), |psbt| {
            psbt.inputs[1].sighash_type = Some(allowed.into());
        });
        assert!(decoded(&BitcoinKey::new(1), bytes).is_ok());
    }
}

#[test]
fn scripts_without_a_known_form_are_refused() {
    let point = bitcoin::PublicKey::from_slice(&[2; 33]).unwrap();
    let bare_key = ScriptBuf::new_p2pk(&point);
    let later_witness = ScriptBuf::from_hex(&format!("5220{}", "11".repeat(32))).unwrap();
    let anchor = ScriptBuf::from_hex("51024e73").unwrap();
    let no_point = ScriptBuf::from_hex(&format!("5120{}", "ff".repeat(32))).unwrap();
    for script in [ScriptBuf::new(), bare_key, later_witness, anchor, no_point] {
        let quoted = script.to_hex_string();
        let refused = refusal_after(|psbt| add_output(psbt, 0, script));
        assert_eq!(refused, PsbtError::UnknownScript { output: 2, script: quoted });
    }
    let long = refusal_after(|psbt| add_output(psbt, 0, ScriptBuf::from_bytes(vec![0x51; 9_000])));
    assert!(long.to_string().len() < 200);
}

#[test]
fn outputs_worth_more_than_the_inputs_are_refused() {
    let more = refusal_after(|psbt| psbt.unsigned_tx.output[1].value = Amount::from_sat(20_001));
    assert_eq!(more, PsbtError::NegativeFee { inputs: 120_000, outputs: 120_001 });
    let key = BitcoinKey::new(1);
    let no_fee = edited(&key, |psbt| psbt.unsigned_tx.output[1].value = Amount::from_sat(20_000));
    assert!(decoded(&key, no_fee).is_ok());
}

#[test]
fn amounts_that_overflow_are_refused() {
    let outputs = refusal_after(|psbt| {
        psbt.unsigned_tx.output.iter_mut().for_each(|output| output.value = Amount::MAX);
    });
    assert_eq!(outputs, PsbtError::Overflow("outputs"));
    let inputs = refusal_after(|psbt| {
        for input in &mut psbt.inputs {
            input.witness_utxo.as_mut().unwrap().value = Amount::MAX;
        }
    });
    assert_eq!(inputs, PsbtError::Overflow("inputs"));
}

#[test]
fn a_transaction_of_other_counts_is_refused() {
    let key = BitcoinKey::new(1);
    let maps = Maps::parse(&key.payment()).unwrap();
    let mut fewer = maps.clone();
    fewer.outputs.pop();
    assert!(matches!(refusal(fewer.to_bytes()), PsbtError::Malformed { .. }));
    let mut longer_transaction = maps;
    let transaction = longer_transaction.global.get_mut([0].as_slice()).unwrap();
    assert!(deserialize::<Transaction>(transaction).is_ok());
    transaction.push(0);
    assert!(matches!(refusal(longer_transaction.to_bytes()), PsbtError::Undecodable { .. }));
}
