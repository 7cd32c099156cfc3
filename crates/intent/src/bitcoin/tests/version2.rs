//! Version 2 (BIP-370), compared with version 0 and with the `psbt-v2` crate.

use bitcoin::absolute::{Height, LockTime, Time};
use bitcoin::{Amount, Psbt, ScriptBuf};
use psbt_v2::v2;

use super::{add_output, decoded, edited};
use crate::DecodeError;
use crate::bitcoin::maps::Maps;
use crate::bitcoin::psbt::decode;
use crate::bitcoin::{Place, PsbtError};
use crate::fixture::BitcoinKey;

/// A PSBT of version 0 in version 2, written by the other library.
pub(crate) fn version2_of(version0: &[u8]) -> Vec<u8> {
    other_library(version0).serialize()
}

fn other_library(version0: &[u8]) -> v2::Psbt {
    let psbt = Psbt::deserialize(version0).unwrap();
    let mut constructor = v2::Constructor::<v2::Modifiable>::default();
    for (input, notes) in psbt.unsigned_tx.input.iter().zip(&psbt.inputs) {
        let mut other = v2::Input::new(&input.previous_output);
        other.sequence = Some(input.sequence);
        other.witness_utxo = notes.witness_utxo.clone();
        other.non_witness_utxo = notes.non_witness_utxo.clone();
        other.tap_internal_key = notes.tap_internal_key;
        constructor = constructor.input(other);
    }
    for output in &psbt.unsigned_tx.output {
        constructor = constructor.output(v2::Output::new(output.clone()));
    }
    let mut other = constructor.no_more_inputs().no_more_outputs().psbt().unwrap();
    other.global.tx_version = psbt.unsigned_tx.version;
    other.global.fallback_lock_time = Some(psbt.unsigned_tx.lock_time);
    other
}

