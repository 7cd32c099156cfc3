mod consensus;
mod fields;
mod key_hash;
mod refusals;
mod version2;

pub(crate) use version2::version2_of;

use bitcoin::{Amount, Psbt, ScriptBuf, Sequence, TxOut};
use ruint::aliases::U256;

use super::*;
use crate::fixture::{BitcoinKey, COIN_A, COIN_B, RECEIVER};
use crate::{Flag, Payload};

/// The good payment after an edit.
pub(super) fn edited(key: &BitcoinKey, edit: impl FnOnce(&mut Psbt)) -> Vec<u8> {
    let mut psbt = Psbt::deserialize(&key.payment()).unwrap();
    edit(&mut psbt);
    psbt.serialize()
}

pub(super) fn decoded(key: &BitcoinKey, bytes: Vec<u8>) -> Result<Decoded, DecodeError> {
    crate::decode(&Payload::BitcoinPsbt(bytes), key.paying())
}

pub(super) fn internal_key(key: &BitcoinKey) -> bitcoin::XOnlyPublicKey {
    match Owner::new(key.paying()).unwrap().form {
        Form::Taproot { internal_key, .. } => internal_key,
        Form::KeyHash { .. } => panic!("no Taproot key"),
    }
}

fn add_output(psbt: &mut Psbt, sats: u64, script_pubkey: ScriptBuf) {
    psbt.unsigned_tx.output.push(TxOut { value: Amount::from_sat(sats), script_pubkey });
    psbt.outputs.push(Default::default());
}

#[test]
fn a_payment_is_effect_fee_and_change() {
    let key = BitcoinKey::new(1);
    let payload = Payload::BitcoinPsbt(key.payment());
    let Decoded { intent, signing_messages, claims } =
        crate::decode(&payload, key.paying()).unwrap();
    assert_eq!(intent.from, crate::address(key.paying()).unwrap());
    let [effect] = intent.effects.as_slice() else { panic!("{:?}", intent.effects) };
    assert_eq!(effect.destination.as_str(), RECEIVER);
    assert_eq!(effect.amount.base_units, U256::from(100_000));
    let asset = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328/slip44:1";
    assert_eq!(effect.amount.asset.as_str(), asset);
    assert_eq!(effect.flags, []);
    // 70 000 + 50 000 - 100 000 - 19 500.
    assert_eq!(intent.fee.base_units, U256::from(500));
    let [change] = intent.change.as_slice() else { panic!("{:?}", intent.change) };
    assert_eq!(change.base_units, U256::from(19_500));
    assert_eq!(intent.validity, "from now on; until one of its inputs is spent otherwise");
    assert_eq!(intent.payload_digest, payload.digest());
    assert_eq!(signing_messages.len(), 2);
    assert!(signing_messages.iter().all(|message| message.len() == 32));
    assert_ne!(signing_messages.first(), signing_messages.last());
    let claim = |coin: &str, sats: u64| Claim {
        what: format!("outpoint:{coin}"),
        value: format!("{sats} sat"),
    };
    assert_eq!(claims, [claim(COIN_A, 70_000), claim(COIN_B, 50_000)]);
}

#[test]
fn an_explicit_version_0_means_the_same() {
    let key = BitcoinKey::new(1);
    let plain = decoded(&key, key.payment()).unwrap();
    let payment = key.payment();
    let with_version = [&payment[..5], &[1, 0xfb, 4, 0, 0, 0, 0], &payment[5..]].concat();
    let decoded = decoded(&key, with_version).unwrap();
    assert_eq!(decoded.intent.effects_digest(), plain.intent.effects_digest());
    assert_eq!(decoded.signing_messages, plain.signing_messages);
}

#[test]
fn another_order_of_fields_means_the_same() {
    let key = BitcoinKey::new(1);
    let maps = maps::Maps::parse(&key.payment()).unwrap();
    let mut reversed = b"psbt\xff".to_vec();
    for map in [&maps.global].into_iter().chain(&maps.inputs).chain(&maps.outputs) {
        for (name, value) in map.iter().rev() {
            reversed.extend(bitcoin::consensus::serialize(name));
            reversed.extend(bitcoin::consensus::serialize(value));
        }
        reversed.push(0);
    }
    assert_ne!(reversed, key.payment());
    let plain = decoded(&key, key.payment()).unwrap();
    assert_eq!(decoded(&key, reversed).unwrap().signing_messages, plain.signing_messages);
}

