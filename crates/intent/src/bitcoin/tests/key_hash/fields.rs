//! Fields that do not go with an unsigned P2WPKH input, or contradict our own output.

use bitcoin::hashes::Hash;
use bitcoin::psbt::{Input, Output, PsbtSighashType};
use bitcoin::secp256k1::{PublicKey, Secp256k1, XOnlyPublicKey, schnorr};
use bitcoin::taproot::{LeafVersion, TapLeafHash, TapTree, TaprootBuilder};
use bitcoin::{EcdsaSighashType, ScriptBuf, TapSighashType, Witness, ecdsa, taproot};

use super::{decoded, edited, refusal_after};
use crate::bitcoin::{Place, PsbtError};
use crate::fixture::BitcoinKey;

type InputEdit = fn(&mut Input);
type OutputEdit = fn(&mut Output);

fn refused_fields(edits: &[(&'static str, InputEdit)]) {
    for (field, edit) in edits {
        let refused = refusal_after(|psbt| edit(&mut psbt.inputs[1]));
        assert_eq!(refused, PsbtError::Unexpected { place: Place::Input(1), field });
    }
}

fn own_point() -> PublicKey {
    PublicKey::from_slice(BitcoinKey::ecdsa(1).paying().group_verifying_key).unwrap()
}

fn other_point() -> PublicKey {
    PublicKey::from_slice(BitcoinKey::ecdsa(2).paying().group_verifying_key).unwrap()
}

fn x_only(point: PublicKey) -> XOnlyPublicKey {
    point.x_only_public_key().0
}

fn some_signature() -> taproot::Signature {
    let signature = schnorr::Signature::from_slice(&[1; 64]).unwrap();
    taproot::Signature { signature, sighash_type: TapSighashType::Default }
}

#[test]
fn fields_of_other_scripts_are_refused() {
    refused_fields(&[
        ("PSBT_IN_REDEEM_SCRIPT", |input| input.redeem_script = Some(ScriptBuf::new())),
        ("PSBT_IN_WITNESS_SCRIPT", |input| input.witness_script = Some(ScriptBuf::new())),
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
        ("PSBT_IN_BIP32_DERIVATION of another key", |input| {
            input.bip32_derivation.insert(own_point(), Default::default());
            input.bip32_derivation.insert(other_point(), Default::default());
        }),
    ]);
}

#[test]
fn signed_and_finalised_inputs_are_refused() {
    refused_fields(&[
        ("PSBT_IN_PARTIAL_SIG", |input| {
            let signature = bitcoin::secp256k1::ecdsa::Signature::from_compact(&[1; 64]).unwrap();
            input.partial_sigs.insert(own_point().into(), ecdsa::Signature::sighash_all(signature));
        }),
        ("PSBT_IN_FINAL_SCRIPTSIG", |input| input.final_script_sig = Some(ScriptBuf::new())),
        ("PSBT_IN_FINAL_SCRIPTWITNESS", |input| {
            input.final_script_witness = Some(Witness::p2tr_key_spend(&some_signature()));
        }),
    ]);
}

#[test]
fn fields_of_taproot_are_refused() {
    refused_fields(&[
        ("PSBT_IN_TAP_KEY_SIG", |input| input.tap_key_sig = Some(some_signature())),
        ("PSBT_IN_TAP_SCRIPT_SIG", |input| {
            let leaf = (x_only(own_point()), TapLeafHash::all_zeros());
            input.tap_script_sigs.insert(leaf, some_signature());
        }),
        ("PSBT_IN_TAP_LEAF_SCRIPT", |input| {
            let leaf = (ScriptBuf::new(), LeafVersion::TapScript);
            let tree = TaprootBuilder::new().add_leaf(0, ScriptBuf::new()).unwrap();
            let tree = tree.finalize(&Secp256k1::new(), x_only(own_point())).unwrap();
            input.tap_scripts.insert(tree.control_block(&leaf).unwrap(), leaf);
        }),
        ("PSBT_IN_TAP_INTERNAL_KEY", |input| input.tap_internal_key = Some(x_only(own_point()))),
        ("PSBT_IN_TAP_BIP32_DERIVATION", |input| {
            input.tap_key_origins.insert(x_only(own_point()), Default::default());
        }),
        ("PSBT_IN_TAP_MERKLE_ROOT", |input| input.tap_merkle_root = Some(Hash::all_zeros())),
    ]);
}

#[test]
fn notes_that_contradict_our_own_output_are_refused() {
    let tree = |output: &mut Output| {
        let builder = TaprootBuilder::new().add_leaf(0, ScriptBuf::new()).unwrap();
        output.tap_tree = Some(TapTree::try_from(builder).unwrap());
    };
    let edits: [(&'static str, OutputEdit); 6] = [
        ("PSBT_OUT_REDEEM_SCRIPT", |output| output.redeem_script = Some(ScriptBuf::new())),
        ("PSBT_OUT_WITNESS_SCRIPT", |output| output.witness_script = Some(ScriptBuf::new())),
        ("PSBT_OUT_TAP_TREE", tree),
        ("PSBT_OUT_BIP32_DERIVATION of another key", |output| {
            output.bip32_derivation.insert(other_point(), Default::default());
        }),
        ("PSBT_OUT_TAP_INTERNAL_KEY", |output| {
            output.tap_internal_key = Some(x_only(own_point()));
        }),
        ("PSBT_OUT_TAP_BIP32_DERIVATION", |output| {
            output.tap_key_origins.insert(x_only(own_point()), Default::default());
        }),
    ];
    for (field, edit) in edits {
        let refused = refusal_after(|psbt| edit(&mut psbt.outputs[1]));
        assert_eq!(refused, PsbtError::Unexpected { place: Place::Output(1), field });
    }
}

#[test]
fn harmless_notes_are_accepted() {
    let key = BitcoinKey::ecdsa(1);
    let noted = edited(&key, |psbt| {
        let origin = (Default::default(), "m/84'/0'/0'/0/0".parse().unwrap());
        psbt.inputs[0].bip32_derivation.insert(own_point(), origin);
        psbt.outputs[1].bip32_derivation.insert(own_point(), Default::default());
        // The script alone says what another's output is.
        psbt.outputs[0].bip32_derivation.insert(other_point(), Default::default());
    });
    let plain = decoded(&key, key.payment()).unwrap();
    assert_eq!(decoded(&key, noted).unwrap().signing_messages, plain.signing_messages);
}

#[test]
fn only_the_sighash_type_all_is_signed() {
    // DEFAULT (0) is Taproot's alone.
    for sighash_type in [0, 2, 3, 0x81, 0x82, 0x83, 4, 0x101, 0xffff_ffff] {
        let refused = refusal_after(|psbt| {
            psbt.inputs[1].sighash_type = Some(PsbtSighashType::from_u32(sighash_type));
        });
        assert_eq!(refused, PsbtError::SighashType { input: 1, sighash_type });
    }
    let key = BitcoinKey::ecdsa(1);
    let all = edited(&key, |psbt| {
        psbt.inputs[1].sighash_type = Some(EcdsaSighashType::All.into());
    });
    let plain = decoded(&key, key.payment()).unwrap();
    assert_eq!(decoded(&key, all).unwrap().signing_messages, plain.signing_messages);
}