fn refusal(bytes: Vec<u8>) -> PsbtError {
    match decoded(&BitcoinKey::new(1), bytes) {
        Err(DecodeError::Bitcoin(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// The good payment in version 2 after an edit of its maps.
fn refusal_after(edit: impl FnOnce(&mut Maps)) -> PsbtError {
    refusal(maps_after(edit).to_bytes())
}

fn maps_after(edit: impl FnOnce(&mut Maps)) -> Maps {
    let mut maps = Maps::parse(&version2_of(&BitcoinKey::new(1).payment())).unwrap();
    edit(&mut maps);
    maps
}

#[test]
fn both_versions_mean_the_same() {
    let key = BitcoinKey::new(1);
    let version0 = edited(&key, |psbt| psbt.unsigned_tx.lock_time = LockTime::from_consensus(7));
    let version2 = decoded(&key, version2_of(&version0)).unwrap();
    let version0 = decoded(&key, version0).unwrap();
    assert_eq!(version2.signing_messages, version0.signing_messages);
    assert_eq!(version2.intent.effects_digest(), version0.intent.effects_digest());
    assert_eq!(version2.intent.validity, version0.intent.validity);
    assert_ne!(version2.intent.payload_digest, version0.intent.payload_digest);
}

#[test]
fn an_output_without_value_is_decoded() {
    let key = BitcoinKey::new(1);
    let version0 = edited(&key, |psbt| add_output(psbt, 0, ScriptBuf::new_op_return(b"x")));
    let version2 = decoded(&key, version2_of(&version0)).unwrap();
    assert_eq!(version2.signing_messages, decoded(&key, version0).unwrap().signing_messages);
}

#[test]
fn an_absent_sequence_is_final() {
    let without = maps_after(|maps| {
        maps.inputs.iter_mut().for_each(|map| drop(map.remove([0x10].as_slice())));
        maps.global.remove([0x03].as_slice());
        maps.global.remove([0x06].as_slice());
    });
    let psbt = decode(without).unwrap();
    assert!(psbt.unsigned_tx.input.iter().all(|input| input.sequence.is_final()));
    assert_eq!(psbt.unsigned_tx.lock_time, LockTime::ZERO);
}

/// All combinations of requirements of two inputs: the same lock time as the other library's, or
/// none where it finds none.
#[test]
fn the_lock_time_is_determined_like_elsewhere() {
    let time = |n: u32| Some(Time::from_consensus(500_000_000 + n).unwrap());
    let height = |n| Some(Height::from_consensus(n).unwrap());
    let requirements = [
        (None, None),
        (time(1), None),
        (time(2), None),
        (None, height(1)),
        (None, height(2)),
        (time(3), height(3)),
    ];
    let mut conflicts = 0;
    for first in requirements {
        for second in requirements {
            let mut other = other_library(&BitcoinKey::new(1).payment());
            other.global.fallback_lock_time = Some(LockTime::from_consensus(77));
            for (input, (time, height)) in other.inputs.iter_mut().zip([first, second]) {
                (input.min_time, input.min_height) = (time, height);
            }
            let ours = decode(Maps::parse(&other.serialize()).unwrap());
            match other.determine_lock_time() {
                Ok(lock_time) => assert_eq!(ours.unwrap().unsigned_tx.lock_time, lock_time),
                Err(_) => {
                    conflicts += 1;
                    assert_eq!(ours, Err(PsbtError::LockTimes { input: 1 }));
                }
            }
        }
    }
    assert_eq!(conflicts, 8);
}

#[test]
fn required_fields_are_required() {
    for (key, field) in [
        (0x02, "PSBT_GLOBAL_TX_VERSION"),
        (0x04, "PSBT_GLOBAL_INPUT_COUNT"),
        (0x05, "PSBT_GLOBAL_OUTPUT_COUNT"),
    ] {
        let refused = refusal_after(|maps| drop(maps.global.remove([key].as_slice())));
        assert_eq!(refused, PsbtError::MissingField { place: Place::Global, field });
    }
    for (key, field) in [(0x0e, "PSBT_IN_PREVIOUS_TXID"), (0x0f, "PSBT_IN_OUTPUT_INDEX")] {
        let refused = refusal_after(|maps| drop(maps.inputs[1].remove([key].as_slice())));
        assert_eq!(refused, PsbtError::MissingField { place: Place::Input(1), field });
    }
    for (key, field) in [(0x03, "PSBT_OUT_AMOUNT"), (0x04, "PSBT_OUT_SCRIPT")] {
        let refused = refusal_after(|maps| drop(maps.outputs[0].remove([key].as_slice())));
        assert_eq!(refused, PsbtError::MissingField { place: Place::Output(0), field });
    }
}

#[test]
fn values_outside_their_definition_are_refused() {
    let set = |place, key: u8, value: Vec<u8>| {
        refusal_after(move |maps| {
            let map = match place {
                Place::Global => &mut maps.global,
                Place::Input(index) => &mut maps.inputs[index],
                Place::Output(index) => &mut maps.outputs[index],
            };
            map.insert(vec![key], value);
        })
    };
    let (time, height) = (500_000_000u32.to_le_bytes(), 499_999_999u32.to_le_bytes());
    for (place, key, value, field) in [
        (Place::Global, 0x02, vec![2, 0, 0], "PSBT_GLOBAL_TX_VERSION"),
        (Place::Global, 0x03, vec![0; 5], "PSBT_GLOBAL_FALLBACK_LOCKTIME"),
        (Place::Global, 0x04, vec![2, 0], "PSBT_GLOBAL_INPUT_COUNT"),
        (Place::Global, 0x06, vec![0, 0], "PSBT_GLOBAL_TX_MODIFIABLE"),
        (Place::Input(1), 0x0e, vec![1; 31], "PSBT_IN_PREVIOUS_TXID"),
        (Place::Input(1), 0x0f, vec![1; 5], "PSBT_IN_OUTPUT_INDEX"),
        (Place::Input(1), 0x10, vec![1; 3], "PSBT_IN_SEQUENCE"),
        (Place::Input(1), 0x11, height.to_vec(), "PSBT_IN_REQUIRED_TIME_LOCKTIME"),
        (Place::Input(1), 0x12, time.to_vec(), "PSBT_IN_REQUIRED_HEIGHT_LOCKTIME"),
        (Place::Output(0), 0x03, vec![1; 9], "PSBT_OUT_AMOUNT"),
    ] {
        assert_eq!(set(place, key, value), PsbtError::FieldValue { place, field });
    }
}

#[test]
fn a_psbt_that_is_still_being_built_is_refused() {
    for flags in [1, 2, 4, 0x80] {
        let refused = refusal_after(|maps| drop(maps.global.insert(vec![0x06], vec![flags])));
        assert_eq!(refused, PsbtError::Modifiable);
    }
}

#[test]
fn fields_of_version_0_and_longer_keys_are_unknown() {
    let transaction = refusal_after(|maps| drop(maps.global.insert(vec![0x00], vec![])));
    assert_eq!(transaction, PsbtError::UnknownField { place: Place::Global, key_type: 0x00 });
    let longer = refusal_after(|maps| drop(maps.inputs[0].insert(vec![0x0e, 1], vec![1; 32])));
    assert_eq!(longer, PsbtError::UnknownField { place: Place::Input(0), key_type: 0x0e });
    // And fields of version 2 in version 0.
    let mut maps = Maps::parse(&BitcoinKey::new(1).payment()).unwrap();
    maps.outputs[1].insert(vec![0x03], Amount::ONE_SAT.to_sat().to_le_bytes().to_vec());
    let refused = refusal(maps.to_bytes());
    assert_eq!(refused, PsbtError::UnknownField { place: Place::Output(1), key_type: 0x03 });
}

#[test]
fn counts_that_lie_are_refused() {
    let huge = refusal_after(|maps| {
        drop(maps.global.insert(vec![0x04], [&[0xff], [0xff; 8].as_slice()].concat()))
    });
    assert!(matches!(huge, PsbtError::Malformed { .. }), "{huge}");
    let fewer = refusal_after(|maps| drop(maps.global.insert(vec![0x05], vec![1])));
    assert!(matches!(fewer, PsbtError::TrailingBytes { .. }), "{fewer}");
    let none = refusal_after(|maps| {
        maps.global.insert(vec![0x04], vec![0]);
        maps.inputs.clear();
    });
    assert_eq!(none, PsbtError::NoInputs);
}