#[test]
fn where_everything_comes_back_it_is_a_transfer_to_oneself() {
    let key = BitcoinKey::new(1);
    let all_back = edited(&key, |psbt| {
        let own = psbt.unsigned_tx.output[1].script_pubkey.clone();
        psbt.unsigned_tx.output[0].script_pubkey = own;
        psbt.unsigned_tx.output[0].value = Amount::from_sat(329);
    });
    let intent = decoded(&key, all_back).unwrap().intent;
    assert_eq!(intent.change, []);
    let effects: Vec<_> = intent
        .effects
        .iter()
        .map(|effect| (effect.amount.base_units, effect.flags.as_slice()))
        .collect();
    let dust = [Flag::SelfDestination, Flag::Dust];
    assert_eq!(
        effects,
        [(U256::from(329), dust.as_slice()), (U256::from(19_500), &[Flag::SelfDestination])]
    );
    assert!(intent.effects.iter().all(|effect| effect.destination == intent.from));
}

#[test]
fn change_is_only_the_keys_own_script() {
    let (key, other) = (BitcoinKey::new(1), BitcoinKey::new(2));
    let foreign = Owner::new(other.paying()).unwrap();
    let claimed = edited(&key, |psbt| {
        psbt.unsigned_tx.output[1].script_pubkey = foreign.script.clone();
        // A wallet's note that the output is change.
        psbt.outputs[1].tap_internal_key = Some(internal_key(&key));
    });
    let intent = decoded(&key, claimed).unwrap().intent;
    assert_eq!(intent.change, []);
    assert_eq!(intent.effects[1].destination, foreign.address);
}

#[test]
fn data_outputs_are_effects_of_their_own() {
    let key = BitcoinKey::new(1);
    let with_data = edited(&key, |psbt| {
        psbt.unsigned_tx.output[1].value -= Amount::from_sat(1);
        add_output(psbt, 1, ScriptBuf::new_op_return(b"hello"));
    });
    let intent = decoded(&key, with_data).unwrap().intent;
    let data = &intent.effects[1];
    assert_eq!(data.destination.as_str(), "op_return:0568656c6c6f");
    assert_eq!(
        (data.amount.base_units, data.flags.as_slice()),
        (U256::from(1), [Flag::Data].as_slice())
    );
    assert!(crate::Address::parse(data.destination.as_str(), intent.network).is_err());
}

#[test]
fn dust_is_what_nodes_do_not_relay() {
    let key = BitcoinKey::new(1);
    for (sats, flags) in [(294, [].as_slice()), (293, &[Flag::Dust])] {
        let small = edited(&key, |psbt| psbt.unsigned_tx.output[0].value = Amount::from_sat(sats));
        assert_eq!(decoded(&key, small).unwrap().intent.effects[0].flags, flags, "{sats}");
    }
}

#[test]
fn validity_follows_from_lock_times_that_the_network_enforces() {
    let key = BitcoinKey::new(1);
    let validity = |version: i32, lock_time: u32, sequence: u32| {
        let locked = edited(&key, |psbt| {
            psbt.unsigned_tx.version = bitcoin::transaction::Version(version);
            psbt.unsigned_tx.lock_time = bitcoin::absolute::LockTime::from_consensus(lock_time);
            let inputs = psbt.unsigned_tx.input.iter_mut();
            inputs.for_each(|input| input.sequence = Sequence(sequence));
        });
        let validity = decoded(&key, locked).unwrap().intent.validity;
        validity.strip_suffix("; until one of its inputs is spent otherwise").unwrap().to_owned()
    };
    assert_eq!(validity(2, 800_000, 0xffff_fffe), "not before block 800000");
    assert_eq!(validity(2, 1_700_000_000, 0xffff_fffe), "not before 2023-11-14T22:13:20.000Z");
    assert_eq!(validity(2, 800_000, 0xffff_ffff), "from now on");
    let relative = "from now on, and not before the relative lock times of its inputs";
    assert_eq!(validity(2, 0, 5), relative);
    assert_eq!(validity(1, 0, 5), "from now on");
}

#[test]
fn harmless_notes_are_accepted() {
    let key = BitcoinKey::new(1);
    let own = internal_key(&key);
    let origin = (Vec::new(), (Default::default(), "m/86'/0'/0'/0/0".parse().unwrap()));
    let noted = edited(&key, |psbt| {
        psbt.inputs[0].tap_key_origins.insert(own, origin.clone());
        psbt.inputs[0].tap_internal_key = None;
        psbt.outputs[1].tap_key_origins.insert(own, origin);
        psbt.outputs[1].tap_internal_key = Some(own);
        psbt.outputs[0].redeem_script = Some(ScriptBuf::new());
    });
    let plain = decoded(&key, key.payment()).unwrap();
    assert_eq!(decoded(&key, noted).unwrap().signing_messages, plain.signing_messages);
}
