//! P2WPKH outputs of an `ecdsa-secp256k1` key.

mod fields;
mod proofs;
mod signed;

use bitcoin::{Amount, Psbt};
use quorate_model::{Network, Scheme};

use super::{decoded, edited, version2_of};
use crate::bitcoin::{Owner, PsbtError};
use crate::fixture::{BitcoinKey, RECEIVER};
use crate::{DecodeError, PayingKey};

fn refusal(bytes: Vec<u8>) -> PsbtError {
    match decoded(&BitcoinKey::ecdsa(1), bytes) {
        Err(DecodeError::Bitcoin(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// Of the good payment after an edit.
fn refusal_after(edit: impl FnOnce(&mut Psbt)) -> PsbtError {
    refusal(edited(&BitcoinKey::ecdsa(1), edit))
}

/// BIP-84's test vectors: the first receiving key and its address.
#[test]
fn the_address_is_that_of_bip84() {
    let key = hex::decode("0330d54fd0dd420a6e5f8d3624f5f3482cae350f79d5f0753bf5beef9c2d91af3c");
    let paying = PayingKey {
        group_verifying_key: &key.unwrap(),
        scheme: Scheme::EcdsaSecp256k1,
        network: Network::Bitcoin,
    };
    let address = crate::address(paying).unwrap();
    assert_eq!(address.as_str(), "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu");
    let regtest = PayingKey { network: Network::BitcoinRegtest, ..paying };
    assert_eq!(
        crate::address(regtest).unwrap().as_str(),
        "bcrt1qcr8te4kr609gcawutmrza0j4xv80jy8zeqchgx"
    );
    for scheme in [Scheme::FrostEd25519, Scheme::FrostSecp256k1] {
        let refused = crate::address(PayingKey { scheme, ..paying });
        let (bytes, network) = (33, Network::Bitcoin);
        assert_eq!(refused, Err(DecodeError::Key { bytes, scheme, network }));
    }
}

#[test]
fn a_payment_is_effect_fee_and_change() {
    let key = BitcoinKey::ecdsa(1);
    let decoded = decoded(&key, key.payment()).unwrap();
    let intent = &decoded.intent;
    assert_eq!(intent.from, crate::address(key.paying()).unwrap());
    let [effect] = intent.effects.as_slice() else { panic!("{:?}", intent.effects) };
    assert_eq!(effect.destination.as_str(), RECEIVER);
    let change: Vec<_> = intent.change.iter().map(|change| change.base_units).collect();
    assert_eq!(change, [ruint::aliases::U256::from(19_500)]);
    assert_eq!(intent.fee.base_units, ruint::aliases::U256::from(500));
    assert!(decoded.signing_messages.iter().all(|message| message.len() == 32));
    let values: Vec<_> = decoded.claims.iter().map(|claim| claim.value.as_str()).collect();
    assert_eq!(values, ["70000 sat", "50000 sat"]);
}

#[test]
fn both_versions_mean_the_same() {
    let key = BitcoinKey::ecdsa(1);
    let version0 = decoded(&key, key.payment()).unwrap();
    let version2 = decoded(&key, version2_of(&key.payment())).unwrap();
    assert_eq!(version2.signing_messages, version0.signing_messages);
    assert_eq!(version2.intent.effects_digest(), version0.intent.effects_digest());
    assert_eq!(version2.claims, version0.claims);
}

/// The same group key, under the other scheme: another owner.
#[test]
fn inputs_of_the_other_form_are_refused() {
    let (ecdsa, taproot) = (BitcoinKey::ecdsa(1), BitcoinKey::new(1));
    let refused = |key: &BitcoinKey, other: &BitcoinKey| {
        let script = Owner::new(other.paying()).unwrap().script;
        let mixed = edited(key, |psbt| {
            let mut previous = other.previous(50_000, 0);
            previous.output[0].script_pubkey = script.clone();
            psbt.unsigned_tx.input[1].previous_output.txid = previous.compute_txid();
            psbt.unsigned_tx.input[1].previous_output.vout = 0;
            psbt.inputs[1].witness_utxo = Some(previous.output[0].clone());
            psbt.inputs[1].non_witness_utxo = Some(previous);
        });
        decoded(key, mixed).unwrap_err()
    };
    for (key, other) in [(&ecdsa, &taproot), (&taproot, &ecdsa)] {
        let address = crate::address(key.paying()).unwrap().to_string();
        assert_eq!(refused(key, other), PsbtError::NotOurs { input: 1, address }.into());
    }
    // And a whole PSBT of the other form.
    assert!(decoded(&ecdsa, taproot.payment()).is_err());
    assert!(decoded(&taproot, ecdsa.payment()).is_err());
}

#[test]
fn change_is_only_the_keys_own_script() {
    let (key, taproot) = (BitcoinKey::ecdsa(1), BitcoinKey::new(1));
    let own = Owner::new(taproot.paying()).unwrap();
    let elsewhere = edited(&key, |psbt| {
        psbt.unsigned_tx.output[1].script_pubkey = own.script.clone();
    });
    let intent = decoded(&key, elsewhere).unwrap().intent;
    assert_eq!(intent.change, []);
    assert_eq!(intent.effects[1].destination, own.address);
    assert_eq!(intent.effects[1].amount.base_units, ruint::aliases::U256::from(19_500));
    let all_fee = edited(&key, |psbt| {
        psbt.unsigned_tx.output[1].value = Amount::from_sat(0);
    });
    let fee = decoded(&key, all_fee).unwrap().intent.fee.base_units;
    assert_eq!(fee, ruint::aliases::U256::from(20_000));
}
