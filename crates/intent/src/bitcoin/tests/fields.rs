//! Fields that do not go with an unsigned key-path spend, or contradict our own output.

use bitcoin::hashes::Hash;
use bitcoin::psbt::Input;
use bitcoin::secp256k1::{Secp256k1, schnorr};
use bitcoin::taproot::{LeafVersion, TapLeafHash, TaprootBuilder};
use bitcoin::{ScriptBuf, TapSighashType, Witness, ecdsa, taproot};

use super::refusals::refusal_after;
use crate::bitcoin::{Place, PsbtError};
use crate::fixture::BitcoinKey;

type InputEdit = fn(&mut Input);

fn refused_fields(edits: &[(&'static str, InputEdit)]) {
    for (field, edit) in edits {
        let refused = refusal_after(|psbt| edit(&mut psbt.inputs[1]));
        assert_eq!(refused, PsbtError::Unexpected { place: Place::Input(1), field });
    }
}

#[test]
fn fields_of_other_scripts_are_refused() {
    refused_fields(&[
        ("PSBT_IN_PARTIAL_SIG", |input| {
            let signature = bitcoin::secp256k1::ecdsa::Signature::from_compact(&[1; 64]).unwrap();
            input.partial_sigs.insert(other_point(), ecdsa::Signature::sighash_all(signature));
        }),
        ("PSBT_IN_REDEEM_SCRIPT", |input| input.redeem_script = Some(ScriptBuf::new())),
        ("PSBT_IN_WITNESS_SCRIPT", |input| input.witness_script = Some(ScriptBuf::new())),
        ("PSBT_IN_BIP32_DERIVATION", |input| {
            input.bip32_derivation.insert(other_point().inner, Default::default());
        }),
        ("PSBT_IN_RIPEMD160", |input| {
            input.ripemd160_preimages.insert(Hash::hash(b"x"), b"x".to_vec());
        }),
        ("PSBT_IN_SHA256", |input| {
            input.sha256_preimages.insert(Hash::hash(b"x"), b"x".to_vec());
        }),
        ("PSBT_IN_HASH160", |input| {
            input.hash160_preimages.insert(Hash::hash(b"x"), b"x".to_vec());
        }),
        ("PSBT_IN_HASH256", |input| {
            input.hash256_preimages.insert(Hash::hash(b"x"), b"x".to_vec());
        }),
    ]);
}

#[test]
fn signed_and_finalised_inputs_are_refused() {
    refused_fields(&[
        ("PSBT_IN_FINAL_SCRIPTSIG", |input| input.final_script_sig = Some(ScriptBuf::new())),
        ("PSBT_IN_FINAL_SCRIPTWITNESS", |input| {
            input.final_script_witness = Some(Witness::p2tr_key_spend(&some_signature()));
        }),
        ("PSBT_IN_TAP_KEY_SIG", |input| input.tap_key_sig = Some(some_signature())),
        ("PSBT_IN_TAP_SCRIPT_SIG", |input| {
            let leaf = (other_point().inner.into(), TapLeafHash::all_zeros());
            input.tap_script_sigs.insert(leaf, some_signature());
        }),
    ]);
}

#[test]
fn script_paths_and_other_keys_are_refused() {
    let origin = "PSBT_IN_TAP_BIP32_DERIVATION of another key or of a script";
    refused_fields(&[
        ("PSBT_IN_TAP_LEAF_SCRIPT", |input| {
            let leaf = (ScriptBuf::new(), LeafVersion::TapScript);
            let tree = TaprootBuilder::new().add_leaf(0, ScriptBuf::new()).unwrap();
            let tree = tree.finalize(&Secp256k1::new(), other_point().inner.into()).unwrap();
            input.tap_scripts.insert(tree.control_block(&leaf).unwrap(), leaf);
        }),
        (origin, |input| {
            input.tap_key_origins.insert(other_point().inner.into(), Default::default());
        }),
        (origin, |input| {
            let leaves = vec![TapLeafHash::all_zeros()];
            let own = input.tap_internal_key.unwrap();
            input.tap_key_origins.insert(own, (leaves, Default::default()));
        }),
        ("PSBT_IN_TAP_MERKLE_ROOT", |input| input.tap_merkle_root = Some(Hash::all_zeros())),
    ]);
}

fn some_signature() -> taproot::Signature {
    let signature = schnorr::Signature::from_slice(&[1; 64]).unwrap();
    taproot::Signature { signature, sighash_type: TapSighashType::Default }
}

fn other_point() -> bitcoin::PublicKey {
    bitcoin::PublicKey::from_slice(BitcoinKey::new(2).paying().group_verifying_key).unwrap()
}

#[test]
fn notes_that_contradict_our_own_output_are_refused() {
    let tree = || {
        let builder = TaprootBuilder::new().add_leaf(0, ScriptBuf::new()).unwrap();
        taproot::TapTree::try_from(builder).unwrap()
    };
    let place = Place::Output(1);
    let redeem = refusal_after(|psbt| psbt.outputs[1].redeem_script = Some(ScriptBuf::new()));
    assert_eq!(redeem, PsbtError::Unexpected { place, field: "PSBT_OUT_REDEEM_SCRIPT" });
    let witness = refusal_after(|psbt| psbt.outputs[1].witness_script = Some(ScriptBuf::new()));
    assert_eq!(witness, PsbtError::Unexpected { place, field: "PSBT_OUT_WITNESS_SCRIPT" });
    let hidden = refusal_after(|psbt| psbt.outputs[1].tap_tree = Some(tree()));
    assert_eq!(hidden, PsbtError::Unexpected { place, field: "PSBT_OUT_TAP_TREE" });
}
